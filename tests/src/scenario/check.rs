//! Holding a measurer against what a scenario expects, against the laws, and against another measurer.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{length, length_word, percentage, state_word};
use super::{
    Alert, Check, Clock, Expected, Facts, Figures, Measured, Measurer, Responses, Scenario, Service, Span, Stretch,
    Subject, Target,
};
use crate::reference::figures::percent;

/// A ratio as the reference gives it.
type Fraction = Option<(i128, i128)>;

/// The services and targets of this scenario that `measurer` cannot measure, each with what it has not got.
pub fn lacking(scenario: &Scenario, measurer: &dyn Measurer) -> Vec<String> {
    let lack = |s: &Service| Some(format!("{}: {}", s.name, measurer.lacks(scenario, &s.name)?));
    let lack_of = |t: &Target| Some(format!("{}: {}", t.name, measurer.lacks_of(scenario, t)?));
    let targets = scenario.targets.iter().filter(|t| measurer.lacks(scenario, &t.service).is_none());
    scenario.services.iter().filter_map(lack).chain(targets.filter_map(lack_of)).collect()
}

/// Whether `measurer` can measure this target.
fn can_target(scenario: &Scenario, target: &Target, measurer: &dyn Measurer) -> bool {
    measurer.lacks(scenario, &target.service).is_none() && measurer.lacks_of(scenario, target).is_none()
}

/// Whether `measurer` can measure whatever `subject` asks for.
fn can(scenario: &Scenario, subject: &Subject, measurer: &dyn Measurer) -> bool {
    match subject {
        Subject::Vantage(..) | Subject::Probe(_) => true,
        Subject::Service(name) => measurer.lacks(scenario, name).is_none(),
    }
}

/// What is wrong with `measurer` in this scenario; each complaint names its line. What it lacks is left out.
pub fn check(scenario: &Scenario, measurer: &dyn Measurer) -> Vec<String> {
    let mut wrong = Vec::new();
    for one in scenario.checks.iter().filter(|c| can_check(scenario, &c.expected, measurer)) {
        let facts = Facts { scenario, now: one.now };
        for complaint in check_one(facts, one, measurer) {
            wrong.push(format!("line {}: {}: {complaint}", one.line, measurer.name()));
        }
    }
    wrong
}

fn can_check(scenario: &Scenario, expected: &Expected, measurer: &dyn Measurer) -> bool {
    match expected {
        Expected::Lengths(subject, ..) | Expected::Stretches(subject, _) => can(scenario, subject, measurer),
        Expected::Figures(name, _) | Expected::Alert(name, ..) => {
            can_target(scenario, target_of(scenario, name), measurer)
        }
    }
}

fn target_of<'a>(scenario: &'a Scenario, name: &str) -> &'a Target {
    scenario.targets.iter().find(|t| t.name == name).expect("a known target")
}

fn check_one(facts: Facts<'_>, check: &Check, measurer: &dyn Measurer) -> Vec<String> {
    match &check.expected {
        Expected::Lengths(subject, span, expected) => {
            let mut found = BTreeMap::new();
            for (from, to, state) in measurer.states(facts, subject, *span) {
                *found.entry(state).or_insert(0) += to - from;
            }
            let told = |lengths: &BTreeMap<_, i64>| {
                let some = lengths.iter().filter(|(_, ms)| **ms != 0);
                some.map(|(s, ms)| format!("{} {}", state_word(*s), length_word(*ms))).collect::<Vec<_>>().join("  ")
            };
            unequal("", &told(expected), &told(&found))
        }
        Expected::Stretches(subject, expected) => {
            let span = (expected.first().map_or(0, |s| s.0), expected.last().map_or(0, |s| s.1));
            let told = |stretches: &[Stretch]| stretches_word(&facts.scenario.clock, stretches);
            unequal("", &told(expected), &told(&measurer.states(facts, subject, span)))
        }
        Expected::Figures(name, pairs) => {
            let target = target_of(facts.scenario, name);
            let found = measurer.figures(facts, target);
            let mut wrong: Vec<String> =
                pairs.iter().flat_map(|(key, word)| check_pair(target, &found, key, word)).collect();
            wrong.extend(laws(facts, target, &found));
            wrong
        }
        Expected::Alert(name, (long, short), pairs) => {
            let found = measurer.figures(facts, target_of(facts.scenario, name)).alerts;
            match found.iter().find(|alert| (alert.rule.long, alert.rule.short) == (*long, *short)) {
                Some(alert) => pairs.iter().flat_map(|(key, word)| check_alert(alert, key, word)).collect(),
                None => vec![format!("expected a rule with these look-backs; found {found:?}")],
            }
        }
    }
}

