//! An incident as its events have made it, and the fold that leads from the events to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::model::Criticality;
use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};
use utoipa::ToSchema;

pub use super::event::{Change, Event, Link, LinkKind, Opening, Resolution};
pub use super::major::Reminder;
pub use super::number::{Called, Number, Uid};
pub use super::subject::{Category, Subject};
pub use super::words::{CriticalityText, PriorityText, UrgencyText};
use crate::identity::deed::Actor;
use crate::problem::event::ProblemNumber;

/// Most links of one incident.
pub const LINKS_MAX: usize = 100;
/// Most services that are listed as affected by one incident.
pub const AFFECTED_MAX: usize = 100_000;

/// An incident as its events have made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// Its number, for people.
    pub number: Number,
    /// Its id, which no other incident of any store has.
    pub id: Uid,
    /// What it is about, in one line: there is one open of each.
    pub key: String,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// What kind of trouble it is.
    pub category: Category,
    /// Where it stands.
    pub state: Standing,
    /// How much a failure of what it is about weighs: its impact.
    pub criticality: CriticalityText,
    /// How soon it wants to be looked at.
    pub urgency: UrgencyText,
    /// Its priority, by both.
    pub priority: PriorityText,
    /// What was seen, for people.
    pub summary: String,
    /// The customers of what it is about, and of the services that it affects.
    pub customers: BTreeSet<Id>,
    /// The components whose probes failed.
    pub components: Vec<Id>,
    /// Further services that fail, or are not seen, because of it.
    pub affected: BTreeSet<Id>,
    /// Who owns the service, as the catalogue said when it opened.
    pub owner: Option<String>,
    /// Whom it was given to.
    pub assignee: Option<String>,
    /// When what it is about began, as measured.
    pub started: Instant,
    /// When it was detected: the instant of the figures that showed it, with which it was opened in one commit. The agent
    /// knew before, by as much as what it saw was under way.
    pub opened: Instant,
    /// Who has taken it on, if somebody has.
    pub acknowledged: Option<Acknowledged>,
    /// How it ended; none while it is open.
    pub resolved: Option<Resolved>,
    /// When it was closed; none before.
    pub closed: Option<Instant>,
    /// The maintenance in which it began: it is on record, and nobody is told.
    pub quiet: Option<Id>,
    /// It was over before it became known: opened and resolved in one change, and not opened again since.
    #[serde(skip)]
    pub late: bool,
    /// How often the trouble came back at once.
    pub returns: u32,
    /// Somebody opened it again, so only people resolve it.
    pub held_open: bool,
    /// Somebody resolved it while it still held by the figures: what goes on is no other incident.
    pub lingers: bool,
    /// What makes it a major incident, if it is one.
    pub major: Option<Major>,
    /// How many steps of its escalation were told.
    pub escalated: u32,
    /// What it is connected with.
    pub links: Vec<Link>,
    /// The problem behind it, such as `PRB-2`, once it was found to be its or somebody linked it. The problem's events say that.
    #[serde(default, with = "crate::problem::event::behind")]
    #[schema(value_type = Option<String>)]
    pub problem: Option<ProblemNumber>,
    /// Its tickets in other systems, by the receiver that made them.
    pub tickets: BTreeMap<Id, TicketRef>,
    /// How many events it has.
    pub events: u32,
    /// How many of them people made.
    #[serde(skip)]
    pub acts: u32,
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IncidentState)]
pub enum Standing {
    /// It is open, and nobody has taken it on.
    Open,
    /// It is open, and somebody has taken it on.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Nothing more is to be done about it.
    Closed,
}

impl Standing {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Open, Self::Acknowledged, Self::Resolved, Self::Closed];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }
}

/// Who has taken an incident on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acknowledged {
    /// When.
    pub at: Instant,
    /// Who.
    pub by: Actor,
}

/// How an incident ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resolved {
    /// When what it is about ended, as measured: when the service was restored.
    pub ended: Instant,
    /// The instant of the figures that it was decided from.
    pub decided_at: Instant,
    /// Why.
    pub resolution: Resolution,
    /// Who resolved it; none where the figures did.
    pub by: Option<Actor>,
}

/// What makes an incident a major one, and what became of it as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Major {
    /// The rule, for people.
    pub because: String,
    /// Who answers for it.
    pub owner: String,
    /// When it was declared.
    pub declared: Instant,
    /// The receiver of the notice for the management.
    pub notice_to: Option<Id>,
    /// Who of the management has the notice, and since when.
    pub notice_received: Option<Acknowledged>,
    /// Who filed its review, and when; without one it is not closed.
    pub reviewed: Option<Acknowledged>,
    /// How often the management was reminded of the notice.
    pub notice_reminded: Option<Reminded>,
    /// How often somebody was reminded of the review.
    pub review_reminded: Option<Reminded>,
}

/// How often somebody was reminded of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reminded {
    /// How often.
    pub times: u32,
    /// When last.
    pub last: Instant,
}

/// A ticket in another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketRef {
    /// Its id there.
    pub id: String,
    /// Where people find it.
    pub url: Option<String>,
}

impl Major {
    fn remind(&mut self, of: Reminder, at: Instant) {
        let told = match of {
            Reminder::Notice => &mut self.notice_reminded,
            Reminder::Review => &mut self.review_reminded,
        };
        let times = told.map_or(0, |told| told.times).saturating_add(1);
        *told = Some(Reminded { times, last: at });
    }
}

