//! Runs the attempts that are due: each is a task of its own, so that a slow target delays nobody.
//!
//! At most 512 run at once; what is due beyond that is skipped and counted. The loop itself never waits
//! for a probe, a disk or a collector.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{Id as TaskId, JoinSet};
use uphold_common::ids::{Id, ProbeId};
use uphold_common::wire::assignment::Assignment;
use uphold_common::wire::builder::Row;

use crate::clock::Clock;
use crate::probe::Probe;
use crate::recorder::Recorder;
use crate::schedule::Schedule;
use crate::stop::Stop;

/// Most attempts that run at once; each holds a socket and at most a body of 1 MiB.
const ATTEMPTS_MAX: usize = 512;
/// The longest sleep: a clock that was stepped is noticed this soon.
const SLEEP_MS_MAX: i64 = 1_000;
/// How long attempts that run may take to finish once the agent is asked to end.
const FINISH: Duration = Duration::from_secs(2);

/// What is assigned; `None` until it is known.
pub type Assigned = Option<Arc<Assignment>>;

/// Runs the attempts that are due.
#[derive(Debug)]
pub struct Runner {
    schedule: Schedule,
    probes: HashMap<ProbeId, Arc<Probe>>,
    clock: Arc<Clock>,
    recorder: Recorder,
    room: Arc<Semaphore>,
    tasks: JoinSet<()>,
    running: HashMap<TaskId, ProbeId>,
    /// Attempts that were skipped and not reported yet.
    skipped: u64,
}

impl Runner {
    /// A runner without probes.
    pub fn new(agent: Id, clock: Arc<Clock>, recorder: Recorder) -> Self {
        Self {
            schedule: Schedule::new(agent),
            probes: HashMap::new(),
            clock,
            recorder,
            room: Arc::new(Semaphore::new(ATTEMPTS_MAX)),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            skipped: 0,
        }
    }

    /// Runs what is assigned until `stop`, then lets what runs finish for a moment.
    pub async fn run(mut self, mut assigned: watch::Receiver<Assigned>, mut stop: Stop) {
        assigned.mark_changed();
        loop {
            self.start_due();
            let sleep = tokio::time::sleep(self.until_next());
            tokio::pin!(sleep);
            loop {
                tokio::select! {
                    () = stop.asked() => return self.finish().await,
                    Ok(()) = assigned.changed() => {
                        let assignment = assigned.borrow_and_update().clone();
                        self.assign(assignment).await;
                        break;
                    }
                    Some(ended) = self.tasks.join_next_with_id() => {
                        let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
                        if let Some(probe) = self.running.remove(&task) {
                            self.schedule.finished(&probe);
                        }
                    }
                    () = &mut sleep => break,
                }
            }
        }
    }

    fn until_next(&self) -> Duration {
        let now = self.clock.now();
        let ms = self.schedule.next().map_or(SLEEP_MS_MAX, |next| next.since_ms(now));
        Duration::from_millis(u64::try_from(ms.clamp(0, SLEEP_MS_MAX)).unwrap_or_default())
    }

    fn start_due(&mut self) {
        let due = self.schedule.due(self.clock.now());
        self.skipped = self.skipped.saturating_add(due.skipped);
        for id in due.start {
            let room = Arc::clone(&self.room).try_acquire_owned();
            let (Ok(room), Some(probe)) = (room, self.probes.get(&id).cloned()) else {
                self.schedule.finished(&id);
                self.skipped = self.skipped.saturating_add(1);
                continue;
            };
            let (clock, recorder, name) = (Arc::clone(&self.clock), self.recorder.clone(), id.clone());
            let task = self.tasks.spawn(async move {
                let attempt = probe.attempt(clock.now()).await;
                recorder.observed(Row::Probe(name, attempt.observation)).await;
                drop(room);
            });
            self.running.insert(task.id(), id);
        }
        if self.skipped > 0 && self.recorder.skipped(self.skipped) {
            self.skipped = 0;
        }
    }

    async fn assign(&mut self, assignment: Assigned) {
        let Some(assignment) = assignment else { return };
        let changes = self.schedule.assign(&assignment.probes, self.clock.now());
        for removed in &changes.removed {
            self.probes.remove(removed);
        }
        for id in &changes.changed {
            let Some(spec) = self.schedule.spec(id) else { continue };
            let probe = Probe::new(spec);
            if let Some(problem) = probe.problem() {
                tracing::error!(probe = %id, problem, "a probe can never be tried; its attempts are unknown");
            }
            self.probes.insert(id.clone(), Arc::new(probe));
        }
        let (probes, hosts) = (assignment.probes.len(), assignment.hosts.len());
        let (other, gone) = (changes.changed.len(), changes.removed.len());
        tracing::info!(probes, hosts, changed = other, removed = gone, "the assignment was taken");
        self.recorder.assigned(assignment).await;
    }

    async fn finish(mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH, all).await.is_err() {
            tracing::info!("attempts that did not finish in time are given up");
        }
    }
}
