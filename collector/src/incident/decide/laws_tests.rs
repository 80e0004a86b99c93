//! Whatever is seen in whatever order, however often, with restarts, people and clocks in between: there is never a second
//! incident open about the same, each opening ends at most once, what was decided is not decided again, and the events lead
//! to the same incidents.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{World, at, id, nothing};
use super::*;
use crate::identity::deed::Actor;

/// What may happen between two decisions.
#[derive(Clone, Debug)]
enum Step {
    /// Time passes, or the clock is set back.
    Passes(i64),
    /// The outages of a service are seen otherwise: what was seen last, and how far back that reaches.
    Sees { service: usize, back: i64, outages: Vec<(i64, i64)>, goes_on: bool, because: Option<usize> },
    /// A condition holds, or does not.
    Holds { service: usize, holds: bool },
    /// An agent still delivers a backlog, or does not any more.
    Held { service: usize, held: bool },
    /// A maintenance is planned.
    Planned { service: usize, from: i64, length: i64 },
    /// Somebody does something to the newest incident but so many.
    Acts { back: u64, what: u8 },
    /// The collector ends and starts.
    Restarts,
}

const SERVICES: [&str; 3] = ["shop", "a", "b"];

fn step() -> impl Strategy<Value = Step> {
    let service = 0..SERVICES.len();
    let outages = proptest::collection::vec((0_i64..200, 1_i64..80), 0..3);
    let because = proptest::option::of(0..SERVICES.len());
    prop_oneof![
        3 => (-50_i64..400).prop_map(Step::Passes),
        6 => (service.clone(), 0_i64..500, outages, any::<bool>(), because)
            .prop_map(|(service, back, outages, goes_on, because)| Step::Sees { service, back, outages, goes_on, because }),
        2 => (service.clone(), any::<bool>()).prop_map(|(service, holds)| Step::Holds { service, holds }),
        1 => (service.clone(), any::<bool>()).prop_map(|(service, held)| Step::Held { service, held }),
        1 => (service, -100_i64..100, 1_i64..300)
            .prop_map(|(service, from, length)| Step::Planned { service, from, length }),
        3 => (0_u64..4, 0_u8..5).prop_map(|(back, what)| Step::Acts { back, what }),
        1 => Just(Step::Restarts),
    ]
}

/// What is seen of one service.
#[derive(Clone, Default)]
struct Seen {
    down: Vec<Trouble>,
    holds: bool,
    held: bool,
    planned: Vec<(Interval, Id)>,
}

struct Laws {
    world: World,
    now: i64,
    seen: [Seen; 3],
    events: Vec<Event>,
}

impl Laws {
    fn new() -> Self {
        let mut world = World::new();
        world.catalogue.raising.absorb_ms = 60;
        world.catalogue.raising.close_after_ms = 900;
        let shop = world.catalogue.services[&id("shop")].clone();
        for name in SERVICES {
            world.catalogue.services.insert(id(name), Service { id: id(name), ..shop.clone() });
        }
        Self { world, now: 1_000, seen: Default::default(), events: Vec::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Passes(ms) => self.now += ms,
            Step::Sees { service, back, outages, goes_on, because } => {
                let from = self.now - back;
                let down = &mut self.seen[*service].down;
                down.retain(|trouble| trouble.episode.ended.is_some_and(|ended| ended < at(from)));
                let mut start = from;
                for (gap, length) in outages {
                    let begun = start + gap + 1;
                    let ended = begun + length;
                    if ended <= self.now {
                        down.push(Trouble::of(Episode { started: at(begun), ended: Some(at(ended)), is_enough: true }));
                    }
                    start = ended;
                }
                let last = down.last().and_then(|trouble| trouble.episode.ended).map_or(from, Instant::as_ms);
                if *goes_on && last < self.now - 1 {
                    let roots = because.filter(|root| root != service).map(|root| id(SERVICES[root]));
                    let episode = Episode { started: at(self.now - 1), ended: None, is_enough: true };
                    down.push(Trouble { roots: roots.into_iter().collect(), ..Trouble::of(episode) });
                }
            }
            Step::Holds { service, holds } => self.seen[*service].holds = *holds,
            Step::Held { service, held } => self.seen[*service].held = *held,
            Step::Planned { service, from, length } => {
                let when = Interval::new(at(self.now + from), at(self.now + from + length));
                self.seen[*service].planned.push((when, id("upgrade")));
            }
            Step::Acts { back, what } => self.act(*back, *what),
            Step::Restarts => {
                let mut register = Register::default();
                for event in &self.events {
                    register.apply(event).expect("what was decided follows what was decided before");
                    register.forget_oldest();
                }
                assert!(register.all().eq(self.world.register.all()), "the events lead to the same incidents");
                (self.world.register, self.world.calm) = (register, BTreeMap::new());
            }
        }
    }

