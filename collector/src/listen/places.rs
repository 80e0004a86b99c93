//! Who has a place: which connections are served at once, and which of them gives way to a new one.
//!
//! There is a bound on all connections and one on those of an address. A connection is **proven** once a request on it
//! had valid credentials or a push on it was acknowledged. It is **busy** while it is our turn: a proven one from the
//! head of a request to its answer, another only from when the whole request is there, since it is the body that drips.
//! When a bound is reached, the least deserving connection gives way to the new one:
//!
//! 1. the oldest that is neither proven nor busy: of the same address if that address has reached its bound, else of the address
//!    that has most of them, and of several that have as many, of the one that has the oldest;
//! 2. else the proven one that has been idle for longest, of the same address or of all;
//! 3. else, when all are busy, the new one is refused.
//!
//! So connections that say nothing, or little, or only begin requests, can be as many as they like: they displace each
//! other, and an agent that was served once keeps its place. An IPv6 network of 64 bits counts as one address, since
//! whoever has one address of it has all of them.
//!
//! Pure bookkeeping, without a clock: what is older was counted earlier. Every change costs a few look-ups in ordered
//! sets, however many connections there are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

/// The number of a connection, counted up and never given twice.
pub type Number = u64;

/// Which bound a new connection met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// That on all connections.
    All,
    /// That on the connections of one address.
    Address,
}

/// What became of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It has a place that was free.
    Free(Number),
    /// It has the place of another, which gives way.
    InPlaceOf {
        /// The new one.
        number: Number,
        /// The one that gives way.
        displaced: Number,
        /// The bound that was met.
        bound: Bound,
    },
    /// It has no place.
    Refused(Bound),
}

/// The connections that have a place.
#[derive(Debug)]
pub struct Places {
    most: usize,
    most_per_address: usize,
    next: Number,
    connections: BTreeMap<Number, Connection>,
    addresses: BTreeMap<IpAddr, OfAddress>,
    /// How many unproven ones that are not busy an address has, most last; of two that have as many, the one with the
    /// oldest.
    by_unproven: BTreeSet<(usize, Reverse<Number>, IpAddr)>,
    /// The proven ones that are idle, by when they began to be, the longest first.
    idle: BTreeSet<(Number, Number)>,
}

#[derive(Debug)]
struct Connection {
    address: IpAddr,
    proven: bool,
    /// Since when it is idle, if no request is on it.
    idle_since: Option<Number>,
    /// Whether a whole request is there, and its answer is not.
    whole: bool,
}

impl Connection {
    const fn gives_way_first(&self) -> bool {
        !self.proven && !self.whole
    }

    /// Since when it has been idle, if it is proven.
    const fn proven_idle_since(&self) -> Option<Number> {
        if self.proven { self.idle_since } else { None }
    }
}

#[derive(Debug, Default)]
struct OfAddress {
    all: usize,
    unproven: BTreeSet<Number>,
    idle: BTreeSet<(Number, Number)>,
}

impl OfAddress {
    /// Its place among those that have unproven ones.
    fn rank(&self, address: IpAddr) -> Option<(usize, Reverse<Number>, IpAddr)> {
        self.unproven.first().map(|oldest| (self.unproven.len(), Reverse(*oldest), address))
    }
}

