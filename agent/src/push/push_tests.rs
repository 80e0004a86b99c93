//! Pushes against a collector that answers as its script says.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use super::*;
use crate::config::{Access, Config, SpoolConfig};
use crate::fake_collector::{Collector, STORE};
use crate::spool::{Spool, SpoolError};
use crate::token::TokenFile;
use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::batch::AgentFact;
use uphold_common::wire::builder::Row;

pub(super) fn row(ms: i64) -> Row {
    let (outcome, cause) = (Outcome::Up, Cause::None);
    let probe = PathId::new(Id::new("shop").unwrap(), Id::new("web").unwrap());
    let (at, total) = (Instant::from_ms(ms), Micros::new(5));
    Row::Probe(probe, Observation { at, outcome, cause, code: 200, total, phases: Phases::default() })
}

/// A pusher with `batches` batches in its spool.
pub(super) async fn pusher(folder: &tempfile::TempDir, collectors: &[SocketAddr], batches: i64) -> Pusher {
    pusher_with(folder, collectors, batches, Remote::new(&Access::default()).unwrap()).await
}

/// The spool, once whoever had it before has let it go: its thread ends after the last that it says.
async fn opened(config: &Config) -> Spool {
    let free = async {
        loop {
            match Spool::open(config) {
                Err(SpoolError::Held(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                opened => return opened.unwrap(),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), free).await.unwrap()
}

async fn pusher_with(folder: &tempfile::TempDir, collectors: &[SocketAddr], batches: i64, remote: Remote) -> Pusher {
    let config = Config {
        name: Id::new("zurich-1").unwrap(),
        collectors: collectors.iter().map(|address| Url::parse(&format!("http://{address}")).unwrap()).collect(),
        data_dir: folder.path().to_owned(),
        listen: None,
        spool: SpoolConfig::default(),
        access: Access::default(),
        accept: crate::accept::Accept::default(),
        links: Vec::new(),
        modules: None,
    };
    let (clock, metrics) = (Arc::new(Clock::new()), Arc::new(Metrics::new().unwrap()));
    let spool = opened(&config).await;
    let (recorder, _) = Recorder::start(spool, Arc::clone(&clock), Arc::clone(&metrics)).unwrap();
    for ms in 1..=batches {
        recorder.observed(row(ms)).await;
        recorder.close().await;
    }
    Pusher::new(config.name, config.collectors, remote, recorder, clock, metrics)
}

#[tokio::test]
async fn batches_go_in_their_order_and_say_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (_, address, mut heard) = Collector::serve().await;
    let mut pusher = pusher(&folder, &[address], 3).await;
    for seq in 1..=3 {
        assert_eq!(pusher.step().await, Step::Moved);
        let (status, push, batch) = heard.recv().await.unwrap();
        assert_eq!((status, batch.key.seq, push.acknowledged), (200, seq, seq - 1));
        assert_eq!((push.backlog_batches, &batch.key.agent), (3 - seq, &push.agent));
        let oldest = (seq < 3).then(|| Instant::from_ms(i64::try_from(seq).unwrap() + 1));
        assert_eq!(push.backlog_oldest, oldest);
    }
    assert_eq!(pusher.step().await, Step::Empty);
    assert!(pusher.metrics.text().unwrap().contains(r#"uphold_agent_pushes_total{result="done"} 3"#));
    assert!(pusher.metrics.text().unwrap().contains("uphold_agent_acknowledged_seq 3"));
}

#[tokio::test]
async fn a_busy_collector_is_obeyed_and_gets_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.script(&[(503, Some("2")), (429, Some("7")), (425, None), (500, None)]);
    let mut pusher = pusher(&folder, &[address], 1).await;
    for at_least_ms in [2_000, 7_000, 0, 0] {
        let Step::Wait { ms } = pusher.step().await else { panic!("it waits") };
        assert!(ms >= at_least_ms && ms <= 30_000.max(at_least_ms), "{ms}");
    }
    assert_eq!(pusher.step().await, Step::Moved);
    let (_, first, _) = heard.recv().await.unwrap();
    for status in [429, 425, 500, 200] {
        let (answered, again, _) = heard.recv().await.unwrap();
        assert_eq!((answered, &again.batch), (status, &first.batch));
    }
}

#[tokio::test]
async fn a_refused_agent_holds_its_batch_and_comes_back_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let refusals = [401, 403, 421, 404, 431, 302];
    collector.script(&refusals.map(|status| (status, None)));
    collector.script(&[(401, Some("90"))]);
    let mut pusher = pusher(&folder, &[address], 2).await;
    for nth in 0..refusals.len() {
        let Step::Wait { ms } = pusher.step().await else { panic!("it waits") };
        let most_ms = 1_000 << nth;
        assert!((most_ms / 2..=most_ms).contains(&ms), "{ms} after {} refusals", nth + 1);
        assert!(pusher.metrics.text().unwrap().contains(r#"uphold_agent_refused{request="push"} 1"#));
    }
    let Step::Wait { ms } = pusher.step().await else { panic!("it waits") };
    assert!((90_000..=112_500).contains(&ms), "Retry-After is obeyed, and spread: {ms}");
    pusher.drain().await;
    let mut taken = Vec::new();
    let (_, first, _) = heard.recv().await.unwrap();
    while let Ok((status, push, batch)) = heard.try_recv() {
        assert_eq!(push.batch == first.batch, batch.key.seq == 1, "{status}");
        taken.push((status, batch.key.seq));
    }
    assert_eq!(taken[refusals.len()..], [(200, 1), (200, 2)]);
    let text = pusher.metrics.text().unwrap();
    for line in [r#"uphold_agent_refused{request="push"} 0"#, r#"uphold_agent_pushes_total{result="hold"} 7"#] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(!folder.path().join("spool/quarantine").read_dir().unwrap().any(|_| true), "nothing was put aside");
}

#[tokio::test]
async fn a_token_that_was_replaced_is_taken_up_and_nothing_is_lost_or_sent_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let [old, new] = ["a", "b"].map(|digit| format!("uphold_{}", digit.repeat(64)));
    let path = folder.path().join("token");
    std::fs::write(&path, &old).unwrap();
    let remote = Remote::with_token_file(TokenFile::open_and_again_after(&path, Duration::ZERO).unwrap());
    let mut pusher = pusher_with(&folder, &[address], 4, remote).await;
    collector.demand(&old);
    assert_eq!(pusher.step().await, Step::Moved);
    collector.demand(&new);
    for _ in 0..3 {
        assert!(matches!(pusher.step().await, Step::Wait { .. }), "the file holds the old one");
    }
    std::fs::write(&path, "").unwrap();
    assert!(matches!(pusher.step().await, Step::Wait { .. }), "the file is being written");
    std::fs::write(&path, format!("{new}\n")).unwrap();
    pusher.drain().await;
    let answered: Vec<(u16, u64)> =
        std::iter::from_fn(|| heard.try_recv().ok()).map(|(status, _, batch)| (status, batch.key.seq)).collect();
    let refused = [(401, 2); 5];
    assert_eq!(answered, [&[(200, 1)][..], &refused, &[(200, 2), (200, 3), (200, 4)]].concat());
    let text = pusher.metrics.text().unwrap();
    assert!(!text.contains(&"a".repeat(64)) && text.contains(r#"uphold_agent_refused{request="push"} 0"#), "{text}");
}

#[tokio::test]
async fn a_token_that_another_request_found_ends_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let [old, new] = ["a", "b"].map(|digit| format!("uphold_{}", digit.repeat(64)));
    let path = folder.path().join("token");
    std::fs::write(&path, &old).unwrap();
    let remote = Remote::with_token_file(TokenFile::open_and_again_after(&path, Duration::ZERO).unwrap());
    let mut pusher = pusher_with(&folder, &[address], 1, remote.clone()).await;
    collector.script(&[(401, Some("240"))]);
    let (_waking, wake) = watch::channel(0);
    let (stopper, stop) = crate::stop::channel();
    let running = tokio::spawn(async move { pusher.run(wake, stop).await });
    assert_eq!(heard.recv().await.unwrap().0, 401);
    collector.demand(&new);
    std::fs::write(&path, &new).unwrap();
    let assignment = Url::parse(&format!("http://{address}/api/v1/agents/zurich-1/assignment")).unwrap();
    let delivered = async {
        loop {
            // Until the pusher waits: the token is found anew each time.
            for token in [&old, &new] {
                std::fs::write(&path, token).unwrap();
                collector.demand(token);
                remote.get(assignment.clone(), None, 1_000).await.unwrap();
            }
            if let Ok((200, ..)) = heard.try_recv() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), delivered).await.unwrap();
    stopper.stop();
    running.await.unwrap();
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_reason_is_logged_once_with_the_collectors_words_and_the_token_never() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _held = tracing::subscriber::set_default(lines);
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, _heard) = Collector::serve().await;
    let token = format!("uphold_{}", "c".repeat(64));
    let path = folder.path().join("token");
    std::fs::write(&path, &token).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let remote = Remote::with_token_file(TokenFile::open(&path).unwrap());
    assert!(!format!("{remote:?}").contains("ccc"));
    let mut pusher = pusher_with(&folder, &[address], 1, remote).await;
    let script = [401, 401, 401, 403, 403, 503, 401].map(|status| (status, None));
    collector.script(&script);
    for _ in script {
        assert!(matches!(pusher.step().await, Step::Wait { .. }));
    }
    pusher.drain().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let told = |what: &str| text.lines().filter(|line| line.contains(what)).count();
    let words = |status| format!("status {status} scripted: as the test asked");
    let counts = [told(&words(401)), told(&words(403)), told(&words(503)), told("delivered again")];
    assert_eq!(counts, [2, 1, 1, 1], "{text}");
    assert_eq!(told("can read the token file"), 1, "{text}");
    assert!(!text.contains("ccc"), "{text}");
}

#[tokio::test]
async fn a_refused_batch_is_put_aside_and_reported_in_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.script(&[(400, None)]);
    let mut pusher = pusher(&folder, &[address], 2).await;
    assert_eq!(pusher.step().await, Step::Moved);
    assert_eq!(pusher.step().await, Step::Moved);
    pusher.recorder.close().await;
    assert_eq!(pusher.step().await, Step::Moved);
    let mut answers = Vec::new();
    let mut facts = Vec::new();
    for _ in 0..3 {
        let (status, _, batch) = heard.recv().await.unwrap();
        answers.push((status, batch.key.seq));
        facts.extend(batch.facts);
    }
    assert_eq!(answers, [(400, 1), (200, 2), (200, 3)]);
    let started = |fact: &&AgentFact| matches!(fact, AgentFact::Started { .. });
    assert_eq!(facts.iter().filter(started).count(), 2, "what stood in the batch that was refused is said again");
    assert!(facts.contains(&AgentFact::Quarantined { batches: 1 }), "{facts:?}");
    assert_eq!(std::fs::read_dir(folder.path().join("spool/quarantine")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_conflict_begins_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.script(&[(409, None)]);
    let mut pusher = pusher(&folder, &[address], 2).await;
    assert_eq!(pusher.step().await, Step::Moved);
    assert_eq!(pusher.step().await, Step::Moved);
    let (_, refused, _) = heard.recv().await.unwrap();
    let (status, taken, batch) = heard.recv().await.unwrap();
    assert_eq!((status, batch.key.epoch, taken.acknowledged), (200, taken.epoch, 0));
    assert_ne!(refused.epoch, taken.epoch);
    assert_eq!(batch.streams[0].instants().next(), Some(Instant::from_ms(2)));
}

#[tokio::test]
async fn the_next_collector_is_tried_when_one_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_, address, mut heard) = Collector::serve().await;
    let mut pusher = pusher(&folder, &[closed, address], 1).await;
    assert_eq!(pusher.step().await, Step::Moved, "on to the next at once");
    assert_eq!(pusher.step().await, Step::Moved);
    assert_eq!(heard.recv().await.unwrap().0, 200);
    assert_eq!(pusher.step().await, Step::Empty);
    let folder = tempfile::tempdir().unwrap();
    let mut alone = self::pusher(&folder, &[closed, closed], 1).await;
    assert_eq!(alone.step().await, Step::Moved);
    assert!(matches!(alone.step().await, Step::Wait { .. }), "each was tried once");
}

#[tokio::test]
async fn another_collector_is_used_only_if_it_has_the_same_store() {
    for (store, says, used) in [(STORE, true, true), (Epoch([8; 16]), true, false), (Epoch([8; 16]), false, true)] {
        let folder = tempfile::tempdir().unwrap();
        let (first, first_address, mut first_heard) = Collector::serve().await;
        let (second, second_address, mut second_heard) = Collector::serve().await;
        second.have(store, says);
        let mut pusher = pusher(&folder, &[first_address, second_address], 2).await;
        assert_eq!(pusher.step().await, Step::Moved);
        assert_eq!(first_heard.recv().await.unwrap().0, 200);
        first.script(&[(500, None)]);
        assert_eq!(pusher.step().await, Step::Moved, "on to the second at once");
        assert_eq!(first_heard.recv().await.unwrap().0, 500);
        if used {
            assert_eq!(pusher.step().await, Step::Moved);
            assert_eq!(second_heard.recv().await.unwrap().0, 200);
        } else {
            assert!(matches!(pusher.step().await, Step::Wait { .. }));
            assert!(second_heard.try_recv().is_err(), "nothing of it was sent there");
            assert_eq!(pusher.step().await, Step::Moved, "the first is tried again");
            assert_eq!(first_heard.recv().await.unwrap().0, 200);
        }
    }
}