fn unequal(what: &str, expected: &str, found: &str) -> Vec<String> {
    if expected == found { Vec::new() } else { vec![format!("{what}expected {expected}; found {found}")] }
}

fn stretches_word(clock: &Clock, stretches: &[Stretch]) -> String {
    let each = stretches.iter().map(|(from, _, state)| format!("{} {}", clock.word(*from), state_word(*state)));
    let until = stretches.last().map(|(_, to, _)| format!("until {}", clock.word(*to)));
    each.chain(until).collect::<Vec<_>>().join("  ")
}

/// One pair of `expect target`.
fn check_pair(target: &Target, measured: &Measured, key: &str, expected: &str) -> Vec<String> {
    let (figures, key) = match key.split_once(' ') {
        Some(("without_exclusions", key)) => (&measured.without_exclusions, key),
        Some(("experienced", key)) => (&measured.experienced, key),
        _ => (&measured.figures, key),
    };
    let found = match key.split_once(' ') {
        Some(("charged", id)) => length_word(measured.charges.get(id).copied().unwrap_or(0)),
        Some((_, name)) => match measured.breaks.iter().find(|(known, _)| *known == name) {
            Some((_, met)) => met.map_or("no-data", |met| if met { "kept" } else { "broken" }).to_owned(),
            None => "no such target".to_owned(),
        },
        None if key == "credit" => {
            let expected = percentage(expected).map(|(credit, _)| credit);
            return if expected == measured.credit {
                Vec::new()
            } else {
                vec![format!("credit: {:?}", measured.credit)]
            };
        }
        None if key == "settling" => (if measured.settled { "settled" } else { "unsettled" }).to_owned(),
        None if key == "presence" => (if measured.gone { "gone" } else { "there" }).to_owned(),
        None => match measured.response.and_then(|told| response_word(&told, key)) {
            Some(found) => found,
            None => return check_figure(target, figures, key, expected),
        },
    };
    let expected = length(expected).map_or_else(|| expected.to_owned(), length_word);
    unequal(&format!("{key}: "), &expected, &found)
}

/// What response times come to, under the name of a pair.
fn response_word(told: &Responses, key: &str) -> Option<String> {
    let or_none = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    Some(match key {
        "n" => told.n.to_string(),
        "failed" => told.failed.to_string(),
        "unknown" => told.unknown.to_string(),
        "no_duration" => told.no_duration.to_string(),
        "rank" => or_none(told.rank),
        "value" => match told.value_us {
            Some(us) if us % 1000 == 0 => length_word((us / 1000) as i64),
            Some(us) => format!("{us}us"),
            None => "none".to_owned(),
        },
        "verdict" => verdict_word(told.met),
        _ => return None,
    })
}

fn verdict_word(met: Option<bool>) -> String {
    met.map_or("no-data", |met| if met { "met" } else { "breached" }).to_owned()
}

/// One pair of `expect alert`.
fn check_alert(alert: &Alert, key: &str, expected: &str) -> Vec<String> {
    let found = match key {
        "long" => return check_fraction("the long rate", expected, alert.long_rate, |w| w.parse().ok()),
        "short" => return check_fraction("the short rate", expected, alert.short_rate, |w| w.parse().ok()),
        "bad" => alert.bad.to_string(),
        _ => (if alert.alerting { "alerting" } else { "quiet" }).to_owned(),
    };
    unequal(&format!("{key}: "), expected, &found)
}

