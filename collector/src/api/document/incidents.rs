//! The operations on incidents: what is listed, what is read, and everything that people do.

use serde_json::json;
use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{Object, Type};

use super::operations::NO_ROOM;
use super::schemas;
use super::told::Told;
use crate::api::said::{
    Acknowledgement, Assigning, Closing, Commented, Declaration, Filing, Linking, Receipt, Reopening, Resolving,
    Unlinking,
};
use crate::incident::act::text::WHO_CHARS_MAX;
use crate::incident::list::{IncidentHistory, IncidentList, LIST_DEFAULT, LIST_MAX, Wanted};
use crate::incident::model::{Category, Incident};

/// How a path calls an incident.
const CALLED: &str = "The incident, such as `INC-7` or `7`, or by its id.";

/// All of them.
pub(super) fn all() -> Vec<Told> {
    let mut told = vec![
        list(),
        Told::get(
            "/api/v1/incidents/{number}",
            "Read an incident",
            "One incident with everything that happened to it.",
        )
        .named("number", schemas::called(), CALLED)
        .answers_json::<IncidentHistory>(200, "The incident.")
        .refuses(404, "`no-such-incident`: there is none of this number that is open or recent.")
        .may_fail(),
    ];
    told.extend(life());
    told.extend(beside());
    told.extend(majors());
    told
}

fn list() -> Told {
    let word = |all: Vec<&'static str>| Object::builder().schema_type(Type::String).enum_values(Some(all));
    let id = || Ref::from_schema_name(Id::name());
    let states = word(Wanted::WORDS.map(|(word, _)| word).to_vec()).default(Some(json!("open")));
    let limit = Object::builder()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(LIST_MAX))
        .default(Some(json!(LIST_DEFAULT)));
    let name = Object::builder().schema_type(Type::String).min_length(Some(1)).max_length(Some(WHO_CHARS_MAX));
    Told::get(
        "/api/v1/incidents",
        "List the incidents",
        "Newest first, as they stand now: those that are open, and of the resolved ones the newest 5,000. A page may have fewer \
         than `limit` and still not be the last; the header `Link` says where the next is.",
    )
    .asked("state", states, "Those that stand so; `open` whether or not somebody has taken them on.")
    .asked("priority", word(Priority::ALL.map(Priority::as_str).to_vec()), "Those of this priority.")
    .asked("cause", word(Cause::ALL.map(Cause::as_str).to_vec()), "Those opened because of this.")
    .asked("category", word(Category::ALL.map(Category::as_str).to_vec()), "Those of this kind of trouble.")
    .asked("service", id(), "Those about this service, or affecting it.")
    .asked("customer", id(), "Those of this customer.")
    .asked("assignee", name, "Those given to this very name.")
    .asked("since", schemas::instant_asked(), "Those that were not over before this.")
    .asked("until", schemas::instant_asked(), "Those that began before this.")
    .asked("problem", schemas::problem_number(), "Those of this problem.")
    .asked("quiet", schemas::yes_or_no(), "Those that began in maintenance, of which nobody was told, or the others.")
    .asked("major", schemas::yes_or_no(), "The major ones, or the others.")
    .asked("after", schemas::number(), "What `next` of the page before says.")
    .asked("limit", limit, "At most how many.")
    .answers_json::<IncidentList>(200, "The incidents.")
    .with_header(200, "Link", "Where the next page is, with `rel=\"next\"`; not there after the last.")
}

/// Where it stands.
fn life() -> Vec<Told> {
    vec![
        act::<Acknowledgement>(
            "/api/v1/incidents/{number}/acknowledge",
            "Acknowledge an incident",
            "Says «I have it»: once, by one, while it is open.",
        )
        .refuses(409, "`already-acknowledged`, `already-resolved`: it cannot be acknowledged any more.")
        .refuses(422, BAD_COMMENT),
        act::<Resolving>(
            "/api/v1/incidents/{number}/resolve",
            "Resolve an incident by hand",
            "Says that it is over, although the figures may not: what goes on is no other incident then.",
        )
        .refuses(409, "`already-resolved`, `already-closed`: it is over.")
        .refuses(422, BAD_COMMENT)
        .refuses(422, "`unsound-end`: it is no instant, lies before the beginning, or in the future."),
        act::<Closing>(
            "/api/v1/incidents/{number}/close",
            "Close an incident",
            "Says that nothing more is to be done about it. It is never opened again: what comes again is another incident.",
        )
        .refuses(409, "`not-resolved`, `already-closed`, `review-missing`: it cannot be closed yet, or any more.")
        .refuses(422, BAD_COMMENT),
        act::<Reopening>(
            "/api/v1/incidents/{number}/reopen",
            "Open an incident again",
            "Says that it is not over, although it was resolved; from then on only people resolve it.",
        )
        .refuses(409, "`not-resolved`, `already-closed`, `another-open`: it cannot be opened again.")
        .refuses(422, BAD_COMMENT),
    ]
}

