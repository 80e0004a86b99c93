//! From a scenario's text to what it expects: the lines that begin with `expect`.

use std::collections::BTreeMap;

use super::read_terms::look_backs;
use super::words::{Reading, Words, length, length_word, state};
use super::{Check, Expected, Scenario, Subject};

/// The single words about a target; each stands for a pair.
const SINGLE: [(&str, &str); 8] = [
    ("met", "verdict"),
    ("breached", "verdict"),
    ("no-data", "verdict"),
    ("proven", "proof"),
    ("not-proven", "proof"),
    ("settled", "settling"),
    ("unsettled", "settling"),
    ("gone", "presence"),
];

/// The names that are followed by what they must read.
const PAIRED: [&str; 32] = [
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
    "maintenance",
    "excluded",
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
    "credit",
    "n",
    "failed",
    "unknown",
    "no_duration",
    "rank",
];

/// Reads what follows `expect`.
pub(super) fn read_expectation(scenario: &Scenario, now: i64, words: &mut Words) -> Reading<Check> {
    let line = words.line();
    let expected = if words.take("target") {
        figures(scenario, words)?
    } else if words.take("alert") {
        alert(scenario, words)?
    } else {
        states(scenario, words)?
    };
    Ok(Check { line, now, expected })
}

fn states(scenario: &Scenario, words: &mut Words) -> Reading<Expected> {
    let subject = words.parse("a probe, PROBE@AGENT or a service from further up", |w| subject(scenario, w))?;
    if words.take("states") {
        return stretches(words).map(|stretches| Expected::Stretches(subject, stretches));
    }
    let span = words.span("a span such as 08:00-09:00, or `states`")?;
    let mut lengths = BTreeMap::new();
    while words.peek().is_some() {
        let state = words.parse("up, degraded, unmeasured or down", state)?;
        *lengths.entry(state).or_insert(0) += words.parse("a length", length)?;
    }
    let total: i64 = lengths.values().sum();
    if total != span.1 - span.0 {
        return Err(words.wrong("lengths that add up to the span", &length_word(total)));
    }
    Ok(Expected::Lengths(subject, span, lengths))
}

fn stretches(words: &mut Words) -> Reading<Vec<super::Stretch>> {
    let mut from = words.time()?;
    let mut all = Vec::new();
    loop {
        let state = words.parse("up, degraded, unmeasured or down", state)?;
        let last = words.take("until");
        let to = words.time()?;
        if to <= from {
            return Err(words.wrong("a later time", "an earlier one"));
        }
        all.push((from, to, state));
        if last {
            return Ok(all);
        }
        from = to;
    }
}

fn subject(scenario: &Scenario, word: &str) -> Option<Subject> {
    if let Some((probe, agent)) = word.split_once('@') {
        let known = scenario.ever_probes().any(|p| p.name == probe && p.agents.iter().any(|a| a == agent));
        return known.then(|| Subject::Vantage(probe.to_owned(), agent.to_owned()));
    }
    if scenario.probes.iter().any(|p| p.name == word) {
        return Some(Subject::Probe(word.to_owned()));
    }
    scenario.services.iter().any(|s| s.name == word).then(|| Subject::Service(word.to_owned()))
}

fn target(scenario: &Scenario, words: &mut Words) -> Reading<String> {
    words.parse("a target from further up", |w| scenario.targets.iter().any(|t| t.name == w).then(|| w.to_owned()))
}

fn figures(scenario: &Scenario, words: &mut Words) -> Reading<Expected> {
    let name = target(scenario, words)?;
    let mut pairs = Vec::new();
    let mut figure = "";
    while words.peek().is_some() {
        let key = words.next("a figure's name")?;
        let mut pair = |key: &str, word: &str| pairs.push((format!("{figure}{key}"), word.to_owned()));
        match key {
            "without_exclusions" => figure = "without_exclusions ",
            "experienced" => figure = "experienced ",
            "charged" => {
                let id = words.next("a probe's id such as shop/web")?;
                pair(&format!("charged {id}"), words.next("a length")?);
            }
            "value" => pair("value", words.next("a length")?),
            "kept" | "broken" => pair(&format!("breaks {}", words.next("a target on breaks")?), key),
            _ if PAIRED.contains(&key) => pair(key, words.next("what it must read")?),
            _ => match SINGLE.iter().find(|(word, _)| *word == key) {
                Some((word, figure)) => pair(figure, word),
                None => return Err(words.wrong("a figure's name", key)),
            },
        }
    }
    Ok(Expected::Figures(name, pairs))
}

fn alert(scenario: &Scenario, words: &mut Words) -> Reading<Expected> {
    words.parse("of", |w| (w == "of").then_some(()))?;
    let name = target(scenario, words)?;
    let look_backs = words.parse("look-backs such as 1h/5m", look_backs)?;
    let mut pairs = Vec::new();
    while words.peek().is_some() {
        match words.next("rates, bad, alerting or quiet")? {
            "rates" => {
                pairs.push(("long".to_owned(), words.next("the long rate")?.to_owned()));
                pairs.push(("short".to_owned(), words.next("the short rate")?.to_owned()));
            }
            "bad" => pairs.push(("bad".to_owned(), words.next("a number")?.to_owned())),
            word @ ("alerting" | "quiet") => pairs.push(("alert".to_owned(), word.to_owned())),
            other => return Err(words.wrong("rates, bad, alerting or quiet", other)),
        }
    }
    Ok(Expected::Alert(name, look_backs, pairs))
}
