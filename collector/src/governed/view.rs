//! Records as they are given out. Instants are whole milliseconds under the names that the contract gives them, so that what
//! is read can be sent again.

use serde::{Deserialize, Serialize};
use uphold_common::governed::applied::Overrun;
use uphold_common::governed::dated::{Dated, Happening};
use uphold_common::governed::exclusion::{Exclusion, ExclusionClass};
use uphold_common::governed::maintenance::Maintenance;
use uphold_common::governed::{Content, Selection, Sort, selection_of};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::{Instant, Interval};
use utoipa::ToSchema;

use super::{Kept, Revocation};
use crate::identity::deed::Actor;

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// Its first instant.
    pub start: Instant,
    /// The first instant after it.
    pub end: Instant,
}

impl From<Interval> for Span {
    fn from(interval: Interval) -> Self {
        Self { start: interval.start, end: interval.end }
    }
}

/// A service that is still down though its maintenance is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverrunView {
    /// The service.
    pub service: Id,
    /// When the maintenance should have been over.
    pub since: Instant,
}

/// How a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Maintenance that has not begun.
    Planned,
    /// Maintenance that is taking place.
    Running,
    /// Maintenance that does not take place again.
    Over,
    /// Another record that counts.
    InForce,
    /// As if it had never been.
    Revoked,
}

impl Standing {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("planned", Self::Planned),
        ("running", Self::Running),
        ("over", Self::Over),
        ("in_force", Self::InForce),
        ("revoked", Self::Revoked),
    ];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Over => "over",
            Self::InForce => "in_force",
            Self::Revoked => "revoked",
        }
    }

    /// Whether a record of a sort can stand so.
    pub fn is_of(self, sort: Sort) -> bool {
        match self {
            Self::Revoked => true,
            Self::InForce => sort != Sort::Maintenance,
            Self::Planned | Self::Running | Self::Over => sort == Sort::Maintenance,
        }
    }

    /// How a record stands at `now`.
    pub fn of(kept: &Kept, now: Instant) -> Self {
        match (&kept.revoked, kept.content.maintenance()) {
            (Some(_), _) => Self::Revoked,
            (None, None) => Self::InForce,
            (None, Some(maintenance)) => match maintenance.next(now) {
                None => Self::Over,
                Some(next) if next.contains(now) => Self::Running,
                Some(_) => Self::Planned,
            },
        }
    }
}

/// Planned maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaintenanceView {
    /// Its name.
    pub id: Id,
    /// The services it is of, each with all of its targets.
    #[schema(schema_with = selection_of::<Id>)]
    pub services: Selection<Id>,
    /// When it starts; of one that recurs, the first time.
    pub start: Instant,
    /// When it ends.
    pub end: Instant,
    /// When it was announced.
    pub announced_at: Instant,
    /// What is changed.
    pub change: Option<String>,
    /// Which category of change it is.
    pub category: Option<String>,
    /// Who approved it.
    pub approver: Option<String>,
    /// How it recurs, as RFC 5545 writes it.
    pub recurrence: Option<String>,
    /// In which time zone it recurs.
    pub time_zone: Option<String>,
    /// What has become of its times since it was recorded, if time zone data changed or its rule is not read any more.
    pub remark: Option<String>,
    /// The time of it that is taking place, else the next one.
    pub next: Option<Span>,
    /// How it stands.
    pub standing: Standing,
    /// The services that are still down though it is over.
    pub overruns: Vec<OverrunView>,
    /// The services that are built on those it names, to which it does not apply by itself.
    pub dependants: Vec<Id>,
    /// When it was put on record.
    pub recorded_at: Instant,
    /// By whom.
    pub recorded_by: Actor,
    /// Whether it was revoked since.
    pub revoked: Option<Revocation>,
}

/// An exclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExclusionView {
    /// Its name.
    pub id: Id,
    /// The services it is of.
    #[schema(schema_with = selection_of::<Id>)]
    pub services: Selection<Id>,
    /// The targets of these that it is of.
    #[schema(schema_with = selection_of::<TargetId>)]
    pub targets: Selection<TargetId>,
    /// When the time begins that does not count.
    pub start: Instant,
    /// When it ends.
    pub end: Instant,
    /// Why it does not count.
    pub class: ExclusionClass,
    /// The same in words.
    pub reason: String,
    /// Which clause of the agreement says so.
    pub clause: Option<String>,
    /// Who approved it.
    pub approver: String,
    /// When.
    pub approved_at: Instant,
    /// How it stands.
    pub standing: Standing,
    /// When it was put on record.
    pub recorded_at: Instant,
    /// By whom.
    pub recorded_by: Actor,
    /// Whether it was revoked since.
    pub revoked: Option<Revocation>,
}

