//! What an agent told with one batch: as it is on record, and as it is answered.

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::AgentFact;
use uphold_common::wire::pack::{self, PackError};
use utoipa::ToSchema;

use super::key::Key;
use super::telling;

/// The version of a record.
const VERSION: u8 = 1;

/// What was told with one batch, as it is on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    version: u8,
    /// When the collector heard of it first.
    pub heard_at: Instant,
    /// What was told.
    pub facts: Vec<AgentFact>,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableError {
    /// It is none.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Its key is none.
    #[error("its key is none of ours")]
    Key,
    /// A newer program wrote it.
    #[error("it is of version {0}, and this program knows version {VERSION}")]
    Version(u8),
}

impl Kept {
    /// Facts that were heard of.
    pub const fn of(facts: Vec<AgentFact>, heard_at: Instant) -> Self {
        Self { version: VERSION, heard_at, facts }
    }

    /// The bytes of the record.
    pub fn pack(&self) -> Result<Vec<u8>, PackError> {
        pack::pack(self)
    }

    /// A record with its key.
    pub fn read(key: &[u8], value: &[u8]) -> Result<(Key, Self), UnreadableError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u8,
        }
        let key = Key::read(key).ok_or(UnreadableError::Key)?;
        let Versioned { version } = pack::unpack(value)?;
        if version != VERSION {
            return Err(UnreadableError::Version(version));
        }
        Ok((key, pack::unpack(value)?))
    }
}

/// What an agent told of its own measuring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactList {
    /// The agent.
    pub agent: Id,
    /// What it told, the newest batch first.
    pub told: Vec<Told>,
    /// What `after` is given for what was told before; null where nothing was.
    pub next: Option<String>,
}

/// What was told with one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Told {
    /// When the agent closed the batch, by its clock.
    pub told_at_ms: Instant,
    /// When the collector heard of it first.
    pub heard_at_ms: Instant,
    /// The batch's epoch.
    pub epoch: String,
    /// Its number in that.
    pub seq: u64,
    /// What was told.
    pub facts: Vec<FactTold>,
}

/// One fact. What it does not speak of is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct FactTold {
    /// Which: `started`, `stopped`, `dropped`, `spool_overflow`, `spool_corrupt`, `quarantined`, `skipped`, `clock_step` or
    /// `clock_offset`.
    pub fact: String,
    /// Whether something is lost for good, or was not seen.
    pub is_loss: bool,
    /// The same as a sentence, its instants in UTC.
    pub says: String,
    /// When, by the agent's clock.
    pub at_ms: Option<Instant>,
    /// Whether it had been ended in order before it started, or was never there.
    pub in_order: Option<bool>,
    /// How many batches.
    pub batches: Option<u64>,
    /// How many rows were in them.
    pub rows: Option<u64>,
    /// The instant of the earliest of the rows.
    pub from_ms: Option<Instant>,
    /// That of the latest.
    pub to_ms: Option<Instant>,
    /// How many attempts.
    pub attempts: Option<u64>,
    /// By how much the clock was stepped; negative when it was set back.
    pub by_ms: Option<i64>,
    /// By how much the clock was ahead of the collector's; negative when it was behind.
    pub ahead_ms: Option<i64>,
    /// The true offset lies no farther from that than this.
    pub within_ms: Option<u32>,
}

impl Told {
    /// What a record says.
    pub fn of(key: &Key, kept: &Kept) -> Self {
        Self {
            told_at_ms: key.closed_at,
            heard_at_ms: kept.heard_at,
            epoch: key.epoch.to_string(),
            seq: key.seq,
            facts: kept.facts.iter().map(FactTold::of).collect(),
        }
    }
}

