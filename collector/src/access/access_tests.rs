//! The guard around the real routes: a token that ends while a body is on its way, and whose rate a request counts for.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::mpsc;
use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::Push;

use crate::clock;
use crate::config::{AccessConfig, TokensNeeded};
use crate::engine::command::TokenCommand;
use crate::engine::{Engine, run};
use crate::identity::deed::Actor;
use crate::identity::keeper::NewToken;
use crate::identity::role::Role;
use crate::identity::secret::Secret;
use crate::limits::{Limit, Limits};
use crate::listen::{Listening, Peer, Way};
use crate::store::{DataDir, EmbeddedStore, StoreOptions};

const CATALOGUE: &str = "
organisation: { name: Example, time_zone: UTC }
services:
  - id: shop
    name: Shop
    since: 2026-03-01T00:00:00Z
    probes: [{ id: web, agents: [a], interval: 10s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }]
";
const LOCAL: Actor = Actor::Local { uid: None };

struct World {
    _folder: tempfile::TempDir,
    engine: run::Running,
    router: axum::Router,
}

/// A body whose bytes come later; it says when it is asked for them.
struct Later {
    asked: mpsc::Sender<()>,
    bytes: mpsc::Receiver<Bytes>,
}

impl hyper::body::Body for Later {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let _ = self.asked.try_send(());
        self.bytes.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::claim(folder.path(), "test", clock::now()).unwrap();
        let store = EmbeddedStore::open(dir, StoreOptions::default()).unwrap();
        let files = [("catalogue.yaml".to_owned(), CATALOGUE.to_owned())];
        let engine = run::start(Engine::open(Box::new(store), &files, clock::now()).unwrap()).unwrap();
        let config = AccessConfig { tokens: TokensNeeded::Required, hosts: Vec::new(), insecure: false };
        let listening =
            Listening::new(Limits::default().with(Limit::RequestBurst, 2).with(Limit::RequestsPerSecond, 1));
        let router = crate::api::router(
            engine.handle.clone(),
            config,
            listening,
            crate::api::catalogue::CatalogueFiles::default(),
            crate::api::assignment::Waiting::new(&Limits::default(), tokio::sync::watch::channel(false).1),
        );
        Self { _folder: folder, engine, router }
    }

    async fn give(&self, name: &str, role: Role) -> String {
        let secret = Secret::draw().unwrap();
        let new = NewToken { name: id(name), role, digest: secret.digest(), expires_at: None };
        self.engine.handle.token_command(TokenCommand::Add(new), LOCAL).await.unwrap().unwrap();
        secret.reveal()
    }

    /// The status and the word of the answer to somebody at `address`.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        address: &str,
        kind: &str,
        body: Body,
    ) -> (StatusCode, String) {
        let mut request =
            Request::builder().method(method).uri(path).header("host", "localhost").header("content-type", kind);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut request = request.body(body).unwrap();
        let address: IpAddr = address.parse().unwrap();
        request.extensions_mut().insert(Peer::of(Way::Port { address, tls: false }));
        let answer = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let status = answer.status();
        let text = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        (status, text)
    }
}

#[tokio::test]
async fn nothing_is_done_with_a_token_that_ends_while_the_body_is_on_its_way() {
    let world = World::new();
    let wanted: Vec<u8> = r#"{"name":"late","role":"administrator"}"#.into();
    for (name, role, path, kind, body) in [
        ("chief", Role::Administrator, "/api/v1/tokens", "application/json", wanted),
        ("duty", Role::Operator, "/api/v1/incidents/INC-1/comments", "application/json", r#"{"text":"x"}"#.into()),
        ("a", Role::Agent { agent: id("a") }, "/api/v1/push", "application/vnd.uphold.push", push()),
    ] {
        let token = world.give(name, role).await;
        let ((asked, mut is_asked), (send, bytes)) = (mpsc::channel(1), mpsc::channel(1));
        let asking = world.ask("POST", path, &token, "192.0.2.1", kind, Body::new(Later { asked, bytes }));
        let ending = async {
            is_asked.recv().await.unwrap();
            world.engine.handle.token_command(TokenCommand::Revoke(id(name)), LOCAL).await.unwrap().unwrap();
            send.send(Bytes::from(body)).await.unwrap();
            drop(send);
        };
        let ((status, text), ()) = tokio::join!(asking, ending);
        assert!(status == StatusCode::UNAUTHORIZED && text.contains(":token-revoked"), "{path}: {status} {text}");
    }
    assert!(world.engine.handle.tokens().get(&id("late")).is_none());
}

#[tokio::test]
async fn whoever_may_not_push_is_held_to_a_rate_all_the_same() {
    let world = World::new();
    let viewer = world.give("wall", Role::Viewer).await;
    for (token, refused) in [("", StatusCode::UNAUTHORIZED), (viewer.as_str(), StatusCode::FORBIDDEN)] {
        for expected in [refused, refused, StatusCode::TOO_MANY_REQUESTS] {
            let push =
                world.ask("POST", "/api/v1/push", token, "192.0.2.1", "application/vnd.uphold.push", Body::empty());
            assert_eq!(push.await.0, expected);
        }
    }
}

#[tokio::test]
async fn a_network_of_64_bits_has_one_rate() {
    let world = World::new();
    for (address, expected) in
        [("2001:db8::1", 200), ("2001:db8::2", 200), ("2001:db8::3", 429), ("2001:db8:0:1::1", 200)]
    {
        assert_eq!(world.ask("GET", "/healthz", "", address, "", Body::empty()).await.0, expected, "{address}");
    }
}

fn push() -> Vec<u8> {
    let (agent, epoch, now) = (id("a"), Epoch([1; 16]), clock::now());
    let (outcome, cause, total) = (Outcome::Up, Cause::None, Micros::new(5));
    let observation = Observation { at: now, outcome, cause, code: 0, total, phases: Phases::default() };
    let streams = vec![Rows::Probe(PathId::new(id("shop"), id("web")), vec![observation])];
    let key = BatchKey { agent: agent.clone(), epoch, seq: 1 };
    let batch = Batch { key, closed_at: now, streams, facts: Vec::new() }.encode().unwrap();
    let (acknowledged, kept_from, absent, backlog_batches, backlog_oldest) = (0, None, None, 0, None);
    Push { agent, epoch, acknowledged, kept_from, absent, backlog_batches, backlog_oldest, sent_at: now, batch }
        .encode()
        .unwrap()
}
