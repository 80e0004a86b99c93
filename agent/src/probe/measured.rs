//! What attempts read beside their verdict: how much of something is in use, and of how much.

use uphold_common::observation::{Resource, ResourceId};
use uphold_common::quantity::{Quantity, Rounding, Scale};
use uphold_common::wire::check::ReadingSpec;

/// A reading that was asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// What was to be read.
    pub id: ResourceId,
    /// What was read, or why nothing.
    pub read: Result<Amount, String>,
}

/// How much of something is in use and how much there is, in thousandths of its base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// How much is in use.
    pub used: u64,
    /// How much there is; above zero.
    pub limit: u64,
}

impl Amount {
    /// Rounded so that there never seems to be more room than there is.
    pub fn of((used, used_in): (Quantity, Scale), (limit, limit_in): (Quantity, Scale)) -> Result<Self, String> {
        let used = used.thousandths(used_in, Rounding::Up).ok_or("it is below zero, or too much to be counted")?;
        let limit = limit.thousandths(limit_in, Rounding::Down).filter(|limit| *limit > 0);
        Ok(Self { used, limit: limit.ok_or("its limit is not above zero, or too much to be counted")? })
    }
}

/// The resource that a reading is of.
pub fn resource(spec: &ReadingSpec) -> ResourceId {
    ResourceId { host: spec.host.clone(), resource: Resource::Measured, of: spec.of.as_str().to_owned() }
}

/// What was read, and of everything else that was to be read that it was not.
pub fn complete(wanted: &[ResourceId], mut measured: Vec<Measured>) -> Vec<Measured> {
    let missing = wanted.iter().filter(|id| measured.iter().all(|one| one.id != **id));
    let nothing = || Err("the attempt came to no answer".to_owned());
    let missing: Vec<Measured> = missing.map(|id| Measured { id: id.clone(), read: nothing() }).collect();
    measured.extend(missing);
    measured
}
