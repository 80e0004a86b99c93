//! `grpc` against a server of our own with the standard health service, and through nginx with TLS.

use h2::server::{self, SendResponse};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use uphold_tests::process::free_port;
use uphold_tests::process::nginx::Nginx;

use super::{Authority, check, check_within, detail, verdict};

/// A server whose services have their health as their names; it ends with the test's process.
pub(super) fn health_server() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
    });
    port
}

async fn serve(stream: TcpStream) {
    let Ok(mut connection) = server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond));
    }
}

async fn answer(request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>) {
    let path = request.uri().path().to_owned();
    let mut body = request.into_body();
    let mut asked = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        asked.extend_from_slice(&data);
    }
    // Five bytes of a frame, then field 1 with the name.
    let service = String::from_utf8_lossy(asked.get(7..).unwrap_or_default()).into_owned();
    let head = Response::builder().header("content-type", "application/grpc");
    let failed =
        |status: &str| Response::builder().header("content-type", "application/grpc").header("grpc-status", status);
    let health: &[u8] = match (path.as_str(), service.as_str()) {
        ("/grpc.health.v1.Health/Check", "" | "serving") => b"\0\0\0\0\x02\x08\x01",
        ("/grpc.health.v1.Health/Check", "not-serving") => b"\0\0\0\0\x02\x08\x02",
        ("/grpc.health.v1.Health/Check", "odd") => b"what?",
        ("/grpc.health.v1.Health/Check", "endless") => {
            let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
            // More than is read of any answer; then it goes on without an end.
            let _ = stream.send_data(vec![0; 60_000].into(), false);
            return std::future::pending().await;
        }
        ("/grpc.health.v1.Health/Check", "hanging") => return std::future::pending().await,
        ("/grpc.health.v1.Health/Check", "reset") => return respond.send_reset(h2::Reason::INTERNAL_ERROR),
        ("/grpc.health.v1.Health/Check", _) => {
            let _ = respond.send_response(failed("5").body(()).unwrap(), true);
            return;
        }
        _ => {
            let _ = respond.send_response(failed("12").body(()).unwrap(), true);
            return;
        }
    };
    let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
    stream.send_data(Bytes::copy_from_slice(health), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
}

#[test]
fn services_are_serving_or_not() {
    let (port, web) = (health_server(), Nginx::start("").unwrap());
    for (port, service, expected, told) in [
        (port, "", ("up", "none", None), "SERVING"),
        (port, "serving", ("up", "none", None), "SERVING"),
        (port, "not-serving", ("down", "body", None), "NOT_SERVING"),
        (port, "unknown", ("down", "code", Some(5)), "no such service"),
        (port, "odd", ("down", "protocol", None), "no answer of the health service"),
        (port, "endless", ("down", "protocol", None), "no answer of the health service"),
        (port, "reset", ("down", "connection", None), ""),
        (port, "hanging", ("down", "timeout", None), ""),
        (web.port(), "", ("down", "protocol", None), ""),
        (free_port().unwrap(), "", ("down", "refused", None), ""),
    ] {
        let service = if service.is_empty() { String::new() } else { format!(", service: {service}") };
        let seen = check_within("2s", &format!("{{ grpc: {{ address: '127.0.0.1:{port}'{service} }} }}"));
        assert_eq!(verdict(&seen), expected, "{service}: {seen}");
        assert!(detail(&seen).contains(told), "{service}: {seen}");
    }
}

#[test]
fn health_is_asked_for_over_tls() {
    let (authority, port, health) = (Authority::new(), free_port().unwrap(), health_server());
    let _server = Nginx::start(&format!(
        "listen 127.0.0.1:{port} ssl http2; {} location /grpc.health.v1.Health/ {{ grpc_pass grpc://127.0.0.1:{health}; }}",
        authority.sign("127.0.0.1", 90).lines()
    ))
    .unwrap();
    let ca = authority.ca_file();
    for (service, expected) in [("serving", ("up", "none", None)), ("not-serving", ("down", "body", None))] {
        let tls = format!("tls: {{ ca_file: {ca} }}");
        let seen = check(&format!("{{ grpc: {{ address: '127.0.0.1:{port}', service: {service}, {tls} }} }}"));
        assert_eq!(verdict(&seen), expected, "{seen}");
        assert_eq!(seen["tls"]["verified"], true, "{seen}");
    }
}
