//! Planned maintenance: which services, when, when it was announced, for what change; once or recurring.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checks::{Problems, Selection, SelectionAsked, Unsound, When, known_services, line, text};
use super::recurrence::Recurrence;
use super::{Defaults, Facts};
use crate::ids::Id;
use crate::time::{Instant, Interval};

/// Planned maintenance as it stands on record. Its occurrences are worked out once, from what is written down.
///
/// What is on record is always read. The time zone data may have changed since it was recorded, and what reads rules may
/// have: a rule that gives nothing any more leaves its first time, and a [remark](Self::remark) says so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Written", from = "Written")]
pub struct Maintenance {
    written: Written,
    occurrences: Vec<Interval>,
    remark: Option<String>,
}

/// The rest follows from what is written, and from the time zone data.
impl PartialEq for Maintenance {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Maintenance {}

/// What of it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    id: Id,
    services: Selection<Id>,
    start: Instant,
    end: Instant,
    announced_at: Instant,
    change: Option<String>,
    category: Option<String>,
    approver: Option<String>,
    recurrence: Option<Recurrence>,
}

impl From<Maintenance> for Written {
    fn from(maintenance: Maintenance) -> Self {
        maintenance.written
    }
}

impl From<Written> for Maintenance {
    fn from(written: Written) -> Self {
        let first = Interval::new(written.start, written.end);
        let Some(recurrence) = &written.recurrence else {
            return Self { written, occurrences: vec![first], remark: None };
        };
        let (occurrences, remark) = match recurrence.occurrences(first) {
            Ok(occurrences) => (occurrences, recurrence.moved(first)),
            Err(why) => (vec![first], Some(format!("only its first time is known any more: {why}"))),
        };
        Self { written, occurrences, remark }
    }
}

impl Written {
    /// A new one, for which its rule must hold.
    fn made(mut self) -> Result<Maintenance, String> {
        let first = Interval::new(self.start, self.end);
        self.recurrence = self.recurrence.map(|recurrence| recurrence.shown_at(first)).transpose()?;
        let recurring = self.recurrence.as_ref().map(|recurrence| recurrence.occurrences(first)).transpose()?;
        let occurrences = recurring.unwrap_or_else(|| vec![first]);
        Ok(Maintenance { written: self, occurrences, remark: None })
    }
}

impl Maintenance {
    /// Its name.
    pub const fn id(&self) -> &Id {
        &self.written.id
    }

    /// The services it is of, each with all of its targets.
    pub const fn services(&self) -> &Selection<Id> {
        &self.written.services
    }

    /// When it starts and ends; of one that recurs, the first time.
    pub const fn first(&self) -> Interval {
        Interval::new(self.written.start, self.written.end)
    }

    /// Every time it takes place, in order; neither starts nor ends go back.
    pub fn occurrences(&self) -> &[Interval] {
        &self.occurrences
    }

    /// From its first start to its last end.
    pub fn span(&self) -> Interval {
        let end = self.occurrences.last().map_or(self.written.end, |last| last.end);
        Interval::new(self.written.start, end)
    }

    /// When it was announced.
    pub const fn announced_at(&self) -> Instant {
        self.written.announced_at
    }

    /// What is changed.
    pub fn change(&self) -> Option<&str> {
        self.written.change.as_deref()
    }

    /// Which category of change it is.
    pub fn category(&self) -> Option<&str> {
        self.written.category.as_deref()
    }

    /// Who approved it.
    pub fn approver(&self) -> Option<&str> {
        self.written.approver.as_deref()
    }

    /// How it recurs, if it does.
    pub const fn recurrence(&self) -> Option<&Recurrence> {
        self.written.recurrence.as_ref()
    }

    /// What has become of its times since it was recorded, if the time zone data or the reading of rules changed.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The occurrence that runs at `now`, else the next one.
    pub fn next(&self, now: Instant) -> Option<Interval> {
        let over = self.occurrences.partition_point(|occurrence| occurrence.end <= now);
        self.occurrences.get(over).copied()
    }

