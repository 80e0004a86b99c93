//! Learns what to observe: asks the collectors, keeps the answer on disk, and tells whoever runs it.
//!
//! The kept answer lets an agent work after a restart while no collector can be reached. It is asked for again with its
//! `ETag`, quickly until the first answer; then a collector answers as soon as it is another, and one that answers at
//! once that it is not is asked every ten seconds. A collector that refuses changes nothing: what was
//! assigned last holds until another assignment comes, and the log says so once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::watch;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::assignment::{Assignment, WAIT_S_MAX};
use uphold_common::wire::batch::Epoch;
use url::Url;

use crate::clock::Clock;
use crate::config::{Config, shown};
use crate::metrics::{Asked, Metrics};
use crate::refusal::{Refusal, Told};
use crate::remote::{Remote, RemoteError, Reply, endpoint};
use crate::runner::Assigned;
use crate::spool::durable;
use crate::stop::Stop;

/// Most bytes of an assignment.
const ASSIGNMENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How often a collector is asked.
const INTERVAL_MS: u64 = 10_000;
/// How often until the first answer, and up to twice that.
const FIRST_MS: u64 = 1_000;

/// An assignment as it is kept on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    etag: Option<String>,
    /// Shared with everybody who is told of it: thousands of probes are megabytes.
    #[serde(serialize_with = "written", deserialize_with = "kept")]
    assignment: Arc<Assignment>,
}

/// What a collector said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An assignment, with its `ETag`.
    New(Option<String>, Arc<Assignment>),
    /// It is still the one that is known.
    Same,
}

/// Why there is no assignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The collector refused.
    #[error("{0}")]
    Refused(Refusal),
    /// Nobody answered.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// It is not understood.
    #[error("{0}")]
    Failed(String),
}

/// Learns what to observe.
#[derive(Debug)]
pub struct Fetcher {
    agent: Id,
    collectors: Vec<Url>,
    remote: Remote,
    path: PathBuf,
    kept: Option<Kept>,
    answered: bool,
    metrics: Arc<Metrics>,
    told: Told,
}

impl Fetcher {
    /// Reads what was kept, if anything was.
    pub fn open(config: &Config, remote: Remote, metrics: Arc<Metrics>) -> Self {
        let path = config.data_dir.join("assignment.json");
        let kept = read(&path);
        let (agent, collectors) = (config.name.clone(), config.collectors.clone());
        Self { agent, collectors, remote, path, kept, answered: false, metrics, told: Told::default() }
    }

    /// What was kept from an earlier run.
    pub fn kept(&self) -> Assigned {
        self.kept.as_ref().map(|kept| Arc::clone(&kept.assignment))
    }

    /// Asks again and again, and tells what changed, until `stop`.
    pub async fn run(mut self, out: watch::Sender<Assigned>, mut stop: Stop) {
        loop {
            let work = async {
                let asked = Clock::stopwatch();
                let pause_ms = match self.ask().await {
                    Some(assignment) => {
                        out.send_replace(Some(assignment));
                        FIRST_MS
                    }
                    None if self.answered => INTERVAL_MS.saturating_sub(asked.elapsed_us() / 1_000).max(FIRST_MS),
                    None => FIRST_MS + getrandom::u64().unwrap_or_default() % FIRST_MS,
                };
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            };
            tokio::select! {
                () = stop.asked() => return,
                () = work => {}
            }
        }
    }

    /// Asks the collectors in their order until one answers; what comes back is new.
    async fn ask(&mut self) -> Assigned {
        for collector in self.collectors.clone() {
            let etag = self.kept.as_ref().and_then(|kept| kept.etag.as_deref());
            let heard = match etag.filter(|_| self.answered) {
                Some(etag) => fetch_changed(&self.remote, &collector, &self.agent, etag).await,
                None => fetch(&self.remote, &collector, &self.agent, etag).await,
            };
            match heard {
                Ok(heard) => {
                    self.answered = true;
                    self.metrics.refused(Asked::Assignment, false);
                    if self.told.is_over() {
                        tracing::info!(collector = shown(&collector), "the assignment can be fetched again");
                    }
                    return self.learn(heard).await;
                }
                Err(error) => {
                    // Whoever is asked next answers at once.
                    self.answered = false;
                    self.failed(&shown(&collector), &error);
                }
            }
        }
        None
    }

