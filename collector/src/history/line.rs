//! A line → a row, quickly: what is right is read without a copy. What is not read so is looked at again by [`super::told`],
//! which says what is wrong with it.

use serde::Deserialize;
use uphold_common::observation::{Cause, Flow, Micros, Observation, Outcome, Phases, Reading, Resource, Volume, Which};
use uphold_common::time::Instant;
use uphold_common::wire::OF_BYTES_MAX;

use super::told::{self, BadLine};

/// The longest duration in microseconds that can be kept.
pub const DURATION_US_MAX: u64 = u32::MAX as u64 - 1;

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// Of what.
    pub of: Of<'a>,
    /// The row.
    pub row: Row,
}

/// Of what a row is, in the words of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// Of a probe, as an agent saw it.
    Probe {
        /// The probe in its service.
        probe: &'a str,
        /// The agent.
        agent: &'a str,
    },
    /// Of a resource of a host.
    Capacity {
        /// The host.
        host: &'a str,
        /// The resource.
        resource: Resource,
        /// Which one of its kind.
        of: &'a str,
    },
    /// Of a flow of a host.
    Volume {
        /// The host.
        host: &'a str,
        /// The flow.
        flow: Flow,
        /// Through what.
        of: &'a str,
    },
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// An attempt.
    Probe(Observation),
    /// A reading.
    Capacity(Reading),
    /// A volume.
    Volume(Volume),
}

impl Row {
    /// When it is of.
    pub const fn at(&self) -> Instant {
        match self {
            Self::Probe(row) => row.at,
            Self::Capacity(row) => row.at,
            Self::Volume(row) => row.at,
        }
    }
}

/// Everything that a line may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys<'a> {
    pub(super) probe: Option<&'a str>,
    pub(super) agent: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) resource: Option<Resource>,
    pub(super) flow: Option<Flow>,
    pub(super) of: Option<&'a str>,
    pub(super) at: Option<At>,
    pub(super) outcome: Option<Outcome>,
    pub(super) cause: Option<Cause>,
    pub(super) code: Option<u16>,
    pub(super) duration_us: Option<u64>,
    pub(super) resolve_us: Option<u64>,
    pub(super) connect_us: Option<u64>,
    pub(super) tls_us: Option<u64>,
    pub(super) first_byte_us: Option<u64>,
    pub(super) transfer_us: Option<u64>,
    pub(super) used: Option<u64>,
    pub(super) limit: Option<u64>,
    pub(super) over_ms: Option<u32>,
    pub(super) amount: Option<u64>,
}

/// An instant as whole milliseconds or as RFC 3339.
#[derive(Clone, Copy, Debug)]
pub(super) struct At(pub(super) Instant);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl serde::de::Visitor<'_> for Read {
            type Value = At;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(told::INSTANT)
            }

            fn visit_i64<E: serde::de::Error>(self, ms: i64) -> Result<At, E> {
                let in_range = (Instant::MIN.as_ms()..=Instant::MAX.as_ms()).contains(&ms);
                in_range.then_some(At(Instant::from_ms(ms))).ok_or_else(|| E::custom("out of range"))
            }

            fn visit_u64<E: serde::de::Error>(self, ms: u64) -> Result<At, E> {
                self.visit_i64(i64::try_from(ms).map_err(E::custom)?)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<At, E> {
                Instant::parse(text).map(At).ok_or_else(|| E::custom("no instant"))
            }
        }
        from.deserialize_any(Read)
    }
}

/// What a line says, given to `then`; or what is wrong with it.
pub fn read<T>(line: &[u8], then: impl FnOnce(Said<'_>) -> Result<T, BadLine>) -> Result<T, BadLine> {
    match serde_json::from_slice::<Keys<'_>>(line) {
        Ok(keys) => then(keys.said()?),
        Err(error) => told::slowly(line, &error, |keys| then(keys.said()?)),
    }
}

