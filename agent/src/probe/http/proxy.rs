//! A proxy that is asked in place of the server: a tunnel for https, whole URLs for http.

use hyper::header::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::hop::Hop;
use crate::probe::connect::Target;
use crate::probe::starttls::{broken, closed};
use crate::probe::{Happened, Trouble, TroubleKind};

/// Most bytes of a proxy's answer before its tunnel begins.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Where the proxy is.
pub(super) fn target(proxy: &str) -> Result<Target, String> {
    let url = Url::parse(proxy).map_err(|error| format!("the proxy's URL is not understood: {error}"))?;
    let hop = Hop::new(url).map_err(|why| format!("the proxy: {why}"))?;
    if hop.secure { Err("a proxy that speaks TLS is not supported".to_owned()) } else { Ok(hop.target) }
}

/// Asks for a tunnel to the server; what is said afterwards is the server's.
pub(super) async fn tunnel(stream: &mut TcpStream, hop: &Hop, agent: &str) -> Result<(), Happened> {
    let Target { host, port } = &hop.target;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    // Names come out of the URL's own reader, so nothing in them ends a line; this makes sure of it.
    if HeaderValue::from_str(&host).is_err() {
        return Err(Happened::NotTried("the URL's host is not understood".to_owned()));
    }
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: {agent}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| broken(&error))?;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let read = stream.read(&mut chunk).await.map_err(|error| broken(&error))?;
        if read == 0 {
            return Err(closed("the proxy closed the connection"));
        }
        head.extend_from_slice(chunk.get(..read).unwrap_or_default());
        match ended(&head)? {
            Some(200..=299) if head.ends_with(b"\r\n\r\n") => return Ok(()),
            Some(200..=299) => return Err(Happened::NotUnderstood("the proxy says more than that".to_owned())),
            Some(code) => {
                let text = format!("the proxy answers with code {code}");
                return Err(Happened::NotConnected(Trouble { kind: TroubleKind::Other, text }));
            }
            None if head.len() > HEAD_BYTES_MAX => {
                return Err(Happened::NotUnderstood("the proxy's answer has no end".to_owned()));
            }
            None => {}
        }
    }
}

/// The code of an answer whose head is whole.
fn ended(head: &[u8]) -> Result<Option<u16>, Happened> {
    if !head.windows(4).any(|four| four == b"\r\n\r\n") {
        return Ok(None);
    }
    let line = head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let code = line.filter(|line| line.starts_with("HTTP/1.")).and_then(|line| line.get(9..12)?.parse().ok());
    code.map(Some).ok_or_else(|| Happened::NotUnderstood("the proxy does not speak HTTP".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_answer_is_read_once_it_is_whole() {
        for (head, code) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Ok(Some(200))),
            ("HTTP/1.0 407 Who\r\na: b\r\n\r\nbody", Ok(Some(407))),
            ("HTTP/1.1 200 OK\r\n", Ok(None)),
            ("SSH-2.0\r\n\r\n", Err(())),
            ("HTTP/1.1 2\r\n\r\n", Err(())),
        ] {
            assert_eq!(ended(head.as_bytes()).map_err(drop), code, "{head}");
        }
        assert_eq!(target("http://proxy.example:3128/").unwrap().to_string(), "proxy.example:3128");
        assert!(target("https://proxy.example/").is_err());
    }
}
