//! The outbox by hand: order, retries, bounds, dead letters, receivers that go.

use uphold_common::time::DAY_MS;

use super::*;
use crate::notify::entry::REASON_CHARS_MAX;
use crate::notify::testing::{at, catalogue, id, message};

fn outbox(policy: OutboxPolicy) -> (Outbox, Catalogue) {
    (Outbox::load(policy, [], []).0, catalogue(&[("chat", "http://a/"), ("duty", "http://b/")]))
}

fn planned(outbox: &mut Outbox, ask: impl FnOnce(&Outbox, &mut Plan)) -> Vec<(Place, String, bool, bool)> {
    let mut plan = Plan::default();
    ask(outbox, &mut plan);
    let shown = plan.changes().map(|change| {
        let key = Key::from_bytes(&change.key).unwrap();
        (change.place, format!("{} {}", key.receiver, key.order), change.value.is_some(), change.durable)
    });
    let shown = shown.collect();
    outbox.apply(plan);
    shown
}

fn enqueue(outbox: &mut Outbox, messages: &[(&str, u64)], now: i64) {
    let messages = messages.iter().map(|(to, n)| message(to, *n)).collect();
    planned(outbox, |outbox, plan| outbox.enqueue(plan, messages, at(now)).unwrap());
}

fn due(outbox: &mut Outbox, catalogue: &Catalogue, now: i64) -> Vec<(String, Key, u32)> {
    outbox.due(catalogue, at(now)).into_iter().map(|d| (d.id, d.key, d.attempt)).collect()
}

fn settle(outbox: &mut Outbox, key: &Key, outcome: &Outcome, now: i64) -> Vec<(Place, String, bool, bool)> {
    planned(outbox, |outbox, plan| outbox.settle(plan, key, (outcome, None), at(now), u32::MAX).unwrap())
}

fn failed(retryable: bool, retry_after_ms: Option<i64>) -> Outcome {
    Outcome::Failed { retryable, retry_after_ms, error: "the receiver answered 500".to_owned() }
}

#[test]
fn each_receiver_is_told_in_order_and_one_at_a_time() {
    let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1), ("chat", 1), ("duty", 2)], 10);
    let first = due(&mut outbox, &catalogue, 10);
    let ids: Vec<_> = first.iter().map(|(id, key, n)| (id.as_str(), key.receiver.as_str(), *n)).collect();
    assert_eq!(ids, [("x-INC-1.1", "chat", 1), ("x-INC-1.1", "duty", 1)]);
    assert!(due(&mut outbox, &catalogue, 99_999).is_empty(), "both are out");
    let duty = &first[1].1;
    let changes = settle(&mut outbox, duty, &Outcome::Delivered, 20);
    assert_eq!(changes, [(Place::Waiting, "duty 1".to_owned(), false, true)]);
    assert!(settle(&mut outbox, duty, &failed(true, None), 20).is_empty(), "it was settled already");
    let next = due(&mut outbox, &catalogue, 20);
    assert_eq!((next.len(), next[0].0.as_str()), (1, "x-INC-2.1"));
}

#[test]
fn a_failed_message_waits_and_holds_up_those_behind_it() {
    let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1), ("duty", 2)], 0);
    let out = due(&mut outbox, &catalogue, 0);
    let changes = settle(&mut outbox, &out[0].1, &failed(true, Some(30_000)), 0);
    assert_eq!(changes, [(Place::Waiting, "duty 1".to_owned(), true, false)], "need not be durable");
    assert!(due(&mut outbox, &catalogue, 29_999).is_empty());
    let shown = &outbox.snapshot(&catalogue)[1];
    assert_eq!((shown.waiting, shown.failed_attempts, shown.waiting_since), (2, 1, Some(at(0))));
    assert_eq!(shown.last_error.as_deref(), Some("the receiver answered 500"));
    let again = due(&mut outbox, &catalogue, 30_000);
    assert_eq!((again[0].0.as_str(), again[0].2), ("x-INC-1.1", 2));
    settle(&mut outbox, &again[0].1, &Outcome::Delivered, 30_000);
    let shown = &outbox.snapshot(&catalogue)[1];
    assert_eq!((shown.waiting, shown.delivered, shown.last_error.as_ref()), (1, 1, None));
}

