//! What the tests share: an independent reference of the rules, the scenario language, a harness for processes.
//!
//! | module | what it is for |
//! |---|---|
//! | [`mod@reference`] | the rules of measurement once more, naively, to compare with |
//! | [`scenario`] | text files that anybody can read, evaluated by any [`scenario::Measurer`] |
//! | [`bench`] | the load of a real estate, and what it costs, beside a peer |
//! | [`flood`] | thousands of connections that mean no good, beside agents that behave |
//! | [`process`] | the programs themselves, and the servers around them, started and always ended |
//!
//! Nothing here is part of a program: a failed expectation may panic, and says what was expected.

#![expect(clippy::expect_used, reason = "what a scenario names was resolved when it was read")]
#![expect(clippy::missing_panics_doc, reason = "a date that cannot be written is a mistake in the test, which fails")]
#![expect(clippy::cast_possible_wrap, reason = "the reference counts small windows, tick by tick")]
#![expect(clippy::format_push_string, reason = "messages of tests are built once, where they are read")]

pub mod bench;
pub mod flood;
pub mod process;
pub mod reference;
pub mod scenario;
