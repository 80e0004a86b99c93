//! HTTP/2 as probes speak it: one request over a connection of its own, frame by frame.
//!
//! The connection is driven by a task that ends with the exchange. What a server sends is bounded by flow control, which is
//! given back only as the body is read, and its head by a limit of its own.

use h2::client::{Connection, SendRequest};
use h2::{RecvStream, client};
use hyper::body::Bytes;
use hyper::{Request, Response};
use tokio::task::JoinSet;

use super::way::Stream;
use super::{Happened, Trouble, TroubleKind};

/// Most bytes of an answer's head, and of what comes after its body.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// An answer whose body is still to be read, and the task that its connection lives in.
pub(super) struct Exchange {
    /// Its head.
    pub(super) response: Response<RecvStream>,
    /// It ends with this.
    pub(super) tasks: JoinSet<()>,
}

/// Sends a request, and returns once its answer has begun.
pub(super) async fn exchange(stream: Stream, request: Request<()>, body: Bytes) -> Result<Exchange, Happened> {
    let mut builder = client::Builder::new();
    builder.enable_push(false).max_header_list_size(HEAD_BYTES_MAX).max_concurrent_reset_streams(1);
    let shaken: Result<(SendRequest<Bytes>, Connection<Stream, Bytes>), _> = builder.handshake(stream).await;
    let (sender, connection) = shaken.map_err(|error| broken(&error))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        // Whoever waits for the answer is told what happened.
        let _ = connection.await;
    });
    let mut sender = sender.ready().await.map_err(|error| broken(&error))?;
    let (answer, mut sending) = sender.send_request(request, body.is_empty()).map_err(|error| broken(&error))?;
    if !body.is_empty() {
        sending.send_data(body, true).map_err(|error| broken(&error))?;
    }
    let response = answer.await.map_err(|error| broken(&error))?;
    Ok(Exchange { response, tasks })
}

/// The next bytes of a body; nothing after its end.
pub(super) async fn data(body: &mut RecvStream) -> Result<Option<Bytes>, Happened> {
    match body.data().await {
        None => Ok(None),
        Some(Err(error)) => Err(broken(&error)),
        Some(Ok(data)) => {
            let _ = body.flow_control().release_capacity(data.len());
            Ok(Some(data))
        }
    }
}

/// What a failed exchange was: a connection that broke, or was ended by the other side, or an answer that is no HTTP/2.
pub(super) fn broken(error: &h2::Error) -> Happened {
    if let Some(io) = error.get_io() {
        return Happened::NotConnected(Trouble::from(io));
    }
    if error.is_remote() {
        return Happened::NotConnected(Trouble { kind: TroubleKind::Other, text: error.to_string() });
    }
    Happened::NotUnderstood(error.to_string())
}