    fn failed(&mut self, collector: &str, error: &FetchError) {
        let sort = match error {
            FetchError::Refused(refusal) => {
                self.metrics.refused(Asked::Assignment, refusal.is_of_the_agent());
                refusal.sort()
            }
            FetchError::Remote(_) | FetchError::Failed(_) => error.to_string(),
        };
        if !self.told.is_news(collector, sort) {
            return;
        }
        let until_then = match self.kept {
            Some(_) => "what was assigned last holds",
            None => "nothing was ever assigned, so nothing is observed",
        };
        let detail = error.to_string();
        tracing::warn!(collector, detail, until_then, "the assignment could not be fetched");
    }

    async fn learn(&mut self, heard: Heard) -> Assigned {
        let Heard::New(etag, assignment) = heard else { return None };
        let known = self.kept.as_ref().is_some_and(|kept| kept.assignment == assignment);
        if known && self.kept.as_ref().is_some_and(|kept| kept.etag == etag) {
            return None;
        }
        let kept = Kept { etag, assignment: Arc::clone(&assignment) };
        self.kept = Some(kept.clone());
        let (path, fresh) = (self.path.clone(), kept);
        let written = tokio::task::spawn_blocking(move || write(&path, &fresh)).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!(path = %self.path.display(), "the assignment could not be kept on disk");
        }
        (!known).then_some(assignment)
    }
}

/// Asks one collector once.
pub async fn fetch(remote: &Remote, collector: &Url, agent: &Id, etag: Option<&str>) -> Result<Heard, FetchError> {
    understand(ask(remote, collector, agent, etag).await?, etag.is_some())
}

/// Asks one collector once, and says by what date of its own it answered.
pub async fn fetch_dated(remote: &Remote, collector: &Url, agent: &Id) -> (Result<Heard, FetchError>, Option<Instant>) {
    match ask(remote, collector, agent, None).await {
        Ok(reply) => {
            let date = reply.date;
            (understand(reply, false), date)
        }
        Err(error) => (Err(error.into()), None),
    }
}

async fn ask(remote: &Remote, collector: &Url, agent: &Id, etag: Option<&str>) -> Result<Reply, RemoteError> {
    remote.get(url(collector, agent), etag, ASSIGNMENT_BYTES_MAX).await
}

/// Asks one collector for another assignment than this; the answer may take a while.
async fn fetch_changed(remote: &Remote, collector: &Url, agent: &Id, etag: &str) -> Result<Heard, FetchError> {
    let reply = remote.get_changed(url(collector, agent), etag, WAIT_S_MAX, ASSIGNMENT_BYTES_MAX).await;
    understand(reply?, true)
}

/// Which store a collector has; `None` when it does not say.
pub async fn store_of(remote: &Remote, collector: &Url, agent: &Id) -> Result<Option<Epoch>, RemoteError> {
    Ok(remote.get(url(collector, agent), Some("*"), ASSIGNMENT_BYTES_MAX).await?.store)
}

fn url(collector: &Url, agent: &Id) -> Url {
    endpoint(collector, &["api", "v1", "agents", agent.as_str(), "assignment"])
}

fn understand(reply: Reply, asked_with_etag: bool) -> Result<Heard, FetchError> {
    match reply.status {
        200 => {
            let assignment = serde_json::from_slice(&reply.body);
            let not_understood = |error| FetchError::Failed(format!("the assignment is not understood: {error}"));
            Ok(Heard::New(reply.etag, shared(assignment.map_err(not_understood)?)))
        }
        304 if asked_with_etag => Ok(Heard::Same),
        _ => Err(FetchError::Refused(Refusal::of(&reply))),
    }
}

/// To be held for long: a list that is read grows by doubling.
fn shared(mut assignment: Assignment) -> Arc<Assignment> {
    assignment.probes.shrink_to_fit();
    Arc::new(assignment)
}

fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Assignment>, D::Error> {
    Assignment::deserialize(deserializer).map(shared)
}

fn written<S: Serializer>(assignment: &Arc<Assignment>, serializer: S) -> Result<S::Ok, S::Error> {
    assignment.as_ref().serialize(serializer)
}

fn read(path: &Path) -> Option<Kept> {
    let bytes = std::fs::read(path).ok()?;
    let kept = serde_json::from_slice(&bytes);
    if let Err(error) = &kept {
        tracing::warn!(path = %path.display(), %error, "the kept assignment is not understood, and is fetched anew");
    }
    kept.ok()
}

fn write(path: &Path, kept: &Kept) -> std::io::Result<()> {
    durable::write(path, &serde_json::to_vec(kept)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Access, SpoolConfig};

    fn reply(status: u16, body: &str) -> Reply {
        let (etag, body) = (Some("\"7\"".to_owned()), body.as_bytes().to_vec());
        Reply { status, retry_after: None, etag, date: None, store: None, body }
    }

    #[test]
    fn only_an_assignment_is_one() {
        let empty = r#"{"probes":[],"hosts":[]}"#;
        let new = Heard::New(Some("\"7\"".to_owned()), Arc::default());
        assert_eq!(understand(reply(200, empty), false), Ok(new));
        assert_eq!(understand(reply(304, ""), true), Ok(Heard::Same));
        for (status, body, etag) in [
            (200, "{}", true),
            (200, "<html>", false),
            (304, "", false),
            (401, "", true),
            (404, "", true),
            (500, "", true),
        ] {
            assert!(understand(reply(status, body), etag).is_err(), "{status} {body}");
        }
    }

    #[tokio::test]
    async fn a_collector_that_refuses_changes_nothing_until_it_answers_again() {
        let folder = tempfile::tempdir().unwrap();
        let (collector, address, _heard) = crate::fake_collector::Collector::serve().await;
        let token = format!("uphold_{}", "a".repeat(64));
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, &token).unwrap();
        let access = Access { token_file: Some(token_file), ..Access::default() };
        let config = Config {
            name: Id::new("web-1").unwrap(),
            collectors: vec![Url::parse(&format!("http://{address}")).unwrap()],
            data_dir: folder.path().to_owned(),
            listen: None,
            spool: SpoolConfig::default(),
            access,
            accept: crate::accept::Accept::default(),
            links: Vec::new(),
            modules: None,
        };
        let (remote, metrics) = (Remote::new(&config.access).unwrap(), Arc::new(Metrics::new().unwrap()));
        let mut fetcher = Fetcher::open(&config, remote, Arc::clone(&metrics));
        let gauge = |value| format!("uphold_agent_refused{{request=\"assignment\"}} {value}");
        collector.assign(Assignment { probes: Vec::new(), hosts: vec![Id::new("web-1").unwrap()] });
        collector.demand(&token);
        assert!(fetcher.ask().await.is_some());
        collector.demand("another");
        collector.assign(Assignment::default());
        for _ in 0..2 {
            assert!(fetcher.ask().await.is_none());
            assert_eq!(fetcher.kept().unwrap().hosts.len(), 1, "what was assigned last holds");
            assert!(metrics.text().unwrap().contains(&gauge(1)));
        }
        assert_eq!(read(&folder.path().join("assignment.json")).unwrap().assignment.hosts.len(), 1);
        collector.demand(&token);
        assert!(fetcher.ask().await.unwrap().hosts.is_empty());
        assert!(metrics.text().unwrap().contains(&gauge(0)));
    }

    #[test]
    fn what_was_kept_is_found_again_and_garbage_is_not_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("assignment.json");
        assert_eq!(read(&path), None);
        let hosts = vec![Id::new("web-1").unwrap()];
        let assignment = Arc::new(Assignment { probes: Vec::new(), hosts });
        let kept = Kept { etag: Some("\"7\"".to_owned()), assignment };
        write(&path, &kept).unwrap();
        assert_eq!(read(&path), Some(kept));
        std::fs::write(&path, b"garbage").unwrap();
        assert_eq!(read(&path), None);
    }
}
