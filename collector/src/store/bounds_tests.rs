//! Bounds that are held while rows arrive: rows of a day, and who is told of what arrived.

use uphold_common::time::DAY_MS;

use super::testing::*;
use super::*;

#[test]
fn a_day_of_a_stream_takes_so_many_rows_and_other_days_and_streams_go_on() {
    let scratch = tempfile::tempdir().unwrap();
    let small = StoreOptions { rows_of_a_day_max: 10_000, ..options() };
    let mut store = open_with(scratch.path(), small.clone());
    let mut seq = 0;
    let mut append = |store: &mut EmbeddedStore, stream: &str, from: i64| {
        seq += 1;
        let batch = admitted(seq, vec![probed(stream, from..from + 2_500)]);
        store.append(at(0), vec![batch]).unwrap()[0]
    };
    let full = Appended::TooManyRowsOfDay { most: 10_000 };
    for batch in 0..3 {
        assert_eq!(append(&mut store, "a", batch * 2_500), Appended::Kept);
    }
    // What is in a part counts as what is in the head does.
    while store.compact(at(1)).unwrap().sealed_rows.is_none() {}
    assert_eq!(append(&mut store, "a", 7_500), Appended::Kept);
    assert_eq!(append(&mut store, "a", 10_000), full);
    assert_eq!(append(&mut store, "b", 0), Appended::Kept);
    assert_eq!(append(&mut store, "a", DAY_MS), Appended::Kept);
    // Of many that are merged few are left when they were the same.
    let scratch = tempfile::tempdir().unwrap();
    let mut same = open_with(scratch.path(), small);
    for _ in 0..4 {
        assert_eq!(append(&mut same, "a", 0), Appended::Kept);
    }
    assert_eq!(append(&mut same, "a", 0), full);
    while same.compact(at(1)).unwrap().more {}
    assert_eq!(append(&mut same, "a", 2_500), Appended::Kept);
}

#[test]
fn a_vantage_point_that_nobody_wants_is_told_once_until_it_is_asked_for_anew() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    let told = |store: &mut EmbeddedStore, seq: u64, wanted: bool| {
        store.append(at(0), vec![admitted(seq, vec![probed("a", [i64::try_from(seq).unwrap()])])]).unwrap();
        let touched = store.take_touched(&|_| wanted).vantage_points;
        touched.into_values().map(|rows| rows.rows.map(|rows| rows.len())).next()
    };
    assert_eq!(told(&mut store, 1, true), Some(Some(1)));
    assert_eq!(told(&mut store, 2, false), Some(None));
    assert_eq!(told(&mut store, 3, false), None);
    store.ask_anew();
    assert_eq!(told(&mut store, 4, true), Some(Some(1)));
    assert_eq!(told(&mut store, 5, true), Some(Some(1)));
}
