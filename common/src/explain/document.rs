//! An explanation as people and programs get it: the keys of `uphold-explanation/1`.
//!
//! Instants and lengths are whole milliseconds, as in the figures. Whatever was left out is counted beside what is listed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::model::{AvailabilityPromise, DegradedPolicy, Service, Target, UnmeasuredPolicy};
use crate::ids::{Id, TargetId};
use crate::measure::availability::{Availability, Verdict};
use crate::measure::figures::{RULES_VERSION, WindowBlock, time_zone_data};
use crate::measure::target::{Figure, TargetFigures};
use crate::measure::window::Window;
use crate::percent::Ratio;
use crate::time::Instant;

use super::capacity::CapacityMade;
use super::quality::Quality;
use super::records::Records;
use super::response::ResponseMade;
use super::stretches::{LeftOut, Stretch, Sums};

/// The name and version of this form.
pub const SCHEMA: &str = "uphold-explanation/1";

/// What a figure of a target is made of: exactly one of `availability`, `response` and `capacity` is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The name and version of this form.
    #[schema(pattern = "^uphold-explanation/1$")]
    pub schema: String,
    /// The version of the rules of measurement.
    pub rules_version: u32,
    /// The release of the time zone data.
    pub time_zone_data: String,
    /// The instant the figure was taken at.
    pub as_of_ms: Instant,
    /// The service.
    pub service: Id,
    /// The target.
    pub target: TargetId,
    /// The version of the catalogue.
    pub catalogue_version: u64,
    /// The zone in which the service's days are counted.
    pub time_zone: String,
    window: WindowBlock,
    /// The service's entry into the catalogue: before it nothing was agreed.
    pub entry_ms: Instant,
    /// The calendar that says what is agreed; null: always.
    pub calendar: Option<Id>,
    /// From when on observations and readings are kept one by one; null: as long as there are any.
    pub rows_from_ms: Option<Instant>,
    /// What an availability is made of.
    pub availability: Option<Box<AvailabilityMade>>,
    /// What a response time is made of.
    pub response: Option<Box<ResponseMade>>,
    /// What the use of a resource is made of.
    pub capacity: Option<Box<CapacityMade>>,
    /// How good the measurement was, as the agents behind it told.
    pub quality: Quality,
}

/// Of what an explanation is.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The service.
    pub service: &'a Service,
    /// The version of the catalogue that says so.
    pub catalogue_version: u64,
    /// The target.
    pub target: &'a Target,
    /// In which window.
    pub window: Window,
    /// Whether confirmation can still change it.
    pub settled: bool,
    /// The service's entry into the catalogue.
    pub entry: Instant,
    /// From when on rows are kept.
    pub rows_from: Option<Instant>,
}

impl Explanation {
    /// An explanation that does not say anything yet.
    pub fn about(about: &About<'_>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            rules_version: RULES_VERSION,
            time_zone_data: time_zone_data().to_owned(),
            as_of_ms: about.window.as_of,
            service: about.service.id.clone(),
            target: about.target.id.clone(),
            catalogue_version: about.catalogue_version,
            time_zone: about.service.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            window: WindowBlock::of(&about.window, about.settled, about.entry),
            entry_ms: about.entry,
            calendar: about.target.agreed_in(about.service).map(|calendar| calendar.id.clone()),
            rows_from_ms: about.rows_from,
            availability: None,
            response: None,
            capacity: None,
            quality: Quality::default(),
        }
    }

    /// What of it does not add up; nothing, as long as all is well.
    pub fn broken(&self) -> Vec<String> {
        let availability = self.availability.iter().flat_map(|made| made.broken());
        let response = self.response.iter().filter_map(|made| made.broken());
        let capacity = self.capacity.iter().filter_map(|made| made.broken());
        availability.chain(response).chain(capacity).collect()
    }
}

/// One of the three figures of a target on availability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhichFigure {
    /// The one that counts.
    #[default]
    Contractual,
    /// The one had nothing been excluded.
    WithoutExclusions,
    /// The one over the whole agreed service time.
    Experienced,
}

