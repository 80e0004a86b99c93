//! The worker between a true outbox and a server that answers by a script. Time in the outbox is made up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use uphold_common::catalogue::model::Catalogue;

use super::*;
use crate::notify::outbox::{Outbox, OutboxPolicy};
use crate::notify::plan::Plan;
use crate::notify::scripted::{Reply, Server, courier};
use crate::notify::testing::{at, catalogue, message};
use crate::notify::verdict::judge;

/// An outbox whose clock goes on by `step_ms` each time that somebody asks what is due.
struct Table {
    outbox: Mutex<Outbox>,
    catalogue: Catalogue,
    now_ms: AtomicI64,
    step_ms: i64,
    /// What was handed out, and when.
    taken: Mutex<Vec<(String, i64)>>,
    breaks: AtomicBool,
}

impl Table {
    fn new(receivers: &[(&str, &str)], messages: &[(&str, u64)], step_ms: i64) -> Arc<Self> {
        let mut outbox = Outbox::load(OutboxPolicy::default(), [], []).0;
        let mut plan = Plan::default();
        outbox.enqueue(&mut plan, messages.iter().map(|(to, n)| message(to, *n)).collect(), at(0)).unwrap();
        outbox.apply(plan);
        Arc::new(Self {
            outbox: Mutex::new(outbox),
            catalogue: catalogue(receivers),
            now_ms: AtomicI64::new(0),
            step_ms,
            taken: Mutex::default(),
            breaks: AtomicBool::new(false),
        })
    }

    fn waiting(&self) -> usize {
        self.outbox.lock().unwrap().snapshot(&self.catalogue).iter().map(|shown| shown.waiting).sum()
    }

    fn delivered(&self) -> u64 {
        self.outbox.lock().unwrap().snapshot(&self.catalogue).iter().map(|shown| shown.delivered).sum()
    }
}

impl Desk for Table {
    async fn due(&self) -> Vec<Delivery> {
        let now_ms = self.now_ms.fetch_add(self.step_ms, Ordering::SeqCst) + self.step_ms;
        let due = self.outbox.lock().unwrap().due(&self.catalogue, at(now_ms));
        self.taken.lock().unwrap().extend(due.iter().map(|delivery| (delivery.id.clone(), now_ms)));
        due
    }

    async fn settle(&self, key: Key, report: Report) {
        assert!(!self.breaks.swap(false, Ordering::SeqCst), "asked to break");
        let now = at(self.now_ms.load(Ordering::SeqCst));
        let mut outbox = self.outbox.lock().unwrap();
        let mut plan = Plan::default();
        let outcome = judge(&report.attempt, now);
        outbox.settle(&mut plan, &key, (&outcome, report.kept.as_deref()), now, u32::MAX / 2).unwrap();
        outbox.apply(plan);
    }
}

struct Running {
    stop: watch::Sender<bool>,
    wake: Arc<Notify>,
    task: task::JoinHandle<()>,
}

fn start(table: &Arc<Table>, grace: Duration, tick: Duration) -> Running {
    let (stop, stopped) = watch::channel(false);
    let wake = Arc::new(Notify::new());
    let task = run(Arc::clone(table), courier(), Arc::clone(&wake), stopped, Pace { tick, grace });
    Running { stop, wake, task: tokio::spawn(task) }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        tokio::time::sleep(ms(10)).await;
    }
    panic!("waited in vain for: {what}");
}

