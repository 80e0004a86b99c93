//! The loop that looks at tickets: what people did there is done here, in their name.
//!
//! Looked at are the tickets of open incidents, at each receiver's rhythm, at most [`TICKETS_AT_ONCE_MAX`] in a round, and
//! the next round goes on behind them. A receiver for which messages wait is not looked at: what it shows is not yet what it
//! was told. What came from a receiver is told to the others and not to it; what was written there by us is no news.
//!
//! It is driven by snapshots, and their instant is its clock. There is one round at a time for each receiver.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{self, JoinError, JoinSet};
use uphold_common::catalogue::model::{Receiver, Tickets};
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Ticket;
use super::known::Known;
use super::look::look;
use super::news::{Before, News, news};
use super::reading::{Said, State};
use super::talk::Talk;
use super::values::Values;
use crate::engine::command::CommandError;
use crate::engine::handle::EngineHandle;
use crate::identity::deed::Actor;
use crate::incident::act::{Act, ActError, Comment, Intent};
use crate::incident::event::Change;
use crate::incident::model::{Incident, Number};
use crate::notify::board::Board;
use crate::notify::message::store_digits;
use crate::notify::post::Poster;
use crate::notify::verdict::{Attempt, Outcome, judge};
use crate::snapshot::{LooksSnapshot, Snapshot};

/// Most tickets that are looked at in a round.
pub const TICKETS_AT_ONCE_MAX: usize = 100;
/// How long a round may take, so that a slow system keeps no other from its turn.
pub const ROUND_MAX: Duration = Duration::from_mins(5);
/// Most rounds at once.
pub const AT_ONCE_MAX: usize = 8;

/// Looks until `stop` says true, or until nobody is left who makes snapshots.
pub async fn run(engine: EngineHandle, poster: Poster, mut stop: watch::Receiver<bool>) {
    let mut snapshots = engine.snapshots();
    let mut watch = Watch {
        board: engine.board(),
        engine,
        poster,
        turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        courses: BTreeMap::new(),
        tasks: JoinSet::new(),
        out: HashMap::new(),
    };
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        watch.begin(&snapshot);
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            Some(ended) = watch.tasks.join_next_with_id() => watch.ended(ended, snapshot.as_of),
            changed = snapshots.changed() => if changed.is_err() { break },
        }
    }
    watch.tasks.shutdown().await;
}

/// What is remembered of a ticket between two looks. Nothing depends on it but what is asked again.
#[derive(Clone, Debug, Default)]
struct Seen {
    state: Option<State>,
    comments: BTreeSet<String>,
}

/// One receiver.
#[derive(Debug, Default)]
struct Course {
    /// Not looked at before this.
    next: Option<Instant>,
    /// The last incident whose ticket was looked at.
    last: Option<Number>,
    seen: BTreeMap<Number, Seen>,
    /// Whether a round is under way.
    out: bool,
    /// Why the last round failed.
    error: Option<String>,
}

/// What a round came to.
struct Round {
    last: Option<Number>,
    seen: BTreeMap<Number, Seen>,
    /// Whether the description says how tickets are looked at, as far as it could be read.
    looks: bool,
    failed: Option<Attempt>,
}

struct Watch {
    board: Board,
    engine: EngineHandle,
    poster: Poster,
    turns: Arc<Semaphore>,
    courses: BTreeMap<Id, Course>,
    tasks: JoinSet<Round>,
    out: HashMap<task::Id, (Id, i64)>,
}

impl Watch {
    /// Begins a round at each receiver whose turn it is.
    fn begin(&mut self, snapshot: &Snapshot) {
        let receivers = &snapshot.catalogue.receivers;
        let tickets = |id: &Id| receivers.get(id).and_then(Receiver::tickets);
        self.courses.retain(|id, course| course.out || tickets(id).is_some());
        self.board.keep_looks(|id| tickets(id).is_some());
        for (id, tickets) in receivers.iter().filter_map(|(id, one)| Some((id, one.tickets()?))) {
            let course = self.courses.entry(id.clone()).or_default();
            let waits = snapshot.receivers.get(id).is_some_and(|receiver| receiver.waiting > 0);
            let due = course.next.is_none_or(|next| next <= snapshot.as_of || next.since_ms(snapshot.as_of) > FAR_MS);
            if course.out || waits || !due {
                continue;
            }
            let asked = asked(&snapshot.open_incidents, id, course.last);
            let seen = std::mem::take(&mut course.seen);
            course.out = true;
            let looking = Looking {
                engine: self.engine.clone(),
                poster: self.poster.clone(),
                receiver: id.clone(),
                tickets: tickets.clone(),
                store: store_digits(snapshot.store),
            };
            let turns = Arc::clone(&self.turns);
            let handle = self.tasks.spawn(async move {
                let _turn = turns.acquire().await;
                looking.round(asked, seen).await
            });
            self.out.insert(handle.id(), (id.clone(), tickets.poll_ms));
        }
    }

