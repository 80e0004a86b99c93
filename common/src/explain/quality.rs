//! How good the measurement was that a figure rests on: what the agents behind it told of their own measuring in that time.
//! It changes no figure; it stands beside it, so that an auditor sees what was lost, and whose clock was off.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::REMARKS_MAX;
use crate::ids::Id;
use crate::time::Instant;

/// What agents told of their measuring in the time that a figure is measured over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// The agents that were looked at.
    pub agents: Vec<Id>,
    /// How many more observe what the figure is made of, and were not looked at.
    pub agents_left_out: u64,
    /// What they told, in order of time.
    pub remarks: Vec<Remark>,
    /// How many remarks are not listed because they are too many. Losses are listed first.
    pub left_out: u64,
}

/// Something that an agent told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Remark {
    /// The agent.
    pub agent: Id,
    /// Of which sort, in the word of the facts of an agent.
    pub fact: String,
    /// Whether something is lost for good, or was not seen.
    pub is_loss: bool,
    /// From when on it speaks; where it does not say so, when the agent told of it.
    pub from_ms: Instant,
    /// To when; null: of that instant alone.
    pub to_ms: Option<Instant>,
    /// What it says, its instants in UTC.
    pub says: String,
}

impl Quality {
    /// What these agents told: as much of it as is listed.
    pub fn of(agents: Vec<Id>, agents_left_out: usize, mut remarks: Vec<Remark>) -> Self {
        remarks.sort_by(|a, b| (!a.is_loss, a.from_ms, &a.agent).cmp(&(!b.is_loss, b.from_ms, &b.agent)));
        let left_out = remarks.len().saturating_sub(REMARKS_MAX);
        remarks.truncate(REMARKS_MAX);
        remarks.sort_by(|a, b| (a.from_ms, &a.agent).cmp(&(b.from_ms, &b.agent)));
        let counted = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self { agents, agents_left_out: counted(agents_left_out), remarks, left_out: counted(left_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_in_order_of_time_and_losses_are_the_last_to_be_left_out() {
        let remark = |n: usize, is_loss| Remark {
            agent: Id::new("a").unwrap(),
            fact: "dropped".to_owned(),
            is_loss,
            from_ms: Instant::from_ms(i64::try_from(n).unwrap()),
            to_ms: None,
            says: String::new(),
        };
        let mut all: Vec<Remark> = (0..REMARKS_MAX).map(|n| remark(n, false)).collect();
        all.push(remark(REMARKS_MAX + 5, true));
        let quality = Quality::of(Vec::new(), 3, all);
        assert_eq!((quality.remarks.len(), quality.left_out, quality.agents_left_out), (REMARKS_MAX, 1, 3));
        assert!(quality.remarks.last().unwrap().is_loss && quality.remarks.is_sorted_by_key(|one| one.from_ms));
    }
}
