//! Each operation: what it takes, what it answers, why it refuses.

use axum::http::Method;
use serde_json::json;
use uphold_common::explain::document::Explanation;
use uphold_common::ids::{Id, PathId};
use uphold_common::wire::assignment::Assignment;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, PushAnswer};
use utoipa::openapi::schema::{Array, KnownFormat, Object, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::told::Told;
use super::{beside, deliveries, governed, incidents, problems, quality, revised, schemas};
use crate::api::catalogue::CameOf;
use crate::api::discovery::Group;
use crate::api::imports::{Begun, IMPORT_CONTENT_TYPE};
use crate::api::lists::ServiceList;
use crate::api::rows::{LINES_CONTENT_TYPE, StreamList};
use crate::api::tokens::{DEEDS_DEFAULT, Wanted, Whoami};
use crate::engine::compaction::Compaction;
use crate::engine::import::{ImportTaken, ImportTerms};
use crate::engine::restate::VersionList;
use crate::identity::keeper::DEEDS_READ_MAX;
use crate::identity::view::{DeedList, TokenGiven, TokenList, TokenView};
use crate::inforce::Restatement;

/// Why a change is refused that can wait.
pub(super) const NO_ROOM: &str = "`disk-reserve`: the disk has less free than the last reserve.";

/// All of them.
pub(super) fn all() -> Vec<Told> {
    [
        agents(),
        services(),
        beside::figures(),
        incidents::all(),
        problems::all(),
        deliveries::all(),
        governed::all(),
        tokens(),
        versions(),
        imports(),
        history(),
        store(),
        supervision(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn agents() -> Vec<Told> {
    let bytes = SchemaFormat::KnownFormat(KnownFormat::Binary);
    let frame = Object::builder().schema_type(Type::String).format(Some(bytes));
    vec![
        Told::post(
            "/api/v1/push",
            "Push a batch of observations",
            "A batch travels in a frame with magic, version and checksum. It is taken whole or refused whole, and \
             acknowledged once it is durable. The same batch again is acknowledged again and not counted again.",
        )
        .takes(PUSH_CONTENT_TYPE, frame)
        .answers_json::<PushAnswer>(200, "The batch is durable.")
        .refuses(400, "`unsound-push`: the body is no sound push.")
        .refuses(403, "`wrong-agent`: the token is another agent's.")
        .refuses(409, "`key-conflict`: another batch has arrived under its key.")
        .refuses(415, "`unknown-version`: it is of a wire version that this collector does not read.")
        .refuses(422, "`unsound-batch`, `key-mismatch`, `no-seq`, `too-old`, `not-assigned`: the batch is not taken.")
        .refuses(425, "`too-early`: it lies in the future, so a clock is wrong.")
        .refuses(503, "`too-many-streams`, `too-many-agents`: a bound is reached that people can move.")
        .refuses(503, "`head-full`: as much waits in memory to be sealed as may.")
        .refuses(503, "`disk-reserve`: the disk has less free than is kept free."),
        Told::get(
            "/api/v1/agents/{name}/assignment",
            "Read what an agent is to observe",
            "An agent that the catalogue does not name has nothing to observe. An agent's token reads its own only.",
        )
        .named("name", reference::<Id>(), "The agent.")
        .headed("If-None-Match", "The `ETag` of the assignment that is held already.")
        .headed("Prefer", "`wait=25`: answer an assignment that is held only once it is another, or after so many seconds, at most 25. A quarter of the connections may wait; others are answered at once.")
        .answers_json::<Assignment>(200, "The assignment.")
        .with_header(200, "ETag", "Stands for this very assignment.")
        .with_header(200, "uphold-store", "Which store the collector has.")
        .answers_nothing(304, "The assignment that is held is still the right one.")
        .with_header(304, "ETag", "Stands for the assignment that is held.")
        .with_header(304, "uphold-store", "Which store the collector has.")
        .refuses(403, "`not-allowed`: the token is another agent's.")
        .may_fail(),
        quality::facts(),
    ]
}

fn services() -> Vec<Told> {
    vec![
        Told::get("/api/v1/services", "List the services and their states", "As of the newest snapshot.")
            .answers_json::<ServiceList>(200, "The services, in order of their ids."),
        Told::get(
            "/api/v1/services/{id}/figures",
            "Read the figures of a service",
            "What was pushed is in the figures from the next tick on. An agent's token reads the figures of the \
             services that the agent observes.",
        )
        .named("id", reference::<Id>(), "The service.")
        .over("Over which window; without it, each target's own.")
        .asked("timelines", schemas::yes_or_no(), "`true` for the timelines that the figures were taken from as well.")
        .answers(200, "application/json", schemas::figures(), "The figures.")
        .refuses(400, "`in-the-future`: an instant that was asked for has not come yet.")
        .refuses(403, "`not-allowed`: the token is of an agent that does not observe the service.")
        .refuses(404, "`no-such-service`: there is none of this name.")
        .refuses(503, "`deriving`: so much history has to be read for it that it is done a part at a time; ask again.")
        .may_fail(),
        explanation(),
        revised::revisions(),
    ]
}

fn explanation() -> Told {
    Told::get(
        "/api/v1/services/{id}/explanation",
        "Read what a figure is made of",
        "The stretches of time of one figure of a target, with the probes, vantage points and observations behind them, \
         and the maintenance and exclusions that were applied; of a response time its observations, of a capacity its \
         readings. What is listed adds up to the figure. Long lists are cut, and say what was left out.",
    )
    .named("id", reference::<Id>(), "The service.")
    .needs("target", reference::<PathId>(), "The target, such as `shop-sla/availability`.")
    .asked("figure", schemas::which_figure(), "Which of the three figures of an availability.")
    .over("Over which window; without it, the target's own.")
    .answers_json::<Explanation>(200, "What the figure is made of.")
    .refuses(400, "`in-the-future`: an instant that was asked for has not come yet.")
    .refuses(404, "`no-such-service`, `no-such-target`: there is none of this name.")
    .may_fail()
}

fn tokens() -> Vec<Told> {
    let limit = Object::builder()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(DEEDS_READ_MAX))
        .default(Some(json!(DEEDS_DEFAULT)));
    vec![
        Told::get("/api/v1/whoami", "Ask who one is", "What the collector makes of the token that was sent.")
            .answers_json::<Whoami>(200, "Who one is."),
        Told::get(
            "/api/v1/tokens",
            "List the tokens",
            "All that were ever given, in order of their names, without their secrets.",
        )
        .answers_json::<TokenList>(200, "The tokens."),
        Told::post("/api/v1/tokens", "Add a token", "The answer holds its secret, which is never shown again.")
            .takes_json::<Wanted>()
            .answers_json::<TokenGiven>(201, "The token, with its secret.")
            .refuses(409, "`name-taken`, `too-many-tokens`: there is one of this name, or no room for another.")
            .refuses(422, "`unsound-token`: role, agent and end do not make a token.")
            .refuses(503, NO_ROOM)
            .may_fail(),
        Told::new(
            Method::DELETE,
            "/api/v1/tokens/{name}",
            "Revoke a token",
            "It is good for nothing from now on; its name stays taken.",
        )
        .named("name", reference::<Id>(), "The token.")
        .answers_json::<TokenView>(200, "The token, revoked.")
        .refuses(404, "`no-such-token`: there is none of this name.")
        .refuses(409, "`already-revoked`: it was revoked before.")
        .may_fail(),
        Told::get("/api/v1/deeds", "Read who did what", "Newest first.")
            .asked("limit", limit, "At most how many.")
            .answers_json::<DeedList>(200, "The deeds.")
            .may_fail(),
    ]
}

fn versions() -> Vec<Told> {
    vec![
        Told::get(
            "/api/v1/catalogue/versions",
            "List the versions of the catalogue",
            "Each instant is measured by the version in force at it: of those that hold, the one with the highest number.",
        )
        .answers_json::<VersionList>(200, "The versions, the newest first.")
        .may_fail(),
        Told::post(
            "/api/v1/catalogue/restatements",
            "Restate the catalogue",
            "Takes up the catalogue's files as they are, although they change what was promised in the past, from their \
             `effective_from` on. Without one a change of the files is refused if it changes the past.",
        )
        .takes_json::<Restatement>()
        .answers_json::<CameOf>(200, "The files say what is in force.")
        .answers_json::<CameOf>(201, "They are in force as a new version.")
        .refuses(422, "`unsound-restatement`: the texts or the files are not sound, or nothing is left to measure anew.")
        .refuses(503, NO_ROOM)
        .may_fail(),
    ]
}

fn imports() -> Vec<Told> {
    let bytes = SchemaFormat::KnownFormat(KnownFormat::Binary);
    let frame = Object::builder().schema_type(Type::String).format(Some(bytes));
    vec![
        Told::post(
            "/api/v1/imports",
            "Begin an import",
            "Puts on record who imports history out of what, and tells what its batches have to keep to. Batches are taken \
             for ten minutes after that, and after each of them; then it is begun anew.",
        )
        .takes_json::<Begun>()
        .answers_json::<ImportTerms>(201, "It is begun.")
        .refuses(422, "`unsound-import`: what it comes from is empty, too long, or has control characters.")
        .refuses(503, NO_ROOM)
        .may_fail(),
        Told::post(
            "/api/v1/imports/batches",
            "Bring a batch of an import",
            "A batch is framed like an agent's, under the epoch of imports, `7570686f6c642d696d706f7274000000`. It is taken \
             whole or refused whole. The same rows again are settled, so that nothing counts twice.",
        )
        .takes(IMPORT_CONTENT_TYPE, frame)
        .answers_json::<ImportTaken>(200, "The batch is durable.")
        .refuses(409, "`no-import`: none was begun, or none that goes on.")
        .refuses(415, "`unknown-version`: it is of a wire version that this collector does not read.")
        .refuses(422, "`unsound-batch`, `no-seq`, `too-old`, `not-assigned`: the batch is not taken.")
        .refuses(425, "`too-early`: it lies in the future.")
        .refuses(503, "`too-many-streams`: a bound is reached that people can move.")
        .refuses(503, "`head-full`: as much waits in memory to be sealed as may.")
        .refuses(503, "`disk-reserve`: the disk has less free than is kept free.")
        .may_fail(),
        Told::post(
            "/api/v1/imports/end",
            "End an import",
            "Nothing more of it comes. With the last import that was begun none is under way any more: what is old is forgotten \
             again, and revisions of closed windows are issued. One that is not ended is over ten minutes after its last batch.",
        )
        .answers_nothing(204, "It is ended."),
    ]
}

fn history() -> Vec<Told> {
    vec![
        Told::get(
            "/api/v1/streams",
            "List the streams",
            "Everything of which there ever were rows: probes as agents saw them, resources, flows.",
        )
        .answers_json::<StreamList>(200, "The streams, in order.")
        .may_fail(),
        Told::get(
            "/api/v1/rows",
            "Read the rows of a stream",
            "As they are kept, sorted, one a line, in the form in which `uphold-collector import` takes them. A page has at \
             most 100,000 rows, out of 31 days at most, and may have none; the header `Link` says where the next one is. \
             Exactly one of `probe`, `resource` and `flow` is asked for, as of `/api/v1/rollups`.",
        )
        .asked("probe", reference::<PathId>(), "The probe in its service.")
        .asked("agent", reference::<Id>(), "The agent, which goes with `probe`.")
        .asked("host", reference::<Id>(), "The host, which goes with `resource` and `flow`.")
        .asked("resource", schemas::resource(), "The resource.")
        .asked("flow", schemas::flow(), "The flow.")
        .asked("of", schemas::which(), "Where the file system is mounted, or through which interface it flows.")
        .asked("from", schemas::instant_asked(), "From this instant on; without it, from the first row.")
        .asked("to", schemas::instant_asked(), "To just before this one; without it, to the last row.")
        .answers(200, LINES_CONTENT_TYPE, Object::builder().schema_type(Type::String), "The rows, a line each.")
        .with_header(200, "Link", "Where the next page is, with `rel=\"next\"`; not there after the last.")
        .may_fail(),
    ]
}

fn store() -> Vec<Told> {
    vec![
        Told::get(
            "/api/v1/store/compaction",
            "Read how far the compaction of the store has come",
            "What waits to be sealed and merged, whether a compaction is under way or not.",
        )
        .answers_json::<Compaction>(200, "What waits."),
        Told::post(
            "/api/v1/store/compaction",
            "Have the store compacted",
            "Seals and merges everything that has arrived, in small steps between pushes. One that is under way goes on.",
        )
        .answers_json::<Compaction>(202, "It is under way.")
        .refuses(503, NO_ROOM)
        .may_fail(),
    ]
}

fn supervision() -> Vec<Told> {
    let to_push = Object::builder().schema_type(Type::String).enum_values(Some(["push"])).build();
    vec![
        Told::get("/openapi.json", "Read this document", "The same text is in the documentation.").answers(
            200,
            "application/json",
            Object::with_type(Type::Object),
            "This document.",
        ),
        Told::get(
            "/api/v1/sd",
            "Find the agents",
            "For the HTTP service discovery of Prometheus: the agents of the catalogue, also those that are silent.",
        )
        .answers(
            200,
            "application/json",
            Array::new(reference::<Group>()),
            "The agents, in order of their names.",
        ),
        Told::get("/metrics", "Read the metrics", "In the text format of Prometheus.")
            .answers(200, "text/plain", String::schema(), "The metrics, as of the newest snapshot.")
            .may_fail(),
        Told::get("/healthz", "Ask whether it answers", "The process answers.").answers(
            200,
            "text/plain",
            lines("ok"),
            "It answers. A second line says what it refuses for want of disk.",
        ),
        Told::get(
            "/readyz",
            "Ask whether it measures",
            "It does when its newest figures are not old; how much is still being derived is said beside it. With `to=push` it is asked whether it takes pushes as well.",
        )
        .asked("to", to_push, "`push`: whether pushes are taken too.")
        .answers(200, "text/plain", lines("ready"), "It measures. A second line says what it refuses for want of disk.")
        .refuses(503, "`not-ready`: its newest figures are old.")
        .refuses(503, "`disk-reserve`: with `to=push`, the disk has less free than is kept free."),
    ]
}

/// A line of this word, and perhaps a sentence below it.
fn lines(word: &str) -> Object {
    Object::builder().schema_type(Type::String).pattern(Some(format!("^{word}\\n([^\\n]+\\n)?$"))).build()
}

pub(super) fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}
