//! The loop between the outbox and the attempts: takes what is due, sends it, reports what it saw.
//!
//! It decides nothing and keeps nothing. The outbox hands out at most one message for each receiver, so there are
//! never more tasks than receivers; of these at most [`AT_ONCE_MAX`] speak to the network at once, and the others wait
//! for their turn. When it is told to stop it takes nothing more, lets what was begun end within [`Pace::grace`], and
//! drops the rest: that is still in the outbox and goes out after the next start.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::{self, JoinError, JoinSet};

use super::courier::{Courier, Report};
use super::entry::Key;
use super::outbox::Delivery;
use super::verdict::{Attempt, Outcome, judge};

/// Most attempts at once.
pub const AT_ONCE_MAX: usize = 16;

/// Who owns the outbox.
pub trait Desk: Send + Sync + 'static {
    /// The messages to send now: at most one for each receiver, and none for which one is out.
    fn due(&self) -> impl Future<Output = Vec<Delivery>> + Send;

    /// Takes the report on a message that was due.
    fn settle(&self, key: Key, report: Report) -> impl Future<Output = ()> + Send;
}

/// The worker's rhythm.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Longest wait until it asks again what is due.
    pub tick: Duration,
    /// How long what was begun may take once it is told to stop.
    pub grace: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { tick: Duration::from_millis(500), grace: Duration::from_secs(5) }
    }
}

/// Delivers until `stop` says true, or until nobody is left who could say so. `wake` tells of new messages.
pub async fn run<D: Desk>(
    desk: Arc<D>,
    courier: Courier,
    wake: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
    pace: Pace,
) {
    let mut worker = Worker {
        desk,
        courier,
        turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        tasks: JoinSet::new(),
        out: HashMap::new(),
    };
    loop {
        let deliveries = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            deliveries = worker.desk.due() => deliveries,
        };
        for delivery in deliveries {
            worker.begin(delivery);
        }
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(ended) = worker.tasks.join_next_with_id() => worker.ended(ended).await,
            () = wake.notified() => {}
            () = tokio::time::sleep(pace.tick) => {}
        }
    }
    worker.finish(pace.grace).await;
}

/// Returns when the worker is to stop, and holds nothing of the channel.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop).await.ok();
}

struct Worker<D> {
    desk: Arc<D>,
    courier: Courier,
    turns: Arc<Semaphore>,
    tasks: JoinSet<()>,
    out: HashMap<task::Id, Key>,
}

impl<D: Desk> Worker<D> {
    fn begin(&mut self, delivery: Delivery) {
        let (desk, courier, turns) = (Arc::clone(&self.desk), self.courier.clone(), Arc::clone(&self.turns));
        let key = delivery.key.clone();
        let handle = self.tasks.spawn(async move {
            // The turns end when the worker is told to stop.
            let Ok(_turn) = turns.acquire().await else { return };
            let report = courier.deliver(&delivery).await;
            tell(&delivery, &report.attempt);
            desk.settle(delivery.key, report).await;
        });
        self.out.insert(handle.id(), key);
    }

    /// A task that broke off reported nothing, and its receiver would wait for it for ever.
    async fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        match ended {
            Ok((id, ())) => {
                self.out.remove(&id);
            }
            Err(error) => {
                if let Some(key) = self.out.remove(&error.id()) {
                    tracing::error!(receiver = %key.receiver, "a delivery broke off");
                    let attempt = Attempt::Unanswered { error: "the attempt broke off".to_owned() };
                    self.desk.settle(key, attempt.into()).await;
                }
            }
        }
    }

    async fn finish(mut self, grace: Duration) {
        self.turns.close();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("deliveries that were not answered in time are made again after the next start");
        }
        self.tasks.shutdown().await;
    }
}

/// Says what became of an attempt; what the outbox makes of it is the engine's to say.
fn tell(delivery: &Delivery, attempt: &Attempt) {
    let (receiver, message, number) = (&delivery.key.receiver, &delivery.id, delivery.attempt);
    match judge(attempt, delivery.at) {
        Outcome::Delivered => tracing::debug!(%receiver, %message, attempt = number, "delivered"),
        Outcome::Failed { error, .. } => {
            tracing::warn!(%receiver, %message, attempt = number, error, "not delivered");
        }
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
