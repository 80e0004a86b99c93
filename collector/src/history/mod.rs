//! History as lines of JSON: what is imported, and what is exported. One line says one row; pure.
//!
//! ```text
//! {"probe":"shop/web","agent":"zurich-1","at":1767225600000,"outcome":"up","duration_us":1234}
//! {"host":"web-1","resource":"filesystem","of":"/var","at":1767225600000,"used":812,"limit":1000}
//! {"host":"web-1","flow":"network_sent","of":"eth0","at":1767225600000,"over_ms":30000,"amount":4096}
//! ```
//!
//! `at` is whole milliseconds since 1970 or RFC 3339. Of an attempt, `cause`, `code` and the phases (`resolve_us`, …) may be
//! said as well. What is null counts as not said.
//!
//! | file | what it does |
//! |---|---|
//! | [`line`] | a line → a row, quickly |
//! | [`told`] | a line that is none → what is wrong with it, in words |
//! | [`known`] | whose rows are taken, and from when to when |
//! | [`sheaf`] | rows in any order → batches, a bounded number of rows at a time |
//! | [`write`](mod@write) | rows → lines |

pub mod known;
pub mod line;
pub mod sheaf;
pub mod told;
pub mod write;

#[cfg(test)]
mod history_tests;
