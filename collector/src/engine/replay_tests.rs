//! A store that was lost: what agents send again gives the figures of before, nothing is concluded until it is there, and
//! what cannot be sent again is unmeasured, counted and named.

use uphold_common::ids::Id;
use uphold_common::wire::push::{PushAnswer, SeqRange};

use super::tests::{World, arrived, at};
use crate::store::Told;

const ROW: &str = "uuuuuDDDuuuuuuuuuuuuuuDuuuu..uuuuu";

/// The rows of a batch: four, 10 s apart.
fn rows(seq: u64) -> (i64, &'static str) {
    let from = (usize::try_from(seq).unwrap() - 1) * 4;
    (i64::try_from(from).unwrap() * 10, &ROW[from..ROW.len().min(from + 4)])
}

/// A batch is pushed, or sent again, at `now`.
fn send(world: &mut World, seq: u64, told: Told, now: i64) -> PushAnswer {
    let (from, row) = rows(seq);
    let mut batch = arrived(seq, from, row, 18_001, 0);
    batch.backlog.told = told;
    world.engine().take_in(vec![batch], at(now)).unwrap().remove(0).unwrap()
}

fn told(acknowledged: u64, kept_from: Option<u64>) -> Told {
    Told { acknowledged, kept_from, absent: None }
}

#[test]
fn what_is_sent_again_counts_once_and_nothing_is_concluded_before_it_is_there() {
    let mut whole = World::new(0);
    for seq in 1..=9 {
        send(&mut whole, seq, told(seq - 1, Some(1)), 341);
    }
    let mut lost = World::new(18_000);
    assert_eq!(send(&mut lost, 9, told(8, Some(1)), 18_001).replay_from, Some(1));
    for seq in 1..=8 {
        lost.tick(18_001);
        assert!(lost.history().is_empty(), "nor while the rest is on its way: {:?}", lost.history());
        let next = Some(seq + 1).filter(|next| *next < 9);
        assert_eq!(send(&mut lost, seq, told(9, Some(1)), 18_001).replay_from, next);
        assert_eq!(send(&mut lost, seq, told(9, Some(1)), 18_001).replay_from, next, "and twice is once");
    }
    // Figures are those of the newest tick.
    lost.tick(18_001);
    for as_of in [60, 71, 100, 341] {
        assert_eq!(whole.figures(as_of, 20_000), lost.figures(as_of, 20_000), "as of {as_of}");
    }
    let snapshot = lost.tick(18_002);
    assert_eq!(lost.history()[..2], ["INC-1 down from 50", "INC-1 Recovered at 80"]);
    assert_eq!(snapshot.agents[&Id::new("a").unwrap()].gaps, crate::store::Gaps::default());
}

#[test]
fn what_is_no_longer_kept_is_unmeasured_counted_and_named_also_after_a_restart() {
    let mut world = World::new(18_000);
    assert_eq!(send(&mut world, 9, told(8, Some(7)), 18_001).replay_from, Some(7));
    send(&mut world, 7, told(9, Some(7)), 18_001);
    assert_eq!(send(&mut world, 8, told(9, Some(7)), 18_001).replay_from, None);
    for _ in 0..2 {
        let snapshot = world.tick(18_002);
        let gaps = &snapshot.agents[&Id::new("a").unwrap()].gaps;
        assert_eq!((gaps.missing_batches, gaps.lost_batches), (0, 6));
        assert_eq!(gaps.lost.iter().map(|(_, range)| *range).collect::<Vec<_>>(), [SeqRange { first: 1, last: 6 }]);
        let figures = world.figures(300, 18_002);
        assert_eq!(
            (figures["D"].as_i64(), figures["U"].as_i64()),
            (Some(0), Some(figures["C"].as_i64().unwrap() - 55_000))
        );
        // Everything is told anew after a crash: the journal has the batches and not what their pushes told.
        world.open(18_003);
        assert_eq!(send(&mut world, 9, told(8, Some(7)), 18_003).replay_from, None);
    }
}

#[test]
fn a_replay_that_never_ends_holds_a_service_no_longer_than_a_backlog() {
    let mut world = World::new(18_000);
    world.push(0, "uuuDDD", 18_001, 0);
    let mut now = 18_001;
    while now < 18_001 + 29 * 60 {
        assert_eq!(send(&mut world, 5, told(4, Some(2)), now).replay_from, Some(2));
        world.tick(now);
        assert!(world.history().is_empty(), "at {now}: {:?}", world.history());
        now += 60;
    }
    for _ in 0..3 {
        send(&mut world, 5, told(4, Some(2)), now);
        world.tick(now);
        now += 60;
    }
    assert!(world.history().iter().any(|event| event.contains("down from 30")), "{:?}", world.history());
}