impl<'a> Keys<'a> {
    /// What they say together: of exactly one of a probe, a resource and a flow, and nothing that goes with another.
    fn said(&self) -> Result<Said<'a>, BadLine> {
        match (self.probe, self.resource, self.flow) {
            (Some(probe), None, None) => self.attempt(probe),
            (None, Some(resource), None) => self.reading(resource),
            (None, None, Some(flow)) => self.volume(flow),
            _ => Err(BadLine::whole("expected exactly one of the keys \"probe\", \"resource\" and \"flow\"")),
        }
    }

    fn attempt(&self, probe: &'a str) -> Result<Said<'a>, BadLine> {
        self.nothing_of(&["host", "of", "used", "limit", "over_ms", "amount"], "probe")?;
        let agent = needed("agent", "an agent, such as \"zurich-1\"", self.agent)?;
        let at = needed("at", told::INSTANT, self.at)?.0;
        let outcome = needed("outcome", "\"up\", \"degraded\", \"down\" or \"unknown\"", self.outcome)?;
        let phases = Phases {
            resolve: micros("resolve_us", self.resolve_us)?,
            connect: micros("connect_us", self.connect_us)?,
            tls: micros("tls_us", self.tls_us)?,
            first_byte: micros("first_byte_us", self.first_byte_us)?,
            transfer: micros("transfer_us", self.transfer_us)?,
        };
        let total = micros("duration_us", self.duration_us)?;
        let cause = self.cause.unwrap_or(Cause::None);
        let row = Observation { at, outcome, cause, code: self.code.unwrap_or_default(), total, phases };
        Ok(Said { of: Of::Probe { probe, agent }, row: Row::Probe(row) })
    }

    fn reading(&self, resource: Resource) -> Result<Said<'a>, BadLine> {
        self.nothing_of(&OF_AN_ATTEMPT, "resource")?;
        self.nothing_of(&["over_ms", "amount"], "resource")?;
        let host = needed("host", "a host, such as \"web-1\"", self.host)?;
        let of = self.which(resource.which())?;
        let row = Reading {
            at: needed("at", told::INSTANT, self.at)?.0,
            used: needed("used", "a whole number", self.used)?,
            limit: needed("limit", "a whole number above 0", self.limit)?,
        };
        if row.limit == 0 {
            return Err(BadLine::at_key("limit", "expected a whole number above 0, found 0"));
        }
        Ok(Said { of: Of::Capacity { host, resource, of: bounded(of)? }, row: Row::Capacity(row) })
    }

    fn volume(&self, flow: Flow) -> Result<Said<'a>, BadLine> {
        self.nothing_of(&OF_AN_ATTEMPT, "flow")?;
        self.nothing_of(&["used", "limit"], "flow")?;
        let host = needed("host", "a host, such as \"web-1\"", self.host)?;
        let of = self.which(flow.which())?;
        let row = Volume {
            at: needed("at", told::INSTANT, self.at)?.0,
            over_ms: needed("over_ms", "a whole number of milliseconds", self.over_ms)?,
            amount: needed("amount", "a whole number", self.amount)?,
        };
        Ok(Said { of: Of::Volume { host, flow, of: bounded(of)? }, row: Row::Volume(row) })
    }

    /// Which one of its kind.
    fn which(&self, which: Which) -> Result<&'a str, BadLine> {
        match (self.of.filter(|of| which.admits(of)), which.expected()) {
            (Some(of), _) => Ok(of),
            (None, None) => Ok(""),
            (None, Some(expected)) if self.of.is_none_or(str::is_empty) => needed("of", &expected, None),
            (None, Some(expected)) => Err(BadLine::at_key("of", format!("expected {expected}"))),
        }
    }

    /// Whether none of these keys is said, which do not go with `kind`.
    fn nothing_of(&self, keys: &[&'static str], kind: &str) -> Result<(), BadLine> {
        match keys.iter().find(|key| self.says(key)) {
            None => Ok(()),
            Some(key) => Err(BadLine::at_key(key, format!("does not go with \"{kind}\""))),
        }
    }

    fn says(&self, key: &str) -> bool {
        match key {
            "agent" => self.agent.is_some(),
            "host" => self.host.is_some(),
            "of" => self.of.is_some(),
            "outcome" => self.outcome.is_some(),
            "cause" => self.cause.is_some(),
            "code" => self.code.is_some(),
            "duration_us" => self.duration_us.is_some(),
            "resolve_us" => self.resolve_us.is_some(),
            "connect_us" => self.connect_us.is_some(),
            "tls_us" => self.tls_us.is_some(),
            "first_byte_us" => self.first_byte_us.is_some(),
            "transfer_us" => self.transfer_us.is_some(),
            "used" => self.used.is_some(),
            "limit" => self.limit.is_some(),
            "over_ms" => self.over_ms.is_some(),
            "amount" => self.amount.is_some(),
            _ => false,
        }
    }
}

/// What only an attempt says.
const OF_AN_ATTEMPT: [&str; 10] = [
    "agent",
    "outcome",
    "cause",
    "code",
    "duration_us",
    "resolve_us",
    "connect_us",
    "tls_us",
    "first_byte_us",
    "transfer_us",
];

fn needed<T>(key: &'static str, expected: &str, said: Option<T>) -> Result<T, BadLine> {
    said.ok_or_else(|| BadLine::at_key(key, format!("expected {expected}; it is missing")))
}

fn micros(key: &'static str, us: Option<u64>) -> Result<Micros, BadLine> {
    match us {
        None => Ok(Micros::NONE),
        Some(us) if us <= DURATION_US_MAX => Ok(Micros::new(us)),
        Some(us) => Err(BadLine::at_key(key, format!("expected at most {DURATION_US_MAX} microseconds, found {us}"))),
    }
}

fn bounded(of: &str) -> Result<&str, BadLine> {
    let expected = || BadLine::at_key("of", format!("expected a name of at most {OF_BYTES_MAX} bytes"));
    (of.len() <= OF_BYTES_MAX).then_some(of).ok_or_else(expected)
}
