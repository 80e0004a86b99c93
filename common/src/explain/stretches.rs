//! The stretches that a figure is made of, who lost the time in each, and how they add up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Id, ProbeId};
use crate::measure::kinds::{Kind, KindStretch, Kinds};
use crate::measure::service::ServiceTimeline;
use crate::measure::target::{Charges, Figure, TargetFigures};
use crate::time::{Instant, Interval};

use super::behind::Behind;
use super::document::{AvailabilityMade, Reckoning, WhichFigure};
use super::records::{CountedIntervals, Records};
use super::{NAMED_MAX, STRETCHES_MAX};

/// A stretch of one kind, and what is behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stretch {
    /// When it begins.
    pub start_ms: Instant,
    /// The first instant after it.
    pub end_ms: Instant,
    /// How long it is.
    pub length_ms: i64,
    /// What it is.
    pub kind: Kind,
    /// The version of the catalogue by which it was measured.
    pub catalogue_version: u64,
    /// Of maintenance and exclusions, the ids of the records that made it so.
    pub records: Vec<Id>,
    /// Of downtime, the probes that are charged with it: they add up to its length.
    pub charges_ms: BTreeMap<ProbeId, i64>,
    /// Of what was down, not measured or degraded, the probes that were, worst first.
    pub behind: Vec<Behind>,
    /// Whether what is behind it is left out, or a part of it, because the answer would be too long.
    pub behind_left_out: bool,
}

impl Stretch {
    /// When it is.
    pub const fn interval(&self) -> Interval {
        Interval::new(self.start_ms, self.end_ms)
    }

    /// Whether observations are behind it that somebody will ask for.
    pub const fn needs_evidence(&self) -> bool {
        matches!(self.kind, Kind::Down | Kind::Unmeasured | Kind::Degraded)
    }
}

/// What is not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// How many stretches.
    pub stretches: u64,
    /// Where the first of them begins, from where on they can be asked for.
    pub from_ms: Option<Instant>,
    /// How long they are, by kind.
    pub kinds: Kinds,
    /// The downtime in them, by probe.
    pub charges_ms: BTreeMap<ProbeId, i64>,
    /// How many of the listed stretches stand there without all that is behind them.
    pub behind: u64,
}

/// How the stretches add up to the figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sums {
    /// The stretches that are listed, by kind.
    pub listed: Kinds,
    /// Those that are left out.
    pub left_out: Kinds,
    /// The kinds of time in the figure.
    pub figure: Kinds,
    /// All kinds together: the window, or its part so far.
    pub window_ms: i64,
    /// What the probes are charged with in all stretches.
    pub charges_ms: BTreeMap<ProbeId, i64>,
    /// What they are charged with in the figure.
    pub charges_of_figure_ms: BTreeMap<ProbeId, i64>,
    /// Whether listed and left out are the figure, and the charges its downtime.
    pub adds_up: bool,
}

/// The stretches of a figure with their charges and records, without what is behind them, cut where another version of the
/// catalogue came into force: `versions` says which was when.
fn list(
    figure: &Figure,
    seen: &ServiceTimeline,
    records: &[&CountedIntervals],
    versions: &[(Interval, u64)],
) -> (Vec<Stretch>, LeftOut) {
    let mut listed = Vec::new();
    let mut left_out = LeftOut::default();
    let cut = |stretch: &KindStretch| {
        let (interval, kind) = (stretch.interval, stretch.kind);
        let first = versions.partition_point(|(when, _)| when.end <= interval.start);
        let versions = versions.iter().skip(first).take_while(move |(when, _)| when.start < interval.end);
        versions.map(move |(when, version)| (KindStretch { interval: when.intersect(interval), kind }, *version))
    };
    for (stretch, version) in figure.account.stretches.iter().flat_map(cut) {
        let mut charges = Charges::new();
        if stretch.kind == Kind::Down {
            seen.charge(stretch.interval, &mut charges);
        }
        if listed.len() >= STRETCHES_MAX {
            left_out.stretches += 1;
            left_out.from_ms.get_or_insert(stretch.interval.start);
            left_out.kinds.add(stretch.kind, stretch.interval.len_ms());
            add(&mut left_out.charges_ms, &charges);
            continue;
        }
        let named = records.iter().filter(|records| records.kind == stretch.kind);
        let mut named: Vec<Id> = named.flat_map(|records| records.within(stretch.interval)).collect();
        named.truncate(NAMED_MAX);
        listed.push(Stretch {
            start_ms: stretch.interval.start,
            end_ms: stretch.interval.end,
            length_ms: stretch.interval.len_ms(),
            kind: stretch.kind,
            catalogue_version: version,
            records: named,
            charges_ms: charges,
            behind: Vec::new(),
            behind_left_out: false,
        });
    }
    (listed, left_out)
}

