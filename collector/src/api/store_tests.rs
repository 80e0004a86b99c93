//! What is answered over HTTP when the store has no room, or is dead: refused, never acknowledged, taken again later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::Push;

use crate::clock;
use crate::config::{AccessConfig, TokensNeeded};
use crate::engine::command::CommandError;
use crate::engine::failing::{Failing, Full};
use crate::engine::{Engine, run};
use crate::identity::deed::Actor;
use crate::incident::act::Act;
use crate::incident::model::Number;
use crate::limits::Limits;
use crate::listen::{Listening, Peer, Way};
use crate::notify::verdict::Attempt;
use crate::notify::worker::Desk as _;
use crate::reserve::{DiskSpace, Reserve};
use crate::store::{DataDir, EmbeddedStore, StoreOptions};

const CATALOGUE: &str = "
organisation: { name: Example, time_zone: UTC }
services:
  - id: shop
    name: Shop
    since: 2026-03-01T00:00:00Z
    probes: [{ id: web, agents: [a], interval: 10s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }]
receivers: [{ id: duty, webhook: { url: \"http://127.0.0.1:9/\" } }]
routes: [{ to: duty }]
";
const LOCAL: Actor = Actor::Local { uid: None };
const MIB: u64 = 1 << 20;
/// How long something may take that is bound to come.
const DEADLINE: Duration = Duration::from_mins(1);

struct World {
    _folder: tempfile::TempDir,
    engine: run::Running,
    router: axum::Router,
    free: Arc<AtomicU64>,
    failed: Arc<AtomicBool>,
    full: Arc<Full>,
}

/// Status, `Retry-After` and body.
type Answer = (StatusCode, Option<String>, String);

impl World {
    /// Over a disk of 100 GiB with the default reserve, so much of it free.
    fn new(options: StoreOptions, free: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::claim(folder.path(), "test", clock::now()).unwrap();
        let (free, failed) = (Arc::new(AtomicU64::new(free)), Arc::new(AtomicBool::new(false)));
        let full = Arc::<Full>::default();
        let store = EmbeddedStore::open(dir, options).unwrap();
        let store = Failing { store, failed: Arc::clone(&failed), full: Arc::clone(&full) };
        let asked = Arc::clone(&free);
        let ask = move || Ok(DiskSpace { free: asked.load(Ordering::SeqCst), total: 100 * 1024 * MIB });
        let files = [("catalogue.yaml".to_owned(), CATALOGUE.to_owned())];
        let engine = Engine::open(Box::new(store), &files, clock::now()).unwrap();
        let engine = run::start(engine.keeping(Reserve::new(Box::new(ask), None))).unwrap();
        let config = AccessConfig { tokens: TokensNeeded::Optional, hosts: Vec::new(), insecure: false };
        let router = super::router(
            engine.handle.clone(),
            config,
            Listening::default(),
            super::catalogue::CatalogueFiles::default(),
            crate::api::assignment::Waiting::new(&Limits::default(), tokio::sync::watch::channel(false).1),
        );
        Self { _folder: folder, engine, router, free, failed, full }
    }

    async fn ask(&self, way: Way, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let mut request = request.header("content-type", kind).body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer::of(way));
        let answer = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (status, retry) = (answer.status(), answer.headers().get("retry-after"));
        let retry = retry.map(|seconds| seconds.to_str().unwrap().to_owned());
        let text = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        (status, retry, text)
    }

    async fn push(&self, seq: u64, rows: u32) -> Answer {
        self.push_of(seq, rows, Outcome::Up).await
    }

    async fn push_of(&self, seq: u64, rows: u32, outcome: Outcome) -> Answer {
        self.send(push(seq, rows, outcome)).await
    }

    async fn send(&self, push: Vec<u8>) -> Answer {
        let way = Way::Port { address: "127.0.0.1".parse().unwrap(), tls: false };
        self.ask(way, "POST", "/api/v1/push", "application/vnd.uphold.push", push).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Way::Socket { uid: 0 }, "GET", path, "", Vec::new()).await
    }

    /// Asks until the answer is as it should be; the engine looks again each second.
    async fn until(&self, path: &str, is: impl Fn(&Answer) -> bool) -> Answer {
        let asking = async {
            loop {
                let answer = self.get(path).await;
                if is(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("{path} never said so"))
    }

    async fn token(&self, name: &str) -> Answer {
        let wanted = format!("{{\"name\":\"{name}\",\"role\":\"viewer\"}}").into_bytes();
        self.ask(Way::Socket { uid: 0 }, "POST", "/api/v1/tokens", "application/json", wanted).await
    }
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// A push with so many rows, of the last hours.
fn push(seq: u64, rows: u32, outcome: Outcome) -> Vec<u8> {
    let (agent, epoch, now) = (id("a"), Epoch([1; 16]), clock::now());
    let observation = |n: u32| Observation {
        at: now.minus_ms(i64::from(rows - n) * 1_000 + i64::try_from(seq).unwrap()),
        outcome,
        cause: Cause::None,
        code: 0,
        total: Micros::new(5),
        phases: Phases::default(),
    };
    let streams = vec![Rows::Probe(PathId::new(id("shop"), id("web")), (0..rows).map(observation).collect())];
    let key = BatchKey { agent: agent.clone(), epoch, seq };
    let batch = Batch { key, closed_at: now, streams, facts: Vec::new() }.encode().unwrap();
    let (acknowledged, backlog_batches, backlog_oldest, kept_from, absent) = (0, 0, None, None, None);
    let push =
        Push { agent, epoch, acknowledged, kept_from, absent, backlog_batches, backlog_oldest, sent_at: now, batch };
    push.encode().unwrap()
}

#[tokio::test]
async fn below_the_reserve_pushes_wait_below_the_last_one_people_too_and_both_go_on_by_themselves() {
    let world = World::new(StoreOptions::default(), 511 * MIB);
    let (status, retry, text) = world.push(1, 1).await;
    assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("30")), "{text}");
    assert!(text.contains(":disk-reserve") && text.contains("511 MiB free, and 512 MiB are kept"), "{text}");
    assert_eq!(world.get("/healthz").await.0, StatusCode::OK);
    let sentence = "Pushes are refused: the disk has less free than its reserve.";
    assert_eq!(world.get("/readyz").await, (StatusCode::OK, None, format!("ready\n{sentence}\n")));
    let (status, retry, text) = world.get("/readyz?to=push").await;
    assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("30")), "{text}");
    assert_eq!(world.get("/readyz?to=pull").await.0, StatusCode::BAD_REQUEST);
    let counted = |answer: &Answer| answer.2.contains("uphold_pushes_total{result=\"disk-reserve\"} 1");
    let (_, _, metrics) = world.until("/metrics", counted).await;
    for line in ["uphold_store_takes{what=\"pushes\"} 0", "uphold_store_takes{what=\"changes\"} 1"] {
        assert!(metrics.contains(line), "{line}");
    }
    assert!(world.get("/").await.2.contains("data-takes-pushes=\"false\""));
    assert_eq!(world.token("one").await.0, StatusCode::CREATED, "people may still change things");

    world.free.store(63 * MIB, Ordering::SeqCst);
    let (status, retry, text) = world.token("two").await;
    assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("30")), "{text}");
    assert!(text.contains(":disk-reserve"), "{text}");
    let revoked = world.ask(Way::Socket { uid: 0 }, "DELETE", "/api/v1/tokens/one", "", Vec::new()).await;
    assert_eq!(revoked.0, StatusCode::OK, "whoever must be shut out is shut out: {}", revoked.2);

    world.free.store(575 * MIB, Ordering::SeqCst);
    assert_eq!(world.push(1, 1).await.0, StatusCode::SERVICE_UNAVAILABLE, "an eighth more must be free");
    world.free.store(576 * MIB, Ordering::SeqCst);
    let taken = push(1, 1, Outcome::Up);
    assert_eq!(world.send(taken.clone()).await.0, StatusCode::OK);
    assert_eq!(world.token("two").await.0, StatusCode::CREATED);
    world.free.store(0, Ordering::SeqCst);
    assert_eq!(world.send(taken).await.0, StatusCode::OK, "what is durable is acknowledged again");
    assert_eq!(world.push(2, 1).await.0, StatusCode::SERVICE_UNAVAILABLE);
    world.free.store(576 * MIB, Ordering::SeqCst);
    world.until("/readyz?to=push", |answer| answer.2 == "ready\n").await;
}

