//! Whether what was derived is sound: kept days against their rows, and the laws that figures obey among themselves.

use serde_json::Value;
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Engine;
use super::query::{FiguresQuery, QueryError};
use crate::store::{StoreError, Verified};
use crate::timeline::recheck;

/// How many kept days of a vantage point are derived anew unless all are asked for.
const DAYS_SAMPLED: usize = 4;
/// The ways in which availability is counted.
const BLOCKS: [&str; 3] = ["contractual", "without_exclusions", "experienced"];

impl Engine {
    /// Derives kept days anew, a sample or `all` of them, and holds every target's figures against their laws.
    pub fn verify(&mut self, all: bool, now: Instant, verified: &mut Verified) -> Result<(), StoreError> {
        self.drop_touched()?;
        self.verify_kept(all, verified)?;
        for service in self.catalogue().services.keys() {
            self.verify_figures(service, now, verified)?;
        }
        Ok(())
    }

    fn verify_kept(&self, all: bool, verified: &mut Verified) -> Result<(), StoreError> {
        let courses = &self.in_force.courses;
        // Of the first day the rows before it may be gone, and with them what it was derived from.
        let first = self.store.stats().first_day.map_or(i64::MIN, |day| i64::from(day) + 1);
        let most = if all { usize::MAX } else { DAYS_SAMPLED };
        for point in self.store.vantage_points() {
            let Some(law) = courses.law(&point.probe) else { continue };
            let (count, wrong) = recheck::recheck(self.store.as_ref(), &point, law, first, most)?;
            (0..count).for_each(|_| verified.look("kept days of vantage points", 0));
            for day in wrong {
                let what = "what is kept is not what its rows say today; they changed, or what is kept did";
                verified.find(format!("day {day} of {point}"), what);
            }
        }
        Ok(())
    }

    fn verify_figures(&mut self, service: &Id, now: Instant, verified: &mut Verified) -> Result<(), StoreError> {
        let query = FiguresQuery { service: service.clone(), window: None, at: None, as_of: None, timelines: false };
        let document = match self.figures(&query, now, now) {
            Ok(document) => serde_json::from_slice::<Value>(&document),
            Err(QueryError::Store(StoreError::Corrupt { place, reason })) => {
                verified.find(place, reason);
                return Ok(());
            }
            Err(QueryError::Store(failed)) => return Err(failed),
            Err(error) => {
                verified.find(format!("the figures of {service}"), error.to_string());
                return Ok(());
            }
        };
        let targets = document.ok().and_then(|mut document| document["targets"].as_object_mut().map(std::mem::take));
        for (target, figures) in targets.into_iter().flatten() {
            verified.look("targets", 0);
            for block in BLOCKS.into_iter().filter(|block| figures[*block].is_object()) {
                for law in broken(&figures[block]) {
                    verified.find(format!("target {target}, {block}"), law);
                }
            }
            self.verify_explained(service, &target, &figures, now, verified)?;
        }
        Ok(())
    }
}

/// The laws that figures of an availability break.
fn broken(figures: &Value) -> Vec<String> {
    let number = |key: &str| figures[key].as_i64().unwrap_or_default();
    let kind = |of: &Value, name: &str| of["kinds"][name].as_i64().unwrap_or_default();
    let mut broken = Vec::new();
    let mut law = |holds: bool, says: &str| {
        if !holds {
            broken.push(format!("{says}, and that is not so"));
        }
    };
    law(number("C") == number("U") + number("N"), "committed time is unmeasured or counts");
    law((0..=number("N")).contains(&number("L")), "no more is lost than counts");
    law(number("D") + number("G") <= number("N"), "what is down or degraded counts");
    let percent = |key: &str| figures[key].as_str().map(|text| text.parse::<f64>().unwrap_or(f64::NAN));
    for key in ["A_percent", "A_min_percent", "A_max_percent", "coverage_percent"] {
        law(percent(key).is_none_or(|share| (0.0..=100.0).contains(&share)), &format!("{key} lies within 0 and 100"));
    }
    let days = figures["days"].as_array().map_or(&[][..], Vec::as_slice);
    for name in figures["kinds"].as_object().into_iter().flatten().map(|(name, _)| name) {
        let sum: i64 = days.iter().map(|day| kind(day, name)).sum();
        law(sum == kind(figures, name), &format!("what is {name} on its days adds up to the window's"));
    }
    let breaks = figures["breaks"].as_array().map_or(0, Vec::len);
    law(figures["break_count"].as_u64() == Some(breaks as u64), "every break is counted once");
    broken
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_that_do_not_add_up_break_a_law() {
        let sound = || {
            json!({
                "C": 100, "U": 10, "N": 90, "D": 5, "G": 5, "L": 5, "A_percent": "94.44", "A_min_percent": null,
                "break_count": 1, "breaks": [[0, 5, 5]], "kinds": { "up": 80, "down": 5 },
                "days": [{ "kinds": { "up": 30, "down": 5 } }, { "kinds": { "up": 50, "down": 0 } }],
            })
        };
        assert_eq!(broken(&sound()), Vec::<String>::new());
        for (key, value) in [
            ("U", json!(11)),
            ("L", json!(91)),
            ("L", json!(-1)),
            ("D", json!(86)),
            ("A_percent", json!("100.01")),
            ("A_min_percent", json!("?")),
            ("break_count", json!(2)),
            ("kinds", json!({ "up": 81, "down": 5 })),
        ] {
            let mut figures = sound();
            figures[key] = value;
            assert_eq!(broken(&figures).len(), 1, "{key}: {:?}", broken(&figures));
        }
    }
}
