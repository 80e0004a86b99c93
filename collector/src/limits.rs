//! Every limit of the collector: configured in one place, handed to whoever keeps it, counted when it is reached, shown.
//!
//! A limit is kept where the thing it bounds is; this file knows their names, ranges and defaults, and counts. The wire
//! and the store have upper bounds of their own, which no configuration exceeds. [`Limiter`] is handed on as a value;
//! there is no limit that some code finds by itself.
//!
//! ```yaml
//! limits:
//!   connections: 512
//!   head_time: 10s
//!   bodies_in_memory: 64MiB
//! ```

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use uphold_common::catalogue::{self, BODY_PATTERN_SIZE_MAX};
use uphold_common::time::DAY_MS;
use uphold_common::wire::{BATCH_RAW_BYTES_MAX, PUSH_BYTES_MAX};
use uphold_common::yaml::problem::Read;
use uphold_common::yaml::scalars::exact_duration;
use uphold_common::yaml::walk::At;

/// What a limit is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds; written as a duration.
    Time,
    /// Bytes; written as a size.
    Bytes,
}

macro_rules! limits {
    ($($limit:ident $key:literal $unit:ident $default:expr, $range:expr, $what:literal;)*) => {
        /// The limits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit {
            $(#[doc = $what] $limit,)*
        }

        impl Limit {
            /// All of them, in the order in which they are documented.
            pub const ALL: [Self; [$(Self::$limit),*].len()] = [$(Self::$limit),*];

            /// Its key in the configuration, and its label in the metrics.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$limit => $key,)* }
            }

            /// What it is counted in.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$limit => Unit::$unit,)* }
            }

            /// What it is unless something else is said.
            pub const fn default(self) -> u64 {
                match self { $(Self::$limit => $default,)* }
            }

            /// What it may be.
            pub const fn range(self) -> RangeInclusive<u64> {
                match self { $(Self::$limit => $range,)* }
            }

            /// What it bounds, in a few words.
            pub const fn what(self) -> &'static str {
                match self { $(Self::$limit => $what,)* }
            }
        }
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = DAY_MS.unsigned_abs();

limits! {
    Connections "connections" Count 512, 16..=65_536,
        "connections to the port at once";
    ConnectionsPerAddress "connections_per_address" Count 256, 4..=65_536,
        "connections of one address at once";
    HeadTime "head_time" Time 10 * SECOND, SECOND..=5 * MINUTE,
        "time for the head of a request, with the TLS handshake before it";
    BodyTime "body_time" Time 15 * SECOND, SECOND..=10 * MINUTE,
        "time for the body of a request";
    IdleTime "idle_time" Time 45 * SECOND, SECOND..=60 * MINUTE,
        "silence on a connection, reading or writing";
    PushBytes "push_bytes" Bytes PUSH_BYTES_MAX as u64, 64 * KIB..=PUSH_BYTES_MAX as u64,
        "size of a push";
    BatchBytes "batch_bytes" Bytes BATCH_RAW_BYTES_MAX as u64, MIB..=BATCH_RAW_BYTES_MAX as u64,
        "size of a batch once decompressed";
    BodiesInMemory "bodies_in_memory" Bytes 64 * MIB, 8 * MIB..=4096 * MIB,
        "memory of all bodies being received, with what they decompress to";
    RequestsPerSecond "requests_per_second" Count 50, 1..=100_000,
        "requests a second of one identity, in the long run";
    RequestBurst "request_burst" Count 500, 1..=1_000_000,
        "requests of one identity at once";
    StreamsPerAgent "streams_per_agent" Count 10_000, 1..=200_000,
        "streams that one agent may bring";
    BatchAhead "batch_ahead" Time 5 * MINUTE, SECOND..=DAY,
        "how far ahead of the collector's clock a batch may lie";
    BatchAge "batch_age" Time 3653 * DAY, 60 * MINUTE..=3653 * DAY,
        "how far back a batch may lie";
    CatalogueBytes "catalogue_bytes" Bytes 16 * MIB, 4 * KIB..=64 * MIB,
        "size of the catalogue's files together";
    RegexBytes "regex_bytes" Bytes BODY_PATTERN_SIZE_MAX as u64, KIB..=BODY_PATTERN_SIZE_MAX as u64,
        "size of a compiled body pattern";
}

/// The value of every limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits([u64; Limit::ALL.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self(Limit::ALL.map(Limit::default))
    }
}

impl Limits {
    /// Reads the section `limits` of the configuration.
    pub fn read(at: &At<'_>) -> Read<Self> {
        at.mapping(|keys| {
            let values = Limit::ALL.map(|limit| keys.optional(limit.key(), |at| read_value(at, limit)));
            let mut limits = Self::default();
            for (limit, value) in Limit::ALL.into_iter().zip(values) {
                if let Some(value) = value? {
                    limits = limits.with(limit, value);
                }
            }
            // Nobody who lowers the whole should have to lower the part as well.
            let whole = limits.of(Limit::Connections);
            if limits.of(Limit::ConnectionsPerAddress) > whole {
                if keys.get(Limit::ConnectionsPerAddress.key()).is_some() {
                    return Err(keys.at().problem(format!(
                        "connections_per_address is larger than connections, {whole}: it would never be reached"
                    )));
                }
                limits = limits.with(Limit::ConnectionsPerAddress, whole);
            }
            Ok(limits)
        })
    }

