//! What a Prometheus asks for at `/probe`, answered as `blackbox_exporter` 0.23 answers it.
//!
//! A module says how is asked, in the words of that exporter's own file; the request says whom. Both together are a probe
//! of this agent, made by the same code and within what the host accepts; its facts are told as that exporter's series.
//!
//! | room | what it does |
//! |---|---|
//! | `read` | `blackbox.yml` → modules; what this agent cannot do is refused by its name and place |
//! | `asked` | a module and a target → what is asked |
//! | `series` | facts → series, pure |
//! | `deadline` | how long a probe may take, pure |

mod asked;
mod deadline;
pub mod module;
mod read;
pub mod series;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use uphold_common::time::Instant;

use crate::accept::Accept;
use crate::clock::Clock;
use crate::probe::{Happened, Probe};

pub use deadline::DEADLINE_MAX;
pub use module::{Module, Modules};

/// Most probes at once.
pub const PROBES_MAX: usize = 128;
/// Most probes that are kept ready for when they are asked for again.
const READY_MAX: usize = 1_024;
/// Longest target, and longest name that a server is told, in bytes.
const TARGET_BYTES_MAX: usize = 2_000;
/// The module of a request that names none.
const MODULE_DEFAULT: &str = "http_2xx";

/// A target of any kind, to see whether a module can be used.
const TRIED: &str = "127.0.0.1:1";

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Whom.
    pub target: String,
    /// How; empty: [`MODULE_DEFAULT`].
    pub module: String,
    /// The name that a server is told in place of the target's.
    pub hostname: String,
    /// How long the one who asks waits, in its words.
    pub waits_s: Option<String>,
}

/// What is answered in place of series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request is wrong.
    Wrong(String),
    /// How long the one who asks waits is not understood.
    NotUnderstood(String),
    /// The agent could not try, or its host does not let it.
    NotTried(String),
    /// Too much is under way.
    Busy,
}

/// Answers those who ask.
pub struct Blackbox {
    modules: Arc<Modules>,
    accept: Arc<Accept>,
    room: Semaphore,
    ready: Mutex<HashMap<[String; 3], Arc<Probe>>>,
}

impl fmt::Debug for Blackbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blackbox").field("modules", &self.modules).finish_non_exhaustive()
    }
}

impl Blackbox {
    /// With these modules, within what this host accepts.
    pub fn new(modules: Arc<Modules>, accept: Arc<Accept>) -> Self {
        Self { modules, accept, room: Semaphore::new(PROBES_MAX), ready: Mutex::default() }
    }

    /// The modules that can never be used on this host, and why.
    pub fn problems(&self) -> Vec<String> {
        let problem = |(name, module): (&String, &Module)| {
            let asked = module.asked(TRIED, "").ok().flatten()?;
            let probe = Probe::asked(&asked, &self.accept);
            probe.problem().map(|problem| format!("{name}: {problem}"))
        };
        self.modules.0.iter().filter_map(problem).collect()
    }

    /// Probes once at `at`, which is now, and tells what was seen.
    pub async fn answer(&self, request: &Request, at: Instant) -> Result<String, Refusal> {
        let name = if request.module.is_empty() { MODULE_DEFAULT } else { &request.module };
        let module = self.modules.get(name).ok_or_else(|| Refusal::Wrong(format!("Unknown module {name:?}")))?;
        if request.target.is_empty() {
            return Err(Refusal::Wrong("Target parameter is missing".to_owned()));
        }
        if request.target.len().max(request.hostname.len()) > TARGET_BYTES_MAX {
            return Err(Refusal::Wrong(format!("a target has at most {TARGET_BYTES_MAX} bytes")));
        }
        let timeout = deadline::deadline(request.waits_s.as_deref(), module.timeout_ms);
        let timeout = timeout.map_err(Refusal::NotUnderstood)?;
        let _place = self.room.try_acquire().map_err(|_| Refusal::Busy)?;
        let watch = Clock::stopwatch();
        let facts = match self.probe(name, module, request)? {
            None => None,
            Some(probe) => Some(probe.facts(at, timeout, module.ip).await),
        };
        if let Some(Happened::NotTried(why)) = facts.as_ref().map(|facts| &facts.happened) {
            return Err(Refusal::NotTried(why.clone()));
        }
        let took = Duration::from_micros(watch.elapsed_us());
        Ok(series::text(series::of(module, facts.as_ref(), took, at)))
    }

    /// The probe that is asked for, made ready now or earlier; nothing when the target is none.
    fn probe(&self, name: &str, module: &Module, request: &Request) -> Result<Option<Arc<Probe>>, Refusal> {
        let key = [name.to_owned(), request.target.clone(), request.hostname.clone()];
        let known = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let asked = module.asked(&request.target, &request.hostname).map_err(Refusal::Wrong)?;
        let Some(asked) = asked else { return Ok(None) };
        let probe = Arc::new(Probe::asked(&asked, &self.accept));
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.insert(key, Arc::clone(&probe));
        Ok(Some(probe))
    }
}

#[cfg(test)]
#[path = "blackbox_tests.rs"]
mod tests;
