//! Requests that no client of ours sends: each that is refused is refused with a problem, whoever refuses it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;

use crate::world::{DEADLINE, World};

/// The head of a request to one path.
fn to(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
}

/// The head of a request with these headers.
fn with(headers: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\n{headers}connection: close\r\n\r\n")
}

/// What is sent, and the status and word with which it is refused.
fn odd() -> Vec<(String, u16, &'static str)> {
    let long = "a".repeat(70_000);
    let mut all: Vec<(String, u16, &'static str)> = [
        ("GET /api/v1/services/%zz/figures", 400, "bad-id"),
        ("GET /api/v1/services/%ff/figures", 400, "bad-id"),
        ("GET /api/v1/services/a%2Fb/figures", 400, "bad-id"),
        ("GET /api/v1/services/%00/figures", 400, "bad-id"),
        ("GET /api/v1/services/SHOP/figures", 400, "bad-id"),
        ("GET /api/v1/incidents/%ff", 400, "bad-id"),
        ("GET /api/v1/incidents/99999999999999999999", 400, "bad-id"),
        ("GET /api/v1/incidents/INC-9999999999999999999", 404, "no-such-incident"),
        ("GET /incidents/%ff", 400, "bad-id"),
        ("GET /api/v1/incidents?state=open&state=open", 400, "bad-parameter"),
        ("GET /api/v1/incidents?state=%ff", 400, "bad-parameter"),
        ("GET /api/v1/incidents?stat=open", 400, "unknown-parameter"),
        ("GET /api/v1/services/", 404, "no-such-path"),
        ("GET //", 404, "no-such-path"),
        ("GET /%", 404, "no-such-path"),
        ("OPTIONS *", 404, "no-such-path"),
        ("BREW /", 405, "wrong-method"),
        ("TRACE /healthz", 405, "wrong-method"),
        ("OPTIONS /api/v1/services", 405, "wrong-method"),
        ("GET /a b", 400, "unsound-request"),
        ("GET /api/v1/services/\u{e9}/figures", 400, "bad-id"),
        ("GET http://evil.example/healthz", 421, "wrong-host"),
        ("GET healthz", 421, "wrong-host"),
    ]
    .map(|(line, status, word)| (to(line), status, word))
    .to_vec();
    all.push((to(&format!("GET /{long}")), 431, "head-too-large"));
    all.push((with(&format!("host: 127.0.0.1\r\nx: {long}\r\n")), 431, "head-too-large"));
    all.push((with(&format!("host: 127.0.0.1\r\n{}", "x: y\r\n".repeat(1_000))), 431, "head-too-large"));
    all.push((with(""), 400, "no-host"));
    all.push((with("host: 127.0.0.1\r\nhost: 127.0.0.1\r\n"), 400, "no-host"));
    all.push((with("host: evil.example\r\n"), 421, "wrong-host"));
    all.push((with("host: \r\n"), 421, "wrong-host"));
    all.push((with("host: 127.0.0.1\r\nauthorization: Basic dTpw\r\n"), 401, "unreadable-token"));
    all.push((with("host: 127.0.0.1\r\nauthorization: Bearer\r\n"), 401, "unreadable-token"));
    all.push(("nonsense\r\n\r\n".to_owned(), 400, "unsound-request"));
    all.push(("GET / HTTP/2.0\r\nhost: 127.0.0.1\r\n\r\n".to_owned(), 400, "unsound-request"));
    all
}

/// Sends bytes as they are and gives the head and the body of the answer. That the rest of an overlong head is not read
/// may end the connection before everything was sent; what was answered until then counts.
fn exchange(world: &World, sent: &str) -> (String, String) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, world.collector_port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let _ = stream.write_all(sent.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn whatever_is_refused_is_a_problem() {
    let world = World::without_agent();
    for (sent, status, word) in odd() {
        let shown: String = sent.chars().take(80).collect();
        let (head, body) = exchange(&world, &sent);
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{shown:?}: {head}\n{body}");
        assert!(head.contains("\r\ncontent-type: application/problem+json"), "{shown:?}: {head}");
        assert_eq!(head.contains("\r\nallow: "), status == 405, "{shown:?}: {head}");
        assert_eq!(head.contains("\r\nwww-authenticate: "), status == 401, "{shown:?}: {head}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["type"], format!("urn:uphold:problem:{word}"), "{shown:?}: {problem}");
        assert_eq!(problem["status"], status, "{shown:?}");
    }
    let (head, body) = exchange(&world, &to("HEAD /api/v1/services"));
    assert!(head.starts_with("http/1.1 200 ") && body.is_empty(), "what can be read can be asked for its head: {head}");
    let (head, body) = exchange(&world, &to("HEAD /api/v1/push"));
    assert!(head.starts_with("http/1.1 405 ") && body.is_empty(), "{head}");
}
