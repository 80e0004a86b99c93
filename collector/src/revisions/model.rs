//! A revision: what was measured of a window, as what, when, and why it was issued.

use serde::{Deserialize, Serialize};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::diff::Changed;
use super::headline::Headline;

/// Most vantage points and resources that a revision names.
pub const NAMED_MAX: usize = 8;
/// Most records that a revision names.
pub const RECORDS_NAMED_MAX: usize = 32;

/// A revision of the figures of one target in one closed window. It is never changed once it is issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// The service.
    pub service: Id,
    /// The target.
    pub target: TargetId,
    /// The window.
    pub window: RevisedWindow,
    /// Which revision of it this is, counted from 1.
    pub number: u32,
    /// When it was issued.
    pub issued_at_ms: Instant,
    /// What the present was taken to be: the instant at which the window had settled.
    pub as_of_ms: Instant,
    /// The version of the catalogue.
    pub catalogue_version: u64,
    /// The version of the rules of measurement.
    pub rules_version: u32,
    /// The release of the time zone data.
    pub time_zone_data: String,
    /// The SHA-256 of the target's block in the figures, as compact JSON with its keys in order and `alerts` empty; 64
    /// hexadecimal digits.
    pub sha256: String,
    /// The form of the figures that it is made from: keys that came with a later one are left out.
    #[serde(default = "first_form")]
    pub form: u32,
    /// The figures that matter.
    pub headline: Headline,
    /// Why it was issued.
    pub why: Why,
    /// What changed since the revision before; nothing in the first.
    pub changes: Vec<Changed>,
    /// How many changes beyond these are not listed.
    pub changes_left_out: u64,
}

/// A window that has closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevisedWindow {
    /// Its kind: `day`, `week`, `month`, `quarter` or `year`.
    pub kind: String,
    /// Its first instant.
    pub start_ms: Instant,
    /// The first instant after it.
    pub end_ms: Instant,
}

/// Why a revision was issued: everything that touched the window since the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// The window had settled: this is its first revision, or the one before was issued while a clock was ahead of it.
    pub settled: bool,
    /// Data that came after the revision before.
    pub late_data: Option<LateData>,
    /// What people put on record since.
    pub records: Vec<RecordDone>,
    /// How many of these are not named.
    pub records_left_out: u64,
    /// The version of the catalogue that measures the window otherwise.
    pub catalogue_version: Option<u64>,
    /// It was found when the collector started, whatever else is known.
    pub found_at_start: bool,
}

/// Data that came late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LateData {
    /// The earliest instant of it.
    pub from_ms: Instant,
    /// Just after the latest.
    pub to_ms: Instant,
    /// Whose it is, some of them: vantage points, `service/probe agent`, and resources, `host resource which`.
    pub of: Vec<String>,
    /// How many they are in all; of very many, at least so many.
    pub of_count: u64,
}

/// What was done to a governed record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordDone {
    /// Its sort: `maintenance` or `exclusion`.
    pub sort: String,
    /// Its id.
    pub id: Id,
    /// Whether it was revoked; else it was added.
    pub revoked: bool,
}

impl Why {
    /// Every word that [`Self::word`] gives.
    pub const WORDS: [&'static str; 5] = ["settled", "late_data", "record", "catalogue", "start"];

    /// That the window had settled.
    pub fn settled() -> Self {
        Self { settled: true, ..Self::default() }
    }

    /// The word for the first reason that applies.
    pub const fn word(&self) -> &'static str {
        match self {
            Self { settled: true, .. } => "settled",
            Self { late_data: Some(_), .. } => "late_data",
            Self { records, .. } if !records.is_empty() => "record",
            Self { catalogue_version: Some(_), .. } => "catalogue",
            _ => "start",
        }
    }
}

const fn first_form() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_that_applies_gives_the_word() {
        let late = LateData { from_ms: Instant::MIN, to_ms: Instant::MAX, of: Vec::new(), of_count: 0 };
        let record = RecordDone { sort: "exclusion".to_owned(), id: Id::own(), revoked: false };
        let all = Why {
            settled: true,
            late_data: Some(late),
            records: vec![record],
            records_left_out: 0,
            catalogue_version: Some(2),
            found_at_start: true,
        };
        let without_settled = Why { settled: false, ..all.clone() };
        let without_late = Why { late_data: None, ..without_settled.clone() };
        let without_records = Why { records: Vec::new(), ..without_late.clone() };
        let nothing = Why { catalogue_version: None, ..without_records.clone() };
        let words = [all, without_settled, without_late, without_records, nothing].map(|why| why.word());
        assert_eq!(words, Why::WORDS);
    }
}
