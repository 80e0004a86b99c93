//! The incidents that are open or recent, in memory, rebuilt from their events at the start.
//!
//! Everything open is kept. Of what is resolved, [`RESOLVED_MAX`] are kept: those that still want something, a review or the
//! end of what goes on, and else those that were resolved last. [`Register::known_from`] says from which instant on nothing
//! was left out, and outages before it are not decided anew.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::time::Instant;

use super::model::{Called, Event, Incident, Number, Subject};
use super::tally::Tally;
use crate::problem::event::ProblemNumber;

/// Most resolved incidents held in memory.
pub const RESOLVED_MAX: usize = 5_000;

/// The incidents that are open or recent.
#[derive(Debug, Default)]
pub struct Register {
    incidents: BTreeMap<Number, Incident>,
    /// Those that are open.
    open: BTreeSet<Number>,
    /// Those that somebody resolved while they held.
    lingering: BTreeSet<Number>,
    /// Those of each subject.
    about: BTreeMap<Subject, BTreeSet<Number>>,
    highest: u64,
    forgotten_to: Option<Instant>,
    resolved: usize,
    tally: Tally,
}

/// An event that cannot follow those before it: the record is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {place} of {number} does not follow those before it")]
pub struct BadEvent {
    number: Number,
    place: u32,
}

