//! Servers that no package ships: they hang, break off, reset, say half, or never end.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use super::{check_within, detail, verdict};

/// A server that does this with each connection; it ends with the test's process.
fn server(behave: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || behave(stream));
        }
    });
    port
}

/// Reads until the other side is gone.
fn listens_only(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

/// Reads a little, and breaks off without a word: what was not read makes it a reset.
fn resets(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1]);
}

/// Says one thing again and again.
fn floods(mut stream: TcpStream) {
    while stream.write_all(&[b'x'; 4096]).is_ok() {}
}

fn drips(mut stream: TcpStream) {
    while stream.write_all(b"x").is_ok() {
        thread::yield_now();
    }
}

fn half(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1024]);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
}

fn says_nothing_and_closes(_: TcpStream) {}

/// All checks of one address, with the words of each kind.
const KINDS: [&str; 7] = [
    "http: { url: 'http://ADDRESS/' }",
    "http: { url: 'http://ADDRESS/', version: 2 }",
    "http: { url: 'https://ADDRESS/' }",
    "tcp: { address: 'ADDRESS', dialogue: [{ send: 'hello\\r\\n' }, { expect: 'welcome' }] }",
    "tcp: { address: 'ADDRESS', starttls: smtp }",
    "tls: { address: 'ADDRESS' }",
    "grpc: { address: 'ADDRESS' }",
];

#[test]
fn whatever_a_server_does_an_attempt_ends_and_says_why() {
    let servers: [(&str, u16); 6] = [
        ("listens only", server(listens_only)),
        ("resets", server(resets)),
        ("floods", server(floods)),
        ("drips", server(drips)),
        ("half", server(half)),
        ("closes", server(says_nothing_and_closes)),
    ];
    for (name, port) in servers {
        for kind in KINDS {
            let seen =
                check_within("1500ms", &format!("{{ {} }}", kind.replace("ADDRESS", &format!("127.0.0.1:{port}"))));
            assert_eq!(seen["outcome"], "down", "{name} {kind}: {seen}");
            let causes: &[&str] = match name {
                "listens only" => &["timeout"],
                // Both wait for the other's first word.
                "resets" | "half" if kind.contains("smtp") => &["timeout"],
                "drips" => &["timeout", "protocol", "tls", "body", "connection"],
                "floods" => &["protocol", "tls", "body", "connection", "timeout"],
                "half" => &["connection", "protocol", "tls", "body"],
                _ => &["connection", "tls"],
            };
            assert!(causes.contains(&seen["cause"].as_str().unwrap()), "{name} {kind}: {seen}");
            assert!(seen["total_us"].as_u64().is_some_and(|us| us < 5_000_000), "{name} {kind}: {seen}");
        }
    }
}

#[test]
fn half_an_answer_is_none() {
    let port = server(half);
    let seen = check_within("5s", &format!("{{ http: {{ url: 'http://127.0.0.1:{port}/' }} }}"));
    assert_eq!(verdict(&seen), ("down", "connection", None), "{seen}");
    assert!(detail(&seen).contains("end"), "{seen}");
}
