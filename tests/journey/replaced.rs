//! An agent whose token is taken away: what it saw waits, and goes to the collector once it has another one.

use std::fs;

use crate::world::{World, run, sample, until};

const REFUSED: &str = r#"uphold_agent_refused{request="push"}"#;

impl World {
    fn wait_for_refusal(&self, refused: i64) {
        until("the agent to be refused, or not", || (self.agent_count(REFUSED) == refused).then_some(()));
    }

    fn wait_for_acknowledged(&self, more_than: i64) -> i64 {
        until("the agent to be acknowledged", || {
            let seq = self.agent_count("uphold_agent_acknowledged_seq");
            (seq > more_than).then_some(seq)
        })
    }
}

#[test]
fn an_agent_whose_token_is_replaced_loses_nothing_and_counts_nothing_twice() {
    let mut world = World::without_agent();
    let file = world.path("token").display().to_string();
    let first = world.give_token("zurich-1", "agent", &[]);
    fs::write(&file, format!("{first}\n")).unwrap();
    world.start_agent_with(&["--token-file", &file]);
    let acknowledged = world.wait_for_acknowledged(0);

    let revoked = run("uphold-collector", &["token", "revoke", "zurich-1", "--data", &world.collector_data()]);
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    world.wait_for_refusal(1);
    world.wait_for_backlog(2);
    // First that of another agent, which is known and not good for this one.
    let other = world.give_token("geneva-1", "agent", &[]);
    let second = world.give_token("zurich-2", "agent", &["--agent", "zurich-1"]);
    fs::write(&file, &other).unwrap();
    let told = world.agent.as_mut().unwrap();
    for words in ["status 401", "the token was replaced", "status 403"] {
        told.wait_for_line(crate::world::DEADLINE, words).unwrap();
    }
    assert_eq!(world.agent_count(REFUSED), 1);
    fs::write(&file, &second).unwrap();
    world.wait_for_refusal(0);
    world.wait_until_delivered();
    world.wait_for_acknowledged(acknowledged);

    // Numbers go up by one, so as many batches as the highest number means each of them, once.
    let viewer = world.give_token("wall", "viewer", &[]);
    until("as many batches in the store as were acknowledged", || {
        let acknowledged = world.agent_count("uphold_agent_acknowledged_seq");
        let text = world.send(Some(&viewer), "GET", "/metrics", None).text();
        let count = |series: &str| sample(&text, series).map(|value| format!("{value:.0}"));
        assert_eq!(count("uphold_store_duplicate_batches_total").as_deref(), Some("0"));
        (count("uphold_store_appended_batches_total") == Some(acknowledged.to_string())).then_some(())
    });
    for lost in ["uphold_agent_spool_dropped_batches_total", "uphold_agent_quarantined_batches_total"] {
        assert_eq!(world.agent_count(lost), 0, "{lost}");
    }
    world.stop_agent();
    let said = fs::read_to_string(world.path("uphold-agent.log")).unwrap();
    for secret in [&first, &other, &second] {
        assert!(!said.contains(&secret[7..]), "a token is in the log");
    }
}
