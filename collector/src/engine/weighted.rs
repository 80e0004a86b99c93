//! The availability of one target over any window, for what is added up over several services.
//!
//! Each target is a request of its own, so that pushes come in between; all of them are asked for the same instant.

use uphold_common::catalogue::model::{Catalogue, WindowKind};
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::availability::Availability;
use uphold_common::measure::figures::{RULES_VERSION, time_zone_data};
use uphold_common::measure::weighted::{self, Measured, Together, Weighted};
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::Engine;
use super::handle::{EngineHandle, Request, Unanswered};
use super::measure::span_of;
use super::query::QueryError;

/// Which availability is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Over which kind of window.
    pub window: WindowKind,
    /// The one that holds this instant.
    pub at: Instant,
    /// What the present is taken to be.
    pub as_of: Instant,
}

/// A target's contractual availability, and the window that it is of.
pub type Found = (Window, Availability);

/// Over what several services are added up if nothing is said.
pub const WINDOW_DEFAULT: WindowKind = WindowKind::Month;

/// The targets that count for `customer`, or for everybody and each customer; without those of services that weigh nothing.
pub fn needed(catalogue: &Catalogue, customer: Option<&Id>) -> Vec<TargetId> {
    let of_all = match customer {
        Some(_) => Vec::new(),
        None => weighted::customers(catalogue),
    };
    let counting = std::iter::once(customer).chain(of_all.into_iter().map(Some));
    let weighs = |service: &Id| catalogue.services.get(service).is_some_and(|service| service.weight.is_some());
    let mut needed: Vec<TargetId> = counting
        .flat_map(|customer| weighted::counting(catalogue, customer))
        .filter(|(service, _)| weighs(service))
        .map(|(_, (target, _))| target.id.clone())
        .collect();
    needed.sort_unstable();
    needed.dedup();
    needed
}

/// What was measured of these targets, added up.
pub fn added_up(
    (catalogue, catalogue_version): (&Catalogue, u64),
    customer: Option<&Id>,
    asked: Asked,
    measured: &Measured,
) -> Weighted {
    let customers = customer.map_or_else(|| weighted::customers(catalogue), |customer| vec![customer]);
    let of = |customer: &Id| (customer.clone(), Together::of(catalogue, Some(customer), measured));
    Weighted {
        schema: weighted::SCHEMA.to_owned(),
        rules_version: RULES_VERSION,
        time_zone_data: time_zone_data().to_owned(),
        as_of_ms: asked.as_of,
        catalogue_version,
        window: asked.window.text(),
        all: customer.is_none().then(|| Together::of(catalogue, None, measured)),
        customers: customers.into_iter().map(of).collect(),
    }
}

impl EngineHandle {
    /// A target's contractual availability and its window; none if there is no such target on availability any more.
    pub async fn availability(
        &self,
        target: TargetId,
        asked: Asked,
    ) -> Result<Result<Option<Found>, QueryError>, Unanswered> {
        self.ask(|answer| Request::Availability(target, asked, answer)).await
    }
}

impl Engine {
    /// The catalogue in force, with its version.
    pub fn catalogue_version(&self) -> u64 {
        self.in_force.version
    }

    /// A target's contractual availability and its window, however much has to be derived for it; none if there is no such
    /// target on availability any more. `newest` is the instant of the newest snapshot.
    pub fn availability(
        &mut self,
        id: &TargetId,
        asked: Asked,
        newest: Instant,
        now: Instant,
    ) -> Result<Option<Found>, QueryError> {
        self.availability_for(id, asked, newest, now, None)
    }

    /// The same where others wait: about as much is derived as at a tick.
    pub fn availability_in_turn(
        &mut self,
        id: &TargetId,
        asked: Asked,
        newest: Instant,
        now: Instant,
    ) -> Result<Option<Found>, QueryError> {
        self.availability_for(id, asked, newest, now, Some(self.observations_at_once))
    }

    fn availability_for(
        &mut self,
        id: &TargetId,
        asked: Asked,
        newest: Instant,
        now: Instant,
        allowance: Option<usize>,
    ) -> Result<Option<Found>, QueryError> {
        let Asked { window, at, as_of } = asked;
        if as_of > now {
            return Err(QueryError::Future { asked: as_of, now });
        }
        if as_of > newest {
            self.drop_touched()?;
        }
        let catalogue = self.catalogue();
        let service = catalogue.targets.get(id).and_then(|target| catalogue.services.get(&target.service));
        let Some(service) = service else { return Ok(None) };
        let window = Window::holding(window, &service.time_zone, at, as_of);
        let Some(target) = self.in_force.courses.target(id, &window) else { return Ok(None) };
        let start = span_of(&[window], self.entry(&service.id), as_of).start;
        let span = Interval::new(start, window.elapsed().end.max(start));
        let seen = self.see_within(service, span, as_of, allowance)?;
        let figures = self.figures_of(service, &(target, window), &seen);
        Ok(figures.map(|figures| (window, figures.availability)))
    }
}
