//! The exec probe: a plugin in the words of Nagios, by the name that this host gives it.
//!
//! | the plugin ended with | its word | outcome |
//! |---|---|---|
//! | 0 | OK | `up`, above `slow_after` `degraded` |
//! | 1 | WARNING | `degraded` |
//! | 2 | CRITICAL | `down` |
//! | 3 | UNKNOWN | `unknown` |
//! | another code, or by a signal | none | `unknown`: it did not say how the service is |
//! | not before the deadline | | `down`: silence counts against the service, as the guidelines for plugins have it |
//!
//! What it writes up to the first `|` or the first line's end is its word for people. Of its performance data those values
//! are read that the check names, whatever the verdict.

use uphold_common::observation::{Cause, ResourceId};
use uphold_common::wire::check::{ExecCheck, PluginLimit, ReadingSpec};

use super::measured::{Measured, resource};
use super::perfdata::metrics;
use super::{Answer, Happened, Judged, Run, Seen};
use crate::commands::{Commands, Line, line};
use crate::process::{self, Ended, With};

/// Most characters of a plugin's own word that are shown.
const WORD_CHARS_MAX: usize = 500;

/// What was seen of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecSeen {
    /// With what it ended.
    pub with: With,
    /// Its own word for people.
    pub word: String,
}

impl ExecSeen {
    fn of(ended: &Ended) -> Self {
        let text = String::from_utf8_lossy(&ended.output);
        let word = text.lines().next().unwrap_or_default().split('|').next().unwrap_or_default();
        Self { with: ended.with, word: word.trim().chars().take(WORD_CHARS_MAX).collect() }
    }

    fn judged(&self) -> Judged {
        match self.with {
            With::Code(0) => Judged::Expected,
            With::Code(1) => Judged::Degraded(Cause::Code),
            With::Code(2) => Judged::Unexpected(Cause::Code),
            With::Code(_) | With::Signal(_) => Judged::NotKnown,
        }
    }

    fn code(&self) -> u16 {
        match self.with {
            With::Code(code) => u16::try_from(code).unwrap_or_default(),
            With::Signal(_) => 0,
        }
    }

    /// What was seen, for people.
    pub fn detail(&self) -> String {
        let word = if self.word.is_empty() { "it said nothing" } else { &self.word };
        match self.with {
            With::Code(0..=3) => word.to_owned(),
            With::Code(code) => format!("it ended with {code}, which no plugin does: {word}"),
            With::Signal(signal) => format!("it was ended by signal {signal}: {word}"),
        }
    }
}

/// An exec probe made ready.
#[derive(Debug)]
pub struct ExecProbe {
    line: Line,
    wanted: Vec<Wanted>,
}

/// A value of the performance data that is read.
#[derive(Debug)]
struct Wanted {
    id: ResourceId,
    label: String,
    limit: PluginLimit,
}

impl ExecProbe {
    /// Looks the command up in what this host allows.
    pub fn new(check: &ExecCheck, commands: &Commands) -> Result<Self, String> {
        let line = line(commands, check)?;
        let wanted = check.readings.iter().map(wanted).collect::<Result<_, String>>()?;
        Ok(Self { line, wanted })
    }

    /// What it runs, in words.
    pub fn target(&self) -> String {
        self.line.program.clone()
    }

    /// Runs the plugin to its end, or says why it did not run.
    pub async fn run(&self, run: &mut Run) -> Result<Answer, Happened> {
        let ended = process::run(&self.line).await.map_err(Happened::NotTried)?;
        let seen = ExecSeen::of(&ended);
        run.measured = measured(&self.wanted, &String::from_utf8_lossy(&ended.output));
        Ok(Answer { code: seen.code(), judged: seen.judged(), seen: Seen::Exec(seen) })
    }
}

fn wanted(spec: &ReadingSpec) -> Result<Wanted, String> {
    let limit = PluginLimit::parse(&spec.limit).ok_or_else(|| format!("{:?} is no limit of a reading", spec.limit))?;
    Ok(Wanted { id: resource(spec), label: spec.from.clone(), limit })
}

/// What is read of a plugin's output.
fn measured(wanted: &[Wanted], output: &str) -> Vec<Measured> {
    let metrics = if wanted.is_empty() { Vec::new() } else { metrics(output) };
    let read = |wanted: &Wanted| {
        let metric = metrics.iter().find(|metric| metric.label == wanted.label);
        let metric = metric.ok_or_else(|| format!("the plugin says nothing of {:?}", wanted.label));
        Measured { id: wanted.id.clone(), read: metric.and_then(|metric| metric.amount(wanted.limit)) }
    };
    wanted.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_ends_with_is_its_verdict() {
        for (with, judged, code) in [
            (With::Code(0), Judged::Expected, 0),
            (With::Code(1), Judged::Degraded(Cause::Code), 1),
            (With::Code(2), Judged::Unexpected(Cause::Code), 2),
            (With::Code(3), Judged::NotKnown, 3),
            (With::Code(4), Judged::NotKnown, 4),
            (With::Code(127), Judged::NotKnown, 127),
            (With::Code(255), Judged::NotKnown, 255),
            (With::Signal(9), Judged::NotKnown, 0),
        ] {
            let seen = ExecSeen { with, word: String::new() };
            assert_eq!((seen.judged(), seen.code()), (judged, code), "{with:?}");
        }
    }

    #[test]
    fn its_word_is_what_stands_before_the_performance_data() {
        let long = format!("{}|x=1", "ü".repeat(WORD_CHARS_MAX + 1));
        for (output, word) in [
            (
                &b"DISK OK - free space: / 3326 MB (56%);| /=2643MB;5948;5958;0;5968\nmore\n"[..],
                "DISK OK - free space: / 3326 MB (56%);",
            ),
            (b"OK", "OK"),
            (b"", ""),
            (b"\n\nlate", ""),
            (b"|only=1", ""),
            (b"\xff OK", "\u{fffd} OK"),
            (long.as_bytes(), &"ü".repeat(WORD_CHARS_MAX)),
        ] {
            let ended = Ended { with: With::Code(0), output: output.to_vec(), output_cut: false };
            assert_eq!(ExecSeen::of(&ended).word, word);
        }
        let detail = |with| ExecSeen { with, word: String::new() }.detail();
        assert_eq!(detail(With::Code(2)), "it said nothing");
        assert_eq!(detail(With::Code(127)), "it ended with 127, which no plugin does: it said nothing");
        assert_eq!(detail(With::Signal(9)), "it was ended by signal 9: it said nothing");
    }
}
