//! Deliveries: what is remembered, what is missing, what is lost for good, and how it is written.

use super::*;

#[test]
fn the_highest_batches_are_remembered() {
    let at = Instant::from_ms(5);
    let delivery = Delivery::of(at, (1..=100).map(|seq| (seq, [7; 16])).chain([(3, [1; 16])]));
    assert_eq!((delivery.highest(), delivery.digest(3), delivery.digest(36)), (100, None, None));
    assert_eq!(delivery.digest(37), Some([7; 16]));
    let bytes = delivery.to_bytes();
    assert_eq!(Delivery::from_bytes(&bytes), Some(delivery));
    let digests = 17 + RECENT_MAX * 24;
    for end in (0..bytes.len()).filter(|end| *end != digests) {
        assert_eq!(Delivery::from_bytes(&bytes[..end]), None, "cut at {end}");
    }
}

#[test]
fn of_an_agent_the_epochs_used_last_are_kept() {
    let mut all = Deliveries::default();
    let agent = Id::new("a").unwrap();
    let key = |epoch: u8| BatchKey { agent: agent.clone(), epoch: Epoch([epoch; 16]), seq: 1 };
    for epoch in 0..8 {
        all.note(&key(epoch), [0; 16], Instant::from_ms(i64::from(epoch)));
    }
    all.note(&key(0), [0; 16], Instant::from_ms(50));
    all.note(&key(99), [0; 16], Instant::from_ms(60));
    assert!(all.get(&agent, Epoch([0; 16])).is_some(), "used again");
    assert!(all.get(&agent, Epoch([1; 16])).is_none(), "used longest ago");
    let forgotten: Vec<_> = all.unsaved().filter(|(_, _, known)| known.is_none()).map(|(_, e, _)| e).collect();
    assert_eq!(forgotten, vec![Epoch([1; 16])]);
}

const AT: Instant = Instant::from_ms(5);

fn told(acknowledged: u64, kept_from: Option<u64>) -> Told {
    Told { acknowledged, kept_from, absent: None }
}

fn range(first: u64, last: u64) -> SeqRange {
    SeqRange { first, last }
}

/// A batch arrives, and its push tells.
fn push(delivery: &mut Delivery, seq: u64, told: Told) -> Reckoned {
    delivery.note(seq, [7; 16], AT);
    delivery.reckon(seq, &told)
}

fn lost(delivery: &Delivery) -> Vec<(u64, u64)> {
    delivery.lost().ranges().iter().map(|range| (range.first, range.last)).collect()
}

#[test]
fn a_store_that_knows_nothing_asks_for_all_that_is_kept_and_loses_the_rest() {
    for (acknowledged, kept_from, asked, missing, gone) in [
        (0, None, None, 0, &[][..]),
        (0, Some(1), None, 0, &[]),
        (9, None, None, 0, &[(1, 9)]),
        (9, Some(1), Some(1), 9, &[]),
        (9, Some(4), Some(4), 6, &[(1, 3)]),
        (9, Some(9), Some(9), 1, &[(1, 8)]),
        (9, Some(10), None, 0, &[(1, 9)]),
    ] {
        let mut delivery = Delivery::of(AT, []);
        let reckoned = push(&mut delivery, 10, told(acknowledged, kept_from));
        assert_eq!((reckoned.replay_from, reckoned.missing), (asked, missing), "{acknowledged} {kept_from:?}");
        assert_eq!((lost(&delivery), &reckoned.lost), (gone.to_vec(), delivery.lost()));
        let again = push(&mut delivery, 11, told(10, kept_from));
        assert_eq!((again.replay_from, again.lost), (asked, SeqRanges::default()), "it is asked again and lost once");
    }
}

#[test]
fn it_is_asked_until_the_gap_is_filled_and_fresh_batches_may_come_between() {
    let mut delivery = Delivery::of(AT, []);
    assert_eq!(push(&mut delivery, 6, told(5, Some(2))).replay_from, Some(2));
    for (seq, acknowledged, asked) in [
        (2, 6, Some(3)),
        (7, 6, Some(3)),
        (3, 7, Some(4)),
        (4, 7, Some(5)),
        (8, 7, Some(5)),
        (5, 8, None),
        (9, 8, None),
    ] {
        assert_eq!(push(&mut delivery, seq, told(acknowledged, Some(2))).replay_from, asked, "after {seq}");
    }
    assert_eq!((lost(&delivery), delivery.missing().ranges()), (vec![(1, 1)], &[][..]));
}

