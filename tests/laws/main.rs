//! The laws of the rules' section 15, and agreement of all implementations, on facts made up at random.
//!
//! | file | laws |
//! |---|---|
//! | this one | 1, 2, 3, 7, 9, and agreement: for every implementation, as far as it can measure the scenario |
//! | `outages` | 5: the same outage, observed more often |
//! | `capacity` | section 12: the use of a resource |
//! | `clock_changes` | section 1: every minute of the days on which clocks are changed |
//! | `terms` | calendars, maintenance and exclusions made up at random |
//! | `versions` | versions of the catalogue made up at random |
//! | `days` | 2 for the days of a window; timelines day by day |
//! | `figures` | what users get: the JSON's numbers, large numbers, all policies |
//! | `made_up` | the facts |

#![expect(clippy::panic, reason = "figures without a key that the contract names fail the test")]

mod capacity;
mod clock_changes;
mod days;
mod figures;
mod made_up;
mod outages;
mod terms;
mod versions;

use made_up::{LENGTH_MS, config, config_of, long_after, scenario, told_again};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use terms::{over_days, with_terms};
use uphold_tests::scenario::{
    Core, Facts, Measured, Measurer, Reference, Scenario, Subject, Target, Window, check, disagreements, lacking,
    measurers,
};
use versions::with_versions;

proptest! {
    #![proptest_config(config())]

    /// Laws 2, 3, 7 and 9: the parts add up, the bounds hold, charges are downtime, verdict and budget agree.
    #[test]
    fn figures_keep_the_laws(scenario in scenario()) {
        for measurer in measurers() {
            prop_assert_eq!(check(&scenario, measurer.as_ref()), Vec::<String>::new());
        }
    }

    /// Two implementations, written apart, say the same of everything that both can measure.
    #[test]
    fn the_implementations_agree(scenario in scenario()) {
        for other in measurers().iter().skip(1) {
            prop_assert_eq!(disagreements(&scenario, &Reference, other.as_ref()), Vec::<String>::new());
        }
    }

    /// Law 1: the order of arrival and duplicates change nothing.
    #[test]
    fn order_and_duplicates_change_nothing(scenario in scenario(), order in any::<prop::sample::Index>()) {
        let told = told_again(&scenario, order);
        for measurer in measurers() {
            let (a, b) = (everything(&scenario, measurer.as_ref()), everything(&told, measurer.as_ref()));
            prop_assert_eq!(a, b);
        }
    }

    /// Law 2: a window cut in two adds up to itself.
    #[test]
    fn parts_of_a_window_add_up(scenario in scenario(), cut in 0..LENGTH_MS) {
        let facts = Facts { scenario: &scenario, now: long_after(&scenario) };
        for measurer in measurers() {
            for target in targets(&scenario, measurer.as_ref()) {
                let (from, to) = target.span(&scenario, facts.now);
                let middle = (from + cut).min(to);
                let part = |(from, to)| {
                    measurer.figures(facts, &Target { window: Window::Span(from, to), ..target.clone() })
                };
                let (whole, first, second) = (part((from, to)), part((from, middle)), part((middle, to)));
                for (i, kind) in whole.figures.kinds.iter().enumerate() {
                    prop_assert_eq!(*kind, first.figures.kinds[i] + second.figures.kinds[i]);
                }
                for (id, charge) in &whole.charges {
                    let of = |part: &Measured| part.charges.get(id).copied().unwrap_or(0);
                    prop_assert_eq!(*charge, of(&first) + of(&second));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config_of(200))]

    /// The same laws, and the same agreement, with maintenance and exclusions, response times, look-backs and credits.
    #[test]
    fn terms_keep_the_laws_and_the_implementations_agree(scenario in with_terms()) {
        prop_assert_eq!(wrong_with(&scenario), Vec::<String>::new());
    }

    /// And with up to four versions of the catalogue.
    #[test]
    fn versions_keep_the_laws_and_the_implementations_agree(scenario in with_versions()) {
        prop_assert_eq!(wrong_with(&scenario), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(config_of(20))]

    /// And with calendars, over changes of the clocks.
    #[test]
    fn calendars_keep_the_laws_and_the_implementations_agree(scenario in over_days(with_terms())) {
        prop_assert_eq!(wrong_with(&scenario), Vec::<String>::new());
    }

    /// And with calendars that change from version to version.
    #[test]
    fn versions_of_calendars_keep_the_laws_and_the_implementations_agree(scenario in over_days(with_versions())) {
        prop_assert_eq!(wrong_with(&scenario), Vec::<String>::new());
    }
}

/// What is wrong with any implementation, and where others differ from the reference.
fn wrong_with(scenario: &Scenario) -> Vec<String> {
    let measurers = measurers();
    let kept = measurers.iter().flat_map(|m| check(scenario, m.as_ref()));
    let agree = measurers.iter().skip(1).flat_map(|other| disagreements(scenario, &Reference, other.as_ref()));
    kept.chain(agree).collect()
}

/// Whatever terms are made up, the core measures all of it: nothing is left out of what is compared above.
#[test]
fn all_of_it_is_held_against_the_core() {
    let (mut runner, made_up) = (TestRunner::deterministic(), with_terms());
    for _ in 0..300 {
        let scenario = made_up.new_tree(&mut runner).expect("a scenario").current();
        assert_eq!(lacking(&scenario, &Core), Vec::<String>::new());
    }
}

/// The targets that `measurer` can measure.
fn targets<'a>(scenario: &'a Scenario, measurer: &'a dyn Measurer) -> impl Iterator<Item = &'a Target> {
    scenario.targets.iter().filter(|t| measurer.lacks(scenario, &t.service).is_none())
}

/// The states of everything and the figures of every target, as text.
fn everything(scenario: &Scenario, measurer: &dyn Measurer) -> String {
    let facts = Facts { scenario, now: long_after(scenario) };
    let span = (facts.now - 12 * LENGTH_MS, facts.now);
    let services = scenario.services.iter().filter(|s| measurer.lacks(scenario, &s.name).is_none());
    let states = services.map(|s| measurer.states(facts, &Subject::Service(s.name.clone()), span));
    let figures = targets(scenario, measurer).map(|t| measurer.figures(facts, t));
    format!("{:?} {:?}", states.collect::<Vec<_>>(), figures.collect::<Vec<_>>())
}