#[test]
fn a_receiver_that_says_when_to_come_again_is_not_left_alone() {
    for (retry_after_ms, is_open) in [(Some(1_000), false), (None, true)] {
        let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
        enqueue(&mut outbox, &[("duty", 1)], 0);
        for attempt in 1..=6 {
            let now = attempt * 600_000;
            let (_, key, _) = due(&mut outbox, &catalogue, now).remove(0);
            settle(&mut outbox, &key, &failed(true, retry_after_ms), now);
        }
        let shown = outbox.snapshot(&catalogue);
        assert!(shown[1].breaker_open == is_open, "{shown:?}");
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_hold_a_message_for_ever() {
    let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1)], 30 * DAY_MS);
    assert_eq!(due(&mut outbox, &catalogue, 0).len(), 1);
}

#[test]
fn what_is_refused_or_failed_for_three_days_becomes_a_dead_letter() {
    let once =
        OutboxPolicy { retry: RetryPolicy { attempts_min: 1, ..RetryPolicy::default() }, ..OutboxPolicy::default() };
    for (outcome, now) in [(failed(false, None), 5), (failed(true, None), 3 * DAY_MS)] {
        let (mut outbox, catalogue) = outbox(once);
        enqueue(&mut outbox, &[("duty", 1), ("duty", 2)], 0);
        let out = due(&mut outbox, &catalogue, now);
        let changes = settle(&mut outbox, &out[0].1, &outcome, now);
        let expected =
            [(Place::Waiting, "duty 1".to_owned(), false, true), (Place::Dead, "duty 1".to_owned(), true, true)];
        assert_eq!(changes, expected);
        let (key, letter) = outbox.dead_letters().next().unwrap();
        assert_eq!((key.order, letter.died, letter.entry.attempts), (1, at(now), 1));
        assert_eq!(letter.reason, "the receiver answered 500");
        let shown = &outbox.snapshot(&catalogue)[1];
        assert_eq!((shown.waiting, shown.dead_letters, shown.failed_attempts, shown.refused), (1, 1, 1, 0));
        assert_eq!(due(&mut outbox, &catalogue, now)[0].0, "x-INC-2.1", "the next goes on");
    }
}

#[test]
fn what_waited_while_the_collector_was_off_for_days_is_not_given_up_at_the_first_failure() {
    let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1)], 0);
    for attempt in 1..=10 {
        assert_eq!(outbox.dead_letters().len(), 0, "{attempt}");
        let now = 5 * DAY_MS + attempt * 600_000;
        let (_, key, _) = due(&mut outbox, &catalogue, now).remove(0);
        settle(&mut outbox, &key, &failed(true, None), now);
    }
    assert_eq!(outbox.dead_letters().len(), 1);
}

#[test]
fn dead_letters_that_are_forgotten_are_shown_no_more_and_made_room_for_nothing() {
    let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1), ("duty", 2)], 0);
    for now in [5, 9] {
        let out = due(&mut outbox, &catalogue, now);
        settle(&mut outbox, &out[0].1, &failed(false, None), now);
    }
    let forget = |outbox: &mut Outbox| planned(outbox, |outbox, plan| outbox.forget_dead(plan, at(9), 100));
    assert_eq!(forget(&mut outbox), [(Place::Dead, "duty 1".to_owned(), false, true)]);
    assert_eq!(outbox.dead_letters().map(|(key, _)| key.order).collect::<Vec<_>>(), [2]);
    assert!(forget(&mut outbox).is_empty(), "once");
    assert_eq!(outbox.dead_letters_dropped(), 0);
}

#[test]
fn a_full_outbox_refuses_the_newest_and_the_oldest_dead_letters_go() {
    let (mut outbox, catalogue) =
        outbox(OutboxPolicy { waiting_max: 2, dead_letters_max: 3, ..OutboxPolicy::default() });
    enqueue(&mut outbox, &[("duty", 1)], 0);
    let many: Vec<_> = (2..=4).map(|n| ("duty", n)).chain([("chat", 9)]).collect();
    enqueue(&mut outbox, &many, 1);
    let shown = outbox.snapshot(&catalogue);
    assert_eq!((shown[0].waiting, shown[1].waiting, shown[1].refused), (1, 2, 2));
    let dead = |outbox: &Outbox| outbox.dead_letters().map(|(_, l)| l.entry.id.clone()).collect::<Vec<_>>();
    assert_eq!(dead(&outbox), ["x-INC-3.1", "x-INC-4.1"]);
    assert!(outbox.dead_letters().all(|(_, letter)| letter.reason == "outbox full"));
    // Three more: two old ones go, and the store is told so.
    let messages = (5..=7).map(|n| message("duty", n)).collect();
    let changes = planned(&mut outbox, |outbox, plan| outbox.enqueue(plan, messages, at(2)).unwrap());
    let removed = changes.iter().filter(|(place, _, present, _)| *place == Place::Dead && !present).count();
    assert_eq!((removed, changes.len()), (2, 5));
    assert_eq!(
        (dead(&outbox), outbox.dead_letters_dropped()),
        (vec!["x-INC-5.1".into(), "x-INC-6.1".into(), "x-INC-7.1".into()], 2)
    );
    // More at once than are kept at all: the first of them are never written.
    let messages = (8..=12).map(|n| message("duty", n)).collect();
    let changes = planned(&mut outbox, |outbox, plan| outbox.enqueue(plan, messages, at(3)).unwrap());
    let written = changes.iter().filter(|(_, _, present, _)| *present).count();
    assert_eq!((written, changes.len()), (3, 6));
    assert_eq!(dead(&outbox), ["x-INC-10.1", "x-INC-11.1", "x-INC-12.1"]);
    assert_eq!(outbox.dead_letters_dropped(), 7);
}

