//! The programs as processes, and the servers around them: started, watched, always ended.
//!
//! Nothing here sleeps and hopes: [`wait::wait_until`] polls a condition with a deadline and says what it waited for.
//! Everything listens on the loopback address only, keeps its files in a folder of its own that goes with it, and is
//! killed when it is dropped, so that a failed test leaves nothing behind.
//!
//! | file | what it is |
//! |---|---|
//! | `wait` | deadlines |
//! | `child` | a process: output in files, signals, killed on drop; where the built programs are |
//! | `http` | the few requests a test sends |
//! | `kept` | a connection for many requests |
//! | `mailserver` | a mail server, and the letters that it took |
//! | `nginx` | the server that is observed, and stopped and started again |
//! | `nsd` | the name server that is asked |
//! | `inbox` | the receiver of notices |
//! | `receiver` | a receiver of the test's own, which answers as badly as it is told to |
//! | `alertmanager` | the receiver of state |
//! | `verifier` | a receiver that verifies signatures |
//! | `desk` | what is asked of any ticket system |
//! | `roundup`, `request_tracker`, `redmine` | ticket systems |
//! | `relay` | who stands between two programs, and may swallow an answer |
//! | `prometheus` | whoever scrapes the programs |

pub mod alertmanager;
pub mod child;
pub mod desk;
pub mod http;
pub mod inbox;
pub mod kept;
pub mod mailserver;
pub mod nginx;
pub mod nsd;
pub mod prometheus;
pub mod receiver;
pub mod redmine;
pub mod relay;
pub mod request_tracker;
pub mod roundup;
pub mod verifier;
pub mod wait;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports below those that the system gives to outgoing connections: while a server is stopped, no client's connection
/// may take its port, nor meet itself there.
const PORTS: std::ops::Range<u32> = 10_000..32_000;
/// How many were tried by this process.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// A port on the loopback address that is free at this moment. Where a program can be given port 0 and asked what it
/// got, that is better.
pub fn free_port() -> io::Result<u16> {
    // Tests in other processes begin elsewhere, and so seldom meet.
    let begin = std::process::id().wrapping_mul(97);
    for _ in PORTS {
        let next = begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(PORTS.start + next % (PORTS.end - PORTS.start)).map_err(io::Error::other)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free"))
}

/// `error` with what could not be done before it.
pub(crate) fn could_not(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not {what}: {error}"))
}
