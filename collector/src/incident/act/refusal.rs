//! Why nothing is done to an incident: each reason with its word, and a sentence that names what stands in the way.

use uphold_common::time::Instant;
use uphold_common::yaml::words;

use super::text::{COMMENT_BYTES_MAX, LINK_BYTES_MAX, REVIEW_BYTES_MAX, WHO_CHARS_MAX};
use super::{ENDING_EVENTS_MAX, EVENTS_MAX};
use crate::identity::deed::Actor;
use crate::incident::model::{Called, Incident, LINKS_MAX, Link, LinkKind, Number, Standing};
use crate::problem::event::ProblemNumber;

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The text is none.
    #[error("a comment has 1 to {COMMENT_BYTES_MAX} bytes, and no control characters but ends of lines and tabs")]
    BadComment,
    /// The review is none.
    #[error("a review has 1 to {REVIEW_BYTES_MAX} bytes, and no control characters but ends of lines and tabs")]
    BadReview,
    /// It names nobody.
    #[error("a name has 1 to {WHO_CHARS_MAX} characters on one line")]
    BadWho,
    /// It is no link.
    #[error(
        "a link has 1 to {LINK_BYTES_MAX} bytes on one line: a name, or an address of http or https without a password"
    )]
    BadLink,
    /// It is no number of a problem.
    #[error("a problem is called by its number, such as PRB-2, or by its name in another system")]
    BadProblem,
    /// When it ended is no instant.
    #[error("when it ended: {0}")]
    BadInstant(String),
    /// It cannot have ended then.
    #[error("{number} began at {started}, and cannot have ended at {ended}, before that or in the future")]
    BadEnd {
        /// The incident.
        number: Number,
        /// When it began.
        started: Instant,
        /// When it is said to have ended.
        ended: Instant,
    },
    /// There is no such incident among those that are open or recent.
    #[error("there is no {0} among the incidents that are open or recent")]
    NoIncident(Called),
    /// Something happened to it since it was looked at.
    #[error("{number} has {events} events by now, and not {expected}; it is {state}", state = .state.as_str())]
    Changed {
        /// The incident.
        number: Number,
        /// How many events it was expected to have.
        expected: u32,
        /// How many it has.
        events: u32,
        /// Where it stands.
        state: Standing,
    },
    /// It is over.
    #[error("{0} is resolved; it can still be commented on")]
    Resolved(Number),
    /// It is not over.
    #[error("{0} is open; it has to be resolved first")]
    Open(Number),
    /// Nothing more is to be done about it.
    #[error("{0} is closed; what comes again is another incident")]
    Closed(Number),
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
    /// It was given to the same before.
    #[error("{number} is assigned to {to} already")]
    Assigned {
        /// The incident.
        number: Number,
        /// To whom.
        to: String,
    },
    /// Another one about the same is open.
    #[error("{number} stays resolved, for {other} is open about the same")]
    OtherOpen {
        /// The incident.
        number: Number,
        /// The one that is open.
        other: Number,
    },
    /// Its review is missing.
    #[error("{0} is a major incident, and its review is not filed")]
    ReviewMissing(Number),
    /// It is no major incident.
    #[error("{0} is no major incident")]
    NotMajor(Number),
    /// It is one.
    #[error("{number} is a major incident already, for which {owner} answers")]
    Major {
        /// The incident.
        number: Number,
        /// Who answers for it.
        owner: String,
    },
    /// The management has the notice.
    #[error("the notice of {number} was received by {by} at {at}")]
    NoticeReceived {
        /// The incident.
        number: Number,
        /// By whom.
        by: Actor,
        /// When.
        at: Instant,
    },
    /// It was reviewed.
    #[error("{number} was reviewed by {by} at {at}")]
    Reviewed {
        /// The incident.
        number: Number,
        /// By whom.
        by: Actor,
        /// When.
        at: Instant,
    },
    /// There is no such parent.
    #[error("there is no incident {0} that is open or recent, to be its parent")]
    NoParent(String),
    /// It would be part of itself.
    #[error("{number} would be part of itself, for {parent} is it, or is part of it")]
    Cycle {
        /// The incident.
        number: Number,
        /// Whose part it is to be.
        parent: Number,
    },
    /// It has the same link.
    #[error("{number} is linked with {to} like that already")]
    Linked {
        /// The incident.
        number: Number,
        /// With what.
        to: String,
    },
    /// It has no such link.
    #[error("{number} is not linked with the {kind} {to}{hint}", kind = .kind.as_str())]
    NotLinked {
        /// The incident.
        number: Number,
        /// What that would be to it.
        kind: LinkKind,
        /// With what.
        to: String,
        /// The nearest that it has, in words.
        hint: String,
    },
    /// There is no such problem.
    #[error("there is no problem {0}")]
    NoProblem(ProblemNumber),
    /// It belongs to another problem.
    #[error("{number} belongs to {problem}; that link has to be taken back first")]
    Taken {
        /// The incident.
        number: Number,
        /// Its problem.
        problem: ProblemNumber,
    },
    /// Nothing more is to be done about the problem.
    #[error("{0} is closed, and takes no more incidents")]
    ProblemClosed(ProblemNumber),
    /// The problem has as many incidents, or as long a history, as it can have.
    #[error("{0} has as many incidents or events as it can have")]
    ProblemFull(ProblemNumber),
    /// It has too many links.
    #[error("{0} has {LINKS_MAX} links, and can have no more")]
    TooManyLinks(Number),
    /// It has too long a history.
    #[error(
        "people did something to {0} {EVENTS_MAX} times and may say no more; what ends it is taken up to {ENDING_EVENTS_MAX} times"
    )]
    TooManyEvents(Number),
}

