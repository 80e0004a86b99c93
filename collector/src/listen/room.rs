//! The places as all connections share them: who enters, who is told to give way, who has left.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::places::{Bound, Entered, Number, Places};
use crate::limits::{Limit, Limiter};

/// The places; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Room {
    inside: Arc<Mutex<Inside>>,
    limiter: Limiter,
}

#[derive(Debug)]
struct Inside {
    places: Places,
    /// How each connection is told to give way.
    doors: HashMap<Number, oneshot::Sender<()>>,
}

/// A place, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    seat: Seat,
}

/// How others speak of a place, which does not keep it.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    room: Room,
    number: Number,
}

impl Room {
    /// An empty room with as many places as the limits say.
    pub(super) fn new(limiter: Limiter) -> Self {
        let size = |limit| limiter.limits().size(limit);
        let places = Places::new(size(Limit::Connections), size(Limit::ConnectionsPerAddress));
        Self { inside: Arc::new(Mutex::new(Inside { places, doors: HashMap::new() })), limiter }
    }

    /// Gives a new connection a place, if there is one for it, and what tells it to give way. Whoever has to give way
    /// to it is told.
    pub(super) fn enter(&self, address: IpAddr) -> Result<(Place, oneshot::Receiver<()>), Bound> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, bound) = match inside.places.enter(address) {
            Entered::Free(number) => (number, None),
            Entered::InPlaceOf { number, displaced, bound } => {
                if let Some(door) = inside.doors.remove(&displaced) {
                    // One that has just ended need not be told.
                    let _ = door.send(());
                }
                (number, Some(bound))
            }
            Entered::Refused(bound) => {
                self.count(bound);
                return Err(bound);
            }
        };
        let (door, told) = oneshot::channel();
        inside.doors.insert(number, door);
        drop(inside);
        if let Some(bound) = bound {
            self.count(bound);
        }
        Ok((Place { seat: Seat { room: self.clone(), number } }, told))
    }

    /// How many have a place.
    pub(super) fn len(&self) -> usize {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).places.len()
    }

    fn count(&self, bound: Bound) {
        self.limiter.reached(match bound {
            Bound::All => Limit::Connections,
            Bound::Address => Limit::ConnectionsPerAddress,
        });
    }

    fn change(&self, change: impl FnOnce(&mut Inside)) {
        change(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Place {
    /// How others speak of it.
    pub(super) fn seat(&self) -> Seat {
        self.seat.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let number = self.seat.number;
        self.seat.room.change(|inside| {
            inside.places.leave(number);
            inside.doors.remove(&number);
        });
    }
}

impl Seat {
    /// The connection deserves its place.
    pub(super) fn prove(&self) {
        self.room.change(|inside| inside.places.prove(self.number));
    }

    /// A request begins to be answered.
    pub(super) fn begin(&self) {
        self.room.change(|inside| inside.places.begin(self.number));
    }

    /// A request is there whole.
    pub(super) fn whole(&self) {
        self.room.change(|inside| inside.places.whole(self.number));
    }

    /// A request was answered.
    pub(super) fn end(&self) {
        self.room.change(|inside| inside.places.end(self.number));
    }
}
