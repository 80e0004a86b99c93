//! Who asks, in a test: tokens given on the command line, and requests that carry them.

use serde_json::Value;
use uphold_tests::process::http::{self, Answer};

use crate::world::{World, run};

/// The configuration of a collector of which everybody needs a token.
pub(crate) const GUARDED: &str = "tokens: required\n";

impl World {
    /// Gives a token on the command line, and its secret.
    pub(crate) fn give_token(&self, name: &str, role: &str, more: &[&str]) -> String {
        let data = self.collector_data();
        let mut args = vec!["token", "add", name, "--role", role, "--data", &data];
        args.extend(more);
        let given = run("uphold-collector", &args);
        assert!(given.status.success(), "{}", String::from_utf8_lossy(&given.stderr));
        let secret = String::from_utf8(given.stdout).unwrap().trim().to_owned();
        assert!(secret.starts_with("uphold_") && secret.len() == 71, "{secret}");
        secret
    }

    /// Asks with a token, or without one.
    pub(crate) fn send(&self, token: Option<&str>, method: &str, path: &str, json: Option<&Value>) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers: Vec<(&str, &str)> = vec![];
        if let Some(bearer) = &bearer {
            headers.push(("authorization", bearer));
        }
        let body = json.map(Value::to_string).unwrap_or_default();
        if json.is_some() {
            headers.push(("content-type", "application/json"));
        }
        http::send(self.collector_port, method, path, &headers, body.as_bytes()).unwrap()
    }

    /// Posts a push with a token.
    pub(crate) fn push_as(&self, token: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/vnd.uphold.push")];
        http::send(self.collector_port, "POST", "/api/v1/push", &headers, body).unwrap()
    }
}

/// The word of the problem in an answer.
pub(crate) fn word(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    let problem = answer.json().unwrap();
    assert_eq!(problem["status"], answer.code, "{problem}");
    problem["type"].as_str().unwrap().trim_start_matches("urn:uphold:problem:").to_owned()
}