#[tokio::test]
async fn a_receiver_in_trouble_gets_every_message_in_order() {
    let script = [
        Reply::Status(500),
        Reply::Later("1800"),
        Reply::Hang,
        Reply::Page(9_000),
        Reply::Status(400),
        Reply::Elsewhere,
        Reply::Status(200),
    ];
    let server = Server::start(&script).await;
    let messages: Vec<_> = (1..=4).map(|n| ("duty", n)).collect();
    let table = Table::new(&[("duty", &server.url())], &messages, 50_000);
    let running = start(&table, ms(1_000), ms(2));
    until("an empty outbox", || table.waiting() == 0).await;
    running.stop.send(true).unwrap();
    running.task.await.unwrap();
    let ids = ["1", "1", "1", "1", "2", "3", "4"].map(|n| format!("x-INC-{n}.1"));
    assert_eq!(server.ids(), ids);
    assert_eq!(server.most_at_once(), 1);
    let taken = table.taken.lock().unwrap().clone();
    assert!(taken[2].1 - taken[1].1 >= 1_800_000, "what the receiver asked for is waited for: {taken:?}");
    let outbox = table.outbox.lock().unwrap();
    let shown = outbox.snapshot(&table.catalogue).remove(0);
    assert_eq!((shown.delivered, shown.failed_attempts, shown.dead_letters, shown.last_error), (2, 5, 2, None));
    let reasons: Vec<_> = outbox.dead_letters().map(|(_, letter)| letter.reason.as_str()).collect();
    let expected = ["the receiver answered 400", "the receiver answered 302, and redirects are not followed"];
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_receiver_that_hangs_does_not_hold_up_another() {
    let (slow, quick) = (Server::start(&vec![Reply::Hang; 99]).await, Server::start(&[]).await);
    let messages: Vec<_> = (1..=20).map(|n| ("quick", n)).chain([("slow", 1)]).collect();
    let table = Table::new(&[("quick", &quick.url()), ("slow", &slow.url())], &messages, 0);
    let running = start(&table, ms(10), ms(60_000));
    // The clock stands and the tick is long: each message follows the one before by itself.
    until("everything quick", || table.delivered() == 20 && slow.seen().len() == 1).await;
    assert_eq!(quick.seen().len(), 20);
    drop(running.stop);
    running.task.await.unwrap();
    assert_eq!(table.waiting(), 1, "it is sent after the next start");
}

#[tokio::test]
async fn new_messages_wake_it() {
    let server = Server::start(&[]).await;
    let table = Table::new(&[("duty", &server.url())], &[], 0);
    let running = start(&table, ms(10), ms(60_000));
    tokio::time::sleep(ms(50)).await;
    {
        let mut outbox = table.outbox.lock().unwrap();
        let mut plan = Plan::default();
        outbox.enqueue(&mut plan, vec![message("duty", 1)], at(0)).unwrap();
        outbox.apply(plan);
    }
    running.wake.notify_one();
    until("a delivery", || table.delivered() == 1).await;
    running.stop.send(true).unwrap();
    running.task.await.unwrap();
}

#[tokio::test]
async fn what_is_out_is_finished_before_it_stops_and_nothing_is_begun() {
    let server = Server::start(&[Reply::Slow(200, ms(150))]).await;
    let table = Table::new(&[("duty", &server.url())], &[("duty", 1), ("duty", 2)], 0);
    let running = start(&table, ms(5_000), ms(2));
    until("the first request", || server.seen().len() == 1).await;
    running.stop.send(true).unwrap();
    running.task.await.unwrap();
    assert_eq!((table.delivered(), table.waiting(), server.seen().len()), (1, 1, 1));
}

#[tokio::test]
async fn a_task_that_breaks_off_is_reported() {
    let server = Server::start(&[]).await;
    let table = Table::new(&[("duty", &server.url())], &[("duty", 1)], 400_000);
    table.breaks.store(true, Ordering::SeqCst);
    let running = start(&table, ms(1_000), ms(2));
    until("a second attempt", || table.delivered() == 1).await;
    assert_eq!(server.ids(), ["x-INC-1.1", "x-INC-1.1"], "at least once, under the same id");
    assert_eq!(table.outbox.lock().unwrap().snapshot(&table.catalogue)[0].failed_attempts, 1);
    running.stop.send(true).unwrap();
    running.task.await.unwrap();
}
