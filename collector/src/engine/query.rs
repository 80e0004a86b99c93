//! Figures at any instant: what the API and the reports ask for.

use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::figures::{Figures, Measured};
use uphold_common::measure::window::{ROLLING_MS_MAX, Window};
use uphold_common::time::{Instant, Interval};

use super::Engine;
use super::alerts::{InWindow, looks_back_to};
use super::measure::{figures, span_of};
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
        let Self { window, at, from, to } = self;
        let window = match (from, to) {
            (None, None) => window,
            (Some(_), None) | (None, Some(_)) => return Err(BadStretch::OneEnd),
            (Some(_), Some(_)) if window.is_some() || at.is_some() => return Err(BadStretch::WindowToo),
            (Some(start), Some(end)) => {
                let sound = (1..=ROLLING_MS_MAX).contains(&end.since_ms(start));
                Some(sound.then_some(WindowKind::Stretch { start, end }).ok_or(BadStretch::Length)?)
            }
        };
        Ok(FiguresQuery { service, window, at, as_of, timelines })
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

    /// The figures asked for, in JSON. `newest` is the instant of the newest snapshot.
    pub fn figures(&mut self, query: &FiguresQuery, newest: Instant, now: Instant) -> Result<Vec<u8>, QueryError> {
        let catalogue = self.catalogue();
        let Some(service) = catalogue.services.get(&query.service) else {
            let words = catalogue.services.keys().map(Id::as_str);
            let hint = uphold_common::yaml::words::did_you_mean(query.service.as_str(), words);
            return Err(QueryError::NoService { service: query.service.clone(), hint });
        };
        let as_of = query.as_of.unwrap_or(newest);
        if as_of > now {
            return Err(QueryError::Future { asked: as_of, now });
        }
        // The snapshot knows nothing of what came after it, and what is kept for the next one does not yet either.
        if as_of > newest {
            self.drop_touched()?;
        }
        let entry = self.entry(&service.id);
        let targets = self.availability_of(&service.id);
        let at = query.at.unwrap_or(as_of);
        let window = |kind| Window::holding(query.window.unwrap_or(kind), &service.time_zone, at, as_of);
        let windows: Vec<Window> = targets.iter().map(|(target, _)| window(target.window)).collect();
        // Where no target is counted, what was asked for still says over which time the timelines are wanted.
        let spanned: Vec<Window> = windows.iter().copied().chain(query.window.map(window)).collect();
        // What came after the last of the windows has no part in it, and may be years.
        let start = span_of(&spanned, entry, as_of).start;
        let end = spanned.iter().map(|window| window.elapsed().end).max().unwrap_or(as_of);
        let span = Interval::new(start, end.max(start));
        let in_windows: Vec<InWindow<'_>> =
            targets.iter().zip(&windows).map(|((target, promise), window)| (target, *promise, *window)).collect();
        let looked_back = in_windows.iter().map(|one| looks_back_to(service, *one)).min().unwrap_or(as_of);
        let seen_from = span.start.min(looked_back.max(entry));
        let seen = self.see(service, Interval::new(seen_from, span.end), as_of)?;
        let measured: Vec<_> = targets
            .iter()
            .zip(&windows)
            .map(|((target, promise), window)| {
                let committed = self.committed(service, target, window);
                (target, figures(*promise, service, *window, &committed, &seen))
            })
            .collect();
        let alerts = self.alerts(service, &in_windows, &seen)?;
        let used = self.capacity_figures(service, |target| window(target.window))?;
        let answered = self.response_figures(service, |target| window(target.window))?;
        let availability = measured.iter().map(|(target, figures)| Measured::Availability {
            target: &target.id,
            figures,
            seen: &seen.service,
            consequences: &target.consequences,
            alerts: alerts.get(&target.id).map_or(&[][..], Vec::as_slice),
        });
        let capacity = used.iter().map(|(target, figures)| Measured::Capacity { target, figures });
        let response = answered.iter().map(|(target, figures)| Measured::Response { target, figures });
        let measured: Vec<Measured<'_>> = availability.chain(capacity).chain(response).collect();
        let document = Figures::of(&catalogue, self.in_force.version, service, as_of, &measured);
        if !query.timelines {
            return Ok(serde_json::to_vec(&document)?);
        }
        let timelines = self.timelines_of(service, &seen, span, as_of)?;
        Ok(serde_json::to_vec(&WithTimelines { figures: &document, timelines: &timelines })?)
    }
}
