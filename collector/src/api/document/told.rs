//! The words in which an operation is told, and what the guard adds to every one of them.
//!
//! An operation says what is its own. Roles, and the refusals that any request can meet before its handler, are added
//! here for all of them alike.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::json;
use uphold_common::ids::Id;
use utoipa::ToSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, HttpMethod, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

use super::schemas;
use crate::access::routes::{Need, need};
use crate::api::problem::PROBLEM_CONTENT_TYPE;
use crate::identity::role::Role;
use uphold_common::wire::push::Problem;

/// How the document calls the way in which a token is sent.
pub(super) const TOKEN_SCHEME: &str = "token";

/// One operation as it is told.
pub(super) struct Told {
    method: Method,
    path: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: BTreeMap<u16, ResponseBuilder>,
    refusals: BTreeMap<u16, Vec<&'static str>>,
}

impl Told {
    /// The operation of a route. The summary is the end of «this is how to …», the description whole sentences.
    pub(super) fn new(method: Method, path: &'static str, summary: &'static str, description: &'static str) -> Self {
        let tag = path.trim_start_matches("/api/v1/").trim_start_matches('/').split(['/', '.']).next();
        Self {
            method,
            path,
            tag: tag.unwrap_or_default(),
            summary,
            description,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            refusals: BTreeMap::new(),
        }
    }

    pub(super) fn get(path: &'static str, summary: &'static str, description: &'static str) -> Self {
        Self::new(Method::GET, path, summary, description)
    }

    pub(super) fn post(path: &'static str, summary: &'static str, description: &'static str) -> Self {
        Self::new(Method::POST, path, summary, description)
    }