    /// Takes note of what a round came to.
    fn ended(&mut self, ended: Result<(task::Id, Round), JoinError>, now: Instant) {
        let (task, round) = match ended {
            Ok((task, round)) => (task, Some(round)),
            Err(error) => (error.id(), None),
        };
        let Some((id, poll_ms)) = self.out.remove(&task) else { return };
        let Some(course) = self.courses.get_mut(&id) else { return };
        course.out = false;
        course.next = Some(now.plus_ms(poll_ms));
        let broke_off = || Attempt::Unanswered { error: "the look broke off".to_owned() };
        let looks = round.as_ref().is_none_or(|round| round.looks);
        let failed = if let Some(round) = round {
            (course.last, course.seen) = (round.last, round.seen);
            round.failed
        } else {
            Some(broke_off())
        };
        if looks {
            self.board.note_look(&id, |shown| noted(shown, failed.is_some(), now));
        }
        let Some(attempt) = failed else {
            course.error = None;
            return;
        };
        if let Outcome::Failed { retry_after_ms, error, .. } = judge(&attempt, now) {
            course.next = Some(now.plus_ms(poll_ms.max(retry_after_ms.unwrap_or(0))));
            // Once for each reason: a system that is away for a day is not told of each minute.
            if course.error.as_ref() != Some(&error) {
                tracing::warn!(receiver = %id, error, "tickets could not be looked at");
                course.error = Some(error);
            }
        }
    }
}

/// Counts a round that ended.
fn noted(shown: &mut LooksSnapshot, failed: bool, now: Instant) {
    shown.made += 1;
    shown.failed += u64::from(failed);
    if !failed {
        shown.last = Some(now);
    }
}

/// Later than any rhythm: a clock was set back since.
const FAR_MS: i64 = 2 * 3_600_000;

/// A ticket that is to be looked at.
struct Asked {
    number: Number,
    ticket: Ticket,
    acknowledged: bool,
    reopened: bool,
    events: u32,
}

/// The tickets of open incidents at this receiver: those behind `last` first, at most [`TICKETS_AT_ONCE_MAX`].
fn asked(open: &[Incident], receiver: &Id, last: Option<Number>) -> Vec<Asked> {
    let of = |incident: &Incident| {
        let ticket = incident.tickets.get(receiver)?;
        Some(Asked {
            number: incident.number,
            ticket: Ticket { id: ticket.id.clone(), url: ticket.url.clone() },
            acknowledged: incident.acknowledged.is_some(),
            reopened: incident.returns > 0 || incident.held_open,
            events: incident.events,
        })
    };
    let mut all: Vec<Asked> = open.iter().filter_map(of).collect();
    all.sort_by_key(|one| (Some(one.number) <= last, one.number));
    all.truncate(TICKETS_AT_ONCE_MAX);
    all
}

/// Whether an attempt failed by the ticket alone, such as one that was moved to where the user may not look.
const fn is_of_ticket(attempt: &Attempt) -> bool {
    match attempt {
        Attempt::Refused { .. } => true,
        Attempt::Answered { status, .. } => matches!(status, 400..=499) && !matches!(status, 401 | 408 | 425 | 429),
        _ => false,
    }
}

/// A round at one receiver.
struct Looking {
    engine: EngineHandle,
    poster: Poster,
    receiver: Id,
    tickets: Tickets,
    store: String,
}

impl Looking {
    async fn round(self, asked: Vec<Asked>, mut before: BTreeMap<Number, Seen>) -> Round {
        let mut round = Round { last: None, seen: BTreeMap::new(), looks: true, failed: None };
        // Also when there is nothing to be looked at: a file that is missing is told before it is needed.
        let known = match Known::of(&self.tickets).await {
            Ok(known) => known,
            Err(error) => {
                round.failed = Some(Attempt::Unanswered { error });
                return round;
            }
        };
        round.looks = known.description.poll.is_some();
        // Whoever is not reached in this round is not forgotten by it.
        round.seen = asked.iter().map(|one| (one.number, before.remove(&one.number).unwrap_or_default())).collect();
        let mut talk = Talk::new(&self.poster, &known, Values::default());
        let late = tokio::time::sleep(ROUND_MAX);
        tokio::pin!(late);
        for one in asked {
            round.last = Some(one.number);
            let seen = round.seen.entry(one.number).or_default();
            let looked = tokio::select! {
                biased;
                () = &mut late => Err(Attempt::Unanswered { error: "the receiver takes too long".to_owned() }),
                looked = self.ticket(&mut talk, &one, seen) => looked,
            };
            match looked {
                // What is gone there is no trouble of the system.
                Ok(()) | Err(Attempt::Answered { status: 404 | 410, .. }) => {}
                Err(attempt) if is_of_ticket(&attempt) => {
                    tracing::debug!(receiver = %self.receiver, incident = %one.number, ?attempt, "not looked at");
                    round.failed.get_or_insert(attempt);
                }
                Err(attempt) => {
                    round.failed = Some(attempt);
                    break;
                }
            }
        }
        talk.end().await;
        round
    }

