//! Plugins of Debian and of the test's own, a real exporter, and jobs: what an agent sees that was assigned them.
//!
//! The agent runs what it was assigned last, which lies in its data, and no collector is there to tell it otherwise. What it
//! saw is read from its metrics.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use uphold_tests::process::child::{Process, program, system_program};
use uphold_tests::process::wait::{wait_for, wait_until};
use uphold_tests::process::{free_port, http};

/// Long enough for any machine; reached only by what hangs.
const LONG: Duration = Duration::from_secs(30);
/// Where Debian keeps its plugins.
const PLUGINS: &str = "/usr/lib/nagios/plugins";

/// An agent of the name and host web-1, with its probes in the service `shop`.
pub(super) struct Agent {
    pub(super) process: Process,
    pub(super) port: u16,
    folder: TempDir,
}

impl Agent {
    pub(super) fn start(accept: &str, probes: &[Value]) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port().unwrap());
        let data = folder.path().join("data");
        let (name, collector) = ("name: web-1\n", "collectors: [\"http://127.0.0.1:1\"]\n");
        let config = format!("{name}{collector}data_dir: {}\nlisten: 127.0.0.1:{port}\n{accept}", data.display());
        fs::create_dir_all(&data).unwrap();
        fs::write(folder.path().join("agent.yaml"), config).unwrap();
        let kept = json!({ "etag": null, "assignment": { "probes": probes, "hosts": ["web-1"] } });
        fs::write(data.join("assignment.json"), kept.to_string()).unwrap();
        let process = started(folder.path());
        Self { process, port, folder }
    }

    fn start_again(&mut self) {
        self.process = started(self.folder.path());
    }

    pub(super) fn metrics(&self) -> String {
        http::get(self.port, "/metrics").map(|answer| answer.text()).unwrap_or_default()
    }

    /// Waits until this was seen of a probe.
    fn sees(&self, probe: &str, outcome: &str) {
        let series = format!("uphold_probe_attempts_total{{outcome=\"{outcome}\",probe=\"{probe}\",service=\"shop\"}}");
        let seen = wait_until(LONG, &format!("{probe} to be {outcome}"), || self.metrics().contains(&series));
        assert!(seen.is_ok(), "{seen:?}\n{}\n{}", self.metrics(), self.process.output());
    }

    /// The first outcome that it saw of a probe.
    fn first_of(&self, probe: &str) -> String {
        let of = format!("\",probe=\"{probe}\",service=\"shop\"}}");
        wait_for(LONG, &format!("an outcome of {probe}"), || {
            let text = self.metrics();
            let line = text.lines().find(|line| line.starts_with("uphold_probe_attempts_total") && line.contains(&of));
            line.and_then(|line| line.split('"').nth(1)).map(str::to_owned)
        })
        .unwrap()
    }

    /// The newest reading of this name: how much is in use and how much there is.
    fn reading(&self, of: &str) -> (f64, f64) {
        let value = |text: &str, metric: &str| {
            let series = format!("uphold_capacity_{metric}{{host=\"web-1\",of=\"{of}\",resource=\"measured\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&series)).and_then(|value| value.parse::<f64>().ok())
        };
        wait_for(LONG, &format!("a reading of {of}"), || {
            let text = self.metrics();
            value(&text, "used").zip(value(&text, "limit"))
        })
        .unwrap()
    }

    /// `uphold-agent beat shop/backup` with these arguments.
    fn beat(&self, arguments: &[&str]) -> Output {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new(program("uphold-agent").unwrap());
        command.args(["beat", "shop/backup", "--listen", &listen]).args(arguments).output().unwrap()
    }
}

fn started(folder: &Path) -> Process {
    let mut command = Command::new(program("uphold-agent").unwrap());
    command.args(["run", "--config"]).arg(folder.join("agent.yaml"));
    let mut process = Process::start("agent", &mut command, folder).unwrap();
    process.wait_for_line(LONG, "the assignment was taken").unwrap();
    process
}

fn probe(name: &str, timeout_ms: i64, check: &Value) -> Value {
    let interval_ms = timeout_ms.min(500);
    json!({
        "id": format!("shop/{name}"), "interval_ms": interval_ms, "timeout_ms": timeout_ms, "slow_after_ms": null,
        "check": check,
    })
}

fn exec(name: &str, command: &str, arguments: &[&str]) -> Value {
    probe(name, 20_000, &json!({ "exec": { "command": command, "arguments": arguments } }))
}

fn reading(from: &str, of: &str, limit: &str) -> Value {
    json!([{ "from": from, "host": "web-1", "of": of, "limit": limit }])
}

