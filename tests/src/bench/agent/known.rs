//! A server that answers after a known delay, and notes of each request what the delay really was.
//!
//! The delay runs from the moment in which the last byte of the request was read to that in which the first byte of the
//! answer is written. A timer is late by some fraction of a millisecond; what is noted is what it came to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use super::pairs::Note;
use crate::process::wait::{Stopwatch, wall_ms};

/// Most notes that are kept.
const NOTES_MAX: usize = 10_000_000;
/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 4 * 1024;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n";

type Notes = Arc<Mutex<Vec<Note>>>;

/// A running server, on a thread of its own.
#[derive(Debug)]
pub(super) struct Known {
    address: SocketAddr,
    notes: Notes,
    runtime: Option<Runtime>,
}

impl Known {
    /// Starts one that answers after `delay`.
    pub(super) fn start(delay: Duration) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let (address, notes) = (listener.local_addr()?, Notes::default());
        runtime.spawn(serve(listener, delay, Arc::clone(&notes)));
        Ok(Self { address, notes, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked so far.
    pub(super) fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, delay: Duration, notes: Notes) {
    // A client that breaks off is missing in the notes, which whoever pairs them sees.
    while let Ok((stream, _)) = listener.accept().await {
        let notes = Arc::clone(&notes);
        tokio::spawn(async move { drop(answer(stream, delay, &notes).await) });
    }
}

async fn answer(mut stream: TcpStream, delay: Duration, notes: &Notes) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut head, mut piece) = (Vec::new(), [0; HEAD_BYTES_MAX]);
    while !head.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut piece).await?;
        head.extend_from_slice(piece.get(..length).unwrap_or_default());
        if length == 0 || head.len() > HEAD_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let (at_ms, watch) = (wall_ms(), Stopwatch::start());
    let number = number(&head).ok_or(io::ErrorKind::InvalidData)?;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let delay_us = watch.elapsed().as_micros() as u64;
    stream.write_all(ANSWER).await?;
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    if notes.len() < NOTES_MAX {
        notes.push(Note { number, at_ms, delay_us });
    }
    Ok(())
}

/// The number that is asked for: `GET /7 HTTP/1.1`.
fn number(head: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    line.split(' ').nth(1)?.strip_prefix('/')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::http;
    use crate::process::wait::wait_until;

    #[test]
    fn what_is_asked_is_noted_with_the_delay_it_had() {
        let known = Known::start(Duration::from_millis(15)).unwrap();
        let watch = Stopwatch::start();
        assert_eq!(http::get(known.address().port(), "/7").unwrap().text(), "ok\n");
        let total_us = watch.elapsed().as_micros() as u64;
        wait_until(Duration::from_secs(5), "the note", || !known.notes().is_empty()).unwrap();
        let notes = known.notes();
        assert_eq!((notes.len(), notes[0].number), (1, 7));
        assert!((15_000..=total_us).contains(&notes[0].delay_us), "{notes:?} in {total_us}");
    }
}
