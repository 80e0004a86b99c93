//! Between the outbox and whoever delivers: what is due, and what became of it.

use uphold_common::time::Instant;

use super::postponed::Settled;
use super::{Engine, EngineError};
use crate::incident::model::{Change, Event};
use crate::notify::courier::Report;
use crate::notify::entry::{Key, kept_key};
use crate::notify::outbox::Delivery;
use crate::notify::ticket::Ticket;
use crate::notify::verdict;
use crate::store::RecordKind;

impl Engine {
    /// The messages that are due, each with what was kept for it.
    pub(super) fn due(&mut self, now: Instant) -> Result<Vec<Delivery>, EngineError> {
        let catalogue = self.catalogue();
        let mut due = self.outbox.due(&catalogue, now);
        for delivery in &mut due {
            let Some(incident) = delivery.incident else { continue };
            delivery.kept = self.store.record(RecordKind::Kept, &kept_key(&delivery.key.receiver, incident))?;
        }
        Ok(due)
    }

    /// The event that says that a receiver made a ticket, or has another one, if what it gave is one.
    pub(super) fn ticket_event(&self, key: &Key, kept: Option<&[u8]>, now: Instant) -> Option<Event> {
        let catalogue = self.catalogue();
        catalogue.receivers.get(&key.receiver)?.tickets()?;
        let Ticket { id, url } = Ticket::from_bytes(kept?)?;
        let incident = self.register.get(self.outbox.incident_out(key)?)?;
        if incident.tickets.get(&key.receiver).is_some_and(|known| known.id == id && known.url == url) {
            return None;
        }
        let change = Change::Ticket { receiver: key.receiver.clone(), id, url };
        Some(Event { number: incident.number, place: incident.events + 1, decided_at: now, change })
    }

    /// Notes what became of a message.
    pub(super) fn settle(&mut self, key: &Key, report: Report, now: Instant) -> Result<(), EngineError> {
        let settled = Settled { outcome: verdict::judge(&report.attempt, now), kept: report.kept };
        self.settle_outcome(key.clone(), settled, now)
    }
}
