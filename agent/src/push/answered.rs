//! What answers say beyond whether a batch was taken: which store it lies in, what is asked for again, and what time it is there.

use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::push::PushAnswer;
use url::Url;

use super::Pusher;
use super::decide::Heard;
use super::offset::Offset;
use super::replay::{Answered, Course};
use crate::assignment;
use crate::config::shown;
use crate::spool::Parcel;

impl Pusher {
    /// Whether this collector, when it is not the first, has the store that acknowledged last; one that does not say is
    /// believed, since it is older.
    pub(super) async fn has_our_store(&mut self, collector: &Url, ours: Option<Epoch>) -> bool {
        let Some(ours) = ours.filter(|_| self.current > 0) else { return true };
        if self.confirmed == Some((self.current, ours)) {
            return true;
        }
        let theirs = match assignment::store_of(&self.remote, collector, &self.agent).await {
            Ok(theirs) => theirs,
            Err(error) => {
                self.tell_once(
                    collector,
                    &Heard::Nothing(error.to_string()),
                    "a batch could not be delivered, and waits",
                );
                return false;
            }
        };
        let other = theirs.filter(|theirs| *theirs != ours);
        if let Some(theirs) = other {
            let detail = format!("it has the store {theirs}, and what was acknowledged lies in {ours}");
            self.tell_once(collector, &Heard::Nothing(detail), "this collector has another store, and is not used");
        }
        other.is_none()
    }

    /// A collector holds the batch: what it asks for in return.
    pub(super) fn done(&mut self, collector: &Url, parcel: &Parcel, answer: &PushAnswer, again: bool) {
        let collector = shown(collector);
        if self.told.is_over() {
            tracing::info!(collector, "batches are delivered again");
        }
        let replaced = parcel.store.filter(|store| *store != answer.store && !again);
        if let Some(before) = replaced {
            tracing::warn!(collector, %before, now = %answer.store, "the collector keeps its data in another store now");
        }
        if answer.replay_from.is_some() {
            self.metrics.replay_requested();
        }
        let answered = Answered {
            epoch: parcel.epoch,
            seq: parcel.seq,
            again,
            acknowledged_seq: parcel.acknowledged_seq,
            replay_from: answer.replay_from,
            asks_always: !self.is_older(),
        };
        match self.replay.answered(&answered, self.clock.now()) {
            Course::Same => {}
            Course::Begins { from } => {
                let (until, kept_from) = (parcel.acknowledged_seq, parcel.kept_from);
                tracing::warn!(
                    collector,
                    from,
                    until,
                    kept_from,
                    "the collector misses batches that were acknowledged: those that are kept are sent again"
                );
            }
            Course::Ends => tracing::info!(collector, "the collector misses nothing any more that is kept here"),
        }
        if replaced.is_some() || answer.replay_from.is_some() {
            // One that was put in the place of another may know more.
            self.older.remove(&self.current);
        }
    }

    /// Measures how far the clocks are apart, and says it where it is news.
    pub(super) fn offset(&mut self, sent_at: Instant, answer: &PushAnswer) {
        let Some(offset) = Offset::measure(sent_at, self.clock.now(), answer.now) else { return };
        self.metrics.clock_offset(offset.ahead_ms, offset.within_ms);
        if let Some(fact) = self.offsets.measured(offset) {
            self.recorder.said(fact);
        }
    }
}
