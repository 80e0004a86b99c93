//! The records that are asked for: of which sort, of which service, how they stand, from when to when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use uphold_common::catalogue::model::{Catalogue, Service};
use uphold_common::governed::applied::{Overrun, dependants};
use uphold_common::governed::{Content, Sort};
use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};

use super::Kept;
use super::register::Register;
use super::view::{Standing, View};

/// Most records of one answer.
pub const LIST_MAX: usize = 1_000;
/// How many there are unless another number is asked for.
pub const LIST_DEFAULT: usize = 100;

/// Which records are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of which sort.
    pub sort: Sort,
    /// Only those of this service, or of all.
    pub service: Option<Id>,
    /// Only those that stand so; without it, all but the revoked ones.
    pub standing: Option<Standing>,
    /// Only dated records of this kind.
    pub kind: Option<&'static str>,
    /// Only those that have an instant at or after this.
    pub from: Option<Instant>,
    /// Only those that have an instant before this.
    pub to: Option<Instant>,
    /// At most so many.
    pub limit: usize,
}

impl Wanted {
    /// All of a sort that are in force.
    pub const fn of(sort: Sort) -> Self {
        Self { sort, service: None, standing: None, kind: None, from: None, to: None, limit: LIST_DEFAULT }
    }

    fn has(&self, kept: &Kept, now: Instant) -> bool {
        let content = &kept.content;
        let kind = match content {
            Content::Dated(dated) => Some(dated.what.as_str()),
            _ => None,
        };
        let standing = Standing::of(kept, now);
        let span = Interval::new(self.from.unwrap_or(Instant::MIN), self.to.unwrap_or(Instant::MAX));
        self.service.as_ref().is_none_or(|service| content.services().holds(service))
            && self.standing.map_or(kept.is_in_force(), |wanted| standing == wanted)
            && self.kind.is_none_or(|wanted| kind == Some(wanted))
            && content.intervals().iter().any(|interval| interval.overlaps(span))
    }
}

/// The records that were asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// The present that their standing is of.
    pub as_of_ms: Instant,
    /// How many there are, also beyond the limit.
    pub total: usize,
    /// The records, the latest start first.
    pub records: Vec<View>,
}

/// What records are shown beside: the catalogue, and what was seen.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The catalogue in force.
    pub catalogue: &'a Catalogue,
    /// The overruns.
    pub overruns: &'a [Overrun],
    /// The present.
    pub now: Instant,
}

/// The records that are asked for.
pub fn list(register: &Register, wanted: &Wanted, beside: Beside<'_>) -> Listed {
    let mut found: Vec<&Arc<Kept>> = register.of(wanted.sort).filter(|kept| wanted.has(kept, beside.now)).collect();
    found.sort_by_key(|kept| std::cmp::Reverse(kept.content.span().start));
    let total = found.len();
    let operands = operands(beside.catalogue);
    let records = found.into_iter().take(wanted.limit).map(|kept| shown_among(kept, &operands, beside)).collect();
    Listed { as_of_ms: beside.now, total, records }
}

/// A record with what is shown beside it.
pub fn shown(kept: &Kept, beside: Beside<'_>) -> View {
    shown_among(kept, &operands(beside.catalogue), beside)
}

fn shown_among(kept: &Kept, operands: &BTreeMap<Id, BTreeSet<Id>>, beside: Beside<'_>) -> View {
    let built = dependants(kept.content.services(), operands);
    View::of(kept, built.into_iter().collect(), beside.overruns, beside.now)
}

/// The services that each service is built on.
fn operands(catalogue: &Catalogue) -> BTreeMap<Id, BTreeSet<Id>> {
    let of = |service: &Service| (service.id.clone(), service.built_on().into_iter().cloned().collect());
    catalogue.services.values().map(of).collect()
}
