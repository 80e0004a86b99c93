//! Somebody between a program and a server, who passes on what comes, and keeps the answer to one request for himself when
//! told to: the server has done what it was asked, and whoever asked never hears of it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A relay on a port of its own.
#[derive(Clone, Debug)]
pub struct Relay {
    port: u16,
    /// How the request begins whose answer is swallowed.
    wanted: Arc<Mutex<Option<String>>>,
    swallowed: Arc<AtomicBool>,
}

impl Relay {
    /// One that listens, and passes on to nobody yet.
    pub fn listen() -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let relay = Self { port: listener.local_addr()?.port(), wanted: Arc::default(), swallowed: Arc::default() };
        Ok((relay, listener))
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Passes on to the server on this port from now on, for as long as the test lasts.
    pub fn pass_on(&self, listener: TcpListener, server: u16) {
        let relay = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let relay = relay.clone();
                thread::spawn(move || relay.connection(&client, server));
            }
        });
    }

    /// Swallows the answer to the next request that begins with this.
    pub fn swallow(&self, request: &str) {
        *self.wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(request.to_owned());
    }

    /// Whether an answer was swallowed: the server gave it.
    pub fn has_swallowed(&self) -> bool {
        self.swallowed.load(Ordering::SeqCst)
    }

    fn connection(&self, client: &TcpStream, server: u16) -> Option<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).ok()?;
        let mute = Arc::new(AtomicBool::new(false));
        let (mut from, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
        let (muted, swallowed) = (Arc::clone(&mute), Arc::clone(&self.swallowed));
        thread::spawn(move || {
            pass(&mut from, |bytes| {
                if muted.load(Ordering::SeqCst) {
                    swallowed.store(true, Ordering::SeqCst);
                    return Some(());
                }
                to.write_all(bytes).ok()
            });
            to.shutdown(Shutdown::Both).ok()
        });
        let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
        pass(&mut from, |bytes| {
            let mut wanted = self.wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if wanted.as_ref().is_some_and(|wanted| bytes.starts_with(wanted.as_bytes())) {
                *wanted = None;
                mute.store(true, Ordering::SeqCst);
            }
            to.write_all(bytes).ok()
        });
        server.shutdown(Shutdown::Both).ok()
    }
}

/// Hands over what comes, until nothing does or nobody takes it.
fn pass(from: &mut TcpStream, mut hand: impl FnMut(&[u8]) -> Option<()>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let Some(bytes) = buffer.get(..read) else { return };
        if hand(bytes).is_none() {
            return;
        }
    }
}
