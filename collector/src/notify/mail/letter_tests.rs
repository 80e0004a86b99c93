//! Letters: threads that stay together, subjects that nothing can break out of, text that people read.

use std::sync::Arc;

use serde_json::json;
use uphold_common::catalogue::model::{Channel, MailTls};

use super::*;
use crate::notify::entry::Key;
use crate::notify::testing::{at, id};

fn mail() -> Mail {
    Mail {
        host: "mail.example".to_owned(),
        port: 587,
        tls: MailTls::Starttls,
        ca_file: None,
        login: None,
        from: "uphold@example.com".to_owned(),
        to: vec!["duty@example.com".to_owned(), "lead@example.com".to_owned()],
    }
}

fn delivery(place: u64, kind: Kind, data: &Value) -> Delivery {
    Delivery {
        key: Key { receiver: id("people"), order: 1 },
        channel: Arc::new(Channel::Mail(mail())),
        id: format!("0a1b2c3d-INC-7.{place}"),
        incident: None,
        kind,
        body: json!({ "subject": "INC-7", "data": data }).to_string(),
        attempt: 1,
        repeated: false,
        at: at(1_614_265_330_000),
        kept: None,
    }
}

fn written(place: u64, kind: Kind, data: &Value) -> String {
    let letter = write(&mail(), &delivery(place, kind, data)).unwrap();
    String::from_utf8(letter.formatted()).unwrap().replace("\r\n", "\n")
}

/// The value of a header, unfolded.
fn header_of(letter: &str, name: &str) -> Vec<String> {
    let head = letter.split("\n\n").next().unwrap().replace("\n ", " ");
    head.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).map(str::to_owned).collect()
}

fn opened() -> Value {
    json!({
        "service_name": "Web shop", "customers": ["retail", "wholesale"], "priority": "P1", "cause": "service_down",
        "summary": "Web shop is down", "started": "2026-01-05T10:00:00Z"
    })
}

#[test]
fn the_letters_of_an_incident_are_one_thread() {
    let first = written(1, Kind::Opened, &opened());
    assert_eq!(header_of(&first, "Message-ID"), ["<0a1b2c3d-INC-7@example.com>"]);
    assert_eq!(header_of(&first, "In-Reply-To"), [""; 0]);
    assert_eq!(header_of(&first, "Subject"), ["INC-7 P1 Web shop: opened"]);
    assert_eq!(header_of(&first, "Auto-Submitted"), ["auto-generated"]);
    assert_eq!(header_of(&first, "X-Auto-Response-Suppress"), ["All"]);
    assert_eq!(header_of(&first, "To"), ["duty@example.com, lead@example.com"]);
    assert_eq!(header_of(&first, "Date"), ["Thu, 25 Feb 2021 15:02:10 +0000"]);
    assert_eq!(first, written(1, Kind::Opened, &opened()), "each attempt is the same letter");
    let next = written(12, Kind::Resolved, &opened());
    assert_eq!(header_of(&next, "Message-ID"), ["<0a1b2c3d-INC-7.12@example.com>"]);
    for name in ["In-Reply-To", "References"] {
        assert_eq!(header_of(&next, name), ["<0a1b2c3d-INC-7@example.com>"]);
    }
    assert_eq!(header_of(&next, "Subject"), ["INC-7 P1 Web shop: resolved"]);
}

#[test]
fn people_read_what_is_known_and_no_empty_line_of_what_is_not() {
    let letter = written(1, Kind::Opened, &opened());
    let body = letter.split_once("\n\n").unwrap().1;
    let expected = "Web shop is down\n\nService:         Web shop\nCustomers:       retail, wholesale\nPriority:        P1\n\
                    Cause:           service_down\nBegan:           2026-01-05T10:00:00Z\n\n-- \nUphold, message \
                    0a1b2c3d-INC-7.1\n";
    assert_eq!(body.replace("=20", " ").replace("--=\n", "--").trim_end(), expected.trim_end());
}

#[test]
fn nothing_that_people_wrote_can_begin_a_header() {
    for name in
        ["a\r\nBcc: x@evil.example", "a\nBcc: x@evil.example\n\nbody", "ü\r\n\r\nBcc: x", "\u{85}Bcc: x", "a\0b"]
    {
        let data =
            json!({ "service_name": name, "priority": "P1\r\nBcc: y@evil.example", "summary": "s\r\n.\r\nQUIT" });
        let letter = written(1, Kind::Opened, &data);
        assert!(header_of(&letter, "Bcc").is_empty(), "{letter}");
        assert_eq!(header_of(&letter, "Subject").len(), 1, "{letter}");
        let envelope = write(&mail(), &delivery(1, Kind::Opened, &data)).unwrap();
        assert_eq!(envelope.envelope().to().len(), 2);
    }
    let long = json!({ "service_name": "ü".repeat(5_000) });
    assert!(written(1, Kind::Opened, &long).lines().all(|line| line.len() <= 78));
}

#[test]
fn nothing_that_people_wrote_can_end_the_letter_or_rule_a_terminal() {
    for text in ["a\r.\rQUIT", "a\u{1b}[2Jb", "a\0b", "a\u{85}.b", "a\u{7}"] {
        let data = json!({
            "summary": text, "service_name": text, "customers": [text], "owner": text,
            "comment": { "by": text, "text": format!("{text}\n.\nQUIT\r\n.\r\nQUIT") },
        });
        let letter = write(&mail(), &delivery(2, Kind::Commented, &data)).unwrap().formatted();
        let letter = String::from_utf8(letter).unwrap();
        let rest = letter.replace("\r\n", "");
        assert!(!rest.contains(|one: char| one.is_control()), "{letter:?}");
        assert!(!letter.lines().any(|line| line == "." || line.starts_with("QUIT")), "{letter:?}");
    }
}