impl FactTold {
    fn of(fact: &AgentFact) -> Self {
        let mut told = Self {
            fact: telling::word(fact).to_owned(),
            is_loss: fact.is_loss(),
            says: telling::says(fact, &|at| at.to_string()),
            ..Self::default()
        };
        match *fact {
            AgentFact::SpoolOverflow { batches, rows } => (told.batches, told.rows) = (Some(batches), Some(rows)),
            AgentFact::SpoolCorrupt { batches } | AgentFact::Quarantined { batches } => told.batches = Some(batches),
            AgentFact::ClockStep { at, by_ms } => (told.at_ms, told.by_ms) = (Some(at), Some(by_ms)),
            AgentFact::Skipped { attempts } => told.attempts = Some(attempts),
            AgentFact::Dropped { batches, rows, from, to } => {
                (told.batches, told.rows) = (Some(batches), Some(rows));
                (told.from_ms, told.to_ms) = (Some(from), Some(to));
            }
            AgentFact::ClockOffset { at, ahead_ms, within_ms } => {
                (told.at_ms, told.ahead_ms, told.within_ms) = (Some(at), Some(ahead_ms), Some(within_ms));
            }
            AgentFact::Started { at, in_order } => (told.at_ms, told.in_order) = (Some(at), Some(in_order)),
            AgentFact::Stopped { at } => told.at_ms = Some(at),
        }
        told
    }

    /// The fact itself, with which it is told in another zone; none of one that this program does not know.
    pub fn fact(&self) -> Option<AgentFact> {
        Some(match self.fact.as_str() {
            "spool_overflow" => AgentFact::SpoolOverflow { batches: self.batches?, rows: self.rows? },
            "spool_corrupt" => AgentFact::SpoolCorrupt { batches: self.batches? },
            "quarantined" => AgentFact::Quarantined { batches: self.batches? },
            "clock_step" => AgentFact::ClockStep { at: self.at_ms?, by_ms: self.by_ms? },
            "skipped" => AgentFact::Skipped { attempts: self.attempts? },
            "dropped" => {
                AgentFact::Dropped { batches: self.batches?, rows: self.rows?, from: self.from_ms?, to: self.to_ms? }
            }
            "clock_offset" => {
                AgentFact::ClockOffset { at: self.at_ms?, ahead_ms: self.ahead_ms?, within_ms: self.within_ms? }
            }
            "started" => AgentFact::Started { at: self.at_ms?, in_order: self.in_order? },
            "stopped" => AgentFact::Stopped { at: self.at_ms? },
            _ => return None,
        })
    }
}

#[cfg(test)]
pub(crate) fn each() -> Vec<AgentFact> {
    let (at, to) = (Instant::from_ms(7), Instant::from_ms(60_000));
    vec![
        AgentFact::SpoolOverflow { batches: 1, rows: 40 },
        AgentFact::Dropped { batches: 12, rows: 340, from: at, to },
        AgentFact::SpoolCorrupt { batches: 2 },
        AgentFact::Quarantined { batches: 3 },
        AgentFact::ClockStep { at, by_ms: -3_600_000 },
        AgentFact::Skipped { attempts: 1 },
        AgentFact::ClockOffset { at, ahead_ms: 1_500, within_ms: 4 },
        AgentFact::Started { at, in_order: true },
        AgentFact::Stopped { at },
    ]
}

#[cfg(test)]
mod tests {
    use uphold_common::wire::batch::Epoch;

    use super::*;

    #[test]
    fn what_is_answered_has_everything_that_is_on_record() {
        for fact in each() {
            assert_eq!(FactTold::of(&fact).fact(), Some(fact));
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_one_of_a_newer_version_is_refused() {
        let (agent, closed_at) = (Id::new("a").unwrap(), Instant::from_ms(9));
        let key = Key { agent, closed_at, epoch: Epoch([7; 16]), seq: 3 };
        let kept = Kept::of(each(), Instant::from_ms(10));
        assert_eq!(Kept::read(&key.bytes(), &kept.pack().unwrap()).unwrap(), (key.clone(), kept.clone()));
        let newer = Kept { version: 2, ..kept.clone() }.pack().unwrap();
        assert!(matches!(Kept::read(&key.bytes(), &newer), Err(UnreadableError::Version(2))));
        assert!(matches!(Kept::read(b"a", &kept.pack().unwrap()), Err(UnreadableError::Key)));
        assert!(matches!(Kept::read(&key.bytes(), b"x"), Err(UnreadableError::Pack(_))));
    }
}
