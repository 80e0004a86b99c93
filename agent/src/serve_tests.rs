//! Clients of the metrics that say nothing, too little, too much, or never read.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// The longest that any of these tests waits for something that should happen.
const PATIENCE: Duration = Duration::from_secs(20);

async fn serve(limits: Limits) -> SocketAddr {
    let (listener, bound) = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let long = "x".repeat(64 * 1024 * 1024);
    let router = Router::new().route("/", get(|| async { "here" })).route("/long", get(|| async { long }));
    tokio::spawn(accept(listener, router, limits));
    bound
}

/// What comes back until the other side ends the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // However it ends: a connection that is cut off may be reset.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8(bytes).unwrap()
}

async fn said(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn those_who_say_nothing_or_too_little_make_room() {
    let limits = Limits { connections_max: 2, head_within: Duration::from_secs(1), ..Limits::default() };
    let address = serve(limits).await;
    let mut silent = Vec::new();
    for text in ["", "GET", "GET / HTTP/1.1\r\nhost:", ""] {
        silent.push(said(address, text).await);
    }
    let asked = said(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(rest(asked).await.ends_with("here"), "five connections, two places");
    for stream in silent {
        rest(stream).await;
    }
}

#[tokio::test]
async fn one_who_trickles_does_not_stay() {
    let limits = Limits { head_within: Duration::from_millis(300), ..Limits::default() };
    let mut stream = said(serve(limits).await, "GET / HTTP/1.1\r\n").await;
    let trickle = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if let Err(error) = stream.write_all(b"x: y\r\n").await {
                return error.kind();
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, trickle).await.expect("the connection ends");
    assert!(matches!(ended, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{ended}");
}

#[tokio::test]
async fn a_connection_carries_one_request_with_a_small_head() {
    let address = serve(Limits::default()).await;
    let twice = "GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
    assert_eq!(rest(said(address, &twice).await).await.matches("here").count(), 1);
    let mut large = TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(2 * HEAD_BYTES_MAX));
    // It may be refused before all of it was written.
    let _ = large.write_all(head.as_bytes()).await;
    let mut answer = [0; 12];
    let read = tokio::time::timeout(PATIENCE, large.read_exact(&mut answer)).await.expect("it is answered");
    assert!(read.is_err() || answer == *b"HTTP/1.1 431", "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn one_who_never_reads_does_not_hold_a_place() {
    let limits = Limits { connections_max: 1, over_within: Duration::from_secs(1), ..Limits::default() };
    let address = serve(limits).await;
    let _deaf = said(address, "GET /long HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let asked = said(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(rest(asked).await.ends_with("here"));
}

#[tokio::test]
async fn beyond_the_bound_connections_wait_until_a_place_is_free() {
    let address = serve(Limits { connections_max: 1, ..Limits::default() }).await;
    let first = said(address, "GET").await;
    let mut second = said(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read_exact(&mut byte)).await;
    assert!(early.is_err(), "there is one place, and it is taken");
    drop(first);
    assert!(rest(second).await.ends_with("here"));
}
