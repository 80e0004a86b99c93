//! The event of a message → a letter that people read, with what mail programs need to keep the letters of an incident
//! together. Pure.
//!
//! | header | what it says |
//! |---|---|
//! | `Message-ID` | at the sender's domain, the same at each attempt: of the first letter the incident's, of others the event's |
//! | `In-Reply-To`, `References` | the first letter of the incident, in all others |
//! | `Auto-Submitted`, `X-Auto-Response-Suppress` | that no person sent it, so that no machine answers it |
//! | `Subject` | number, priority, service, and what happened |
//!
//! Names and comments come from people and may hold anything. Each control character in them becomes a space, and in a header
//! what is not ASCII is encoded: nothing of it can begin a header, or end the letter.

use std::fmt::Write as _;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use serde_json::Value;
use uphold_common::catalogue::model::Mail;

use crate::notify::message::Kind;
use crate::notify::outbox::Delivery;

/// Longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 200;
/// The lines of a letter: what stands before them, and where in the event they are found.
const LINES: [(&str, &str); 19] = [
    ("Happened", "/data/happened"),
    ("Service", "/data/service_name"),
    ("Customers", "/data/customers"),
    ("Priority", "/data/priority"),
    ("Cause", "/data/cause"),
    ("Target", "/data/target"),
    ("Threshold", "/data/threshold"),
    ("Owner", "/data/owner"),
    ("Assignee", "/data/assignee"),
    ("Began", "/data/started"),
    ("Opened", "/data/opened"),
    ("Acknowledged", "/data/acknowledged"),
    ("Acknowledged by", "/data/acknowledged_by"),
    ("Ended", "/data/resolved/ended"),
    ("Resolution", "/data/resolved/resolution_text"),
    ("Problem", "/data/problem"),
    ("Known error", "/data/known_error/root_cause"),
    ("What helps", "/data/known_error/workaround"),
    ("Comment by", "/data/comment/by"),
];

/// The letter about a message.
pub fn write(mail: &Mail, delivery: &Delivery) -> Result<Message, String> {
    let event: Value = serde_json::from_str(&delivery.body).map_err(|_| "the event cannot be read".to_owned())?;
    let first = message_id(incident_of(&delivery.id), &mail.from);
    let is_first = matches!(delivery.kind, Kind::Opened | Kind::Recorded | Kind::Test);
    let id = if is_first { first.clone() } else { message_id(&delivery.id, &mail.from) };
    let mut letter = Message::builder().from(mailbox(&mail.from)?).message_id(Some(id));
    for to in &mail.to {
        letter = letter.to(mailbox(to)?);
    }
    let letter = letter.date(crate::clock::system(delivery.at)).subject(subject(&event, delivery));
    let letter = letter.raw_header(header("Auto-Submitted", "auto-generated"));
    let letter = letter.raw_header(header("X-Auto-Response-Suppress", "All"));
    let letter = if is_first { letter } else { letter.in_reply_to(first.clone()).references(first) };
    let letter = letter.header(ContentType::TEXT_PLAIN).body(text(&event, delivery));
    letter.map_err(|error| format!("the letter cannot be written: {error}"))
}

/// What stands behind the last `@` of an address.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

fn mailbox(address: &str) -> Result<Mailbox, String> {
    address.parse().map_err(|_| format!("{address} is no address of mail"))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn message_id(of: &str, from: &str) -> String {
    format!("<{of}@{}>", domain(from))
}

/// `0a1b2c3d-INC-7` of `0a1b2c3d-INC-7.2`.
fn incident_of(id: &str) -> &str {
    id.rsplit_once('.').map_or(id, |(incident, _)| incident)
}

/// `INC-7 P1 Web shop: opened`
fn subject(event: &Value, delivery: &Delivery) -> String {
    let said = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let [number, priority, service] = ["/subject", "/data/priority", "/data/service_name"].map(said);
    let all = format!("{number} {priority} {service}: {}", happened(delivery.kind));
    let short: String = plain(&all).chars().take(SUBJECT_CHARS_MAX).collect();
    short.split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn happened(kind: Kind) -> &'static str {
    match kind {
        Kind::Opened => "opened",
        Kind::Resolved => "resolved",
        Kind::Reopened => "opened again",
        Kind::Amended => "its end was amended",
        Kind::Recorded => "was over before it became known",
        Kind::Acknowledged => "acknowledged",
        Kind::Commented => "commented",
        Kind::Closed => "closed",
        Kind::Assigned => "assigned",
        Kind::Linked => "linked",
        Kind::Unlinked => "a link was taken back",
        Kind::Affected => "more is affected",
        Kind::Escalated => "escalated",
        Kind::Major => "a major incident",
        Kind::Reminded => "a reminder",
        Kind::NoticeReceived => "the notice was received",
        Kind::Reviewed => "reviewed",
        Kind::Test => "a test, nothing is wrong",
    }
}

/// Writing to a text cannot fail.
fn text(event: &Value, delivery: &Delivery) -> String {
    let summary = event.pointer("/data/summary").and_then(told).unwrap_or_default();
    let mut text = format!("{summary}\n\n");
    for (name, pointer) in LINES {
        if let Some(said) = event.pointer(pointer).and_then(told) {
            let _ = writeln!(text, "{:<17}{said}", format!("{name}:"));
        }
    }
    if let Some(comment) = event.pointer("/data/comment/text").and_then(Value::as_str) {
        text.push('\n');
        for line in comment.lines() {
            let _ = writeln!(text, "    {}", plain(line));
        }
    }
    let _ = write!(text, "\n-- \nUphold, message {}\n", delivery.id);
    text
}

/// A text without anything that a mail server or a terminal would obey: a carriage return alone ends a line for some.
fn plain(text: &str) -> String {
    text.replace(|one: char| one.is_control(), " ")
}

/// One line of a value, if it says anything.
fn told(value: &Value) -> Option<String> {
    let one = |value: &Value| value.as_str().map(|text| plain(text).split_whitespace().collect::<Vec<_>>().join(" "));
    let said = match value {
        Value::Array(all) => all.iter().filter_map(one).collect::<Vec<_>>().join(", "),
        other => one(other)?,
    };
    (!said.is_empty()).then_some(said)
}

#[cfg(test)]
#[path = "letter_tests.rs"]
mod tests;
