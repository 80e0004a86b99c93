//! Incidents as the API and the command line give them: which are asked for, the list, and one with its history.

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use url::form_urlencoded;
use utoipa::ToSchema;

use super::model::{Category, Change, Event, Incident, Number, Standing};
use super::register::Register;
use super::response::Response;
use crate::engine::command::{Beside, History};
use crate::problem::event::ProblemNumber;
use crate::problem::register::KnownErrorTold;

/// Most incidents of one page.
pub const LIST_MAX: usize = 1_000;
/// How many there are unless another number is asked for.
pub const LIST_DEFAULT: usize = 100;
/// A page ends early when it names so many affected services.
const NAMES_OF_PAGE: usize = 20_000;

/// Where those incidents stand that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// They are open.
    #[default]
    Open,
    /// They are open, and nobody has taken them on.
    Unacknowledged,
    /// They are open, and somebody has taken them on.
    Acknowledged,
    /// They are resolved, and not closed.
    Resolved,
    /// They are closed.
    Closed,
    /// Wherever they stand.
    All,
}

impl Wanted {
    /// All of them with their words.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("open", Self::Open),
        ("unacknowledged", Self::Unacknowledged),
        ("acknowledged", Self::Acknowledged),
        ("resolved", Self::Resolved),
        ("closed", Self::Closed),
        ("all", Self::All),
    ];

    /// As it is asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unacknowledged => "unacknowledged",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }

    const fn has(self, state: Standing) -> bool {
        match self {
            Self::All => true,
            Self::Open => matches!(state, Standing::Open | Standing::Acknowledged),
            Self::Unacknowledged => matches!(state, Standing::Open),
            Self::Acknowledged => matches!(state, Standing::Acknowledged),
            Self::Resolved => matches!(state, Standing::Resolved),
            Self::Closed => matches!(state, Standing::Closed),
        }
    }
}

/// Which incidents are asked for; what nothing is said of may be whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentsQuery {
    /// Where they stand.
    pub state: Wanted,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// Opened because of this.
    pub cause: Option<Cause>,
    /// Of this kind of trouble.
    pub category: Option<Category>,
    /// About this service, or affecting it.
    pub service: Option<Id>,
    /// Of this customer.
    pub customer: Option<Id>,
    /// Given to this very name.
    pub assignee: Option<String>,
    /// Not over before this.
    pub since: Option<Instant>,
    /// Begun before this.
    pub until: Option<Instant>,
    /// Whether they began in maintenance, so that nobody was told.
    pub quiet: Option<bool>,
    /// Of this problem.
    pub problem: Option<ProblemNumber>,
    /// Whether they are major ones.
    pub major: Option<bool>,
    /// Those after this one, which are older.
    pub after: Option<Number>,
    /// At most so many.
    pub limit: usize,
}

impl Default for IncidentsQuery {
    fn default() -> Self {
        Self {
            state: Wanted::default(),
            priority: None,
            cause: None,
            category: None,
            service: None,
            customer: None,
            assignee: None,
            since: None,
            until: None,
            quiet: None,
            problem: None,
            major: None,
            after: None,
            limit: LIST_DEFAULT,
        }
    }
}

impl IncidentsQuery {
    /// What can be asked for, as a query calls it.
    pub const KEYS: [&'static str; 14] = [
        "state", "priority", "cause", "category", "service", "customer", "assignee", "since", "until", "problem",
        "quiet", "major", "after", "limit",
    ];

    /// The same, from after this one on.
    #[must_use]
    pub fn after(self, after: Number) -> Self {
        Self { after: Some(after), ..self }
    }

    /// As a query says it.
    pub fn written(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", self.state.as_str());
        let yes_or_no = |wanted: bool| wanted.to_string();
        for (key, said) in [
            ("priority", self.priority.map(|one| one.as_str().to_owned())),
            ("cause", self.cause.map(|one| one.as_str().to_owned())),
            ("category", self.category.map(|one| one.as_str().to_owned())),
            ("service", self.service.as_ref().map(ToString::to_string)),
            ("customer", self.customer.as_ref().map(ToString::to_string)),
            ("assignee", self.assignee.clone()),
            ("since", self.since.map(|at| at.as_ms().to_string())),
            ("until", self.until.map(|at| at.as_ms().to_string())),
            ("problem", self.problem.map(|number| number.to_string())),
            ("quiet", self.quiet.map(yes_or_no)),
            ("major", self.major.map(yes_or_no)),
            ("after", self.after.map(|after| after.to_string())),
            ("limit", Some(self.limit.to_string())),
        ] {
            query.extend_pairs(said.map(|said| (key, said)));
        }
        query.finish()
    }

