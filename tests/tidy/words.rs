//! What must not be named, and what only one file may name: the "never" list, as far as words show it.

use super::source::{File, Tree};

/// Words, where they are refused (paths that start so; all if empty), and why.
const FORBIDDEN: [(&[&str], &str, &str); 7] = [
    (
        &["std::fs", "std::env", "std::process", "std::thread", "std::os", "SystemTime", "Instant::now"],
        "common/",
        "common is pure: it reads no clock, file, environment variable or socket, so that the same facts give the same figures",
    ),
    (
        &["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs", "to_socket_addrs", "std::net::*"],
        "common/",
        "common is pure: an address is read as text, never resolved or spoken to",
    ),
    (
        &["Timestamp::now", "Zoned::now", "getrandom", "tokio", "hyper", "reqwest", "axum", "sled::"],
        "common/",
        "common is pure: the daemons are built around it, never into it",
    ),
    (
        &["todo!", "unimplemented!", "dbg!", ".unwrap()"],
        "",
        "nothing unfinished is delivered, and no panic that a byte from outside can reach",
    ),
    (&["env::var", "env::set_var"], "agent/", ENVIRONMENT),
    (&["env::var", "env::set_var"], "collector/", ENVIRONMENT),
    (&["unbounded"], "", "every queue is bounded, and its overflow is a named choice in the config"),
];

const ENVIRONMENT: &str =
    "what a program is told stands on its command line and in its configuration file, where it can be seen and checked";

/// Words that stand for work put off.
const MARKERS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Words that only one file may name: in which crates (each by itself), what, the file's name if it is settled, why.
const ONE_FILE: [(&[&str], &[&str], &str, &str); 5] = [
    (
        &["agent/", "collector/", "tests/src/"],
        &["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now"],
        "",
        "others are handed a clock, so that a test can hold it",
    ),
    (
        &["agent/", "collector/"],
        &["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now"],
        "clock.rs",
        "whoever looks for the clock finds it by its name",
    ),
    (&[""], &["sled::"], "", "the store is a narrow trait; what is behind it can be replaced in one file"),
    (
        &[""],
        &["rmp_serde"],
        "",
        "the bytes we send and keep are written and read in one place, behind its golden tests",
    ),
    (
        &["agent/", "collector/"],
        &["prometheus::"],
        "",
        "one file registers the metrics, so that the list of them is complete",
    ),
];

/// Where the collector may name the agent.
const BUILT_IN: [&str; 2] = ["collector/src/builtin.rs", "collector/src/builtin/"];