#[test]
fn what_was_never_acknowledged_is_never_missing() {
    let mut delivery = Delivery::of(AT, []);
    assert_eq!(push(&mut delivery, 1, told(0, None)), Reckoned::default());
    // 2 to 4 were dropped by a full spool, 6 was refused.
    assert_eq!(push(&mut delivery, 5, told(1, Some(1))), Reckoned::default());
    assert_eq!(push(&mut delivery, 7, told(5, Some(1))), Reckoned::default());
    assert_eq!(push(&mut delivery, 8, told(7, None)), Reckoned::default(), "nothing is lost though nothing is kept");
    // The same for a store that was not there: the agent says what it does not have.
    let mut anew = Delivery::of(AT, []);
    assert_eq!(push(&mut anew, 9, told(8, Some(1))).replay_from, Some(1));
    assert_eq!(push(&mut anew, 1, told(9, Some(1))).replay_from, Some(2));
    let without = |first, last| Told { absent: Some(range(first, last)), ..told(9, Some(1)) };
    assert_eq!(push(&mut anew, 5, without(2, 4)).replay_from, Some(6));
    assert_eq!(push(&mut anew, 7, without(6, 6)).replay_from, Some(8));
    assert_eq!(push(&mut anew, 10, without(8, 9)), Reckoned::default(), "nothing above is kept: a fresh one says so");
    assert_eq!(lost(&anew), []);
}

#[test]
fn what_an_agent_no_longer_keeps_in_the_middle_of_a_replay_is_lost() {
    let mut delivery = Delivery::of(AT, []);
    assert_eq!(push(&mut delivery, 10, told(9, Some(3))).replay_from, Some(3));
    let further = push(&mut delivery, 5, told(10, Some(5)));
    assert_eq!((further.replay_from, further.lost.ranges()), (Some(6), &[range(3, 4)][..]));
    let off = push(&mut delivery, 11, told(10, None));
    assert_eq!((off.replay_from, off.lost.ranges()), (None, &[range(6, 9)][..]));
    assert_eq!(lost(&delivery), [(1, 4), (6, 9)]);
    delivery.note(7, [7; 16], AT);
    assert_eq!(lost(&delivery), [(1, 4), (6, 6), (8, 9)], "what comes after all is not lost");
}

#[test]
fn an_agent_that_talks_to_two_stores_replays_to_each_what_the_other_took() {
    let mut delivery = Delivery::of(AT, []);
    push(&mut delivery, 1, told(0, Some(1)));
    assert_eq!(push(&mut delivery, 5, told(4, Some(1))).replay_from, Some(2));
    assert_eq!(push(&mut delivery, 9, told(8, Some(1))).missing, 6, "2 to 4 and 6 to 8");
    for (seq, asked) in [(2, 3), (3, 4), (4, 6), (6, 7), (7, 8)] {
        assert_eq!(push(&mut delivery, seq, told(9, Some(1))).replay_from, Some(asked));
    }
    assert_eq!(push(&mut delivery, 8, told(9, Some(1))), Reckoned::default());
}

#[test]
fn numbers_without_sense_make_no_harm() {
    let mut delivery = Delivery::of(AT, []);
    let all = told(u64::MAX, None);
    assert_eq!(push(&mut delivery, 5, all).lost.count(0, u64::MAX), u64::MAX - 1);
    assert_eq!(push(&mut delivery, u64::MAX, told(0, Some(u64::MAX))).replay_from, None);
    let inverted = Told { absent: Some(range(9, 2)), ..told(3, Some(7)) };
    assert_eq!(push(&mut Delivery::of(AT, []), 4, inverted).lost.ranges(), [range(1, 3)]);
}

