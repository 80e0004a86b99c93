//! The attempt to tell a ticket system of an event: what is to be done, step by step, and the ticket that comes of it.
//!
//! A ticket that was found or made is reported whatever becomes of the steps behind it, so that it is not made twice.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use uphold_common::catalogue::model::Tickets;

use super::Ticket;
use super::description::{Operation, Search, TicketForm};
use super::known::Known;
use super::look;
use super::reading::{Answer, holding, ticket};
use super::steps::{Missing, Situation, steps};
use super::talk::Talk;
use super::template::Template;
use super::values::{Values, key_of, mark};
use crate::notify::courier::Report;
use crate::notify::outbox::Delivery;
use crate::notify::post::Poster;
use crate::notify::verdict::Attempt;

/// Makes one attempt.
pub async fn deliver(poster: &Poster, tickets: &Tickets, delivery: &Delivery) -> Report {
    let known = match Known::of(tickets).await {
        Ok(known) => known,
        // Whoever looks after the files may yet mend them.
        Err(error) => return Attempt::Unanswered { error }.into(),
    };
    let Ok(event) = serde_json::from_str::<Json>(&delivery.body) else {
        return Attempt::Refused { error: "the event is no JSON".to_owned() }.into();
    };
    let values = Values::new(&known, key_of(&delivery.id)).about(&event);
    let ticket = delivery.kept.as_deref().and_then(Ticket::from_bytes);
    let open = event.pointer("/data/state").and_then(Json::as_str) == Some("open");
    let values = match with_texts(&known, values) {
        Ok(values) => values,
        Err(error) => return Attempt::Refused { error: known.redacted(error) }.into(),
    };
    let mut telling = Telling { talk: Talk::new(poster, &known, values), delivery, open, ticket, kept: None };
    let attempt = match telling.all().await {
        Ok(status) => Attempt::Answered { status, retry_after: None },
        Err(attempt) => attempt,
    };
    telling.talk.end().await;
    Report { attempt, kept: telling.kept }
}

/// These and the description's texts.
fn with_texts(known: &Known, mut values: Values) -> Result<Values, String> {
    let plain = values.value();
    let made = |(name, text): &(String, Template)| Ok((name.clone(), Json::from(text.render(&plain)?)));
    let texts = known.description.texts.iter().map(made).collect::<Result<serde_json::Map<_, _>, String>>()?;
    values.put("text", Json::Object(texts));
    Ok(values)
}

/// One event on its way into a system.
struct Telling<'a> {
    talk: Talk<'a>,
    delivery: &'a Delivery,
    open: bool,
    ticket: Option<Ticket>,
    /// The ticket, if it is to be kept anew.
    kept: Option<Vec<u8>>,
}

impl Telling<'_> {
    /// Takes every step, and gives the status of the last answer.
    async fn all(&mut self) -> Result<u16, Attempt> {
        let known = self.talk.known;
        let description = &known.description;
        let (kind, lost) = (self.delivery.kind, self.delivery.repeated);
        let situation = Situation { kind, open: self.open, ticket: self.ticket.is_some(), lost };
        let steps = steps(description, situation);
        let mut status = 200;
        if let Some(search) = description.search.as_ref().filter(|_| steps.search) {
            status = self.search(search).await?;
        }
        if let Some(form) = description.ticket.as_ref().filter(|_| self.ticket.is_none()) {
            if steps.missing == Missing::Leave {
                self.left_out("there is no ticket of it");
                return Ok(status);
            }
            status = self.create(form).await?;
            if steps.missing == Missing::CreateOnly {
                return Ok(status);
            }
        }
        match steps.then {
            Some(operation) => self.operate(operation).await,
            None => Ok(status),
        }
    }

    async fn search(&mut self, search: &Search) -> Result<u16, Attempt> {
        let answer = self.talk.all(&search.requests).await?;
        let missing = || self.talk.refused("there is no list of tickets in the answer to the search".to_owned());
        let list = answer.list(&search.list).ok_or_else(missing)?;
        let key = key_of(&self.delivery.id);
        let found = holding(list, &search.holds_key, key, &self.talk.values);
        let found = found.map_err(|error| self.talk.refused(error))?.cloned();
        if let (Some(item), Some(form)) = (found, &self.talk.known.description.ticket) {
            let item = Answer { json: Some(item), ..Answer::default() };
            item.keep(&search.keep, &mut self.talk.values).map_err(|error| self.talk.refused(error))?;
            self.note(form)?;
        }
        Ok(answer.status)
    }

    async fn create(&mut self, form: &TicketForm) -> Result<u16, Attempt> {
        let create = self.talk.known.description.operations.get(&Operation::Create);
        let answer = self.talk.all(create.map(Vec::as_slice).unwrap_or_default()).await?;
        self.note(form)?;
        Ok(answer.status)
    }

    /// Takes note of the ticket that the values make.
    fn note(&mut self, form: &TicketForm) -> Result<(), Attempt> {
        let ticket = ticket(form, &self.talk.values).map_err(|error| self.talk.refused(error))?;
        self.kept = ticket.to_bytes();
        self.ticket = Some(ticket);
        Ok(())
    }

    async fn operate(&mut self, operation: Operation) -> Result<u16, Attempt> {
        let Some(requests) = self.talk.known.description.operations.get(&operation) else {
            self.left_out(operation.as_str());
            return Ok(200);
        };
        if let Some(ticket) = &self.ticket {
            self.talk.values.ticket(ticket);
        }
        if operation == Operation::Comment && self.delivery.repeated && self.stands_there().await? {
            return Ok(200);
        }
        Ok(self.talk.all(requests).await?.status)
    }

    /// Whether an earlier attempt left its comment there, and only the answer was lost.
    async fn stands_there(&mut self) -> Result<bool, Attempt> {
        let poll = self.talk.known.description.poll.as_ref();
        let Some((poll, ticket)) = poll.filter(|poll| poll.comments.is_some()).zip(self.ticket.clone()) else {
            return Ok(false);
        };
        let looked = look::look(&mut self.talk, poll, &ticket, &BTreeSet::new()).await?;
        let mark = mark(&self.delivery.id);
        let said = looked.comments.iter().filter_map(|(_, said)| said.as_ref());
        Ok(said.into_iter().any(|said| said.text.trim_start().starts_with(&mark)))
    }

    fn left_out(&self, what: &str) {
        let (receiver, message) = (&self.delivery.key.receiver, &self.delivery.id);
        let system = &self.talk.known.description.name;
        tracing::debug!(%receiver, %message, system, what, "left out: the description says nothing of it");
    }
}

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;
