//! A receiver that is down for an hour, by a simulated clock: nothing is lost or out of order, it is left alone meanwhile, and
//! told soon after it is back; whoever is well notices nothing of it.

use super::*;
use crate::notify::testing::{at, catalogue, message};

const HOUR_MS: i64 = 3_600_000;
/// How often a message comes.
const EVERY_MS: i64 = 120_000;

/// How the receiver is not there.
#[derive(Clone, Copy, Debug)]
enum Down {
    /// It does not answer, or with 500.
    Mute,
    /// It says to come again in 600 seconds.
    Busy,
}

/// What was seen.
struct Seen {
    /// When the receiver in trouble was asked.
    asked: Vec<i64>,
    /// What it took, and when.
    took: Vec<(String, i64)>,
    /// The same of the one that is well.
    well: Vec<(String, i64)>,
    dead: usize,
    opened: bool,
}

/// Runs the first two hours, the first of which the receiver is down; at `restart` the program ends and starts anew.
fn run(drawn: u32, down: Down, restart: Option<i64>) -> Seen {
    let catalogue = catalogue(&[("down", "http://a/"), ("well", "http://b/")]);
    let mut outbox = Outbox::load(OutboxPolicy::default(), [], []).0;
    let mut disk: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut seen = Seen { asked: Vec::new(), took: Vec::new(), well: Vec::new(), dead: 0, opened: false };
    let (mut dice, mut n) = (drawn, 0);
    let commit = |disk: &mut BTreeMap<Vec<u8>, Vec<u8>>, outbox: &mut Outbox, plan: Plan| {
        for change in plan.changes().filter(|change| change.place == Place::Waiting) {
            match &change.value {
                Some(value) => disk.insert(change.key.clone(), value.clone()),
                None => disk.remove(&change.key),
            };
        }
        outbox.apply(plan);
    };
    for now in (0..2 * HOUR_MS).step_by(500) {
        let mut plan = Plan::default();
        if now % EVERY_MS == 0 {
            n += 1;
            outbox.enqueue(&mut plan, vec![message("down", n), message("well", n)], at(now)).unwrap();
        }
        commit(&mut disk, &mut outbox, plan);
        if restart == Some(now) {
            outbox = Outbox::load(OutboxPolicy::default(), disk.clone(), []).0;
        }
        for delivery in outbox.due(&catalogue, at(now)) {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let outcome = match (delivery.key.receiver.as_str(), now < HOUR_MS, down) {
                ("well", ..) => {
                    seen.well.push((delivery.id, now));
                    Outcome::Delivered
                }
                (_, true, down) => {
                    seen.asked.push(now);
                    let retry_after_ms = matches!(down, Down::Busy).then_some(600_000);
                    Outcome::Failed { retryable: true, retry_after_ms, error: "down".to_owned() }
                }
                _ => {
                    seen.took.push((delivery.id, now));
                    Outcome::Delivered
                }
            };
            let mut plan = Plan::default();
            outbox.settle(&mut plan, &delivery.key, (&outcome, None), at(now), dice).unwrap();
            commit(&mut disk, &mut outbox, plan);
        }
        seen.opened |= outbox.snapshot(&catalogue).iter().any(|one| one.breaker_open);
    }
    seen.dead = outbox.dead_letters().len();
    seen
}

fn ids(took: &[(String, i64)]) -> Vec<&str> {
    took.iter().map(|(id, _)| id.as_str()).collect()
}

#[test]
fn an_hour_without_answers_loses_nothing_and_disturbs_nobody() {
    let all: Vec<String> = (1..=60).map(|n| format!("x-INC-{n}.1")).collect();
    let mut rhythms = std::collections::BTreeSet::new();
    for seed in 0..12 {
        for restart in [None, Some(30 * 60_000)] {
            let seen = run(seed, Down::Mute, restart);
            assert_eq!(ids(&seen.took), all, "each once and in order");
            assert_eq!((ids(&seen.well), seen.dead), (all.iter().map(String::as_str).collect(), 0));
            assert!(seen.well.iter().zip(0..).all(|((_, at), n)| *at == n * EVERY_MS), "who is well waits for nobody");
            assert!(seen.opened);
            let gaps: Vec<i64> = seen.asked.windows(2).map(|two| two[1] - two[0]).collect();
            // The first five attempts follow their own rhythm; from then on it is left alone, longer and longer.
            if restart.is_none() {
                assert!(gaps[4..].iter().all(|gap| *gap >= 22_500), "{gaps:?}");
                assert!(gaps[8..].iter().all(|gap| *gap >= 225_000), "{gaps:?}");
                rhythms.insert(seen.asked.clone());
            }
            assert!(gaps.iter().all(|gap| *gap <= 300_500), "{gaps:?}");
            assert!((15..=45).contains(&seen.asked.len()), "{}", seen.asked.len());
            // Back within the longest pause, and then with everything at once.
            let (first, last) = (seen.took[0].1, seen.took[29].1);
            assert!(first - HOUR_MS <= 300_500 && last - first <= 30 * 500, "{first} {last}");
        }
    }
    assert_eq!(rhythms.len(), 12, "no two receivers are asked at the same moments");
}

#[test]
fn who_says_when_to_come_again_is_asked_then_and_not_left_alone() {
    let seen = run(7, Down::Busy, None);
    assert!(!seen.opened);
    assert_eq!(seen.asked, (0..6).map(|n| n * 600_000).collect::<Vec<_>>());
    assert_eq!((seen.took.len(), seen.dead, seen.took[0].1), (60, 0, HOUR_MS));
}