    async fn ticket(&self, talk: &mut Talk<'_>, asked: &Asked, seen: &mut Seen) -> Result<(), Attempt> {
        let known = talk.known;
        let Some(poll) = &known.description.poll else { return Ok(()) };
        let key = format!("{}-{}", self.store, asked.number);
        talk.turn_to(Values::new(known, &key));
        let looked = look(talk, poll, &asked.ticket, &seen.comments).await?;
        let spoken = looked.comments.iter().any(|(_, said)| said.is_some());
        let comments = if spoken { self.taken_over(asked.number).await } else { Some(Vec::new()) };
        // Without them nothing is known to be new.
        let Some(comments) = comments else { return Ok(()) };
        let Asked { acknowledged, reopened, .. } = *asked;
        let before = Before { acknowledged, comments, reopened, state: seen.state };
        for one in news(&key, &before, &looked) {
            if !self.reflect(asked, one).await {
                return Ok(());
            }
        }
        seen.state = Some(looked.state);
        seen.comments.extend(looked.comments.into_iter().map(|(id, _)| id));
        Ok(())
    }

    /// The comments that an incident took over from this receiver.
    async fn taken_over(&self, number: Number) -> Option<Vec<Said>> {
        let history = self.engine.history(number).await.ok()?.ok()??;
        let of = |change: Change| match change {
            Change::Commented { by: Actor::Receiver { receiver, name }, text } if receiver == self.receiver => {
                Some(Said { by: name, text })
            }
            _ => None,
        };
        Some(history.events.into_iter().filter_map(|event| of(event.change)).collect())
    }

    /// Does here what was done there; false when it is to be tried again.
    async fn reflect(&self, asked: &Asked, news: News) -> bool {
        let (act, by) = match news {
            News::Acknowledged { by } => (Act::Acknowledge(None), by),
            News::Commented(Said { by, text }) => match Comment::new(&text) {
                Ok(comment) => (Act::Comment(comment), by),
                Err(_) => return true,
            },
            News::Resolved { by } => {
                // What happened here since may be on its way there, and what was seen may be from before it.
                let snapshot = self.engine.snapshot();
                let mut open = snapshot.open_incidents.iter();
                let same = open.any(|one| one.number == asked.number && one.events == asked.events);
                let waits = snapshot.receivers.get(&self.receiver).is_some_and(|receiver| receiver.waiting > 0);
                if !same || waits {
                    return false;
                }
                let Ok(text) = Comment::new(&format!("{} is closed there", asked.ticket.id)) else { return true };
                (Act::Resolve { ended: None, text }, by)
            }
        };
        let actor = Actor::Receiver { receiver: self.receiver.clone(), name: by };
        let expected_events = matches!(act, Act::Resolve { .. }).then_some(asked.events);
        match self.engine.act(asked.number, Intent { act, expected_events }, actor).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::debug!(receiver = %self.receiver, incident = %asked.number, %error, "not taken over");
                // It was done already, or cannot be; what changed meanwhile and a full disk are other matters.
                matches!(error, CommandError::Act(ref why) if !matches!(why, ActError::Changed { .. }))
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_ticket_is_to_blame_for_holds_up_no_other() {
        let answered = |status| Attempt::Answered { status, retry_after: None };
        for (status, of_ticket) in [(400, true), (403, true), (422, true), (401, false), (429, false), (500, false)] {
            assert_eq!(is_of_ticket(&answered(status)), of_ticket, "{status}");
        }
        assert!(!is_of_ticket(&answered(302)), "whoever redirects does so for each");
        assert!(is_of_ticket(&Attempt::Refused { error: "no state".to_owned() }));
        assert!(!is_of_ticket(&Attempt::Unanswered { error: "nobody there".to_owned() }));
    }
}
