//! How urgent incidents are, and who is told of them: the catalogue's part about incidents, as checked types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::calendar::Calendar;
use super::cause::Cause;
use super::model::Criticality;
use crate::ids::Id;
use crate::measure::agreed::{agreed, contains};
use crate::time::{Instant, Interval};

/// How soon an incident wants to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// In its turn.
    Normal,
    /// Now.
    Urgent,
}

impl Urgency {
    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }
}

/// The priority of an incident: `P1` to `P5`, `P1` first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// All of them, first things first.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// `P1` to `P5`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }

    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            1 => "P1",
            2 => "P2",
            3 => "P3",
            4 => "P4",
            _ => "P5",
        }
    }

    const fn new(number: u8) -> Self {
        Self(number)
    }
}

/// Criticality × urgency → priority: always the full matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priorities(pub BTreeMap<(Criticality, Urgency), Priority>);

impl Default for Priorities {
    /// | | urgent | normal |
    /// |---|---|---|
    /// | critical | P1 | P2 |
    /// | high | P1 | P2 |
    /// | medium | P2 | P3 |
    /// | low | P3 | P4 |
    fn default() -> Self {
        let rows = [
            (Criticality::Critical, 1, 2),
            (Criticality::High, 1, 2),
            (Criticality::Medium, 2, 3),
            (Criticality::Low, 3, 4),
        ];
        let cells = rows.into_iter().flat_map(|(criticality, urgent, normal)| {
            [
                ((criticality, Urgency::Urgent), Priority::new(urgent)),
                ((criticality, Urgency::Normal), Priority::new(normal)),
            ]
        });
        Self(cells.collect())
    }
}

impl Priorities {
    /// The priority of an incident of this urgency with a service of this criticality.
    pub fn of(&self, criticality: Criticality, urgency: Urgency) -> Priority {
        self.0.get(&(criticality, urgency)).copied().unwrap_or(Priority::new(1))
    }
}

/// Which incidents are told to a receiver.
#[derive(Clone, Debug)]
pub struct Route {
    /// The receiver.
    pub to: Id,
    /// Of which incidents; all of it must hold.
    pub when: When,
    /// Whether it is told also of what was over before it became known.
    pub late: bool,
}

/// Of which incidents a receiver is told. An empty list holds for every incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Of these priorities.
    pub priorities: Vec<Priority>,
    /// As urgent as one of these.
    pub urgencies: Vec<Urgency>,
    /// About one of these services, or affecting it.
    pub services: Vec<Id>,
    /// That one of these customers has.
    pub customers: Vec<Id>,
    /// That touch one of these agreements.
    pub agreements: Vec<Id>,
    /// For one of these causes.
    pub causes: Vec<Cause>,
    /// Of what weighs as much.
    pub criticalities: Vec<Criticality>,
    /// Opened in the hours of this calendar.
    pub calendar: Option<Arc<Calendar>>,
    /// Opened outside the hours of this one.
    pub outside: Option<Arc<Calendar>>,
}

/// What routes look at of an incident.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Its priority.
    pub priority: Priority,
    /// How soon it wants to be looked at.
    pub urgency: Urgency,
    /// The service it is about, if it is about one.
    pub service: Option<&'a Id>,
    /// Further services that it affects.
    pub affected: &'a BTreeSet<Id>,
    /// Whose services these are.
    pub customers: &'a BTreeSet<Id>,
    /// The agreements that it touches, of those that routes name.
    pub agreements: &'a BTreeSet<&'a Id>,
    /// Why it opened.
    pub cause: Cause,
    /// How much it weighs.
    pub criticality: Criticality,
    /// When it was opened. The hours of a calendar are asked of this, so that whoever is told of a beginning is told of its end.
    pub opened: Instant,
}

impl Route {
    /// Whether its receiver is told of an incident; `late` says that it was over before it became known.
    pub fn tells(&self, of: &Occasion<'_>, late: bool) -> bool {
        (self.late || !late) && self.when.holds(of)
    }
}

impl When {
    /// Whether an incident is among them.
    pub fn holds(&self, of: &Occasion<'_>) -> bool {
        let about = |id: &Id| of.service == Some(id) || of.affected.contains(id);
        (self.priorities.is_empty() || self.priorities.contains(&of.priority))
            && (self.urgencies.is_empty() || self.urgencies.contains(&of.urgency))
            && (self.services.is_empty() || self.services.iter().any(about))
            && (self.customers.is_empty() || self.customers.iter().any(|id| of.customers.contains(id)))
            && (self.agreements.is_empty() || self.agreements.iter().any(|id| of.agreements.contains(id)))
            && (self.causes.is_empty() || self.causes.contains(&of.cause))
            && (self.criticalities.is_empty() || self.criticalities.contains(&of.criticality))
            && self.calendar.as_ref().is_none_or(|calendar| in_hours(calendar, of.opened))
            && self.outside.as_ref().is_none_or(|calendar| !in_hours(calendar, of.opened))
    }
}

