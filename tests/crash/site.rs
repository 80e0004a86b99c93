//! A collector as a process, in a folder of its own, under a catalogue whose time began some days ago.
//!
//! It may be started behind another program (a tracer, a name space); its process id is then still the collector's.
//! Whatever is started here is killed when the site is dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use uphold_common::time::{DAY_MS, Instant};
use uphold_tests::process::child::{Process, program};
use uphold_tests::process::free_port;
use uphold_tests::process::http::{self, Answer};
use uphold_tests::process::wait::{wait_for, wall_ms};

/// How long anything may take before the test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);
/// How many days before the test the services were first promised.
pub(crate) const DAYS: i64 = 3;
/// The agents that observe, each a vantage point of both probes of the shop.
pub(crate) const AGENTS: [&str; 4] = ["athens-1", "berlin-1", "cairo-1", "dublin-1"];
/// How often each probe is due.
pub(crate) const INTERVAL_MS: i64 = 5_000;
/// What makes a collector seal whenever it looks.
pub(crate) const SEALS_OFTEN: &str = "store: { cache: 8MiB, head: 8MiB, journal: 64KiB, rest: 1s }\n";

/// The instant that everything lies before, and that figures are asked as of.
pub(crate) fn present() -> i64 {
    wall_ms() / 60_000 * 60_000
}

/// Waits for something, and fails the test with `what` when it does not come.
pub(crate) fn until<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    wait_for(DEADLINE, what, found).unwrap_or_else(|error| panic!("{error}"))
}

/// The catalogue: one service that all agents probe twice, and a host whose disk is read; targets of every kind.
pub(crate) fn catalogue(present: i64) -> String {
    let since = Instant::from_ms(present - DAYS * DAY_MS);
    let agents = AGENTS.join(", ");
    let probe = |id: &str, port: u16| {
        format!(
            "      - {{ id: {id}, agents: [{agents}], interval: {INTERVAL_MS}ms, timeout: 1s, stale_after: 20s, fall: 2, \
             quorum: 2, tcp: {{ address: \"192.0.2.1:{port}\" }} }}\n"
        )
    };
    format!(
        r#"organisation: {{ name: Example Services, time_zone: Europe/Zurich }}
effective_from: {since}
customers:
  - {{ id: retail, name: Retail division }}
hosts: [{{ id: web-1, agent: {} }}]
services:
  - id: shop
    name: Web shop
    outcome: Customers can browse and buy
    customers: [retail]
    criticality: high
    since: {since}
    probes:
{}{}agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - {{ id: month, service: shop, window: month, availability: "99.9%" }}
      - {{ id: day, service: shop, window: day, availability: "99%", unmeasured: count_as_down }}
      - {{ id: week, service: shop, window: 7d, availability: "99.5%", degraded: count_as_down }}
      - {{ id: disk, service: shop, window: 7d, capacity: {{ host: web-1, resource: filesystem, of: /var, warning: "80%", critical: "90%" }} }}
"#,
        AGENTS[0],
        probe("front", 80),
        probe("back", 443),
    )
}

/// One collector and its folder.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    pub(crate) collector: Option<Process>,
    /// What stands before the collector on its command line.
    pub(crate) behind: Vec<String>,
    /// Where its data lies, as the collector sees it.
    pub(crate) data: PathBuf,
}

