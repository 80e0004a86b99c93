//! Every text in `scenarios/`, held against each implementation of the rules.
//!
//! To have another implementation checked, give it a `Measurer` and add it to [`measurers`]: it must meet every
//! expectation, and agree with the reference on everything the scenarios do not mention.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own steps outside its functions may fail it")]

use std::fs;
use std::path::Path;

use uphold_tests::scenario::{
    Core, Facts, Measured, Measurer, Reference, Scenario, Span, Stretch, Subject, Target, check, disagreements,
    lacking, measurers, read,
};

fn scenarios() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut all: Vec<(String, Scenario)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let scenario = read(&fs::read_to_string(&path).unwrap());
            let scenario = scenario.unwrap_or_else(|problem| panic!("{name}: {problem}"));
            (name, scenario)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn every_expectation_is_met() {
    let mut wrong = Vec::new();
    for (name, scenario) in scenarios() {
        assert!(!scenario.checks.is_empty(), "{name} expects nothing");
        for measurer in measurers() {
            wrong.extend(check(&scenario, measurer.as_ref()).into_iter().map(|w| format!("{name}: {w}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What the core has not got, in which scenarios: their other services and targets are checked and compared all the same.
const THE_CORE_LACKS: [&str; 0] = [];

#[test]
fn what_is_left_out_is_listed() {
    let lacks = scenarios().into_iter().map(|(name, scenario)| (name, lacking(&scenario, &Core)));
    let mut left_out: Vec<String> = lacks
        .flat_map(|(name, lacks)| {
            lacks.into_iter().map(move |lack| format!("{name}: {}", lack.split(": ").nth(1).unwrap()))
        })
        .collect();
    left_out.sort_unstable();
    left_out.dedup();
    assert_eq!(left_out, THE_CORE_LACKS);
}

#[test]
fn the_implementations_agree_on_everything_else() {
    let measurers = measurers();
    let (reference, others) = measurers.split_first().unwrap();
    for (name, scenario) in scenarios() {
        for other in others {
            let wrong = disagreements(&scenario, reference.as_ref(), other.as_ref());
            assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        }
    }
}

#[test]
fn an_expectation_that_is_not_met_names_its_line() {
    let text = "probe web every 60s from 08:00 up DOWN DOWN up\n\
        target gold of web 99% window 08:00-08:04\n";
    // A probe's own service is there only once everything is read, so a target must name one that was written.
    assert_eq!(read(text).unwrap_err(), "line 2: expected a service from further up, found web");

    let text = "probe web every 60s from 08:00 up DOWN DOWN up\nservice shop = all web\n\
        target gold of shop 99% window 08:00-08:04\n\
        expect shop 08:00-08:04 up 3m down 1m\n\
        expect shop states 08:00 up 08:02 down until 08:04\n\
        expect target gold A 1/2 D 3m met\n";
    let wrong = check(&read(text).unwrap(), &Reference);
    assert_eq!(
        wrong,
        [
            "line 4: the reference: expected up 3m  down 1m; found up 2m  down 2m",
            "line 5: the reference: expected 08:00 up  08:02 down  until 08:04; found 08:00 up  08:01 down  08:03 up  until 08:04",
            "line 6: the reference: D: expected 3m; found 2m",
            "line 6: the reference: verdict: expected met; found breached",
        ]
    );
}

#[test]
fn a_mistake_in_a_scenario_names_its_place() {
    for (text, complaint) in [
        (
            "prob web",
            "line 1: expected day, probe, also, during, late, again, shuffled, crowd, calendar, holiday, extra-day, service, target, \
             from, maintenance, exclusion, now, expect, found prob",
        ),
        ("probe web up", "line 1: expected `from` and a time before the outcomes, found none"),
        (
            "probe web from 08:00 up\nexpect web 08:00-08:02 up 1m",
            "line 2: expected lengths that add up to the span, found 1m",
        ),
        ("service shop = all web", "line 1: expected a probe or service from further up, found web"),
        (
            "probe a from 08:00 up\nservice s = at_least 2 a",
            "line 2: expected at least one operand, and as many as are asked for, found fewer",
        ),
        ("calendar c mon-fry 08:00-18:00", "line 1: expected days such as mon-fri or sat,sun, found mon-fry"),
        ("calendar c mon-fri 08-18", "line 1: expected hours such as 08:00-18:00, found 08-18"),
        ("holiday of c 2026-12-25", "line 1: expected a calendar from further up, found c"),
        ("maintenance of shop 08:00-09:00", "line 1: expected `all`, or services from further up, found shop"),
        ("maintenance of all 08:00-09:00", "line 1: expected `announced` and a time, found none"),
        (
            "exclusion of all 08:00-09:00 whim",
            "line 1: expected a class: planned, customer, supplier, force_majeure or other, found whim",
        ),
        ("day 2026-03-29 in Europe/Zurich\nnow 02:30", "line 2: expected a time, found 02:30"),
        (
            "probe a from 08:00 up\nservice s = all a\ntarget t of s 99% window 08:00-09:00 graces 4h",
            "line 3: expected an option of a target, found graces",
        ),
        (
            "probe a from 08:00 up\nlate a 09:00-10:00 arrives 11:00",
            "line 2: expected attempts in that span, found none",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), complaint);
    }
}

/// An implementation with a mistake in it: it takes every failure for confirmed.
struct Hasty;

impl Hasty {
    fn told(facts: Facts<'_>) -> Scenario {
        let mut scenario = facts.scenario.clone();
        scenario.probes.iter_mut().for_each(|p| p.fall = 1);
        scenario
    }
}

impl Measurer for Hasty {
    fn name(&self) -> &'static str {
        "the hasty one"
    }

    fn states(&self, facts: Facts<'_>, subject: &Subject, span: Span) -> Vec<Stretch> {
        Reference.states(Facts { scenario: &Self::told(facts), ..facts }, subject, span)
    }

    fn figures(&self, facts: Facts<'_>, target: &Target) -> Measured {
        Reference.figures(Facts { scenario: &Self::told(facts), ..facts }, target)
    }
}

#[test]
fn an_implementation_with_a_mistake_is_found() {
    let named = |wanted: &str| scenarios().into_iter().find(|(name, _)| name == wanted).unwrap().1;
    let scenario = named("confirmation");
    assert!(!check(&scenario, &Hasty).is_empty());
    assert!(!disagreements(&scenario, &Reference, &Hasty).is_empty());
}
