//! What people do to an incident, from taking it on to filing its review. Pure.
//!
//! Like everything else that happens to an incident, each is an event, decided once. Somebody who acknowledges says «I
//! have it»; that is said once, by one, and stays when the incident is opened again. Whoever has looked at an incident may say
//! how many events it had then: if it has others by now, nothing is done, so that two people do not undo each other's work.

pub mod refusal;
pub mod text;

use std::collections::BTreeSet;

use uphold_common::time::Instant;

pub use self::refusal::ActError;
pub use self::text::{COMMENT_BYTES_MAX, Comment, Review, Who};
use super::model::{Called, Change, Event, Incident, LINKS_MAX, Link, LinkKind, Major, Number, Resolution};
use super::register::Register;
use crate::identity::deed::Actor;

/// How often people may do something to one incident. What happens to it by itself does not count.
pub const EVENTS_MAX: u32 = 1_000;
/// Up to so often they may still end it, whatever was said.
pub const ENDING_EVENTS_MAX: u32 = EVENTS_MAX + 100;

/// What somebody does to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// To take it on, perhaps with a word.
    Acknowledge(Option<Comment>),
    /// To say something.
    Comment(Comment),
    /// To give it to somebody.
    Assign(Who),
    /// To say that it is over.
    Resolve {
        /// Since when; now, if nothing is said.
        ended: Option<Instant>,
        /// What ended it.
        text: Comment,
    },
    /// To say that nothing more is to be done about it, perhaps with a word.
    Close(Option<Comment>),
    /// To open it again, perhaps with a word.
    Reopen(Option<Comment>),
    /// To connect it with something.
    Link(Link),
    /// To take back what connects it with something.
    Unlink(Link),
    /// To make it a major incident.
    Major {
        /// Who answers for it.
        owner: Who,
        /// Why it is one.
        because: Comment,
    },
    /// To say that the management has the notice.
    NoticeReceived,
    /// To file its review.
    Review(Review),
}

/// What somebody wants done, and what they have seen of the incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What.
    pub act: Act,
    /// How many events the incident had as they looked at it; none where that does not matter.
    pub expected_events: Option<u32>,
}

impl From<Act> for Intent {
    fn from(act: Act) -> Self {
        Self { act, expected_events: None }
    }
}

impl Act {
    /// How often people may have done something before it.
    const fn events_max(&self) -> u32 {
        match self {
            Self::Comment(_) | Self::Assign(_) | Self::Link(_) | Self::Unlink(_) => EVENTS_MAX,
            _ => ENDING_EVENTS_MAX,
        }
    }
}

/// The event that `intent` makes.
pub fn act(
    register: &Register,
    called: impl Into<Called>,
    intent: impl Into<Intent>,
    by: &Actor,
    now: Instant,
) -> Result<Event, ActError> {
    let (called, Intent { act, expected_events }) = (called.into(), intent.into());
    let incident = register.find(called).ok_or(ActError::NoIncident(called))?;
    let (number, events) = (incident.number, incident.events);
    if let Some(expected) = expected_events.filter(|expected| *expected != events) {
        return Err(ActError::Changed { number, expected, events, state: incident.state });
    }
    if incident.acts >= act.events_max() {
        return Err(ActError::TooManyEvents(number));
    }
    let by = by.clone();
    let change = match act {
        Act::Comment(Comment(text)) => Change::Commented { by, text },
        Act::Acknowledge(comment) => acknowledged(incident, comment, by)?,
        Act::Assign(Who(to)) => assigned(incident, to, by)?,
        Act::Resolve { ended, text } => resolved(incident, ended, text, by, now)?,
        Act::Close(comment) => closed(incident, comment, by)?,
        Act::Reopen(comment) => reopened(register, incident, comment, by)?,
        Act::Link(link) => Change::Linked { by, link: linked(register, incident, link)? },
        Act::Unlink(link) => Change::Unlinked { by, link: unlinked(incident, link)? },
        Act::Major { owner, because } => declared(incident, owner, because, by)?,
        Act::NoticeReceived => match &major(incident)?.notice_received {
            Some(known) => return Err(ActError::NoticeReceived { number, by: known.by.clone(), at: known.at }),
            None => Change::NoticeReceived { by },
        },
        Act::Review(review) => reviewed(incident, review, by)?,
    };
    Ok(Event { number, place: events + 1, decided_at: now, change })
}

fn acknowledged(incident: &Incident, comment: Option<Comment>, by: Actor) -> Result<Change, ActError> {
    let number = incident.number;
    if let Some(known) = &incident.acknowledged {
        return Err(ActError::Acknowledged { number, by: known.by.clone(), at: known.at });
    }
    must_be_open(incident)?;
    Ok(Change::Acknowledged { by, text: comment.map(|Comment(text)| text) })
}

fn assigned(incident: &Incident, to: String, by: Actor) -> Result<Change, ActError> {
    must_not_be_closed(incident)?;
    if incident.assignee.as_ref() == Some(&to) {
        return Err(ActError::Assigned { number: incident.number, to });
    }
    Ok(Change::Assigned { by, to })
}

