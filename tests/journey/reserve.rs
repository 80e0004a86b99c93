//! A disk with less free than the collector's reserve: it serves whoever reads, agents keep what they see, and deliver it
//! once there is room.

use uphold_tests::process::http::{self, Answer};

use crate::world::{World, timed, until};

/// More than any disk has.
const NO_DISK_IS_ENOUGH: &str = "store: { reserve: 1048576GiB }\n";

impl World {
    fn get(&self, path: &str) -> Answer {
        http::get(self.collector_port, path).unwrap()
    }

    /// Starts the collector with this configuration, and waits until it answers.
    fn start_collector_with(&mut self, config: &str) {
        self.launch_collector(config);
        until("the collector to answer", || {
            http::get(self.collector_port, "/healthz").is_ok_and(|answer| answer.code == 200).then_some(())
        });
    }
}

#[test]
fn a_collector_that_starts_without_room_is_read_and_refuses_until_there_is_room() {
    let mut world = World::watched();
    world.stop_collector();
    world.start_collector_with(NO_DISK_IS_ENOUGH);
    let refused = r#"uphold_pushes_total{result="disk-reserve"}"#;
    until("a push to be refused", || world.collector_metric(refused).filter(|count| *count > 0.5));
    world.wait_for_backlog(3);
    assert_eq!(world.collector_metric(r#"uphold_store_takes{what="pushes"}"#), Some(0.0));
    assert_eq!(world.collector_metric(r#"uphold_pushes_total{result="accepted"}"#), None);
    let ready = world.get("/readyz");
    assert!(ready.code == 200 && ready.text().starts_with("ready\nPushes and changes"), "{}", ready.text());
    let to_push = world.get("/readyz?to=push");
    assert_eq!((to_push.code, to_push.header("retry-after")), (503, Some("30")), "{}", to_push.text());
    assert!(world.get("/").text().contains("data-takes-pushes=\"false\""));
    assert!(world.figures().as_of() > 0, "who reads is served");
    let said = world.collector.as_ref().unwrap().output();
    assert_eq!(said.matches("refused: the disk has").count(), 1, "each change is said once:\n{said}");

    world.stop_collector();
    world.start_collector_with("store: { reserve: 1MiB }\n");
    world.wait_until_delivered();
    let delivered = timed(|| world.wait_for_state("up"));
    let figures = world.figures_after(delivered);
    assert_eq!(figures.holes().len(), 0, "nothing was lost: {:?}", figures.stretches());
    assert_eq!(world.get("/readyz?to=push").text(), "ready\n");
}