#[tokio::test]
async fn a_disk_that_is_full_beside_its_reserve_refuses_people_and_pushes_and_ends_nothing() {
    let mut world = World::new(StoreOptions::default(), 1024 * MIB);
    assert_eq!(world.token("one").await.0, StatusCode::CREATED);
    world.full.fill();
    for (status, retry, text) in [
        world.token("two").await,
        world.ask(Way::Socket { uid: 0 }, "DELETE", "/api/v1/tokens/one", "", Vec::new()).await,
        world.ask(Way::Socket { uid: 0 }, "POST", "/api/v1/store/compaction", "", Vec::new()).await,
        world.push(1, 1).await,
    ] {
        assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("30")), "{text}");
        assert!(text.contains(":disk-reserve"), "{text}");
    }
    world.full.make_room();
    assert_eq!(world.push_of(1, 120, Outcome::Down).await.0, StatusCode::OK);
    world.until("/api/v1/incidents", |answer| answer.2.contains("\"number\":1")).await;
    world.full.fill();
    let refused = world.engine.handle.act(Number(1), Act::Acknowledge(None), LOCAL).await.unwrap();
    assert!(matches!(refused, Err(CommandError::NoRoom(_))), "{refused:?}");
    let due = world.engine.handle.due().await.remove(0);
    world.engine.handle.settle(due.key, Attempt::Answered { status: 200, retry_after: None }.into()).await;
    let sentence = "Pushes and changes by people are refused, and incidents wait: the disk is full.";
    world.until("/readyz", |answer| answer.2 == format!("ready\n{sentence}\n")).await;
    assert_eq!(world.get("/readyz?to=push").await.0, StatusCode::SERVICE_UNAVAILABLE);
    world.full.make_room();
    world.until("/readyz?to=push", |answer| answer.2 == "ready\n").await;
    let delivered = |answer: &Answer| answer.2.contains("uphold_receiver_delivered_total{receiver=\"duty\"} 1");
    world.until("/metrics", delivered).await;
    assert_eq!(world.token("two").await.0, StatusCode::CREATED);
    assert!(world.engine.ended.try_recv().is_err(), "it runs");
}

