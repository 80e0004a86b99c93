//! Section 6 of the rules: what of a window is committed, for the three figures.
//!
//! An instant of the window belongs to the first of these that applies: *not agreed*, *maintenance*, *excluded*; what is
//! left is committed, and its state says the rest. Planned maintenance counts as such if it was announced early enough,
//! and only up to the target's allowance: milliseconds of agreed time under the union of what was announced in time, from
//! the earliest on, over the whole window, so also over the part to come. What exceeds it stays agreed service time.
//!
//! The *contractual* figure counts all of it, *without exclusions* leaves the exclusions out, and *experienced* knows
//! the agreed service time alone.

use std::sync::Arc;

use crate::catalogue::promise::MaintenanceRules;
use crate::time::{Instant, Interval};

use super::agreed::{intersection, union, within};
use super::kinds::Kind;

/// What is on record about the time of a service, as far as one target is concerned; in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Planned maintenance of the service.
    pub maintenance: Vec<Planned>,
    /// When time is excluded by agreement.
    pub excluded: Vec<Interval>,
}

/// A planned maintenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When it is.
    pub interval: Interval,
    /// When it was announced.
    pub announced_at: Instant,
}

impl Planned {
    /// By when it had to be announced.
    pub const fn announced_by(&self, rules: MaintenanceRules) -> Instant {
        self.interval.start.minus_ms(rules.min_notice_ms)
    }

    /// Whether it was announced early enough.
    pub fn is_announced_in_time(&self, rules: MaintenanceRules) -> bool {
        self.announced_at <= self.announced_by(rules)
    }
}

/// What an instant of a window is before anybody looks at the service's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Outside the agreed service time, or before the service's entry into the catalogue.
    NotAgreed,
    /// Planned maintenance that counts as such.
    Maintenance,
    /// Excluded by agreement.
    Excluded,
    /// Committed: its state says which kind it is.
    Committed,
}

impl Standing {
    /// The kind of such an instant; none where the state says it.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::NotAgreed => Some(Kind::NotAgreed),
            Self::Maintenance => Some(Kind::Maintenance),
            Self::Excluded => Some(Kind::Excluded),
            Self::Committed => None,
        }
    }
}

/// A whole window by standing: in order, without holes and without equal neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    stretches: Vec<(Interval, Standing)>,
}

/// What lies over a window; each list is in order and without overlaps.
#[derive(Clone, Copy, Debug, Default)]
struct Layers<'a> {
    agreed: &'a [Interval],
    maintenance: &'a [Interval],
    excluded: &'a [Interval],
}

impl Cover {
    /// A span of which nothing is known but the agreed service time in it; without a calendar, that is all of it from
    /// the service's entry on.
    pub fn agreed(span: Interval, entry: Instant, hours: Option<&[Interval]>) -> Self {
        let agreed = agreed_from(span, entry, hours);
        Self::of(span, Layers { agreed: &agreed, ..Layers::default() })
    }

    fn of(span: Interval, layers: Layers<'_>) -> Self {
        let mut cover = Self { stretches: Vec::with_capacity(2 * layers.agreed.len() + 1) };
        let mut at = span.start;
        for part in within(layers.agreed, span) {
            cover.push(Interval::new(at, part.start), Standing::NotAgreed);
            cover.push_agreed(part, layers);
            at = part.end;
        }
        cover.push(Interval::new(at, span.end), Standing::NotAgreed);
        cover
    }

    fn push_agreed(&mut self, part: Interval, layers: Layers<'_>) {
        let mut at = part.start;
        for maintained in within(layers.maintenance, part) {
            self.push_worked(Interval::new(at, maintained.start), layers);
            self.push(maintained, Standing::Maintenance);
            at = maintained.end;
        }
        self.push_worked(Interval::new(at, part.end), layers);
    }

    fn push_worked(&mut self, part: Interval, layers: Layers<'_>) {
        let mut at = part.start;
        for excluded in within(layers.excluded, part) {
            self.push(Interval::new(at, excluded.start), Standing::Committed);
            self.push(excluded, Standing::Excluded);
            at = excluded.end;
        }
        self.push(Interval::new(at, part.end), Standing::Committed);
    }

