//! Section 7 of the rules: the user-weighted availability of several services, `Σ wᵢ (Nᵢ − Lᵢ) / Σ wᵢ Nᵢ`.
//!
//! Of a service one target counts: what a customer was promised, so one of its service level agreements, and of several
//! the one that promises most, the first by name among equals. For one customer these are that customer's, for all
//! together anybody's. Services without a weight or without such a target have no part, and are named. `N` and `L` are
//! those of the contractual figure, over windows of one kind, each in its service's time zone; the exact sum is taken in
//! 128 bits and printed cut.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::model::{AgreementKind, AvailabilityPromise, Catalogue, Promise, Service, Target};
use crate::ids::{Id, TargetId};
use crate::percent::WideRatio;
use crate::time::Instant;

use super::availability::Availability;
use super::window::Window;

/// The name and version of this form.
pub const SCHEMA: &str = "uphold-weighted/1";

/// How one service's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// Its users.
    pub weight: u32,
    /// `N`, in milliseconds.
    pub counted: i64,
    /// `L`, in milliseconds.
    pub lost: i64,
}

/// `Σ wᵢ (Nᵢ − Lᵢ) / Σ wᵢ Nᵢ`; none if nothing counts.
///
/// ```
/// use uphold_common::measure::weighted::{Weighed, ratio};
/// let many = Weighed { weight: 900, counted: 1_000, lost: 10 };
/// let few = Weighed { weight: 100, counted: 1_000, lost: 500 };
/// assert_eq!(ratio([many, few]).unwrap().to_string(), "941/1000");
/// ```
pub fn ratio(services: impl IntoIterator<Item = Weighed>) -> Option<WideRatio> {
    let (mut good, mut all) = (0_i128, 0_i128);
    for service in services {
        let weight = i128::from(service.weight);
        good += weight * (i128::from(service.counted) - i128::from(service.lost));
        all += weight * i128::from(service.counted);
    }
    WideRatio::new(good, all)
}

/// For each service the target that counts for `customer`, or for anybody.
pub fn counting<'a>(
    catalogue: &'a Catalogue,
    customer: Option<&Id>,
) -> BTreeMap<&'a Id, (&'a Target, AvailabilityPromise)> {
    let mut counting: BTreeMap<&Id, (&Target, AvailabilityPromise)> = BTreeMap::new();
    for target in catalogue.targets.values().filter(|target| target.kind == AgreementKind::Sla) {
        let Promise::Availability(promise) = target.promise else { continue };
        if customer.is_some_and(|customer| target.party != *customer) {
            continue;
        }
        let found = counting.entry(&target.service).or_insert((target, promise));
        if promise.share.parts() > found.1.share.parts() {
            *found = (target, promise);
        }
    }
    counting
}

/// The customers with whom an availability was agreed, in order.
pub fn customers(catalogue: &Catalogue) -> Vec<&Id> {
    let of_customer = |id: &&Id| !counting(catalogue, Some(*id)).is_empty();
    catalogue.customers.keys().filter(of_customer).collect()
}

/// Everything that is told of the windows that were asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WeightedFigures)]
pub struct Weighted {
    /// `uphold-weighted/1`.
    #[schema(pattern = "^uphold-weighted/1$")]
    pub schema: String,
    /// The version of the rules of measurement.
    pub rules_version: u32,
    /// The release of the time zone data.
    pub time_zone_data: String,
    /// The instant the figures are taken at.
    pub as_of_ms: Instant,
    /// The catalogue that says the weights and which targets count.
    pub catalogue_version: u64,
    /// Over which kind of window.
    pub window: String,
    /// Over all services, each once; null if one customer was asked about.
    pub all: Option<Together>,
    /// Over the services of each customer.
    pub customers: BTreeMap<Id, Together>,
}

