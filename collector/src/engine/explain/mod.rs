//! What a figure is made of, at any instant: the facts are fetched here, `uphold_common::explain` lists what is behind them.
//!
//! | file | what it fetches |
//! |---|---|
//! | `evidence` | the observations behind the stretches of an availability |
//! | `used` | the observations of a response time, the readings of a capacity |
//! | `sound` | nothing more: it holds what is listed against the figures that are given out |
//!
//! Figures come from where they always come from; nothing is measured here a second time. What is listed is bounded there,
//! and what is read for it here.

mod evidence;
mod sound;
mod used;

use std::collections::BTreeSet;
use std::sync::Arc;

use uphold_common::catalogue::model::{AvailabilityPromise, Promise, Service};
use uphold_common::explain::document::{About, AvailabilityMade, Explanation, WhichFigure};
use uphold_common::explain::records::{self, Looked};
use uphold_common::ids::{Id, ProbeId, TargetId};
use uphold_common::measure::capacity::since_entry;
use uphold_common::measure::target::{TargetFigures, settling_ms};
use uphold_common::time::{Instant, Interval};
use uphold_common::yaml::words::did_you_mean;

use super::Engine;
use super::handle::{EngineHandle, Request, Unanswered};
use super::measure::{InWindow, Over, span_of};
use super::query::{FiguresQuery, QueryError};
use crate::retention::start_of;

/// Of which figure it is asked what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainQuery {
    /// Of which service, over what.
    pub figures: FiguresQuery,
    /// Of which target.
    pub target: TargetId,
    /// Which of its three figures, if it is on availability.
    pub which: WhichFigure,
}

/// Whether what is behind the stretches of an availability is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The stretches alone.
    None,
    /// And the probes, vantage points and observations behind them.
    Listed,
}

impl EngineHandle {
    /// What a figure is made of, in JSON.
    pub async fn explain(&self, query: ExplainQuery) -> Result<Result<Vec<u8>, QueryError>, Unanswered> {
        self.ask(|answer| Request::Explain(Box::new(query), answer)).await
    }
}

impl Engine {
    /// What a figure is made of, in JSON. `newest` is the instant of the newest snapshot.
    pub fn explain(&mut self, query: &ExplainQuery, newest: Instant, now: Instant) -> Result<Vec<u8>, QueryError> {
        Ok(serde_json::to_vec(&self.explained(query, newest, now, Evidence::Listed)?)?)
    }

    /// What a figure is made of.
    pub(super) fn explained(
        &mut self,
        query: &ExplainQuery,
        newest: Instant,
        now: Instant,
        evidence: Evidence,
    ) -> Result<Explanation, QueryError> {
        let asked = &query.figures;
        let as_of = asked.as_of.unwrap_or(newest);
        if as_of > now {
            return Err(QueryError::Future { asked: as_of, now });
        }
        if as_of > newest {
            self.drop_touched()?;
        }
        let service = &*self.ever(&asked.service)?;
        let over = Over { kind: asked.window, at: asked.at.unwrap_or(as_of), as_of };
        let (target, window) = self.target_of(service, &query.target, over)?;
        let courses = Arc::clone(&self.in_force.courses);
        let course = courses.service(&service.id).ok_or_else(|| self.none_such(&service.id))?;
        let about = About {
            service,
            catalogue_version: courses.version_at(as_of),
            target: &target,
            window,
            settled: window.is_settled(settling_ms(course, &window)),
            entry: self.entry(&service.id),
            rows_from: self.store.raw_from().map(start_of),
        };
        let mut explanation = Explanation::about(&about);
        match &target.promise {
            Promise::Availability(promise) => {
                let made = self.availability_made(&about, *promise, query.which, evidence)?;
                explanation.availability = Some(Box::new(made));
            }
            Promise::Response(promise) => {
                explanation.response = self.response_made(&about, promise)?.map(Box::new);
            }
            Promise::Capacity(promise) => {
                explanation.capacity = Some(Box::new(self.capacity_made(&about, promise)?));
            }
        }
        if evidence == Evidence::Listed {
            explanation.quality = self.quality(&self.agents_behind(&about), since_entry(about.entry, &window))?;
        }
        Ok(explanation)
    }

    /// The agents that observe what a figure is made of.
    fn agents_behind(&self, about: &About<'_>) -> BTreeSet<Id> {
        let span = since_entry(about.entry, &about.window);
        let courses = &self.in_force.courses;
        let versions = courses.service(&about.service.id).into_iter().flat_map(|course| course.within(span));
        let probes = versions.flat_map(|(_, piece)| piece.service.looks_at());
        match &about.target.promise {
            Promise::Availability(_) => probes.flat_map(|probe| probe.agents.iter().cloned()).collect(),
            Promise::Response(promise) => {
                let asked = ProbeId::new(about.service.id.clone(), promise.probe.clone());
                let of_it = probes.filter(|probe| probe.id == asked);
                of_it.flat_map(|probe| probe.agents.iter().cloned()).collect()
            }
            Promise::Capacity(promise) => {
                let host = &promise.resource.host;
                let agent = self.in_force.catalogue.hosts.get(host).map(|host| host.agent.clone());
                agent.or_else(|| self.in_force.assigned.hosts().remove(host)).into_iter().collect()
            }
        }
    }

    /// One of the targets of a service, in the window asked for.
    fn target_of(&self, service: &Service, wanted: &TargetId, over: Over) -> Result<InWindow, QueryError> {
        let of_it = self.ever_in_windows(service, over);
        of_it.iter().find(|(target, _)| target.id == *wanted).cloned().ok_or_else(|| {
            let words: Vec<String> = of_it.iter().map(|(target, _)| target.id.to_string()).collect();
            let hint = did_you_mean(&wanted.to_string(), words.iter().map(String::as_str));
            let known = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
            QueryError::NoTarget { service: service.id.clone(), target: wanted.clone(), hint, known }
        })
    }

    fn availability_made(
        &mut self,
        about: &About<'_>,
        promise: AvailabilityPromise,
        which: WhichFigure,
        evidence: Evidence,
    ) -> Result<AvailabilityMade, QueryError> {
        let About { service, target, window, entry, .. } = *about;
        let committed = self.committed(service, target, &window);
        let start = span_of(&[window], entry, window.as_of).start;
        let span = Interval::new(start, window.elapsed().end.max(start));
        let seen = self.see(service, span, window.as_of)?;
        let courses = Arc::clone(&self.in_force.courses);
        let course = courses.service(&service.id).ok_or_else(|| self.none_such(&service.id))?;
        let figures = TargetFigures::measure(promise, course, window, &committed, &seen.service);
        let cover = match which {
            WhichFigure::Contractual => &committed.contractual,
            WhichFigure::WithoutExclusions => &committed.without_exclusions,
            WhichFigure::Experienced => &committed.experienced,
        };
        let looked = Looked { window: window.interval, until: window.elapsed().end, cover };
        let in_force = self.governed.maintenances().filter(|_| which != WhichFigure::Experienced);
        let maintenances = records::maintenances(in_force, &service.id, target.maintenance, looked);
        let of_target = self.governed.exclusions().filter(|exclusion| exclusion.is_of(&service.id, &target.id));
        let exclusions = records::exclusions(of_target.filter(|_| which == WhichFigure::Contractual), looked);
        let versions = self.in_force.courses.versions_within(figures.account.interval);
        let mut made = AvailabilityMade::of(which, &figures, &seen.service, [maintenances, exclusions], &versions);
        if evidence == Evidence::Listed {
            self.gather(&mut made, &service.id, &seen, span, window.as_of)?;
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests;
