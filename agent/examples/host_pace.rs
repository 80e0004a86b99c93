//! What a reading of this host costs: `cargo run --release --example host_pace -p uphold-agent`.
//!
//! It reads a thousand times, says how long one took, and how much memory the program then has.

use std::fs;
use std::io::{self, Write as _};

use uphold_agent::capacity::Host;
use uphold_agent::clock::Clock;

const READINGS: u64 = 1_000;

fn main() -> io::Result<()> {
    let mut host = Host::new(Vec::new()).map_err(io::Error::other)?;
    host.read();
    let watch = Clock::stopwatch();
    for _ in 0..READINGS {
        host.read();
    }
    let each_us = watch.elapsed_us() / READINGS;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("VmRSS: not told here");
    writeln!(io::stdout(), "{each_us} µs a reading; {resident}")
}
