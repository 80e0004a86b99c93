//! Listening with real sockets: whoever is slow, silent, large or many, and whoever behaves beside them.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::tls::tests::made;
use super::tls::{Tls, TlsFiles};
use super::{Listening, Peer, bind, serve_port, serve_socket};
use crate::limits::{Limit, Limits};

/// How long anything may take before the test gives up on it.
const DEADLINE: Duration = Duration::from_secs(30);

/// A port that is served, until told to end.
struct Served {
    address: SocketAddr,
    listening: Listening,
    finish: watch::Sender<bool>,
    /// Has a permit for each request that waits at `/busy`.
    entered: Arc<Semaphore>,
    go_on: Arc<Notify>,
    serving: JoinHandle<()>,
}

fn limits() -> Limits {
    Limits::default()
}

fn router(entered: &Arc<Semaphore>, go_on: &Arc<Notify>) -> Router {
    let (entered, waiting) = (Arc::clone(entered), Arc::clone(go_on));
    Router::new()
        .route("/", get(|| async { "here" }))
        .route("/prove", get(|Extension(peer): Extension<Peer>| async move { peer.proven() }))
        .route("/who", get(|Extension(peer): Extension<Peer>| async move { format!("{:?}", peer.way()) }))
        .route("/large", get(|| async { vec![b'x'; 64 << 20] }))
        .route(
            "/busy",
            get(|Extension(peer): Extension<Peer>| async move {
                peer.proven();
                entered.add_permits(1);
                waiting.notified().await;
                "done"
            }),
        )
}

impl Served {
    fn start(limits: Limits) -> Self {
        Self::start_with(limits, None)
    }

    fn start_with(limits: Limits, tls: Option<&Arc<Tls>>) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (listening, go_on) = (Listening::new(limits), Arc::new(Notify::new()));
        let entered = Arc::new(Semaphore::new(0));
        let (finish, finishing) = watch::channel(false);
        let acceptor = tls.map(|tls| tls.acceptor().unwrap());
        let serving =
            tokio::spawn(serve_port(listener, acceptor, router(&entered, &go_on), listening.clone(), finishing));
        Self { address, listening, finish, entered, go_on, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits until so many more requests are being answered.
    async fn until_busy(&self, requests: u32) {
        soon(self.entered.acquire_many(requests)).await.unwrap().forget();
    }

    fn reached(&self, limit: Limit) -> u64 {
        self.listening.limiter.count(limit)
    }
}

/// Waits for something, and gives up at the deadline.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.unwrap()
}

/// Everything that comes until the connection ends, whichever way.
async fn all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = soon(stream.read(&mut buffer)).await {
        text.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Asks on a connection that is kept, and reads the answer, whose body is short.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) -> String {
    soon(stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())).await.unwrap();
    let mut text = Vec::new();
    loop {
        let text_so_far = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = text_so_far.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| body.len() >= length.parse().unwrap()) {
                return text_so_far;
            }
        }
        let read = soon(stream.read_buf(&mut text)).await.unwrap();
        assert!(read > 0, "the connection ended after {text_so_far:?}");
    }
}