pub(crate) fn forbidden(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for file in tree.rust() {
        for (number, line) in file.program() {
            let named = |words: &[&'static str]| words.iter().copied().find(|w| line.contains(w));
            for (words, place, reason) in FORBIDDEN.iter().filter(|(_, place, _)| file.path.starts_with(place)) {
                if let Some(word) = named(words).or_else(|| grouped(words, &line)) {
                    let place = if place.is_empty() { "the programs" } else { place };
                    refusals.push(format!("{}:{number}: `{word}` is not for {place}: {reason}", file.path));
                }
            }
            let may = !file.path.starts_with("collector/") || BUILT_IN.iter().any(|p| file.path.starts_with(p));
            if !may && line.contains("uphold_agent") {
                let reason = "the collector knows the agent only in the room that runs the built-in one";
                refusals.push(format!("{}:{number}: `uphold_agent`: {reason}", file.path));
            }
        }
    }
    refusals
}

/// A word such as `std::fs` that is named as `std::{fmt, fs}`.
fn grouped(words: &[&'static str], line: &str) -> Option<&'static str> {
    let (_, inside) = line.split_once("use std::{")?;
    let names: Vec<&str> = inside.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    words.iter().copied().find(|w| w.strip_prefix("std::").is_some_and(|name| names.contains(&name)))
}

pub(crate) fn markers(tree: &Tree) -> Vec<String> {
    let written = ["rs", "toml", "md", "sh", "js", "css", "yaml", "yml", "txt"];
    let files = tree.files.iter().filter(|f| written.iter().any(|e| f.has_ending(e)) || f.path.ends_with("/run"));
    let mut refusals = Vec::new();
    // These rules have to name what they refuse.
    for file in files.filter(|f| !f.path.starts_with("tests/tidy/")) {
        for (i, line) in file.text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            if let Some(word) = words.find(|w| MARKERS.contains(w)) {
                refusals.push(format!(
                    "{}:{}: {word}: put off work is finished, or written down where it is planned",
                    file.path,
                    i + 1
                ));
            }
        }
    }
    refusals
}

pub(crate) fn only_one_file(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for (places, words, name, reason) in ONE_FILE {
        for place in places {
            let naming: Vec<&File> =
                tree.rust().filter(|f| f.path.starts_with(place) && names(f, place, words)).collect();
            let list = naming.iter().map(|f| f.path.as_str()).collect::<Vec<_>>().join(", ");
            let misplaced = naming.iter().any(|f| !name.is_empty() && !f.path.ends_with(&format!("/{name}")));
            if name.is_empty() && naming.len() > 1 {
                refusals.push(format!("{list}: more than one file names {}: {reason}", words.join(", ")));
            }
            if misplaced {
                refusals.push(format!("{list}: {} belong into {name}: {reason}", words.join(", ")));
            }
        }
    }
    refusals
}

/// Whether a file names one of these outside its tests. The tests' own harness is a program in this.
fn names(file: &File, place: &str, words: &[&str]) -> bool {
    let lines = if place.starts_with("tests/") { file.code() } else { file.program() };
    lines.iter().any(|(_, line)| words.iter().any(|w| line.contains(w)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(rule: fn(&Tree) -> Vec<String>, files: &[(&str, &str)]) -> bool {
        !rule(&Tree::of(files)).is_empty()
    }

    #[test]
    fn the_pure_crate_names_nothing_impure() {
        for line in [
            "use std::fs;",
            "let t = SystemTime::now();",
            "use std::{fmt, env};",
            "use std::net::{SocketAddr, TcpStream};",
            "net::UdpSocket::bind(a)",
            "use std::net::*;",
            "let all = (\"a\", 1).to_socket_addrs();",
            "use std::os::unix::net::UnixStream;",
            "tokio::spawn(x)",
            "getrandom::fill(b)",
        ] {
            assert!(refused(forbidden, &[("common/src/a.rs", line)]), "{line}");
        }
        assert!(!refused(forbidden, &[("common/src/a.rs", "// std::fs is not for us\nlet a = \"std::fs\";")]));
        assert!(!refused(forbidden, &[("common/src/a.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n")]));
        assert!(!refused(forbidden, &[("common/src/a.rs", "let a: std::net::SocketAddr = text.parse()?;")]));
        assert!(!refused(forbidden, &[("agent/src/a.rs", "use std::fs;")]));
    }

    #[test]
    fn nothing_is_told_by_the_environment() {
        for place in ["agent/src/main.rs", "collector/src/cli/ask.rs"] {
            for line in ["std::env::var(\"COLUMNS\")", "env::vars()", "use std::env::var_os;"] {
                assert!(refused(forbidden, &[(place, line)]), "{place}: {line}");
            }
            assert!(!refused(forbidden, &[(place, "std::env::args()")]), "{place}");
            assert!(!refused(forbidden, &[(place, "env!(\"CARGO_PKG_VERSION\")")]), "{place}");
        }
    }

    #[test]
    fn nothing_unfinished_or_unbounded() {
        for line in ["todo!()", "dbg!(x)", "a.unwrap();", "mpsc::unbounded_channel()"] {
            assert!(refused(forbidden, &[("agent/src/a.rs", line)]), "{line}");
            let declared = ("agent/src/lib.rs", "#[cfg(test)]\nmod a_tests;");
            assert!(!refused(forbidden, &[declared, ("agent/src/a_tests.rs", line)]), "{line}");
            assert!(refused(forbidden, &[("agent/src/a_tests.rs", line)]), "a name makes no test: {line}");
        }
        assert!(!refused(forbidden, &[("agent/src/a.rs", "a.unwrap_or_default();")]));
        assert!(refused(markers, &[("agent/src/a.rs", "// TODO: later")]));
        assert!(!refused(markers, &[("agent/src/a.rs", "let todos = 1;")]));
    }

    #[test]
    fn the_collector_names_the_agent_in_one_room() {
        assert!(refused(forbidden, &[("collector/src/main.rs", "use uphold_agent::run;")]));
        assert!(!refused(forbidden, &[("collector/src/builtin.rs", "use uphold_agent::run;")]));
        assert!(!refused(forbidden, &[("collector/src/builtin/run.rs", "use uphold_agent::run;")]));
        assert!(!refused(forbidden, &[("agent/src/main.rs", "use uphold_agent::run;")]));
    }

    #[test]
    fn one_clock_one_store_one_codec_one_list_of_metrics() {
        let two = |word: &str| {
            [("agent/src/clock.rs".to_owned(), word.to_owned()), ("agent/src/b.rs".to_owned(), word.to_owned())]
        };
        for word in ["SystemTime::now()", "sled::open()", "rmp_serde::to_vec()", "use prometheus::Counter;"] {
            let files = two(word);
            let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
            assert!(refused(only_one_file, &files), "{word}");
        }
        let one_each = [("agent/src/clock.rs", "Instant::now()"), ("collector/src/clock.rs", "Instant::now()")];
        assert!(!refused(only_one_file, &one_each));
        assert!(refused(only_one_file, &[("agent/src/schedule.rs", "Instant::now()")]));
    }
}
