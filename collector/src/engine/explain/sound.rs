//! Whether what is listed of a target adds up, and to the very figures that are given out.

use serde_json::Value;
use uphold_common::explain::document::WhichFigure;
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;

use super::super::Engine;
use super::super::query::{FiguresQuery, QueryError};
use super::{Evidence, ExplainQuery};
use crate::store::{StoreError, Verified};

impl Engine {
    /// Holds what the figures of a target are made of against them.
    pub(in crate::engine) fn verify_explained(
        &mut self,
        service: &Id,
        target: &str,
        told: &Value,
        now: Instant,
        verified: &mut Verified,
    ) -> Result<(), StoreError> {
        let Ok(target) = TargetId::try_from(target.to_owned()) else { return Ok(()) };
        let figures = FiguresQuery { service: service.clone(), window: None, at: None, as_of: None, timelines: false };
        let mut query = ExplainQuery { figures, target, which: WhichFigure::Contractual };
        // Only an availability has three figures.
        let all = if told["contractual"].is_object() { &WhichFigure::WORDS[..] } else { &WhichFigure::WORDS[..1] };
        for (word, which) in all {
            query.which = *which;
            let made = match self.explained(&query, now, now, Evidence::None) {
                Ok(made) => made,
                Err(QueryError::Store(StoreError::Corrupt { place, reason })) => {
                    verified.find(place, reason);
                    return Ok(());
                }
                Err(QueryError::Store(failed)) => return Err(failed),
                Err(error) => {
                    verified.find(format!("what {} is made of", query.target), error.to_string());
                    return Ok(());
                }
            };
            let place = || format!("what {} is made of, {word}", query.target);
            made.broken().into_iter().for_each(|law| verified.find(place(), law));
            if !is_of(&serde_json::to_value(&made).unwrap_or_default(), told, word) {
                verified.find(place(), "what is listed is not what the figures say");
            }
        }
        Ok(())
    }
}

/// Whether what is listed is what the figures say.
fn is_of(made: &Value, told: &Value, word: &str) -> bool {
    let same = |listed: &str, figure: &str| match (made.pointer(listed), told.pointer(figure)) {
        (Some(listed), Some(figure)) => listed == figure,
        _ => false,
    };
    if told[word].is_object() {
        same("/availability/sums/figure", &format!("/{word}/kinds"))
            && same("/availability/sums/charges_ms", &format!("/{word}/charges_ms"))
            && ["N", "L", "A", "verdict"]
                .iter()
                .all(|key| same(&format!("/availability/reckoning/{key}"), &format!("/{word}/{key}")))
    } else if told["response"].is_object() {
        ["n", "within", "failed", "unknown", "no_duration"]
            .iter()
            .all(|key| same(&format!("/response/counted/{key}"), &format!("/response/{key}")))
            && same("/response/value_us", "/response/value_us")
    } else {
        ["n", "rank", "percentile_ppb", "state", "committed_ms"]
            .iter()
            .all(|key| same(&format!("/capacity/{key}"), &format!("/capacity/{key}")))
    }
}
