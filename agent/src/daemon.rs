//! The agent as a whole: its loops are started here, and ended in order.
//!
//! The end is a protocol: the schedule stops, attempts that run finish within a moment, the open batch is closed and
//! spooled, one last round of pushes gets three seconds, and what is left waits on disk for the next start.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle as ThreadHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::assignment::Fetcher;
use crate::blackbox::Blackbox;
use crate::capacity;
use crate::clock::Clock;
use crate::config::{Config, shown};
use crate::heartbeats::Heartbeats;
use crate::metrics::{Metrics, MetricsError};
use crate::open_files;
use crate::push::Pusher;
use crate::recorder::Recorder;
use crate::remote::{AccessError, Remote};
use crate::runner::Runner;
use crate::serve::{self, Limits};
use crate::spool::{Spool, SpoolError};
use crate::stop::{self, Stop, Stopper};
use crate::tls;

/// How often the recorder looks whether its batch is old enough.
const TICK: Duration = Duration::from_millis(200);
/// How long those who observe may take to end; attempts that run have less.
const OBSERVERS_END: Duration = Duration::from_secs(3);
/// How long the last round of pushes may take.
const LAST_ROUND: Duration = Duration::from_secs(3);

/// Why the agent could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration is not right.
    #[error("the configuration is not right: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The spool could not be opened.
    #[error("the spool could not be opened: {0}")]
    Spool(#[from] SpoolError),
    /// The address of the metrics could not be bound.
    #[error("{listen} could not be bound: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no way to the collectors.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The metrics could not be registered.
    #[error("the metrics could not be registered: {0}")]
    Metrics(#[from] MetricsError),
    /// No thread.
    #[error("the recorder could not be started: {0}")]
    Thread(std::io::Error),
}

/// An agent that runs.
#[derive(Debug)]
pub struct Agent {
    listening: Option<SocketAddr>,
    recorder: Recorder,
    recorder_thread: ThreadHandle<()>,
    /// Asks for observations to end, then for the rest.
    intake: Stopper,
    rest: Stopper,
    observing: Vec<JoinHandle<()>>,
    delivering: JoinHandle<Pusher>,
    serving: Vec<JoinHandle<()>>,
}

/// Runs an agent until `shutdown` resolves, and ends it in order.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    open_files::raise();
    let agent = Agent::start(config).await?;
    shutdown.await;
    tracing::info!("the agent is asked to end: attempts finish, and what was seen is delivered or kept");
    agent.stop().await;
    Ok(())
}