impl Register {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) -> Result<&Incident, BadEvent> {
        let bad = BadEvent { number: event.number, place: event.place };
        self.highest = self.highest.max(event.number.0);
        let before = self.incidents.get(&event.number).cloned();
        let was_resolved = before.as_ref().is_some_and(|i| !i.is_open());
        let ended = before.as_ref().and_then(|incident| incident.resolved.as_ref()).map(|end| end.ended);
        let after = Incident::after(before, event).ok_or(bad.clone())?;
        self.tally.count(ended, event, &after);
        match (was_resolved, after.is_open()) {
            (true, true) => self.resolved -= 1,
            (false, false) => self.resolved += 1,
            _ => {}
        }
        if after.is_open() {
            self.open.insert(event.number);
        } else {
            self.open.remove(&event.number);
        }
        if after.lingers {
            self.lingering.insert(event.number);
        } else {
            self.lingering.remove(&event.number);
        }
        self.about.entry(after.subject.clone()).or_default().insert(event.number);
        self.incidents.insert(event.number, after);
        self.incidents.get(&event.number).ok_or(bad)
    }

    /// Forgets those that want nothing any more and were resolved first, beyond [`RESOLVED_MAX`]; the newest incident stays,
    /// for the events that made it may not all have been read yet.
    pub fn forget_oldest(&mut self) {
        let beyond = self.resolved.saturating_sub(RESOLVED_MAX);
        if beyond == 0 {
            return;
        }
        let resolved = self.incidents.values().filter(|incident| incident.number.0 != self.highest);
        let wants = |incident: &Incident| incident.lingers || incident.wants_review();
        let key = |one: &Incident| Some((wants(one), one.resolved.as_ref()?.decided_at, one.number));
        let mut first: Vec<(bool, Instant, Number)> = resolved.filter_map(key).collect();
        first.sort_unstable();
        for (_, _, number) in first.into_iter().take(beyond) {
            self.forget(number);
        }
    }

    /// Notes which problem is behind an incident, if the incident is held.
    pub fn put_behind(&mut self, number: Number, problem: Option<ProblemNumber>) {
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.problem = problem;
        }
    }

    /// Forgets an incident that was resolved; one that is open or not held stays as it is.
    pub fn forget(&mut self, number: Number) {
        let Some(ended) = self.incidents.get(&number).and_then(|one| one.resolved.as_ref()).map(|end| end.ended) else {
            return;
        };
        if let Some(gone) = self.incidents.remove(&number)
            && let Some(about) = self.about.get_mut(&gone.subject)
        {
            about.remove(&number);
            if about.is_empty() {
                self.about.remove(&gone.subject);
            }
        }
        self.lingering.remove(&number);
        self.resolved -= 1;
        self.forgotten_to = self.forgotten_to.max(Some(ended));
    }

    /// From this instant on, no incident was left out; none when none was ever.
    pub const fn known_from(&self) -> Option<Instant> {
        self.forgotten_to
    }

    /// Begins to count what happens anew: what was read from the record happened before.
    pub fn begin_counting(&mut self) {
        self.tally = Tally::default();
    }

    /// What has happened since it began to count.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The number the next incident gets.
    pub const fn next_number(&self) -> Number {
        Number(self.highest + 1)
    }

    /// The incident of this number, if it is held.
    pub fn get(&self, number: Number) -> Option<&Incident> {
        self.incidents.get(&number)
    }

    /// The incident that is called so, if it is held.
    pub fn find(&self, called: Called) -> Option<&Incident> {
        match called {
            Called::Number(number) => self.get(number),
            Called::Id(id) => self.incidents.values().find(|incident| incident.id == id),
        }
    }

    /// All that are held, in order of their numbers.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Those that are open, in order of their numbers.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.open.iter().filter_map(|number| self.incidents.get(number))
    }

    /// Those that somebody resolved while they held, and of which the figures do not say yet that they are over.
    pub fn lingering(&self) -> impl Iterator<Item = &Incident> {
        self.lingering.iter().filter_map(|number| self.incidents.get(number))
    }

    /// The one about `subject` that speaks for it: the open one, which people may have opened again, else the newest.
    pub fn current(&self, subject: &Subject) -> Option<&Incident> {
        self.about(subject).find(|incident| incident.is_open()).or_else(|| self.about(subject).next_back())
    }

    /// Those about `subject`, in order of their numbers.
    pub fn about(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = &Incident> {
        self.about.get(subject).into_iter().flatten().filter_map(|number| self.incidents.get(number))
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::catalogue::model::Priority;
    use uphold_common::ids::Id;

    use super::super::model::{Change, Opening, PriorityText, Resolution, Subject};
    use super::*;
    use crate::identity::deed::Actor;

    fn at(ms: u64) -> Instant {
        Instant::from_ms(i64::try_from(ms).unwrap())
    }

    fn open(register: &mut Register, number: u64) {
        let change = Change::Opened(Opening::new(
            Subject::ServiceDown { service: Id::new("shop").unwrap() },
            at(10 * number),
            PriorityText(Priority::parse("P1").unwrap()),
            "down".to_owned(),
        ));
        register.apply(&Event { number: Number(number), place: 1, decided_at: at(10 * number), change }).unwrap();
    }

    fn resolve(register: &mut Register, number: u64, ended: u64) {
        let change = Change::over(at(ended), Resolution::Recovered);
        register.apply(&Event { number: Number(number), place: 2, decided_at: at(ended), change }).unwrap();
        register.forget_oldest();
    }

    #[test]
    fn what_was_resolved_first_is_forgotten_first_however_long_something_else_was_open() {
        let mut register = Register::default();
        open(&mut register, 1);
        let newest = 1 + RESOLVED_MAX as u64;
        for number in 2..=newest {
            open(&mut register, number);
            resolve(&mut register, number, 10 * number + 5);
        }
        assert_eq!(register.known_from(), None);
        let service = Subject::ServiceDown { service: Id::new("shop").unwrap() };
        assert_eq!(register.open().map(|incident| incident.number).collect::<Vec<_>>(), [Number(1)]);
        resolve(&mut register, 1, 10 * newest + 9);
        assert_eq!(register.open().count(), 0);
        assert!(register.about(&service).eq(register.all()), "all are about the one service");
        assert!(register.get(Number(1)).is_some(), "it was resolved just now");
        assert!(register.get(Number(2)).is_none());
        assert_eq!(register.known_from(), Some(at(25)), "all later ones are known");
    }

    #[test]
    fn what_still_wants_something_is_forgotten_last() {
        let mut register = Register::default();
        for number in 1..=2 {
            open(&mut register, number);
        }
        let by = Actor::Local { uid: None };
        let change = |change, number, place| Event { number: Number(number), place, decided_at: at(30), change };
        let by_hand = Change::Resolved { ended: at(30), resolution: Resolution::ByHand, by: Some(by), text: None };
        register.apply(&change(by_hand, 1, 2)).unwrap();
        let (because, owner) = ("everybody".to_owned(), "Head".to_owned());
        register.apply(&change(Change::Major { because, by: None, owner, notice_to: None }, 2, 2)).unwrap();
        register.apply(&change(Change::over(at(40), Resolution::Recovered), 2, 3)).unwrap();
        for number in 3..=4 + RESOLVED_MAX as u64 {
            open(&mut register, number);
            resolve(&mut register, number, 10 * number + 5);
        }
        assert!(register.get(Number(1)).is_some(), "what it is about goes on");
        assert!(register.get(Number(2)).is_some(), "its review is missing");
        assert!(register.get(Number(3)).is_none());
        assert_eq!(register.all().count(), RESOLVED_MAX);
    }

    #[test]
    fn what_may_still_have_events_to_be_read_is_not_forgotten() {
        let mut register = Register::default();
        for number in 1..=RESOLVED_MAX as u64 {
            open(&mut register, number);
            resolve(&mut register, number, 1_000_000);
        }
        let newest = 1 + RESOLVED_MAX as u64;
        open(&mut register, newest);
        resolve(&mut register, newest, 10 * newest + 5);
        let reopened = Event { number: Number(newest), place: 3, decided_at: at(2_000_000), change: Change::again() };
        assert!(register.apply(&reopened).is_ok());
    }
}