fn in_hours(calendar: &Calendar, at: Instant) -> bool {
    contains(&agreed(calendar, Interval::new(at, at.plus_ms(1))), at)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::catalogue::calendar::Hours;

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn ids(all: &[&str]) -> BTreeSet<Id> {
        all.iter().copied().map(id).collect()
    }

    /// Monday to Friday from eight to six.
    fn office() -> Arc<Calendar> {
        let day = vec![Hours::parse("08:00-18:00").unwrap()];
        let weekly = [day.clone(), day.clone(), day.clone(), day.clone(), day, Vec::new(), Vec::new()];
        let (holidays, extra_days) = (Vec::new(), BTreeMap::new());
        Arc::new(Calendar { id: id("office"), time_zone: TimeZone::UTC, weekly, holidays, extra_days })
    }

    #[test]
    fn every_condition_must_hold() {
        let (affected, customers, sla) = (ids(&["mail"]), ids(&["retail"]), id("shop-sla"));
        let agreements = BTreeSet::from([&sla]);
        let of = |opened: &str| Occasion {
            priority: Priority::parse("P2").unwrap(),
            urgency: Urgency::Urgent,
            service: None,
            affected: &affected,
            customers: &customers,
            agreements: &agreements,
            cause: Cause::AgentSilent,
            criticality: Criticality::High,
            opened: Instant::parse(opened).unwrap(),
        };
        let shop = id("shop");
        let monday = Occasion { service: Some(&shop), ..of("2026-01-05T08:00:00Z") };
        let all = When::default();
        let priority = |text| vec![Priority::parse(text).unwrap()];
        for (when, holds) in [
            (all.clone(), true),
            (When { priorities: priority("P2"), ..all.clone() }, true),
            (When { priorities: priority("P1"), ..all.clone() }, false),
            (When { services: vec![id("other"), id("shop")], ..all.clone() }, true),
            (When { services: vec![id("mail")], ..all.clone() }, true),
            (When { services: vec![id("other")], ..all.clone() }, false),
            (When { customers: vec![id("retail")], ..all.clone() }, true),
            (When { customers: vec![id("whole")], ..all.clone() }, false),
            (When { urgencies: vec![Urgency::Urgent], ..all.clone() }, true),
            (When { urgencies: vec![Urgency::Normal], ..all.clone() }, false),
            (When { agreements: vec![id("mail-sla"), id("shop-sla")], ..all.clone() }, true),
            (When { agreements: vec![id("mail-sla")], ..all.clone() }, false),
            (When { causes: vec![Cause::AgentSilent], ..all.clone() }, true),
            (When { causes: vec![Cause::ServiceDown], ..all.clone() }, false),
            (When { criticalities: vec![Criticality::High], ..all.clone() }, true),
            (When { criticalities: vec![Criticality::Low], ..all.clone() }, false),
            (When { priorities: priority("P2"), causes: vec![Cause::ServiceDown], ..all.clone() }, false),
        ] {
            assert_eq!(when.holds(&monday), holds, "{when:?}");
        }
        let inside = When { calendar: Some(office()), ..all.clone() };
        let outside = When { outside: Some(office()), ..all };
        for (opened, hours) in [
            ("2026-01-05T07:59:59.999Z", false),
            ("2026-01-05T08:00:00Z", true),
            ("2026-01-05T17:59:59.999Z", true),
            ("2026-01-05T18:00:00Z", false),
            ("2026-01-10T12:00:00Z", false),
        ] {
            assert_eq!((inside.holds(&of(opened)), outside.holds(&of(opened))), (hours, !hours), "{opened}");
        }
    }

    #[test]
    fn what_was_over_before_it_became_known_goes_only_where_that_is_asked_for() {
        let (nobody, nothing) = (BTreeSet::new(), BTreeSet::new());
        let of = Occasion {
            priority: Priority::parse("P1").unwrap(),
            urgency: Urgency::Urgent,
            service: None,
            affected: &nobody,
            customers: &nobody,
            agreements: &nothing,
            cause: Cause::ServiceDown,
            criticality: Criticality::High,
            opened: Instant::from_ms(0),
        };
        for (late_route, late, told) in
            [(false, false, true), (false, true, false), (true, false, true), (true, true, true)]
        {
            let route = Route { to: id("duty"), when: When::default(), late: late_route };
            assert_eq!(route.tells(&of, late), told);
        }
    }
}
