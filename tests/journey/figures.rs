//! Reading the figures of the shop's one target, and the incidents, out of their JSON.

use serde_json::Value;

use crate::world::Done;

/// The figures of the shop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures(pub(crate) Value);

/// A stretch of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) kind: String,
}

impl Figures {
    /// The contractual figures of the shop's target.
    pub(crate) fn contractual(&self) -> &Value {
        &self.0["targets"]["shop-sla/availability"]["contractual"]
    }

    pub(crate) fn number(&self, key: &str) -> i64 {
        self.contractual()[key].as_i64().unwrap_or_else(|| panic!("no {key} in {}", self.0))
    }

    pub(crate) fn as_of(&self) -> i64 {
        self.0["as_of_ms"].as_i64().unwrap()
    }

    /// The breaks: start, end, committed length.
    pub(crate) fn breaks(&self) -> Vec<[i64; 3]> {
        serde_json::from_value(self.contractual()["breaks"].clone()).unwrap()
    }

    /// The one break that there is.
    pub(crate) fn only_break(&self) -> [i64; 3] {
        match self.breaks().as_slice() {
            [one] => *one,
            other => panic!("one break is expected, not {other:?}; the stretches are {:?}", self.stretches()),
        }
    }

    /// What the time since the service's first observation was.
    pub(crate) fn stretches(&self) -> Vec<Stretch> {
        let all: Vec<(i64, i64, String)> = serde_json::from_value(self.contractual()["stretches"].clone()).unwrap();
        let seen = |kind: &str| ["up", "degraded", "down"].contains(&kind);
        let all = all.into_iter().skip_while(|(_, _, kind)| !seen(kind));
        all.map(|(start, end, kind)| Stretch { start, end, kind }).collect()
    }

    /// The stretches after the first observation that nobody saw, but for one that has not ended yet.
    pub(crate) fn holes(&self) -> Vec<Stretch> {
        let as_of = self.as_of();
        let unmeasured = |s: &Stretch| s.kind == "unmeasured" && s.end < as_of;
        self.stretches().into_iter().filter(unmeasured).collect()
    }
}

/// The incidents with this cause.
pub(crate) fn with_cause(incidents: &[Value], cause: &str) -> Vec<Value> {
    incidents.iter().filter(|incident| incident["cause"] == cause).cloned().collect()
}

/// Whether `at` lies between `early` before and `late` after what was done.
#[track_caller]
pub(crate) fn assert_near(what: &str, at: i64, done: Done, early: i64, late: i64) {
    let (from, to) = (done.before - early, done.after + late);
    assert!(
        (from..=to).contains(&at),
        "{what} is at {at}, which is {} ms after the earliest and {} ms before the latest that it may be",
        at - from,
        to - at
    );
}
