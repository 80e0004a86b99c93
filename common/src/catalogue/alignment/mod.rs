//! Whether what was promised to customers is underpinned: their service level targets held against those of suppliers and
//! of the organisation's own groups for the parts that the service is made of.
//!
//! | file | what it does |
//! |---|---|
//! | `parts` | a service's expression → its parts, each with the promise that stands behind it |
//! | `combined` | their promises along the expression → one share, never above what it is |
//! | `terms` | hours, window, maintenance, policies: where a promise is weaker than the customer's |
//! | here | all of it for each target, as sentences |
//!
//! It says what was promised, not what is: no observation takes part. The promises of different targets are taken as
//! independent of each other; one target that stands behind several parts is one promise.

mod combined;
mod parts;
mod terms;

use std::fmt::Write as _;

use serde::Serialize;
use utoipa::ToSchema;

use super::model::{AgreementKind, Catalogue, Promise, ResponseBound, ResponsePromise, Service, Target};
use crate::ids::{Id, TargetId};
use crate::percent::Ppb;
use crate::time::{DAY_MS, DurationText, Instant, Interval};
use combined::{Combined, Share};
use parts::{Backing, Layout, Part};
use terms::Hours;

/// One target of a customer, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TargetAlignment)]
pub struct Alignment {
    /// The target.
    #[serde(skip)]
    pub target: TargetId,
    /// What it promises: `99.9%`, or `95% within 800ms`.
    pub promised: String,
    /// What the promises behind it come to together, cut to at most nine decimals; null for a response time, and where that
    /// is too much to work out.
    pub comes_to: Option<String>,
    /// How: one line for each service whose parts were looked at.
    pub arithmetic: Vec<String>,
    /// The parts, in the order of the expression.
    pub parts: Vec<PartAlignment>,
    /// Whether everything behind it promises enough, own parts without a promise taken as never failing.
    pub underpinned: bool,
    /// Why not, for people.
    pub findings: Vec<String>,
}

/// One part of a service, and the promise that stands behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartAlignment {
    /// A probe, by its full name, or a service.
    pub part: String,
    /// What the probe looks at, if the catalogue says it.
    pub component: Option<Id>,
    /// Who answers for it.
    pub party: Id,
    /// The target behind it, if there is one.
    pub behind: Option<TargetId>,
    /// What that promises.
    pub promised: Option<String>,
    /// Where it is weaker than what the customer was promised; if there is none, that.
    pub weaker: Vec<String>,
}

/// In which time hours are compared for whoever asks at `now`: 366 days from the start of its day in UTC, so that the same is
/// said all day.
pub const fn year_from(now: Instant) -> Interval {
    let start = now.minus_ms(now.as_ms().rem_euclid(DAY_MS));
    Interval::new(start, start.plus_ms(366 * DAY_MS))
}

/// How the targets of one service's customers are underpinned, in order; `over` is the time in which hours are compared.
pub fn of_service(catalogue: &Catalogue, service: &Service, over: Interval) -> Vec<Alignment> {
    let mut hours = Hours::over(over);
    let of_it = catalogue.targets.values().filter(|target| target.service == service.id);
    of_it.filter_map(|target| aligned(catalogue, service, target, &mut hours)).collect()
}

/// The targets of all customers that are not underpinned, in order, each with why.
pub fn not_underpinned(catalogue: &Catalogue, over: Interval) -> Vec<Alignment> {
    let mut hours = Hours::over(over);
    let aligned = |target: &Target| {
        let service = catalogue.services.get(&target.service)?;
        aligned(catalogue, service, target, &mut hours).filter(|found| !found.underpinned)
    };
    catalogue.targets.values().filter_map(aligned).collect()
}

fn aligned<'a>(
    catalogue: &'a Catalogue,
    service: &'a Service,
    target: &Target,
    hours: &mut Hours<'a>,
) -> Option<Alignment> {
    if target.kind != AgreementKind::Sla {
        return None;
    }
    match &target.promise {
        Promise::Availability(promise) => Some(availability(catalogue, service, target, promise.share, hours)),
        Promise::Response(promise) => Some(response(catalogue, service, target, promise, hours)),
        // The readings of a host are the organisation's own.
        Promise::Capacity(_) => None,
    }
}

fn availability<'a>(
    catalogue: &'a Catalogue,
    service: &'a Service,
    target: &Target,
    promised: Ppb,
    hours: &mut Hours<'a>,
) -> Alignment {
    let layout = Layout::of(catalogue, service);
    let parts: Vec<PartAlignment> =
        layout.parts.iter().map(|part| judged(catalogue, part, target, service, hours)).collect();
    let combined = Combined::of(&layout);
    let needed = Share::of(promised);
    let mut findings = Vec::new();
    match &combined {
        Some(combined) if combined.whole() < needed => {
            let mut sentence =
                format!("what stands behind it comes to {}, below the {promised} promised", combined.whole());
            if let Some(line) = combined.lines(&layout).last() {
                let _ = write!(sentence, ": {line}");
            }
            findings.push(sentence + &taken_as_whole(&layout));
        }
        Some(_) => {}
        None => {
            findings.push("it has too many parts that share promises: what they come to is not worked out".to_owned());
        }
    }
    findings.extend(weaknesses(&parts));
    Alignment {
        target: target.id.clone(),
        promised: promised.to_string(),
        comes_to: combined.as_ref().map(|combined| combined.whole().to_string()),
        arithmetic: combined.map(|combined| combined.lines(&layout)).unwrap_or_default(),
        parts,
        underpinned: findings.is_empty(),
        findings,
    }
}