    /// The same limits but one, which is not held against its range.
    #[must_use]
    pub fn with(mut self, limit: Limit, value: u64) -> Self {
        if let Some(slot) = self.0.get_mut(limit as usize) {
            *slot = value;
        }
        self
    }

    /// A limit in its unit.
    pub fn of(&self, limit: Limit) -> u64 {
        self.0.get(limit as usize).copied().unwrap_or_default()
    }

    /// A limit as a size in memory.
    pub fn size(&self, limit: Limit) -> usize {
        usize::try_from(self.of(limit)).unwrap_or(usize::MAX)
    }

    /// A limit as a length of time in milliseconds.
    pub fn ms(&self, limit: Limit) -> i64 {
        i64::try_from(self.of(limit)).unwrap_or(i64::MAX)
    }

    /// A limit as a length of time.
    pub fn time(&self, limit: Limit) -> Duration {
        Duration::from_millis(self.of(limit))
    }

    /// A limit as people write it: `512`, `10s`, `1048576 bytes`.
    pub fn shown(&self, limit: Limit) -> String {
        match limit.unit() {
            Unit::Count => self.of(limit).to_string(),
            Unit::Time => exact_duration(self.ms(limit)),
            Unit::Bytes => format!("{} bytes", self.of(limit)),
        }
    }

    /// How much a catalogue may ask of its reader.
    pub fn of_catalogue(&self) -> catalogue::Bounds {
        catalogue::Bounds {
            bytes_max: self.size(Limit::CatalogueBytes),
            body_pattern_size_max: self.size(Limit::RegexBytes),
        }
    }
}

fn read_value(at: &At<'_>, limit: Limit) -> Read<u64> {
    let range = limit.range();
    match limit.unit() {
        Unit::Count => at.count(range),
        Unit::Bytes => at.bytes(range),
        Unit::Time => {
            let ms = |bound: &u64| i64::try_from(*bound).unwrap_or(i64::MAX);
            let value = at.duration_ms(ms(range.start())..=ms(range.end()))?;
            Ok(u64::try_from(value).unwrap_or_default())
        }
    }
}

/// The limits with how often each was reached since the start; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Limiter(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    limits: Limits,
    reached: [AtomicU64; Limit::ALL.len()],
}

impl Limiter {
    /// None of them reached yet.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Counted { limits, reached: Default::default() }))
    }

    /// Their values.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Counts that a limit was reached.
    pub fn reached(&self, limit: Limit) {
        if let Some(count) = self.0.reached.get(limit as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often a limit was reached.
    pub fn count(&self, limit: Limit) -> u64 {
        self.0.reached.get(limit as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Limits, String> {
        uphold_common::yaml::read_file("c.yaml", text, Limits::read).map_err(|problems| problems.to_string())
    }

    #[test]
    fn every_default_is_in_its_range_and_every_limit_can_be_told() {
        for limit in Limit::ALL {
            assert!(limit.range().contains(&limit.default()), "{limit:?}");
            let least = Limits::default().with(limit, *limit.range().start());
            let text = least.shown(limit).replace(" bytes", "B");
            let told = read(&format!("{}: {text}\n", limit.key()));
            assert_eq!(told.map(|limits| limits.of(limit)), Ok(*limit.range().start()), "{limit:?}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_told_with_the_range() {
        for (text, expected) in [
            ("connections: 15\n", "connections: expected a whole number from 16 to 65536, found \"15\""),
            ("head_time: 6m\n", "head_time: expected a duration from 1s to 5m, found \"6m\""),
            ("conections: 99\n", "unknown key \"conections\" (did you mean \"connections\"?)"),
            ("connections: 99\nconnections_per_address: 100\n", "larger than connections, 99"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
        let push = read("push_bytes: 2MiB\n").unwrap_err();
        assert!(push.contains(&format!("to {PUSH_BYTES_MAX} bytes")), "{push}");
    }

    #[test]
    fn one_address_has_never_more_than_all() {
        let limits = read("connections: 99\n").unwrap();
        assert_eq!((limits.of(Limit::Connections), limits.of(Limit::ConnectionsPerAddress)), (99, 99));
    }

    #[test]
    fn clones_count_together() {
        let limiter = Limiter::default();
        limiter.clone().reached(Limit::RegexBytes);
        limiter.reached(Limit::RegexBytes);
        assert_eq!((limiter.count(Limit::RegexBytes), limiter.count(Limit::Connections)), (2, 0));
    }
}