    /// What people may do: only what the incident allows.
    fn act(&mut self, back: u64, what: u8) {
        let number = Number(self.world.register.next_number().0.saturating_sub(1 + back));
        let Some(incident) = self.world.register.get(number) else { return };
        let by = Actor::Local { uid: None };
        let change = match (what, incident.state) {
            (0, super::super::model::Standing::Open) => Change::Acknowledged { by, text: None },
            (1, _) => Change::Commented { by, text: "a word".to_owned() },
            (2, _) if incident.is_open() => {
                let ended = at(self.now).max(incident.started);
                Change::Resolved { ended, resolution: Resolution::ByHand, by: Some(by), text: None }
            }
            (3, super::super::model::Standing::Resolved) => Change::Closed { by: Some(by), text: None },
            (4, super::super::model::Standing::Resolved) if self.is_last_about(incident) => {
                Change::Reopened { by: Some(by), text: None, returned: false }
            }
            _ => return,
        };
        let event = Event { number, place: incident.events + 1, decided_at: at(self.now), change };
        self.keep(&event);
    }

    /// Whether no other is open about the same.
    fn is_last_about(&self, incident: &Incident) -> bool {
        self.world.register.about(&incident.subject).all(|other| !other.is_open())
    }

    fn keep(&mut self, event: &Event) {
        self.world.register.apply(event).expect("an event follows those before it");
        self.events.push(event.clone());
    }

    fn decide(&mut self) -> usize {
        let names = SERVICES.map(id);
        let subject = |service: &Id| Subject::CertificateExpiring { service: service.clone(), probe: id("web") };
        let situation = |(service, seen): (&'static usize, &Seen)| {
            let service = &names[*service];
            let condition = || Condition::new(subject(service), at(self.now - 1), "soon".to_owned());
            let conditions = seen.holds.then(condition).into_iter().collect();
            let (down, planned, held) = (seen.down.clone(), seen.planned.clone(), seen.held);
            Situation { held, down, planned, conditions, ..nothing(service) }
        };
        let situations: Vec<Situation<'_>> = [0, 1, 2].iter().zip(&self.seen).map(situation).collect();
        let holding = situations.iter().flat_map(|one| &one.conditions);
        keep_calm(&mut self.world.calm, &self.world.register, holding, at(self.now));
        let decisions = self.world.decided(&situations, self.now);
        drop(situations);
        for event in decisions.iter().flat_map(|decision| &decision.events) {
            self.keep(event);
        }
        decisions.len()
    }

    fn holds_the_laws(&self) {
        let mut open = BTreeSet::new();
        for incident in self.world.register.open() {
            assert!(open.insert(&incident.subject), "a second one is open about {}", incident.key);
        }
        let mut balance: BTreeMap<Number, i32> = BTreeMap::new();
        for event in &self.events {
            let is_open = balance.entry(event.number).or_default();
            *is_open += match event.change {
                Change::Opened(_) | Change::Reopened { .. } => 1,
                Change::Resolved { .. } => -1,
                _ => 0,
            };
            assert!((0..=1).contains(is_open), "{} opened or ended twice: {:?}", event.number, self.events);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_history_opens_twice_ends_twice_or_is_decided_again(
        steps in proptest::collection::vec((step(), proptest::bool::weighted(0.7)), 1..60)
    ) {
        let mut laws = Laws::new();
        for (step, decides) in &steps {
            laws.take(step);
            // Much may change from one tick to the next.
            if !decides {
                continue;
            }
            // What follows from a decision is decided at the next tick; soon there is nothing more.
            let rounds = (0..6).find(|_| laws.decide() == 0);
            prop_assert!(rounds.is_some(), "it never comes to rest: {:?}", laws.events.iter().rev().take(8).collect::<Vec<_>>());
            laws.holds_the_laws();
        }
        (0..6).find(|_| laws.decide() == 0);
        laws.take(&Step::Restarts);
        prop_assert_eq!(laws.decide(), 0, "a restart decides nothing anew");
    }
}