/// One figure.
fn check_figure(target: &Target, f: &Figures, key: &str, expected: &str) -> Vec<String> {
    let found = match key {
        "A" => return check_fraction(key, expected, f.availability, |w| w.parse().ok()),
        "A_min" => return check_fraction(key, expected, f.availability_min, |w| w.parse().ok()),
        "A_max" => return check_fraction(key, expected, f.availability_max, |w| w.parse().ok()),
        "coverage" => return check_fraction(key, expected, f.coverage, |w| w.parse().ok()),
        "MTRS" => return check_fraction(key, expected, f.mtrs, |w| length(w).map(i128::from)),
        "MTBF" => return check_fraction(key, expected, f.mtbf, |w| length(w).map(i128::from)),
        "MTBSI" => return check_fraction(key, expected, f.mtbsi, |w| length(w).map(i128::from)),
        "C" => length_word(f.committed),
        "U" => length_word(f.unmeasured),
        "D" => length_word(f.down),
        "G" => length_word(f.degraded),
        "N" => length_word(f.counted),
        "L" => length_word(f.lost),
        "N_whole" => length_word(f.counted_whole),
        "budget" => length_word(f.budget),
        "remaining" => length_word(f.remaining),
        "not_agreed" => length_word(f.kinds[0]),
        "maintenance" => length_word(f.kinds[1]),
        "excluded" => length_word(f.kinds[2]),
        "up" => length_word(f.kinds[3]),
        "degraded" => length_word(f.kinds[4]),
        "down" => length_word(f.kinds[5]),
        "unmeasured" => length_word(f.kinds[6]),
        "longest" => f.breaks.iter().map(|b| b.2).max().map_or_else(|| "none".to_owned(), length_word),
        "breaks" => f.breaks.len().to_string(),
        "percent" => f.availability.map_or_else(|| "none".to_owned(), |a| percent(a, target.decimals.max(2))),
        "verdict" => verdict_word(f.met),
        "proof" => (if f.not_proven { "not-proven" } else { "proven" }).to_owned(),
        _ => "no such figure".to_owned(),
    };
    let expected = length(expected).map_or_else(|| expected.to_owned(), length_word);
    unequal(&format!("{key}: "), &expected, &found)
}

/// `p/q` or `p`, where `read` reads the p; equal as ratios, in whatever terms they are written.
fn check_fraction(key: &str, expected: &str, found: Fraction, read: impl Fn(&str) -> Option<i128>) -> Vec<String> {
    let (over, under) = expected.split_once('/').unwrap_or((expected, "1"));
    let wanted = read(over).zip(under.parse::<i128>().ok());
    let same = match (wanted, found) {
        (Some((p, q)), Some((over, under))) => p * under == over * q,
        (None, None) => expected == "none",
        _ => false,
    };
    let shown = found.map_or_else(|| "none".to_owned(), |(over, under)| format!("{over}/{under}"));
    if same { Vec::new() } else { vec![format!("{key}: expected {expected}; found {shown}")] }
}

/// What holds for the figures of any window.
fn laws(facts: Facts<'_>, target: &Target, measured: &Measured) -> Vec<String> {
    if target.response.is_some() || measured.gone {
        return Vec::new();
    }
    let f = &measured.figures;
    let mut wrong = unequal("charges: ", &length_word(f.down), &length_word(measured.charges.values().sum()));
    for figures in [f, &measured.without_exclusions, &measured.experienced] {
        wrong.extend(laws_of_one(facts, target, figures));
    }
    // What is taken out of one figure is in the next, and what was never agreed is agreed in none.
    let (without, experienced) = (&measured.without_exclusions.kinds, &measured.experienced.kinds);
    if [without[2], experienced[1], experienced[2]] != [0, 0, 0] || without[1] != f.kinds[1] {
        wrong.push(format!("the three figures: {:?}, {without:?}, {experienced:?}", f.kinds));
    }
    let agreed = [f.kinds, *without, *experienced].map(|kinds| kinds[1..].iter().sum::<i64>());
    wrong.extend(unequal("agreed: ", &format!("{:?}", [agreed[0]; 3]), &format!("{agreed:?}")));
    wrong
}

