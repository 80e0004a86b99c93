//! The house rules as a test: what ARCHITECTURE.md promises and a program can see.
//!
//! Each refusal names its place and gives its reason. The scanners know Rust only as rustfmt leaves it, line by line;
//! what they cannot see is for the reader. Each rule is itself tested with a snippet it must refuse.
//!
//! | file | rules |
//! |---|---|
//! | `source` | the files of the tree, without comments, strings and tests |
//! | `declared` | which files are test code, by the declarations that lead to them |
//! | `shape` | headers, lengths, names of files |
//! | `words` | what must not be named, and what only one file may name |
//! | `manifests` | dependencies, their reasons, the edges between crates, lints |
//! | `outside` | metrics and their page of documentation; pages that load nothing |

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

mod declared;
mod manifests;
mod outside;
mod shape;
mod source;
mod words;

use source::Tree;

/// Fails with every refusal.
fn accept(refusals: &[String]) {
    assert!(refusals.is_empty(), "\n{}\n", refusals.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_none_is_empty() {
    let tree = Tree::read();
    accept(&shape::headers(&tree));
    accept(&shape::empty_files(&tree));
    accept(&shape::file_names(&tree));
}

#[test]
fn files_and_functions_are_short() {
    let tree = Tree::read();
    accept(&shape::file_lengths(&tree));
    accept(&shape::function_lengths(&tree));
}

#[test]
fn nothing_forbidden_is_named() {
    let tree = Tree::read();
    accept(&words::forbidden(&tree));
    accept(&words::markers(&tree));
}

#[test]
fn what_one_file_may_name_no_other_does() {
    accept(&words::only_one_file(&Tree::read()));
}

#[test]
fn dependencies_have_reasons_and_go_one_way() {
    let tree = Tree::read();
    accept(&manifests::reasons(&tree));
    accept(&manifests::pinned_once(&tree));
    accept(&manifests::edges(&tree));
    accept(&manifests::used(&tree));
    accept(&manifests::lints(&tree));
}

#[test]
fn every_metric_is_documented() {
    accept(&outside::metrics(&Tree::read()));
}

#[test]
fn pages_load_nothing_from_elsewhere() {
    accept(&outside::pages(&Tree::read()));
}

#[test]
fn the_tree_is_really_read() {
    let tree = Tree::read();
    for path in ["Cargo.toml", "common/src/lib.rs", "tests/tidy/main.rs", ".ci/run"] {
        assert!(tree.files.iter().any(|f| f.path == path), "{path} was not found");
    }
}
