//! The world of one test: a shop that nginx serves, an agent that watches it, a collector, an inbox.
//!
//! Whatever is started here is killed when the world is dropped. Ports are kept over restarts; a port that somebody
//! else took meanwhile is waited for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use uphold_tests::process::child::{Process, program};
use uphold_tests::process::inbox::Inbox;
use uphold_tests::process::nginx::Nginx;
use uphold_tests::process::wait::{wait_for, wall_ms};
use uphold_tests::process::{free_port, http};

use crate::figures::Figures;

/// How often the shop is probed.
pub(crate) const INTERVAL_MS: i64 = 500;
/// How long an attempt may take.
pub(crate) const TIMEOUT_MS: i64 = 400;
/// How long an observation speaks.
pub(crate) const STALE_AFTER_MS: i64 = 3_000;
/// How far the clock of an agent, which is anchored once, may have drifted from the test's meanwhile.
pub(crate) const CLOCK_MS: i64 = 50;
/// How long anything may take before the test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// When something was done: the test's clock before and after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) before: i64,
    pub(crate) after: i64,
}

/// Does something, and reads the clock around it.
pub(crate) fn timed(what: impl FnOnce()) -> Done {
    let before = wall_ms();
    what();
    Done { before, after: wall_ms() }
}

/// Waits for something, and fails the test with `what` when it does not come.
pub(crate) fn until<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    wait_for(DEADLINE, what, found).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a program to its end.
pub(crate) fn run(name: &str, args: &[&str]) -> Output {
    Command::new(program(name).unwrap()).args(args).output().unwrap()
}

/// Starts a program until it listens on `port`, also when somebody else holds the port for a while.
fn listening(name: &str, port: u16, folder: &Path, args: &[String]) -> Process {
    until(&format!("{name} to listen on {port}"), || {
        let mut command = Command::new(program(name).unwrap());
        let mut process = Process::start(name, command.args(args), folder).unwrap();
        let answers = until(&format!("{name} to answer"), || {
            let answers = http::get(port, "/healthz").is_ok_and(|answer| answer.code == 200);
            (answers || !process.runs()).then_some(answers)
        });
        let said = process.output();
        let busy = said.contains("Address already in use");
        assert!(answers || busy, "{name} ended; it said:\n{said}");
        answers.then_some(process)
    })
}

/// Everything one test has.
pub(crate) struct World {
    pub(crate) shop: Nginx,
    pub(crate) inbox: Inbox,
    pub(crate) collector: Option<Process>,
    pub(crate) agent: Option<Process>,
    pub(crate) collector_port: u16,
    pub(crate) agent_port: u16,
    folder: TempDir,
    /// What the collector's configuration says beside where things are.
    config: String,
}

impl World {
    /// A shop, an inbox and a collector, and nobody who watches yet.
    pub(crate) fn without_agent() -> Self {
        Self::under("", |_, text| text)
    }

    /// The same, with these lines in the collector's configuration.
    pub(crate) fn configured(config: &str) -> Self {
        Self::under(config, |_, text| text)
    }

    /// A shop under the catalogue that `change` makes of the usual one, and nobody who watches.
    pub(crate) fn without_agent_under(change: impl FnOnce(&Self, String) -> String) -> Self {
        Self::under("", change)
    }

    /// The same, under the catalogue that `change` makes of the usual one.
    pub(crate) fn under(config: &str, change: impl FnOnce(&Self, String) -> String) -> Self {
        let (shop, inbox) = (Nginx::start("").unwrap(), Inbox::start().unwrap());
        let (collector_port, agent_port) = (free_port().unwrap(), free_port().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let (collector, agent) = (None, None);
        let config = config.to_owned();
        let mut world = Self { shop, inbox, collector, agent, collector_port, agent_port, folder, config };
        fs::write(world.catalogue(), change(&world, world.catalogue_text())).unwrap();
        world.start_collector();
        world
    }

    /// A shop that is watched under the catalogue that `change` makes of the usual one, and known to be up.
    pub(crate) fn watched_under(change: impl FnOnce(&Self, String) -> String) -> Self {
        let mut world = Self::under("", change);
        world.start_agent();
        world.wait_for_state("up");
        world
    }

    /// A shop that is watched, and known to be up.
    pub(crate) fn watched() -> Self {
        Self::watched_under(|_, text| text)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn catalogue(&self) -> PathBuf {
        self.path("catalogue.yaml")
    }

    pub(crate) fn collector_data(&self) -> String {
        self.path("collector").display().to_string()
    }

    pub(crate) fn collector_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.collector_port)
    }

