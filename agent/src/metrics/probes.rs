//! What the metrics tell of each probe: its last attempt, and how many came to what.
//!
//! It is kept as it was observed, some hundred bytes a probe, and written as text when somebody asks: a probe has eight series
//! or more, and in a registry each of them has a copy of its name, help and labels, which comes to seven kilobytes a probe.
//! Names are made of characters that need no escaping, by [`uphold_common::ids`].

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uphold_common::ids::ProbeId;
use uphold_common::observation::{Micros, Observation, Outcome, Phases};

use super::seconds;

/// The outcomes, each in the place of its number.
const OUTCOMES: [Outcome; 4] = [Outcome::Up, Outcome::Degraded, Outcome::Down, Outcome::Unknown];

/// About how many bytes of text are told of a probe.
const TEXT_BYTES: usize = 800;

/// What is told of each probe that was attempted.
#[derive(Debug, Default)]
pub(super) struct Probes(Mutex<HashMap<ProbeId, Told>>);

/// What is told of one probe.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// By the place of their outcome.
    attempts: [u64; OUTCOMES.len()],
    success: Option<bool>,
    total: Micros,
    phases: Phases,
}

impl Told {
    fn observed(&mut self, observation: &Observation) {
        self.success = match observation.outcome {
            Outcome::Up | Outcome::Degraded => Some(true),
            Outcome::Down => Some(false),
            // Neither success nor failure: a value here would be a lie either way.
            Outcome::Unknown => None,
        };
        for (attempts, outcome) in self.attempts.iter_mut().zip(OUTCOMES) {
            *attempts += u64::from(outcome == observation.outcome);
        }
        (self.total, self.phases) = (observation.total, observation.phases);
    }
}

impl Probes {
    /// An attempt was made.
    pub(super) fn observed(&self, probe: &ProbeId, observation: &Observation) {
        let mut all = self.all();
        match all.get_mut(probe) {
            Some(told) => told.observed(observation),
            None => all.entry(probe.clone()).or_default().observed(observation),
        }
    }

    /// Forgets the probes for which `assigned` is false.
    pub(super) fn forget_unless(&self, assigned: impl Fn(&ProbeId) -> bool) {
        let mut all = self.all();
        all.retain(|probe, _| assigned(probe));
        all.shrink_to_fit();
    }

    /// Writes all of it in the text format of Prometheus.
    pub(super) fn write(&self, text: &mut String) -> fmt::Result {
        let all = self.all();
        let mut probes: Vec<(&ProbeId, &Told)> = all.iter().collect();
        probes.sort_unstable_by_key(|(probe, _)| *probe);
        text.reserve(probes.len() * TEXT_BYTES);
        family(text, "uphold_probe_attempts_total", "counter", ATTEMPTS, |name, text| {
            for (probe, told) in &probes {
                for (attempts, outcome) in told.attempts.iter().zip(OUTCOMES).filter(|(attempts, _)| **attempts > 0) {
                    let (outcome, of) = (outcome.as_str(), Of(probe));
                    writeln!(text, "{name}{{outcome=\"{outcome}\",{of}}} {attempts}")?;
                }
            }
            Ok(())
        })?;
        family(text, "uphold_probe_duration_seconds", "gauge", DURATION, |name, text| {
            let mut lasted = probes.iter().filter_map(|(probe, told)| Some((Of(probe), told.total.get()?)));
            lasted.try_for_each(|(of, us)| writeln!(text, "{name}{{{of}}} {}", seconds(us)))
        })?;
        family(text, "uphold_probe_phase_seconds", "gauge", PHASE, |name, text| {
            for (probe, told) in &probes {
                let phases = Phases::NAMES.iter().zip(told.phases.to_array());
                for (phase, us) in phases.filter_map(|(phase, lasted)| Some((phase, lasted.get()?))) {
                    writeln!(text, "{name}{{phase=\"{phase}\",{}}} {}", Of(probe), seconds(us))?;
                }
            }
            Ok(())
        })?;
        family(text, "uphold_probe_success", "gauge", SUCCESS, |name, text| {
            let mut known = probes.iter().filter_map(|(probe, told)| Some((Of(probe), told.success?)));
            known.try_for_each(|(of, success)| writeln!(text, "{name}{{{of}}} {}", u8::from(success)))
        })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ProbeId, Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The labels of a probe.
struct Of<'a>(&'a ProbeId);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProbeId { parent: service, child: probe } = self.0;
        write!(f, "probe=\"{probe}\",service=\"{service}\"")
    }
}

/// Writes one metric; without a series it is left out, as elsewhere.
fn family(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    series: impl FnOnce(&str, &mut String) -> fmt::Result,
) -> fmt::Result {
    let before = text.len();
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
    let head = text.len();
    series(name, text)?;
    if text.len() == head {
        text.truncate(before);
    }
    Ok(())
}

const ATTEMPTS: &str = "Attempts, by their outcome.";
const SUCCESS: &str = "Whether the last attempt was up or degraded: 1 or 0; absent when the agent could not measure.";
const DURATION: &str = "How long the last attempt took in all, in seconds.";
const PHASE: &str = "How long each phase of the last attempt took, in seconds; a phase that was not reached is absent.";
