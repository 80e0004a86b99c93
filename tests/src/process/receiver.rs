//! A server of the test's own: takes each request over HTTP, notes when it came and what it held, and answers as it is told
//! to; badly where that is the test. Dropped, it listens no more: connections are refused.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::wait::{rest, wall_ms};

/// How long a client may be silent, and how long one that is not answered is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of a body that are read.
const BODY_BYTES_MAX: usize = 1 << 20;

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// With this status, these lines of the head and this body.
    Says(u16, &'static str, &'static str),
    /// With 200, after a while.
    Slow(Duration),
    /// Not at all: the connection ends.
    HangsUp,
    /// Not at all: the connection stays.
    Silent,
}

impl Manner {
    /// With 200.
    pub const ACCEPTS: Self = Self::Says(200, "", "");

    /// Whether whoever asked may take it for taken.
    pub const fn accepts(self) -> bool {
        matches!(self, Self::Says(200..=299, _, _) | Self::Slow(_))
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// When all of it had come.
    pub at_ms: i64,
    /// Its header `webhook-id`.
    pub id: String,
    /// Its body, if that is JSON.
    pub body: Value,
    /// How it was answered, or is being answered.
    pub manner: Manner,
}

/// What the threads of a receiver share.
#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    over: AtomicBool,
}

/// A running one.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on a port of the loopback address; `manner` says how the request of this number, from 0, is answered.
    pub fn start(port: u16, manner: impl Fn(usize) -> Manner + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        let (shared, manner) = (Arc::new(Shared::default()), Arc::new(manner));
        let common = Arc::clone(&shared);
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if common.over.load(Ordering::Relaxed) {
                    break;
                }
                let (shared, manner) = (Arc::clone(&common), Arc::clone(&manner));
                // A client that is killed breaks off in the middle; that is its affair.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &shared, manner.as_ref())).ok());
            }
        });
        Ok(Self { port, shared, listening: Some(listening) })
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it is found.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// What came so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Whoever accepts connections is told by one.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(listening) = self.listening.take() {
            listening.join().ok();
        }
    }
}

/// One request of one connection.
fn serve(stream: TcpStream, shared: &Shared, manner: &(impl Fn(usize) -> Manner + ?Sized)) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0_usize);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "webhook-id" => value.trim().clone_into(&mut id),
            "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
            _ => {}
        }
    }
    let mut body = vec![0; length.min(BODY_BYTES_MAX)];
    stream.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let manner = {
        let mut received = shared.received.lock().unwrap_or_else(PoisonError::into_inner);
        let manner = manner(received.len());
        received.push(Received { at_ms: wall_ms(), id, body, manner });
        manner
    };
    answer(&mut stream, manner)
}

fn answer(stream: &mut BufReader<TcpStream>, manner: Manner) -> io::Result<()> {
    let (status, head, body) = match manner {
        Manner::Says(status, head, body) => (status, head, body),
        Manner::Slow(length) => {
            rest(length);
            (200, "", "")
        }
        Manner::HangsUp => return Ok(()),
        // Until the client has had enough.
        Manner::Silent => return stream.read(&mut [0]).map(drop),
    };
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} -\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.get_mut().write_all(answer.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::http;

    #[test]
    fn it_answers_as_it_is_told_to_and_refuses_once_it_is_gone() {
        let manner =
            |number| if number == 0 { Manner::Says(429, "retry-after: 1\r\n", "later") } else { Manner::HangsUp };
        let receiver = Receiver::start(0, manner).unwrap();
        let port = receiver.port();
        let answer = http::send(port, "POST", "/", &[("webhook-id", "a.1")], b"{\"x\":1}").unwrap();
        assert_eq!((answer.code, answer.header("retry-after"), answer.text().as_str()), (429, Some("1"), "later"));
        assert!(http::get(port, "/").is_err());
        let taken = receiver.received();
        assert_eq!((taken.len(), taken[0].id.as_str(), &taken[0].body["x"]), (2, "a.1", &Value::from(1)));
        drop(receiver);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    }
}