fn laws_of_one(facts: Facts<'_>, target: &Target, f: &Figures) -> Vec<String> {
    let window = target.span(facts.scenario, facts.now);
    let so_far = (window.1.min(facts.now) - window.0).max(0);
    let mut wrong = unequal("the seven kinds: ", &length_word(so_far), &length_word(f.kinds.iter().sum()));
    wrong.extend(unequal("breaks: ", &length_word(f.down), &length_word(f.breaks.iter().map(|b| b.2).sum())));
    let above = |low: (i128, i128), high: (i128, i128)| low.0 * high.1 > high.0 * low.1;
    let ladder = [Some((0, 1)), f.availability_min, f.availability, f.availability_max, Some((1, 1))];
    let present: Vec<(i128, i128)> = ladder.into_iter().flatten().collect();
    if present.windows(2).any(|pair| above(pair[0], pair[1])) {
        wrong.push(format!("0 ≤ A_min ≤ A ≤ A_max ≤ 1 does not hold: {ladder:?}"));
    }
    if facts.now >= window.1 && f.met.is_some_and(|met| met != (f.lost <= f.budget)) {
        wrong.push(format!("the verdict and the budget disagree: lost {} of {}", f.lost, f.budget));
    }
    wrong
}

/// Where two measurers differ: the states of everything in the scenario, and the figures of each target, at each
/// `now` of the scenario; without what either of them lacks.
pub fn disagreements(scenario: &Scenario, one: &dyn Measurer, other: &dyn Measurer) -> Vec<String> {
    let mut nows: Vec<i64> = scenario.checks.iter().map(|c| c.now).collect();
    nows.sort_unstable();
    nows.dedup();
    let both = |subject: &Subject| can(scenario, subject, one) && can(scenario, subject, other);
    let mut wrong = Vec::new();
    for facts in nows.into_iter().map(|now| Facts { scenario, now }) {
        for subject in subjects(scenario).into_iter().filter(both) {
            let span = whole(scenario);
            let (a, b) = (one.states(facts, &subject, span), other.states(facts, &subject, span));
            if a != b {
                let told = |stretches: &[Stretch]| stretches_word(&scenario.clock, stretches);
                let (a, b) = (told(&a), told(&b));
                wrong.push(format!("{subject:?}: {}: {a}\n    {}: {b}", one.name(), other.name()));
            }
        }
        let both = |t: &&Target| can_target(scenario, t, one) && can_target(scenario, t, other);
        for target in scenario.targets.iter().filter(both) {
            let (a, b) = (one.figures(facts, target), other.figures(facts, target));
            if a != b {
                wrong.push(format!("{}: {}: {a:#?}\n    {}: {b:#?}", target.name, one.name(), other.name()));
            }
        }
    }
    wrong
}

fn subjects(scenario: &Scenario) -> Vec<Subject> {
    let probes = scenario.ever_probes();
    let vantages: BTreeSet<_> = probes.flat_map(|p| p.agents.iter().map(|a| (p.name.clone(), a.clone()))).collect();
    let vantages = vantages.into_iter().map(|(probe, agent)| Subject::Vantage(probe, agent));
    let probes = scenario.probes.iter().map(|p| Subject::Probe(p.name.clone()));
    let services = scenario.services.iter().map(|s| Subject::Service(s.name.clone()));
    vantages.chain(probes).chain(services).collect()
}

/// A stretch that holds everything seen, and as much on either side as an observation can reach.
fn whole(scenario: &Scenario) -> Span {
    let from = scenario.arrivals.iter().map(|a| a.at).min().unwrap_or(super::MIDNIGHT_MS);
    let to = scenario.arrivals.iter().map(|a| a.at).max().unwrap_or(super::MIDNIGHT_MS);
    let reach = scenario.ever_probes().map(|p| p.stale_after_ms).max().unwrap_or(0);
    (from - reach, to + 2 * reach)
}
