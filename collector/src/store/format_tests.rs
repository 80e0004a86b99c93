//! Stores of every format that ever was are opened for good.

use std::fs;

use uphold_common::time::DAY_MS;

use super::testing::*;
use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/fixtures");

fn unpack(format: &str, to: &std::path::Path) {
    let folder = to.join("store");
    fs::create_dir_all(&folder).unwrap();
    for name in ["db", "conf"] {
        let packed = fs::read(format!("{FIXTURES}/{format}/{name}.zst")).unwrap();
        fs::write(folder.join(name), zstd::bulk::decompress(&packed, 16 << 20).unwrap()).unwrap();
    }
}

#[test]
fn a_store_of_format_1_is_taken_up_whole() {
    let scratch = tempfile::tempdir().unwrap();
    unpack("format-1", scratch.path());
    let expected = fs::read_to_string(format!("{FIXTURES}/format-1/rows.txt")).unwrap();
    for round in 0..3 {
        let mut store = open(scratch.path());
        let mut found: Vec<String> = Vec::new();
        for point in store.vantage_points() {
            let rows = store.observations(&point, all()).unwrap();
            found.extend(
                rows.iter()
                    .map(|row| format!("{} {} {} {}", point.probe, point.agent, row.at.as_ms(), row.total.code())),
            );
        }
        found.sort();
        assert_eq!(found.join("\n"), expected, "opened for the time {round}");
        assert_eq!(store.latest_volumes().len(), 2);
        assert_eq!(store.record(RecordKind::Meta, b"greeting").unwrap(), Some(b"hello".to_vec()));
        assert_eq!(store.record(RecordKind::Catalogue, b"long").unwrap().map(|value| value.len()), Some(80_000));
        assert_eq!(store.stats().corrupt_chunks + store.stats().corrupt_records + store.stats().missing_files, 0);
        // What waited in the journal was touched, as after every start.
        assert_eq!(store.take_touched(&|_| true).vantage_points.is_empty(), round > 0);
        if round == 1 {
            while store.compact(at(3 * DAY_MS)).unwrap().more {}
        }
    }
}