impl Incident {
    /// The incident after `event`; none when the event cannot follow, which a sound history never has.
    pub fn after(before: Option<Self>, event: &Event) -> Option<Self> {
        match (before, &event.change) {
            (None, Change::Opened(opening)) if event.place == 1 => Some(Self::opened(opening, event)),
            (Some(before), change) if event.number == before.number && event.place == before.events + 1 => {
                let acts = before.acts.saturating_add(u32::from(change.by().is_some()));
                let mut after = Self { events: event.place, acts, ..before };
                after.take(change, event.decided_at)?;
                after.state = after.standing();
                Some(after)
            }
            _ => None,
        }
    }

    fn opened(opening: &Opening, event: &Event) -> Self {
        let subject = opening.subject.clone();
        Self {
            number: event.number,
            id: opening.id.unwrap_or(Uid(u128::from(event.number.0))),
            key: subject.key(),
            category: Category::of(subject.cause()),
            state: Standing::Open,
            criticality: opening.criticality.unwrap_or(CriticalityText(Criticality::Medium)),
            urgency: opening.urgency.unwrap_or(UrgencyText(subject.urgency())),
            priority: opening.priority,
            summary: opening.summary.clone(),
            customers: opening.customers.iter().cloned().collect(),
            components: opening.components.clone(),
            affected: BTreeSet::new(),
            owner: opening.owner.clone(),
            assignee: None,
            started: opening.started,
            opened: event.decided_at,
            acknowledged: None,
            resolved: None,
            closed: None,
            quiet: opening.quiet.clone(),
            late: false,
            returns: 0,
            held_open: false,
            lingers: false,
            major: None,
            escalated: 0,
            links: Vec::new(),
            problem: None,
            tickets: BTreeMap::new(),
            events: 1,
            acts: 0,
            subject,
        }
    }

    /// Takes in what happened; none when it cannot have.
    fn take(&mut self, change: &Change, at: Instant) -> Option<()> {
        let open = self.resolved.is_none();
        match change {
            Change::Resolved { ended, resolution, by, .. } if open => {
                let (ended, resolution, by) = (*ended, *resolution, by.clone());
                self.lingers = by.is_some();
                self.held_open = false;
                self.late = by.is_none() && at == self.opened;
                self.resolved = Some(Resolved { ended, decided_at: at, resolution, by });
            }
            Change::Amended { ended, resolution } if !open => {
                let (ended, resolution) = (*ended, *resolution);
                self.resolved = Some(Resolved { ended, decided_at: at, resolution, by: None });
            }
            Change::Reopened { by, returned, .. } if !open && self.closed.is_none() => {
                self.resolved = None;
                self.late = false;
                self.lingers = false;
                self.held_open = by.is_some();
                self.returns = self.returns.saturating_add(u32::from(*returned));
            }
            Change::Closed { .. } if !open && self.closed.is_none() => self.closed = Some(at),
            Change::Acknowledged { by, .. } if open && self.acknowledged.is_none() => {
                self.acknowledged = Some(Acknowledged { at, by: by.clone() });
            }
            Change::Affected { services, customers } if self.closed.is_none() => {
                let room = AFFECTED_MAX.saturating_sub(self.affected.len());
                self.affected.extend(services.iter().take(room).cloned());
                self.customers.extend(customers.iter().take(room).cloned());
            }
            Change::Cleared if self.lingers => self.lingers = false,
            Change::Escalated { step, .. } if open => self.escalated = *step,
            Change::Linked { link, .. } if self.links.len() < LINKS_MAX => self.links.push(link.clone()),
            Change::Unlinked { link, .. } => self.links.retain(|one| one != link),
            Change::Ticket { receiver, id, url } => {
                self.tickets.insert(receiver.clone(), TicketRef { id: id.clone(), url: url.clone() });
            }
            Change::Assigned { to, .. } => self.assignee = Some(to.clone()),
            Change::Commented { .. } => {}
            Change::Major { because, owner, notice_to, .. } if self.major.is_none() && self.closed.is_none() => {
                self.major = Some(Major {
                    because: because.clone(),
                    owner: owner.clone(),
                    declared: at,
                    notice_to: notice_to.clone(),
                    notice_received: None,
                    reviewed: None,
                    notice_reminded: None,
                    review_reminded: None,
                });
            }
            Change::Reminded { of, .. } if self.closed.is_none() => self.major.as_mut()?.remind(*of, at),
            Change::NoticeReceived { by } => {
                self.major.as_mut()?.notice_received = Some(Acknowledged { at, by: by.clone() });
            }
            Change::Reviewed { by, .. } => self.major.as_mut()?.reviewed = Some(Acknowledged { at, by: by.clone() }),
            _ => return None,
        }
        Some(())
    }

    const fn standing(&self) -> Standing {
        match (&self.closed, &self.resolved, &self.acknowledged) {
            (Some(_), _, _) => Standing::Closed,
            (None, Some(_), _) => Standing::Resolved,
            (None, None, Some(_)) => Standing::Acknowledged,
            (None, None, None) => Standing::Open,
        }
    }

    /// Whether it is open.
    pub const fn is_open(&self) -> bool {
        self.resolved.is_none()
    }

    /// Whether the figures alone may resolve it.
    pub const fn follows_figures(&self) -> bool {
        self.is_open() && !self.held_open
    }

    /// Whether nothing but its review keeps it from being closed.
    pub fn wants_review(&self) -> bool {
        self.closed.is_none() && self.major.as_ref().is_some_and(|major| major.reviewed.is_none())
    }

    /// From its beginning to its end, or to the end of time while it is open.
    pub fn interval(&self) -> Interval {
        let end = self.resolved.as_ref().map_or(Instant::MAX, |resolved| resolved.ended);
        Interval::new(self.started, end.max(self.started))
    }
}
