//! Ticket and on-call systems, all by one receiver: a description says which requests make, change and end a ticket, and
//! this room carries them out.
//!
//! | room | what it holds |
//! |---|---|
//! | [`description`] | how a system is spoken to, in checked types |
//! | [`read`], `request` | a description's file → those types; pure |
//! | [`presets`] | the descriptions that come with the program |
//! | [`template`] | text with values in braces, under bounds; pure |
//! | [`plain`] | what people wrote, out of HTML; pure |
//! | [`known`] | what is known of a receiver for one attempt: its description, its URL, its secrets |
//! | [`values`] | what templates are given; pure |
//! | [`steps`] | what happened → what is to be done; pure |
//! | [`reading`] | answers → what is kept, found, said; pure |
//! | [`talk`] | requests → answers, over HTTP |
//! | [`look`] | a ticket as it is there now |
//! | [`deliver`] | the attempt to tell a system of an event |
//! | [`news`] | a ticket as it is there → what is news here; pure |
//! | [`poll`] | the loop that looks at tickets |
//!
//! A ticket holds the key of its incident. When the answer to an attempt was lost, or when there should be a ticket and
//! none is known, it is **searched for by that key** before another is made. What is written into a ticket begins with a
//! mark, so that it is known again and never taken for something that people said.

pub mod deliver;
pub mod description;
pub mod known;
pub mod look;
pub mod news;
pub mod plain;
pub mod poll;
pub mod presets;
pub mod read;
pub mod reading;
mod request;
pub mod steps;
pub mod talk;
pub mod template;
pub mod values;

#[cfg(test)]
mod scripted;

use serde::{Deserialize, Serialize};
use uphold_common::wire::pack;

/// A ticket, as it is kept for an incident and a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id there.
    pub id: String,
    /// Where people find it.
    pub url: Option<String>,
}

impl Ticket {
    /// The bytes it is kept in.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        pack::pack(self).ok()
    }

    /// The ticket in what was kept; none when that is damaged, and then it is searched for.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        pack::unpack(bytes).ok()
    }
}
