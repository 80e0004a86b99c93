//! What stands beside the figures of a service: what is behind its promises, several services together, and hours.

use uphold_common::ids::{Id, PathId};
use uphold_common::measure::weighted::Weighted;

use super::operations::reference;
use super::schemas;
use super::told::Told;
use crate::api::alignment::OfService;

/// All of them.
pub(super) fn figures() -> Vec<Told> {
    vec![
        Told::get(
            "/api/v1/services/{id}/alignment",
            "Read what stands behind the promises of a service",
            "Each target of a customer on availability or response time, held against those of suppliers and of the \
             organisation's own groups for the parts of the service.",
        )
        .named("id", reference::<Id>(), "The service.")
        .answers_json::<OfService>(200, "The targets of its customers.")
        .refuses(404, "`no-such-service`: there is none of this name."),
        Told::get(
            "/api/v1/availability",
            "Read the availability of several services",
            "Weighted by their users: `Σ w (N − L) / Σ w N` over the services that have a weight and a service level \
             agreement on availability, for each customer and for all together.",
        )
        .asked("customer", reference::<Id>(), "For this customer alone; then `all` is null.")
        .over("Over which window of each service; without it, the month.")
        .answers_json::<Weighted>(200, "The figures.")
        .refuses(400, "`in-the-future`: an instant that was asked for has not come yet.")
        .refuses(404, "`no-such-customer`: there is none of this name.")
        .refuses(503, "`deriving`: so much history has to be read for it that it is done a part at a time; ask again.")
        .may_fail(),
        Told::get(
            "/api/v1/rollups",
            "Read what each hour comes to",
            "For graphs: of a probe as one agent saw it (`probe`, `agent`), of a resource of a host (`host`, `resource`, \
             `of`) or of a flow of a host (`host`, `flow`, `of`). Exactly one of `probe`, `resource` and `flow` is asked \
             for. At most 9,600 hours at once, and only those in which something was measured. Of an hour that is not \
             over it is what arrived until now. Roll-ups are kept for longer than what they are made of.",
        )
        .asked("probe", reference::<PathId>(), "The probe in its service.")
        .asked("agent", reference::<Id>(), "The agent, which goes with `probe`.")
        .asked("host", reference::<Id>(), "The host, which goes with `resource` and `flow`.")
        .asked("resource", schemas::resource(), "The resource.")
        .asked("flow", schemas::flow(), "The flow.")
        .asked("of", schemas::which(), "Where the file system is mounted, or through which interface it flows.")
        .asked(
            "from",
            schemas::instant_asked(),
            "The first hour is the one that this lies in; without it, 7 days before `to`.",
        )
        .asked("to", schemas::instant_asked(), "The last hour begins before this; without it, the newest snapshot's.")
        .answers(200, "application/json", schemas::hours(), "The hours, in their order.")
        .may_fail(),
    ]
}
