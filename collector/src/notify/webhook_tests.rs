//! Attempts against a server that answers by a script, and against none; URLs that stay secret.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use uphold_common::catalogue::model::{Channel, ReceiverUrl};

use super::*;
use crate::notify::courier::Courier;
use crate::notify::entry::Key;
use crate::notify::message::Kind;
use crate::notify::scripted::{Reply, Server, courier};
use crate::notify::testing::{at, id};

fn delivery(url: ReceiverUrl) -> Delivery {
    let key = Key { receiver: id("duty"), order: 1 };
    Delivery {
        key,
        channel: Arc::new(Channel::Webhook(Webhook { url, secret_file: None })),
        id: "x-INC-7.2".to_owned(),
        incident: None,
        kind: Kind::Opened,
        body: "{\"n\":1}".to_owned(),
        attempt: 1,
        repeated: false,
        at: at(1_614_265_330_000),
        kept: None,
    }
}

fn answered(status: u16, retry_after: Option<&str>) -> Attempt {
    Attempt::Answered { status, retry_after: retry_after.map(str::to_owned) }
}

async fn attempt(courier: &Courier, delivery: &Delivery) -> Attempt {
    courier.deliver(delivery).await.attempt
}

async fn error_of(url: ReceiverUrl) -> String {
    match attempt(&courier(), &delivery(url)).await {
        Attempt::Unanswered { error } => error,
        answered => panic!("{answered:?}"),
    }
}

#[tokio::test]
async fn an_attempt_says_what_it_saw() {
    let table = [
        (Reply::Status(200), answered(200, None)),
        (Reply::Status(500), answered(500, None)),
        (Reply::Status(400), answered(400, None)),
        (Reply::Later("17"), answered(429, Some("17"))),
        (Reply::Elsewhere, answered(302, None)),
        (Reply::Page(1_000_000), answered(200, None)),
        (Reply::Hang, Attempt::Unanswered { error: "the receiver did not answer in time".to_owned() }),
    ];
    let server = Server::start(&table.clone().map(|(reply, _)| reply)).await;
    let courier = courier();
    for (reply, expected) in table {
        assert_eq!(attempt(&courier, &delivery(ReceiverUrl::Url(server.url()))).await, expected, "{reply:?}");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 7, "no redirect is followed");
    for request in seen {
        assert_eq!((request.path.as_str(), request.body.as_str()), ("/hook/s3cr3t", "{\"n\":1}"));
        assert_eq!(request.headers["content-type"], "application/cloudevents+json");
        assert_eq!(request.headers["webhook-id"], "x-INC-7.2");
        assert!(request.headers["user-agent"].to_str().unwrap().starts_with("uphold-collector/"));
    }
}

#[tokio::test]
async fn the_status_stands_even_if_the_body_never_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nhal").await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
    });
    assert_eq!(attempt(&courier(), &delivery(ReceiverUrl::Url(url))).await, answered(202, None));
    server.abort();
}

#[tokio::test]
async fn a_url_file_is_read_at_each_attempt() {
    let server = Server::start(&[]).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let url = || ReceiverUrl::File(file.path().to_str().unwrap().to_owned());
    let error = error_of(url()).await;
    assert!(error.ends_with("is empty"), "{error}");
    let delivery = delivery(url());
    writeln!(file, "  {}  \r\nand more", server.url()).unwrap();
    assert_eq!(attempt(&courier(), &delivery).await, answered(200, None));
    assert_eq!(server.seen()[0].path, "/hook/s3cr3t");
}

#[tokio::test]
async fn a_file_without_a_url_is_named_and_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let table: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "is empty"),
        ("words", b"s3cr3t words", "no http or https URL"),
        ("scheme", b"ftp://s3cr3t/", "no http or https URL"),
        ("binary", b"s3cr3t \xff", "is no text"),
        ("long", &[b's'; 9_000], "is longer than 8192 bytes"),
    ];
    for (name, content, expected) in table {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = error_of(ReceiverUrl::File(path.to_str().unwrap().to_owned())).await;
        assert!(error.contains(expected) && !error.contains("s3cr3t"), "{error}");
    }
    for missing in [dir.path().to_path_buf(), dir.path().join("absent")] {
        let path = missing.to_str().unwrap().to_owned();
        let error = error_of(ReceiverUrl::File(path.clone())).await;
        assert!(error.starts_with(&format!("could not read the URL from {path}: ")), "{error}");
    }
}

#[tokio::test]
async fn errors_say_nothing_of_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = error_of(ReceiverUrl::Url(format!("http://user:s3cr3t@{address}/t0ken?key=k3y"))).await;
    assert!(error.starts_with("could not reach the receiver: ") && error.contains("refused"), "{error}");
    for secret in ["s3cr3t", "127.0.0.1", "t0ken", "k3y", "user"] {
        assert!(!error.contains(secret), "{error}");
    }
    // Something that speaks no TLS.
    let server = Server::start(&[]).await;
    let error = error_of(ReceiverUrl::Url(format!("https://{}/t0ken", server.address))).await;
    assert!(!error.contains("t0ken") && !error.contains("127.0.0.1"), "{error}");
    assert!(error_of(ReceiverUrl::Url("http://name.invalid/t0ken".to_owned())).await.len() > 10);
}