    /// The catalogue: one service, one probe, one target so high that a second down breaches it, one receiver.
    pub(crate) fn catalogue_text(&self) -> String {
        format!(
            r#"organisation: {{ name: Example Services, time_zone: UTC }}
customers:
  - {{ id: retail, name: Retail division }}
services:
  - id: shop
    name: Web shop
    outcome: Customers can browse and buy
    customers: [retail]
    criticality: high
    probes:
      - id: front
        agents: [zurich-1]
        interval: {INTERVAL_MS}ms
        timeout: {TIMEOUT_MS}ms
        stale_after: {STALE_AFTER_MS}ms
        fall: 2
        http: {{ url: "{}", expect: {{ code: [200], body_matches: "ok" }} }}
agreements:
  - id: shop-sla
    kind: sla
    party: retail
    targets:
      - {{ id: availability, service: shop, window: month, availability: "99.999%" }}
receivers:
  - {{ id: duty, webhook: {{ url: "{}" }} }}
routes:
  - {{ to: duty, late: true }}
"#,
            self.shop.url("/health"),
            self.inbox.url()
        )
    }

    pub(crate) fn start_collector(&mut self) {
        let args = self.collector_args();
        self.collector = Some(listening("uphold-collector", self.collector_port, self.folder.path(), &args));
    }

    fn collector_args(&self) -> Vec<String> {
        let args = ["serve", "--catalogue", &self.catalogue().display().to_string(), "--data", &self.collector_data()];
        let mut args: Vec<String> = args.map(str::to_owned).to_vec();
        args.extend(["--listen".to_owned(), format!("127.0.0.1:{}", self.collector_port)]);
        if !self.config.is_empty() {
            let path = self.path("collector.yaml");
            fs::write(&path, &self.config).unwrap();
            args.extend(["--config".to_owned(), path.display().to_string()]);
        }
        args
    }

    /// Starts the collector with these lines in its configuration, where it does not answer over plain HTTP.
    pub(crate) fn launch_collector(&mut self, config: &str) {
        config.clone_into(&mut self.config);
        let mut command = Command::new(program("uphold-collector").unwrap());
        let process = Process::start("uphold-collector", command.args(self.collector_args()), self.folder.path());
        self.collector = Some(process.unwrap());
    }

    pub(crate) fn start_agent(&mut self) -> Done {
        self.start_agent_with(&[])
    }

    /// Starts the agent with these flags as well.
    pub(crate) fn start_agent_with(&mut self, more: &[&str]) -> Done {
        let data = self.path("agent").display().to_string();
        let (collector, listen) = (self.collector_url(), format!("127.0.0.1:{}", self.agent_port));
        let args = ["run", "--name", "zurich-1", "--collector", &collector, "--data", &data, "--listen", &listen];
        let args: Vec<String> = args.iter().chain(more).map(|arg| (*arg).to_owned()).collect();
        let (port, folder) = (self.agent_port, self.folder.path().to_owned());
        timed(|| self.agent = Some(listening("uphold-agent", port, &folder, &args)))
    }

    /// Starts a further agent of this name, whose data lies in the folder of that name.
    pub(crate) fn start_further_agent(&self, name: &str, port: u16, more: &[&str]) -> Process {
        let data = self.path(name).display().to_string();
        let (collector, listen) = (self.collector_url(), format!("127.0.0.1:{port}"));
        let args = ["run", "--name", name, "--collector", &collector, "--data", &data, "--listen", &listen];
        let args: Vec<String> = args.iter().chain(more).map(|arg| (*arg).to_owned()).collect();
        listening("uphold-agent", port, self.folder.path(), &args)
    }

    /// Asks the collector to end, and waits for it.
    pub(crate) fn stop_collector(&mut self) {
        let status = self.collector.take().unwrap().stop(DEADLINE).unwrap();
        assert_eq!(status.code(), Some(0), "a collector that is asked to end, ends well");
    }

    pub(crate) fn kill_collector(&mut self) {
        self.collector.take().unwrap().kill().unwrap();
    }

    /// Asks the agent to end, and waits for it.
    pub(crate) fn stop_agent(&mut self) -> Done {
        let mut agent = self.agent.take().unwrap();
        timed(|| assert_eq!(agent.stop(DEADLINE).unwrap().code(), Some(0), "an agent that is asked to end, ends well"))
    }

    pub(crate) fn kill_agent(&mut self) -> Done {
        let mut agent = self.agent.take().unwrap();
        timed(|| assert_eq!(agent.kill().unwrap().code(), None))
    }

    pub(crate) fn stop_shop(&mut self) -> Done {
        timed(|| self.shop.stop().unwrap())
    }