    fn has(&self, incident: &Incident) -> bool {
        let Self { priority, cause, category, service, customer, assignee, .. } = self;
        let end = incident.interval().end;
        self.state.has(incident.state)
            && self.after.is_none_or(|after| incident.number < after)
            && priority.is_none_or(|wanted| incident.priority.0 == wanted)
            && cause.is_none_or(|wanted| incident.subject.cause() == wanted)
            && category.is_none_or(|wanted| incident.category == wanted)
            && service
                .as_ref()
                .is_none_or(|wanted| incident.subject.service() == Some(wanted) || incident.affected.contains(wanted))
            && customer.as_ref().is_none_or(|wanted| incident.customers.contains(wanted))
            && assignee.as_ref().is_none_or(|wanted| incident.assignee.as_ref() == Some(wanted))
            && self.since.is_none_or(|since| end >= since)
            && self.until.is_none_or(|until| incident.started < until)
            && self.problem.is_none_or(|wanted| incident.problem == Some(wanted))
            && self.quiet.is_none_or(|wanted| incident.quiet.is_some() == wanted)
            && self.major.is_none_or(|wanted| incident.major.is_some() == wanted)
    }
}

/// The incidents that were asked for, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentList {
    /// The present that they are of.
    pub as_of_ms: Instant,
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// The last of them, after which the next page begins; null when there is none.
    pub next: Option<Number>,
}

impl IncidentList {
    /// Those of the register.
    pub fn of(register: &Register, query: &IncidentsQuery, as_of: Instant) -> Self {
        let found = register.all().rev().filter(|incident| query.has(incident));
        let (mut incidents, mut names, mut next) = (Vec::new(), 0_usize, None);
        for incident in found {
            if incidents.len() >= query.limit || names >= NAMES_OF_PAGE {
                next = incidents.last().map(|last: &Incident| last.number);
                break;
            }
            names = names.saturating_add(incident.affected.len());
            incidents.push(incident.clone());
        }
        Self { as_of_ms: as_of, incidents, next }
    }
}

/// One incident with everything that happened to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentHistory {
    /// The incident.
    pub incident: Incident,
    /// What happened to it, in order.
    pub events: Vec<EventLine>,
    /// By when it is to be taken on and to be over, and whether it was; null where nothing is said of its priority.
    pub response: Option<Response>,
    /// The problem behind it, such as `PRB-2`; null where none is known.
    pub problem: Option<String>,
    /// What is known of that problem, and how to live with it.
    pub known_error: Option<KnownErrorTold>,
}

/// One thing that happened to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventLine {
    /// Its place, from 1.
    pub place: u32,
    /// The instant of the figures that it was decided from; for what people did, when they did it.
    pub at_ms: Instant,
    /// What happened.
    #[serde(flatten)]
    pub change: Change,
}

