//! Probes against real servers, well and broken: what `uphold-agent probe` sees of them, in a process of its own.
//!
//! Every test starts its own server, in a folder of its own and on the loopback address. Nothing asserts how quick anything
//! is; a deadline is only ever reached by a server that is made to hang.
//!
//! | module | what it proves |
//! |---|---|
//! | `names` | `dns`, `icmp`, `systemd` and `process`: a name server, this host, and servers that misbehave; made by the agent's own code |
//! | `web` | `http`, `tcp`, `tls` and `grpc`: nginx, PostgreSQL, an SMTP server, a proxy, and servers that misbehave |

#![expect(clippy::unwrap_used, reason = "what a test of real processes cannot do, fails it")]
#![expect(clippy::panic, reason = "a failed expectation says what was there instead")]

mod names;
mod web;

use std::process::Command;

use serde_json::Value;
use uphold_tests::process::child::program;

/// What one attempt with these arguments came to, as the program tells other programs.
fn probe(arguments: &[&str]) -> Value {
    let mut command = Command::new(program("uphold-agent").unwrap());
    let answer = command.arg("probe").args(arguments).args(["--format", "json"]).output().unwrap();
    let complaint = String::from_utf8_lossy(&answer.stderr);
    serde_json::from_slice(&answer.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}; {complaint}"))
}

/// Outcome, cause and code of what was seen.
fn verdict(seen: &Value) -> (&str, &str, Option<u64>) {
    (seen["outcome"].as_str().unwrap(), seen["cause"].as_str().unwrap(), seen["code"].as_u64())
}
