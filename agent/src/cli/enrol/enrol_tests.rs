//! Enrolling against a collector of the tests: what is written, what is kept, and what is left alone.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use clap::Parser as _;
use tempfile::TempDir;
use uphold_common::wire::assignment::Assignment;

use super::*;
use crate::cli::{Cli, Command};
use crate::config_file::FileConfig;
use crate::fake_collector::Collector;

/// A folder to enrol in, and a collector that asks for the token that lies there and knows the agent `zurich-1`.
struct Site {
    folder: TempDir,
    address: SocketAddr,
    collector: Arc<Collector>,
}

impl Site {
    async fn new() -> Self {
        let (collector, address, _hearing) = Collector::serve().await;
        collector.assign(Assignment { probes: Vec::new(), hosts: vec![Id::new("zurich-1").unwrap()] });
        let site = Self { folder: tempfile::tempdir().unwrap(), address, collector };
        site.hand_over('a');
        site.collector.demand(&token('a'));
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lays another token where the enrolling person has it.
    fn hand_over(&self, digit: char) {
        std::fs::write(self.path("handed-over"), format!("{}\nissued in March\n", token(digit))).unwrap();
    }

    async fn enrol(&self, more: &str) -> Exit {
        let here = self.folder.path().display();
        let line = format!(
            "uphold-agent enrol --collector http://{} --token-file {here}/handed-over --config {here}/etc/agent.yaml --data \
             {here}/data --name zurich-1 {more}",
            self.address
        );
        let Command::Enrol(args) = Cli::try_parse_from(line.split_whitespace()).unwrap().command else {
            panic!("{line}")
        };
        run(args).await
    }

    /// Everything in the folder of the configuration.
    fn found(&self) -> Vec<(String, String)> {
        let Ok(entries) = std::fs::read_dir(self.path("etc")) else { return Vec::new() };
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().display().to_string(), std::fs::read_to_string(path).unwrap())
        };
        let mut found: Vec<_> = entries.map(read).collect();
        found.sort();
        found
    }
}

fn token(digit: char) -> String {
    format!("uphold_{}", digit.to_string().repeat(64))
}

#[tokio::test]
async fn what_works_is_written_and_nobody_else_reads_the_token() {
    let site = Site::new().await;
    assert_eq!(site.enrol("").await, Exit::Fine);
    let config = FileConfig::read(&site.path("etc/agent.yaml")).unwrap();
    assert_eq!(config.name.unwrap().as_str(), "zurich-1");
    assert_eq!(config.data_dir, Some(site.path("data")));
    assert_eq!(config.access.token_file, Some(site.path("etc/agent.token")));
    assert_eq!(std::fs::read_to_string(site.path("etc/agent.token")).unwrap(), token('a') + "\n");
    let mode = std::fs::metadata(site.path("etc/agent.token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(site.found().len(), 2, "nothing is left beside them");
}

#[tokio::test]
async fn what_does_not_work_is_not_left_behind_unless_it_is_not_tried() {
    let site = Site::new().await;
    site.hand_over('b');
    assert_eq!(site.enrol("").await, Exit::Failed, "the token is refused");
    site.hand_over('a');
    site.collector.assign(Assignment::default());
    assert_eq!(site.enrol("").await, Exit::Failed, "the agent is not known");
    std::fs::write(site.path("handed-over"), "no token\n").unwrap();
    assert_eq!(site.enrol("--no-try").await, Exit::Usage, "it is no token");
    assert_eq!(site.enrol("--collector http://collector.example").await, Exit::Usage, "the token would be exposed");
    assert_eq!(site.found(), []);
    site.hand_over('b');
    assert_eq!(site.enrol("--no-try").await, Exit::Fine);
    assert_eq!(site.found().len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_off_is_told() {
    let mut site = Site::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    site.address = listener.local_addr().unwrap();
    let answer = || async { ([("date", "Sun, 06 Nov 1994 08:49:37 GMT")], r#"{"probes":[],"hosts":["web-1"]}"#) };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    assert_eq!(site.enrol("").await, Exit::Failed);
    assert_eq!(site.found(), []);
}

#[tokio::test]
async fn the_same_configuration_stays_and_another_is_replaced_only_by_force() {
    let site = Site::new().await;
    assert_eq!(site.enrol("").await, Exit::Fine);
    let mut text = std::fs::read_to_string(site.path("etc/agent.yaml")).unwrap();
    text.push_str("listen: 127.0.0.1:9418   # added by hand\n");
    std::fs::write(site.path("etc/agent.yaml"), &text).unwrap();
    site.hand_over('b');
    site.collector.demand(&token('b'));
    assert_eq!(site.enrol("").await, Exit::Fine, "another token for the same");
    let kept = [("agent.token".to_owned(), token('b') + "\n"), ("agent.yaml".to_owned(), text)];
    assert_eq!(site.found(), kept);
    assert_eq!(site.enrol("--insecure").await, Exit::Usage);
    assert_eq!(site.found(), kept);
    assert_eq!(site.enrol("--insecure --force").await, Exit::Fine);
    let replaced = FileConfig::read(&site.path("etc/agent.yaml")).unwrap();
    assert!(replaced.access.insecure && replaced.listen.is_none());
    assert_eq!(std::fs::read_to_string(site.path("etc/agent.yaml.before")).unwrap(), kept[1].1);

    std::fs::write(site.path("etc/agent.yaml"), "nam: x\n").unwrap();
    assert_eq!(site.enrol("").await, Exit::Usage, "what is not understood is somebody's");
    assert_eq!(std::fs::read_to_string(site.path("etc/agent.yaml")).unwrap(), "nam: x\n");
    assert_eq!(site.enrol("--force").await, Exit::Fine);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_leaves_what_was_there() {
    let site = Site::new().await;
    // A folder stands where the configuration is to lie.
    std::fs::create_dir_all(site.path("etc/agent.yaml.new/in-the-way")).unwrap();
    assert_eq!(site.enrol("").await, Exit::Failed);
    assert!(!site.path("etc/agent.yaml").exists() && !site.path("etc/agent.token").exists());
    assert!(!site.path("etc/agent.token.new").exists());
}

#[test]
fn an_agent_goes_by_its_hosts_name() {
    for (host, name) in [
        (Some("zurich-1"), Some("zurich-1")),
        (Some("Zurich-1.example.org"), Some("zurich-1")),
        (Some("-x"), None),
        (Some(""), None),
        (None, None),
    ] {
        assert_eq!(name_of_host(host).ok().as_ref().map(Id::as_str), name, "{host:?}");
    }
    assert!(next(Path::new(CONFIG_OF_SERVICE)).contains("systemctl restart uphold-agent"));
    assert!(next(Path::new("/home/a/agent.yaml")).contains("uphold-agent run --config /home/a/agent.yaml"));
}
