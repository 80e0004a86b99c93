//! From observations to states, from states to figures: the rules of measurement, as pure functions.
//!
//! | step | room | in → out |
//! |---|---|---|
//! | rule | [`law`] | the versions of the catalogue → by which rules a vantage point's observations become states |
//! | confirm | [`vantage`] | the observations of one vantage point → its timeline |
//! | go on | [`tail`] | the same, as further observations arrive |
//! | agree | [`probe`] | the timelines of a probe's vantage points → the probe's timeline |
//! | depend | [`service`] | the timelines of a service's probes, through its expression → its timeline, and who lost the time |
//! | window | [`window`] | a kind of window, a zone, an instant → the interval |
//! | hours | [`agreed`] | a calendar, a span → the agreed service time |
//! | commit | [`committed`] | the agreed time, maintenance, exclusions → what is committed, for the three figures |
//! | account | [`kinds`] | states × committed time → stretches of the seven kinds, which add up |
//! | judge | [`availability`], [`breaks`] | the account × the target → ratios, verdicts, budget |
//! | answer | [`response`] | observations × committed time → a percentile or a share, a verdict |
//! | burn | [`burn`] | look-backs × the target → how fast the budget burns, and whether to alert |
//! | give back | [`credit`] | a closed window's availability × steps → a credit |
//! | use | [`capacity`] | readings of a resource × committed time → levels, a percentile, a state |
//! | together | [`target`] | one target in one window: all of the above |
//! | add up | [`weighted`] | several services × their users → one availability |
//! | show | [`figures`], `blocks`, `told` | everything, in the keys of the figures' contract |
//!
//! Nothing here knows the present: `as_of` is an argument, and observations at or after it are the caller's to leave
//! out. The same facts give the same figures, whatever the order in which they arrived.

pub mod agreed;
pub mod availability;
mod blocks;
pub mod breaks;
pub mod burn;
pub mod capacity;
pub mod committed;
pub mod credit;
mod evaluation;
pub mod figures;
pub mod kinds;
pub mod law;
pub mod probe;
pub mod response;
pub mod service;
pub mod tail;
pub mod target;
pub mod timeline;
mod told;
pub mod vantage;
pub mod weighted;
pub mod window;