impl ActError {
    /// That an incident has no such link, with the nearest that it has; one to its problem may stand there alone.
    pub fn not_linked(incident: &Incident, link: &Link, problem: Option<&str>) -> Self {
        let links = incident.links.iter().filter(|one| one.kind == link.kind).map(|one| one.to.as_str());
        let problem = problem.filter(|_| link.kind == LinkKind::Problem);
        let hint = words::did_you_mean(&link.to, links.chain(problem));
        Self::NotLinked { number: incident.number, kind: link.kind, to: link.to.clone(), hint }
    }

    /// The word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::BadComment => "unsound-comment",
            Self::BadReview => "unsound-review",
            Self::BadWho => "unsound-name",
            Self::BadLink | Self::BadProblem => "unsound-link",
            Self::BadInstant(_) | Self::BadEnd { .. } => "unsound-end",
            Self::NoIncident(_) => "no-such-incident",
            Self::Changed { .. } => "changed-meanwhile",
            Self::Resolved(_) => "already-resolved",
            Self::Open(_) => "not-resolved",
            Self::Closed(_) => "already-closed",
            Self::Acknowledged { .. } => "already-acknowledged",
            Self::Assigned { .. } => "already-assigned",
            Self::OtherOpen { .. } => "another-open",
            Self::ReviewMissing(_) => "review-missing",
            Self::NotMajor(_) => "not-major",
            Self::Major { .. } => "already-major",
            Self::NoticeReceived { .. } => "already-received",
            Self::Reviewed { .. } => "already-reviewed",
            Self::NoParent(_) => "no-such-parent",
            Self::Cycle { .. } => "part-of-itself",
            Self::Linked { .. } => "already-linked",
            Self::NotLinked { .. } => "not-linked",
            Self::NoProblem(_) => "no-such-problem",
            Self::Taken { .. } => "incident-taken",
            Self::ProblemClosed(_) => "problem-closed",
            Self::ProblemFull(_) => "problem-full",
            Self::TooManyLinks(_) => "too-many-links",
            Self::TooManyEvents(_) => "too-many-events",
        }
    }

    /// Whether what was said is wrong whatever the incident is like.
    pub const fn is_unsound(&self) -> bool {
        matches!(
            self,
            Self::BadComment
                | Self::BadReview
                | Self::BadWho
                | Self::BadLink
                | Self::BadProblem
                | Self::BadInstant(_)
                | Self::BadEnd { .. }
        )
    }
}