    /// The last occurrence that is over at `now`.
    pub fn last_over(&self, now: Instant) -> Option<Interval> {
        let over = self.occurrences.partition_point(|occurrence| occurrence.end <= now);
        over.checked_sub(1).and_then(|last| self.occurrences.get(last)).copied()
    }

    /// Whether it says to have been announced earlier than it was recorded.
    pub fn is_backdated(&self, now: Instant) -> bool {
        self.written.announced_at < now
    }

    /// Holds a new one against the catalogue and the clock.
    pub(super) fn fits(&self, facts: Facts<'_>) -> Result<(), Unsound> {
        let mut problems = Problems::default();
        known_services(&mut problems, self.services(), facts);
        if self.announced_at() > facts.now {
            let now = facts.now;
            problems.add("announced_at", format!("expected an instant that has come; it is {now}"));
        }
        if self.is_backdated(facts.now) && self.approver().is_none() {
            problems.add("approver", "is missing; who vouches for it that this was announced before it was recorded?");
        }
        problems.end(Some(()))
    }
}

/// Planned maintenance that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceAsked {
    /// Its name; without one, one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `all`, or the services it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = SelectionAsked, required = true)]
    pub services: Option<SelectionAsked>,
    /// When it starts; of one that recurs, the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = When, required = true)]
    pub start: Option<When>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = When, required = true)]
    pub end: Option<When>,
    /// When it was announced; without it, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announced_at: Option<When>,
    /// What is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Which category of change it is, such as `standard`, `normal` or `emergency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Who approved it; needed when it was announced earlier than it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// How it recurs, as RFC 5545 writes it: `FREQ=MONTHLY;BYDAY=1SU`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<String>,
    /// In which time zone it recurs; without it, in the organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

impl MaintenanceAsked {
    /// The checked record of it.
    pub(super) fn read(&self, id: Id, defaults: &Defaults) -> Result<Maintenance, Unsound> {
        let mut problems = Problems::default();
        let services = problems.required("services", self.services.as_ref(), |asked| asked.read("services"));
        let interval = interval(&mut problems, self.start.as_ref(), self.end.as_ref());
        let announced_at = problems.optional("announced_at", self.announced_at.as_ref(), When::instant);
        let change = problems.optional("change", self.change.as_deref(), text);
        let category = problems.optional("category", self.category.as_deref(), line);
        let approver = problems.optional("approver", self.approver.as_deref(), line);
        let recurrence = self.recurrence(&mut problems, defaults);
        let written = || {
            let interval = interval?;
            Some(Written {
                id,
                services: services?,
                start: interval.start,
                end: interval.end,
                announced_at: announced_at.unwrap_or(defaults.at),
                change,
                category,
                approver,
                recurrence,
            })
        };
        let made = written().and_then(|written| problems.keep("recurrence", written.made()));
        problems.end(made)
    }

    fn recurrence(&self, problems: &mut Problems, defaults: &Defaults) -> Option<Recurrence> {
        let zone = self.time_zone.as_ref().or(defaults.time_zone.as_ref());
        match (&self.recurrence, &self.time_zone) {
            (None, None) => None,
            (None, Some(_)) => {
                problems.add("time_zone", "is only for what recurs; instants say their own offset from UTC");
                None
            }
            (Some(rule), _) => {
                let zone = zone.map_or("UTC", String::as_str);
                let read = Recurrence::read(rule, zone).map_err(|(key, says)| problems.add(key, says));
                read.ok()
            }
        }
    }
}

/// The interval of two instants, which must not be empty.
pub(super) fn interval(problems: &mut Problems, start: Option<&When>, end: Option<&When>) -> Option<Interval> {
    let start = problems.required("start", start, When::instant);
    let end = problems.required("end", end, When::instant);
    let interval = Interval::new(start?, end?);
    if interval.is_empty() {
        problems.add("end", format!("expected an instant after its start, which is {}", interval.start));
        return None;
    }
    Some(interval)
}
