//! YAML with places: a tree whose every node knows its file, line and column, and a walk that reads it into checked
//! types while collecting **every** problem, each with its place, its key path, what was expected and, where a word is
//! misspelt, the nearest valid one.
//!
//! | file | what it holds |
//! |---|---|
//! | [`problem`] | a problem, the bounded collection of them, and [`problem::Told`], the proof that one was collected |
//! | [`tree`] | text → located tree, bounded in size, depth and nodes |
//! | [`walk`] | a place in the tree, its keys and its items |
//! | [`scalars`] | the typed readers: ids, texts, durations, counts, percentages, instants, URLs, words |
//! | [`declared`] | ids that are declared in one list and referred to in others |
//! | [`words`] | the nearest valid word, and how text from outside is shown |
//!
//! Scalars are their characters: there is no guessing of types, so `no` is a text and a country code, and a number is
//! one because its reader asked for one. Only a plain empty scalar, `~` and `null` mean that nothing is written.
//!
//! ```
//! use uphold_common::yaml::{problem::Read, read_file, walk::At};
//!
//! #[derive(Debug)]
//! struct Listen { address: std::net::SocketAddr, idle_ms: i64 }
//!
//! fn listen(at: &At<'_>) -> Read<Listen> {
//!     at.mapping(|keys| {
//!         // Every key is asked for before the first `?`, so that every problem is found in one run.
//!         let address = keys.required("address", At::socket_address);
//!         let idle_ms = keys.or("idle", 60_000, |at| at.duration_ms(1_000..=3_600_000));
//!         Ok(Listen { address: address?, idle_ms: idle_ms? })
//!     })
//! }
//!
//! assert_eq!(read_file("a.yaml", "address: 127.0.0.1:80", listen).unwrap().idle_ms, 60_000);
//! let problems = read_file("a.yaml", "adress: 127.0.0.1:80\nidle: 30", listen).unwrap_err();
//! assert_eq!(problems.to_string(), "\
//! a.yaml:1:1: the key \"address\" is missing
//! a.yaml:1:1: unknown key \"adress\" (did you mean \"address\"?)
//! a.yaml:2:7: idle: expected a duration such as \"30s\", found \"30\"
//! 3 problems in a.yaml");
//! ```

#[cfg(test)]
pub(crate) mod asked;
pub mod declared;
pub mod problem;
pub mod scalars;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod walk;
pub mod words;

use problem::{Problems, Read, Report};

/// Reads one file whose document is a mapping; an empty file is an empty mapping.
pub fn read_file<T>(name: &str, text: &str, read: impl FnOnce(&walk::At<'_>) -> Read<T>) -> Result<T, Problems> {
    let report = Report::default();
    let value = tree::read(name, text, &report).and_then(|tree| {
        let tree = tree.unwrap_or_else(|| tree::Node::empty_mapping(name));
        read(&walk::At::root(&tree, &report))
    });
    report.finish(value)
}
