//! Accepting: the port and the socket in the data directory, each with its connections, until everything ends.
//!
//! At the port each connection takes a place, or that of another; see [`super::places`]. Those that gave way and have
//! not closed yet are bounded too, by [`CLOSING_MAX`]: no flood can use up the files that the process may open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::Listening;
use super::connection::{Guest, Over, before_served};
use super::peer::{Peer, Way};
use super::progress::{Progress, Times};
use super::told;
use crate::clock::Stopwatch;
use crate::limits::Limit;

/// How many connections the system keeps until they are accepted.
const BACKLOG: u32 = 4_096;
/// Most connections that gave way and are closing.
const CLOSING_MAX: usize = 64;
/// Most connections to the socket in the data directory.
const SOCKET_CONNECTIONS_MAX: usize = 64;
/// How long to wait when the system gives no connection, as when no file may be opened any more.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Binds a TCP address.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A collector that is started again need not wait for connections of the last one to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves the port until everything ends and what is being answered was answered.
pub async fn serve_port(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    listening: Listening,
    mut finishing: watch::Receiver<bool>,
) {
    let most = listening.limits().size(Limit::Connections).saturating_add(CLOSING_MAX);
    let open = Arc::new(Semaphore::new(most));
    while let Some(permit) = next(&open, &mut finishing).await {
        let Some((stream, address)) = accepted(|| listener.accept(), &mut finishing).await else { break };
        // Answers are written whole; waiting to write more at once would only delay them.
        let _ = stream.set_nodelay(true);
        let address = address.ip().to_canonical();
        let Ok((place, give_way)) = listening.room.enter(address) else {
            turn_away(stream, tls.is_some(), &listening);
            continue;
        };
        let way = Way::Port { address, tls: tls.is_some() };
        let seat = place.seat();
        let guest = Guest {
            peer: Peer::seated(way, seat.clone()),
            seat: Some(seat),
            progress: Progress::new(Stopwatch::start()),
            give_way: Some(give_way),
            finishing: finishing.clone(),
            times: Some(Times::of(listening.limits())),
        };
        let (tls, router, listening) = (tls.clone(), router.clone(), listening.clone());
        tokio::spawn(async move {
            attend(guest, stream, tls, router, &listening).await;
            drop((place, permit));
        });
    }
    drop(listener);
    all_ended(&open, most).await;
}

/// Serves the socket in the data directory until everything ends and what is being answered was answered.
pub async fn serve_socket(
    listener: UnixListener,
    router: Router,
    listening: Listening,
    mut finishing: watch::Receiver<bool>,
) {
    let open = Arc::new(Semaphore::new(SOCKET_CONNECTIONS_MAX));
    while let Some(permit) = next(&open, &mut finishing).await {
        let Some((stream, _)) = accepted(|| listener.accept(), &mut finishing).await else { break };
        let Some(uid) = user_of(&stream) else { continue };
        let mut guest = Guest {
            peer: Peer::of(Way::Socket { uid }),
            seat: None,
            progress: Progress::new(Stopwatch::start()),
            give_way: None,
            finishing: finishing.clone(),
            times: None,
        };
        let (router, listening) = (router.clone(), listening.clone());
        tokio::spawn(async move {
            guest.serve_and_close(stream, router, &listening.limiter).await;
            drop(permit);
        });
    }
    drop(listener);
    all_ended(&open, SOCKET_CONNECTIONS_MAX).await;
}

/// One connection to the port, from its handshake to its end.
async fn attend(mut guest: Guest, stream: TcpStream, tls: Option<TlsAcceptor>, router: Router, listening: &Listening) {
    let Some(tls) = tls else {
        return guest.serve_and_close(stream, router, &listening.limiter).await;
    };
    let shaken = tokio::select! {
        biased;
        over = before_served(&mut guest) => {
            if matches!(over, Over::Late(_)) {
                listening.limiter.reached(Limit::HeadTime);
            }
            return;
        }
        shaken = tls.accept(stream) => shaken,
    };
    match shaken {
        Ok(stream) => guest.serve_and_close(stream, router, &listening.limiter).await,
        Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
    }
}

/// A permit for one more connection; none when everything ends.
async fn next(open: &Arc<Semaphore>, finishing: &mut watch::Receiver<bool>) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        _ = finishing.wait_for(|finish| *finish) => None,
        permit = Arc::clone(open).acquire_owned() => permit.ok(),
    }
}

/// What was accepted next; none when everything ends.
async fn accepted<T, A>(mut accept: impl FnMut() -> A, finishing: &mut watch::Receiver<bool>) -> Option<T>
where
    A: Future<Output = io::Result<T>>,
{
    loop {
        let accepted = tokio::select! {
            biased;
            _ = finishing.wait_for(|finish| *finish) => return None,
            accepted = accept() => accepted,
        };
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Waits until every connection has ended; whoever waits for this has a deadline of its own.
async fn all_ended(open: &Semaphore, most: usize) {
    // It is never closed, so it is always had in the end.
    let _ = open.acquire_many(u32::try_from(most).unwrap_or(u32::MAX)).await;
}

/// Tells a connection for which there is no place so, as far as that goes without waiting, and closes it.
fn turn_away(stream: TcpStream, tls: bool, listening: &Listening) {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = stream.into_std() else { return };
    if tls {
        return;
    }
    // The stream is new, so that this fits into the system's buffer; whoever is gone already is not told.
    let _ = stream.write_all(&told::no_place(listening.limits()));
    let _ = stream.shutdown(std::net::Shutdown::Write);
    // What was sent and not read would make the system throw the answer away.
    let _ = stream.read(&mut [0; 4_096]);
}

fn user_of(stream: &UnixStream) -> Option<u32> {
    match stream.peer_cred() {
        Ok(credentials) => Some(credentials.uid()),
        Err(error) => {
            tracing::warn!(%error, "the socket does not say who is at its other end");
            None
        }
    }
}