#[test]
fn a_receiver_that_left_the_catalogue_is_told_nothing_more() {
    let (mut outbox, mut catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1), ("duty", 2), ("chat", 3)], 0);
    let out = due(&mut outbox, &catalogue, 0);
    catalogue.receivers.remove(&id("duty"));
    let retire =
        |outbox: &mut Outbox, now| planned(outbox, |outbox, plan| outbox.retire(plan, &catalogue, at(now)).unwrap());
    assert_eq!(retire(&mut outbox, 5).len(), 2, "one is out, and that attempt is still to be heard of");
    settle(&mut outbox, &out[1].1, &failed(true, None), 6);
    assert!(due(&mut outbox, &catalogue, 9_999_999).is_empty());
    assert_eq!(retire(&mut outbox, 7).len(), 2);
    assert!(retire(&mut outbox, 8).is_empty());
    assert!(
        outbox
            .dead_letters()
            .all(|(_, l)| l.reason == "the receiver is no longer in the catalogue as one that is told in messages")
    );
    assert_eq!(outbox.dead_letters().len(), 2);
    due(&mut outbox, &catalogue, 9);
    let shown: Vec<_> = outbox.snapshot(&catalogue).into_iter().map(|s| s.receiver.to_string()).collect();
    assert_eq!(shown, ["chat"]);
}

#[test]
fn a_damaged_record_is_told_of_and_its_order_not_given_again() {
    let key = |order| Key { receiver: id("duty"), order }.to_bytes();
    let good = Entry::new(message("duty", 1), at(0)).pack().unwrap();
    let waiting = [(key(4), good.clone()), (key(8), b"?".to_vec()), (b"?".to_vec(), good.clone())];
    let (mut outbox, bad) = Outbox::load(OutboxPolicy::default(), waiting, [(key(2), good)]);
    let places: Vec<_> = bad.iter().map(|b| (b.place, b.key.clone())).collect();
    assert_eq!(places, [(Place::Waiting, key(8)), (Place::Waiting, b"?".to_vec()), (Place::Dead, key(2))]);
    assert!(bad[0].to_string().starts_with("the record duty\\x00"), "{}", bad[0]);
    let messages = vec![message("duty", 2)];
    let changes = planned(&mut outbox, |outbox, plan| outbox.enqueue(plan, messages, at(1)).unwrap());
    assert_eq!(changes[0].1, "duty 9");
}

#[test]
fn a_plan_that_is_dropped_changes_nothing() {
    let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1)], 0);
    let out = due(&mut outbox, &catalogue, 0);
    let mut plan = Plan::default();
    outbox.enqueue(&mut plan, vec![message("chat", 2)], at(1)).unwrap();
    outbox.settle(&mut plan, &out[0].1, (&failed(false, None), None), at(1), 0).unwrap();
    outbox.settle(&mut plan, &out[0].1, (&Outcome::Delivered, None), at(1), 0).unwrap();
    assert_eq!((plan.changes().count(), plan.dead_letters().count(), plan.is_durable()), (3, 1, true));
    drop(plan);
    assert_eq!(outbox.snapshot(&catalogue).iter().map(|s| s.waiting).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(settle(&mut outbox, &out[0].1, &Outcome::Delivered, 2).len(), 1, "it can still be settled");
}

#[test]
fn errors_are_kept_short() {
    let (mut outbox, catalogue) = outbox(OutboxPolicy::default());
    enqueue(&mut outbox, &[("duty", 1)], 0);
    let out = due(&mut outbox, &catalogue, 0);
    let outcome = Outcome::Failed { retryable: true, retry_after_ms: None, error: "x".repeat(9_999) };
    settle(&mut outbox, &out[0].1, &outcome, 0);
    let shown = outbox.snapshot(&catalogue)[1].last_error.clone().unwrap();
    assert_eq!(shown.chars().count(), REASON_CHARS_MAX + 1);
}
