//! The loop with snapshots made by hand and servers that answer by a script.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;
use uphold_common::catalogue::model::{Receiver, ReceiverUrl, Way};

use super::*;
use crate::incident::model::{Incident, Number};
use crate::notify::post::{Proxies, Timeouts};
use crate::notify::scripted::{Reply, Server};
use crate::page::fixture::{id, snapshot};
use crate::snapshot::StateReceiverSnapshot;

/// The loop, and the snapshots it is given.
struct Loop {
    snapshots: watch::Sender<Arc<Snapshot>>,
    board: Board,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Loop {
    fn start(first: Snapshot) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let timeouts = Timeouts { connect: Duration::from_secs(2), total: Duration::from_secs(2) };
        let poster = Poster::new(timeouts, Proxies::None).unwrap();
        let (snapshots, receiver) = watch::channel(Arc::new(first));
        let (stop, stopped) = watch::channel(false);
        let board = Board::default();
        let task = tokio::spawn(run(
            receiver,
            Posters { alertmanagers: poster.clone(), heartbeats: poster },
            board.clone(),
            stopped,
        ));
        Self { snapshots, board, stop, task }
    }

    /// Gives the next snapshot, this much later.
    fn next(&self, ms: i64, change: impl FnOnce(&mut Snapshot)) {
        let mut next = (**self.snapshots.borrow()).clone();
        next.as_of = next.as_of.plus_ms(ms);
        change(&mut next);
        self.snapshots.send_replace(Arc::new(next));
    }

    fn shown(&self, receiver: &str) -> StateReceiverSnapshot {
        self.board.shown(&self.snapshots.borrow().catalogue).remove(&id(receiver)).unwrap_or_default()
    }
}

