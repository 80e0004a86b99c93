//! The operations on governed records, of all three sorts alike.

use serde_json::json;
use uphold_common::governed::dated::{DatedAsked, Happening};
use uphold_common::governed::exclusion::ExclusionAsked;
use uphold_common::governed::maintenance::MaintenanceAsked;
use uphold_common::ids::Id;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{Object, Type};
use utoipa::{PartialSchema as _, ToSchema};

use super::operations::NO_ROOM;
use super::schemas;
use super::told::Told;
use crate::api::governed::{DatedList, ExclusionList, MaintenanceList, Revoked};
use crate::governed::list::{LIST_DEFAULT, LIST_MAX};
use crate::governed::view::{DatedView, ExclusionView, MaintenanceView};

/// The words in which a sort is told.
struct Words {
    path: &'static str,
    one: &'static str,
    revoke: &'static str,
    list: [&'static str; 2],
    show: [&'static str; 2],
    add: [&'static str; 2],
    revokes: [&'static str; 2],
    standings: &'static [&'static str],
}

const MAINTENANCE: Words = Words {
    path: "/api/v1/maintenances",
    one: "/api/v1/maintenances/{id}",
    revoke: "/api/v1/maintenances/{id}/revoke",
    list: ["List planned maintenance", "The latest start first; without `standing`, all but the revoked."],
    show: [
        "Read one maintenance",
        "With everything on record about it, and the services that are built on those it names.",
    ],
    add: [
        "Put planned maintenance on record",
        "The same again, under the same id, is answered with what is on record and not counted again. Only an approver or \
         an administrator may say that it was announced before now.",
    ],
    revokes: ["Revoke maintenance", "It is as if it had never been, and stays on record; its id stays taken."],
    standings: &["planned", "running", "over", "revoked"],
};

const EXCLUSION: Words = Words {
    path: "/api/v1/exclusions",
    one: "/api/v1/exclusions/{id}",
    revoke: "/api/v1/exclusions/{id}/revoke",
    list: ["List exclusions", "The latest start first; without `standing`, all but the revoked ones."],
    show: ["Read an exclusion", "With everything on record about it."],
    add: [
        "Put an exclusion on record",
        "Time that was agreed not to count. The same again, under the same id, is answered with what is on record.",
    ],
    revokes: ["Revoke an exclusion", "It is as if it had never been, and stays on record; its id stays taken."],
    standings: &["in_force", "revoked"],
};

const DATED: Words = Words {
    path: "/api/v1/records",
    one: "/api/v1/records/{id}",
    revoke: "/api/v1/records/{id}/revoke",
    list: ["List dated records", "The latest first; without `standing`, all but the revoked ones."],
    show: ["Read a dated record", "With everything on record about it."],
    add: [
        "Put a dated record on record",
        "A review, an exercise of continuity, a deployment, an improvement, or complaints. Its `kind` says which keys it \
         has. The same again, under the same id, is answered with what is on record.",
    ],
    revokes: ["Revoke a dated record", "It is as if it had never been, and stays on record; its id stays taken."],
    standings: &["in_force", "revoked"],
};

/// All of them.
pub(super) fn all() -> Vec<Told> {
    let mut told = of_sort::<MaintenanceAsked, MaintenanceView, MaintenanceList>(&MAINTENANCE, false);
    told.push(
        Told::get(
            "/api/v1/maintenances.ics",
            "Read planned maintenance as a calendar",
            "An iCalendar of what took place in the last 92 days and of the next 400, the revoked as cancelled.",
        )
        .answers(200, "text/calendar", String::schema(), "The calendar."),
    );
    told.extend(of_sort::<ExclusionAsked, ExclusionView, ExclusionList>(&EXCLUSION, false));
    told.extend(of_sort::<DatedAsked, DatedView, DatedList>(&DATED, true));
    told
}

fn of_sort<Asked: ToSchema, View: ToSchema, List: ToSchema>(words: &Words, has_kinds: bool) -> Vec<Told> {
    let id = || Ref::from_schema_name(Id::name());
    let limit = Object::builder()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(LIST_MAX))
        .default(Some(json!(LIST_DEFAULT)));
    let word =
        |all: &[&'static str]| Object::builder().schema_type(Type::String).enum_values(Some(all.to_vec())).build();
    let [summary, says] = words.list;
    let mut list = Told::get(words.path, summary, says)
        .asked("service", id(), "Only those of this service, or of all.")
        .asked("standing", word(words.standings), "Only those that stand so.");
    if has_kinds {
        list = list.asked("kind", word(&Happening::WORDS), "Only those of this kind.");
    }
    let list = list
        .asked("from", schemas::instant_asked(), "Only those that have an instant at or after this.")
        .asked("to", schemas::instant_asked(), "Only those that have an instant before this.")
        .asked("limit", limit, "At most how many.")
        .answers_json::<List>(200, "The records.");
    let [summary, says] = words.show;
    let show = Told::get(words.one, summary, says)
        .named("id", id(), "The record.")
        .answers_json::<View>(200, "The record.")
        .refuses(404, "`no-such-record`: there is none of this id.");
    let [summary, says] = words.add;
    let add = Told::post(words.path, summary, says)
        .takes_json::<Asked>()
        .answers_json::<View>(200, "The same was on record before.")
        .answers_json::<View>(201, "It is on record.")
        .refuses(403, "`not-allowed`: only an approver may say that it was announced before now.")
        .refuses(409, "`id-taken`: the id was given before, to a record that says something else or was revoked.")
        .refuses(409, "`too-many-records`: no more fit on record.")
        .refuses(422, "`unsound-record`: it is not what it must be; the detail names every key.")
        .refuses(503, NO_ROOM)
        .may_fail();
    let [summary, says] = words.revokes;
    let revoke = Told::post(words.revoke, summary, says)
        .named("id", id(), "The record.")
        .takes_json::<Revoked>()
        .answers_json::<View>(200, "The record, revoked.")
        .refuses(404, "`no-such-record`: there is none of this id.")
        .refuses(409, "`already-revoked`: it was revoked before.")
        .refuses(422, "`unsound-record`: the reason has no characters, too many bytes, or control characters.")
        .refuses(503, NO_ROOM)
        .may_fail();
    vec![list, add, show, revoke]
}
