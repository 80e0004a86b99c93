//! One attempt to deliver a message, by whatever its receiver is told: the one place that knows every channel.
//!
//! A channel says what it saw, and [`super::verdict`] makes of it what becomes of the message. What a receiver gave in
//! return and later messages of the same incident need, a ticket's number say, comes back beside that; the engine keeps
//! it in the commit that settles the message, and hands it out with the next one.

use uphold_common::catalogue::model::Channel;

use super::exec;
use super::mail::MailClient;
use super::outbox::Delivery;
use super::post::{ClientError, Poster, Proxies, Timeouts};
use super::ticket;
use super::verdict::Attempt;
use super::webhook::WebhookClient;

/// What came back from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it saw.
    pub attempt: Attempt,
    /// What its receiver is to be reminded of with the next message of the same incident, in place of what was kept
    /// before, whatever became of the attempt; none leaves that as it is.
    pub kept: Option<Vec<u8>>,
}

impl From<Attempt> for Report {
    fn from(attempt: Attempt) -> Self {
        Self { attempt, kept: None }
    }
}

/// Delivers messages.
#[derive(Clone, Debug)]
pub struct Courier {
    webhooks: WebhookClient,
    tickets: Poster,
    mails: MailClient,
}

impl Courier {
    /// A courier with these timeouts; the TLS provider must have been installed.
    pub fn new(timeouts: Timeouts) -> Result<Self, ClientError> {
        let (webhooks, mails) = (WebhookClient::new(timeouts)?, MailClient::new(timeouts));
        Ok(Self { webhooks, mails, tickets: Poster::new(timeouts, Proxies::OfTheEnvironment)? })
    }

    /// Makes one attempt.
    pub async fn deliver(&self, delivery: &Delivery) -> Report {
        match &*delivery.channel {
            Channel::Webhook(webhook) => self.webhooks.deliver(webhook, delivery).await.into(),
            Channel::Exec(exec) => exec::deliver(exec, delivery).await.into(),
            Channel::Tickets(tickets) => ticket::deliver::deliver(&self.tickets, tickets, delivery).await,
            Channel::Mail(mail) => self.mails.deliver(mail, delivery).await.into(),
        }
    }
}