fn resolved(
    incident: &Incident,
    ended: Option<Instant>,
    Comment(text): Comment,
    by: Actor,
    now: Instant,
) -> Result<Change, ActError> {
    must_not_be_closed(incident)?;
    must_be_open(incident)?;
    let (number, started) = (incident.number, incident.started);
    // A clock that was set back does not keep anybody from saying that it is over.
    let ended = ended.unwrap_or(now.max(started));
    if ended < started || ended > now.max(started) {
        return Err(ActError::BadEnd { number, started, ended });
    }
    Ok(Change::Resolved { ended, resolution: Resolution::ByHand, by: Some(by), text: Some(text) })
}

fn closed(incident: &Incident, comment: Option<Comment>, by: Actor) -> Result<Change, ActError> {
    must_not_be_closed(incident)?;
    must_be_over(incident)?;
    if incident.wants_review() {
        return Err(ActError::ReviewMissing(incident.number));
    }
    Ok(Change::Closed { by: Some(by), text: comment.map(|Comment(text)| text) })
}

/// There is never a second one open about the same.
fn reopened(register: &Register, incident: &Incident, comment: Option<Comment>, by: Actor) -> Result<Change, ActError> {
    must_not_be_closed(incident)?;
    must_be_over(incident)?;
    if let Some(other) = register.about(&incident.subject).find(|other| other.is_open()) {
        return Err(ActError::OtherOpen { number: incident.number, other: other.number });
    }
    Ok(Change::Reopened { by: Some(by), text: comment.map(|Comment(text)| text), returned: false })
}

/// A parent is an incident that is known, and no incident is part of itself, however far round.
fn linked(register: &Register, incident: &Incident, link: Link) -> Result<Link, ActError> {
    let number = incident.number;
    let link = if link.kind == LinkKind::Parent {
        let parent = Called::parse(&link.to).and_then(|called| register.find(called));
        let parent = parent.ok_or(ActError::NoParent(link.to))?.number;
        if is_part_of(register, parent, number) {
            return Err(ActError::Cycle { number, parent });
        }
        Link { kind: LinkKind::Parent, to: parent.to_string() }
    } else {
        link
    };
    if incident.links.contains(&link) {
        return Err(ActError::Linked { number, to: link.to });
    }
    if incident.links.len() >= LINKS_MAX {
        return Err(ActError::TooManyLinks(number));
    }
    Ok(link)
}

/// A link that it has. Which problem it belongs to, the problems say.
fn unlinked(incident: &Incident, link: Link) -> Result<Link, ActError> {
    let to = match (link.kind, Called::parse(&link.to)) {
        (LinkKind::Parent, Some(Called::Number(parent))) => parent.to_string(),
        _ => link.to,
    };
    let link = Link { to, ..link };
    let is_ours = link.kind == LinkKind::Problem && link.to.starts_with("PRB-");
    if is_ours || incident.links.contains(&link) {
        return Ok(link);
    }
    Err(ActError::not_linked(incident, &link, None))
}

/// Whether an incident is `whole`, or part of it over however many.
fn is_part_of(register: &Register, part: Number, whole: Number) -> bool {
    let (mut seen, mut left) = (BTreeSet::new(), vec![part]);
    while let Some(next) = left.pop() {
        if next == whole {
            return true;
        }
        if seen.insert(next) {
            let links = register.get(next).into_iter().flat_map(|incident| &incident.links);
            let parents = links.filter(|link| link.kind == LinkKind::Parent);
            left.extend(parents.filter_map(|link| Number::parse(&link.to)));
        }
    }
    false
}

fn declared(incident: &Incident, Who(owner): Who, Comment(because): Comment, by: Actor) -> Result<Change, ActError> {
    must_not_be_closed(incident)?;
    if let Some(Major { owner, .. }) = &incident.major {
        return Err(ActError::Major { number: incident.number, owner: owner.clone() });
    }
    Ok(Change::Major { because, by: Some(by), owner, notice_to: None })
}

/// What is found before the end is no review.
fn reviewed(incident: &Incident, Review(text): Review, by: Actor) -> Result<Change, ActError> {
    let number = incident.number;
    if let Some(known) = &major(incident)?.reviewed {
        return Err(ActError::Reviewed { number, by: known.by.clone(), at: known.at });
    }
    must_be_over(incident)?;
    Ok(Change::Reviewed { by, text })
}

fn major(incident: &Incident) -> Result<&Major, ActError> {
    incident.major.as_ref().ok_or(ActError::NotMajor(incident.number))
}

const fn must_be_open(incident: &Incident) -> Result<(), ActError> {
    if incident.is_open() { Ok(()) } else { Err(ActError::Resolved(incident.number)) }
}

const fn must_be_over(incident: &Incident) -> Result<(), ActError> {
    if incident.is_open() { Err(ActError::Open(incident.number)) } else { Ok(()) }
}

const fn must_not_be_closed(incident: &Incident) -> Result<(), ActError> {
    if incident.closed.is_some() { Err(ActError::Closed(incident.number)) } else { Ok(()) }
}

#[cfg(test)]
mod act_tests;
