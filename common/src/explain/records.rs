//! What of each maintenance and each exclusion counted, and why the rest of it did not.
//!
//! Every millisecond of a record inside the window is one of these, the first that applies: still to come; outside the agreed
//! service time; of maintenance that was announced too late; under maintenance, of an exclusion; under a record that was
//! counted before it; counted; beyond the allowance. What is counted is read off what the figure itself was measured with,
//! so that the counted time of all records is the figure's, to the millisecond.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::promise::MaintenanceRules;
use crate::governed::exclusion::{Exclusion, ExclusionClass};
use crate::governed::maintenance::Maintenance;
use crate::ids::Id;
use crate::measure::committed::{Cover, Planned, Standing};
use crate::measure::kinds::Kind;
use crate::time::{Instant, Interval};

use super::RECORDS_MAX;

/// What became of the time of a record inside the window; together it is `within_ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Parts {
    /// All of it.
    pub within_ms: i64,
    /// It counted.
    pub counted_ms: i64,
    /// It is still to come.
    pub to_come_ms: i64,
    /// It lies outside the agreed service time, where nothing has to be taken out.
    pub outside_agreed_ms: i64,
    /// It was announced too late.
    pub too_late_ms: i64,
    /// It lies beyond the target's allowance.
    pub beyond_allowance_ms: i64,
    /// It is maintenance already.
    pub under_maintenance_ms: i64,
    /// A record that begins earlier says the same.
    pub with_another_ms: i64,
}

impl Parts {
    const fn sum(&self) -> i64 {
        self.counted_ms
            + self.to_come_ms
            + self.outside_agreed_ms
            + self.too_late_ms
            + self.beyond_allowance_ms
            + self.under_maintenance_ms
            + self.with_another_ms
    }
}

/// A maintenance or an exclusion that touches the window; of maintenance that recurs, one of its times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordMade {
    /// The record.
    pub id: Id,
    /// When it begins.
    pub start_ms: Instant,
    /// When it ends.
    pub end_ms: Instant,
    /// Of maintenance, when it was announced.
    pub announced_at_ms: Option<Instant>,
    /// Of maintenance, by when it had to be.
    pub announced_by_ms: Option<Instant>,
    /// Of an exclusion, why the time does not count.
    pub class: Option<ExclusionClass>,
    /// The same in words; of maintenance, what is changed.
    pub says: Option<String>,
    /// Of an exclusion, which clause of the agreement says so.
    pub clause: Option<String>,
    /// Who approved it.
    pub approver: Option<String>,
    /// What became of its time.
    pub parts: Parts,
}

/// The records of one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Records {
    /// By their starts.
    pub listed: Vec<RecordMade>,
    /// How many are not listed.
    pub left_out: u64,
    /// What counted of those.
    pub counted_of_left_out_ms: i64,
}

impl Records {
    /// What counted of all of them.
    pub fn counted_ms(&self) -> i64 {
        self.listed.iter().map(|record| record.parts.counted_ms).sum::<i64>() + self.counted_of_left_out_ms
    }

    pub(super) fn broken(&self, what: &str) -> Vec<String> {
        let odd = |record: &&RecordMade| record.parts.sum() != record.parts.within_ms;
        let odd = self.listed.iter().filter(odd);
        odd.map(|record| format!("what became of {what} {} does not add up to its time", record.id)).collect()
    }
}

/// Which record made which time what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedIntervals {
    /// What it is.
    pub kind: Kind,
    /// By their starts, apart.
    intervals: Vec<(Interval, Id)>,
}

impl CountedIntervals {
    /// The records that made time in `part` what it is, in order, each once.
    pub fn within(&self, part: Interval) -> Vec<Id> {
        let first = self.intervals.partition_point(|(interval, _)| interval.end <= part.start);
        let inside = self.intervals.iter().skip(first).take_while(|(interval, _)| interval.start < part.end);
        let mut ids: Vec<Id> = Vec::new();
        for (_, id) in inside {
            if !ids.contains(id) && ids.len() < super::NAMED_MAX {
                ids.push(id.clone());
            }
        }
        ids
    }
}

/// Where records are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Looked<'a> {
    /// The window.
    pub window: Interval,
    /// Up to where it has been.
    pub until: Instant,
    /// What was committed by the figure.
    pub cover: &'a Cover,
}

