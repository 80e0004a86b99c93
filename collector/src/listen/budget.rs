//! The memory that bodies may take while they are received and until they are answered.
//!
//! All bodies together, and what they decompress to, share one bound. What is accounted is what is held: a body takes
//! memory as its bytes arrive, so somebody who announces much and sends little holds little. It is given back when
//! [`Held`] is dropped, which is when the answer is given. Past the bound a body is not taken, and its sender is asked to
//! come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};

/// The memory that bodies share; clones share it too.
#[derive(Clone, Debug)]
pub struct Bodies(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    held: AtomicUsize,
}

/// What one body holds of it.
#[derive(Debug)]
pub struct Held {
    bodies: Bodies,
    bytes: usize,
}

/// A body that arrived whole; what it holds is given back when this is dropped.
#[derive(Debug)]
pub struct Received {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it holds, to which what it decompresses to can be added.
    pub held: Held,
}

/// Why a body was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReceived {
    /// It is longer than is taken.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// It ended before its end.
    Cut,
    /// All bodies together hold as much as they may.
    NoRoom,
}

/// Most bytes that are read of a body that is not kept.
const THROWN_AWAY_MAX: usize = 16 * 1024 * 1024;
/// The first growth of a buffer: what a small push needs.
const FIRST_BYTES: usize = 1_024;

impl Bodies {
    /// At most `most` bytes at once.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Shared { most, held: AtomicUsize::new(0) }))
    }

    /// How many bytes are held.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// What a body holds of which nothing has arrived.
    pub fn nothing(&self) -> Held {
        Held { bodies: self.clone(), bytes: 0 }
    }

    /// Receives a body of at most `bytes_max` within `time`. What cannot be kept is read all the same, as far as that is
    /// reasonable: whoever is still sending when the connection is closed does not hear why.
    pub async fn receive<B>(&self, mut body: B, bytes_max: usize, time: Duration) -> Result<Received, NotReceived>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut why = NotReceived::TooSlow;
        let receiving = async {
            let received = self.gather(&mut body, bytes_max).await;
            if let Err(not_kept @ (NotReceived::TooLarge | NotReceived::NoRoom)) = received {
                why = not_kept;
                throw_away(&mut body).await;
            }
            received
        };
        let received = tokio::time::timeout(time, receiving).await;
        received.unwrap_or(Err(why))
    }

    /// Copies the body together: a frame that is kept would keep the whole buffer alive that it was read into.
    async fn gather<B>(&self, body: &mut B, bytes_max: usize) -> Result<Received, NotReceived>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(NotReceived::TooLarge);
        }
        let (mut bytes, mut held) = (Vec::new(), self.nothing());
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| NotReceived::Cut)?.into_data() else { continue };
            let needed = bytes.len().saturating_add(data.len());
            if needed > bytes_max {
                return Err(NotReceived::TooLarge);
            }
            if needed > bytes.capacity() {
                let wanted = needed.max(bytes.capacity().saturating_mul(2)).max(FIRST_BYTES).min(bytes_max);
                if !held.grow(wanted - bytes.capacity()) {
                    return Err(NotReceived::NoRoom);
                }
                bytes.reserve_exact(wanted - bytes.len());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Received { bytes, held })
    }
}

/// Reads a body to its end, or until it is unreasonably long, and keeps nothing of it.
async fn throw_away<B>(body: &mut B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > THROWN_AWAY_MAX {
            return;
        }
    }
}

impl Held {
    /// Takes more, if there is as much left.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let Shared { most, held } = &*self.bodies.0;
        let more = |held: usize| held.checked_add(bytes).filter(|held| held <= most);
        let grown = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if grown {
            self.bytes += bytes;
        }
        grown
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bodies.0.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let bodies = Bodies::new(100);
        let (mut one, mut other) = (bodies.nothing(), bodies.clone().nothing());
        assert!(one.grow(60) && other.grow(40) && !other.grow(1) && !one.grow(usize::MAX));
        assert_eq!(bodies.held(), 100);
        drop(one);
        assert_eq!(bodies.held(), 40);
        assert!(other.grow(60));
        drop(other);
        assert_eq!(bodies.held(), 0);
    }

    #[tokio::test]
    async fn a_body_is_received_under_its_bounds() {
        let bodies = Bodies::new(10_000);
        let body = |bytes: usize| Full::new(Bytes::from(vec![7; bytes]));
        let received = bodies.receive(body(5_000), 5_000, LONG).await.unwrap();
        assert_eq!((received.bytes, bodies.held()), (vec![7; 5_000], 5_000));
        drop(received.held);
        assert_eq!(bodies.receive(body(5_001), 5_000, LONG).await.unwrap_err(), NotReceived::TooLarge);
        assert_eq!(bodies.receive(body(10_001), 20_000, LONG).await.unwrap_err(), NotReceived::NoRoom);
        assert_eq!(bodies.held(), 0);
    }

    /// A body of which a byte comes, and then no more.
    struct Stuck(Option<Bytes>);

    impl Body for Stuck {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
        }
    }

    #[tokio::test]
    async fn whoever_sends_little_holds_little_and_is_given_up() {
        let bodies = Bodies::new(1 << 20);
        let receiving = bodies.receive(Stuck(Some(Bytes::from_static(b"x"))), 1 << 20, Duration::from_millis(50));
        let looking = async {
            tokio::task::yield_now().await;
            assert_eq!(bodies.held(), FIRST_BYTES);
        };
        let (received, ()) = tokio::join!(receiving, looking);
        assert_eq!(received.unwrap_err(), NotReceived::TooSlow);
        assert_eq!(bodies.held(), 0);
    }
}