    pub(crate) fn start_shop(&mut self) -> Done {
        timed(|| self.shop.start_again().unwrap())
    }

    /// The figures of the shop, as of the collector's newest snapshot.
    pub(crate) fn figures(&self) -> Figures {
        Figures(self.ask("/api/v1/services/shop/figures"))
    }

    /// The figures of the shop, once the collector has measured past what was done.
    pub(crate) fn figures_after(&self, done: Done) -> Figures {
        until("newer figures", || Some(self.figures()).filter(|figures| figures.as_of() > done.after))
    }

    /// What the collector answers in JSON.
    pub(crate) fn ask(&self, path: &str) -> Value {
        let answer = http::get(self.collector_port, path).unwrap();
        assert_eq!(answer.code, 200, "{path}: {}", answer.text());
        answer.json().unwrap()
    }

    /// All incidents, oldest first.
    pub(crate) fn incidents(&self) -> Vec<Value> {
        let mut incidents = self.ask("/api/v1/incidents?state=all")["incidents"].as_array().unwrap().clone();
        incidents.reverse();
        incidents
    }

    /// A value out of the collector's metrics; none when the series is not there.
    pub(crate) fn collector_metric(&self, series: &str) -> Option<f64> {
        metric(self.collector_port, series)
    }

    /// A whole value out of the agent's metrics; 0 when the series is not there.
    pub(crate) fn agent_count(&self, series: &str) -> i64 {
        let text = http::get(self.agent_port, "/metrics").unwrap().text();
        sample(&text, series).map_or(0, |value| format!("{value:.0}").parse().unwrap())
    }

    /// How many attempts of this outcome the agent has made since it started.
    pub(crate) fn attempts(&self, outcome: &str) -> i64 {
        self.agent_count(&format!(r#"uphold_probe_attempts_total{{outcome="{outcome}",probe="front",service="shop"}}"#))
    }

    /// How much later than planned an attempt may have begun, by what the agent says of attempts it left out.
    pub(crate) fn late_ms(&self) -> i64 {
        INTERVAL_MS * (1 + self.agent_count("uphold_agent_skipped_attempts_total"))
    }

    pub(crate) fn wait_for_state(&self, state: &str) {
        until(&format!("the shop to be {state}"), || (self.state("shop").as_deref() == Some(state)).then_some(()));
    }

    /// The state of a service, if there is one of this name.
    pub(crate) fn state(&self, service: &str) -> Option<String> {
        let answer = self.ask("/api/v1/services");
        let found = answer["services"].as_array()?.iter().find(|one| one["id"] == service)?;
        found["state"].as_str().map(str::to_owned)
    }

    /// Waits until at least this many batches wait in the agent's spool.
    pub(crate) fn wait_for_backlog(&self, batches: i64) {
        until("batches to wait on the agent", || {
            (self.agent_count("uphold_agent_spool_batches") >= batches).then_some(())
        });
    }

    /// Waits until the agent has delivered what waited.
    pub(crate) fn wait_until_delivered(&self) {
        let wanted = self.agent_count("uphold_agent_acknowledged_seq") + self.agent_count("uphold_agent_spool_batches");
        until("the agent to deliver what waited", || {
            (self.agent_count("uphold_agent_acknowledged_seq") >= wanted).then_some(())
        });
    }

    /// Waits for a message of this type about an incident with this cause, and gives its body.
    pub(crate) fn wait_for_message(&self, kind: &str, cause: &str) -> Value {
        let wanted = |all: Vec<Value>| all.into_iter().find(|m| m["type"] == kind && m["data"]["cause"] == cause);
        until(&format!("a message {kind} about {cause}"), || wanted(self.inbox.payloads().unwrap()))
    }

    /// Everything that was received, once nothing more waits to be delivered.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let newest = self.ask("/api/v1/services")["as_of_ms"].as_i64().unwrap();
        until("every message to be delivered", || {
            let text = http::get(self.collector_port, "/metrics").ok()?.text();
            let as_of = sample(&text, "uphold_snapshot_timestamp_seconds").unwrap() * 1_000.0;
            let waiting = sample(&text, r#"uphold_receiver_waiting{receiver="duty"}"#).unwrap();
            let later = format!("{as_of:.0}").parse::<i64>().unwrap() > newest;
            (later && waiting < 0.5).then_some(())
        });
        self.inbox.payloads().unwrap()
    }
}

/// A value out of the metrics served on a port; none when the series is not there.
pub(crate) fn metric(port: u16, series: &str) -> Option<f64> {
    sample(&http::get(port, "/metrics").unwrap().text(), series)
}

/// The value of a series in the text format; its labels stand in the order of their names.
pub(crate) fn sample(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}
