//! The connections to the TCP port: bounded in number, and ended when they fall silent.
//!
//! At most [`CONNECTIONS_MAX`] are open at once; the next one waits in the system's queue until one ends. A connection on
//! which nothing is read or written for [`SILENCE_MAX`] is ended, so that those who connect and say nothing cannot hold
//! the places of those who do. Agents that keep a connection between two pushes find it closed at worst and open another.

use std::future::Future as _;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Most connections at once: half of the files that a process may usually have open, the other half being for the store,
/// the spool of a built-in agent, and deliveries.
pub const CONNECTIONS_MAX: usize = 512;
/// How long a connection may be silent.
pub const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long to wait when the system gives no connection, as when no file may be opened any more.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// A TCP listener whose connections are bounded.
#[derive(Debug)]
pub struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    silence_max: Duration,
}

impl Bounded {
    /// Bounds the connections of `listener` to `most` at once, each to `silence_max`.
    pub fn new(listener: TcpListener, most: usize, silence_max: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(most)), silence_max }
    }
}

impl axum::serve::Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let silence = Box::pin(tokio::time::sleep(self.silence_max));
                    let silence_max = self.silence_max;
                    return (Connection { stream, silence, silence_max, _place: place }, address);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that holds its place, and ends when it falls silent.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    silence: Pin<Box<Sleep>>,
    silence_max: Duration,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// Passes on what the stream said; waiting is an error once it was silent for too long.
    fn unless_silent<T>(&mut self, said: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if said.is_ready() {
            let silence = Box::pin(tokio::time::sleep(self.silence_max));
            self.silence = silence;
            return said;
        }
        ready!(self.silence.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let said = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.unless_silent(said, cx)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let said = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.unless_silent(said, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn serve(most: usize, silence_max: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().route("/", get(|| async { "here" }));
        let bounded = Bounded::new(listener, most, silence_max);
        tokio::spawn(async move { axum::serve(bounded, router).await });
        address
    }

    async fn ask(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn those_who_say_nothing_make_room_for_those_who_do() {
        let address = serve(2, Duration::from_millis(100)).await;
        let mut silent = Vec::new();
        for _ in 0..5 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        silent[0].write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let answered = tokio::time::timeout(Duration::from_secs(30), ask(address)).await;
        assert!(answered.unwrap().ends_with("here"));
    }
}
