//! One connection: its requests are served until it ends, is late, gives way, or everything ends.
//!
//! The HTTP library reads and writes; whether it may go on is decided here, each time after it did something. The
//! deadline is a single timer, moved when the progress moves it.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{oneshot, watch};
use tokio::time::Sleep;

use super::peer::Peer;
use super::progress::{Busy, Late, Progress, Times};
use super::room::Seat;
use super::stream::Noted;
use super::told;
use crate::limits::{Limit, Limiter};

/// Most bytes of the head of a request; also how much is read ahead of a body.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request.
pub const HEADERS_MAX: usize = 100;
/// How long what is said last may take to be taken.
const LAST_WORD: Duration = Duration::from_secs(1);
/// Most bytes that are read and thrown away so that the last word is not lost with them.
const THROWN_AWAY_MAX: usize = 64 * 1024;

/// A connection that was accepted.
pub(super) struct Guest {
    pub(super) peer: Peer,
    pub(super) seat: Option<Seat>,
    pub(super) progress: Progress,
    /// Tells it to give way.
    pub(super) give_way: Option<oneshot::Receiver<()>>,
    /// Tells it that everything ends.
    pub(super) finishing: watch::Receiver<bool>,
    /// How long it may take; none where that is not bounded.
    pub(super) times: Option<Times>,
}

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum Over {
    /// The other side ended it, or was answered for the last time.
    Ended,
    /// What came was not understood, or the stream broke.
    Broken,
    /// It took too long.
    Late(Late),
    /// It gave way.
    GaveWay,
    /// Everything ends.
    Finished,
}

impl Guest {
    /// Serves requests on `stream` until that ends, says the last word, and closes it.
    pub(super) async fn serve_and_close<S>(&mut self, stream: S, router: Router, limiter: &Limiter)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (over, stream) = self.serve(stream, router).await;
        self.close(&over, stream, limiter).await;
    }

    /// Serves requests on `stream`, and says why that ended, with the stream.
    async fn serve<S>(&mut self, stream: S, router: Router) -> (Over, S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (peer, seat, progress) = (self.peer.clone(), self.seat.clone(), self.progress.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let busy = progress.begin(seat.clone());
            request.extensions_mut().insert(peer.clone());
            let arriving = seat.clone();
            let request = request.map(|body| Arriving::new(body, arriving));
            let answer = TowerToHyperService::new(router.clone()).call(request);
            Box::pin(async move { Ok::<_, Infallible>(answer.await?.map(|body| Answering { body, _busy: busy })) })
        });
        let io = TokioIo::new(Noted::new(stream, self.progress.clone()));
        let mut http = http1::Builder::new();
        http.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
        let mut connection = http.serve_connection(io, service);
        let mut end = End::new(self);
        let over = poll_fn(|cx| {
            if let Poll::Ready(over) = end.poll_told(cx) {
                match over {
                    Over::Finished if !end.is_between_requests() => Pin::new(&mut connection).graceful_shutdown(),
                    over => return Poll::Ready(over),
                }
            }
            match connection.poll_without_shutdown(cx) {
                Poll::Ready(Ok(())) => Poll::Ready(Over::Ended),
                Poll::Ready(Err(error)) => {
                    tracing::debug!(%error, "a connection broke");
                    Poll::Ready(Over::Broken)
                }
                Poll::Pending => end.poll_late(cx).map(Over::Late),
            }
        })
        .await;
        drop(end);
        let stream = connection.into_parts().io.into_inner().into_stream();
        (over, stream)
    }

    /// Says the last word, if there is one, and closes the stream.
    async fn close<S>(&self, over: &Over, mut stream: S, limiter: &Limiter)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (can_be_told, own_status) = self.progress.with(|state, _| (state.can_be_told(), state.own_status()));
        let word = match over {
            Over::Late(late) => {
                limiter.reached(if *late == Late::Silent { Limit::IdleTime } else { Limit::HeadTime });
                (*late == Late::Head).then(|| told::late_head(limiter.limits()))
            }
            // Over TLS nothing is said: those who come in great numbers should cost nothing more.
            Over::GaveWay => (can_be_told && !self.peer.is_tls()).then(|| told::no_place(limiter.limits())),
            Over::Broken | Over::Ended => own_status.map(told::unsound_head),
            Over::Finished => None,
        };
        let patience = match over {
            Over::Ended | Over::Broken | Over::Late(Late::Head) => LAST_WORD,
            Over::Late(_) | Over::GaveWay | Over::Finished => Duration::ZERO,
        };
        let closing = async {
            if let Some(word) = &word {
                stream.write_all(word).await?;
            }
            stream.shutdown().await
        };
        if let Ok(Ok(())) = tokio::time::timeout(LAST_WORD, closing).await {
            // What was sent and not read would make the system throw the last word away, and the end of an answer.
            let mut thrown_away = vec![0; 4 * 1024];
            let mut reads = THROWN_AWAY_MAX / thrown_away.len();
            let reading = async {
                while reads > 0 && stream.read(&mut thrown_away).await.is_ok_and(|read| read > 0) {
                    reads -= 1;
                }
            };
            // Whoever goes on sending has had the time to listen.
            let _ = tokio::time::timeout(patience, reading).await;
        }
    }
}

