//! A store that is compacted, by the running collector and with none: nothing waits afterwards, and nothing is lost. A
//! store that is verified: sound as the collector leaves it, and damage is told with its place and an exit code.

use std::fs;
use std::path::Path;

use uphold_tests::process::http;

use crate::world::{World, run, until};

impl World {
    /// Runs a command on the data directory of the collector; what it said.
    fn on_the_store(&self, command: &str) -> String {
        let done = run("uphold-collector", &[command, "--data", &self.collector_data()]);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        said
    }
}

#[test]
fn everything_is_sealed_and_merged_by_the_running_collector_and_without_one() {
    let mut world = World::watched();
    let said = world.on_the_store("compact");
    assert!(said.starts_with("Compacted: "), "{said}");
    until("the seal to be shown", || world.collector_metric("uphold_store_seals_total").filter(|seals| *seals > 0.5));
    assert!(world.collector_metric("uphold_store_dates_unmerged").is_some_and(|dates| dates < 0.5));
    let deeds = run("uphold-collector", &["deeds", "--data", &world.collector_data()]);
    assert!(String::from_utf8_lossy(&deeds.stdout).contains("began a compaction of the store"));
    let compaction = http::get(world.collector_port, "/api/v1/store/compaction").unwrap();
    assert!(compaction.text().contains("\"running\":false"), "{}", compaction.text());

    world.wait_until_delivered();
    world.stop_agent();
    world.stop_collector();
    let said = world.on_the_store("compact");
    assert!(said.starts_with("Compacted: ") && !said.contains(" 0 rows "), "{said}");
    let again = world.on_the_store("compact");
    assert!(again.contains(" 0 rows and 0 parts, 0 streams merged"), "{again}");
    world.start_collector();
    assert_eq!(world.figures().holes().len(), 0, "nothing was lost");
}

#[test]
fn a_store_is_sound_as_a_collector_leaves_it_and_damage_is_told() {
    let mut world = World::watched();
    world.wait_until_delivered();
    world.stop_agent();
    let refused = run("uphold-collector", &["verify", "--data", &world.collector_data()]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && why.contains("a collector runs on"), "{why}");
    world.kill_collector();
    let said = world.on_the_store("verify");
    assert!(said.ends_with("Everything is sound.\n") && said.contains("entries of the journal"), "{said}");
    world.on_the_store("compact");
    let said = world.on_the_store("verify");
    assert!(said.contains("chunks of days") && said.contains("targets"), "{said}");

    flip_in_a_table(&Path::new(&world.collector_data()).join("store/series"));
    let found = run("uphold-collector", &["verify", "--data", &world.collector_data()]);
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert_eq!(found.status.code(), Some(1), "{said}");
    assert!(said.contains("the chunk of stream") && said.ends_with("findings.\n"), "{said}");
    let found = run("uphold-collector", &["verify", "--format", "json", "--data", &world.collector_data()]);
    let told: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert!(told["sound"] == false && told["findings"][0]["place"].is_string(), "{told}");
}

/// Flips a byte of the first chunk of the only table of a day.
fn flip_in_a_table(series: &Path) {
    let names = fs::read_dir(series).unwrap().map(|entry| entry.unwrap().path());
    let table = names.into_iter().find(|path| path.to_string_lossy().contains("/day-")).unwrap();
    let mut bytes = fs::read(&table).unwrap();
    bytes[40] ^= 1;
    fs::write(table, bytes).unwrap();
}
