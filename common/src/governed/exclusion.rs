//! Exclusions: time that was agreed not to count, often afterwards. Approved whenever, they count.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checks::{Problems, Selection, SelectionAsked, Unsound, When, known, known_services, line, text, word};
use super::maintenance::interval;
use super::{Defaults, Facts};
use crate::ids::{Id, TargetId};
use crate::time::{Instant, Interval};

/// Why time does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionClass {
    /// It was planned.
    Planned,
    /// The customer brought it about.
    Customer,
    /// A supplier did.
    Supplier,
    /// Nobody could have helped it.
    ForceMajeure,
    /// Something else.
    Other,
}

impl ExclusionClass {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("planned", Self::Planned),
        ("customer", Self::Customer),
        ("supplier", Self::Supplier),
        ("force_majeure", Self::ForceMajeure),
        ("other", Self::Other),
    ];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Customer => "customer",
            Self::Supplier => "supplier",
            Self::ForceMajeure => "force_majeure",
            Self::Other => "other",
        }
    }
}

/// An exclusion as it stands on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Its name.
    pub id: Id,
    /// The services it is of.
    pub services: Selection<Id>,
    /// The targets of these that it is of.
    pub targets: Selection<TargetId>,
    /// The time that does not count.
    pub interval: Interval,
    /// Why it does not.
    pub class: ExclusionClass,
    /// The same in words.
    pub reason: String,
    /// Which clause of the agreement says so.
    pub clause: Option<String>,
    /// Who approved it.
    pub approver: String,
    /// When.
    pub approved_at: Instant,
}

impl Exclusion {
    /// Whether it is of this target of this service.
    pub fn is_of(&self, service: &Id, target: &TargetId) -> bool {
        self.services.holds(service) && self.targets.holds(target)
    }

    /// Holds a new one against the catalogue and the clock.
    pub(super) fn fits(&self, facts: Facts<'_>) -> Result<(), Unsound> {
        let mut problems = Problems::default();
        known_services(&mut problems, &self.services, facts);
        known(&mut problems, "targets", "target", &self.targets, facts.catalogue.targets.keys());
        for target in self.targets.named().into_iter().flatten() {
            let of = facts.catalogue.targets.get(target).map(|target| &target.service);
            if let Some(of) = of.filter(|of| !self.services.holds(of)) {
                problems.add("targets", format!("{target} is of {of}, which is not among the services"));
            }
        }
        if self.approved_at > facts.now {
            let now = facts.now;
            problems.add("approved_at", format!("expected an instant that has come; it is {now}"));
        }
        problems.end(Some(()))
    }
}

/// An exclusion that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExclusionAsked {
    /// Its name; without one, one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `all`, or the services it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = SelectionAsked, required = true)]
    pub services: Option<SelectionAsked>,
    /// Which of their targets it is of; without it, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<SelectionAsked>,
    /// When the time begins that does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = When, required = true)]
    pub start: Option<When>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = When, required = true)]
    pub end: Option<When>,
    /// Why it does not count: `planned`, `customer`, `supplier`, `force_majeure` or `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ExclusionClass, required = true)]
    pub class: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = true)]
    pub reason: Option<String>,
    /// Which clause of the agreement says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = true)]
    pub approver: Option<String>,
    /// When it was approved; without it, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<When>,
}

impl ExclusionAsked {
    /// The checked record of it.
    pub(super) fn read(&self, id: Id, defaults: &Defaults) -> Result<Exclusion, Unsound> {
        let mut problems = Problems::default();
        let services = problems.required("services", self.services.as_ref(), |asked| asked.read("services"));
        let targets = problems.optional("targets", self.targets.as_ref(), |asked| asked.read("targets"));
        let interval = interval(&mut problems, self.start.as_ref(), self.end.as_ref());
        let class = problems.required("class", self.class.as_deref(), |said| word(said, &ExclusionClass::WORDS));
        let reason = problems.required("reason", self.reason.as_deref(), text);
        let clause = problems.optional("clause", self.clause.as_deref(), line);
        let approver = problems.required("approver", self.approver.as_deref(), line);
        let approved_at = problems.optional("approved_at", self.approved_at.as_ref(), When::instant);
        let exclusion = || {
            Some(Exclusion {
                id,
                services: services?,
                targets: targets.unwrap_or(Selection::All),
                interval: interval?,
                class: class?,
                reason: reason?,
                clause,
                approver: approver?,
                approved_at: approved_at.unwrap_or(defaults.at),
            })
        };
        let made = exclusion();
        problems.end(made)
    }
}
