//! Dead letters, between the outbox and whoever looks at them: the list, sending one again, letting one go, each with its
//! deed.

use tokio::sync::oneshot;
use uphold_common::time::Instant;

use super::command::CommandError;
use super::handle::{EngineHandle, Request, Unanswered};
use super::{Engine, EngineError, damaged};
use crate::identity::deed::{Action, Actor};
use crate::notify::letters::{LetterCommand, LetterView};
use crate::notify::plan::Plan;

/// What the engine is asked about dead letters.
pub enum LettersAsk {
    /// For all of them, oldest first.
    List(oneshot::Sender<Vec<LetterView>>),
    /// To do something about one.
    Do(LetterCommand, Actor, oneshot::Sender<Result<LetterView, CommandError>>),
}

impl EngineHandle {
    /// The dead letters, oldest first.
    pub async fn letters(&self) -> Result<Vec<LetterView>, Unanswered> {
        self.ask(|answer| Request::Letters(LettersAsk::List(answer))).await
    }

    /// Does something about a dead letter for `actor`; answered once it is durable.
    pub async fn letter_command(
        &self,
        command: LetterCommand,
        actor: Actor,
    ) -> Result<Result<LetterView, CommandError>, Unanswered> {
        self.ask(|answer| Request::Letters(LettersAsk::Do(command, actor, answer))).await
    }
}

impl Engine {
    /// The dead letters, oldest first.
    pub fn letters(&self) -> Vec<LetterView> {
        self.outbox.dead_letters().map(|(key, letter)| LetterView::of(key, letter)).collect()
    }

    /// Does something about a dead letter; it is durable when this returns.
    pub fn letter_command(
        &mut self,
        command: &LetterCommand,
        actor: &Actor,
        now: Instant,
    ) -> Result<LetterView, CommandError> {
        self.check_actor(actor, now)?;
        self.check_room(now)?;
        let (catalogue, mut plan) = (self.catalogue(), Plan::default());
        let planned = self.outbox.command(&mut plan, &catalogue, command, now);
        let letter = planned.map_err(|error| damaged("the outbox", &error))??;
        let (receiver, message) = (letter.receiver.clone(), letter.message.clone());
        let action = match command {
            LetterCommand::Resend(_) => Action::LetterResent { receiver, message },
            LetterCommand::Drop(_) => Action::LetterDropped { receiver, message },
        };
        let deed = self.keeper.deed(actor, action, now)?;
        self.carry_out(plan, vec![deed]).map_err(EngineError::from)?;
        self.keeper.recorded();
        Ok(letter)
    }
}
