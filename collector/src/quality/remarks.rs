//! Which of what an agent told stands beside a figure, and over which time it speaks.
//!
//! Everything that an agent told of the time stands there, but for clocks that were less than [`OFF_MS`] off: the bounds of what
//! was seen are no finer than that where probes are some seconds apart, and less is what travelling makes of a clock that is
//! right. An offset holds until the next one is told, or for [`OFFSET_HOLDS_MS`]; offsets that follow each other are one remark
//! with the largest of them. What does not say of when it is, such as attempts that were not made, is of when it was told.

use uphold_common::explain::quality::Remark;
use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::AgentFact;

use super::key::Key;
use super::model::Kept;
use super::telling;

/// From where on a clock that is off is remarked.
pub const OFF_MS: u64 = 1_000;
/// For how long an offset holds when no other is told: agents tell of it once an hour.
pub const OFFSET_HOLDS_MS: i64 = 2 * 3_600_000;

/// A clock that was off for a while.
struct Off {
    from: Instant,
    to: Instant,
    worst: AgentFact,
    worst_ms: u64,
    count: usize,
}

/// What `agent` told of `span`, out of its records in order of time.
pub fn remarks(agent: &Id, records: &[(Key, Kept)], span: Interval) -> Vec<Remark> {
    let facts = || records.iter().flat_map(|(key, kept)| kept.facts.iter().map(|fact| (key.closed_at, fact)));
    let remark = |fact: &AgentFact, (from_ms, to_ms): (Instant, Option<Instant>), says: String| Remark {
        agent: agent.clone(),
        fact: telling::word(fact).to_owned(),
        is_loss: fact.is_loss(),
        from_ms,
        to_ms,
        says,
    };
    let told = facts().filter_map(|(closed_at, fact)| {
        let of = time_of(fact, closed_at, span)?;
        Some(remark(fact, of, telling::says(fact, &|at| at.to_string())))
    });
    let mut all: Vec<Remark> = told.collect();
    let clocks = off(facts().map(|(_, fact)| fact)).into_iter();
    all.extend(clocks.filter(|off| Interval::new(off.from, off.to).overlaps(span)).map(|off| {
        let says = if off.count > 1 { telling::off_by_up_to(&off.worst) } else { None };
        let says = says.unwrap_or_else(|| telling::says(&off.worst, &|at| at.to_string()));
        remark(&off.worst, (off.from, Some(off.to)), says)
    }));
    all
}

/// Of which time a fact is, if it is of `span`; none of an offset, which holds for a while.
fn time_of(fact: &AgentFact, closed_at: Instant, span: Interval) -> Option<(Instant, Option<Instant>)> {
    match *fact {
        AgentFact::Dropped { from, to, .. } => {
            Interval::new(from, to.plus_ms(1)).overlaps(span).then_some((from, Some(to)))
        }
        AgentFact::ClockStep { at, .. } | AgentFact::Started { at, .. } | AgentFact::Stopped { at } => {
            span.contains(at).then_some((at, None))
        }
        AgentFact::ClockOffset { .. } => None,
        AgentFact::SpoolOverflow { .. }
        | AgentFact::SpoolCorrupt { .. }
        | AgentFact::Quarantined { .. }
        | AgentFact::Skipped { .. } => span.contains(closed_at).then_some((closed_at, None)),
    }
}

/// When the clock was off, in order of time.
fn off<'a>(facts: impl Iterator<Item = &'a AgentFact>) -> Vec<Off> {
    let offset = |fact: &'a AgentFact| match fact {
        AgentFact::ClockOffset { at, ahead_ms, .. } => Some((*at, ahead_ms.unsigned_abs(), fact)),
        _ => None,
    };
    let mut offsets: Vec<_> = facts.filter_map(offset).collect();
    offsets.sort_by_key(|(at, _, _)| *at);
    let next = offsets.iter().skip(1).map(|(at, _, _)| *at).chain([Instant::MAX]).collect::<Vec<_>>();
    let mut all: Vec<Off> = Vec::new();
    for ((from, off_ms, fact), next) in offsets.into_iter().zip(next) {
        if off_ms < OFF_MS {
            continue;
        }
        let to = next.min(from.plus_ms(OFFSET_HOLDS_MS));
        match all.last_mut().filter(|last| last.to == from) {
            Some(last) => {
                (last.to, last.count) = (to, last.count + 1);
                if off_ms > last.worst_ms {
                    (last.worst, last.worst_ms) = (fact.clone(), off_ms);
                }
            }
            None => all.push(Off { from, to, worst: fact.clone(), worst_ms: off_ms, count: 1 }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use uphold_common::wire::batch::Epoch;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    fn told(closed_at: i64, fact: AgentFact) -> (Key, Kept) {
        let key = Key { agent: Id::new("a").unwrap(), closed_at: at(closed_at), epoch: Epoch([1; 16]), seq: 1 };
        (key, Kept::of(vec![fact], at(closed_at)))
    }

    fn offset(ms: i64, ahead_ms: i64) -> (Key, Kept) {
        told(ms, AgentFact::ClockOffset { at: at(ms), ahead_ms, within_ms: 3 })
    }

    fn of(records: &[(Key, Kept)], start: i64, end: i64) -> Vec<(String, i64, Option<i64>)> {
        let span = Interval::new(at(start), at(end));
        let all = remarks(&Id::new("a").unwrap(), records, span);
        all.into_iter().map(|one| (one.says, one.from_ms.as_ms(), one.to_ms.map(Instant::as_ms))).collect()
    }

    #[test]
    fn what_speaks_of_the_time_is_remarked_however_late_it_was_told() {
        let dropped = told(9_000, AgentFact::Dropped { batches: 2, rows: 8, from: at(100), to: at(200) });
        let skipped = told(9_000, AgentFact::Skipped { attempts: 4 });
        let stopped = told(9_000, AgentFact::Stopped { at: at(8_000) });
        let all = [dropped, skipped, stopped];
        for (start, end, expected) in [
            (0, 100, vec![]),
            (0, 101, vec![100]),
            (200, 300, vec![100]),
            (201, 8_000, vec![]),
            (8_000, 9_000, vec![8_000]),
            (0, 10_000, vec![100, 9_000, 8_000]),
        ] {
            let found: Vec<i64> = of(&all, start, end).iter().map(|one| one.1).collect();
            assert_eq!(found, expected, "{start} to {end}");
        }
    }

    #[test]
    fn a_clock_that_was_off_is_remarked_for_as_long_as_that_holds() {
        let all = [
            offset(0, 999),
            offset(HOUR, 1_000),
            offset(2 * HOUR, -2_500),
            offset(3 * HOUR, 10),
            offset(9 * HOUR, 5_000),
        ];
        let first = ("its clock was up to 2.5s behind the collector's".to_owned(), HOUR, Some(3 * HOUR));
        let last = ("its clock was 5s ahead of the collector's, within 0.003s".to_owned(), 9 * HOUR, Some(11 * HOUR));
        for (start, end, expected) in [
            (0, HOUR, vec![]),
            (HOUR, HOUR + 1, vec![first.clone()]),
            (3 * HOUR - 1, 3 * HOUR, vec![first.clone()]),
            (3 * HOUR, 9 * HOUR, vec![]),
            (10 * HOUR, 11 * HOUR, vec![last.clone()]),
            (11 * HOUR, 12 * HOUR, vec![]),
            (0, 12 * HOUR, vec![first, last]),
        ] {
            assert_eq!(of(&all, start, end), expected, "{start} to {end}");
        }
    }
}
