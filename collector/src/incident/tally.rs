//! What is counted of incidents: how many there are, how old, and how long it took until they were taken on and restored.
//! Pure.
//!
//! Times are counted from the measured beginning. An incident that is opened again and resolved again counts once, and for its
//! time until the later end: what is counted only grows, and sum by count is the mean all the same. What began in maintenance
//! takes no part in times, nor does what never was, or left the catalogue.

use std::collections::BTreeMap;

use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;
use uphold_common::time::Instant;

use super::model::{Change, Event, Incident, Number, Resolution, Standing};

/// What happened since it began to count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Incidents that were opened.
    pub opened: BTreeMap<Cause, u64>,
    /// How often incidents were resolved.
    pub resolved: BTreeMap<Cause, u64>,
    /// Until they were taken on.
    pub acknowledged: BTreeMap<Priority, Times>,
    /// Until what they are about was restored.
    pub restored: BTreeMap<Priority, Times>,
}

/// How often something took time, and how much in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How often.
    pub count: u64,
    /// How much in all.
    pub sum_ms: i64,
}

impl Times {
    const fn add(&mut self, count: u64, ms: i64) {
        self.count = self.count.saturating_add(count);
        self.sum_ms = self.sum_ms.saturating_add(if ms > 0 { ms } else { 0 });
    }
}

/// Counts what happens.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Counts,
    /// What was counted of those that are open again.
    counted_ms: BTreeMap<Number, i64>,
}

impl Tally {
    /// What was counted.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Counts one event of an incident that had `ended` before it, if it had, and is as it is `after` it.
    pub fn count(&mut self, ended: Option<Instant>, event: &Event, after: &Incident) {
        let (cause, priority, number) = (after.subject.cause(), after.priority.0, after.number);
        let since_start_ms = |at: Instant| at.since_ms(after.started);
        match &event.change {
            Change::Opened(_) => *self.counts.opened.entry(cause).or_default() += 1,
            Change::Acknowledged { .. } if after.quiet.is_none() => {
                self.counts.acknowledged.entry(priority).or_default().add(1, since_start_ms(event.decided_at));
            }
            Change::Reopened { .. } => {
                let kept = ended.filter(|_| self.counted_ms.len() < REOPENED_MAX);
                self.counted_ms.extend(kept.map(|ended| (number, since_start_ms(ended).max(0))));
            }
            Change::Resolved { ended, resolution, .. } => {
                *self.counts.resolved.entry(cause).or_default() += 1;
                let before = self.counted_ms.remove(&number);
                let was_none = matches!(resolution, Resolution::NeverWas | Resolution::Withdrawn);
                if after.quiet.is_none() && !was_none {
                    let ms = since_start_ms(*ended) - before.unwrap_or(0);
                    self.counts.restored.entry(priority).or_default().add(u64::from(before.is_none()), ms);
                }
            }
            _ => {}
        }
    }
}

/// Of how many that are open again it is kept what was counted of them.
const REOPENED_MAX: usize = 100_000;

/// How many incidents are held, and since when the oldest open ones last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How many of each; those of which there are any.
    pub counts: BTreeMap<(Standing, Priority, Cause), u64>,
    /// When the oldest that is open began.
    pub oldest: BTreeMap<Priority, Instant>,
}

impl Held {
    /// Of these.
    pub fn of<'a>(incidents: impl Iterator<Item = &'a Incident>) -> Self {
        let mut held = Self::default();
        for incident in incidents {
            let priority = incident.priority.0;
            *held.counts.entry((incident.state, priority, incident.subject.cause())).or_default() += 1;
            if incident.is_open() {
                let oldest = held.oldest.entry(priority).or_insert(incident.started);
                *oldest = incident.started.min(*oldest);
            }
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;

    use super::super::model::{Opening, PriorityText, Subject};
    use super::super::register::Register;
    use super::*;
    use crate::identity::deed::Actor;

    const LOCAL: Actor = Actor::Local { uid: None };

    fn opening(quiet: bool) -> Change {
        let subject = Subject::ServiceDown { service: Id::new("shop").unwrap() };
        let opening = Opening::new(subject, Instant::from_ms(100), PriorityText(Priority::ALL[0]), "down");
        Change::Opened(Opening { quiet: quiet.then(|| Id::new("sw-1").unwrap()), ..opening })
    }

    /// A register that has counted these, each at its instant.
    fn counted(changes: &[(i64, Change)]) -> Register {
        let mut register = Register::default();
        for (place, (at, change)) in (1..).zip(changes) {
            let event = Event { number: Number(1), place, decided_at: Instant::from_ms(*at), change: change.clone() };
            register.apply(&event).unwrap();
        }
        register
    }

    const fn times(count: u64, sum_ms: i64) -> Times {
        Times { count, sum_ms }
    }

    #[test]
    fn times_are_from_the_measured_beginning_and_grow() {
        let taken = (130, Change::Acknowledged { by: LOCAL, text: None });
        let over = |at, why| (at, Change::over(Instant::from_ms(at), why));
        let again = (250, Change::again());
        let (well, never) = (Resolution::Recovered, Resolution::NeverWas);
        for (changes, acknowledged, restored, resolved) in [
            (vec![(120, opening(false))], None, None, 0),
            (vec![(120, opening(false)), taken.clone()], Some(times(1, 30)), None, 0),
            (vec![(120, opening(false)), over(200, well)], None, Some(times(1, 100)), 1),
            (
                vec![(120, opening(false)), over(200, well), again.clone(), over(300, well)],
                None,
                Some(times(1, 200)),
                2,
            ),
            (
                vec![(120, opening(false)), over(200, well), again.clone(), over(150, well)],
                None,
                Some(times(1, 100)),
                2,
            ),
            (vec![(120, opening(false)), over(200, never)], None, None, 1),
            (vec![(120, opening(true)), taken, over(200, well)], None, None, 1),
        ] {
            let register = counted(&changes);
            let counts = register.tally().counts();
            let of = |times: &BTreeMap<Priority, Times>| times.get(&Priority::ALL[0]).copied();
            assert_eq!((of(&counts.acknowledged), of(&counts.restored)), (acknowledged, restored), "{changes:?}");
            assert_eq!(counts.opened[&Cause::ServiceDown], 1);
            assert_eq!(counts.resolved.get(&Cause::ServiceDown).copied().unwrap_or(0), resolved, "{changes:?}");
        }
    }

    #[test]
    fn what_was_read_from_the_record_is_not_counted() {
        let mut register = counted(&[(120, opening(false))]);
        register.begin_counting();
        assert_eq!(register.tally().counts(), &Counts::default());
        let held = Held::of(register.all());
        assert_eq!(held.counts, [((Standing::Open, Priority::ALL[0], Cause::ServiceDown), 1)].into());
        assert_eq!(held.oldest, [(Priority::ALL[0], Instant::from_ms(100))].into());
    }
}
