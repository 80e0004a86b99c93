//! The whole agent against real sockets of this machine: observes, delivers, survives collectors that are away.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Cause, Observation, Outcome};
use uphold_common::wire::assignment::{Assignment, ProbeSpec};
use uphold_common::wire::batch::{AgentFact, Batch};
use uphold_common::wire::check::{Check, HttpCheck, TcpCheck};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::Push;
use url::Url;

use super::*;
use crate::config::{Access, SpoolConfig};
use crate::fake_collector::Collector;

/// The longest that any of these tests waits for something that should happen.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(data_dir: &Path, collector: SocketAddr, listen: bool) -> Config {
    Config {
        name: Id::new("zurich-1").unwrap(),
        collectors: vec![Url::parse(&format!("http://{collector}")).unwrap()],
        data_dir: data_dir.to_owned(),
        listen: listen.then(|| "127.0.0.1:0".parse().unwrap()),
        spool: SpoolConfig::default(),
        access: Access::default(),
        accept: crate::accept::Accept::default(),
        links: Vec::new(),
        modules: None,
    }
}

fn assignment(target: SocketAddr, hosts: &[&str]) -> Assignment {
    let id = PathId::new(Id::new("shop").unwrap(), Id::new("web").unwrap());
    let check = Check::Tcp(TcpCheck { address: target.to_string(), ..TcpCheck::default() });
    let probe = ProbeSpec { id, interval_ms: 50, timeout_ms: 1_000, slow_after_ms: None, confirm: None, check };
    Assignment { probes: vec![probe], hosts: hosts.iter().map(|host| Id::new(host).unwrap()).collect() }
}

fn observations(batch: &Batch) -> Vec<Observation> {
    let probes = batch.streams.iter().filter_map(|rows| match rows {
        Rows::Probe(_, rows) => Some(rows.clone()),
        Rows::Capacity(..) | Rows::Volume(..) => None,
    });
    probes.flatten().collect()
}

/// Waits for a batch that is as wished.
async fn batch(heard: &mut mpsc::Receiver<(u16, Push, Batch)>, wished: impl Fn(&Batch) -> bool) -> Batch {
    let find = async {
        loop {
            let (_, _, batch) = heard.recv().await.unwrap();
            if wished(&batch) {
                return batch;
            }
        }
    };
    tokio::time::timeout(PATIENCE, find).await.unwrap()
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let url = Url::parse(&format!("http://{address}{path}")).unwrap();
    let reply = Remote::new(&Access::default()).unwrap().get(url, None, 1 << 20).await.unwrap();
    (reply.status, String::from_utf8(reply.body).unwrap())
}

