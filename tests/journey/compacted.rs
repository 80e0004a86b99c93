//! A store that is compacted, by the running collector and with none: nothing waits afterwards, and no figure changes.

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
