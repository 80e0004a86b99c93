//! Names are shared where they are known, and whatever is known, a batch says the same.

use super::super::batch::Epoch;
use super::*;
use crate::ids::{Id, PathId};
use crate::observation::{Cause, Flow, Micros, Outcome, Phases, Resource};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn attempt(at: i64) -> Observation {
    Observation {
        at: Instant::from_ms(at),
        outcome: Outcome::Up,
        cause: Cause::None,
        code: 200,
        total: Micros::new(900),
        phases: Phases::default(),
    }
}

fn probe(name: &str, at: i64) -> Rows {
    Rows::Probe(PathId::new(id("shop"), id(name)), vec![attempt(at), attempt(at + 1)])
}

fn disk(of: &str, used: u64) -> Rows {
    let id = ResourceId { host: id("shop"), resource: Resource::Filesystem, of: of.to_owned() };
    Rows::Capacity(id, vec![Reading { at: Instant::from_ms(7), used, limit: 9 }])
}

fn net(of: &str) -> Rows {
    let id = FlowId { host: id("web-1"), flow: Flow::NetworkSent, of: of.to_owned() };
    Rows::Volume(id, vec![Volume { at: Instant::from_ms(8), over_ms: 5, amount: 6 }])
}

fn batch(streams: Vec<Rows>) -> Batch {
    let key = BatchKey { agent: id("zurich-1"), epoch: Epoch([1; 16]), seq: 3 };
    Batch { key, closed_at: Instant::from_ms(1_000), streams, facts: Vec::new() }
}

fn read(batch: &Batch, known: Option<&Names>) -> Sheet {
    Sheet::decode(&batch.encode().unwrap(), usize::MAX, known).unwrap()
}

#[test]
fn whatever_is_known_a_batch_says_the_same() {
    let whole = batch(vec![probe("api", 1), probe("web", 2), disk("/", 3), disk("/var", 4), net("eth0")]);
    let some = batch(vec![probe("web", 2), disk("/var", 4)]);
    let turned = batch(vec![net("eth0"), disk("/", 3), probe("api", 1)]);
    let twice = batch(vec![probe("api", 1), probe("api", 1)]);
    let none = batch(vec![]);
    let names = extended(None, read(&whole, None).names()).unwrap();
    for (batch, shares) in [(&whole, true), (&some, true), (&none, true), (&turned, false), (&twice, false)] {
        let sheet = read(batch, Some(&names));
        assert_eq!(Arc::ptr_eq(sheet.names(), &names), shares);
        assert_eq!((sheet.rows(), sheet.len()), (batch.rows(), batch.streams.len()));
        assert_eq!(sheet.instants().count(), batch.rows());
        assert_eq!(&Batch::from(sheet), batch);
        assert_eq!(&Batch::from(read(batch, None)), batch);
        assert_eq!(&Batch::from(Sheet::from(batch.clone())), batch);
    }
}

#[test]
fn names_that_only_look_alike_are_not_shared() {
    let names = extended(None, read(&batch(vec![disk("/var", 1), net("eth0")]), None).names()).unwrap();
    let web = ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: "/var".to_owned() };
    let swap = ResourceId { host: id("shop"), resource: Resource::Swap, of: "/var".to_owned() };
    for other in [web, swap] {
        let other = batch(vec![Rows::Capacity(other, Vec::new())]);
        let sheet = read(&other, Some(&names));
        assert!(!Arc::ptr_eq(sheet.names(), &names));
        assert_eq!(Batch::from(sheet), other);
    }
}

#[test]
fn the_list_grows_by_what_is_new_and_stays_bounded() {
    let (some, more) = (read(&batch(vec![disk("/", 1)]), None), read(&batch(vec![net("eth0"), probe("api", 1)]), None));
    let first = extended(None, some.names()).unwrap();
    assert!(extended(Some(&first), some.names()).is_none(), "nothing is new");
    let both = extended(Some(&first), more.names()).unwrap();
    assert!(both.len() == 3 && both.is_sorted());
    assert!(extended(Some(&both), more.names()).is_none());
    let many: Vec<Rows> = (0..NAMES_MAX + 9).map(|i| disk(&i.to_string(), 1)).collect();
    let many = read(&batch(many), None);
    let list = extended(Some(&both), many.names()).unwrap();
    assert_eq!(list.len(), NAMES_MAX);
    assert!(list.iter().all(|name| many.names().contains(name)), "what is too much goes with all before");
    assert!(extended(Some(&list), many.names()).is_none(), "and nothing better comes of trying again");
}