/// What of the planned maintenance of a service counted by `rules`.
pub fn maintenances<'a>(
    in_force: impl IntoIterator<Item = &'a Maintenance>,
    service: &Id,
    rules: MaintenanceRules,
    looked: Looked<'_>,
) -> (Records, CountedIntervals) {
    let mut all = Vec::new();
    for record in in_force.into_iter().filter(|record| record.services().holds(service)) {
        let times = record.occurrences().iter().filter(|interval| interval.overlaps(looked.window));
        all.extend(times.map(|interval| (*interval, record)));
    }
    all.sort_by_key(|(interval, record)| (interval.start, interval.end, record.announced_at(), record.id().clone()));
    let mut walk = Walk::new(Kind::Maintenance, looked);
    for (interval, record) in all {
        let planned = Planned { interval, announced_at: record.announced_at() };
        let made = RecordMade {
            id: record.id().clone(),
            start_ms: interval.start,
            end_ms: interval.end,
            announced_at_ms: Some(record.announced_at()),
            announced_by_ms: Some(planned.announced_by(rules)),
            class: None,
            says: record.change().map(str::to_owned),
            clause: None,
            approver: record.approver().map(str::to_owned),
            parts: Parts::default(),
        };
        walk.take(made, planned.is_announced_in_time(rules));
    }
    walk.end()
}

/// What of the exclusions that are of a target counted.
pub fn exclusions<'a>(
    of_target: impl IntoIterator<Item = &'a Exclusion>,
    looked: Looked<'_>,
) -> (Records, CountedIntervals) {
    let touching = of_target.into_iter().filter(|record| record.interval.overlaps(looked.window));
    let mut all: Vec<&Exclusion> = touching.collect();
    all.sort_by_key(|record| (record.interval.start, record.interval.end, record.id.clone()));
    let mut walk = Walk::new(Kind::Excluded, looked);
    for record in all {
        let made = RecordMade {
            id: record.id.clone(),
            start_ms: record.interval.start,
            end_ms: record.interval.end,
            announced_at_ms: None,
            announced_by_ms: None,
            class: Some(record.class),
            says: Some(record.reason.clone()),
            clause: record.clause.clone(),
            approver: Some(record.approver.clone()),
            parts: Parts::default(),
        };
        walk.take(made, true);
    }
    walk.end()
}

/// The records of one sort, one after the other by their starts.
struct Walk<'a> {
    looked: Looked<'a>,
    records: Records,
    counted: CountedIntervals,
    /// What lies before this, and not before the record that is looked at, a record before it covers.
    covered_to: Instant,
}

impl<'a> Walk<'a> {
    const fn new(kind: Kind, looked: Looked<'a>) -> Self {
        let records = Records { listed: Vec::new(), left_out: 0, counted_of_left_out_ms: 0 };
        let counted = CountedIntervals { kind, intervals: Vec::new() };
        Self { looked, records, counted, covered_to: Instant::MIN }
    }

    fn take(&mut self, mut made: RecordMade, in_time: bool) {
        let interval = Interval::new(made.start_ms, made.end_ms);
        let within = interval.intersect(self.looked.window);
        let so_far = within.intersect(Interval::new(self.looked.window.start, self.looked.until));
        made.parts.within_ms = within.len_ms();
        made.parts.to_come_ms = within.len_ms() - so_far.len_ms();
        let cover = self.looked.cover;
        for (part, standing) in cover.within(so_far) {
            self.part(&mut made, part, standing, in_time);
        }
        if in_time {
            self.covered_to = self.covered_to.max(interval.end);
        }
        if self.records.listed.len() < RECORDS_MAX {
            self.records.listed.push(made);
        } else {
            self.records.left_out += 1;
            self.records.counted_of_left_out_ms += made.parts.counted_ms;
        }
    }

    fn part(&mut self, made: &mut RecordMade, part: Interval, standing: Standing, in_time: bool) {
        let parts = &mut made.parts;
        match standing {
            Standing::NotAgreed => parts.outside_agreed_ms += part.len_ms(),
            _ if !in_time => parts.too_late_ms += part.len_ms(),
            Standing::Maintenance if self.counted.kind == Kind::Excluded => parts.under_maintenance_ms += part.len_ms(),
            _ => {
                let fresh = Interval::new(part.start.max(self.covered_to), part.end);
                parts.with_another_ms += part.len_ms() - fresh.len_ms();
                if standing.kind() != Some(self.counted.kind) {
                    parts.beyond_allowance_ms += fresh.len_ms();
                } else if !fresh.is_empty() {
                    parts.counted_ms += fresh.len_ms();
                    self.counted.intervals.push((fresh, made.id.clone()));
                }
            }
        }
    }

    fn end(self) -> (Records, CountedIntervals) {
        (self.records, self.counted)
    }
}