    pub(super) const fn path(&self) -> &'static str {
        self.path
    }

    /// What stands in the path; what is no such thing is refused.
    pub(super) fn named(self, name: &str, schema: impl Into<RefOr<Schema>>, says: &str) -> Self {
        self.parameter(name, ParameterIn::Path, schema, says)
            .refuses(400, "`bad-id`: what the path names something by is no such name.")
    }

    /// What may stand in the query; anything else there is refused.
    pub(super) fn asked(self, name: &str, schema: impl Into<RefOr<Schema>>, says: &str) -> Self {
        let first = !self.parameters.iter().any(|known| known.parameter_in == ParameterIn::Query);
        let told = self.parameter(name, ParameterIn::Query, schema, says);
        if !first {
            return told;
        }
        told.refuses(400, "`unknown-parameter`, `bad-parameter`: the query is not understood, or says something twice.")
    }

    /// Over what figures are asked for, which every question about figures can say; without a window, what it says.
    pub(super) fn over(self, window: &str) -> Self {
        self.asked("window", schemas::window(), window)
            .asked(
                "at",
                schemas::instant_asked(),
                "The window that holds this instant; without it, the one of `as_of`.",
            )
            .asked("from", schemas::instant_asked(), "In place of `window` and `at`: over a stretch that begins here.")
            .asked("to", schemas::instant_asked(), "The end of that stretch, which is not in it.")
            .asked(
                "as_of",
                schemas::instant_asked(),
                "What the present is taken to be; without it, the newest snapshot's.",
            )
    }

    /// What must stand in the query.
    pub(super) fn needs(self, name: &str, schema: impl Into<RefOr<Schema>>, says: &str) -> Self {
        let mut told = self.asked(name, schema, says);
        if let Some(last) = told.parameters.last_mut() {
            last.required = Required::True;
        }
        told
    }

    /// What may stand in the head.
    pub(super) fn headed(self, name: &str, says: &str) -> Self {
        self.parameter(name, ParameterIn::Header, Object::with_type(Type::String), says)
    }

    fn parameter(mut self, name: &str, place: ParameterIn, schema: impl Into<RefOr<Schema>>, says: &str) -> Self {
        let required = if place == ParameterIn::Path { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
        self.parameters.push(parameter.schema(Some(schema)).description(Some(says)).build());
        self
    }

    /// A body, and how it is refused whatever it says.
    pub(super) fn takes(mut self, content_type: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        self.body =
            Some(RequestBodyBuilder::new().required(Some(Required::True)).content(content_type, content).build());
        self.refuses(408, "`too-slow`: the body did not arrive in time.")
            .refuses(413, "`too-large`: the body has more bytes than are taken.")
            .refuses(415, "`wrong-content-type`: the body is of another type than this.")
    }

    /// A body of JSON.
    pub(super) fn takes_json<T: ToSchema>(self) -> Self {
        self.takes("application/json", Ref::from_schema_name(T::name()))
            .refuses(400, "`unsound-body`, `unsound-json`: the body ended too early, or is not what it must be.")
    }

    /// An answer of JSON.
    pub(super) fn answers_json<T: ToSchema>(self, status: u16, says: &str) -> Self {
        self.answers(status, "application/json", Ref::from_schema_name(T::name()), says)
    }

    /// An answer.
    pub(super) fn answers(mut self, status: u16, kind: &str, schema: impl Into<RefOr<Schema>>, says: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        self.answers.insert(status, ResponseBuilder::new().description(says).content(kind, content));
        self
    }

    /// An answer without a body.
    pub(super) fn answers_nothing(mut self, status: u16, says: &str) -> Self {
        self.answers.insert(status, ResponseBuilder::new().description(says));
        self
    }

    /// A header of the answer of this status.
    pub(super) fn with_header(mut self, status: u16, name: &str, says: &str) -> Self {
        if let Some(answer) = self.answers.remove(&status) {
            self.answers.insert(status, answer.header(name, header(Object::with_type(Type::String), says)));
        }
        self
    }

    /// A refusal: the words of its problems, and when they are told.
    pub(super) fn refuses(mut self, status: u16, says: &'static str) -> Self {
        self.refusals.entry(status).or_default().push(says);
        self
    }

    /// That it can fail through no fault of whoever asks.
    pub(super) fn may_fail(self) -> Self {
        self.refuses(500, "It could not be done; the log of the collector says why.")
    }

    /// The operation as the document has it.
    pub(super) fn operation(self) -> (HttpMethod, Operation) {
        let roles = roles(&self.method, self.path);
        let told = self.refused_by_the_guard(&roles);
        let description = format!("{} Who may: {}.", told.description, roles.join(", "));
        let extensions = Extensions::from_iter([("x-roles", json!(roles))]);
        let mut operation = OperationBuilder::new()
            .tag(told.tag)
            .operation_id(Some(operation_id(&told.method, told.path)))
            .summary(Some(told.summary))
            .description(Some(description))
            .request_body(told.body)
            .extensions(Some(extensions));
        if roles != [ANYBODY] {
            operation = operation.security(SecurityRequirement::new(TOKEN_SCHEME, [] as [&str; 0]));
        }
        for parameter in told.parameters {
            operation = operation.parameter(parameter);
        }
        for (status, answer) in told.answers {
            operation = operation.response(status.to_string(), answer.build());
        }
        for (status, says) in told.refusals {
            operation = operation.response(status.to_string(), refusal(status, &says.join(" ")));
        }
        let method = match told.method {
            Method::POST => HttpMethod::Post,
            Method::DELETE => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        (method, operation.build())
    }

    /// What every operation can be refused with before its handler is asked.
    fn refused_by_the_guard(self, roles: &[&str]) -> Self {
        let reads = self.method == Method::GET;
        let everybody = roles == [ANYBODY] || roles.len() == Role::WORDS.len();
        let mut told = self
            .refuses(400, "`unsound-request`, `no-host`: the head is not HTTP/1.1, or has no Host or more than one.")
            .refuses(401, "`no-token`, `unreadable-token`, `unknown-token`, `token-expired`, `token-revoked`: a token is needed and none was sent, or the one that was sent is not good.")
            .refuses(408, "`too-slow`: the head did not arrive in time.")
            .refuses(421, "`wrong-host`: the collector does not go by the name that was asked.")
            .refuses(429, "`too-many-requests`: one token or address asks too often.")
            .refuses(431, "`head-too-large`: the headers are longer than is taken, or more.")
            .refuses(503, "`too-many-connections`, `busy`, `stopping`: it cannot be answered now.");
        if !everybody {
            told = told.refuses(403, "`not-allowed`: the token is of a role that may not.");
        }
        if !reads {
            told = told.refuses(403, "`foreign-origin`, `session-cannot`: a page in a browser sent it.");
        }
        told
    }
}

/// The word for those who need no token.
pub(super) const ANYBODY: &str = "anybody";

/// The roles that may, by the table of routes.
pub(super) fn roles(method: &Method, path: &str) -> Vec<&'static str> {
    let right = match need(method, path) {
        Need::Open => return vec![ANYBODY],
        Need::Right(right) | Need::Page(right) => right,
    };
    let agent = |word: &str| (word == "agent").then(Id::own);
    let may = |word: &&str| Role::of(word, agent(word)).is_some_and(|role| role.may(right));
    Role::WORDS.into_iter().filter(may).collect()
}

/// The name of an operation, such as `get_services_id_figures`.
fn operation_id(method: &Method, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1").split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}_{}", method.as_str().to_ascii_lowercase(), words.join("_"))
}

/// A refusal of this status: a problem, with the headers that go with it.
fn refusal(status: u16, says: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let response =
        ResponseBuilder::new().description(format!("{reason}. {says}")).content(PROBLEM_CONTENT_TYPE, content);
    let seconds = || header(Object::builder().schema_type(Type::Integer).minimum(Some(0)), "Seconds to wait.");
    match status {
        401 => {
            let says = "How a token is sent, and whether the one that was sent is not good.";
            response.header("WWW-Authenticate", header(Object::with_type(Type::String), says)).build()
        }
        408 | 425 | 429 | 503 => response.header("Retry-After", seconds()).build(),
        _ => response.build(),
    }
}

fn header(schema: impl Into<RefOr<Schema>>, says: &str) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(says)).build()
}
