//! Attempts against real sockets of this machine: good answers, and every kind of bad server.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Cause, Outcome};
use uphold_common::wire::check::{HttpCheck, TcpCheck};

use super::*;
use crate::tls;

/// A server that reads a request and then does as it is told with the connection.
async fn server<F, Fut>(behave: F) -> SocketAddr
where
    F: Fn(TcpStream, String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let behave = Arc::new(behave);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let behave = Arc::clone(&behave);
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut buffer = [0; 1024];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(n) => request.extend_from_slice(&buffer[..n]),
                    }
                }
                behave(stream, String::from_utf8_lossy(&request).into_owned()).await;
            });
        }
    });
    address
}

/// A server that sends these bytes and closes.
async fn says(bytes: &'static [u8]) -> SocketAddr {
    server(move |mut stream, _| async move {
        let _ = stream.write_all(bytes).await;
    })
    .await
}

fn spec(check: Check) -> ProbeSpec {
    let id = PathId::new(Id::new("webshop").unwrap(), Id::new("web").unwrap());
    ProbeSpec { id, interval_ms: 10_000, timeout_ms: 10_000, slow_after_ms: None, confirm: None, check }
}

fn http(url: String) -> HttpCheck {
    HttpCheck { url, ..HttpCheck::default() }
}

async fn get(address: SocketAddr, change: impl FnOnce(&mut ProbeSpec, &mut HttpCheck)) -> Attempt {
    let mut check = http(format!("http://{address}/health?deep=1"));
    let mut spec = spec(Check::Http(Box::new(check.clone())));
    change(&mut spec, &mut check);
    spec.check = Check::Http(Box::new(check));
    Probe::new(&spec, &Arc::default()).attempt(Instant::from_ms(7)).await
}

fn seen(attempt: &Attempt) -> (Outcome, Cause, u16) {
    (attempt.observation.outcome, attempt.observation.cause, attempt.observation.code)
}

#[tokio::test]
async fn a_good_answer_is_up_with_all_its_phases() {
    let address = server(|mut stream, request| async move {
        let body = format!("asked:\n{request}");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = stream.write_all((head + &body).as_bytes()).await;
    })
    .await;
    let attempt = get(address, |_, check| {
        check.body_matches = Some(format!(
            "(?s)GET /health\\?deep=1 HTTP/1.1\r\nhost: {address}\r\nuser-agent: uphold-agent/[0-9.]+\r\naccept: \\*/\\*\r\nconnection: close\r\n"
        ));
    })
    .await;
    assert_eq!(seen(&attempt), (Outcome::Up, Cause::None, 200), "{attempt:?}");
    assert_eq!(attempt.observation.at, Instant::from_ms(7));
    let phases = attempt.observation.phases;
    assert!(phases.tls.get().is_none() && phases.transfer.get().is_some() && phases.resolve.get().is_some());
    let sum: u64 = phases.to_array().iter().filter_map(|phase| phase.get()).sum();
    assert!(sum > 0 && sum <= attempt.observation.total.get().unwrap(), "{attempt:?}");
}

#[tokio::test]
async fn answers_are_held_against_what_is_expected() {
    let missing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\ngone";
    let moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    for (bytes, codes, body, expected) in [
        (&missing[..], vec![], None, (Outcome::Down, Cause::Code, 404)),
        (missing, vec![404], None, (Outcome::Up, Cause::None, 404)),
        (missing, vec![404], Some("^gone$"), (Outcome::Up, Cause::None, 404)),
        (missing, vec![404], Some("here"), (Outcome::Down, Cause::Body, 404)),
        (moved, vec![], None, (Outcome::Down, Cause::Code, 302)),
        (moved, vec![302], None, (Outcome::Up, Cause::None, 302)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", vec![], None, (Outcome::Up, Cause::None, 204)),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", vec![], Some("end$"), (Outcome::Up, Cause::None, 200)),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            vec![],
            Some("^ok$"),
            (Outcome::Up, Cause::None, 200),
        ),
    ] {
        let attempt = get(says(bytes).await, |_, check| {
            check.codes = codes;
            check.body_matches = body.map(str::to_owned);
        })
        .await;
        assert_eq!(seen(&attempt), expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn bad_servers_are_down_and_the_cause_is_named() {
    for (bytes, cause) in [
        (&b"220 mail.example ESMTP\r\n\r\n"[..], Cause::Protocol),
        (b"\x16\x03\x01\x00\xff\xfe\r\n\r\n", Cause::Protocol),
        (b"HTTP/1.1 abc\r\n\r\n", Cause::Protocol),
        (b"", Cause::Connection),
        (b"HTTP/1.1 200 O", Cause::Connection),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", Cause::Connection),
    ] {
        let attempt = get(says(bytes).await, |_, _| ()).await;
        assert_eq!(attempt.observation.outcome, Outcome::Down, "{}", String::from_utf8_lossy(bytes));
        assert_eq!(attempt.observation.cause, cause, "{} {attempt:?}", String::from_utf8_lossy(bytes));
        assert!(attempt.observation.total.get().is_some(), "a failure takes its time too");
    }
    let endless_head = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(&[b'x'; 1000]).await.is_ok() {}
    })
    .await;
    let attempt = get(endless_head, |_, _| ()).await;
    assert_eq!((attempt.observation.outcome, attempt.observation.cause), (Outcome::Down, Cause::Protocol));
}