/// What ends a connection from outside: being told, and being late.
struct End<'g> {
    progress: Progress,
    give_way: Option<&'g mut oneshot::Receiver<()>>,
    finishing: Pin<Box<dyn Future<Output = ()> + Send + 'g>>,
    told_to_finish: bool,
    times: Option<Times>,
    alarm: Pin<Box<Sleep>>,
    /// When the connection was accepted, by the alarm's clock.
    accepted: tokio::time::Instant,
}

impl<'g> End<'g> {
    fn new(guest: &'g mut Guest) -> Self {
        let finishing = &mut guest.finishing;
        let finishing = Box::pin(async move {
            // When nobody can tell any more, everything has ended.
            let _ = finishing.wait_for(|finish| *finish).await;
        });
        let alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
        let now = alarm.deadline();
        let accepted = now.checked_sub(guest.progress.now()).unwrap_or(now);
        let (progress, times) = (guest.progress.clone(), guest.times);
        Self { progress, give_way: guest.give_way.as_mut(), finishing, told_to_finish: false, times, alarm, accepted }
    }

    fn is_between_requests(&self) -> bool {
        self.progress.with(|state, _| state.is_between_requests())
    }

    /// Ready when it is told to give way, or for the first time that everything ends.
    fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        if let Some(give_way) = &mut self.give_way
            && let Poll::Ready(Ok(())) = Pin::new(&mut **give_way).poll(cx)
        {
            return Poll::Ready(Over::GaveWay);
        }
        if !self.told_to_finish && self.finishing.as_mut().poll(cx).is_ready() {
            self.told_to_finish = true;
            return Poll::Ready(Over::Finished);
        }
        Poll::Pending
    }

    /// Ready when it is late, as far as it has come.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Late> {
        let Some(times) = self.times else { return Poll::Pending };
        let (deadline, late) = self.progress.with(|state, _| state.deadline(times));
        let deadline = self.accepted + deadline;
        if self.alarm.deadline() != deadline {
            self.alarm.as_mut().reset(deadline);
        }
        self.alarm.as_mut().poll(cx).map(|()| late)
    }
}

/// Resolves when a connection that is not served yet is to end: it gives way, is late, or everything ends.
pub(super) async fn before_served(guest: &mut Guest) -> Over {
    let head = guest.times.map(|times| times.head);
    let late = async {
        match head {
            Some(head) => tokio::time::sleep(head).await,
            None => pending().await,
        }
    };
    let give_way = async {
        match &mut guest.give_way {
            // A door that is gone without a word is no word.
            Some(told) => match told.await {
                Ok(()) => {}
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    };
    tokio::select! {
        () = late => Over::Late(Late::FirstByte),
        () = give_way => Over::GaveWay,
        _ = guest.finishing.wait_for(|finish| *finish) => Over::Finished,
    }
}

/// The body of a request, at whose end it is our turn.
struct Arriving {
    body: Incoming,
    seat: Option<Seat>,
}

impl Arriving {
    fn new(body: Incoming, seat: Option<Seat>) -> Self {
        let mut arriving = Self { body, seat };
        arriving.look();
        arriving
    }

    fn look(&mut self) {
        if self.body.is_end_stream()
            && let Some(seat) = self.seat.take()
        {
            seat.whole();
        }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.look();
        if matches!(frame, Poll::Ready(None))
            && let Some(seat) = self.seat.take()
        {
            seat.whole();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, which is complete when it is dropped.
struct Answering {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
