//! Every kind of probe against real servers, and against servers of the tests' own that do what real ones seldom do.
//!
//! A check is written as the catalogue writes it, read by the catalogue's reader, assigned, and made by the agent's own
//! code: what is tested is the whole way from the words to the verdict.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]
#![expect(clippy::expect_used, reason = "what is not installed is said")]
#![expect(clippy::panic, reason = "a failed expectation says what was there instead")]

mod jobs;
mod names;
mod web;

use std::sync::Arc;

use uphold_agent::accept::Accept;
use uphold_agent::probe::{Attempt, Probe};
use uphold_common::catalogue::{self, assign};
use uphold_common::ids::Id;
use uphold_common::observation::{Cause, Outcome};
use uphold_common::time::Instant;

/// A catalogue with one probe that has this check.
fn catalogue_of(check: &str, timeout: &str) -> String {
    format!(
        "organisation: {{ name: Example, time_zone: UTC }}\nservices:\n  - id: shop\n    name: Shop\n    probes:\n      \
         - {{ id: p, agents: [a], interval: 60s, timeout: {timeout}, {check} }}\n"
    )
}

/// One attempt on a host that accepts this.
fn attempt_within(check: &str, timeout: &str, accept: Accept) -> Attempt {
    let text = catalogue_of(check, timeout);
    let read = catalogue::read(&[("catalogue.yaml", &text)]);
    let catalogue = read.unwrap_or_else(|problems| panic!("{check}: {problems}"));
    let assignment = assign::assignment(&catalogue, &Id::new("a").unwrap());
    // As it travels.
    let sent = serde_json::to_string(&assignment.probes[0]).unwrap();
    let probe = Probe::new(&serde_json::from_str(&sent).unwrap(), &Arc::new(accept));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(probe.attempt(Instant::from_ms(1)))
}

/// One attempt on a host that accepts everything.
fn attempt(check: &str, timeout: &str) -> Attempt {
    attempt_within(check, timeout, Accept::default())
}

/// What became of it.
fn verdict(attempt: &Attempt) -> (Outcome, Cause, u16) {
    (attempt.observation.outcome, attempt.observation.cause, attempt.observation.code)
}
