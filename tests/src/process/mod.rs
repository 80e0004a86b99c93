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
//! | `nginx` | the server that is observed, and stopped and started again |
//! | `inbox` | the receiver of notices |

pub mod child;
pub mod http;
pub mod inbox;
pub mod nginx;
pub mod wait;

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A port on the loopback address that is free at this moment. Where a program can be given port 0 and asked what it
/// got, that is better.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// `error` with what could not be done before it.
pub(crate) fn could_not(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not {what}: {error}"))
}
