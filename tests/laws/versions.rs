//! Versions of the catalogue made up at random: probes that are read and observed otherwise, services that are put together
//! otherwise, targets that promise otherwise, at once or not, that leave and come back; and restatements from the past.

use proptest::prelude::*;
use uphold_tests::scenario::{Probe, Scenario, Target, Version};

use crate::made_up::{LENGTH_MS, Shape, probe, services, shape, target};
use crate::terms::{More, more, with_terms};

/// What one version changes.
#[derive(Clone, Debug)]
struct Change {
    from: i64,
    /// Whether it is known all along, as what is restated later is.
    early: bool,
    probes: Vec<Option<Probe>>,
    shape: Option<Shape>,
    target: Option<(Target, More)>,
    immediate: bool,
    leaves: bool,
}

fn change() -> impl Strategy<Value = Change> {
    let probes = (probe(0), probe(1), probe(2), probe(3)).prop_flat_map(|(a, b, c, d)| {
        let maybe = |probe: Probe| prop::option::of(Just(probe));
        (maybe(a), maybe(b), maybe(c), maybe(d))
    });
    let target = prop::option::of((target(0), more()));
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.15));
    (-40..LENGTH_MS + 40, probes, prop::option::of(shape()), target, flags).prop_map(
        |(from, (a, b, c, d), shape, target, (early, immediate, leaves))| Change {
            from,
            early,
            probes: vec![a, b, c, d],
            shape,
            target,
            immediate,
            leaves,
        },
    )
}

impl Change {
    /// The version after `before`, of which `first` holds everything that was ever promised.
    fn upon(self, base: i64, first: &Scenario, before: &Version) -> Version {
        let mut version = before.clone();
        version.from = base + self.from;
        version.recorded = if self.early { base - 10 * LENGTH_MS } else { version.from.max(before.recorded) };
        for (place, probe) in self.probes.into_iter().enumerate() {
            version.probes[place] = probe.unwrap_or_else(|| version.probes[place].clone());
        }
        if let Some(shape) = self.shape {
            for (service, other) in version.services.iter_mut().zip(services(shape, [None, None])) {
                service.expr = other.expr;
            }
        }
        if self.leaves {
            version.targets.clear();
        } else if let Some((target, more)) = self.target {
            version.targets = promised(first, &target, more, self.immediate);
        }
        version
    }
}

/// Both targets with other promises, in their own windows.
fn promised(first: &Scenario, other: &Target, more: More, immediate: bool) -> Vec<Target> {
    let Target { ppb, unmeasured, degraded_is_lost, .. } = *other;
    let changed = Target { ppb, unmeasured, degraded_is_lost, ..first.targets[0].clone() };
    let own = more.upon(&changed).into_iter().zip(&first.targets);
    own.map(|(mut target, first)| {
        (target.window, target.immediate) = (first.window, immediate);
        // The catalogue has bounds of whole milliseconds; here everything lasts for microseconds.
        if let (Some(wanted), Some(first)) = (&mut target.response, &first.response) {
            wanted.below_us = first.below_us;
        }
        target
    })
    .collect()
}

/// A scenario with terms upon it and up to four versions of its catalogue.
pub(crate) fn with_versions() -> impl Strategy<Value = Scenario> {
    (with_terms(), prop::collection::vec(change(), 0..4)).prop_map(|(mut scenario, changes)| {
        let base = scenario.checks[0].now.min(scenario.targets[0].at);
        let mut last = Version {
            from: i64::MIN,
            recorded: i64::MIN,
            probes: scenario.probes.clone(),
            services: scenario.services.clone(),
            targets: scenario.targets.clone(),
        };
        for change in changes {
            last = change.upon(base, &scenario, &last);
            scenario.versions.push(last.clone());
        }
        scenario
    })
}