#[tokio::test]
async fn a_full_head_refuses_until_it_is_sealed() {
    let world = World::new(StoreOptions { head_bytes_max: 64 * 1024, ..StoreOptions::default() }, 1024 * MIB);
    world.full.fill_for_upkeep();
    let (mut seq, mut taken) = (0, 0);
    let filling = async {
        loop {
            seq += 1;
            match world.push(seq, 2_000).await {
                (StatusCode::OK, ..) => taken += 1,
                refused => return refused,
            }
        }
    };
    let (status, retry, text) = tokio::time::timeout(DEADLINE, filling).await.unwrap();
    assert!(taken > 0, "{text}");
    assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("5")), "{text}");
    assert!(text.contains(":head-full") && text.contains("131072 bytes"), "{text}");
    let counted = |answer: &Answer| answer.2.contains("uphold_pushes_total{result=\"head-full\"} 1");
    let (_, _, metrics) = world.until("/metrics", counted).await;
    assert!(metrics.contains("uphold_store_head_limit_bytes 131072"), "{metrics}");
    world.full.make_room();
    let sealed = |answer: &Answer| answer.2.contains("uphold_store_head_bytes 0\n");
    world.until("/metrics", sealed).await;
    let (status, _, text) = world.push(seq, 2_000).await;
    assert_eq!(status, StatusCode::OK, "{text}");
}

