//! Figures at any instant: what the API and the reports ask for.

use std::sync::Arc;

use uphold_common::catalogue::model::{Service, WindowKind};
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::figures::{Figures, Measured};
use uphold_common::measure::window::{ROLLING_MS_MAX, Window};
use uphold_common::time::{Instant, Interval};
use uphold_common::yaml::words::did_you_mean;

use super::Engine;
use super::alerts::looks_back_to;
use super::measure::{InWindow, Over as Asked, span_of};
use super::sight::Seen;
use super::told::WithTimelines;
use crate::store::{Hours, StoreError, StreamId};

/// Which figures are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiguresQuery {
    /// Of which service.
    pub service: Id,
    /// Over which kind of window; none: each target's own.
    pub window: Option<WindowKind>,
    /// The window that holds this instant; none: the one that holds `as_of`.
    pub at: Option<Instant>,
    /// What the present is taken to be; none: the instant of the newest snapshot.
    pub as_of: Option<Instant>,
    /// Whether the timelines that they were taken from are asked for as well.
    pub timelines: bool,
}

/// What is said of the windows when a word is none of them.
pub const WINDOWS: &str = "day, week, month, quarter, year, or a length such as 30d or 24h";

/// Over what figures are asked for, as it was asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Over {
    /// Over which kind of window.
    pub window: Option<WindowKind>,
    /// The window that holds this instant.
    pub at: Option<Instant>,
    /// Over a stretch that begins here.
    pub from: Option<Instant>,
    /// And ends here.
    pub to: Option<Instant>,
}

/// Why what was asked for is no stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStretch {
    /// One of its ends is missing.
    #[error("a stretch has both ends: from and to go together")]
    OneEnd,
    /// It is something else as well.
    #[error("a stretch is a window of its own: from and to go without window and at")]
    WindowToo,
    /// It ends before it has begun.
    #[error("from has to lie before to, by at most ten years")]
    Length,
}

impl Over {
    /// The query for a service over this.
    pub fn query(self, service: Id, as_of: Option<Instant>, timelines: bool) -> Result<FiguresQuery, BadStretch> {
        Ok(FiguresQuery { service, window: self.window()?, at: self.at, as_of, timelines })
    }

    /// The kind of window that this comes to, if any was asked for.
    pub fn window(self) -> Result<Option<WindowKind>, BadStretch> {
        let Self { window, at, from, to } = self;
        match (from, to) {
            (None, None) => Ok(window),
            (Some(_), None) | (None, Some(_)) => Err(BadStretch::OneEnd),
            (Some(_), Some(_)) if window.is_some() || at.is_some() => Err(BadStretch::WindowToo),
            (Some(start), Some(end)) => {
                let sound = (1..=ROLLING_MS_MAX).contains(&end.since_ms(start));
                sound.then_some(WindowKind::Stretch { start, end }).ok_or(BadStretch::Length).map(Some)
            }
        }
    }
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no such service.
    #[error("there is no service {service}{hint}")]
    NoService {
        /// What was asked for.
        service: Id,
        /// The nearest that there is, as a phrase.
        hint: String,
    },
    /// The service has no such target.
    #[error("{service} has no target {target}{hint}; its targets are: {known}")]
    NoTarget {
        /// The service.
        service: Id,
        /// What was asked for.
        target: TargetId,
        /// The nearest that it has, as a phrase.
        hint: String,
        /// All that it has.
        known: String,
    },
    /// The instant lies in the future.
    #[error("{asked} lies in the future: it is {now}")]
    Future {
        /// The instant.
        asked: Instant,
        /// The present.
        now: Instant,
    },
    /// So much of it has to be derived first that others would wait; asking again goes on.
    #[error("the history that this takes is still being read; ask again")]
    Deriving,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The figures have no form in JSON.
    #[error("the figures could not be written: {0}")]
    Write(#[from] serde_json::Error),
}

impl Engine {
    /// The roll-ups of the hours of a stream that begin in `span`.
    pub fn rollups(&self, of: &StreamId, span: Interval) -> Result<Hours, StoreError> {
        self.store.rollups(of, span)
    }

    /// What was ever measured of a host and is still known: resources, then flows, each in order.
    pub fn measured(&self, host: &Id) -> Vec<StreamId> {
        let of_it = |other: &Id| other == host;
        let resources = self.store.latest_readings(&of_it).into_iter().map(|(of, _)| of);
        let flows = self.store.latest_volumes(&of_it).into_iter().map(|(of, _)| of);
        let mut all: Vec<StreamId> = resources.map(StreamId::Capacity).chain(flows.map(StreamId::Volume)).collect();
        all.sort();
        all
    }

    /// The figures asked for, in JSON, however much has to be derived for them: for whoever makes nobody wait. `newest` is the
    /// instant of the newest snapshot.
    pub fn figures(&mut self, query: &FiguresQuery, newest: Instant, now: Instant) -> Result<Vec<u8>, QueryError> {
        self.figures_for(query, newest, now, None)
    }

