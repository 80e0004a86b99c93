//! A group of pushes: admitted one by one, appended together, answered once they are durable.

use uphold_common::time::Instant;
use uphold_common::wire::batch::{AgentFact, BatchKey};
use uphold_common::wire::push::{PushAnswer, SeqRange};

use super::Engine;
use crate::identity::token::Standing;
use crate::ingest::{self, Admission, Arrived, Backlog, Refusal};
use crate::store::{Admitted, Appended, Reckoned, StoreError};

/// What a push is answered.
pub(super) type Answer = Result<PushAnswer, Refusal>;

/// A batch on its way into the store: whose it is in the group, and what its answer will need.
struct Entering {
    place: usize,
    backlog: Backlog,
}

impl Engine {
    /// Takes in a group of pushes; the answers are in their order. An error means the store is dead: nothing of the
    /// group may be acknowledged.
    pub fn take_in(&mut self, group: Vec<Arrived>, now: Instant) -> Result<Vec<Answer>, StoreError> {
        let mut answers: Vec<Option<Answer>> = group.iter().map(|_| None).collect();
        let (mut batches, mut entering) = (Vec::new(), Vec::new());
        let (no_room, takes_from) = (self.no_room(now), self.takes_from());
        for (place, arrived) in group.into_iter().enumerate() {
            let backlog = arrived.backlog;
            let key = arrived.key().clone();
            // Tokens end and pushes are taken in one after the other, so nothing is taken from whom it was revoked.
            let standing = arrived.token.as_ref().map_or(Standing::Good, |token| self.standing_of(token, now));
            if standing != Standing::Good {
                let refusal = Refusal::TokenEnded(standing);
                self.count(refusal.word());
                set(&mut answers, place, Err(refusal));
                continue;
            }
            // Where pushes are open to everyone a name proves nothing, so nothing is held against it.
            let stranger =
                if arrived.authenticated { self.in_force.assigned.stranger(&arrived.batch.batch) } else { None };
            if let Some(stream) = stranger {
                let refusal = Refusal::NotAssigned { agent: key.agent, stream };
                self.count(refusal.word());
                set(&mut answers, place, Err(refusal));
                continue;
            }
            let known = self.store.delivery(&key.agent, key.epoch);
            match ingest::decide(arrived, known) {
                Admission::Append(_) if let Some(refusal) = &no_room => {
                    self.count(refusal.word());
                    set(&mut answers, place, Err(refusal.clone()));
                }
                Admission::Append(batch) if let Some(refusal) = too_old(&batch, takes_from, now) => {
                    self.count_refused(&refusal);
                    set(&mut answers, place, Err(refusal));
                }
                Admission::Append(batch) => {
                    batches.push(batch);
                    entering.push(Entering { place, backlog });
                }
                Admission::Duplicate => {
                    set(&mut answers, place, Ok(self.acknowledged(&key, &backlog, &[], now)));
                    self.count("duplicate");
                }
                Admission::Refuse(refusal) => {
                    self.count_refused(&refusal);
                    set(&mut answers, place, Err(refusal));
                }
            }
        }
        self.append(batches, &entering, &mut answers, now)?;
        let lost = Refusal::of_store_error(&StoreError::Dead);
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Err(lost.clone()))).collect())
    }

    fn append(
        &mut self,
        batches: Vec<Admitted>,
        entering: &[Entering],
        answers: &mut [Option<Answer>],
        now: Instant,
    ) -> Result<(), StoreError> {
        if batches.is_empty() {
            return Ok(());
        }
        let told: Vec<_> =
            batches.iter().map(|b| (b.batch.key.clone(), b.batch.rows() as u64, b.batch.facts.clone())).collect();
        let outcomes = match self.store.append(now, batches) {
            Ok(outcomes) => outcomes,
            Err(full @ (StoreError::Full { .. } | StoreError::NoSpace { .. })) => {
                let refusal = Refusal::of_store_error(&full);
                for entry in entering {
                    self.count(refusal.word());
                    set(answers, entry.place, Err(refusal.clone()));
                }
                return Ok(());
            }
            Err(dead) => return Err(dead),
        };
        self.health.durable.groups.observe(entering.len() as u64);
        self.health.durable.newest = Some(now);
        for ((outcome, entry), (key, rows, facts)) in outcomes.into_iter().zip(entering).zip(told) {
            if let Some(refusal) = Refusal::of_appended(outcome, &key) {
                self.count_refused(&refusal);
                set(answers, entry.place, Err(refusal));
                continue;
            }
            let fresh = outcome == Appended::Kept;
            self.count(if fresh { "accepted" } else { "duplicate" });
            self.health.rows += if fresh { rows } else { 0 };
            let facts = if fresh { facts.as_slice() } else { &[] };
            set(answers, entry.place, Ok(self.acknowledged(&key, &entry.backlog, facts, now)));
        }
        Ok(())
    }

    /// Why the disk has no room for pushes, if it has none. What has arrived before is acknowledged all the same.
    pub(super) fn no_room(&mut self, now: Instant) -> Option<Refusal> {
        let room = self.reserve.look(now);
        let why = room.warning().filter(|_| !room.takes_pushes())?;
        Some(Refusal::DiskReserve { why })
    }

    /// Takes notice of what came beside a batch that is durable, and gives the answer: what is missing is asked for again,
    /// and what is lost for good is said, once.
    fn acknowledged(&mut self, key: &BatchKey, backlog: &Backlog, facts: &[AgentFact], now: Instant) -> PushAnswer {
        let Reckoned { replay_from, missing, lost } = self.store.reckon(key, &backlog.told);
        for SeqRange { first, last } in lost.ranges() {
            let (agent, epoch, batches) = (&key.agent, key.epoch, (last - first).saturating_add(1));
            tracing::warn!(%agent, %epoch, first, last, batches, "batches that were acknowledged are not here and the agent no longer keeps them: they are lost for good");
        }
        self.agents.heard(&key.agent, backlog, missing, facts, now);
        PushAnswer { store: self.store.id(), acknowledged: key.seq, replay_from, now }
    }

    fn count_refused(&mut self, refusal: &Refusal) {
        if let Some(limit) = refusal.limit() {
            self.listening.limiter.reached(limit);
        }
        self.count(refusal.word());
    }

    fn count(&mut self, word: &'static str) {
        *self.health.pushes.entry(word).or_default() += 1;
    }
}

/// Why a batch is refused with a row before `takes_from`: what was kept of such a day stands.
pub(super) fn too_old(admitted: &Admitted, takes_from: Instant, now: Instant) -> Option<Refusal> {
    let earliest = admitted.batch.instants().min()?;
    let age_max_ms = now.since_ms(takes_from);
    (earliest < takes_from).then_some(Refusal::TooOld { earliest, age_max_ms })
}

fn set(answers: &mut [Option<Answer>], place: usize, answer: Answer) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}
