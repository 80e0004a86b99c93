//! Each fact as a sentence for people: the one place where they are written.

use uphold_common::time::{DurationText, Instant};
use uphold_common::wire::batch::AgentFact;

/// The word of a fact for programs.
pub const fn word(fact: &AgentFact) -> &'static str {
    match fact {
        AgentFact::SpoolOverflow { .. } => "spool_overflow",
        AgentFact::SpoolCorrupt { .. } => "spool_corrupt",
        AgentFact::Quarantined { .. } => "quarantined",
        AgentFact::ClockStep { .. } => "clock_step",
        AgentFact::Skipped { .. } => "skipped",
        AgentFact::Dropped { .. } => "dropped",
        AgentFact::ClockOffset { .. } => "clock_offset",
        AgentFact::Started { .. } => "started",
        AgentFact::Stopped { .. } => "stopped",
    }
}

/// What a fact says, as a part of a sentence; `moment` writes instants.
pub fn says(fact: &AgentFact, moment: &dyn Fn(Instant) -> String) -> String {
    let batches = |count: u64| counted(count, "batch", "batches");
    match fact {
        AgentFact::SpoolOverflow { batches: lost, rows } => {
            format!("its spool was full, and it lost {} with {}", batches(*lost), counted(*rows, "row", "rows"))
        }
        AgentFact::Dropped { batches: lost, rows, from, to } => format!(
            "its spool was full, and it lost {} with {} from {} to {}",
            batches(*lost),
            counted(*rows, "row", "rows"),
            moment(*from),
            moment(*to)
        ),
        AgentFact::SpoolCorrupt { batches: lost } => {
            format!("it lost {} of its spool that could not be read", counted(*lost, "file", "files"))
        }
        AgentFact::Quarantined { batches: lost } => {
            format!("{} refused for good and put into quarantine", counted(*lost, "batch was", "batches were"))
        }
        AgentFact::ClockStep { at, by_ms } => {
            let direction = if *by_ms < 0 { "back" } else { "ahead" };
            format!("its clock was stepped {direction} by {}, at {}", length(by_ms.unsigned_abs()), moment(*at))
        }
        AgentFact::Skipped { attempts } => {
            format!("{} not made when due", counted(*attempts, "attempt was", "attempts were"))
        }
        AgentFact::ClockOffset { ahead_ms: 0, within_ms, .. } => {
            format!("its clock was that of the collector, within {}", length(u64::from(*within_ms)))
        }
        AgentFact::ClockOffset { ahead_ms, within_ms, .. } => {
            let direction = if *ahead_ms < 0 { "behind" } else { "ahead of" };
            let (off, within) = (length(ahead_ms.unsigned_abs()), length(u64::from(*within_ms)));
            format!("its clock was {off} {direction} the collector's, within {within}")
        }
        AgentFact::Started { at, in_order: true } => format!("it began to observe at {}", moment(*at)),
        AgentFact::Started { at, in_order: false } => {
            format!("it began to observe at {}, after an end that was not in order", moment(*at))
        }
        AgentFact::Stopped { at } => format!("it ended as it was asked to, at {}", moment(*at)),
    }
}

/// The same of the largest of several offsets of a clock; none of anything else.
pub fn off_by_up_to(fact: &AgentFact) -> Option<String> {
    let AgentFact::ClockOffset { ahead_ms, .. } = fact else { return None };
    let direction = if *ahead_ms < 0 { "behind" } else { "ahead of" };
    Some(format!("its clock was up to {} {direction} the collector's", length(ahead_ms.unsigned_abs())))
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn length(ms: u64) -> String {
    DurationText(i64::try_from(ms).unwrap_or(i64::MAX)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_is_a_sentence() {
        let (at, to) = (Instant::from_ms(0), Instant::from_ms(60_000));
        for (fact, word_expected, expected) in [
            (
                AgentFact::SpoolOverflow { batches: 1, rows: 40 },
                "spool_overflow",
                "its spool was full, and it lost 1 batch with 40 rows",
            ),
            (
                AgentFact::Dropped { batches: 12, rows: 340, from: at, to },
                "dropped",
                "its spool was full, and it lost 12 batches with 340 rows from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z",
            ),
            (
                AgentFact::SpoolCorrupt { batches: 2 },
                "spool_corrupt",
                "it lost 2 files of its spool that could not be read",
            ),
            (
                AgentFact::Quarantined { batches: 3 },
                "quarantined",
                "3 batches were refused for good and put into quarantine",
            ),
            (
                AgentFact::ClockStep { at, by_ms: -3_600_000 },
                "clock_step",
                "its clock was stepped back by 1h, at 1970-01-01T00:00:00Z",
            ),
            (AgentFact::Skipped { attempts: 1 }, "skipped", "1 attempt was not made when due"),
            (
                AgentFact::ClockOffset { at, ahead_ms: 1_500, within_ms: 4 },
                "clock_offset",
                "its clock was 1.5s ahead of the collector's, within 0.004s",
            ),
            (
                AgentFact::ClockOffset { at, ahead_ms: -2_000, within_ms: 4 },
                "clock_offset",
                "its clock was 2s behind the collector's, within 0.004s",
            ),
            (
                AgentFact::ClockOffset { at, ahead_ms: 0, within_ms: 4 },
                "clock_offset",
                "its clock was that of the collector, within 0.004s",
            ),
            (AgentFact::Started { at, in_order: true }, "started", "it began to observe at 1970-01-01T00:00:00Z"),
            (
                AgentFact::Started { at, in_order: false },
                "started",
                "it began to observe at 1970-01-01T00:00:00Z, after an end that was not in order",
            ),
            (AgentFact::Stopped { at }, "stopped", "it ended as it was asked to, at 1970-01-01T00:00:00Z"),
        ] {
            assert_eq!((word(&fact), says(&fact, &|at| at.to_string()).as_str()), (word_expected, expected));
        }
    }
}
