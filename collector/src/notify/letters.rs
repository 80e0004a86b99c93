//! Dead letters, looked at again: what is shown of them, sending one again, letting one go. Pure.
//!
//! A letter that is sent again waits behind whatever its receiver is still to be told, as a new message under its old id: a
//! receiver that has it after all knows it by that. It comes after what was told meanwhile.

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::model::{Catalogue, Receiver};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::pack::PackError;
use utoipa::ToSchema;

use super::entry::{DeadLetter, Entry, Key};
use super::message::Kind;
use super::outbox::Outbox;
use super::plan::{Place, Plan, Step};
use crate::incident::model::Number;

/// A dead letter, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LetterView {
    /// Who was not told.
    pub receiver: Id,
    /// Its number, which no other letter has.
    pub number: u64,
    /// The id of its message.
    pub message: String,
    /// What it tells of.
    pub kind: Kind,
    /// The incident that it tells of, if it tells of one.
    pub incident: Option<Number>,
    /// When it was written.
    pub created_ms: Instant,
    /// When it was given up.
    pub died_ms: Instant,
    /// How many attempts had failed.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: String,
}

impl LetterView {
    /// What is shown of a letter.
    pub fn of(key: &Key, letter: &DeadLetter) -> Self {
        let entry = &letter.entry;
        Self {
            receiver: key.receiver.clone(),
            number: key.order,
            message: entry.id.clone(),
            kind: entry.kind,
            incident: entry.incident,
            created_ms: entry.created,
            died_ms: letter.died,
            attempts: entry.attempts,
            reason: letter.reason.clone(),
        }
    }
}

/// What somebody wants done about a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterCommand {
    /// To send it again.
    Resend(Key),
    /// To let it go.
    Drop(Key),
}

/// Why it was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// There is none.
    #[error("there is no dead letter {} to {}", .0.order, .0.receiver)]
    NoLetter(Key),
    /// Its receiver is gone.
    #[error("the catalogue has no receiver {0} that is told in messages")]
    NoReceiver(Id),
    /// Too much waits for its receiver.
    #[error("as many messages wait for {0} as can")]
    Full(Id),
}

impl Outbox {
    /// Plans what is wanted, and says of which letter.
    pub fn command(
        &self,
        plan: &mut Plan,
        catalogue: &Catalogue,
        command: &LetterCommand,
        now: Instant,
    ) -> Result<Result<LetterView, LetterError>, PackError> {
        let (LetterCommand::Resend(key) | LetterCommand::Drop(key)) = command;
        let Some((_, letter)) = self.dead_letters().find(|(known, _)| known == key) else {
            return Ok(Err(LetterError::NoLetter(key.clone())));
        };
        self.begin(plan);
        if matches!(command, LetterCommand::Resend(_)) {
            let receiver = &key.receiver;
            if catalogue.receivers.get(receiver).and_then(Receiver::channel).is_none() {
                return Ok(Err(LetterError::NoReceiver(receiver.clone())));
            }
            if !self.has_room(receiver) {
                return Ok(Err(LetterError::Full(receiver.clone())));
            }
            let again = Key { receiver: receiver.clone(), order: self.next_order() };
            plan.orders += 1;
            let entry = Entry { created: now, not_before: now, attempts: 0, again: true, ..letter.entry.clone() };
            plan.put(Place::Waiting, &again, Some(entry.pack()?), true);
            plan.steps.push(Step::Enqueue(again, entry));
        }
        plan.put(Place::Dead, key, None, true);
        plan.steps.push(Step::Forget(key.clone()));
        Ok(Ok(LetterView::of(key, letter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::outbox::OutboxPolicy;
    use crate::notify::testing::{at, catalogue, id, message};
    use crate::notify::verdict::Outcome;

    fn done(outbox: &mut Outbox, catalogue: &Catalogue, command: &LetterCommand) -> Result<LetterView, LetterError> {
        let mut plan = Plan::default();
        let done = outbox.command(&mut plan, catalogue, command, at(9)).unwrap();
        outbox.apply(plan);
        done
    }

    /// An outbox with two dead letters and one message that waits behind them.
    fn with_letters(catalogue: &Catalogue) -> (Outbox, Vec<Key>) {
        let mut outbox = Outbox::load(OutboxPolicy::default(), [], []).0;
        let mut plan = Plan::default();
        outbox.enqueue(&mut plan, (1..=3).map(|n| message("duty", n)).collect(), at(1)).unwrap();
        outbox.apply(plan);
        for _ in 0..2 {
            let due = outbox.due(catalogue, at(2)).remove(0);
            let refused = Outcome::Failed { retryable: false, retry_after_ms: None, error: "no".to_owned() };
            let mut plan = Plan::default();
            outbox.settle(&mut plan, &due.key, (&refused, None), at(3), 0).unwrap();
            outbox.apply(plan);
        }
        let keys = outbox.dead_letters().map(|(key, _)| key.clone()).collect();
        (outbox, keys)
    }

    #[test]
    fn a_letter_is_sent_again_under_its_id_behind_what_waits() {
        let catalogue = catalogue(&[("duty", "http://a/")]);
        let (mut outbox, keys) = with_letters(&catalogue);
        let shown = done(&mut outbox, &catalogue, &LetterCommand::Resend(keys[0].clone())).unwrap();
        assert_eq!((shown.number, shown.message.as_str(), shown.reason.as_str()), (1, "x-INC-1.1", "no"));
        assert_eq!(outbox.dead_letters().map(|(key, _)| key.order).collect::<Vec<_>>(), [2]);
        let again = done(&mut outbox, &catalogue, &LetterCommand::Resend(keys[0].clone()));
        assert_eq!(again, Err(LetterError::NoLetter(keys[0].clone())), "once");
        for expected in ["x-INC-3.1", "x-INC-1.1"] {
            let due = outbox.due(&catalogue, at(10)).remove(0);
            assert_eq!((due.id.as_str(), due.attempt), (expected, 1));
            assert_eq!(due.repeated, expected == "x-INC-1.1", "an answer may have been lost before it was given up");
            let mut plan = Plan::default();
            outbox.settle(&mut plan, &due.key, (&Outcome::Delivered, None), at(11), 0).unwrap();
            outbox.apply(plan);
        }
    }

    #[test]
    fn a_letter_that_is_let_go_is_gone_and_one_without_a_receiver_stays() {
        let (here, gone) = (catalogue(&[("duty", "http://a/")]), catalogue(&[]));
        let (mut outbox, keys) = with_letters(&here);
        let refused = done(&mut outbox, &gone, &LetterCommand::Resend(keys[1].clone()));
        assert_eq!(refused, Err(LetterError::NoReceiver(id("duty"))));
        assert_eq!(outbox.dead_letters().len(), 2);
        done(&mut outbox, &gone, &LetterCommand::Drop(keys[1].clone())).unwrap();
        assert_eq!(outbox.dead_letters().map(|(key, _)| key.order).collect::<Vec<_>>(), [1]);
    }
}
