//! News: what a push brought that may change what a service is, so that it is looked at before the next second.
//!
//! A stream turns when its outcome is another than the one before; the rows after it that say the same confirm it, as many
//! as an agent's batches hurry for. A stream that nothing is kept of was up. It only says when to look: a tick that comes
//! early finds what the one on time would have found.

use std::collections::HashMap;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{Observation, Outcome};
use uphold_common::wire::builder::CONFIRMING;
use uphold_common::wire::sheet::{RowsOf, Sheet};

/// Most streams that are not up, or were not a moment ago, that are told apart; with one more all are forgotten, and
/// those that fail are news again.
const TURNED_MAX: usize = 16_384;

/// What turned, and whether anything did since the last tick.
#[derive(Debug, Default)]
pub(super) struct News {
    /// By agent, the streams that are not up, or whose being up is still confirmed.
    turned: HashMap<Id, HashMap<ProbeId, Turned>>,
    streams: usize,
    waiting: bool,
}

#[derive(Clone, Copy, Debug)]
struct Turned {
    outcome: Outcome,
    /// How many more rows of the same outcome confirm it.
    confirming: u8,
}

impl News {
    /// Reads what a batch says.
    pub(super) fn read(&mut self, batch: &Sheet) {
        for (_, rows) in batch.streams() {
            if let RowsOf::Probe(probe, rows) = rows {
                self.read_stream(&batch.key.agent, probe, rows);
            }
        }
    }

    /// Whether anything turned, or was confirmed, since the last look.
    pub(super) const fn waits(&self) -> bool {
        self.waiting
    }

    /// What waits is looked at.
    pub(super) const fn looked_at(&mut self) {
        self.waiting = false;
    }

    fn read_stream(&mut self, agent: &Id, probe: &ProbeId, rows: &[Observation]) {
        let known = self.turned.get(agent).and_then(|of| of.get(probe)).copied();
        if known.is_none() && rows.iter().all(|row| row.outcome == Outcome::Up) {
            return;
        }
        let mut now = known.unwrap_or(Turned { outcome: Outcome::Up, confirming: 0 });
        for row in rows {
            let turns = row.outcome != now.outcome;
            self.waiting |= turns || now.confirming > 0;
            let confirming = if turns { CONFIRMING } else { now.confirming.saturating_sub(1) };
            now = Turned { outcome: row.outcome, confirming };
        }
        self.keep(agent, probe, now);
    }

    fn keep(&mut self, agent: &Id, probe: &ProbeId, now: Turned) {
        if now.outcome == Outcome::Up && now.confirming == 0 {
            let gone = self.turned.get_mut(agent).and_then(|of| of.remove(probe));
            self.streams -= usize::from(gone.is_some());
            return;
        }
        if self.streams >= TURNED_MAX {
            self.turned.clear();
            self.streams = 0;
        }
        let of = self.turned.entry(agent.clone()).or_default();
        self.streams += usize::from(of.insert(probe.clone(), now).is_none());
    }
}

#[cfg(test)]
#[path = "news_tests.rs"]
mod tests;