impl Agent {
    /// Starts everything; when this returns, the agent observes.
    pub async fn start(config: Config) -> Result<Self, RunError> {
        let problems = config.check();
        if !problems.is_empty() {
            return Err(RunError::Config(problems));
        }
        tls::install_provider();
        let remote = Remote::new(&config.access)?;
        let listener = match config.listen {
            Some(listen) => Some(serve::bind(listen).await.map_err(|source| RunError::Listen { listen, source })?),
            None => None,
        };
        let (clock, metrics) = (Arc::new(Clock::new()), Arc::new(Metrics::new()?));
        let spool = Spool::open(&config)?;
        announce(&config, listener.as_ref().map(|(_, bound)| *bound), &spool);
        let (recorder, recorder_thread) =
            Recorder::start(spool, Arc::clone(&clock), Arc::clone(&metrics)).map_err(RunError::Thread)?;

        let (intake, intake_stop) = stop::channel();
        let (rest, rest_stop) = stop::channel();
        let fetcher = Fetcher::open(&config, remote.clone(), Arc::clone(&metrics));
        let (assign, assigned) = watch::channel(fetcher.kept());
        // Jobs cannot report to an agent without a port.
        let heartbeats = listener.as_ref().map(|_| Arc::new(Heartbeats::open(&config.data_dir)));
        let runner = Runner::new(&config, Arc::clone(&clock), recorder.clone()).hearing(heartbeats.clone());
        let (links, stop) = (config.links, intake_stop.clone());
        let capacity = capacity::run(links, assigned.clone(), Arc::clone(&clock), recorder.clone(), stop);
        let observing = vec![
            tokio::spawn(fetcher.run(assign, intake_stop.clone())),
            tokio::spawn(runner.run(assigned.clone(), intake_stop)),
            tokio::spawn(capacity),
        ];
        let jobs = heartbeats.map(|heartbeats| serve::heartbeat::routes(heartbeats, Arc::clone(&clock)));
        let (others, limits) = match config.modules.filter(|_| listener.is_some()) {
            None => (jobs.unwrap_or_default(), Limits::default()),
            Some(modules) => {
                let blackbox = Arc::new(Blackbox::new(modules, Arc::new(config.accept)));
                for problem in blackbox.problems() {
                    tracing::error!(problem, "a module can never be used");
                }
                let asked = serve::probe::routes(blackbox, Arc::clone(&clock), Arc::clone(&metrics));
                (jobs.unwrap_or_default().merge(asked), Limits::default().probing())
            }
        };
        let pusher = Pusher::new(config.name, config.collectors, remote, recorder.clone(), clock, Arc::clone(&metrics));
        let delivering = tokio::spawn(deliver(pusher, recorder.wake(), rest_stop.clone()));
        let mut serving = vec![tokio::spawn(tick(recorder.clone(), rest_stop.clone()))];
        let listening = listener.map(|(listener, bound)| {
            let place = (listener, limits);
            serving.push(tokio::spawn(serve::run(place, others, metrics, recorder.clone(), assigned, rest_stop)));
            bound
        });
        Ok(Self { listening, recorder, recorder_thread, intake, rest, observing, delivering, serving })
    }

    /// Where metrics and health are served.
    pub const fn listening(&self) -> Option<SocketAddr> {
        self.listening
    }

    /// Ends the agent in order.
    pub async fn stop(self) {
        self.intake.stop();
        for task in self.observing {
            let abort = task.abort_handle();
            // A file system that hangs must not keep the agent from ending.
            if tokio::time::timeout(OBSERVERS_END, joined(task)).await.is_err() {
                abort.abort();
            }
        }
        self.recorder.stop().await;
        self.rest.stop();
        for task in self.serving {
            joined(task).await;
        }
        if let Some(mut pusher) = joined(self.delivering).await
            && tokio::time::timeout(LAST_ROUND, pusher.drain()).await.is_err()
        {
            tracing::info!("the last round was cut short; what is left waits on disk");
        }
        self.recorder.end().await;
        let ended = tokio::task::spawn_blocking(move || self.recorder_thread.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("the recorder did not end as it should");
        }
        tracing::info!("the agent has ended");
    }
}

async fn deliver(mut pusher: Pusher, wake: watch::Receiver<u64>, stop: Stop) -> Pusher {
    pusher.run(wake, stop).await;
    pusher
}

async fn tick(recorder: Recorder, mut stop: Stop) {
    loop {
        tokio::select! {
            () = stop.asked() => return,
            () = tokio::time::sleep(TICK) => recorder.tick(),
        }
    }
}

/// What a task came to; one that panicked is said and has come to nothing.
async fn joined<T>(task: JoinHandle<T>) -> Option<T> {
    match task.await {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::error!(%error, "a part of the agent did not end as it should");
            None
        }
    }
}

fn announce(config: &Config, bound: Option<SocketAddr>, spool: &Spool) {
    let collectors = config.collectors.iter().map(shown).collect::<Vec<_>>().join(", ");
    let listening = bound.map_or_else(|| "nowhere".to_owned(), |bound| format!("http://{bound}/metrics"));
    tracing::info!(
        name = %config.name,
        collectors,
        data = %config.data_dir.display(),
        metrics = listening,
        epoch = %spool.epoch(),
        waiting_batches = spool.level().batches,
        "the agent runs"
    );
}

#[cfg(test)]
#[path = "daemon_tests.rs"]
mod tests;
