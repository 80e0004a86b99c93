//! Floods a collector that runs, and says what its agents felt. It needs some 7,100 open files: `ulimit -n 16384`.
//!
//! ```text
//! flood --address 127.0.0.1:8080 [--seconds 60] [--dripping 2000] [--idle 5000] [--agents 50] [--tokens FOLDER]
//! ```
//!
//! The folder of tokens holds one in a file for each agent: `flood-1`, `flood-2`, …. Whoever sends a token pushes only
//! what the catalogue assigns: these agents push the probe `door` of the service `flood`.

use std::process::ExitCode;
use std::time::Duration;

use uphold_tests::flood::{self, Options, Outcome};

const USAGE: &str =
    "usage: flood --address IP:PORT [--seconds N] [--dripping N] [--idle N] [--agents N] [--tokens FOLDER]";
/// Nobody floods longer or with more by mistake.
const SECONDS_MAX: u64 = 3_600;
const CONNECTIONS_MAX: usize = 20_000;
const AGENTS_MAX: usize = 1_000;

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match flood::run(&options) {
        Ok(outcome) => {
            print(&outcome);
            if outcome.lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("flood: {error}");
            ExitCode::from(3)
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let (mut address, mut seconds, mut tokens) = (None, 60, None);
    let (mut dripping, mut idle, mut agents) = (2_000, 5_000, 50);
    while let Some(flag) = args.next() {
        let value = args.next()?;
        let count = |most: usize| value.parse().ok().filter(|count| *count <= most);
        match flag.as_str() {
            "--address" => address = Some(value.parse().ok()?),
            "--seconds" => seconds = value.parse().ok().filter(|seconds| *seconds <= SECONDS_MAX)?,
            "--dripping" => dripping = count(CONNECTIONS_MAX)?,
            "--idle" => idle = count(CONNECTIONS_MAX)?,
            "--agents" => agents = count(AGENTS_MAX)?,
            "--tokens" => tokens = Some(value.into()),
            _ => return None,
        }
    }
    Some(Options { address: address?, dripping, idle, agents, length: Duration::from_secs(seconds), tokens })
}

fn print(outcome: &Outcome) {
    let [p50, p99, max] = [50, 99, 100].map(|percent| outcome.percentile(percent).as_millis());
    println!("pushes acknowledged  {}", outcome.acknowledged);
    println!("retries              {}", outcome.retries);
    println!("broken connections   {}", outcome.broken);
    for (status, count) in &outcome.refusals {
        println!("refused with {status}     {count}");
    }
    println!("to acknowledgement   p50 {p50} ms, p99 {p99} ms, max {max} ms");
    println!("crowd                {} connections opened, {} not", outcome.opened, outcome.not_opened.0);
    if let Some(why) = &outcome.not_opened.1 {
        println!("                     the last one not because: {why}");
    }
    match outcome.lost {
        0 => println!("everything was acknowledged"),
        lost => println!("{lost} batches were NOT acknowledged"),
    }
}