impl Places {
    /// Nobody yet; both bounds are at least 1.
    pub fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            most: most.max(1),
            most_per_address: most_per_address.max(1),
            next: 0,
            connections: BTreeMap::new(),
            addresses: BTreeMap::new(),
            by_unproven: BTreeSet::new(),
            idle: BTreeSet::new(),
        }
    }

    /// How many have a place.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether nobody has.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// A new connection from `address`.
    pub fn enter(&mut self, address: IpAddr) -> Entered {
        let address = counted_as(address);
        let of_address = self.addresses.get(&address).map_or(0, |of| of.all);
        let bound = match () {
            () if of_address >= self.most_per_address => Some(Bound::Address),
            () if self.connections.len() >= self.most => Some(Bound::All),
            () => None,
        };
        let Some(bound) = bound else { return Entered::Free(self.add(address)) };
        let least = match bound {
            Bound::Address => self.least_of(address),
            Bound::All => self.least_of_all(),
        };
        let Some(displaced) = least else { return Entered::Refused(bound) };
        self.leave(displaced);
        Entered::InPlaceOf { number: self.add(address), displaced, bound }
    }

    /// A connection has shown that it deserves its place.
    pub fn prove(&mut self, number: Number) {
        self.change(number, |connection| connection.proven = true);
    }

    /// A request on a connection begins to be answered.
    pub fn begin(&mut self, number: Number) {
        self.change(number, |connection| connection.idle_since = None);
    }

    /// A request is there whole, so that it is our turn.
    pub fn whole(&mut self, number: Number) {
        self.change(number, |connection| connection.whole = true);
    }

    /// A request on a connection was answered.
    pub fn end(&mut self, number: Number) {
        let now = self.count();
        self.change(number, |connection| {
            connection.idle_since = Some(now);
            connection.whole = false;
        });
    }

    /// A connection is over; nothing happens if it gave way already.
    pub fn leave(&mut self, number: Number) {
        let Some(connection) = self.connections.remove(&number) else { return };
        self.take_out(number, &connection);
        if let Some(of) = self.addresses.get_mut(&connection.address) {
            of.all -= 1;
            if of.all == 0 {
                self.addresses.remove(&connection.address);
            }
        }
    }

    fn least_of(&self, address: IpAddr) -> Option<Number> {
        let of = self.addresses.get(&address)?;
        of.unproven.first().copied().or_else(|| of.idle.first().map(|(_, number)| *number))
    }

    fn least_of_all(&self) -> Option<Number> {
        let most_unproven = self.by_unproven.last().and_then(|(_, _, address)| self.addresses.get(address));
        let unproven = most_unproven.and_then(|of| of.unproven.first().copied());
        unproven.or_else(|| self.idle.first().map(|(_, number)| *number))
    }

    fn count(&mut self) -> Number {
        self.next += 1;
        self.next
    }

    fn add(&mut self, address: IpAddr) -> Number {
        let number = self.count();
        let connection = Connection { address, proven: false, idle_since: Some(number), whole: false };
        self.addresses.entry(address).or_default().all += 1;
        self.put_in(number, &connection);
        self.connections.insert(number, connection);
        number
    }

    fn change(&mut self, number: Number, change: impl FnOnce(&mut Connection)) {
        let Some(mut connection) = self.connections.remove(&number) else { return };
        self.take_out(number, &connection);
        change(&mut connection);
        self.put_in(number, &connection);
        self.connections.insert(number, connection);
    }

    /// Puts a connection into the orders it belongs to.
    fn put_in(&mut self, number: Number, connection: &Connection) {
        let Some(of) = self.addresses.get_mut(&connection.address) else { return };
        if connection.gives_way_first() {
            of.rank(connection.address).inspect(|rank| _ = self.by_unproven.remove(rank));
            of.unproven.insert(number);
            self.by_unproven.extend(of.rank(connection.address));
        } else if let Some(since) = connection.proven_idle_since() {
            of.idle.insert((since, number));
            self.idle.insert((since, number));
        }
    }

    /// Takes a connection out of the orders it is in.
    fn take_out(&mut self, number: Number, connection: &Connection) {
        let Some(of) = self.addresses.get_mut(&connection.address) else { return };
        if connection.gives_way_first() {
            of.rank(connection.address).inspect(|rank| _ = self.by_unproven.remove(rank));
            of.unproven.remove(&number);
            self.by_unproven.extend(of.rank(connection.address));
        } else if let Some(since) = connection.proven_idle_since() {
            of.idle.remove(&(since, number));
            self.idle.remove(&(since, number));
        }
    }
}

/// What an address counts as: an IPv6 network of 64 bits is one.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