impl From<History> for IncidentHistory {
    fn from(history: History) -> Self {
        let line = |event: Event| EventLine { place: event.place, at_ms: event.decided_at, change: event.change };
        let Beside { response, problem, known_error } = history.beside;
        Self {
            incident: history.incident,
            events: history.events.into_iter().map(line).collect(),
            response,
            problem: problem.map(|number| number.to_string()),
            known_error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Opening, PriorityText, Resolution, Subject};
    use super::*;
    use crate::identity::deed::Actor;

    const LOCAL: Actor = Actor::Local { uid: None };

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    /// Five incidents: 1 of the shop, resolved; 2 of mail, closed; 3 of an agent, in maintenance; 4 of the shop, taken on;
    /// 5 of mail, which affects the shop.
    fn register() -> Register {
        let mut register = Register::default();
        let mut apply = |number: u64, place: u32, change: Change| {
            register.apply(&Event { number: Number(number), place, decided_at: at(500), change }).unwrap();
        };
        let open = |subject, started, priority: usize| {
            Opening::new(subject, at(started), PriorityText(Priority::ALL[priority]), "seen")
        };
        let shop = || Subject::ServiceDown { service: id("shop") };
        let mail = || Subject::ServiceDegraded { service: id("mail") };
        apply(1, 1, Change::Opened(Opening { customers: vec![id("acme")], ..open(shop(), 100, 0) }));
        apply(1, 2, Change::over(at(200), Resolution::Recovered));
        apply(2, 1, Change::Opened(open(mail(), 150, 1)));
        apply(2, 2, Change::over(at(250), Resolution::OverAgain));
        apply(2, 3, Change::Closed { by: None, text: None });
        let quiet = Some(id("sw-1"));
        apply(3, 1, Change::Opened(Opening { quiet, ..open(Subject::AgentSilent { agent: id("a") }, 300, 2) }));
        apply(4, 1, Change::Opened(open(shop(), 300, 0)));
        apply(4, 2, Change::Acknowledged { by: LOCAL, text: None });
        apply(4, 3, Change::Assigned { by: LOCAL, to: "Bob".to_owned() });
        apply(5, 1, Change::Opened(open(mail(), 400, 1)));
        apply(5, 2, Change::Affected { services: vec![id("shop")], customers: vec![id("acme")] });
        let (owner, because) = ("A. Keller".to_owned(), "by hand".to_owned());
        apply(5, 3, Change::Major { because, by: None, owner, notice_to: None });
        for (number, problem) in [(1, 2), (4, 2), (5, 1)] {
            register.put_behind(Number(number), Some(ProblemNumber(problem)));
        }
        register
    }

    #[test]
    fn each_filter_leaves_what_it_says() {
        let register = register();
        let all = || IncidentsQuery { state: Wanted::All, ..IncidentsQuery::default() };
        for (query, expected) in [
            (IncidentsQuery::default(), vec![5, 4, 3]),
            (all(), vec![5, 4, 3, 2, 1]),
            (IncidentsQuery { state: Wanted::Unacknowledged, ..all() }, vec![5, 3]),
            (IncidentsQuery { state: Wanted::Acknowledged, ..all() }, vec![4]),
            (IncidentsQuery { state: Wanted::Resolved, ..all() }, vec![1]),
            (IncidentsQuery { state: Wanted::Closed, ..all() }, vec![2]),
            (IncidentsQuery { priority: Some(Priority::ALL[0]), ..all() }, vec![4, 1]),
            (IncidentsQuery { cause: Some(Cause::ServiceDegraded), ..all() }, vec![5, 2]),
            (IncidentsQuery { category: Some(Category::Measurement), ..all() }, vec![3]),
            (IncidentsQuery { service: Some(id("shop")), ..all() }, vec![5, 4, 1]),
            (IncidentsQuery { customer: Some(id("acme")), ..all() }, vec![5, 1]),
            (IncidentsQuery { assignee: Some("Bob".to_owned()), ..all() }, vec![4]),
            (IncidentsQuery { assignee: Some("bob".to_owned()), ..all() }, vec![]),
            (IncidentsQuery { since: Some(at(201)), ..all() }, vec![5, 4, 3, 2]),
            (IncidentsQuery { since: Some(at(200)), until: Some(at(300)), ..all() }, vec![2, 1]),
            (IncidentsQuery { problem: Some(ProblemNumber(2)), ..all() }, vec![4, 1]),
            (IncidentsQuery { quiet: Some(true), ..all() }, vec![3]),
            (IncidentsQuery { quiet: Some(false), ..all() }, vec![5, 4, 2, 1]),
            (IncidentsQuery { major: Some(true), ..all() }, vec![5]),
            (IncidentsQuery { after: Some(Number(3)), ..all() }, vec![2, 1]),
        ] {
            let list = IncidentList::of(&register, &query, at(500));
            let numbers: Vec<u64> = list.incidents.iter().map(|incident| incident.number.0).collect();
            assert_eq!((numbers, list.next), (expected, None), "{query:?}");
        }
    }

    #[test]
    fn pages_follow_one_another_until_there_is_no_more() {
        let register = register();
        let mut query = IncidentsQuery { state: Wanted::All, limit: 2, ..IncidentsQuery::default() };
        let mut pages = Vec::new();
        loop {
            let list = IncidentList::of(&register, &query, at(500));
            pages.push(list.incidents.iter().map(|incident| incident.number.0).collect::<Vec<_>>());
            query.after = list.next;
            if list.next.is_none() {
                break;
            }
        }
        assert_eq!(pages, [vec![5, 4], vec![3, 2], vec![1]]);
        let exact = IncidentsQuery { limit: 5, after: None, ..query };
        assert_eq!(IncidentList::of(&register, &exact, at(500)).next, None, "a full page may be the last");
    }

    #[test]
    fn a_page_is_bounded_however_many_services_are_affected() {
        let mut register = Register::default();
        for number in 1..=3 {
            let subject = Subject::ServiceDown { service: id(&format!("s{number}")) };
            let opening = Opening::new(subject, at(1), PriorityText(Priority::ALL[0]), "seen");
            let services = (0..NAMES_OF_PAGE).map(|n| id(&format!("a{n}"))).collect();
            let changes = [Change::Opened(opening), Change::Affected { services, customers: Vec::new() }];
            for (place, change) in (1..).zip(changes) {
                register.apply(&Event { number: Number(number), place, decided_at: at(1), change }).unwrap();
            }
        }
        let list = IncidentList::of(&register, &IncidentsQuery::default(), at(2));
        assert_eq!((list.incidents.len(), list.next), (1, Some(Number(3))));
    }
}