/// What is said of it.
fn beside() -> Vec<Told> {
    vec![
        act::<Commented>(
            "/api/v1/incidents/{number}/comments",
            "Comment on an incident",
            "Says something about it, also when it is resolved or closed.",
        )
        .refuses(422, BAD_COMMENT),
        act::<Assigning>(
            "/api/v1/incidents/{number}/assign",
            "Assign an incident",
            "Gives it to somebody, whose name is text: nobody is looked up.",
        )
        .refuses(409, "`already-assigned`, `already-closed`: it is theirs, or nothing is to be done about it.")
        .refuses(422, "`unsound-name`: the name has no characters, too many, or control characters."),
        act::<Linking>(
            "/api/v1/incidents/{number}/links",
            "Link an incident",
            "Connects it with its parent, a problem, a change, a ticket or evidence. A parent is an incident that is open or \
             recent, and no incident becomes part of itself. A problem such as `PRB-2` is on record and not closed, and the \
             incident is its from then on; an incident belongs to one such problem at most.",
        )
        .refuses(409, "`no-such-parent`, `part-of-itself`, `already-linked`, `too-many-links`: it is not connected so.")
        .refuses(409, "`no-such-problem`, `incident-taken`, `problem-closed`, `problem-full`: it is not of that problem.")
        .refuses(422, BAD_LINK),
        act::<Unlinking>(
            "/api/v1/incidents/{number}/unlink",
            "Take a link back",
            "Says that it is not connected like that after all. What was found to be of a problem is taken out of it like \
             that, and is not found to be its again.",
        )
        .refuses(409, "`not-linked`: it has no such link.")
        .refuses(422, BAD_LINK),
    ]
}

fn majors() -> Vec<Told> {
    vec![
        act::<Declaration>(
            "/api/v1/incidents/{number}/major",
            "Declare a major incident",
            "Somebody answers for it from then on, and it is not closed before its review is filed.",
        )
        .refuses(409, "`already-major`, `already-closed`: it is one, or nothing is to be done about it.")
        .refuses(422, BAD_COMMENT)
        .refuses(422, "`unsound-name`: the name has no characters, too many, or control characters."),
        act::<Receipt>(
            "/api/v1/incidents/{number}/notice",
            "Say that the management has the notice",
            "Of a major incident, once.",
        )
        .refuses(409, "`not-major`, `already-received`: there is no notice, or it was received."),
        act::<Filing>(
            "/api/v1/incidents/{number}/review",
            "File the review of a major incident",
            "Once, when it is resolved; it can be closed then.",
        )
        .refuses(409, "`not-major`, `not-resolved`, `already-reviewed`: there is nothing to review yet, or any more.")
        .refuses(422, "`unsound-review`: the text has no characters, too many bytes, or control characters."),
    ]
}

const BAD_LINK: &str = "`unsound-link`: it is no name on one line, nor an address of http or https without a password.";
const BAD_COMMENT: &str = "`unsound-comment`: the text has no characters, too many bytes, or control characters.";

fn act<T: ToSchema>(path: &'static str, summary: &'static str, description: &'static str) -> Told {
    Told::post(path, summary, description)
        .named("number", schemas::called(), CALLED)
        .takes_json::<T>()
        .answers_json::<Incident>(200, "The incident, with one event more.")
        .refuses(404, "`no-such-incident`: there is none of this number that is open or recent.")
        .refuses(409, "`changed-meanwhile`: it has another number of events than was expected, as the detail says.")
        .refuses(409, "`too-many-events`: its history is full.")
        .refuses(503, NO_ROOM)
        .may_fail()
}