#[tokio::test]
async fn nothing_outlasts_the_deadline_and_the_phases_before_it_are_kept() {
    let hangs = server(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let drips = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
        while stream.write_all(b".").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    for (address, first_byte) in [(hangs, false), (drips, true)] {
        let attempt = get(address, |spec, _| spec.timeout_ms = 300).await;
        assert_eq!(seen(&attempt), (Outcome::Down, Cause::Timeout, 0));
        assert_eq!(attempt.observation.phases.first_byte.get().is_some(), first_byte);
        assert!(attempt.observation.phases.connect.get().is_some());
        assert!(attempt.observation.total.get().unwrap() >= 300_000);
    }
}

#[tokio::test]
async fn a_huge_body_is_cut_and_said() {
    let address = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nbegin").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    let attempt = get(address, |_, check| check.body_matches = Some("^begin".to_owned())).await;
    let Happened::Answered(Answer { seen: Seen::Http(answer), .. }) = &attempt.facts.happened else {
        panic!("{attempt:?}")
    };
    assert!(answer.body_cut && answer.unmet.is_none());
    assert_eq!(answer.body_bytes, BODY_BYTES);
    assert_eq!(attempt.observation.outcome, Outcome::Up);
}

const BODY_BYTES: u64 = super::http::BODY_BYTES_MAX as u64;

#[tokio::test]
async fn slow_answers_are_degraded() {
    let address = server(|mut stream, _| async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    let attempt = get(address, |spec, _| spec.slow_after_ms = Some(10)).await;
    assert_eq!(seen(&attempt), (Outcome::Degraded, Cause::Slow, 200));
}

#[tokio::test]
async fn connections_are_told_apart() {
    let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let port = open.local_addr().unwrap().port();
    for (address, outcome, cause) in [
        (format!("127.0.0.1:{port}"), Outcome::Up, Cause::None),
        (format!("localhost:{port}"), Outcome::Up, Cause::None),
        (closed.to_string(), Outcome::Down, Cause::Refused),
        ("nobody.invalid:80".to_owned(), Outcome::Down, Cause::Resolve),
        ("no address".to_owned(), Outcome::Unknown, Cause::Agent),
    ] {
        let probe = Probe::new(
            &spec(Check::Tcp(TcpCheck { address: address.clone(), ..TcpCheck::default() })),
            &Arc::default(),
        );
        let attempt = probe.attempt(Instant::from_ms(1)).await;
        assert_eq!(seen(&attempt), (outcome, cause, 0), "{address} {attempt:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_fails_the_tls_phase() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = address.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = address.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let check = Check::Http(Box::new(http(format!("https://127.0.0.1:{port}/"))));
    let attempt = Probe::new(&spec(check), &Arc::default()).attempt(Instant::from_ms(1)).await;
    if tls::client_config().is_err() {
        assert_eq!(seen(&attempt), (Outcome::Unknown, Cause::Agent, 0), "no roots on this machine: {attempt:?}");
    } else {
        assert_eq!(seen(&attempt), (Outcome::Down, Cause::Tls, 0), "{attempt:?}");
    }
}

#[test]
fn what_cannot_be_tried_says_why() {
    for (url, body, word) in [
        ("no url", None, "URL"),
        ("ftp://a.example/", None, "ftp"),
        ("http://user:secret@a.example/", None, "password"),
        ("http://a.example/", Some("("), "expression"),
        ("http://a.example/", Some("(?:a{1000}){1000}"), "expression"),
    ] {
        let mut check = http(url.to_owned());
        check.body_matches = body.map(str::to_owned);
        let probe = Probe::new(&spec(Check::Http(Box::new(check))), &Arc::default());
        let problem = probe.problem().unwrap();
        assert!(problem.contains(word) && !problem.contains("secret"), "{problem}");
    }
    for url in ["http://[::1]:8080/", "https://[::1]/", "http://bücher.example/ä?q=ö", "https://a.example"] {
        let probe = Probe::new(&spec(Check::Http(Box::new(http(url.to_owned())))), &Arc::default());
        assert_eq!(probe.problem(), None, "{url}");
    }
}
