//! The operations on problems.

use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, Type};

use super::operations::NO_ROOM;
use super::schemas;
use super::told::Told;
use crate::api::problems::{CloseAsked, FixAsked, KnownErrorAsked, ProblemAsked};
use crate::problem::model::ProblemState;
use crate::problem::pareto::{By, Pareto, Rank};
use crate::problem::view::{LIST_DEFAULT, LIST_MAX, ProblemHistory, ProblemList, ProblemView};

/// All of them.
pub(super) fn all() -> Vec<Told> {
    let word = |all: Vec<&'static str>| Object::builder().schema_type(Type::String).enum_values(Some(all));
    let by = word(By::ALL.map(By::as_str).to_vec()).default(Some(json!("service")));
    let rank = word(Rank::ALL.map(Rank::as_str).to_vec()).default(Some(json!("minutes")));
    vec![
        list(),
        Told::post(
            "/api/v1/problems",
            "Open a problem",
            "It is about what the first of its incidents is about, and takes up what comes later and is about the same.",
        )
        .takes_json::<ProblemAsked>()
        .answers_json::<ProblemView>(200, "The problem.")
        .refuses(404, "`no-such-incident`: there is none of this number that is open or recent.")
        .refuses(409, "`incident-taken`, `problem-known`: an incident belongs to another, or one is about the same.")
        .refuses(409, "`too-many-problems`: no more fit on record.")
        .refuses(422, "`unsound-problem`: title or incidents are not what they must be.")
        .refuses(503, NO_ROOM)
        .may_fail(),
        Told::get(
            "/api/v1/problems/pareto",
            "Read what costs most",
            "Which services, causes or components had most incidents, or the longest. Incidents of one service that hold at \
             the same time count their time once.",
        )
        .asked("by", by, "By what incidents are put together.")
        .asked("rank", rank, "What comes first.")
        .asked("from", schemas::instant_asked(), "From this instant on; without it, from 30 days before the end.")
        .asked("to", schemas::instant_asked(), "Up to this instant; without it, the newest snapshot's.")
        .answers_json::<Pareto>(200, "What costs most."),
        Told::get("/api/v1/problems/{number}", "Read a problem", "One problem with everything that happened to it.")
            .named("number", schemas::problem_number(), "The problem, such as `PRB-2` or `2`.")
            .answers_json::<ProblemHistory>(200, "The problem.")
            .refuses(404, "`no-such-problem`: there is none of this number.")
            .may_fail(),
        act::<KnownErrorAsked>(
            "/api/v1/problems/{number}/known-error",
            "Say what lies behind a problem",
            "And what helps until it is fixed, which is shown on every incident that is about the same. A fix that was said \
             before is taken back: it was none.",
        ),
        act::<FixAsked>(
            "/api/v1/problems/{number}/fix",
            "Say what ends a problem",
            "Whether it came back is counted from then on.",
        ),
        act::<CloseAsked>(
            "/api/v1/problems/{number}/close",
            "Close a problem",
            "Nothing more is to be done about it; what comes again later is another problem.",
        ),
    ]
}

fn list() -> Told {
    let states = ProblemState::ALL.map(ProblemState::as_str).to_vec();
    let states = Object::builder().schema_type(Type::String).enum_values(Some(states));
    let limit = Object::builder()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(LIST_MAX))
        .default(Some(json!(LIST_DEFAULT)));
    Told::get(
        "/api/v1/problems",
        "List the problems",
        "Newest first. A page may have fewer than `limit` and still not be the last; the header `Link` says where the next \
         is.",
    )
    .asked("state", states, "Only those that stand so.")
    .asked("after", schemas::problem_number(), "What `next` of the page before says.")
    .asked("limit", limit, "At most how many.")
    .answers_json::<ProblemList>(200, "The problems.")
    .with_header(200, "Link", "Where the next page is, with `rel=\"next\"`; not there after the last.")
}

fn act<T: ToSchema>(path: &'static str, summary: &'static str, description: &'static str) -> Told {
    Told::post(path, summary, description)
        .named("number", schemas::problem_number(), "The problem, such as `PRB-2` or `2`.")
        .takes_json::<T>()
        .answers_json::<ProblemView>(200, "The problem as it stands then.")
        .refuses(404, "`no-such-problem`: there is none of this number.")
        .refuses(409, "`already-said`, `problem-closed`, `too-many-events`: the same stands there, or nothing can be done about it any more.")
        .refuses(422, "`unsound-problem`: a text or an instant is not what it must be.")
        .refuses(503, NO_ROOM)
        .may_fail()
}