    /// The same where others wait: about as much is derived as at a tick, and what is kept of it is not derived again.
    pub fn figures_in_turn(
        &mut self,
        query: &FiguresQuery,
        newest: Instant,
        now: Instant,
    ) -> Result<Vec<u8>, QueryError> {
        self.figures_for(query, newest, now, Some(self.observations_at_once))
    }

    fn figures_for(
        &mut self,
        query: &FiguresQuery,
        newest: Instant,
        now: Instant,
        allowance: Option<usize>,
    ) -> Result<Vec<u8>, QueryError> {
        let courses = Arc::clone(&self.in_force.courses);
        let service = self.ever(&query.service)?;
        let course = courses.service(&query.service).ok_or_else(|| self.none_such(&query.service))?;
        let as_of = query.as_of.unwrap_or(newest);
        if as_of > now {
            return Err(QueryError::Future { asked: as_of, now });
        }
        // The snapshot knows nothing of what came after it, and what is kept for the next one does not yet either.
        if as_of > newest {
            self.drop_touched()?;
        }
        let over = Asked { kind: query.window, at: query.at.unwrap_or(as_of), as_of };
        let targets = self.ever_in_windows(&service, over);
        let (span, seen_from) = self.looked_at(&service, &targets, over);
        let seen = self.see_within(&service, Interval::new(seen_from, span.end), as_of, allowance)?;
        let figures: Vec<_> = targets.iter().map(|one| self.figures_of(&service, one, &seen)).collect();
        let alerts = self.alerts(&service, &targets, &seen)?;
        let used = self.capacity_figures(&service, &targets)?;
        let answered = self.response_figures(&service, &targets)?;
        let availability = targets.iter().zip(&figures).filter_map(|((target, _), figures)| {
            let alerts = alerts.get(&target.id).map_or(&[][..], Vec::as_slice);
            Some(Measured::Availability { target, figures: figures.as_ref()?, seen: &seen.service, alerts })
        });
        let capacity = used.iter().map(|(target, figures)| Measured::Capacity { target, figures });
        let response = answered.iter().map(|(target, figures)| Measured::Response { target, figures });
        let measured: Vec<Measured<'_>> = availability.chain(capacity).chain(response).collect();
        let document = Figures::of((&service, course), courses.version_at(as_of), as_of, &measured);
        if !query.timelines {
            return Ok(serde_json::to_vec(&document)?);
        }
        let timelines = self.timelines_of(&service, &seen, span, as_of)?;
        Ok(serde_json::to_vec(&WithTimelines { figures: &document, timelines: &timelines })?)
    }

    /// A service of the catalogue, or as it was last in it.
    pub(super) fn ever(&self, id: &Id) -> Result<Arc<Service>, QueryError> {
        let present = self.in_force.catalogue.services.get(id).map(|service| Arc::new(service.clone()));
        let gone = || Some(Arc::clone(&self.course(id)?.newest()?.service));
        present.or_else(gone).ok_or_else(|| self.none_such(id))
    }

    pub(super) fn none_such(&self, asked: &Id) -> QueryError {
        let hint = did_you_mean(asked.as_str(), self.in_force.catalogue.services.keys().map(Id::as_str));
        QueryError::NoService { service: asked.clone(), hint }
    }

    /// The part of the targets' windows that was measured, and from when on the service must be seen for it and the alerts.
    fn looked_at(&self, service: &Service, targets: &[InWindow], over: Asked) -> (Interval, Instant) {
        let Asked { kind, at, as_of } = over;
        let entry = self.entry(&service.id);
        // Where no target is counted, what was asked for still says over which time the timelines are wanted.
        let asked = kind.map(|kind| Window::holding(kind, &service.time_zone, at, as_of));
        let spanned: Vec<Window> = targets.iter().map(|(_, window)| *window).chain(asked).collect();
        // What came after the last of the windows has no part in it, and may be years.
        let start = span_of(&spanned, entry, as_of).start;
        let end = spanned.iter().map(|window| window.elapsed().end).max().unwrap_or(as_of);
        let span = Interval::new(start, end.max(start));
        let looked_back = targets.iter().map(|one| looks_back_to(service, one)).min().unwrap_or(as_of);
        (span, span.start.min(looked_back.max(entry)))
    }

    /// What was seen of a service, unless more than the allowance has to be derived for it.
    pub(super) fn see_within(
        &mut self,
        service: &Service,
        span: Interval,
        as_of: Instant,
        allowance: Option<usize>,
    ) -> Result<Seen, QueryError> {
        if let Some(mut allowance) = allowance
            && !self.prepare_all(service, span, &mut allowance)?
        {
            return Err(QueryError::Deriving);
        }
        Ok(self.see(service, span, as_of)?)
    }
}
