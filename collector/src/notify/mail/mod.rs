//! One attempt to deliver a message by mail: a letter to all of its addresses, handed to one server over SMTP.
//!
//! | file | what it holds |
//! |---|---|
//! | [`letter`] | the event → what people read, its subject and its thread; pure |
//! | `connection` | the conversation with the server, under bounds |
//!
//! Each attempt opens a connection of its own: incidents are rare, and a server closes what is idle. The password comes out
//! of its file each time, and goes over TLS only. What the server says beyond its code is not kept.

mod connection;
pub mod letter;

use uphold_common::catalogue::model::Mail;

use super::outbox::Delivery;
use super::post::Timeouts;
use super::verdict::Attempt;

/// Delivers messages by mail.
#[derive(Clone, Copy, Debug)]
pub struct MailClient {
    timeouts: Timeouts,
}

impl MailClient {
    /// A client with these timeouts.
    pub const fn new(timeouts: Timeouts) -> Self {
        Self { timeouts }
    }

    /// Makes one attempt.
    pub async fn deliver(&self, mail: &Mail, delivery: &Delivery) -> Attempt {
        match letter::write(mail, delivery) {
            Ok(letter) => connection::send(mail, &letter, self.timeouts).await,
            Err(error) => Attempt::Refused { error },
        }
    }
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