/// Waits until a limit was reached so often.
async fn until_reached(served: &Served, limit: Limit, times: u64) {
    soon(async {
        while served.reached(limit) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_head_that_drips_is_told_that_it_is_late() {
    let served = Served::start(limits().with(Limit::HeadTime, 2_000).with(Limit::IdleTime, 1_500));
    let stream = served.connect().await;
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nhost: ".iter().chain(std::iter::repeat_n(&b'x', 10_000)) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let told = all(&mut reading).await;
    assert!(told.starts_with("HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\n"), "{told}");
    assert!(told.contains("urn:uphold:problem:too-slow") && told.contains("has 2s to arrive"), "{told}");
    assert_eq!(served.reached(Limit::HeadTime), 1);
    dripping.abort();
}

#[tokio::test]
async fn whoever_says_nothing_is_closed_without_a_word() {
    let served = Served::start(limits().with(Limit::HeadTime, 1_000).with(Limit::IdleTime, 1_000));
    assert_eq!(all(&mut served.connect().await).await, "");
    assert_eq!((served.reached(Limit::HeadTime), served.reached(Limit::IdleTime)), (1, 0));
    let mut kept = served.connect().await;
    assert!(ask(&mut kept, "/").await.ends_with("here"));
    assert_eq!(all(&mut kept).await, "");
    assert_eq!(served.reached(Limit::IdleTime), 1);
}

#[tokio::test]
async fn whoever_does_not_read_is_closed() {
    let served = Served::start(limits().with(Limit::IdleTime, 1_000));
    let mut stream = served.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    until_reached(&served, Limit::IdleTime, 1).await;
    soon(async {
        while served.listening.snapshot().connections > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn heads_that_cannot_be_taken_are_problems() {
    let served = Served::start(limits());
    let large = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    for (head, status, word) in [
        (large.as_str(), "431 Request Header Fields Too Large", "head-too-large"),
        (many.as_str(), "431 Request Header Fields Too Large", "head-too-large"),
        ("no such thing\r\n\r\n", "400 Bad Request", "unsound-request"),
    ] {
        let mut stream = served.connect().await;
        // Whoever sends too much may find the connection closed before all of it is sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let told = all(&mut stream).await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{told}");
        assert!(told.contains(&format!("urn:uphold:problem:{word}")), "{told}");
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "one answer: {told}");
    }
}

#[tokio::test]
async fn the_idle_give_way_and_the_proven_stay() {
    let served = Served::start(limits().with(Limit::Connections, 3).with(Limit::ConnectionsPerAddress, 3));
    let mut agent = served.connect().await;
    ask(&mut agent, "/prove").await;
    let mut idle = Vec::new();
    for _ in 0..50 {
        idle.push(served.connect().await);
    }
    until_reached(&served, Limit::ConnectionsPerAddress, 48).await;
    assert!(ask(&mut agent, "/").await.ends_with("here"));
    for stream in &mut idle[..48] {
        let told = all(stream).await;
        assert!(told.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && told.contains("\r\nretry-after: 1\r\n"));
        assert!(told.contains("too-many-connections") && told.contains("At most 3 connections"), "{told}");
    }
    assert!(ask(&mut idle[49], "/").await.ends_with("here"));
    assert_eq!(served.listening.snapshot().connections, 3);
}

#[tokio::test]
async fn while_all_are_proven_and_busy_the_new_one_is_turned_away() {
    let served = Served::start(limits().with(Limit::Connections, 2));
    let mut agents = [served.connect().await, served.connect().await];
    for agent in &mut agents {
        agent.write_all(b"GET /busy HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    }
    served.until_busy(2).await;
    let told = all(&mut served.connect().await).await;
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("too-many-connections"), "{told}");
    assert_eq!(served.reached(Limit::Connections), 1);
    served.go_on.notify_waiters();
    for mut agent in agents {
        assert!(ask(&mut agent, "/").await.contains("200 OK"));
    }
}

#[tokio::test]
async fn what_is_being_answered_finishes_at_the_end_and_nothing_else_is_waited_for() {
    let served = Served::start(limits());
    let (mut idle, mut kept, mut busy) = (served.connect().await, served.connect().await, served.connect().await);
    ask(&mut kept, "/").await;
    idle.write_all(b"GET / HTT").await.unwrap();
    busy.write_all(b"GET /busy HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    served.until_busy(1).await;
    served.finish.send_replace(true);
    assert_eq!((all(&mut idle).await, all(&mut kept).await), (String::new(), String::new()));
    assert!(!served.serving.is_finished());
    served.go_on.notify_one();
    assert!(all(&mut busy).await.ends_with("done"));
    soon(served.serving).await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn the_socket_says_which_user_asks() {
    let dir = tempfile::tempdir().unwrap();
    let listener = crate::api::socket::bind(dir.path()).unwrap();
    let (finish, finishing) = watch::channel(false);
    let serving = tokio::spawn(serve_socket(
        listener,
        router(&Arc::new(Semaphore::new(0)), &Arc::default()),
        Listening::default(),
        finishing,
    ));
    let mut stream = UnixStream::connect(crate::api::socket::path(dir.path())).await.unwrap();
    let uid = std::fs::metadata(dir.path()).unwrap().uid();
    assert!(ask(&mut stream, "/who").await.ends_with(&format!("Socket {{ uid: {uid} }}")));
    finish.send_replace(true);
    soon(serving).await.unwrap();
}

/// A certificate in files, and a client that trusts it and nothing else.
struct Certified {
    folder: tempfile::TempDir,
}

impl Certified {
    fn new() -> (Self, TlsConnector) {
        let certified = Self { folder: tempfile::tempdir().unwrap() };
        let client = certified.replace();
        (certified, client)
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.folder.path().join("tls.crt"), key: self.folder.path().join("tls.key") }
    }

    fn replace(&self) -> TlsConnector {
        let (certificate, key) = made();
        std::fs::write(self.files().certificate, &certificate).unwrap();
        std::fs::write(self.files().key, key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        // One that resumes what it began before does not look at the certificate again.
        config.resumption = rustls::client::Resumption::disabled();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

async fn who(served: &Served, client: &TlsConnector) -> Result<String, std::io::Error> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = soon(client.connect(name, served.connect().await)).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    Ok(ask(&mut stream, "/who").await)
}

#[tokio::test]
async fn tls_is_spoken_with_the_certificate_that_lies_there() {
    let (files, first) = Certified::new();
    let tls = Tls::open(files.files()).unwrap();
    let served = Served::start_with(limits(), Some(&tls));
    assert!(who(&served, &first).await.unwrap().ends_with("Port { address: 127.0.0.1, tls: true }"));

    let second = files.replace();
    assert!(who(&served, &second).await.is_err(), "nobody has looked at the files yet");
    tls.look_again().unwrap().unwrap();
    assert!(who(&served, &second).await.is_ok());
    assert!(who(&served, &first).await.is_err());

    std::fs::write(files.files().certificate, "no certificate").unwrap();
    assert!(tls.look_again().unwrap().is_err());
    assert!(who(&served, &second).await.is_ok(), "the old one stays in force");
}

#[tokio::test]
async fn a_handshake_has_the_time_of_a_head() {
    let (files, _) = Certified::new();
    let tls = Tls::open(files.files()).unwrap();
    let served = Served::start_with(limits().with(Limit::HeadTime, 1_000), Some(&tls));
    let mut silent = served.connect().await;
    assert_eq!(all(&mut silent).await, "");
    assert_eq!(served.reached(Limit::HeadTime), 1);
    let mut plain = served.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let told = all(&mut plain).await;
    assert!(!told.contains("HTTP"), "{told}");
}
