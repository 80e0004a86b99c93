//! Where incidents are told, and how: the receivers of the catalogue, as checked types.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::Id;

/// Where incidents are told.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its name.
    pub id: Id,
    /// How it is told.
    pub way: Way,
}

impl Receiver {
    /// By what its messages go, if it is told in messages.
    pub const fn channel(&self) -> Option<&Arc<Channel>> {
        match &self.way {
            Way::Messages(channel) => Some(channel),
            Way::State(_) => None,
        }
    }

    /// The ticket system that it is, if it is one.
    pub fn tickets(&self) -> Option<&Tickets> {
        match self.channel().map(|channel| &**channel) {
            Some(Channel::Tickets(tickets)) => Some(tickets),
            _ => None,
        }
    }

    /// How it is told again and again, if it is.
    pub const fn state(&self) -> Option<&StateWay> {
        match &self.way {
            Way::Messages(_) => None,
            Way::State(way) => Some(way),
        }
    }
}

/// How a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Of each change, by a message that waits until it is delivered.
    Messages(Arc<Channel>),
    /// Again and again.
    State(StateWay),
}

/// How a receiver is told again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateWay {
    /// Of the whole state.
    Alertmanager(Alertmanager),
    /// That the collector measures, and nothing else.
    Heartbeat(Heartbeat),
}

impl StateWay {
    /// How often it is told.
    pub const fn every_ms(&self) -> i64 {
        match self {
            Self::Alertmanager(alertmanager) => alertmanager.every_ms,
            Self::Heartbeat(heartbeat) => heartbeat.every_ms,
        }
    }
}

/// Somebody who raises the alarm when this is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Where it is found.
    pub url: ReceiverUrl,
    /// How often it is told.
    pub every_ms: i64,
}

/// By what messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// By a request that carries the event as it is.
    Webhook(Webhook),
    /// By the requests of a ticket or on-call system, as a description says them.
    Tickets(Tickets),
    /// By a letter to people.
    Mail(Mail),
    /// By a program on the collector's host.
    Exec(Exec),
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where it is found.
    pub url: ReceiverUrl,
    /// The file with the keys that its messages are signed with; none: they are not signed.
    pub secret_file: Option<String>,
}

/// A mail server, and who gets its letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from others.
    pub tls: MailTls,
    /// The file with the certificates of authorities that vouch for the server, beside those of the system.
    pub ca_file: Option<String>,
    /// As whom the collector logs in, if it does.
    pub login: Option<MailLogin>,
    /// Whom the letters come from.
    pub from: String,
    /// Whom they go to; at least one.
    pub to: Vec<String>,
}

/// How a connection to a mail server is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// It begins in the clear and turns to TLS, or is given up.
    Starttls,
    /// It speaks TLS from the beginning.
    Implicit,
    /// Not at all.
    None,
}

impl MailTls {
    /// As the catalogue writes them.
    pub const WORDS: [(&str, Self); 3] =
        [("starttls", Self::Starttls), ("implicit", Self::Implicit), ("none", Self::None)];
}

/// A login at a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailLogin {
    /// The user.
    pub user: String,
    /// The file whose first line is the password.
    pub password_file: String,
}

/// A program that is given each event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Its absolute path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub timeout_ms: i64,
}

/// A ticket or on-call system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tickets {
    /// What says how it is spoken to.
    pub described: Described,
    /// Where it is found; the paths of its description are appended.
    pub url: ReceiverUrl,
    /// The first line of this file is its token.
    pub token_file: Option<String>,
    /// Who speaks to it.
    pub user: Option<String>,
    /// The first line of this file is the user's password.
    pub password_file: Option<String>,
    /// What its description leaves open, by name.
    pub variables: BTreeMap<String, String>,
    /// How often its tickets are looked at.
    pub poll_ms: i64,
}

/// Which description is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Described {
    /// One that comes with the program, one of [`PRESETS`].
    Preset(&'static str),
    /// A file, read by the collector.
    File(String),
}

/// The descriptions that come with the program.
pub const PRESETS: [&str; 10] = [
    "glpi",
    "jira-service-management",
    "pagerduty",
    "redmine",
    "request-tracker",
    "roundup",
    "servicenow",
    "slack",
    "teams",
    "zammad",
];

/// An Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alertmanager {
    /// Where it is found; the path of its API is appended.
    pub url: ReceiverUrl,
    /// How often it is told.
    pub every_ms: i64,
    /// Whether it is told of an alert that always stands, so that its end is noticed.
    pub watchdog: bool,
}

/// Where a receiver's URL comes from. It may be a secret, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum ReceiverUrl {
    /// Written in the catalogue.
    Url(String),
    /// The first line of a file, read by the collector.
    File(String),
}

impl std::fmt::Debug for ReceiverUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(_) => f.write_str("Url(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}
