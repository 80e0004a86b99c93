//! Figures at any instant: what the API and the reports ask for.

use uphold_common::catalogue::model::{Catalogue, Service, WindowKind};
use uphold_common::ids::Id;
use uphold_common::measure::figures::{Figures, Measured};
use uphold_common::measure::window::{ROLLING_MS_MAX, Window};
use uphold_common::time::{Instant, Interval};
use uphold_common::yaml::words::did_you_mean;

use super::Engine;
use super::alerts::{InWindow, looks_back_to};
use super::measure::{figures, span_of};
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
        let catalogue = self.catalogue();
        let service = service_of(&catalogue, &query.service)?;
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
        let span = elapsed_of(&spanned, entry, as_of);
        let in_windows: Vec<InWindow<'_>> =
            targets.iter().zip(&windows).map(|((target, promise), window)| (target, *promise, *window)).collect();
        let looked_back = in_windows.iter().map(|one| looks_back_to(service, *one)).min().unwrap_or(as_of);
        let seen_from = span.start.min(looked_back.max(entry));
        let seen = self.see_within(service, Interval::new(seen_from, span.end), as_of, allowance)?;
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

    /// What was seen of a service, unless more than the allowance has to be derived for it.
    fn see_within(
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

fn service_of<'c>(catalogue: &'c Catalogue, asked: &Id) -> Result<&'c Service, QueryError> {
    catalogue.services.get(asked).ok_or_else(|| {
        let hint = did_you_mean(asked.as_str(), catalogue.services.keys().map(Id::as_str));
        QueryError::NoService { service: asked.clone(), hint }
    })
}

/// The span that holds the elapsed parts of all `windows`. What came after the last of them has no part in it, and may be
/// years.
fn elapsed_of(windows: &[Window], entry: Instant, as_of: Instant) -> Interval {
    let start = span_of(windows, entry, as_of).start;
    let end = windows.iter().map(|window| window.elapsed().end).max().unwrap_or(as_of);
    Interval::new(start, end.max(start))
}