impl WhichFigure {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 3] = [
        ("contractual", Self::Contractual),
        ("without_exclusions", Self::WithoutExclusions),
        ("experienced", Self::Experienced),
    ];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contractual => "contractual",
            Self::WithoutExclusions => "without_exclusions",
            Self::Experienced => "experienced",
        }
    }

    /// That one of the three.
    pub fn of(self, figures: &TargetFigures) -> &Figure {
        match self {
            Self::Contractual => &figures.contractual,
            Self::WithoutExclusions => &figures.without_exclusions,
            Self::Experienced => &figures.experienced,
        }
    }
}

/// What an availability is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AvailabilityMade {
    /// Which of the three figures.
    pub figure: WhichFigure,
    /// How the figure comes of its kinds of time.
    pub reckoning: Reckoning,
    /// The maintenance that was applied; empty in the experienced figure.
    pub maintenances: Records,
    /// The exclusions that were applied; in the contractual figure only.
    pub exclusions: Records,
    /// The stretches, in order and without holes.
    pub stretches: Vec<Stretch>,
    /// What is not listed.
    pub left_out: LeftOut,
    /// How all of it adds up.
    pub sums: Sums,
}

/// What becomes of a kind of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// It is neither uptime nor downtime.
    Exclude,
    /// It is lost.
    CountAsDown,
    /// It is not lost.
    CountAsUp,
}

/// How a figure comes of its kinds of time; lengths are named as in the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(non_snake_case, reason = "the names of the rules stand here as they do in the figures")]
pub struct Reckoning {
    /// Committed time.
    pub C: i64,
    /// Of it, not measured.
    pub U: i64,
    /// Of it, down.
    pub D: i64,
    /// Of it, degraded.
    pub G: i64,
    /// What counts.
    pub N: i64,
    /// Of it, lost.
    pub L: i64,
    /// `(N - L) / N`, exactly.
    pub A: Option<String>,
    /// The same, printed.
    pub A_percent: Option<String>,
    /// What was promised.
    pub target_ppb: i64,
    /// What becomes of time that was not measured.
    pub unmeasured: Policy,
    /// What becomes of degraded time.
    pub degraded: Policy,
    /// Whether the promise was kept.
    pub verdict: Verdict,
    /// Whether what was not measured could change that.
    pub not_proven: bool,
}

impl Reckoning {
    /// How a promise was held against an account.
    pub fn of(promise: &AvailabilityPromise, availability: &Availability) -> Self {
        Self {
            C: availability.committed,
            U: availability.unmeasured,
            D: availability.down,
            G: availability.degraded,
            N: availability.counted,
            L: availability.lost,
            A: availability.ratio.map(|ratio: Ratio| ratio.to_string()),
            A_percent: availability.ratio.map(|ratio| ratio.percent(promise.share.decimals())),
            target_ppb: promise.share.parts(),
            unmeasured: match promise.unmeasured {
                UnmeasuredPolicy::Exclude => Policy::Exclude,
                UnmeasuredPolicy::CountAsDown => Policy::CountAsDown,
                UnmeasuredPolicy::CountAsUp => Policy::CountAsUp,
            },
            degraded: match promise.degraded {
                DegradedPolicy::CountAsDown => Policy::CountAsDown,
                DegradedPolicy::CountAsUp => Policy::CountAsUp,
            },
            verdict: availability.verdict,
            not_proven: availability.not_proven,
        }
    }
}

impl AvailabilityMade {
    /// What of it does not add up.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = super::stretches::broken(self);
        let kinds = &self.sums.figure;
        for (what, records, ms) in
            [("maintenance", &self.maintenances, kinds.maintenance), ("exclusions", &self.exclusions, kinds.excluded)]
        {
            broken.extend(records.broken(what));
            if records.counted_ms() != ms {
                broken.push(format!("{what} on record counted {} ms, and {ms} ms in the figure", records.counted_ms()));
            }
        }
        let Reckoning { C, U, D, G, .. } = self.reckoning;
        if (kinds.committed(), kinds.unmeasured, kinds.down, kinds.degraded) != (C, U, D, G) {
            broken.push("the figure is not reckoned from the kinds of time that are listed".to_owned());
        }
        broken
    }
}
