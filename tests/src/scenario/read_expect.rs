//! From a scenario's text to what it expects: the lines that begin with `expect`.

use std::collections::BTreeMap;

use super::words::{Reading, Words, length, span, state, time};
use super::{Check, Expected, Scenario, Subject};

/// The single words about a target; each stands for a pair.
const SINGLE: [(&str, &str); 5] =
    [("met", "verdict"), ("breached", "verdict"), ("no-data", "verdict"), ("proven", "proof"), ("not-proven", "proof")];

/// The names that are followed by what they must read.
const PAIRED: [&str; 24] = [
    "A",
    "A_min",
    "A_max",
    "coverage",
    "C",
    "U",
    "D",
    "G",
    "N",
    "L",
    "N_whole",
    "budget",
    "remaining",
    "not_agreed",
    "up",
    "degraded",
    "down",
    "unmeasured",
    "longest",
    "MTRS",
    "MTBF",
    "MTBSI",
    "breaks",
    "percent",
];

/// Reads what follows `expect`.
pub(super) fn read_expectation(scenario: &Scenario, now: i64, words: &mut Words) -> Reading<Check> {
    let line = words.line();
    let expected = if words.take("target") { figures(scenario, words)? } else { states(scenario, words)? };
    Ok(Check { line, now, expected })
}

fn states(scenario: &Scenario, words: &mut Words) -> Reading<Expected> {
    let subject = words.parse("a probe, PROBE@AGENT or a service from further up", |w| subject(scenario, w))?;
    if words.take("states") {
        return stretches(words).map(|stretches| Expected::Stretches(subject, stretches));
    }
    let span = words.parse("a span such as 08:00-09:00, or `states`", span)?;
    let mut lengths = BTreeMap::new();
    while words.peek().is_some() {
        let state = words.parse("up, degraded, unmeasured or down", state)?;
        *lengths.entry(state).or_insert(0) += words.parse("a length", length)?;
    }
    let total: i64 = lengths.values().sum();
    if total != span.1 - span.0 {
        return Err(words.wrong("lengths that add up to the span", &super::words::length_word(total)));
    }
    Ok(Expected::Lengths(subject, span, lengths))
}

fn stretches(words: &mut Words) -> Reading<Vec<super::Stretch>> {
    let mut from = words.parse("a time", time)?;
    let mut all = Vec::new();
    loop {
        let state = words.parse("up, degraded, unmeasured or down", state)?;
        let last = words.take("until");
        let to = words.parse("a time, or `until` and a time", |w| time(w).filter(|t| *t > from))?;
        all.push((from, to, state));
        if last {
            return Ok(all);
        }
        from = to;
    }
}

fn subject(scenario: &Scenario, word: &str) -> Option<Subject> {
    if let Some((probe, agent)) = word.split_once('@') {
        let known = scenario.probes.iter().any(|p| p.name == probe && p.agents.iter().any(|a| a == agent));
        return known.then(|| Subject::Vantage(probe.to_owned(), agent.to_owned()));
    }
    if scenario.probes.iter().any(|p| p.name == word) {
        return Some(Subject::Probe(word.to_owned()));
    }
    scenario.services.iter().any(|s| s.name == word).then(|| Subject::Service(word.to_owned()))
}

fn figures(scenario: &Scenario, words: &mut Words) -> Reading<Expected> {
    let name = words
        .parse("a target from further up", |w| scenario.targets.iter().any(|t| t.name == w).then(|| w.to_owned()))?;
    let mut pairs = Vec::new();
    while words.peek().is_some() {
        let key = words.next("a figure's name")?;
        if let Some((word, figure)) = SINGLE.iter().find(|(word, _)| *word == key) {
            pairs.push(((*figure).to_owned(), (*word).to_owned()));
        } else if PAIRED.contains(&key) {
            pairs.push((key.to_owned(), words.next("what it must read")?.to_owned()));
        } else if key == "charged" {
            let id = words.next("a probe's id such as shop/web")?;
            pairs.push((format!("charged {id}"), words.next("a length")?.to_owned()));
        } else {
            return Err(words.wrong("a figure's name", key));
        }
    }
    Ok(Expected::Figures(name, pairs))
}
