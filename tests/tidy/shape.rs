//! Headers, lengths and names of files: what makes a room pleasant to enter.

use super::source::{File, Tree};

/// The longest file: what can be read in one sitting.
const FILE_LINES_MAX: usize = 400;
/// The longest file of tests: cases side by side are easier to compare.
const TEST_FILE_LINES_MAX: usize = 600;
/// The longest function: what fits on a screen.
const FUNCTION_LINES_MAX: usize = 60;
/// The longest test.
const TEST_FUNCTION_LINES_MAX: usize = 100;

/// File names that say nothing about what is in them.
const IDLE_NAMES: [&str; 7] = ["utils", "util", "helpers", "helper", "errors", "misc", "stuff"];

pub(crate) fn headers(tree: &Tree) -> Vec<String> {
    let bad = tree.rust().filter(|f| !f.text.starts_with("//! "));
    bad.map(|f| {
        format!(
            "{}:1: does not open with `//!`. A file says first what it is for, what it promises, what it must not do",
            f.path
        )
    })
    .collect()
}

pub(crate) fn empty_files(tree: &Tree) -> Vec<String> {
    let bad = tree.files.iter().filter(|f| f.text.trim().is_empty());
    bad.map(|f| format!("{}: is empty. A file with nothing in it is a promise nobody keeps", f.path)).collect()
}

pub(crate) fn file_names(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for file in tree.rust() {
        let stem = file.path.rsplit('/').next().and_then(|n| n.strip_suffix(".rs")).unwrap_or_default();
        if IDLE_NAMES.contains(&stem) {
            refusals
                .push(format!("{}: `{stem}` says nothing of what is inside, so everything ends up there", file.path));
        }
        let version = stem.rsplit_once("_v").map(|(_, v)| v);
        if version.is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit())) {
            refusals
                .push(format!("{}: a second version beside the first. Replace the first; history keeps it", file.path));
        }
    }
    refusals
}

pub(crate) fn file_lengths(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for file in tree.rust() {
        let most = if file.is_test() { TEST_FILE_LINES_MAX } else { FILE_LINES_MAX };
        let lines = file.text.lines().count();
        if lines > most {
            refusals.push(format!(
                "{}: {lines} lines, more than {most}. Where it grows is where it wants to be two",
                file.path
            ));
        }
    }
    refusals
}

pub(crate) fn function_lengths(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for file in tree.rust() {
        let program: Vec<usize> = file.program().into_iter().map(|(number, _)| number).collect();
        for function in functions(file) {
            let tested = program.binary_search(&function.line).is_err();
            let most = if tested { TEST_FUNCTION_LINES_MAX } else { FUNCTION_LINES_MAX };
            if function.lines > most {
                let Function { name, line, lines } = function;
                let path = &file.path;
                refusals.push(format!(
                    "{path}:{line}: `{name}` has {lines} lines, more than {most}. It does more than one thing"
                ));
            }
        }
    }
    refusals
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// The functions with a body: from their `fn` to the closing brace under it, as rustfmt leaves them.
fn functions(file: &File) -> Vec<Function> {
    let code = file.code();
    let mut all = Vec::new();
    for (i, (number, line)) in code.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        // The signature ends where a brace opens the body, or with a semicolon when there is none.
        let signature = code[i..].iter().position(|(_, l)| l.trim_end().ends_with(['{', ';', '}']));
        let Some(opening) = signature.map(|n| i + n).filter(|n| code[*n].1.trim_end().ends_with('{')) else { continue };
        let closes = |l: &str| l.trim_end().len() == indent + 1 && l.trim_end().ends_with('}');
        let body = code[opening..].iter().position(|(_, l)| closes(l)).unwrap_or(0);
        all.push(Function { name, line: *number, lines: opening + body + 1 - i });
    }
    all
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let before = ["pub", "const", "async", "unsafe", "extern", "pub(crate)", "pub(super)"];
    let first = words.find(|w| !before.contains(w) && !w.starts_with("pub("))?;
    let name = words.next().filter(|_| first == "fn")?;
    Some(name.split(['(', '<']).next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(rule: fn(&Tree) -> Vec<String>, path: &str, text: &str) -> bool {
        !rule(&Tree::of(&[(path, text)])).is_empty()
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        assert!(refused(headers, "agent/src/a.rs", "use std::fmt;\n"));
        assert!(refused(headers, "agent/src/a.rs", "//!\n"));
        assert!(!refused(headers, "agent/src/a.rs", "//! What it is for.\n"));
    }

    #[test]
    fn empty_and_idle_files_are_refused() {
        assert!(refused(empty_files, "config/a.yaml", "\n"));
        for name in ["utils", "helpers", "errors", "store_v2"] {
            assert!(refused(file_names, &format!("agent/src/{name}.rs"), "//! x"), "{name}");
        }
        assert!(!refused(file_names, "agent/src/resolve_via.rs", "//! x"));
    }

    #[test]
    fn long_files_are_refused() {
        let lines = |n: usize| "//! x\n".repeat(n);
        assert!(refused(file_lengths, "agent/src/a.rs", &lines(401)));
        assert!(!refused(file_lengths, "agent/src/a.rs", &lines(400)));
        let declared = ("agent/src/lib.rs", "#[cfg(test)]\nmod a_tests;");
        assert!(file_lengths(&Tree::of(&[declared, ("agent/src/a_tests.rs", &lines(600))])).is_empty());
        assert!(refused(file_lengths, "agent/src/a_tests.rs", &lines(600)));
        assert!(refused(file_lengths, "tests/a.rs", &lines(601)));
    }

    #[test]
    fn long_functions_are_refused() {
        let function = |n: usize| {
            format!(
                "impl A {{\n    pub(crate) async fn a(\n        b: u8,\n    ) {{\n{}    }}\n}}\n",
                "        b();\n".repeat(n)
            )
        };
        assert!(refused(function_lengths, "agent/src/a.rs", &function(57)));
        assert!(!refused(function_lengths, "agent/src/a.rs", &function(56)));
        assert!(!refused(function_lengths, "tests/src/a.rs", &function(90)));
        assert!(refused(function_lengths, "tests/src/a.rs", &function(100)));
        let inside = format!("#[cfg(test)]\nmod tests {{\n    fn a() {{\n{}    }}\n}}\n", "        b();\n".repeat(80));
        assert!(!refused(function_lengths, "agent/src/a.rs", &inside));
        assert!(!refused(function_lengths, "agent/src/a.rs", "trait A {\n    fn a(&self);\n    fn b(&self) {}\n}\n"));
    }
}