/// Something else with a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatedView {
    /// Its name.
    pub id: Id,
    /// The services it is about.
    #[schema(schema_with = selection_of::<Id>)]
    pub services: Selection<Id>,
    /// When it was.
    pub at: Instant,
    /// What it was, in a line.
    pub title: String,
    /// More about it.
    pub text: Option<String>,
    /// Of an exercise of continuity: whether the recovery time that was promised was kept.
    pub rto_kept: Option<bool>,
    /// And the recovery point.
    pub rpo_kept: Option<bool>,
    /// How it stands.
    pub standing: Standing,
    /// When it was put on record.
    pub recorded_at: Instant,
    /// By whom.
    pub recorded_by: Actor,
    /// Whether it was revoked since.
    pub revoked: Option<Revocation>,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// A record of any sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum View {
    /// Planned maintenance.
    Maintenance(Box<MaintenanceView>),
    /// An exclusion.
    Exclusion(Box<ExclusionView>),
    /// Something else with a date.
    Dated(Box<DatedView>),
}

impl View {
    /// The record as it stands at `now`; `dependants` are the services that are built on those it names.
    pub fn of(kept: &Kept, dependants: Vec<Id>, overruns: &[Overrun], now: Instant) -> Self {
        match &kept.content {
            Content::Maintenance(maintenance) => {
                Self::Maintenance(Box::new(of_maintenance(kept, maintenance, dependants, overruns, now)))
            }
            Content::Exclusion(exclusion) => Self::Exclusion(Box::new(of_exclusion(kept, exclusion, now))),
            Content::Dated(dated) => Self::Dated(Box::new(of_dated(kept, dated, now))),
        }
    }
}

fn of_maintenance(
    kept: &Kept,
    maintenance: &Maintenance,
    dependants: Vec<Id>,
    overruns: &[Overrun],
    now: Instant,
) -> MaintenanceView {
    let of_it = overruns.iter().filter(|overrun| overrun.maintenance == *maintenance.id() && kept.is_in_force());
    let overrun = |overrun: &Overrun| OverrunView { service: overrun.service.clone(), since: overrun.since };
    let first = maintenance.first();
    MaintenanceView {
        id: maintenance.id().clone(),
        services: maintenance.services().clone(),
        start: first.start,
        end: first.end,
        announced_at: maintenance.announced_at(),
        change: maintenance.change().map(str::to_owned),
        category: maintenance.category().map(str::to_owned),
        approver: maintenance.approver().map(str::to_owned),
        recurrence: maintenance.recurrence().map(|recurrence| recurrence.rule().to_owned()),
        time_zone: maintenance.recurrence().map(|recurrence| recurrence.time_zone().to_owned()),
        remark: maintenance.remark().map(str::to_owned),
        next: maintenance.next(now).filter(|_| kept.is_in_force()).map(Span::from),
        standing: Standing::of(kept, now),
        overruns: of_it.map(overrun).collect(),
        dependants,
        recorded_at: kept.recorded_at,
        recorded_by: kept.recorded_by.clone(),
        revoked: kept.revoked.clone(),
    }
}

fn of_exclusion(kept: &Kept, exclusion: &Exclusion, now: Instant) -> ExclusionView {
    ExclusionView {
        id: exclusion.id.clone(),
        services: exclusion.services.clone(),
        targets: exclusion.targets.clone(),
        start: exclusion.interval.start,
        end: exclusion.interval.end,
        class: exclusion.class,
        reason: exclusion.reason.clone(),
        clause: exclusion.clause.clone(),
        approver: exclusion.approver.clone(),
        approved_at: exclusion.approved_at,
        standing: Standing::of(kept, now),
        recorded_at: kept.recorded_at,
        recorded_by: kept.recorded_by.clone(),
        revoked: kept.revoked.clone(),
    }
}

fn of_dated(kept: &Kept, dated: &Dated, now: Instant) -> DatedView {
    let (time, point) = dated.what.kept().unzip();
    DatedView {
        id: dated.id.clone(),
        services: dated.services.clone(),
        at: dated.at,
        title: dated.title.clone(),
        text: dated.text.clone(),
        rto_kept: time,
        rpo_kept: point,
        standing: Standing::of(kept, now),
        recorded_at: kept.recorded_at,
        recorded_by: kept.recorded_by.clone(),
        revoked: kept.revoked.clone(),
        what: dated.what.clone(),
    }
}
