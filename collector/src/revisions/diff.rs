//! What changed between two headlines, in words that people read: `contractual.down: 0s → 5m`.
//!
//! Everything that changed of the figure that counts is told. Of *without exclusions* and *experienced* only what changed
//! otherwise than there, because late data changes all three alike.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uphold_common::time::DurationText;
use utoipa::ToSchema;

use super::headline::{Figure, Headline};

/// Most changes that are listed.
pub const CHANGES_MAX: usize = 40;
/// What stands for a figure that there is none of.
const NONE: &str = "none";

/// One figure that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Which, such as `contractual.down`.
    pub figure: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// A figure as it is compared, and as it is told; where two that differ would be told alike, they are told as compared.
struct Shown {
    name: String,
    exact: String,
    told: String,
}

/// Everything that changed, and how many changes are not listed because they are too many.
pub fn changes(before: &Headline, after: &Headline) -> (Vec<Changed>, u64) {
    let mut all = Vec::new();
    let contractual = between(&figure(before.contractual.as_ref()), &figure(after.contractual.as_ref()));
    all.extend(contractual.iter().map(|changed| named("contractual", changed)));
    for (name, before, after) in [
        ("without_exclusions", &before.without_exclusions, &after.without_exclusions),
        ("experienced", &before.experienced, &after.experienced),
    ] {
        let changed = between(&figure(before.as_ref()), &figure(after.as_ref()));
        all.extend(changed.iter().filter(|changed| !contractual.contains(changed)).map(|changed| named(name, changed)));
    }
    all.extend(between(&others(before), &others(after)));
    let left_out = all.len().saturating_sub(CHANGES_MAX);
    all.truncate(CHANGES_MAX);
    (all, u64::try_from(left_out).unwrap_or(u64::MAX))
}

fn named(name: &str, changed: &Changed) -> Changed {
    Changed { figure: format!("{name}.{}", changed.figure), ..changed.clone() }
}

/// What of two lists with the same order of names is not the same; one that only one of them has was none in the other.
fn between(before: &[Shown], after: &[Shown]) -> Vec<Changed> {
    let known: BTreeMap<&str, &Shown> = before.iter().map(|shown| (shown.name.as_str(), shown)).collect();
    let gone = before.iter().filter(|shown| !after.iter().any(|other| other.name == shown.name));
    let changed = |shown: &Shown| {
        let was = known.get(shown.name.as_str());
        let exact = was.map_or(NONE, |was| &was.exact);
        let told = was.map_or(NONE, |was| &was.told);
        (exact != shown.exact).then(|| {
            let (before, after) = if told == shown.told { (exact, &shown.exact) } else { (told, &shown.told) };
            Changed { figure: shown.name.clone(), before: before.to_owned(), after: after.clone() }
        })
    };
    let went = |shown: &Shown| {
        (shown.exact != NONE).then(|| Changed {
            figure: shown.name.clone(),
            before: shown.told.clone(),
            after: NONE.to_owned(),
        })
    };
    after.iter().filter_map(changed).chain(gone.filter_map(went)).collect()
}

fn figure(figure: Option<&Figure>) -> Vec<Shown> {
    let Some(figure) = figure else { return Vec::new() };
    let Figure { kinds, verdict, .. } = figure;
    let mut all = vec![
        both("availability", figure.A.as_deref(), figure.A_percent.as_ref().map(|percent| format!("{percent} %"))),
        word("verdict", verdict.as_str()),
        word("not_proven", if figure.not_proven { "yes" } else { "no" }),
    ];
    let lengths = [
        ("counted", figure.N),
        ("lost", figure.L),
        ("down", kinds.down),
        ("degraded", kinds.degraded),
        ("unmeasured", kinds.unmeasured),
        ("up", kinds.up),
        ("excluded", kinds.excluded),
        ("maintenance", kinds.maintenance),
        ("not_agreed", kinds.not_agreed),
    ];
    all.extend(lengths.map(|(name, ms)| length(name, Some(ms))));
    all.push(word("breaks", &figure.break_count.to_string()));
    all.push(length("longest_break", figure.longest_break_ms));
    all.extend(figure.charges_ms.iter().map(|(probe, ms)| length(&format!("charges.{probe}"), Some(*ms))));
    all
}

fn others(headline: &Headline) -> Vec<Shown> {
    let mut all = Vec::new();
    if headline.contractual.is_some() {
        all.push(word("credit", &headline.credit.as_ref().map_or(NONE.to_owned(), |percent| format!("{percent} %"))));
    }
    if let Some(response) = &headline.response {
        all.push(word("response.verdict", response.verdict.as_str()));
        all.push(both("response.value", count(response.value_us).as_deref(), response.value_us.map(took)));
        all.push(word("response.n", &response.n.to_string()));
        all.push(word("response.rank", count(response.rank).as_deref().unwrap_or(NONE)));
    }
    if let Some(capacity) = &headline.capacity {
        all.push(word("capacity.state", capacity.state.as_str()));
        let percent = capacity.percentile_percent.as_ref().map(|percent| format!("{percent} %"));
        all.push(both("capacity.percentile", count(capacity.percentile_ppb).as_deref(), percent));
        all.push(word("capacity.n", &capacity.n.to_string()));
        all.push(length("capacity.warning", capacity.warning_ms));
        all.push(length("capacity.critical", capacity.critical_ms));
        all.push(length("capacity.unmeasured", Some(capacity.unmeasured_ms)));
    }
    all
}

fn both(name: &str, exact: Option<&str>, told: Option<String>) -> Shown {
    let exact = exact.unwrap_or(NONE).to_owned();
    Shown { name: name.to_owned(), told: told.unwrap_or_else(|| exact.clone()), exact }
}

fn word(name: &str, text: &str) -> Shown {
    both(name, Some(text), None)
}

fn length(name: &str, ms: Option<i64>) -> Shown {
    // Above an hour the text is cut to seconds.
    both(name, ms.map(|ms| format!("{ms} ms")).as_deref(), ms.map(|ms| DurationText(ms).to_string()))
}

fn count(number: Option<impl ToString>) -> Option<String> {
    number.map(|number| number.to_string())
}

/// A time in microseconds: `412.503 ms`.
pub fn took(us: u32) -> String {
    let fraction = format!("{:03}", us % 1_000);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction} ms", us / 1_000)
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
