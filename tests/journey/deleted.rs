//! The whole store deleted under load: agents send again what they hold, every value of it is there once, and what could not
//! be brought back is unmeasured and named.
//!
//! Four agents watch a service each, with three probes. One of them has a budget of a few batches for what it keeps, and is
//! restarted with the usual one while no collector runs: what lies on its disk then is what it can bring back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use uphold_common::wire::batch::Batch;
use uphold_common::wire::columns::Rows;
use uphold_tests::process::child::Process;
use uphold_tests::process::{free_port, http};

use crate::world::{DEADLINE, INTERVAL_MS, STALE_AFTER_MS, TIMEOUT_MS, World, metric, until};

/// The one that can bring back little.
const FORGETFUL: &str = "lugano-1";
const AGENTS: [&str; 4] = ["zurich-1", "basel-1", "geneva-1", FORGETFUL];
/// How many batches each has delivered at least before the store is lost.
const BATCHES: f64 = 20.0;

/// The catalogue: a service of each agent's own, in the catalogue long before the store was made.
fn catalogue(world: &World) -> String {
    let url = world.shop.url("/health");
    let probe = |agent: &str, id: usize| {
        format!(
            "      - {{ id: p{id}, agents: [{agent}], interval: {INTERVAL_MS}ms, timeout: {TIMEOUT_MS}ms, stale_after: \
             {STALE_AFTER_MS}ms, fall: 2, http: {{ url: \"{url}\" }} }}\n"
        )
    };
    let service = |agent: &&str| {
        let probes: String = (1..=3).map(|id| probe(agent, id)).collect();
        format!(
            "  - id: {agent}\n    name: Shop\n    since: 2020-01-01T00:00:00Z\n    customers: [retail]\n    probes:\n{probes}"
        )
    };
    let target =
        |agent: &&str| format!("      - {{ id: {agent}, service: {agent}, window: month, availability: \"99.9%\" }}\n");
    format!(
        "organisation: {{ name: Example Services, time_zone: UTC }}\ncustomers:\n  - {{ id: retail, name: Retail }}\n\
         services:\n{}agreements:\n  - id: sla\n    kind: sla\n    party: retail\n    targets:\n{}",
        AGENTS.iter().map(service).collect::<String>(),
        AGENTS.iter().map(target).collect::<String>()
    )
}

/// The agents, and where they tell of themselves.
struct Crew {
    ports: BTreeMap<&'static str, u16>,
    running: BTreeMap<&'static str, Process>,
}

impl Crew {
    fn start(world: &World) -> Self {
        let ports = AGENTS.map(|agent| (agent, free_port().unwrap())).into();
        let mut crew = Self { ports, running: BTreeMap::new() };
        let small = world.path("small.yaml");
        fs::write(&small, "spool: { replay_bytes: 16KiB }\n").unwrap();
        for agent in AGENTS {
            let config = ["--config", small.to_str().unwrap()];
            crew.start_one(world, agent, if agent == FORGETFUL { &config } else { &[] });
        }
        crew
    }

    fn start_one(&mut self, world: &World, agent: &'static str, more: &[&str]) {
        self.running.insert(agent, world.start_further_agent(agent, self.ports[agent], more));
    }

    fn stop_one(&mut self, agent: &str) {
        let status = self.running.remove(agent).unwrap().stop(DEADLINE).unwrap();
        assert_eq!(status.code(), Some(0), "{agent}");
    }

    fn count(&self, agent: &str, series: &str) -> f64 {
        metric(self.ports[agent], series).unwrap()
    }
}

/// The batches in a folder, by seq.
fn batches(folder: &Path) -> BTreeMap<u64, Batch> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let batch = Batch::decode(&fs::read(&path).unwrap()).unwrap();
        (batch.key.seq, batch)
    };
    files.filter(|path| path.extension().is_some_and(|ending| ending == "batch")).map(read).collect()
}

/// What an agent holds of what it delivered.
fn kept(world: &World, agent: &str) -> BTreeMap<u64, Batch> {
    batches(&world.path(agent).join("spool/acknowledged"))
}

fn rows(batches: &BTreeMap<u64, Batch>) -> usize {
    batches.values().map(Batch::rows).sum()
}

/// From when on every probe of an agent's service has a value among these.
fn seen_from_ms(batches: &BTreeMap<u64, Batch>) -> i64 {
    let mut first: BTreeMap<String, i64> = BTreeMap::new();
    for rows in batches.values().flat_map(|batch| &batch.streams) {
        let Rows::Probe(probe, _) = rows else { panic!("no host is watched here") };
        for at in rows.instants() {
            let known = first.entry(probe.to_string()).or_insert(i64::MAX);
            *known = at.as_ms().min(*known);
        }
    }
    assert_eq!(first.len(), 3, "{first:?}");
    first.into_values().max().unwrap()
}

