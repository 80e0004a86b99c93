//! `uphold-agent probe`: one attempt, shown.

use std::io::{self, Write as _};
use std::sync::Arc;

use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Outcome, Phases};
use uphold_common::wire::assignment::ProbeSpec;
use uphold_common::wire::check::{Check, HttpCheck, TcpCheck};

use super::table::{self, Cell, DIM, style_of};
use super::{Exit, Format, ProbeArgs, complain};
use crate::clock::Clock;
use crate::probe::{Attempt, Happened, Probe};

/// Makes one attempt and shows it.
pub(super) async fn run(args: ProbeArgs) -> Exit {
    let Some(spec) = spec(&args) else { return Exit::Usage };
    let probe = Probe::new(&spec, &Arc::default());
    if let Some(problem) = probe.problem() {
        complain(&format!("{problem} (http://…, https://… and tcp://host:port are understood)"));
        return Exit::Usage;
    }
    let attempt = probe.attempt(Clock::new().now()).await;
    let shown = match args.format {
        Format::Text => show(&mut anstream::stdout(), &args.target, &attempt),
        Format::Json => writeln!(io::stdout(), "{}", json(&args.target, &attempt)),
    };
    if shown.is_err() {
        return Exit::Failed;
    }
    match attempt.observation.outcome {
        Outcome::Up | Outcome::Degraded => Exit::Fine,
        Outcome::Down => Exit::Failed,
        Outcome::Unknown => Exit::Unknown,
    }
}

fn spec(args: &ProbeArgs) -> Option<ProbeSpec> {
    let check = if let Some(address) = args.target.strip_prefix("tcp://") {
        if !args.codes.is_empty() || args.body_matches.is_some() {
            complain("a TCP probe has neither --code nor --body-matches");
            return None;
        }
        Check::Tcp(TcpCheck { address: address.trim_end_matches('/').to_owned() })
    } else {
        let (url, codes) = (args.target.clone(), args.codes.clone());
        Check::Http(HttpCheck { url, codes, body_matches: args.body_matches.clone() })
    };
    let name = Id::new("once").ok()?;
    let id = PathId::new(name.clone(), name);
    let (timeout_ms, slow_after_ms) = (args.timeout, args.slow_after);
    Some(ProbeSpec { id, interval_ms: timeout_ms, timeout_ms, slow_after_ms, confirm: None, check })
}

fn show(out: &mut impl io::Write, target: &str, attempt: &Attempt) -> io::Result<()> {
    let seen = &attempt.observation;
    let mut rows = vec![
        vec![Cell::text("target").styled(DIM), Cell::text(target)],
        vec![Cell::text("outcome").styled(DIM), Cell::text(seen.outcome.as_str()).styled(style_of(seen.outcome))],
        vec![Cell::text("cause").styled(DIM), Cell::text(seen.cause.as_str())],
    ];
    if seen.code > 0 {
        rows.push(vec![Cell::text("code").styled(DIM), Cell::text(seen.code.to_string())]);
    }
    if let Some(detail) = detail(&attempt.facts.happened) {
        rows.push(vec![Cell::text("detail").styled(DIM), Cell::text(detail)]);
    }
    table::write(out, &rows)?;
    writeln!(out)?;
    let named =
        Phases::NAMES.iter().zip(seen.phases.to_array()).filter_map(|(name, phase)| Some((*name, phase.get()?)));
    let mut rows: Vec<Vec<Cell>> =
        named.map(|(name, us)| vec![Cell::text(name.replace('_', " ")).styled(DIM), Cell::number(ms(us))]).collect();
    rows.push(vec![Cell::text("total").styled(DIM), Cell::number(ms(seen.total.get().unwrap_or_default()))]);
    table::write(out, &rows)
}

fn json(target: &str, attempt: &Attempt) -> serde_json::Value {
    let seen = &attempt.observation;
    let phases = Phases::NAMES.iter().zip(seen.phases.to_array());
    let phases: serde_json::Map<_, _> = phases.map(|(name, us)| ((*name).to_owned(), us.get().into())).collect();
    serde_json::json!({
        "target": target,
        "at_ms": seen.at.as_ms(),
        "outcome": seen.outcome,
        "cause": seen.cause,
        "code": (seen.code > 0).then_some(seen.code),
        "total_us": seen.total.get(),
        "phases_us": phases,
        "detail": detail(&attempt.facts.happened),
    })
}

/// What was seen beyond outcome and cause.
fn detail(happened: &Happened) -> Option<String> {
    match happened {
        Happened::TimedOut => None,
        Happened::Answered(answer) => answer.seen.detail(),
        Happened::NotConnected(trouble) => Some(trouble.text.clone()),
        Happened::NotResolved(text)
        | Happened::TlsFailed(text)
        | Happened::NotUnderstood(text)
        | Happened::NotTried(text) => Some(text.clone()),
    }
}

/// Microseconds as milliseconds with two decimals, cut.
fn ms(us: u64) -> String {
    format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10)
}