impl Site {
    /// A folder with catalogue and configuration, and no collector yet.
    pub(crate) fn new(present: i64, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("catalogue.yaml"), catalogue(present)).unwrap();
        let data = folder.path().join("data");
        let site = Self { folder, port: free_port().unwrap(), collector: None, behind: Vec::new(), data };
        site.configure(config);
        site
    }

    /// Writes the configuration of the next collector.
    pub(crate) fn configure(&self, config: &str) {
        let text = format!("{config}limits: {{ requests_per_second: 100000 }}\n");
        fs::write(self.path("collector.yaml"), text).unwrap();
    }

    /// The same, with a collector that answers.
    pub(crate) fn started(present: i64, config: &str) -> Self {
        let mut site = Self::new(present, config);
        site.start();
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the collector, and returns once it answers.
    pub(crate) fn start(&mut self) {
        let started = self.try_start();
        assert!(started.is_ok(), "the collector ended; it said:\n{}", self.said());
    }

    /// Starts the collector; the error is its exit code if it ended instead of answering.
    pub(crate) fn try_start(&mut self) -> Result<(), Option<i32>> {
        let mut words = self.behind.clone();
        words.push(program("uphold-collector").unwrap().display().to_string());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("serve").arg("--config").arg(self.path("collector.yaml"));
        command.arg("--catalogue").arg(self.path("catalogue.yaml")).arg("--data").arg(&self.data);
        command.arg("--listen").arg(format!("127.0.0.1:{}", self.port));
        let mut process = Process::start("collector", &mut command, self.folder.path()).unwrap();
        let answers = until("the collector to answer or to end", || {
            let answers = http::get(self.port, "/healthz").is_ok_and(|answer| answer.code == 200);
            (answers || !process.runs()).then_some(answers)
        });
        if answers {
            self.collector = Some(process);
            return Ok(());
        }
        Err(process.wait_for_end(DEADLINE).unwrap().code())
    }

    /// Kills the collector, as a power cut would end it but for the disk.
    pub(crate) fn kill(&mut self) {
        self.collector.take().unwrap().kill().unwrap();
    }

    /// Asks the collector to end, and waits for it.
    pub(crate) fn stop(&mut self) {
        let status = self.collector.take().unwrap().stop(DEADLINE).unwrap();
        assert_eq!(status.code(), Some(0), "a collector that is asked to end, ends well; it said:\n{}", self.said());
    }

    /// Everything its collectors have said.
    pub(crate) fn said(&self) -> String {
        let said = fs::read(self.path("collector.log")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// A value out of the metrics; none when nobody answers or the series is not there.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let text = http::get(self.port, "/metrics").ok()?.text();
        sample(&text, series)
    }

    /// What the command line prints that is run against this collector.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        let mut command = Command::new(program("uphold-collector").unwrap());
        let output = command.args(words).arg("--data").arg(&self.data).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether a command line does what it is asked to do with this collector.
    pub(crate) fn try_command(&self, words: &[&str]) -> bool {
        let mut line = self.behind.clone();
        line.push(program("uphold-collector").unwrap().display().to_string());
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).args(words).arg("--data").arg(&self.data).output().unwrap().status.success()
    }

    /// Waits until everything that was pushed is in the newest snapshot, and so in what is asked as of before it.
    pub(crate) fn measured(&self) {
        let done = wall_ms();
        until("a snapshot of what was pushed", || {
            let services = http::get(self.port, "/api/v1/services").ok()?.json().ok()?;
            services["as_of_ms"].as_i64().filter(|as_of| *as_of > done)
        });
    }

    /// The figures of every target as of `present`, over each target's own window and over others.
    pub(crate) fn figures(&self, present: i64) -> Value {
        self.measured();
        let ask = |path: String| {
            // A machine with much else to do may answer late, and much history is read a part at a time.
            let answer = until(&path, || http::get(self.port, &path).ok().filter(|answer| answer.code != 503));
            assert_eq!(answer.code, 200, "{path}: {}", answer.text());
            answer.json().unwrap()
        };
        figure_paths(present).into_iter().map(ask).collect()
    }
}

/// Where figures are asked for.
pub(crate) fn figure_paths(present: i64) -> Vec<String> {
    let own = format!("/api/v1/services/shop/figures?as_of={present}");
    let days = (0..=DAYS).map(|day| format!("{own}&window=day&at={}", present - day * DAY_MS));
    [own.clone(), format!("{own}&window=24h"), format!("{own}&window=10d")].into_iter().chain(days).collect()
}

/// Where two documents differ first, in few words; none when they are equal.
pub(crate) fn difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys());
            keys.into_iter().find_map(|key| {
                let found = difference(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null))?;
                Some(format!("{key}.{found}"))
            })
        }
        (Value::Array(a), Value::Array(b)) => {
            let place = (0..a.len().max(b.len())).find(|place| a.get(*place) != b.get(*place))?;
            let at = |list: &[Value]| list.get(place).cloned().unwrap_or_default();
            Some(format!("{place}.{}", difference(&at(a), &at(b))?))
        }
        _ if a == b => None,
        _ => Some(format!(" {a} and {b}").chars().take(200).collect()),
    }
}

/// The value of a series in the text format.
pub(crate) fn sample(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).and_then(|value| value.parse().ok())
}

/// The header `Retry-After` in seconds, if an answer has it.
pub(crate) fn retry_after(answer: &Answer) -> Option<u64> {
    answer.header("retry-after").and_then(|seconds| seconds.parse().ok())
}

/// Copies a folder with everything in it but sockets.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_folder(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
