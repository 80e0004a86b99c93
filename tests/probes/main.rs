//! Probes against real servers, well and broken.
//!
//! Every test starts its own server, in a folder of its own and on the loopback address. Nothing asserts how quick anything
//! is; a deadline is only ever reached by a server that is made to hang.
//!
//! | module | what it proves |
//! |---|---|
//! | `jobs` | plugins, an exporter and jobs, as an agent sees them that was assigned them |

#![expect(clippy::unwrap_used, reason = "what a test of real processes cannot do, fails it")]

mod jobs;