fn add(sum: &mut Charges, more: &Charges) {
    for (probe, ms) in more {
        *sum.entry(probe.clone()).or_default() += ms;
    }
}

impl AvailabilityMade {
    /// What one of the three figures is made of, without what is behind its stretches. The records are those that were
    /// applied to it.
    pub fn of(
        which: WhichFigure,
        figures: &TargetFigures,
        seen: &ServiceTimeline,
        [maintenances, exclusions]: [(Records, CountedIntervals); 2],
        versions: &[(Interval, u64)],
    ) -> Self {
        let figure = which.of(figures);
        let (stretches, left_out) = list(figure, seen, &[&maintenances.1, &exclusions.1], versions);
        Self {
            figure: which,
            reckoning: Reckoning::of(&figures.promise, &figure.availability),
            maintenances: maintenances.0,
            exclusions: exclusions.0,
            sums: sums(&stretches, &left_out, figure),
            stretches,
            left_out,
        }
    }
}

/// How stretches that are listed and left out add up to their figure.
fn sums(stretches: &[Stretch], left_out: &LeftOut, figure: &Figure) -> Sums {
    let mut sums = Sums {
        left_out: left_out.kinds,
        figure: figure.account.kinds,
        window_ms: figure.account.interval.len_ms(),
        charges_ms: left_out.charges_ms.clone(),
        charges_of_figure_ms: figure.charges.clone(),
        ..Sums::default()
    };
    for stretch in stretches {
        sums.listed.add(stretch.kind, stretch.length_ms);
        add(&mut sums.charges_ms, &stretch.charges_ms);
    }
    // A probe that is charged with nothing stands in the figure all the same.
    for probe in figure.charges.keys() {
        sums.charges_ms.entry(probe.clone()).or_default();
    }
    sums.adds_up = plus(&sums.listed, &sums.left_out) == sums.figure
        && sums.figure.total() == sums.window_ms
        && sums.charges_ms == sums.charges_of_figure_ms
        && sums.charges_ms.values().sum::<i64>() == sums.figure.down;
    sums
}

fn plus(one: &Kinds, other: &Kinds) -> Kinds {
    Kinds {
        not_agreed: one.not_agreed + other.not_agreed,
        maintenance: one.maintenance + other.maintenance,
        excluded: one.excluded + other.excluded,
        up: one.up + other.up,
        degraded: one.degraded + other.degraded,
        down: one.down + other.down,
        unmeasured: one.unmeasured + other.unmeasured,
    }
}

/// What of the stretches does not add up, looked at as somebody would who has nothing but the document.
pub(super) fn broken(made: &AvailabilityMade) -> Vec<String> {
    let (mut broken, mut listed) = (Vec::new(), Kinds::default());
    for (place, stretch) in made.stretches.iter().enumerate() {
        let at = stretch.start_ms;
        listed.add(stretch.kind, stretch.end_ms.since_ms(at));
        if stretch.length_ms != stretch.end_ms.since_ms(at) || stretch.length_ms <= 0 {
            broken.push(format!("the stretch at {at} is not as long as it says"));
        }
        if made
            .stretches
            .get(place + 1)
            .is_some_and(|next| next.start_ms != stretch.end_ms || next.kind == stretch.kind)
        {
            broken.push(format!("the stretch at {at} is not followed by the next one"));
        }
        let lost = if stretch.kind == Kind::Down { stretch.length_ms } else { 0 };
        if stretch.charges_ms.values().sum::<i64>() != lost {
            broken.push(format!("what is charged in the stretch at {at} is not its downtime"));
        }
        for behind in &stretch.behind {
            let held = behind.vantage.iter().map(|vantage| vantage.held.total()).chain([behind.held.total()]);
            if held.into_iter().any(|ms| ms != stretch.length_ms) {
                broken.push(format!("what {} was in the stretch at {at} does not add up to it", behind.probe));
            }
        }
    }
    if listed != made.sums.listed || plus(&listed, &made.left_out.kinds) != made.sums.figure || !made.sums.adds_up {
        broken.push("the stretches do not add up to the figure".to_owned());
    }
    broken
}