/// Which parts were taken as never failing, as a phrase.
fn taken_as_whole(layout: &Layout<'_>) -> String {
    let own: Vec<String> =
        layout.parts.iter().filter(|part| part.backing == Backing::OwnWithout).map(Part::name).collect();
    match own.as_slice() {
        [] => String::new(),
        [one] => format!(" (the own part {one}, which has no promise, taken as never failing)"),
        [one, rest @ ..] => {
            format!(" (the own part {one} and {} more, which have no promise, taken as never failing)", rest.len())
        }
    }
}

fn weaknesses(parts: &[PartAlignment]) -> Vec<String> {
    let named = |part: &PartAlignment| match &part.behind {
        Some(behind) => format!("{behind}, which stands behind {}", part.part),
        None => part.part.clone(),
    };
    parts.iter().flat_map(|part| part.weaker.iter().map(move |weaker| format!("{}: {weaker}", named(part)))).collect()
}

fn judged<'a>(
    catalogue: &'a Catalogue,
    part: &Part<'a>,
    target: &Target,
    service: &'a Service,
    hours: &mut Hours<'a>,
) -> PartAlignment {
    let weaker = match part.backing {
        Backing::Promise(behind) => match catalogue.services.get(&behind.service) {
            Some(about) => terms::weaker((target, service), (behind, about), hours),
            None => Vec::new(),
        },
        Backing::SupplierWithout => {
            vec![format!("no target of {} on the availability of {} stands behind it", part.party, part.about())]
        }
        Backing::OwnWithout => Vec::new(),
    };
    let behind = match part.backing {
        Backing::Promise(behind) => Some(behind),
        Backing::OwnWithout | Backing::SupplierWithout => None,
    };
    PartAlignment {
        part: part.name(),
        component: part.component.cloned(),
        party: part.party.clone(),
        behind: behind.map(|behind| behind.id.clone()),
        promised: behind.and_then(parts::share).map(|share| share.to_string()),
        weaker,
    }
}

/// A response time is that of one probe, so one promise can stand behind it: of its party, about the same probe.
fn response<'a>(
    catalogue: &'a Catalogue,
    service: &'a Service,
    target: &Target,
    promised: &ResponsePromise,
    hours: &mut Hours<'a>,
) -> Alignment {
    let probe = service.probes.get(&promised.probe);
    let component = probe.and_then(|probe| probe.component.as_ref());
    let party = parts::party_of(catalogue, component);
    let same = |behind: &'a Target| match &behind.promise {
        Promise::Response(promise) if promise.probe == promised.probe => Some((behind, promise)),
        _ => None,
    };
    let of_party = parts::about(catalogue, &service.id).filter(|behind| behind.party == party);
    // The greatest share first, and of equal shares the quickest; the first by name is kept.
    let strength = |promise: &ResponsePromise| (share_of(promise).parts(), -promise.below_us);
    let strongest =
        of_party.filter_map(same).reduce(|best, other| if strength(other.1) > strength(best.1) { other } else { best });
    let weaker = match strongest {
        Some((behind, promise)) => {
            let mut weaker = terms::slower(promised, promise);
            weaker.extend(terms::weaker((target, service), (behind, service), hours));
            weaker
        }
        None if parts::is_supplier(catalogue, &party) => {
            vec![format!("no target of {party} on its response time stands behind it")]
        }
        None => Vec::new(),
    };
    let part = PartAlignment {
        part: format!("{}/{}", service.id, promised.probe),
        component: component.cloned(),
        party,
        behind: strongest.map(|(behind, _)| behind.id.clone()),
        promised: strongest.map(|(_, promise)| response_text(promise)),
        weaker,
    };
    let findings = weaknesses(std::slice::from_ref(&part));
    Alignment {
        target: target.id.clone(),
        promised: response_text(promised),
        comes_to: None,
        arithmetic: Vec::new(),
        parts: vec![part],
        underpinned: findings.is_empty(),
        findings,
    }
}

/// How many of the answers are promised to be quick enough: the nearest rank of a percentile is a share of them.
const fn share_of(promise: &ResponsePromise) -> Ppb {
    match promise.bound {
        ResponseBound::Percentile(share) | ResponseBound::Share(share) => share,
    }
}

fn response_text(promise: &ResponsePromise) -> String {
    format!("{} within {}", share_of(promise), DurationText(promise.below_us / 1_000))
}

#[cfg(test)]
#[path = "alignment_tests.rs"]
mod tests;
