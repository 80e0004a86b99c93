//! What a store holds, read in this process once no collector has it, held against what was delivered.

use std::collections::BTreeMap;
use std::path::Path;

use uphold_collector::store::{DataDir, EmbeddedStore, Store as _, StoreOptions};
use uphold_common::time::{Instant, Interval};
use uphold_tests::process::wait::wall_ms;

use crate::load::Expected;

/// Everything that is not as it was delivered: what is missing, what is there and was not delivered, what is there twice.
pub(crate) fn differences(data: &Path, expected: &Expected) -> Vec<String> {
    let claimed = DataDir::claim(data, "the tests", Instant::from_ms(wall_ms())).unwrap();
    let store = EmbeddedStore::open(claimed, StoreOptions::default()).unwrap();
    let all = Interval::new(Instant::MIN, Instant::MAX);
    let mut found = Vec::new();
    for (of, rows) in &expected.attempts {
        compare(&mut found, of, rows, &store.observations(of, all).unwrap(), |row| row.at);
    }
    for (of, rows) in &expected.readings {
        compare(&mut found, of, rows, &store.readings(of, all).unwrap(), |row| row.at);
    }
    for (of, rows) in &expected.volumes {
        compare(&mut found, of, rows, &store.volumes(of, all).unwrap(), |row| row.at);
    }
    let stats = store.stats();
    if (stats.corrupt_chunks, stats.corrupt_journal, stats.corrupt_records) != (0, 0, 0) {
        found.push(format!("damage was met where nobody damaged anything: {stats:?}"));
    }
    found
}

fn compare<T: PartialEq + std::fmt::Debug>(
    found: &mut Vec<String>,
    of: &impl std::fmt::Debug,
    expected: &BTreeMap<Instant, T>,
    there: &[T],
    at: impl Fn(&T) -> Instant,
) {
    let mut seen: BTreeMap<Instant, usize> = BTreeMap::new();
    for row in there {
        *seen.entry(at(row)).or_default() += 1;
        if expected.get(&at(row)) != Some(row) {
            found.push(format!("{of:?}: {row:?} was never delivered"));
        }
    }
    found.extend(seen.iter().filter(|(_, times)| **times > 1).map(|(at, times)| format!("{of:?}: {times} times {at}")));
    let missing: Vec<_> = expected.keys().filter(|at| !seen.contains_key(at)).collect();
    if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
        found.push(format!("{of:?}: {} of {} rows are missing, from {first} to {last}", missing.len(), expected.len()));
    }
}
