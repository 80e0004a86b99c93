//! Runs the attempts that are due: each is a task of its own, so that a slow target delays nobody.
//!
//! At most 1,024 run at once, and 32 against one target, so that a target that hangs leaves room for the others; what is
//! due beyond that is skipped and counted. The loop itself never waits for a probe, a disk or a collector.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{Id as TaskId, JoinError, JoinSet};
use uphold_common::ids::ProbeId;
use uphold_common::observation::Outcome;
use uphold_common::wire::assignment::Assignment;
use uphold_common::wire::builder::Row;
use uphold_common::wire::check::Check;

use crate::accept::Accept;
use crate::clock::Clock;
use crate::config::Config;
use crate::heartbeats::Heartbeats;
use crate::probe::Probe;
use crate::recorder::Recorder;
use crate::schedule::{Ended, Schedule};
use crate::stop::Stop;

/// Most attempts that run at once; each holds a socket and at most a body of 1 MiB.
const ATTEMPTS_MAX: usize = 1_024;
/// Most attempts that run at once against one target.
const ATTEMPTS_MAX_PER_TARGET: usize = 32;
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
    accept: Arc<Accept>,
    /// Where jobs report in, if they can.
    heartbeats: Option<Arc<Heartbeats>>,
    tasks: JoinSet<Ended>,
    running: HashMap<TaskId, (ProbeId, Option<Arc<str>>)>,
    /// How many attempts run against each target.
    busy: HashMap<Arc<str>, usize>,
    /// Attempts that were skipped and not reported yet.
    skipped: u64,
}

impl Runner {
    /// A runner without probes.
    pub fn new(config: &Config, clock: Arc<Clock>, recorder: Recorder) -> Self {
        Self {
            schedule: Schedule::new(config.name.clone()),
            accept: Arc::new(config.accept.clone()),
            heartbeats: None,
            probes: HashMap::new(),
            clock,
            recorder,
            room: Arc::new(Semaphore::new(ATTEMPTS_MAX)),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            busy: HashMap::new(),
            skipped: 0,
        }
    }

    /// The same, with a place where jobs report in.
    #[must_use]
    pub fn hearing(self, heartbeats: Option<Arc<Heartbeats>>) -> Self {
        Self { heartbeats, ..self }
    }

    /// Runs what is assigned until `stop`, then lets what runs finish for a moment.
    pub async fn run(mut self, mut assigned: watch::Receiver<Assigned>, mut stop: Stop) {
        assigned.mark_changed();
        loop {
            self.start_due();
            let sleep = self.until_next();
            tokio::select! {
                () = stop.asked() => return self.finish().await,
                Ok(()) = assigned.changed() => {
                    let assignment = assigned.borrow_and_update().clone();
                    self.assign(assignment).await;
                }
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = tokio::time::sleep(sleep) => {}
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
            let (room, probe) = (Arc::clone(&self.room).try_acquire_owned(), self.probes.get(&id).cloned());
            let target = probe.as_ref().and_then(|probe| probe.target());
            let (Ok(room), Some(probe), true) = (room, probe, self.is_free(target.as_ref())) else {
                self.schedule.finished(&id, None, self.clock.now());
                self.skipped = self.skipped.saturating_add(1);
                continue;
            };
            if let Some(target) = &target {
                *self.busy.entry(Arc::clone(target)).or_default() += 1;
            }
            let (clock, recorder, name) = (Arc::clone(&self.clock), self.recorder.clone(), id.clone());
            let task = self.tasks.spawn(async move {
                let began = clock.now();
                let attempt = probe.attempt(began).await;
                let failed = attempt.observation.outcome == Outcome::Down;
                recorder.observed(Row::Probe(name, attempt.observation)).await;
                if !attempt.measured.is_empty() {
                    recorder.measured(began, attempt.measured).await;
                }
                drop(room);
                Ended { began, failed }
            });
            self.running.insert(task.id(), (id, target));
        }
        if self.skipped > 0 && self.recorder.skipped(self.skipped) {
            self.skipped = 0;
        }
    }

    fn is_free(&self, target: Option<&Arc<str>>) -> bool {
        let running = target.and_then(|target| self.busy.get(target));
        running.is_none_or(|running| *running < ATTEMPTS_MAX_PER_TARGET)
    }

    fn ended(&mut self, ended: Result<(TaskId, Ended), JoinError>) {
        let (task, ended) = ended.map_or_else(|error| (error.id(), None), |(task, ended)| (task, Some(ended)));
        let Some((probe, target)) = self.running.remove(&task) else { return };
        if let Some(target) = target
            && let Some(running) = self.busy.get_mut(&target)
        {
            *running -= 1;
            if *running == 0 {
                self.busy.remove(&target);
            }
        }
        self.schedule.finished(&probe, ended, self.clock.now());
    }

    async fn assign(&mut self, assignment: Assigned) {
        let Some(assignment) = assignment else { return };
        if let Some(heartbeats) = &self.heartbeats {
            let jobs = assignment.probes.iter().filter(|spec| matches!(spec.check, Check::Heartbeat(_)));
            heartbeats.assigned(jobs.map(|spec| &spec.id), self.clock.now()).await;
        }
        let changes = self.schedule.assign(Arc::clone(&assignment), self.clock.now());
        for removed in &changes.removed {
            self.probes.remove(removed);
        }
        for id in &changes.changed {
            let Some(spec) = self.schedule.spec(id) else { continue };
            let probe = Probe::new(spec, &self.accept);
            let probe = match &self.heartbeats {
                Some(heartbeats) => probe.listening(spec, heartbeats),
                None => probe,
            };
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