#[tokio::test]
async fn whoever_meets_a_dead_store_is_not_told_that_it_was_done_and_the_engine_ends() {
    for first in ["push", "token", "act", "delivery", "tick", "upkeep"] {
        let mut world = World::new(StoreOptions::default(), 1024 * MIB);
        if first != "tick" {
            assert_eq!(world.push_of(1, 120, Outcome::Down).await.0, StatusCode::OK);
            world.until("/api/v1/incidents", |answer| answer.2.contains("\"number\":1")).await;
        }
        let handle = world.engine.handle.clone();
        let due = handle.due().await;
        if first == "tick" {
            // It is durable, and will never be raised by this one.
            assert_eq!(world.push_of(1, 120, Outcome::Down).await.0, StatusCode::OK);
        }
        world.failed.store(true, Ordering::SeqCst);
        match first {
            "push" => {
                let (one, other) = tokio::join!(world.push(2, 1), world.push(3, 1));
                for (status, retry, text) in [one, other] {
                    assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("2")), "{text}");
                    assert!(text.contains(":stopping"), "{text}");
                }
            }
            "token" => {
                let (status, _, text) = world.token("late").await;
                assert!(status == StatusCode::SERVICE_UNAVAILABLE && text.contains(":stopping"), "{status} {text}");
            }
            "act" => {
                let done = handle.act(Number(1), Act::Acknowledge(None), LOCAL).await;
                assert!(done.is_err(), "{done:?}");
            }
            "delivery" => {
                let delivered = Attempt::Answered { status: 200, retry_after: None };
                handle.settle(due.first().expect("a message is due").key.clone(), delivered.into()).await;
            }
            _ => {}
        }
        let ended = tokio::time::timeout(DEADLINE, &mut world.engine.ended).await.unwrap().unwrap();
        let error = ended.expect_err("the store is dead");
        assert!(error.to_string().contains("no space left on device"), "{first}: {error}");
        let (status, _, text) = world.push(4, 1).await;
        assert!(status == StatusCode::SERVICE_UNAVAILABLE && text.contains(":stopping"), "{first}: {text}");
    }
}

#[tokio::test]
async fn what_was_pushed_is_in_its_hours_at_once() {
    let world = World::new(StoreOptions::default(), 1024 * MIB);
    assert_eq!(world.push_of(1, 120, Outcome::Down).await.0, StatusCode::OK);
    let now = clock::now().plus_ms(1);
    let (status, _, text) = world.get(&format!("/api/v1/rollups?probe=shop/web&agent=a&to={}", now.as_ms())).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    let hours = answer["hours"].as_array().unwrap();
    let all = |key: &str| hours.iter().map(|hour| hour[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((all("up"), all("degraded"), all("down"), all("unknown")), (0, 0, 120, 0), "{text}");
    assert!(hours.iter().all(|hour| hour["start_ms"].as_i64().unwrap() % 3_600_000 == 0), "{text}");
    assert!(hours.iter().all(|hour| hour["durations"]["p95_us"] == 5), "{text}");
    let (_, _, text) = world.get("/api/v1/rollups?probe=shop/other&agent=a").await;
    assert!(text.ends_with("\"hours\":[]}"), "{text}");
    for query in
        ["", "?probe=shop/web", "?agent=a", "?probe=shop/web&agent=a&from=0", "?probe=shop/web&agent=a&until=5"]
    {
        let (status, _, text) = world.get(&format!("/api/v1/rollups{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {text}");
    }
}