/// The stretches of a service's month: start, end, kind.
fn stretches(world: &World, service: &str) -> Vec<(i64, i64, String)> {
    let figures = world.ask(&format!("/api/v1/services/{service}/figures"));
    serde_json::from_value(figures["targets"][format!("sla/{service}")]["contractual"]["stretches"].clone()).unwrap()
}

#[test]
fn a_store_that_is_deleted_under_load_is_filled_again_by_what_the_agents_hold() {
    let mut world = World::without_agent();
    world.stop_collector();
    fs::write(world.catalogue(), catalogue(&world)).unwrap();
    world.start_collector();
    let mut crew = Crew::start(&world);
    for agent in AGENTS {
        until("batches to be acknowledged", || {
            (crew.count(agent, "uphold_agent_acknowledged_seq") >= BATCHES).then_some(())
        });
    }
    world.kill_collector();
    fs::remove_dir_all(world.collector_data()).unwrap();
    crew.stop_one(FORGETFUL);
    let held = kept(&world, FORGETFUL);
    let lost = held.keys().next().unwrap() - 1;
    assert!(lost > 5 && held.len() < 5, "{lost} lost, {} kept", held.len());
    let acknowledged: BTreeMap<&str, u64> =
        AGENTS.map(|agent| (agent, kept(&world, agent).keys().last().copied().unwrap())).into();

    world.start_collector();
    crew.start_one(&world, FORGETFUL, &[]);
    for agent in AGENTS {
        let missing = format!(r#"uphold_agent_missing_batches{{agent="{agent}"}}"#);
        let pushed = format!(r#"uphold_agent_last_push_timestamp_seconds{{agent="{agent}"}}"#);
        until("everything that is held to be sent again", || {
            let done = world.collector_metric(&pushed).is_some() && world.collector_metric(&missing)? < 0.5;
            done.then_some(())
        });
    }
    assert_held_once(&world, &mut crew, &acknowledged);
    assert_lost_is_named(&mut world, lost);
}

/// Ends the agents, and holds what the store has against what lies on their disks.
fn assert_held_once(world: &World, crew: &mut Crew, acknowledged: &BTreeMap<&str, u64>) {
    for agent in AGENTS {
        let replayed = crew.count(agent, "uphold_agent_replayed_batches_total");
        assert!(replayed > 0.5, "{agent} has sent something again");
        if agent != FORGETFUL {
            let most = acknowledged[agent] + 1;
            assert!(replayed <= format!("{most}.5").parse().unwrap(), "{agent}: {replayed} times for {most} batches");
        }
        crew.stop_one(agent);
        assert_eq!(batches(&world.path(agent).join("spool")).len(), 0, "nothing of {agent} waits");
    }
    until("a snapshot of everything", || {
        let newest = world.ask("/api/v1/services")["as_of_ms"].as_i64()?;
        let last = AGENTS.iter().flat_map(|agent| kept(world, agent)).map(|(_, batch)| batch.closed_at.as_ms()).max();
        (newest > last?).then_some(())
    });
    let held: usize = AGENTS.iter().map(|agent| rows(&kept(world, agent))).sum();
    let stored = world.collector_metric("uphold_store_head_rows").unwrap();
    assert_eq!(format!("{stored:.0}"), held.to_string(), "every value that was held is there once");
    for agent in AGENTS {
        let stretches = stretches(world, agent);
        let seen: Vec<_> = stretches.iter().skip_while(|(.., kind)| kind == "unmeasured").collect();
        assert_eq!(seen[0].0, seen_from_ms(&kept(world, agent)), "{agent} is measured from the first values it held");
        assert_eq!((seen[0].2.as_str(), seen.len() <= 2), ("up", true), "{agent}, without a hole: {seen:?}");
    }
    assert_eq!(world.incidents(), Vec::<Value>::new());
}

/// What could not be brought back is said on the page, in the metrics and once in the log, and is unmeasured.
fn assert_lost_is_named(world: &mut World, lost: u64) {
    for agent in AGENTS {
        let told = world.collector_metric(&format!(r#"uphold_agent_lost_batches_total{{agent="{agent}"}}"#)).unwrap();
        let expected = if agent == FORGETFUL { lost } else { 0 };
        assert_eq!(format!("{told:.0}"), expected.to_string(), "{agent}");
    }
    let page = http::get(world.collector_port, "/").unwrap().text();
    assert!(page.contains(&format!("batches lost for good: {lost}, seq 1 to {lost} of epoch ")), "{page}");
    let seen_from = seen_from_ms(&kept(world, FORGETFUL));
    let before = stretches(world, FORGETFUL).into_iter().find(|(_, end, _)| *end == seen_from).unwrap();
    assert_eq!(before.2, "unmeasured");
    let said = world.collector.as_mut().unwrap().output();
    let named: Vec<&str> = said.lines().filter(|line| line.contains("lost for good")).collect();
    assert!(
        named.len() == 1 && named[0].contains(FORGETFUL) && named[0].contains(&format!("last={lost}")),
        "{named:?}"
    );
}
