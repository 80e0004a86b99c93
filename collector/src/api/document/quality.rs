//! The operation on what agents told of their own measuring.

use serde_json::json;
use uphold_common::ids::Id;
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{Object, Type};

use super::schemas;
use super::told::Told;
use crate::engine::quality::{PAGE_DEFAULT, PAGE_MAX};
use crate::quality::model::FactList;

pub(super) fn facts() -> Told {
    let limit = Object::builder()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(PAGE_MAX))
        .default(Some(json!(PAGE_DEFAULT)));
    let after = Object::builder().schema_type(Type::String).pattern(Some("^([0-9A-Fa-f]{2}){34,}$"));
    Told::get(
        "/api/v1/agents/{name}/facts",
        "Read what an agent told of its own measuring",
        "When it began and ended, what it lost, how far its clock was off: on record batch by batch, the newest first. A page \
         that is not the last says in the header `Link` where the next is.",
    )
    .named("name", Ref::from_schema_name(Id::name()), "The agent.")
    .asked("from", schemas::instant_asked(), "Of batches that the agent closed then or later.")
    .asked("to", schemas::instant_asked(), "Of batches that it closed before.")
    .asked("limit", limit, "Of at most how many batches.")
    .asked("after", after, "What `next` of the page before says.")
    .answers_json::<FactList>(200, "What it told.")
    .with_header(200, "Link", "Where the next page is, with `rel=\"next\"`; not there after the last.")
    .refuses(404, "`no-such-agent`: no version of the catalogue assigned anything to this name.")
    .may_fail()
}
