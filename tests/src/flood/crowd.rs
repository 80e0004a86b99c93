//! The crowd: connections that drip or say nothing, and come again when they are closed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Outcome;
use crate::process::wait::{Stopwatch, rest};

/// How often each connection is looked at, and how often one drips.
const ROUND: Duration = Duration::from_secs(1);
/// How many connections a thread opens in a round at most; the first round opens all.
const OPENED_PER_ROUND_MAX: usize = 100;
/// How long opening one may take.
const OPEN_TIME_MAX: Duration = Duration::from_millis(500);

/// What the connections of a thread do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// They send a byte each round: every other one of a head, the others of a body.
    Dripping,
    /// They send nothing.
    Idle,
}

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-drip: ";
const BODY: &[u8] = b"POST /api/v1/push HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/vnd.uphold.push\r\n\
    content-length: 100000\r\n\r\n";

struct Connection {
    stream: TcpStream,
    sent: usize,
    of_body: bool,
}

/// Holds `count` connections until it is over; says how many were opened.
pub(super) fn run(kind: Kind, count: usize, address: SocketAddr, over: &AtomicBool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut connections: Vec<Option<Connection>> = (0..count).map(|_| None).collect();
    let mut may_open = count;
    while !over.load(Ordering::Relaxed) {
        let round = Stopwatch::start();
        for (place, slot) in connections.iter_mut().enumerate() {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let lives = slot.as_mut().is_some_and(|connection| kind == Kind::Idle || connection.drip());
            if lives && slot.as_mut().is_some_and(Connection::is_open) {
                continue;
            }
            *slot = None;
            if may_open > 0 {
                may_open -= 1;
                match open(address) {
                    Ok(stream) => {
                        outcome.opened += 1;
                        *slot = Some(Connection { stream, sent: 0, of_body: place % 2 == 1 });
                    }
                    Err(error) => outcome.not_opened = (outcome.not_opened.0 + 1, Some(error.to_string())),
                }
            }
        }
        may_open = OPENED_PER_ROUND_MAX;
        rest(ROUND.saturating_sub(round.elapsed()));
    }
    outcome
}

fn open(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, OPEN_TIME_MAX)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

impl Connection {
    /// Sends one byte more; false when that is not possible any more.
    fn drip(&mut self) -> bool {
        // Of a body the head goes at once, so that it is the body which drips.
        let piece = match (self.of_body, self.sent) {
            (true, 0) => BODY,
            (true, _) => b"x",
            (false, sent) => HEAD.get(sent..=sent).unwrap_or(b"x"),
        };
        self.sent += 1;
        match self.stream.write_all(piece) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }

    /// Whether the server has not closed it; what it says is thrown away.
    fn is_open(&mut self) -> bool {
        match self.stream.read(&mut [0; 2_048]) {
            Ok(read) => read > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}
