//! What a response time, and the use of a resource, is made of.

use uphold_common::explain::capacity::{CapacityMade, LevelStretch, Read, Times};
use uphold_common::explain::response::{Attempt, ResponseMade};
use uphold_common::measure::capacity::{CapacityState, Level};
use uphold_common::percent::{BILLION, Ratio};

use super::super::ink::{Ink, clean, length, padded};
use super::super::response::milliseconds;
use super::super::target::promise;
use super::availability::INSTANT_WIDTH;
use super::{counted, verdict};

/// How wide a count is.
const COUNT_WIDTH: usize = 10;

pub(super) fn response(lines: &mut Vec<String>, ink: &Ink<'_>, made: &ResponseMade) {
    let promised =
        made.percentile.as_ref().or(made.share.as_ref()).map(|of| clean(&of.replace('%', " %"))).unwrap_or_default();
    let below = milliseconds(made.below_us);
    let value = made
        .value_us
        .map_or_else(|| format!("{} of {}", made.counted.within, made.counted.n), |us| milliseconds(i64::from(us)));
    lines.push(format!(
        "  {}; {promised} of {} within {below} promised: {}",
        ink.bold(value),
        made.probe,
        verdict(ink, made.verdict)
    ));
    if let Some(rank) = made.rank {
        lines.push(format!(
            "  number {rank} of {}, from the quickest: {} quicker than it, {} exactly as long",
            made.counted.n,
            counted(made.quicker, "was", "were"),
            counted(made.at_rank.len() as u64 + made.at_rank_left_out, "took", "took"),
        ));
    }
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold(format!("who observed, in {} of committed time", length(made.committed_ms)))));
    let wide = made.by_agent.keys().map(|agent| agent.as_str().len()).max().unwrap_or(0).max(8) + 2;
    let columns = ["counted", "in time", "failed", "unknown", "untimed"];
    let head: String = columns.iter().map(|name| format!("{name:>COUNT_WIDTH$}")).collect();
    lines.push(format!("  {}", ink.soft(&format!("{}{head}", padded("agent", wide)))));
    let row = |name: &str, of: &uphold_common::explain::response::Counted| {
        let counts = [of.n, of.within, of.failed, of.unknown, of.no_duration];
        let counts: String = counts.iter().map(|count| format!("{count:>COUNT_WIDTH$}")).collect();
        format!("  {}{counts}", padded(name, wide))
    };
    lines.extend(made.by_agent.iter().map(|(agent, of)| row(agent.as_str(), of)));
    lines.push(row("together", &made.counted));
    attempts(lines, ink, "at the rank", &made.at_rank, made.at_rank_left_out);
    attempts(lines, ink, "the slowest", &made.slowest, 0);
    lines.push(String::new());
    lines.push(ended(
        ink,
        made.adds_up,
        &format!("The observations of the agents add up to the {} that count.", made.counted.n),
    ));
}

fn attempts(lines: &mut Vec<String>, ink: &Ink<'_>, title: &str, all: &[Attempt], left_out: u64) {
    if all.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold(title)));
    for attempt in all {
        let seen = &attempt.observation;
        let took = seen.duration_us.and_then(|us| i64::try_from(us).ok()).map(milliseconds).unwrap_or_default();
        let at = padded(&ink.exactly(seen.at_ms), INSTANT_WIDTH);
        lines.push(format!("  {at}{}{}{}", padded(&took, 14), padded(seen.outcome.as_str(), 10), attempt.agent));
    }
    if left_out > 0 {
        lines.push(format!("  {}", ink.soft(&format!("… {left_out} more"))));
    }
}

pub(super) fn capacity(lines: &mut Vec<String>, ink: &Ink<'_>, made: &CapacityMade) {
    let state = match made.state {
        CapacityState::NoData => ink.soft(made.state.as_str()),
        CapacityState::Fine => ink.good(made.state.as_str()),
        CapacityState::Warning | CapacityState::Critical => ink.bad(made.state.as_str()),
    };
    let of = if made.of.is_empty() { String::new() } else { format!(" {}", clean(&made.of)) };
    let shown = made.percentile_ppb.map_or("–".to_owned(), percent);
    lines.push(format!("  {} of {}{of} on {} in use: {state}", ink.bold(shown), made.resource.as_str(), made.host));
    for (name, ppb) in [("warning", made.warning_ppb), ("critical", made.critical_ppb)] {
        lines.extend(ppb.and_then(promise).map(|at| format!("  {name} from {at} % on")));
    }
    if let Some(rank) = made.rank {
        lines.push(format!(
            "  number {rank} of {}, from the lowest, for {}: {} lower, {} exactly as high",
            counted(made.n, "reading", "readings"),
            clean(&made.percentile.replace('%', " %")),
            counted(made.lower, "was", "were"),
            counted(made.at_rank.len() as u64 + made.at_rank_left_out, "was", "were"),
        ));
    }
    reads(lines, ink, "at the rank", &made.at_rank, made.at_rank_left_out);
    reads(lines, ink, "the highest", &made.highest, 0);
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold("committed time by level")));
    let head = format!("{}{}{}readings", padded("from", INSTANT_WIDTH), padded("length", 17), padded("level", 14));
    lines.push(format!("  {}", ink.soft(&head)));
    lines.extend(made.stretches.iter().map(|stretch| level(ink, stretch)));
    if let Some(from) = made.left_out.from_ms {
        let further = counted(made.left_out.stretches, "further stretch", "further stretches");
        lines.push(format!("  {further} from {} on: ask with --from", ink.exactly(from)));
    }
    let Times { unmeasured, below, warning, critical } = made.figure;
    lines.push(String::new());
    for (name, ms) in [("below", below), ("warning", warning), ("critical", critical), ("not measured", unmeasured)] {
        lines.push(format!("  {}{ms:>16} ms", padded(name, 14)));
    }
    let says = format!("The stretches add up to these, and together to the committed time, {} ms.", made.committed_ms);
    lines.push(ended(ink, made.adds_up, &says));
}

fn reads(lines: &mut Vec<String>, ink: &Ink<'_>, title: &str, all: &[Read], left_out: u64) {
    if all.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold(title)));
    lines.extend(
        all.iter().map(|read| format!("  {}{}", padded(&ink.exactly(read.at_ms), INSTANT_WIDTH), percent(read.ppb))),
    );
    if left_out > 0 {
        lines.push(format!("  {}", ink.soft(&format!("… {left_out} more"))));
    }
}

fn level(ink: &Ink<'_>, stretch: &LevelStretch) -> String {
    let name = match stretch.level {
        Level::Unmeasured => "not measured",
        Level::Below => "below",
        Level::Warning => "warning",
        Level::Critical => "critical",
    };
    let highest = stretch.highest.map(|read| format!(", the highest {}", percent(read.ppb))).unwrap_or_default();
    format!(
        "  {}{}{}{}{highest}",
        padded(&ink.exactly(stretch.start_ms), INSTANT_WIDTH),
        padded(&length(stretch.length_ms), 17),
        padded(name, 14),
        stretch.readings
    )
}

/// A share with two decimals, cut.
fn percent(ppb: i64) -> String {
    Ratio::new(ppb, BILLION).map_or("–".to_owned(), |ratio| format!("{} %", ratio.percent(2)))
}

fn ended(ink: &Ink<'_>, adds_up: bool, says: &str) -> String {
    if adds_up { ink.good(&format!("  {says}")) } else { ink.bad("  What is listed does NOT add up to the figure.") }
}
