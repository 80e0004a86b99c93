//! News by what batches say, one after the other.

use Outcome::{Degraded, Down, Up};
use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;

use super::*;

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn batch(agent: &str, probe: &str, outcomes: &[Outcome]) -> Sheet {
    let row = |(at, outcome): (i64, &Outcome)| Observation {
        at: Instant::from_ms(at),
        outcome: *outcome,
        cause: Cause::None,
        code: 0,
        total: Micros::new(1),
        phases: Phases::default(),
    };
    let rows = (0..).zip(outcomes).map(row).collect();
    let key = BatchKey { agent: id(agent), epoch: Epoch([1; 16]), seq: 1 };
    let streams = vec![Rows::Probe(PathId::new(id("shop"), id(probe)), rows)];
    Batch { key, closed_at: Instant::from_ms(0), streams, facts: Vec::new() }.into()
}

/// Whether each of these batches is news when it comes after those before it.
fn told(batches: &[(&str, &str, &[Outcome])]) -> Vec<bool> {
    let mut news = News::default();
    let mut one = |(agent, probe, outcomes): &(&str, &str, &[Outcome])| {
        news.looked_at();
        news.read(&batch(agent, probe, outcomes));
        news.waits()
    };
    batches.iter().map(&mut one).collect()
}

#[test]
fn what_turns_is_news_and_so_are_the_rows_that_confirm_it() {
    let one = |outcomes: &'static [Outcome]| ("a", "web", outcomes);
    assert_eq!(told(&[one(&[Up]), one(&[Up, Up])]), [false, false]);
    let failing = [one(&[Down]), one(&[Down]), one(&[Down]), one(&[Down]), one(&[Down]), one(&[Down]), one(&[Down])];
    assert_eq!(told(&failing), [true, true, true, true, true, false, false], "one that stays down says nothing new");
    let back = [one(&[Down; 9]), one(&[Down]), one(&[Up]), one(&[Up]), one(&[Up; 4]), one(&[Up]), one(&[Degraded])];
    assert_eq!(told(&back), [true, false, true, true, true, false, true]);
    assert_eq!(told(&[one(&[Up, Down, Up])]), [true], "also what is over within one batch");
}

#[test]
fn each_agents_stream_is_its_own() {
    let down: &[Outcome] = &[Down; 6];
    let seen = told(&[("a", "web", down), ("a", "web", &[Down]), ("b", "web", &[Down]), ("a", "api", &[Down])]);
    assert_eq!(seen, [true, false, true, true]);
}

#[test]
fn nothing_is_kept_of_what_is_up_and_not_more_than_a_bound_of_what_is_not() {
    let mut news = News::default();
    news.read(&batch("a", "web", &[Down]));
    assert_eq!(news.streams, 1);
    news.read(&batch("a", "web", &[Up; 5]));
    assert_eq!((news.streams, news.turned.get(&id("a")).map(HashMap::len)), (0, Some(0)));
    for stream in 0..=TURNED_MAX {
        news.read(&batch("a", &format!("p{stream}"), &[Down]));
    }
    assert_eq!(news.streams, 1);
}
