//! The outbox against a model: random decisions, answers, failed commits, crashes and reloads over a disk that may lose
//! whatever was not durable. Nothing is lost, each receiver is told in order and one thing at a time, and what was
//! delivered never comes back.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::notify::testing::{at, catalogue, id, message};

const RECEIVERS: [&str; 3] = ["a", "b", "c"];
const POLICY: OutboxPolicy = OutboxPolicy {
    waiting_max: 6,
    dead_letters_max: 5,
    retry: RetryPolicy { base_ms: 100, cap_ms: 2_000, give_up_after_ms: 20_000, attempts_min: 3 },
    breaker: BreakerPolicy { after: 3, base_ms: 100, cap_ms: 2_000 },
};

type Disk = BTreeMap<(Place, Vec<u8>), Vec<u8>>;

/// `SplitMix64`: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

struct World {
    dice: Dice,
    now: i64,
    outbox: Outbox,
    catalogue: Catalogue,
    /// The disk as it is, and as it would be after a crash.
    disk: Disk,
    durable: Disk,
    next_message: u64,
    /// For each receiver the ids that were committed and neither delivered nor given up, in order.
    expected: BTreeMap<String, Vec<String>>,
    out: BTreeMap<String, (Key, String)>,
    delivered: BTreeSet<(String, String)>,
    dead: usize,
    sent: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            now: 1_000_000,
            outbox: Outbox::load(POLICY, [], []).0,
            catalogue: catalogue(&RECEIVERS.map(|name| (name, "http://127.0.0.1/"))),
            disk: Disk::new(),
            durable: Disk::new(),
            next_message: 1,
            expected: BTreeMap::new(),
            out: BTreeMap::new(),
            delivered: BTreeSet::new(),
            dead: 0,
            sent: 0,
        }
    }

    /// Commits and applies a plan, unless the commit fails.
    fn commit(&mut self, plan: Plan) -> bool {
        if plan.is_empty() || self.dice.below(8) == 0 {
            return false;
        }
        for change in plan.changes() {
            let place = (change.place, change.key.clone());
            match &change.value {
                Some(value) => self.disk.insert(place, value.clone()),
                None => self.disk.remove(&place),
            };
        }
        if plan.is_durable() {
            self.durable = self.disk.clone();
        }
        for (key, letter) in plan.dead_letters() {
            self.dead += 1;
            if let Some(waiting) = self.expected.get_mut(key.receiver.as_str()) {
                waiting.retain(|id| *id != letter.entry.id);
            }
        }
        self.outbox.apply(plan);
        true
    }

    fn step(&mut self) {
        self.now += i64::try_from(self.dice.below(400)).unwrap();
        match self.dice.below(20) {
            0..=4 => self.enqueue(),
            5..=9 => self.due(),
            10..=16 => self.settle(),
            17 => self.toggle_receiver(),
            18 => self.retire(),
            _ => self.restart(),
        }
        self.check();
    }

    fn enqueue(&mut self) {
        let mut messages = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let receiver = RECEIVERS[usize::try_from(self.dice.below(3)).unwrap()];
            messages.push(message(receiver, self.next_message));
            self.next_message += 1;
        }
        let mut plan = Plan::default();
        self.outbox.enqueue(&mut plan, messages.clone(), at(self.now)).unwrap();
        let refused: Vec<_> = plan.dead_letters().map(|(_, letter)| letter.entry.id.clone()).collect();
        if self.commit(plan) {
            for message in messages.into_iter().filter(|message| !refused.contains(&message.id)) {
                self.expected.entry(message.receiver.to_string()).or_default().push(message.id);
            }
        }
    }

    fn due(&mut self) {
        for delivery in self.outbox.due(&self.catalogue, at(self.now)) {
            let receiver = delivery.key.receiver.to_string();
            assert!(self.catalogue.receivers.contains_key(&delivery.key.receiver), "nobody is left to tell");
            assert_eq!(self.expected[&receiver].first(), Some(&delivery.id), "told in order");
            assert!(!self.delivered.contains(&(receiver.clone(), delivery.id.clone())), "told twice");
            let before = self.out.insert(receiver, (delivery.key, delivery.id));
            assert!(before.is_none(), "two are out");
            self.sent += 1;
        }
    }

    fn settle(&mut self) {
        let Some(receiver) = self.out.keys().next_back().cloned() else { return };
        let (key, message) = self.out[&receiver].clone();
        let outcome = match self.dice.below(10) {
            0..=3 => Outcome::Delivered,
            4 => Outcome::Failed { retryable: false, retry_after_ms: None, error: "no".to_owned() },
            n => {
                let retry_after_ms = (n == 5).then(|| i64::try_from(self.dice.below(3_000)).unwrap());
                Outcome::Failed { retryable: true, retry_after_ms, error: "later".to_owned() }
            }
        };
        let random = u32::try_from(self.dice.below(1 << 32)).unwrap();
        let mut plan = Plan::default();
        self.outbox.settle(&mut plan, &key, (&outcome, None), at(self.now), random).unwrap();
        assert!(!plan.is_empty());
        if self.commit(plan) {
            self.out.remove(&receiver);
            if outcome == Outcome::Delivered {
                self.expected.get_mut(&receiver).unwrap().retain(|id| *id != message);
                self.delivered.insert((receiver, message));
            }
        }
    }

    fn toggle_receiver(&mut self) {
        let known = catalogue(&[("c", "http://127.0.0.1/")]);
        if self.catalogue.receivers.remove(&id("c")).is_none() {
            self.catalogue.receivers.extend(known.receivers);
        }
    }

    fn retire(&mut self) {
        let mut plan = Plan::default();
        self.outbox.retire(&mut plan, &self.catalogue, at(self.now)).unwrap();
        self.commit(plan);
    }

    /// Stops and starts again, in one of two cases by a crash that loses what was not durable.
    fn restart(&mut self) {
        if self.dice.below(2) == 0 {
            self.disk = self.durable.clone();
        }
        let records = |wanted: Place| {
            let found = self.disk.iter().filter(move |((place, _), _)| *place == wanted);
            found.map(|((_, key), value)| (key.clone(), value.clone())).collect::<Vec<_>>()
        };
        let (outbox, bad) = Outbox::load(POLICY, records(Place::Waiting), records(Place::Dead));
        assert!(bad.is_empty());
        self.outbox = outbox;
        self.out.clear();
    }

    fn check(&self) {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for ((place, key), value) in &self.disk {
            if *place == Place::Waiting {
                let receiver = Key::from_bytes(key).unwrap().receiver.to_string();
                found.entry(receiver).or_default().push(Entry::unpack(value).unwrap().id);
            }
        }
        let expected: BTreeMap<_, _> = self.expected.clone().into_iter().filter(|(_, ids)| !ids.is_empty()).collect();
        assert_eq!(found, expected, "what waits is what was committed and is not settled");
        assert!(found.values().all(|ids| ids.len() <= POLICY.waiting_max));
        let on_disk: BTreeSet<_> =
            self.disk.keys().filter(|(place, _)| *place == Place::Dead).map(|(_, key)| key).collect();
        let in_memory: BTreeSet<_> = self.outbox.dead_letters().map(|(key, _)| key.to_bytes()).collect();
        assert_eq!(on_disk, in_memory.iter().collect());
        assert_eq!(on_disk.len(), self.dead.min(POLICY.dead_letters_max), "kept up to the bound");
    }

    /// Lets every receiver answer until nothing waits.
    fn drain(&mut self) {
        for _ in 0..100_000 {
            if self.expected.values().all(Vec::is_empty) {
                return;
            }
            self.now += 2_000;
            self.retire();
            self.due();
            self.settle();
            self.check();
        }
        panic!("something waits for ever");
    }
}

#[test]
fn nothing_is_lost_reordered_or_told_again() {
    let (mut delivered, mut dead, mut sent) = (0, 0, 0);
    for seed in 0..100 {
        let mut world = World::new(seed);
        for _ in 0..300 {
            world.step();
        }
        world.drain();
        delivered += world.delivered.len();
        dead += world.dead;
        sent += world.sent;
    }
    // The dice reach everything that matters.
    assert!(delivered > 1_000 && dead > 1_000 && sent > 2 * delivered, "{delivered} {dead} {sent}");
}