#[tokio::test]
async fn an_agent_observes_delivers_and_tells_of_a_change_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent = Agent::start(config(folder.path(), address, true)).await.unwrap();
    let own = agent.listening().unwrap();
    assert_eq!(get(own, "/healthz").await.0, 200);
    assert_eq!(get(own, "/readyz").await.0, 503, "nobody has told it yet what to observe");
    collector.assign(assignment(target.local_addr().unwrap(), &["web-1"]));

    let (mut up, mut capacity) = (false, false);
    while !(up && capacity) {
        let batch = batch(&mut heard, |_| true).await;
        up |= observations(&batch).iter().any(|o| o.outcome == Outcome::Up);
        capacity |= batch.streams.iter().any(|rows| matches!(rows, Rows::Capacity(..)));
    }
    assert_eq!(get(own, "/readyz").await, (200, "ready\n".to_owned()));
    drop(target);
    batch(&mut heard, |batch| observations(batch).iter().any(|o| o.outcome == Outcome::Down)).await;
    let (_, metrics) = get(own, "/metrics").await;
    for line in [
        "# HELP uphold_agent_build_info ",
        r#"uphold_probe_success{probe="web",service="shop"} 0"#,
        r#"uphold_probe_attempts_total{outcome="up",probe="web",service="shop"} "#,
        r#"uphold_capacity_limit{host="web-1",of="",resource="memory"} "#,
        "uphold_agent_spool_writable 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    // A connection that is kept alive must not keep the agent from ending.
    let mut open = tokio::net::TcpStream::connect(own).await.unwrap();
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    open.read_exact(&mut [0; 12]).await.unwrap();
    tokio::time::timeout(PATIENCE, agent.stop()).await.unwrap();
    assert!(tokio::net::TcpStream::connect(own).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_was_seen_while_no_collector_was_there_is_delivered_later() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target_address = target.local_addr().unwrap();
    collector.assign(assignment(target_address, &[]));
    let agent = Agent::start(config(folder.path(), address, false)).await.unwrap();
    batch(&mut heard, |batch| batch.rows() > 0).await;
    agent.stop().await;
    while heard.try_recv().is_ok() {}

    // No collector at this address: the agent works by what it kept, and its spool fills.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let agent = Agent::start(config(folder.path(), closed, false)).await.unwrap();
    let mut greeting = [0; 1];
    for _ in 0..3 {
        let (mut attempt, _) = tokio::time::timeout(PATIENCE, target.accept()).await.unwrap().unwrap();
        let _ = attempt.read(&mut greeting).await;
    }
    agent.stop().await;
    let waiting = std::fs::read_dir(folder.path().join("spool")).unwrap().count() - 3;
    assert!(waiting > 0, "besides cursor, quarantine and what was acknowledged, batches wait");

    let nobody = Assignment::default();
    collector.assign(nobody);
    let agent = Agent::start(config(folder.path(), address, false)).await.unwrap();
    let mut seqs = Vec::new();
    while seqs.len() < waiting {
        seqs.push(batch(&mut heard, |_| true).await.key.seq);
    }
    assert!(seqs.is_sorted() && seqs.windows(2).all(|pair| pair[0] != pair[1]), "{seqs:?}");
    agent.stop().await;
}

#[tokio::test]
async fn a_slow_target_delays_no_other_and_what_is_skipped_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let (quick, silent) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let mut both = assignment(quick.local_addr().unwrap(), &[]);
    let mut hangs = both.probes[0].clone();
    hangs.id.child = Id::new("hangs").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    hangs.check = Check::Http(Box::new(HttpCheck { url, ..HttpCheck::default() }));
    both.probes.push(hangs);
    collector.assign(both);
    let agent = Agent::start(config(folder.path(), address, false)).await.unwrap();
    let (mut ups, mut timeouts, mut skipped) = (0, 0, 0);
    while timeouts < 2 || skipped == 0 {
        let batch = batch(&mut heard, |_| true).await;
        let seen = observations(&batch);
        ups += seen.iter().filter(|o| o.outcome == Outcome::Up).count();
        timeouts += seen.iter().filter(|o| o.cause == Cause::Timeout).count();
        for fact in batch.facts {
            match fact {
                AgentFact::Skipped { attempts } => skipped += attempts,
                AgentFact::Started { in_order: true, .. } | AgentFact::ClockOffset { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(ups >= 10, "while one took a second, the other was seen {ups} times");
    agent.stop().await;
    let stopped = |fact: &AgentFact| matches!(fact, AgentFact::Stopped { .. });
    batch(&mut heard, |batch| batch.facts.iter().any(stopped)).await;
}

#[tokio::test]
async fn an_agent_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let mut busy = config(folder.path(), address, true);
    busy.listen = Some(address);
    assert!(matches!(Agent::start(busy).await, Err(RunError::Listen { .. })));
    let mut nowhere = config(folder.path(), address, false);
    nowhere.collectors.clear();
    assert!(matches!(Agent::start(nowhere).await, Err(RunError::Config(_))));
    let first = Agent::start(config(folder.path(), address, false)).await.unwrap();
    let second = Agent::start(config(folder.path(), address, false)).await;
    assert!(matches!(second, Err(RunError::Spool(SpoolError::Held(_)))));
    first.stop().await;
}
