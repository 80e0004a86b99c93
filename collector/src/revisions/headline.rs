//! The figures that a revision names: read from the very block that it vouches for, so that no figure is computed twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uphold_common::ids::ProbeId;
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::capacity::CapacityState;
use uphold_common::measure::kinds::Kinds;
use uphold_common::time::Instant;
use utoipa::ToSchema;

/// The figures that a revision names. Those of another kind of target are null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Headline {
    /// The availability that counts.
    pub contractual: Option<Figure>,
    /// Had nothing been excluded.
    pub without_exclusions: Option<Figure>,
    /// Over the whole agreed service time.
    pub experienced: Option<Figure>,
    /// The credit that was earned, in percent.
    pub credit: Option<String>,
    /// The response time.
    pub response: Option<Response>,
    /// The capacity.
    pub capacity: Option<Capacity>,
}

/// One of the three figures of an availability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(non_snake_case, reason = "the names of the rules stand in the contract as they are")]
pub struct Figure {
    /// How long each kind lasted, in milliseconds.
    pub kinds: Kinds,
    /// What counted.
    pub N: i64,
    /// What was lost of it.
    pub L: i64,
    /// The availability, exactly.
    pub A: Option<String>,
    /// As it is printed.
    pub A_percent: Option<String>,
    /// Whether the promise was kept.
    pub verdict: Verdict,
    /// Whether what was not measured could turn that round.
    pub not_proven: bool,
    /// How many breaks there were.
    pub break_count: u64,
    /// The longest.
    pub longest_break_ms: Option<i64>,
    /// The downtime that each probe is charged with.
    pub charges_ms: BTreeMap<ProbeId, i64>,
}

/// The response time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RevisedResponse)]
pub struct Response {
    /// Observations that counted.
    pub n: u64,
    /// Which of them is the percentile, from the quickest.
    pub rank: Option<u64>,
    /// How long that one took.
    pub value_us: Option<u32>,
    /// Whether the promise was kept.
    pub verdict: Verdict,
}

/// The capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RevisedCapacity)]
pub struct Capacity {
    /// Readings that counted.
    pub n: u64,
    /// The percentile of their utilisations, in parts per billion.
    pub percentile_ppb: Option<i64>,
    /// As it is printed.
    pub percentile_percent: Option<String>,
    /// What it says.
    pub state: CapacityState,
    /// How long the warning was reached.
    pub warning_ms: Option<i64>,
    /// How long the critical threshold was reached.
    pub critical_ms: Option<i64>,
    /// How long nobody knows.
    pub unmeasured_ms: i64,
}

/// What is read of a block: the keys of the contract.
#[derive(Deserialize)]
struct Block {
    window: BlockWindow,
    #[serde(flatten)]
    headline: Headline,
}

#[derive(Deserialize)]
struct BlockWindow {
    kind: String,
    start_ms: Instant,
    end_ms: Instant,
}

/// The window and the headline of a target's block in the figures, given as JSON.
pub fn read(block: &[u8]) -> Result<(super::model::RevisedWindow, Headline), serde_json::Error> {
    let Block { window, headline } = serde_json::from_slice(block)?;
    let BlockWindow { kind, start_ms, end_ms } = window;
    Ok((super::model::RevisedWindow { kind, start_ms, end_ms }, headline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_what_the_block_says_and_keys_that_come_later_are_passed_over() {
        let block = r#"{"window":{"kind":"day","start_ms":1,"end_ms":2,"open":false},"response":{"probe":"web","n":3,
            "rank":2,"value_us":412503,"verdict":"met","later":1}}"#;
        let (window, headline) = read(block.as_bytes()).unwrap();
        assert_eq!((window.kind.as_str(), window.end_ms), ("day", Instant::from_ms(2)));
        let response = Response { n: 3, rank: Some(2), value_us: Some(412_503), verdict: Verdict::Met };
        assert_eq!(headline, Headline { response: Some(response), ..Headline::default() });
        assert!(read(b"{}").is_err());
    }
}
