//! How a ticket or on-call system is spoken to, as a description's file says it, in checked types.
//!
//! Everything that differs between systems stands in the description; the rooms beside this one only carry it out.
//! Whatever is missing is not done: a system without a request for comments gets none.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::HeaderName;

use super::template::Template;

/// What can be done to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// To make it.
    Create,
    /// To say that something about the incident changed.
    Update,
    /// To say that somebody took the incident on.
    Acknowledge,
    /// To say what somebody said.
    Comment,
    /// To end it.
    Resolve,
    /// To begin it again.
    Reopen,
    /// To say that nothing more is done about what was ended.
    Close,
}

impl Operation {
    /// All of them, with the words of descriptions.
    pub const ALL: [(&str, Self); 7] = [
        ("create", Self::Create),
        ("update", Self::Update),
        ("acknowledge", Self::Acknowledge),
        ("comment", Self::Comment),
        ("resolve", Self::Resolve),
        ("reopen", Self::Reopen),
        ("close", Self::Close),
    ];

    /// As descriptions write it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, operation)| *operation == self).map_or("", |(word, _)| word)
    }
}

/// A description.
#[derive(Clone, Debug)]
pub struct Description {
    /// What the system is called.
    pub name: String,
    /// What stands for the credentials.
    pub credentials: Credentials,
    /// The variables that the catalogue may set, with their defaults; without one it must.
    pub variables: BTreeMap<String, Option<String>>,
    /// Texts that templates about events may name, each made once for an event.
    pub texts: Vec<(String, Template)>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, Template)>,
    /// What is asked before anything else, each time.
    pub before: Vec<Request>,
    /// What is asked after everything else, to close what was opened.
    pub after: Vec<Request>,
    /// How a ticket is known again; none for a system that has no tickets, only messages.
    pub ticket: Option<TicketForm>,
    /// How tickets are found by the key of their incident.
    pub search: Option<Search>,
    /// How each thing is done, in as many requests as it takes.
    pub operations: BTreeMap<Operation, Vec<Request>>,
    /// What answers mean.
    pub answers: Answers,
    /// How tickets are looked at.
    pub poll: Option<Poll>,
}

/// Which credentials a system asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// None but those in its URL.
    None,
    /// A token.
    Token,
    /// A user with a password.
    Password,
    /// A user with a token.
    UserToken,
    /// Two tokens, one of the application and one of the user: the second stands where a password does.
    TokenPassword,
}

impl Credentials {
    /// With the words of descriptions.
    pub const ALL: [(&str, Self); 5] = [
        ("none", Self::None),
        ("token", Self::Token),
        ("password", Self::Password),
        ("user_token", Self::UserToken),
        ("token_password", Self::TokenPassword),
    ];

    /// Whether `token_file`, `user` and `password_file` are asked for.
    pub const fn asked(self) -> (bool, bool, bool) {
        match self {
            Self::None => (false, false, false),
            Self::Token => (true, false, false),
            Self::Password => (false, true, true),
            Self::UserToken => (true, true, false),
            Self::TokenPassword => (true, false, true),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// What is appended to the path of the receiver's URL; none asks the URL as it is.
    pub path: Option<Template>,
    /// What stands behind the question mark.
    pub query: Vec<(String, Template)>,
    /// Its headers, beside those of every request.
    pub headers: Vec<(HeaderName, Template)>,
    /// Its body.
    pub body: Option<Body>,
    /// What is kept of its answer for later requests, by name.
    pub keep: Vec<Keep>,
    /// What must be `true` then: some systems answer with success and leave the thing undone.
    pub expects: Option<Template>,
}

/// A body.
#[derive(Clone, Debug)]
pub enum Body {
    /// JSON.
    Json(Template),
    /// Fields of a form.
    Form(Vec<(String, Template)>),
}

/// What is kept of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Under which name.
    pub name: String,
    /// From where.
    pub from: Part,
    /// Whether an answer without it will do; it is nothing then.
    pub optional: bool,
}

impl Keep {
    /// Whether it comes out of the body.
    pub const fn is_of_body(&self) -> bool {
        matches!(self.from, Part::Pointer(_))
    }
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a JSON pointer leads to.
    Pointer(String),
    /// A header.
    Header(HeaderName),
    /// What stands behind the last slash of a header.
    LastOf(HeaderName),
}

/// How a ticket is known again, once it was made.
#[derive(Clone, Debug)]
pub struct TicketForm {
    /// Its id.
    pub id: Template,
    /// Where people find it.
    pub url: Option<Template>,
}

/// How tickets are found.
#[derive(Clone, Debug)]
pub struct Search {
    /// What is asked; the last answer holds the tickets.
    pub requests: Vec<Request>,
    /// Where the list of them stands in it.
    pub list: String,
    /// What of each must hold the incident's key.
    pub holds_key: Template,
    /// What is kept of the one that was found.
    pub keep: Vec<Keep>,
}

/// What answers mean, beyond what every answer over HTTP means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Statuses that are tried again, beside those that always are.
    pub again: Vec<u16>,
    /// Where an error stands in an answer that says success; there must be nothing.
    pub error: Option<String>,
}

/// How tickets are looked at.
#[derive(Clone, Debug)]
pub struct Poll {
    /// What is asked for a ticket; all that is kept serves the templates here.
    pub requests: Vec<Request>,
    /// What became of the ticket: one of [`super::reading::State`]'s words.
    pub state: Template,
    /// By whom, as far as that is said.
    pub by: Option<Template>,
    /// How its comments are read.
    pub comments: Option<Comments>,
}

/// How the comments of a ticket are read.
#[derive(Clone, Debug)]
pub struct Comments {
    /// What is asked; none takes the last answer of the poll.
    pub requests: Vec<Request>,
    /// Where the list of them stands in the last answer.
    pub list: String,
    /// Whether the newest stands first in it.
    pub newest_first: bool,
    /// What tells them apart.
    pub id: Template,
    /// What is asked for each; its answer is the item then.
    pub each: Option<Request>,
    /// What was said; empty is no comment.
    pub text: Template,
    /// By whom.
    pub by: Option<Template>,
}