    fn push(&mut self, interval: Interval, standing: Standing) {
        if interval.is_empty() {
            return;
        }
        match self.stretches.last_mut() {
            Some((last, same)) if *same == standing && last.end == interval.start => last.end = interval.end,
            _ => self.stretches.push((interval, standing)),
        }
    }

    /// The stretches that `part` touches, cut to it.
    pub fn within(&self, part: Interval) -> impl Iterator<Item = (Interval, Standing)> {
        let first = self.stretches.partition_point(|(interval, _)| interval.end <= part.start);
        let inside = self.stretches.get(first..).unwrap_or_default();
        let touched = inside.iter().take_while(move |(interval, _)| interval.start < part.end);
        touched
            .map(move |(interval, standing)| (interval.intersect(part), *standing))
            .filter(|(cut, _)| !cut.is_empty())
    }

    /// What of `part` is committed: in order, without overlaps.
    pub fn committed(&self, part: Interval) -> Vec<Interval> {
        let committed = self.within(part).filter(|(_, standing)| *standing == Standing::Committed);
        committed.map(|(interval, _)| interval).collect()
    }

    /// How much of `part` is committed.
    pub fn committed_ms(&self, part: Interval) -> i64 {
        let committed = self.within(part).filter(|(_, standing)| *standing == Standing::Committed);
        committed.map(|(interval, _)| interval.len_ms()).sum()
    }
}

/// What of one window is committed, for each of the three figures; those that are equal are one and the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The service's entry into the catalogue.
    pub entry: Instant,
    /// For the figure that counts.
    pub contractual: Arc<Cover>,
    /// With the maintenance that counts as such, without exclusions.
    pub without_exclusions: Arc<Cover>,
    /// The agreed service time alone.
    pub experienced: Arc<Cover>,
}

impl Committed {
    /// What is committed of the whole `window`, `hours` being the agreed service time of its calendar, if it has one.
    pub fn of(
        window: Interval,
        entry: Instant,
        hours: Option<&[Interval]>,
        rules: MaintenanceRules,
        facts: &Facts,
    ) -> Self {
        let agreed = &agreed_from(window, entry, hours);
        let maintenance = &counted(rules, window, agreed, &facts.maintenance);
        let of_it = facts.excluded.iter().copied().filter(|excluded| excluded.overlaps(window));
        let excluded = &intersection(agreed, &union(of_it.collect()));
        let none: &[Interval] = &[];
        let cover = |maintenance, excluded| Arc::new(Cover::of(window, Layers { agreed, maintenance, excluded }));
        let experienced = cover(none, none);
        let without_exclusions = match maintenance.as_slice() {
            [] => Arc::clone(&experienced),
            maintenance => cover(maintenance, none),
        };
        let contractual = match excluded.as_slice() {
            [] => Arc::clone(&without_exclusions),
            excluded => cover(maintenance, excluded),
        };
        Self { entry, contractual, without_exclusions, experienced }
    }

    /// What is committed of a window without a calendar, of which nothing is on record.
    pub fn always(window: Interval, entry: Instant) -> Self {
        Self::of(window, entry, None, MaintenanceRules::default(), &Facts::default())
    }
}

/// The maintenance that counts as such: announced early enough, in agreed time, and within the allowance.
fn counted(rules: MaintenanceRules, window: Interval, agreed: &[Interval], planned: &[Planned]) -> Vec<Interval> {
    let in_time = |planned: &&Planned| planned.interval.overlaps(window) && planned.is_announced_in_time(rules);
    let announced = planned.iter().filter(in_time).map(|planned| planned.interval).collect();
    let mut counted = intersection(agreed, &union(announced));
    let Some(mut left_ms) = rules.allowance_ms else { return counted };
    for interval in &mut counted {
        interval.end = interval.end.min(interval.start.plus_ms(left_ms));
        left_ms -= interval.len_ms();
    }
    counted.retain(|interval| !interval.is_empty());
    counted
}

/// The agreed service time from the service's entry on.
fn agreed_from(span: Interval, entry: Instant, hours: Option<&[Interval]>) -> Vec<Interval> {
    let span = Interval::new(span.start.max(entry), span.end);
    match hours {
        None if span.is_empty() => Vec::new(),
        None => vec![span],
        Some(hours) => within(hours, span).collect(),
    }
}

#[cfg(test)]
#[path = "committed_tests.rs"]
mod tests;
