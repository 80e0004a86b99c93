//! What people do to an incident: acknowledge it, comment on it. Pure.
//!
//! Like everything else that happens to an incident, each is an event, decided once. Somebody who acknowledges says «I
//! have it»; that is said once, by one, and stays when the incident is opened again.

use serde::Serialize;
use uphold_common::time::Instant;

use super::model::{Change, Event, Incident, Number};
use super::register::Register;
use crate::identity::deed::Actor;

/// Most bytes of a comment.
pub const COMMENT_BYTES_MAX: usize = 4_000;
/// Most events of one incident that people may add to.
pub const EVENTS_MAX: u32 = 1_000;

/// A comment: some text, with lines but without other control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comment(String);

impl Comment {
    /// Checks `text`; the space around it is taken off.
    pub fn new(text: &str) -> Result<Self, ActError> {
        // Browsers send the ends of lines as two characters.
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        if text.is_empty() || text.len() > COMMENT_BYTES_MAX || odd {
            return Err(ActError::BadComment);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What somebody does to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// To take it on, perhaps with a word.
    Acknowledge(Option<Comment>),
    /// To say something.
    Comment(Comment),
}

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The text is none.
    #[error("a comment has 1 to {COMMENT_BYTES_MAX} bytes, and no control characters but ends of lines and tabs")]
    BadComment,
    /// There is no such incident among those that are open or recent.
    #[error("there is no {0} among the incidents that are open or recent")]
    NoIncident(Number),
    /// It is over.
    #[error("{0} is resolved; it can still be commented on")]
    Resolved(Number),
    /// Somebody has it.
    #[error("{number} was acknowledged by {by} at {at}")]
    Acknowledged {
        /// The incident.
        number: Number,
        /// By whom.
        by: Actor,
        /// When.
        at: Instant,
    },
    /// It has too long a history.
    #[error("{0} has {EVENTS_MAX} events, and people may add no more")]
    TooManyEvents(Number),
}

/// The event that `act` makes.
pub fn act(register: &Register, number: Number, act: Act, by: &Actor, now: Instant) -> Result<Event, ActError> {
    let incident: &Incident = register.get(number).ok_or(ActError::NoIncident(number))?;
    if incident.events >= EVENTS_MAX {
        return Err(ActError::TooManyEvents(number));
    }
    let by = by.clone();
    let change = match act {
        Act::Comment(Comment(text)) => Change::Commented { by, text },
        Act::Acknowledge(comment) => {
            if let Some(known) = &incident.acknowledged {
                return Err(ActError::Acknowledged { number, by: known.by.clone(), at: known.at });
            }
            if !incident.is_open() {
                return Err(ActError::Resolved(number));
            }
            Change::Acknowledged { by, text: comment.map(|Comment(text)| text) }
        }
    };
    Ok(Event { number, place: incident.events + 1, decided_at: now, change })
}

#[cfg(test)]
mod tests {
    use uphold_common::catalogue::model::Priority;
    use uphold_common::ids::Id;

    use super::super::model::{PriorityText, Resolution, Subject};
    use super::*;

    const LOCAL: Actor = Actor::Local { uid: Some(7) };
    const ONE: Number = Number(1);

    fn register(changes: Vec<Change>) -> Register {
        let mut register = Register::default();
        for (place, change) in (1..).zip(changes) {
            register.apply(&Event { number: ONE, place, decided_at: Instant::from_ms(5), change }).unwrap();
        }
        register
    }

    fn opened() -> Change {
        Change::Opened {
            subject: Subject::ServiceDown { service: Id::new("shop").unwrap() },
            started: Instant::from_ms(1),
            priority: PriorityText(Priority::parse("P1").unwrap()),
            summary: "down".to_owned(),
        }
    }

    #[test]
    fn an_incident_is_acknowledged_once_while_it_is_open() {
        let now = Instant::from_ms(9);
        let mut register = register(vec![opened()]);
        let event = act(&register, ONE, Act::Acknowledge(None), &LOCAL, now).unwrap();
        assert_eq!(register.apply(&event).unwrap().acknowledged.as_ref().unwrap().at, now);
        let again = act(&register, ONE, Act::Acknowledge(None), &LOCAL, now).unwrap_err();
        assert_eq!(again.to_string(), "INC-1 was acknowledged by local user 7 at 1970-01-01T00:00:00.009Z");
        assert_eq!(
            act(&register, Number(2), Act::Acknowledge(None), &LOCAL, now),
            Err(ActError::NoIncident(Number(2)))
        );
        let resolved = Change::Resolved { ended: now, resolution: Resolution::Recovered };
        register.apply(&Event { number: ONE, place: 3, decided_at: now, change: resolved }).unwrap();
        register.apply(&Event { number: ONE, place: 4, decided_at: now, change: Change::Reopened }).unwrap();
        assert!(register.get(ONE).unwrap().acknowledged.is_some(), "who has it keeps it");
    }

    #[test]
    fn what_is_resolved_can_be_commented_on_but_not_acknowledged() {
        let ended = Instant::from_ms(6);
        let register = register(vec![opened(), Change::Resolved { ended, resolution: Resolution::Recovered }]);
        assert_eq!(act(&register, ONE, Act::Acknowledge(None), &LOCAL, ended), Err(ActError::Resolved(ONE)));
        let comment = Comment::new("a cable").unwrap();
        let event = act(&register, ONE, Act::Comment(comment), &LOCAL, ended).unwrap();
        assert_eq!(event.place, 3);
        assert_eq!(event.change, Change::Commented { by: LOCAL, text: "a cable".to_owned() });
    }

    #[test]
    fn a_history_has_an_end() {
        let comment = |_| Change::Commented { by: LOCAL, text: "x".to_owned() };
        let changes = std::iter::once(opened()).chain((1..EVENTS_MAX).map(comment)).collect();
        let comment = Act::Comment(Comment::new("one more").unwrap());
        let refused = act(&register(changes), ONE, comment, &LOCAL, Instant::from_ms(9));
        assert_eq!(refused, Err(ActError::TooManyEvents(ONE)));
    }

    #[test]
    fn a_comment_is_text() {
        assert_eq!(Comment::new("  two\r\nlines\t ").unwrap().0, "two\nlines");
        let long = "x".repeat(COMMENT_BYTES_MAX + 1);
        for wrong in ["", " \n", "a\u{0}b", "a\u{1b}[31mb", long.as_str()] {
            assert_eq!(Comment::new(wrong), Err(ActError::BadComment), "{wrong:?}");
        }
    }
}
