//! The pages of a service and of a host: what was measured, hour by hour over the last days.
//!
//! They are pages of their own, so that the overview stays small however many services there are, and nothing is read
//! for plots that nobody looks at. A page has at most [`PLOTS_MAX`] plots; what is left out is said.

use std::sync::Arc;

use maud::{Markup, html};
use uphold_common::catalogue::model::{Probe, Service};
use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::observation::FlowUnit;

use super::frame::{Visitor, page, visitor_line};
use super::plot::Span;
use super::plotted::Shown;
use super::text::{Clock, counted};
use super::{alignment, revisions, service};
use crate::revisions::model::Revision;
use crate::snapshot::Snapshot;
use crate::store::{Hours, StreamId};

/// Most plots on one page.
pub const PLOTS_MAX: usize = 24;
/// How many days the page offers to show.
const OFFERED: [u16; 3] = [3, 7, 31];
/// From the path of these pages to `/`.
const ROOT: &str = "../";

/// What such a page is about.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// A service of the catalogue.
    Service(&'a Service),
    /// A host of the catalogue.
    Host(&'a Id),
}

/// What is to be read for a page: at most [`PLOTS_MAX`] streams, and how many are left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is read.
    pub streams: Vec<StreamId>,
    left_out: usize,
}

impl Wanted {
    /// Every probe of a service, then those of others that count for it, as each of their agents sees it.
    pub fn of_service(service: &Service) -> Self {
        let point =
            |probe: &ProbeId, agent: &Id| StreamId::Probe(VantagePoint { probe: probe.clone(), agent: agent.clone() });
        let of_probe =
            |probe: &Arc<Probe>| probe.agents.iter().map(|agent| point(&probe.id, agent)).collect::<Vec<_>>();
        Self::bounded(service.looks_at().flat_map(of_probe).collect())
    }

    /// What was `measured` of a host: what it still tells of comes before what it told of once, and errors come last.
    pub fn of_host(snapshot: &Snapshot, mut measured: Vec<StreamId>) -> Self {
        let counted = |of: &StreamId| matches!(of, StreamId::Volume(of) if of.flow.unit() == FlowUnit::Count);
        measured.sort_by_key(|of| (!speaks(snapshot, of), counted(of)));
        Self::bounded(measured)
    }

    fn bounded(mut streams: Vec<StreamId>) -> Self {
        let left_out = streams.len().saturating_sub(PLOTS_MAX);
        streams.truncate(PLOTS_MAX);
        Self { streams, left_out }
    }
}

/// Whether a stream of a host speaks for the present.
fn speaks(snapshot: &Snapshot, of: &StreamId) -> bool {
    match of {
        StreamId::Capacity(of) => snapshot.readings.iter().any(|(read, _)| read == of),
        StreamId::Volume(of) => snapshot.volumes.iter().any(|(read, _)| read == of),
        StreamId::Probe(_) => true,
    }
}

/// The page, with the hours of what it wanted, and the last revisions of a service.
pub fn render(
    snapshot: &Snapshot,
    about: About<'_>,
    span: &Span,
    wanted: &Wanted,
    hours: &[Hours],
    revised: &[Revision],
    visitor: &Visitor<'_>,
) -> String {
    let clock = Clock { as_of: snapshot.as_of, zone: &snapshot.catalogue.organisation.time_zone };
    let name = match about {
        About::Service(service) => service.name.as_str(),
        About::Host(host) => host.as_str(),
    };
    let of_service = if let About::Service(service) = about { Some(service) } else { None };
    let shown = Shown { service: of_service, span, zone: clock.zone };
    let body = html! {
        main.history {
            header.top {
                p.organisation { a href=(ROOT) { (snapshot.catalogue.organisation.name) } }
                h1 { (name) }
                @if let About::Service(of) = about { (service::now(snapshot, of, &clock)) }
                (visitor_line(ROOT, visitor))
            }
            (offered(span.length_days()))
            (legend(about))
            div.grid {
                @for (of, hours) in wanted.streams.iter().zip(hours) {
                    @if !hours.is_empty() || speaks(snapshot, of) { (shown.figure(of, hours)) }
                }
            }
            @if let About::Service(of) = about { (alignment::section(snapshot, of)) }
            @if wanted.left_out > 0 {
                p.note { (counted(wanted.left_out, "more is", "more are")) " not plotted here; the API answers the hours of each." }
            }
            @if of_service.is_some() { (revisions::section(snapshot, revised, &clock)) }
            footer { p { a href=(ROOT) { "All services" } " · as of " (clock.full()) } }
        }
    };
    page(&format!("{name}, the last {} days", span.length_days()), ROOT, false, visitor, &body)
}

/// For how many days it can be looked at.
fn offered(days: u16) -> Markup {
    html! {
        nav.offered aria-label="Length" {
            "The last "
            @for one in OFFERED {
                @if one == days { strong aria-current="page" { (one) " days" } }
                @else { a href=(format!("?days={one}")) { (one) " days" } }
            }
        }
    }
}

/// What the lines and colours mean, once for the page.
fn legend(about: About<'_>) -> Markup {
    let (line, band, gap) = match about {
        About::Service(_) => ("median of the hour", "up to what 95 % took", "no attempts"),
        About::Host(_) => ("at the end of the hour", "up to the highest in it", "nothing read"),
    };
    html! {
        p.legend {
            span { i.key.line {} (line) }
            span { i.key.band {} (band) }
            span { i.key.gap {} (gap) }
            @if let About::Service(_) = about {
                @for (class, word) in [("down", "failed"), ("degraded", "slow"), ("unmeasured", "not made")] {
                    span { i.key.(class) {} (word) }
                }
            }
        }
    }
}