#[test]
fn plugins_of_debian_say_how_something_is_and_how_much_of_it_is_in_use() {
    let accept = format!(
        "accept:\n  commands:\n    dummy: {{ run: [{PLUGINS}/check_dummy, \"$1\", says so] }}\n    \
         disk: {{ run: [{PLUGINS}/check_disk, -w, 1%, -c, 0%, -p, \"$1\"] }}\n    \
         users: {{ run: [{PLUGINS}/check_users, -w, \"1000\", -c, \"2000\"] }}\n"
    );
    let disk = json!({ "exec": { "command": "disk", "arguments": ["/"], "readings": reading("/", "root", "max") } });
    let users =
        json!({ "exec": { "command": "users", "arguments": [], "readings": reading("users", "users", "crit") } });
    let agent = Agent::start(
        &accept,
        &[
            exec("well", "dummy", &["0"]),
            exec("warning", "dummy", &["1"]),
            exec("critical", "dummy", &["2"]),
            exec("unsure", "dummy", &["3"]),
            exec("unnamed", "sh", &[]),
            exec("option", "disk", &["-a"]),
            exec("too-many", "dummy", &["0", "0"]),
            probe("disk", 20_000, &disk),
            probe("users", 20_000, &users),
        ],
    );
    for (name, outcome) in [
        ("well", "up"),
        ("warning", "degraded"),
        ("critical", "down"),
        ("unsure", "unknown"),
        ("unnamed", "unknown"),
        ("option", "unknown"),
        ("too-many", "unknown"),
        ("users", "up"),
    ] {
        assert_eq!(agent.first_of(name), outcome, "{name}");
    }
    let (used, limit) = agent.reading("root");
    let said = Command::new(format!("{PLUGINS}/check_disk")).args(["-w", "1%", "-c", "0%", "-p", "/"]).output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    assert!(said.contains(&format!(";{limit}")), "{limit} of {said}");
    assert!(used > 0.0 && used < limit, "{used} of {limit}");
    assert!((agent.reading("users").1 - 2_000.0).abs() < 0.5);
    let told = agent.process.output();
    assert!(told.contains("no command sh") && told.contains("begins with"), "{told}");
}

/// Plugins that do what none should, by their names.
const BAD: [(&str, &str); 7] = [
    ("forks", "(trap '' TERM HUP PIPE; while :; do echo flood; sleep 0.1; done) & echo $! >> $0.numbers; echo OK"),
    ("ignores", "trap '' TERM; echo $$ >> $0.numbers; sh -c \"trap '' TERM; while :; do sleep 1; done\""),
    ("floods", "echo $$ >> $0.numbers; exec cat /dev/zero"),
    (
        "huge",
        "printf 'WARN | queue=7;;;0;10'; i=0; while [ $i -lt 20000 ]; do printf ' x%s=1' $i; i=$((i+1)); done; exit 1",
    ),
    ("no-newline", "printf OK"),
    ("odd", "echo OK; exit 42"),
    ("killed", "kill -9 $$"),
];

#[test]
fn plugins_that_misbehave_are_seen_for_what_they_are_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut accept = "accept:\n  commands:\n".to_owned();
    let mut probes = Vec::new();
    for (name, script) in BAD {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        writeln!(accept, "    {name}: {{ run: [{}] }}", path.display()).unwrap();
        let timeout_ms = if name == "ignores" { 300 } else { 20_000 };
        let readings = if name == "huge" { reading("queue", "queue", "max") } else { json!([]) };
        let check = json!({ "exec": { "command": name, "arguments": [], "readings": readings } });
        probes.push(probe(name, timeout_ms, &check));
    }
    let mut agent = Agent::start(&accept, &probes);
    for (name, outcome) in [
        ("forks", "up"),
        ("ignores", "down"),
        ("floods", "unknown"),
        ("huge", "degraded"),
        ("no-newline", "up"),
        ("odd", "unknown"),
        ("killed", "unknown"),
    ] {
        assert_eq!(agent.first_of(name), outcome, "{name}");
    }
    assert_eq!(agent.reading("queue"), (7.0, 10.0));
    let written = || BAD.iter().flat_map(|(name, _)| numbers(&folder.path().join(format!("{name}.numbers"))));
    let gone = |number: &String| !Path::new("/proc").join(number).exists();
    let before: Vec<String> = written().collect();
    assert!(before.len() >= 3, "they wrote down who they are");
    wait_until(LONG, "everything of them to be gone while the agent runs", || before.iter().all(gone)).unwrap();
    agent.process.stop(LONG).unwrap();
    let all_gone = || written().all(|number| gone(&number));
    wait_until(LONG, "everything of them to be gone once it has ended", all_gone).unwrap();
}