/// Whatever is held, dropped and given up, and whenever the store is lost: each seq that was acknowledged is here, asked
/// for or lost, and nothing that never was is asked for in the end.
#[test]
fn the_gaps_are_those_of_a_naive_account() {
    for seed in 0..200 {
        let mut dice = crate::store::testing::Dice(seed);
        let (mut delivery, mut here) = (Delivery::of(AT, []), BTreeSet::new());
        let (mut acknowledged, mut kept) = (BTreeSet::new(), BTreeSet::new());
        let (mut gone, mut asked) = (BTreeSet::new(), None);
        for seq in 1..=80 {
            if dice.below(30) == 0 {
                (delivery, here, gone) = (Delivery::of(AT, []), BTreeSet::new(), BTreeSet::new());
            }
            if dice.below(5) == 0 {
                continue; // Dropped or refused: never acknowledged.
            }
            let highest = acknowledged.last().copied().unwrap_or(0);
            let sends: Vec<u64> = std::iter::once(seq).chain((0..dice.below(3)).map(|_| 0)).collect();
            for one in sends {
                let highest = if one == 0 { seq } else { highest };
                let (sent, absent) = match (one, asked) {
                    (0, None) => continue,
                    (0, Some(from)) => match kept.range(from..).next() {
                        Some(found) => (*found, (from < *found).then(|| range(from, *found - 1))),
                        None => continue,
                    },
                    (fresh, Some(from)) if kept.range(from..).next().is_none() => {
                        (fresh, (from <= highest).then(|| range(from, highest)))
                    }
                    (fresh, _) => (fresh, None),
                };
                here.insert(sent);
                let kept_from = kept.first().copied();
                asked = push(&mut delivery, sent, Told { acknowledged: highest, kept_from, absent }).replay_from;
                gone.extend((1..kept_from.unwrap_or(highest + 1)).filter(|seq| !here.contains(seq)));
                acknowledged.insert(sent);
                kept.insert(sent);
                let lost: BTreeSet<u64> = delivery.lost().ranges().iter().flat_map(|r| r.first..=r.last).collect();
                assert!(lost.is_subset(&gone), "seed {seed}");
                for seq in &acknowledged {
                    let missing = delivery.missing().count(*seq, *seq) == 1;
                    assert!(here.contains(seq) || missing || lost.contains(seq), "seed {seed}: {seq}");
                    assert!(!(here.contains(seq) && (missing || lost.contains(seq))), "seed {seed}: {seq} twice");
                }
                assert!(asked.is_none_or(|from| kept_from.is_some_and(|kept| kept <= from)), "seed {seed}");
            }
            if dice.below(4) == 0 {
                kept.pop_first();
            }
        }
        for _ in 0..200 {
            let (Some(from), Some(highest)) = (asked, acknowledged.last().copied()) else { break };
            let Some(found) = kept.range(from..).next().copied() else { break };
            let absent = (from < found).then(|| range(from, found - 1));
            let told = Told { acknowledged: highest, kept_from: kept.first().copied(), absent };
            asked = push(&mut delivery, found, told).replay_from;
        }
        let tail = asked.is_none_or(|from| kept.range(from..).next().is_none());
        assert!(tail, "seed {seed}: a replay comes to its end");
    }
}

#[test]
fn a_record_of_before_replay_is_read_and_nothing_is_missing_in_it() {
    let delivery = Delivery::of(AT, [(3, [7; 16])]);
    let mut before = Delivery { missing: SeqRanges::default(), ..delivery }.to_bytes();
    before.truncate(17 + 24);
    let mut read = Delivery::from_bytes(&before).unwrap();
    assert_eq!((read.highest(), read.missing().first()), (3, None));
    assert_eq!(push(&mut read, 4, told(3, None)), Reckoned::default());

    let mut written = Delivery::of(AT, [(3, [7; 16]), (9, [8; 16])]);
    written.reckon(9, &told(8, Some(6)));
    assert_eq!(lost(&written), [(1, 2), (4, 5)]);
    assert_eq!(Delivery::from_bytes(&written.to_bytes()), Some(written.clone()));
    for (place, byte) in [(17 + 48, 3), (17 + 48 + 9, 33)] {
        let mut other = written.to_bytes();
        other[place] = byte;
        assert_eq!(Delivery::from_bytes(&other), None, "byte {place}");
    }
    let mut longer = written.to_bytes();
    longer.push(0);
    assert_eq!(Delivery::from_bytes(&longer), None);
}

#[test]
fn the_gaps_of_an_agent_are_those_of_all_its_epochs() {
    let mut all = Deliveries::default();
    let agent = Id::new("a").unwrap();
    for (epoch, kept_from) in [(1, Some(4)), (2, None)] {
        let key = BatchKey { agent: agent.clone(), epoch: Epoch([epoch; 16]), seq: 6 };
        all.note(&key, [0; 16], AT);
        all.reckon(&key, &told(5, kept_from));
    }
    let gaps = all.gaps(&agent);
    assert_eq!((gaps.missing_batches, gaps.lost_batches), (2, 8));
    assert_eq!(gaps.lost, [(Epoch([1; 16]), range(1, 3)), (Epoch([2; 16]), range(1, 5))]);
    assert_eq!(all.gaps(&Id::new("b").unwrap()), Gaps::default());
    let key = BatchKey { agent: Id::new("b").unwrap(), epoch: Epoch([1; 16]), seq: 1 };
    assert_eq!(all.reckon(&key, &told(5, None)), Reckoned::default(), "nobody is known by that name");
}
