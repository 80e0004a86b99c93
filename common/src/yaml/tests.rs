//! The tree and the readers on their own: places, bounds, what counts as nothing written.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::problem::{Problems, Report};
use super::tree::{self, Node, Value};
use super::walk::At;
use super::{read_file, scalars};

fn tree(text: &str) -> Result<Option<Node>, Problems> {
    let report = Report::default();
    let tree = tree::read("a.yaml", text, &report);
    report.finish(tree)
}

fn refusal(text: &str) -> String {
    tree(text).unwrap_err().shown().first().unwrap().to_string()
}

/// Reads the one key `k` of a file with a reader. A macro, since `At::text` is a reader of one lifetime only.
macro_rules! value {
    ($written:expr, $read:expr) => {
        read_file("a.yaml", &format!("k: {}", $written), |at| at.mapping(|keys| keys.required("k", $read)))
            .map_err(|problems| problems.shown().first().unwrap().message.clone())
    };
}

#[test]
fn places_count_lines_and_characters_from_one() {
    let tree = tree("# ü\r\na: 1\r\n\"ü\": [x, é, y]\r\n").unwrap().unwrap();
    let Value::Mapping(entries) = &tree.value else { panic!("{tree:?}") };
    let Value::Sequence(items) = &entries[1].value.value else { panic!("{tree:?}") };
    assert_eq!(entries[1].place.to_string(), "a.yaml:3:1");
    assert_eq!(items[2].place.to_string(), "a.yaml:3:13");
}

#[test]
fn what_is_not_written_is_nothing() {
    for text in ["", "# only a comment\n", "---\n", "~\n", "null\n"] {
        assert_eq!(tree(text), Ok(None), "{text:?}");
    }
    assert!(value!("", At::text).unwrap_err().ends_with("found nothing"));
    assert_eq!(value!("'null'", At::text), Ok("null".to_owned()));
    assert_eq!(value!("no", At::text), Ok("no".to_owned()));
}

#[test]
fn text_depth_and_nodes_are_bounded() {
    let large = "#".repeat(tree::TEXT_BYTES_MAX + 1);
    assert_eq!(refusal(&large), "a.yaml:1:1: the file has 4194305 bytes, more than the 4194304 that are read");
    let levels = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(tree(&levels(tree::DEPTH_MAX)).is_ok());
    assert_eq!(refusal(&levels(tree::DEPTH_MAX + 1)), "a.yaml:1:33: nested deeper than 32 levels");
    let items = "- a\n".repeat(tree::NODES_MAX + 1);
    assert_eq!(refusal(&items), "a.yaml:500000:3: more than 500000 keys and values in one file");
    let mut keys = String::new();
    for key in 0..=tree::NODES_MAX / 2 {
        writeln!(keys, "{key}: a").unwrap();
    }
    assert_eq!(refusal(&keys), "a.yaml:250000:9: more than 500000 keys and values in one file");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(refusal("\0"), "a.yaml:1:1: a control character stands here: only text is read");
}

#[test]
fn an_error_always_has_a_problem() {
    for text in ["a: 1", "- 1", "1", "", "a: {b: 1}"] {
        let problems = read_file("a.yaml", text, |at| at.mapping(|keys| keys.required("k", At::id))).unwrap_err();
        assert!(problems.count() > 0, "{text}");
    }
}

#[test]
fn counts_sizes_and_flags_are_read_from_their_characters() {
    assert_eq!(value!("7", |at| at.count(1..=9)), Ok(7));
    for bad in ["0", "10", "+7", "7.0", "0x7", "1e0", "''", "[7]", "99999999999999999999"] {
        assert!(value!(bad, |at| at.count(1..=9)).unwrap_err().starts_with("expected a whole number from 1 to 9"));
    }
    assert_eq!(value!("64MiB", |at| at.bytes(1..=1 << 30)), Ok(64 << 20));
    assert_eq!(value!("512B", |at| at.bytes(1..=1 << 30)), Ok(512));
    for bad in ["64", "64MB", "2GiB", "99999999999GiB", "-1B", "MiB"] {
        assert!(value!(bad, |at| at.bytes(1..=1 << 30)).is_err(), "{bad}");
    }
    assert_eq!(value!("true", At::flag), Ok(true));
    assert_eq!(
        value!("ture", At::flag).unwrap_err(),
        "expected \"true\" or \"false\", found \"ture\" (did you mean \"true\"?)"
    );
}

#[test]
fn hosts_and_addresses_are_read() {
    for good in ["192.0.2.1:443", "'[2001:db8::1]:443'", "shop.example:80", "db_1:5432", "localhost:65535"] {
        assert!(value!(good, At::host_and_port).is_ok(), "{good}");
    }
    for bad in ["shop.example", ":443", "a:0", "a:+1", "a b:1", "a/b:1", "2001:db8::1:443", "1.2.3.999:1", "ü:1"] {
        assert!(value!(bad, At::host_and_port).is_err(), "{bad}");
    }
    assert!(value!("127.0.0.1:8080", At::socket_address).is_ok());
    assert!(value!("localhost:8080", At::socket_address).is_err());
}

#[test]
fn urls_have_a_host_and_no_secret() {
    for good in ["http://a", "https://shop.example/health?x=1", "'http://[::1]:8080/'"] {
        assert!(value!(good, At::url).is_ok(), "{good}");
    }
    for bad in
        ["http://", "mailto:a@b", "file:///etc", "http://s3cret@a/", "http://a:s3cret@b/", "'http://a/ '", "s3cret"]
    {
        assert!(!value!(bad, At::url).unwrap_err().contains("s3cret"), "{bad}");
    }
}

#[test]
fn time_zones_are_those_of_the_bundled_database_as_it_spells_them() {
    assert_eq!(value!("Europe/Zurich", At::time_zone).unwrap().iana_name(), Some("Europe/Zurich"));
    assert_eq!(value!("UTC", At::time_zone).unwrap().iana_name(), Some("UTC"));
    for bad in ["europe/zurich", "Etc/Unknown", "+01:00", "CET-1CEST", "../../etc/passwd"] {
        assert!(value!(bad, At::time_zone).is_err(), "{bad}");
    }
}

#[test]
fn exact_durations_are_exact() {
    for (ms, text) in [(0, "0ms"), (1_500, "1500ms"), (90_000, "90s"), (5_400_000, "90m"), (86_400_000, "1d")] {
        assert_eq!(scalars::exact_duration(ms), text);
    }
}

/// What means something to YAML, and a few characters that mean nothing.
const PIECES: [&str; 34] = [
    "a",
    "é",
    ": ",
    ":",
    "- ",
    "-",
    "\n",
    "\n  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "? ",
    "&a ",
    "*a",
    "!t ",
    "|",
    ">2",
    "%YAML 1.2\n",
    "%TAG ! x\n",
    "---",
    "...",
    "\t",
    " #",
    "\\",
    "\u{feff}",
    "\0",
    "~",
    "<<",
    "\r\n",
    "@",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(pieces in proptest::collection::vec(proptest::sample::select(PIECES.as_slice()), 0..40)) {
        let read = |at: &At<'_>| at.mapping(|keys| keys.list("a", |item| item.mapping(|keys| keys.optional("a", At::text))));
        if let Err(problems) = read_file("a.yaml", &pieces.concat(), |at| read(at)) {
            prop_assert!(problems.count() > 0);
            prop_assert!(problems.shown().iter().all(|problem| !problem.to_string().contains('\n')));
        }
    }
}
