//! What a figure is made of (section 14 of the rules), as pure functions: who is given the facts lists what stands behind
//! them, and nothing is measured here a second time.
//!
//! | file | facts in → what is listed |
//! |---|---|
//! | [`document`] | the whole of it, in the keys of `uphold-explanation/1` |
//! | [`stretches`] | an account and its losses → stretches of the seven kinds with their charges, and their sums |
//! | [`records`] | maintenance and exclusions × what was committed → what of each record counted |
//! | [`behind`] | timelines and observations in a stretch → the probes, vantage points and attempts behind it |
//! | [`response`] | the observations of a target on response time → who counted, the rank, the slowest |
//! | [`capacity`] | the readings of a target on capacity → the rank, the highest, the stretches above thresholds |
//! | [`quality`] | what agents told of their own measuring → remarks beside the figure |
//!
//! **What is listed adds up.** The lengths of the stretches that are listed and of those that are left out are, kind by
//! kind, those of the figure; what counted of each record adds up to the maintenance and the exclusions in it; charges add
//! up to the downtime of each stretch; what a vantage point was in a stretch adds up to the stretch.
//! [`document::Explanation::broken`] says where that is not so.
//!
//! **Everything is bounded**, by the numbers below, and says what it leaves out.

pub mod behind;
pub mod capacity;
pub mod document;
pub mod quality;
pub mod records;
pub mod response;
pub mod stretches;

/// Most stretches that are listed; the answer says from when on the others lie.
pub const STRETCHES_MAX: usize = 1_000;
/// Most vantage points, pieces and observations that are listed in a whole answer; what comes after them is left out.
pub const ENTRIES_MAX: usize = 10_000;
/// Most pieces of a vantage point that are listed in a stretch.
pub const PIECES_MAX: usize = 8;
/// Most observations that are listed of the beginning of a piece.
pub const FIRST_MAX: usize = 6;
/// Most observations that are listed of its end.
pub const LAST_MAX: usize = 2;
/// Most maintenances, and most exclusions, that are listed.
pub const RECORDS_MAX: usize = 200;
/// Most records that a stretch names.
pub const NAMED_MAX: usize = 20;
/// Most observations or readings that are listed at the rank of a percentile.
pub const AT_RANK_MAX: usize = 5;
/// Most of the slowest observations, or the highest readings, that are listed.
pub const HIGHEST_MAX: usize = 10;
/// Most remarks of agents that are listed.
pub const REMARKS_MAX: usize = 200;

#[cfg(test)]
mod explain_tests;
#[cfg(test)]
mod listed_tests;