/// The known snapshot, with these Alertmanagers told of everything each minute.
fn world(servers: &[(&str, &Server)]) -> Snapshot {
    let mut snapshot = snapshot();
    let mut catalogue = (*snapshot.catalogue).clone();
    catalogue.receivers.remove(&id("alerts"));
    catalogue.routes.clear();
    for (name, server) in servers {
        let url = ReceiverUrl::Url(format!("http://{}/am/", server.address));
        let way = Way::State(StateWay::Alertmanager(Alertmanager { url, every_ms: 60_000, watchdog: false }));
        catalogue.receivers.insert(id(name), Receiver { id: id(name), way });
        let everything = crate::notify::testing::route(name, &[]);
        catalogue.routes.push(everything);
    }
    snapshot.catalogue = Arc::new(catalogue);
    snapshot
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

fn posted(server: &Server) -> Vec<Vec<Value>> {
    server.seen().iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect()
}

fn resolve(snapshot: &mut Snapshot) {
    let resolution = crate::incident::model::Resolution::Recovered;
    let at = snapshot.as_of;
    let mut outage = snapshot.open_incidents.pop().unwrap();
    outage.resolved = Some(crate::incident::model::Resolved { ended: at, decided_at: at, resolution, by: None });
    snapshot.lately_resolved.insert(0, outage);
}

#[tokio::test]
async fn the_state_is_told_at_once_at_each_change_and_at_each_turn() {
    let server = Server::start(&[]).await;
    let work = Loop::start(world(&[("alerts", &server)]));
    until("the first post", || work.shown("alerts").delivered == 1).await;
    let seen = server.seen().remove(0);
    assert_eq!(seen.path, "/am/api/v2/alerts");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(work.shown("alerts").alerts, 2);

    work.next(1_000, |_| {});
    work.next(1_000, resolve);
    until("the end of the outage", || work.shown("alerts").delivered == 2).await;
    let all = posted(&server);
    let ends = |alert: &Value| alert["endsAt"].as_str().unwrap().to_owned();
    assert_eq!(ends(&all[1][1]), work.snapshots.borrow().as_of.to_string());
    assert_eq!(all[0][1]["labels"], all[1][1]["labels"]);

    work.next(60_000, |_| {});
    until("the next turn", || work.shown("alerts").delivered == 3).await;
    assert!(ends(&posted(&server)[2][0]) > ends(&all[1][0]), "what is open is put off");

    work.next(60_000, |snapshot| snapshot.open_incidents.clear());
    work.next(900_000, |_| {});
    until("nothing to tell", || work.shown("alerts").alerts == 0).await;
    assert_eq!(posted(&server).last().unwrap().len(), 0, "that there is nothing is told too");
    work.stop.send_replace(true);
    work.task.await.unwrap();
}

#[tokio::test]
async fn after_a_failure_the_state_is_told_as_it_is_then() {
    let script = [Reply::Status(503), Reply::Later("30"), Reply::Status(400), Reply::Elsewhere];
    let server = Server::start(&script).await;
    let work = Loop::start(world(&[("alerts", &server)]));
    for (failed, wait_ms, why) in [(1, 1_000, "503"), (2, 30_000, "429"), (3, 60_000, "400"), (4, 60_000, "redirects")]
    {
        until("a failure", || work.shown("alerts").failed_attempts == failed).await;
        let error = work.shown("alerts").last_error.unwrap();
        assert!(error.contains(why), "{error}");
        assert_eq!(work.shown("alerts").told, None);
        if failed == 2 {
            work.next(29_999, resolve);
            until("what is new to wait for its turn", || server.seen().len() == 2).await;
            work.next(1, |_| {});
        } else {
            work.next(wait_ms, |_| {});
        }
    }
    until("a delivery", || work.shown("alerts").delivered == 1).await;
    assert_eq!(work.shown("alerts").last_error, None);
    assert_eq!(posted(&server).len(), 5, "no redirect is followed");
    assert_eq!(posted(&server)[4].len(), 2, "what is open, and what was resolved meanwhile");
}

#[tokio::test]
async fn one_that_hangs_holds_up_no_other_and_one_that_leaves_is_told_nothing_more() {
    let (stuck, quick) = (Server::start(&[Reply::Hang]).await, Server::start(&[]).await);
    let work = Loop::start(world(&[("alerts", &quick), ("stuck", &stuck)]));
    until("both to be asked", || stuck.seen().len() == 1 && work.shown("alerts").delivered == 1).await;
    work.next(60_000, |_| {});
    until("the next turn of the other", || work.shown("alerts").delivered == 2).await;
    assert_eq!(work.shown("stuck").failed_attempts, 0, "its attempt is still out");

    // It is found elsewhere: what is out to where it was is given up, and it begins anew.
    work.next(1_000, |snapshot| snapshot.catalogue = world(&[("stuck", &quick)]).catalogue);
    until("the new address", || work.shown("stuck").delivered == 1).await;
    let before = quick.seen().len();
    work.next(60_000, |_| {});
    until("its next turn", || work.shown("stuck").delivered == 2).await;
    assert_eq!(quick.seen().len(), before + 1, "the receiver that left is told nothing");
    assert!(work.board.shown(&world(&[("alerts", &quick)]).catalogue)[&id("alerts")].told.is_none(), "nor shown");
    drop(work.snapshots);
    work.task.await.unwrap();
}

#[tokio::test]
async fn many_alerts_go_in_several_posts_of_which_each_must_arrive() {
    let server = Server::start(&[Reply::Status(200), Reply::Status(500)]).await;
    let mut first = world(&[("alerts", &server)]);
    let one = first.open_incidents[1].clone();
    first.open_incidents = (1..=1_001).map(|number| Incident { number: Number(number), ..one.clone() }).collect();
    let work = Loop::start(first);
    until("a failure", || work.shown("alerts").failed_attempts == 1).await;
    assert_eq!(work.shown("alerts").delivered, 0, "half of the state is not the state");
    work.next(1_000, |_| {});
    until("a delivery", || work.shown("alerts").delivered == 1).await;
    let sizes: Vec<usize> = posted(&server).iter().map(Vec::len).collect();
    assert_eq!(sizes, [500, 500, 500, 500, 1]);
    assert_eq!(work.shown("alerts").alerts, 1_001);
}

#[tokio::test]
async fn one_in_trouble_is_told_the_state_again() {
    const EVERY_MS: i64 = 60_000;
    // What it does → what is said of it, and after how long it is told again at last.
    let table = [
        (Reply::Status(500), "the receiver answered 500", 1_000),
        (Reply::Status(503), "the receiver answered 503", 1_000),
        (Reply::Later("90"), "the receiver answered 429", 90_000),
        (Reply::Later("86400"), "the receiver answered 429", 180_000),
        (Reply::Status(400), "the receiver answered 400", EVERY_MS),
        (Reply::Elsewhere, "the receiver answered 302, and redirects are not followed", EVERY_MS),
        (Reply::Hang, "the receiver did not answer in time", 1_000),
        (Reply::Page(9_000_000), "", EVERY_MS),
        (Reply::Slow(200, Duration::from_millis(300)), "", EVERY_MS),
    ];
    for (reply, why, wait_ms) in table {
        let server = Server::start(std::slice::from_ref(&reply)).await;
        let work = Loop::start(world(&[("alerts", &server)]));
        let shown = || work.shown("alerts");
        until("an end of the attempt", || shown().failed_attempts + shown().delivered == 1).await;
        assert_eq!(shown().last_error.unwrap_or_default(), why, "{reply:?}");
        assert_eq!(shown().delivered, u64::from(why.is_empty()), "{reply:?}");
        work.next(wait_ms, |_| {});
        until("the next attempt", || server.seen().len() == 2 && shown().delivered > 0).await;
        work.stop.send_replace(true);
        work.task.await.unwrap();
    }
}

#[tokio::test]
async fn a_post_that_is_refused_for_good_does_not_keep_the_others_from_being_told() {
    let server = Server::start(&[Reply::Status(400)]).await;
    let mut first = world(&[("alerts", &server)]);
    let one = first.open_incidents[1].clone();
    first.open_incidents = (1..=1_001).map(|number| Incident { number: Number(number), ..one.clone() }).collect();
    let work = Loop::start(first);
    until("a failure", || work.shown("alerts").failed_attempts == 1).await;
    let sizes: Vec<usize> = posted(&server).iter().map(Vec::len).collect();
    assert_eq!(sizes, [500, 500, 1]);
    assert_eq!(work.shown("alerts").last_error.as_deref(), Some("the receiver answered 400"));
    assert_eq!(work.shown("alerts").delivered, 0, "part of the state is not the state");
}