fn numbers(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn an_exporter_is_held_against_bounds_and_read() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port().unwrap());
    let mut command = Command::new(system_program("prometheus-node-exporter").unwrap());
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let mut exporter = Process::start("node-exporter", &mut command, folder.path()).unwrap();
    wait_until(LONG, "the exporter to answer", || http::get(port, "/metrics").is_ok_and(|a| a.code == 200)).unwrap();

    let check = |path: &str, expect: Value, readings: Value| {
        let url = format!("http://127.0.0.1:{port}{path}");
        json!({ "prometheus": { "url": url, "expect": expect, "readings": readings } })
    };
    let bounds = |series: &str, at_least: Option<&str>, at_most: Option<&str>| json!([{ "series": series, "at_least": at_least, "at_most": at_most }]);
    let idle = "node_cpu_seconds_total{mode=\"idle\"}";
    let files = reading("node_filefd_allocated", "files", "node_filefd_maximum");
    let checks = [
        ("well", "up", check("/metrics", bounds(idle, Some("0"), None), json!([]))),
        ("high", "down", check("/metrics", bounds("node_time_seconds", None, Some("1e9")), json!([]))),
        ("absent", "down", check("/metrics", bounds("node_moons", Some("0"), None), json!([]))),
        ("page", "down", check("/", json!([]), json!([]))),
        ("missing", "down", check("/nothing", json!([]), json!([]))),
        ("files", "up", check("/metrics", json!([]), files)),
    ];
    let probes: Vec<Value> = checks.iter().map(|(name, _, check)| probe(name, 20_000, check)).collect();
    let agent = Agent::start("", &probes);
    for (name, outcome, _) in &checks {
        assert_eq!(agent.first_of(name), *outcome, "{name}");
    }
    let (used, limit) = agent.reading("files");
    assert!(used > 0.0 && used <= limit, "{used} of {limit}");
    exporter.stop(LONG).unwrap();
    agent.sees("well", "down");
    wait_until(LONG, "no reading to be shown", || !agent.metrics().contains("of=\"files\"")).unwrap();
}

fn heartbeat(name: &str, every_ms: i64, grace_ms: i64) -> Value {
    probe(name, 500, &json!({ "heartbeat": { "every_ms": every_ms, "grace_ms": grace_ms } }))
}

#[test]
fn a_job_is_heard_kept_over_a_kill_and_missed() {
    const HOUR_MS: i64 = 3_600_000;
    let probes = [heartbeat("backup", HOUR_MS, HOUR_MS), heartbeat("quick", 1_000, 1_000)];
    let mut agent = Agent::start("", &probes);
    assert_eq!(agent.first_of("backup"), "unknown", "nothing was heard yet, and nothing is due");
    agent.sees("quick", "down");

    let ran = agent.beat(&["--", "sh", "-c", "echo done; exit 0"]);
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(0), &b"done\n"[..]), "{ran:?}");
    agent.process.kill().unwrap();
    agent.start_again();
    assert_eq!(agent.first_of("backup"), "up", "what was heard before the kill");

    let failed = agent.beat(&["--", "sh", "-c", "exit 3"]);
    assert_eq!(failed.status.code(), Some(3), "{failed:?}");
    agent.sees("backup", "down");
    assert_eq!(agent.beat(&["--says", "degraded"]).status.code(), Some(0));
    agent.sees("backup", "degraded");

    let post = |path: &str, headers: &[(&str, &str)]| http::send(agent.port, "POST", path, headers, b"").unwrap().code;
    assert_eq!(post("/heartbeat/shop/backup", &[]), 200);
    agent.sees("backup", "up");
    assert_eq!(http::get(agent.port, "/heartbeat/shop/backup/start").unwrap().code, 200);
    assert_eq!(post("/heartbeat/shop/backup/perhaps", &[]), 400);
    assert_eq!(post("/heartbeat/shop/other", &[]), 404);
    assert_eq!(post("/heartbeat/shop/Other", &[]), 404);
    assert_eq!(post("/heartbeat/shop/backup", &[("origin", "http://evil.example")]), 403);

    agent.process.kill().unwrap();
    let away = agent.beat(&["--", "sh", "-c", "exit 0"]);
    assert_eq!(away.status.code(), Some(1), "a job hears that nobody heard it");
    assert!(String::from_utf8_lossy(&away.stderr).contains("shop/backup was not heard"), "{away:?}");
}