/// Several services together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WeightedTogether)]
#[expect(non_snake_case, reason = "the names of the rules stand in the contract as they are")]
pub struct Together {
    /// The exact ratio, null without data.
    pub A: Option<String>,
    /// Cut to as many decimals as the targets have.
    pub A_percent: Option<String>,
    /// The measured share of their committed time, weighted likewise.
    pub coverage: Option<String>,
    /// The same, cut.
    pub coverage_percent: Option<String>,
    /// The users of all of them; whoever uses two is counted twice.
    pub users: u64,
    /// What each of them adds.
    pub services: BTreeMap<Id, OfService>,
    /// Those that were promised and say no weight.
    pub without_weight: Vec<Id>,
    /// Those that have a weight, and of which no availability was promised to a customer.
    pub without_target: Vec<Id>,
}

/// What one service adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WeightedService)]
#[expect(non_snake_case, reason = "the names of the rules stand in the contract as they are")]
pub struct OfService {
    /// The target that counts.
    pub target: TargetId,
    /// How many users it has.
    pub weight: u32,
    /// Where its window begins.
    pub start_ms: Instant,
    /// Where it ends.
    pub end_ms: Instant,
    /// Committed time.
    pub C: i64,
    /// Of it, not measured.
    pub U: i64,
    /// What counts.
    pub N: i64,
    /// Of it, lost.
    pub L: i64,
    /// The exact ratio, null without data.
    pub A: Option<String>,
    /// Cut to the target's decimals.
    pub A_percent: Option<String>,
}

/// The availability of each target that counts, in its window.
pub type Measured = BTreeMap<TargetId, (Window, Availability)>;

impl Together {
    /// The services of `customer`, or of everybody, out of what was `measured` of the targets that count for them.
    pub fn of(catalogue: &Catalogue, customer: Option<&Id>, measured: &Measured) -> Self {
        let counting = counting(catalogue, customer);
        let (mut services, mut without_weight) = (BTreeMap::new(), Vec::new());
        let (mut weighed, mut seen, mut decimals) = (Vec::new(), Vec::new(), 2);
        for (id, (target, promise)) in &counting {
            let weight = catalogue.services.get(*id).and_then(|service| service.weight);
            let Some(weight) = weight else {
                without_weight.push((*id).clone());
                continue;
            };
            let Some((window, availability)) = measured.get(&target.id) else { continue };
            decimals = decimals.max(promise.share.decimals());
            weighed.push(Weighed { weight, counted: availability.counted, lost: availability.lost });
            seen.push(Weighed { weight, counted: availability.committed, lost: availability.unmeasured });
            services.insert((*id).clone(), of_service(target, *promise, weight, window, availability));
        }
        let (ratio, coverage) = (ratio(weighed), ratio(seen));
        let promised = |service: &&Service| service.weight.is_some() && !counting.contains_key(&service.id);
        let is_for = |service: &&Service| customer.is_none_or(|customer| service.customers.contains(customer));
        let without_target = catalogue.services.values().filter(promised).filter(is_for);
        Self {
            A: ratio.map(|ratio| ratio.to_string()),
            A_percent: ratio.map(|ratio| percent(ratio, decimals)),
            coverage: coverage.map(|ratio| ratio.to_string()),
            coverage_percent: coverage.map(|ratio| percent(ratio, decimals)),
            users: services.values().map(|service: &OfService| u64::from(service.weight)).sum(),
            services,
            without_weight,
            without_target: without_target.map(|service| service.id.clone()).collect(),
        }
    }
}

fn of_service(
    target: &Target,
    promise: AvailabilityPromise,
    weight: u32,
    window: &Window,
    availability: &Availability,
) -> OfService {
    OfService {
        target: target.id.clone(),
        weight,
        start_ms: window.interval.start,
        end_ms: window.interval.end,
        C: availability.committed,
        U: availability.unmeasured,
        N: availability.counted,
        L: availability.lost,
        A: availability.ratio.map(|ratio| ratio.to_string()),
        A_percent: availability.ratio.map(|ratio| ratio.percent(promise.share.decimals())),
    }
}

fn percent(ratio: WideRatio, decimals: u8) -> String {
    let hundredfold = WideRatio::new(ratio.numerator().saturating_mul(100), ratio.denominator());
    hundredfold.unwrap_or(ratio).decimal(decimals)
}

#[cfg(test)]
#[path = "weighted_tests.rs"]
mod tests;
