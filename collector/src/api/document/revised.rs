//! The operation on revisions of closed windows.

use serde_json::json;
use uphold_common::ids::{Id, PathId};
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{Object, Type};

use super::schemas;
use super::told::Told;
use crate::engine::revised::{PAGE_DEFAULT, PAGE_MAX, RevisionList};

pub(super) fn revisions() -> Told {
    let limit = Object::builder()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(PAGE_MAX))
        .default(Some(json!(PAGE_DEFAULT)));
    let kinds = ["day", "week", "month", "quarter", "year"];
    let window = Object::builder().schema_type(Type::String).enum_values(Some(kinds));
    let after = Object::builder().schema_type(Type::String).pattern(Some("^([0-9A-Fa-f]{2}){17,}$"));
    Told::get(
        "/api/v1/services/{id}/revisions",
        "Read the revisions of a service's closed windows",
        "The figures of a window are issued once it has settled, and again whenever they change afterwards, with what \
         changed and why. In order of their targets; of a target the newest window comes first, of a window the newest \
         revision. A page may have fewer than `limit` and still not be the last; the header `Link` says where the next is.",
    )
    .named("id", Ref::from_schema_name(Id::name()), "The service.")
    .asked("target", Ref::from_schema_name(PathId::name()), "Of this target alone.")
    .asked("window", window, "Of windows of this kind alone.")
    .asked("at", schemas::instant_asked(), "Of the windows that hold this instant alone.")
    .asked("limit", limit, "At most how many.")
    .asked("after", after, "What `next` of the page before says.")
    .answers_json::<RevisionList>(200, "The revisions.")
    .with_header(200, "Link", "Where the next page is, with `rel=\"next\"`; not there after the last.")
    .refuses(404, "`no-such-service`, `no-such-target`: there is none of this name, and none was revised.")
    .may_fail()
}
