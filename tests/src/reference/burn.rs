//! Rule 10: how fast a budget is burnt, and when that alerts.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::committed::Mark;
use super::figures::{Ask, Unmeasured};
use super::{Out, Seen, St, fraction};

const BILLION: i128 = 1_000_000_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A pair of look-backs, in milliseconds, and the factor that both must reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The long look-back.
    pub long: i64,
    /// The short one.
    pub short: i64,
    /// The factor, as a fraction.
    pub factor: (i128, i128),
    /// Whether it is urgent.
    pub urgent: bool,
}

/// What a rule comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The rule.
    pub rule: Rule,
    /// The rate over the long look-back.
    pub long_rate: Option<(i128, i128)>,
    /// The rate over the short one.
    pub short_rate: Option<(i128, i128)>,
    /// Failures at committed instants of the short look-back.
    pub bad: u64,
    /// Whether it alerts.
    pub alerting: bool,
}

/// The rules of a target that names none, for a window of this length.
pub fn defaults(window_ms: i64, target_ppb: i64) -> Vec<Rule> {
    let scaled = |ms: i64| ms * window_ms / (30 * DAY_MS);
    let pair = |long, short, factor, urgent| Rule { long: scaled(long), short: scaled(short), factor, urgent };
    let four = [
        pair(HOUR_MS, 5 * MINUTE_MS, (72, 5), true),
        pair(6 * HOUR_MS, 30 * MINUTE_MS, (6, 1), true),
        pair(DAY_MS, 2 * HOUR_MS, (3, 1), false),
        pair(3 * DAY_MS, 6 * HOUR_MS, (1, 1), false),
    ];
    // A rate is 1 / (1 − t) when everything is lost, and never more.
    let reachable = |rule: &Rule| rule.factor.0 * (BILLION - i128::from(target_ppb)) <= rule.factor.1 * BILLION;
    four.into_iter().filter(reachable).collect()
}

/// What is known for look-backs: each function is asked for ticks.
pub struct Past<'a> {
    /// The target; its window is the one that holds now.
    pub ask: &'a Ask,
    /// Where look-backs end, in milliseconds: now, the end of a closed window, or the start of one that has not begun.
    pub now_ms: i64,
    /// The window that holds a tick, for a look-back of so many milliseconds.
    pub window_of: &'a dyn Fn(i64, i64) -> (i64, i64),
    /// What each tick of such a window is, by what was promised for it.
    pub marks_of: &'a dyn Fn((i64, i64)) -> Vec<Mark>,
    /// The service's state at a tick.
    pub state_of: &'a dyn Fn(i64) -> St,
    /// The settled observations of the service's probes, their times in ticks, one list for each vantage point.
    pub seen: &'a [Vec<Seen>],
    /// What the ticks of a window are, once it was asked.
    pub marks: RefCell<BTreeMap<(i64, i64), Vec<Mark>>>,
}

impl Past<'_> {
    /// What a rule comes to, with at least `min_bad` failures asked for.
    pub fn judge(&self, rule: Rule, min_bad: u64) -> Told {
        let (long_rate, short_rate) = (self.rate(rule.long), self.rate(rule.short));
        let bad = self.bad(rule.short);
        let reached = |rate: Option<(i128, i128)>| rate.is_some_and(|(a, b)| a * rule.factor.1 >= rule.factor.0 * b);
        let alerting = reached(long_rate) && reached(short_rate) && bad >= min_bad;
        Told { rule, long_rate, short_rate, bad, alerting }
    }

    /// The committed ticks of a look-back, each with how many of its milliseconds lie in it.
    fn committed(&self, back_ms: i64) -> Vec<(i64, i64)> {
        let (from_ms, tick_ms) = (self.now_ms - back_ms, self.ask.tick_ms);
        let mut all = Vec::new();
        let mut t = from_ms.div_euclid(tick_ms);
        while t * tick_ms < self.now_ms {
            let window = (self.window_of)(t, back_ms);
            let mut known = self.marks.borrow_mut();
            let marks = known.entry(window).or_insert_with(|| (self.marks_of)(window));
            for (tick, mark) in (window.0..window.1).zip(marks) {
                let within = ((tick + 1) * tick_ms).min(self.now_ms) - (tick * tick_ms).max(from_ms);
                // What is still to come is no part of what was measured.
                let has_been = tick < self.ask.now;
                if within > 0 && has_been && *mark == Mark::Committed {
                    all.push((tick, within));
                }
            }
            t = window.1;
        }
        all
    }

    /// `(L / N) / (1 − t)`.
    fn rate(&self, back_ms: i64) -> Option<(i128, i128)> {
        let (mut counted, mut lost) = (0, 0);
        for (tick, ms) in self.committed(back_ms) {
            let (counts, loses) = match ((self.state_of)(tick), self.ask.unmeasured) {
                (St::Up, _) | (St::Unmeasured, Unmeasured::CountAsUp) => (true, false),
                (St::Degraded, _) => (true, self.ask.degraded_is_lost),
                (St::Down, _) | (St::Unmeasured, Unmeasured::CountAsDown) => (true, true),
                (St::Unmeasured, Unmeasured::Exclude) => (false, false),
            };
            counted += if counts { i128::from(ms) } else { 0 };
            lost += if loses { i128::from(ms) } else { 0 };
        }
        fraction(lost * BILLION, counted * (BILLION - i128::from(self.ask.target_ppb)))
    }

    fn bad(&self, back_ms: i64) -> u64 {
        let committed = self.committed(back_ms);
        let at = |one: &&Seen| {
            one.at * self.ask.tick_ms >= self.now_ms - back_ms && committed.iter().any(|(tick, _)| *tick == one.at)
        };
        self.seen.iter().flatten().filter(|one| one.out == Out::Down).filter(at).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::super::committed::{Figure, Terms, Work};
    use super::*;

    #[test]
    fn the_defaults_of_thirty_days_of_less_and_of_modest_targets() {
        let four = defaults(30 * DAY_MS, 999_000_000);
        let long: Vec<i64> = four.iter().map(|rule| rule.long / HOUR_MS).collect();
        let short: Vec<i64> = four.iter().map(|rule| rule.short / MINUTE_MS).collect();
        assert_eq!((long, short), (vec![1, 6, 24, 72], vec![5, 30, 120, 360]));
        assert_eq!(four.iter().map(|rule| rule.urgent).collect::<Vec<_>>(), [true, true, false, false]);
        // 5 min × 1 d / 30 d = 10 s; 1 h × 1000 ms / 30 d = 1.38 ms.
        assert_eq!(defaults(DAY_MS, 999_000_000)[0].short, 10_000);
        assert_eq!(defaults(1000, 999_000_000)[0].long, 1);
        // 90 % can burn ten times as fast as allowed, and 14.4 times is out of reach; 6 times is not.
        assert_eq!(defaults(30 * DAY_MS, 900_000_000).len(), 3);
        assert_eq!(defaults(30 * DAY_MS, 0).len(), 1);
        assert_eq!(defaults(30 * DAY_MS, 1_000_000_000).len(), 4);
    }

    /// A target of 90 % over ticks of 10 ms, in windows of 10 ticks, at 200 ms; the last ten ticks are down but one.
    fn told(terms: Terms, rule: Rule, seen: &[Seen]) -> Told {
        let ask = Ask { window: (20, 30), now: 20, terms, target_ppb: 900_000_000, tick_ms: 10, ..Ask::default() };
        let state = |t: i64| if t >= 10 && t != 15 { St::Down } else { St::Up };
        let window = |t: i64, _| (t.div_euclid(10) * 10, t.div_euclid(10) * 10 + 10);
        let (seen, marks) = ([seen.to_vec()], RefCell::default());
        let marks_of = |window| ask.terms.marks(window, Figure::Contractual);
        Past { ask: &ask, now_ms: 200, window_of: &window, marks_of: &marks_of, state_of: &state, seen: &seen, marks }
            .judge(rule, 2)
    }

    fn rule(long: i64, short: i64) -> Rule {
        Rule { long, short, factor: (5, 1), urgent: true }
    }

    #[test]
    fn rates_by_hand() {
        let seen = [Seen::new(14, Out::Down), Seen::new(17, Out::Down), Seen::new(19, Out::Down)];
        // Of the last 155 ms 90 are lost: (90 / 155) / 0.1. Of the last 25 ms all: 10 times what is allowed.
        let both = told(Terms::default(), rule(155, 35), &seen);
        assert_eq!((both.long_rate, both.short_rate, both.bad), (Some((180, 31)), Some((10, 1)), 2));
        assert!(both.alerting);
        // An observation that began before the look-back is not in it, even if its tick is.
        let one = told(Terms::default(), rule(155, 25), &seen);
        assert_eq!((one.bad, one.alerting), (1, false), "too few failures");
        // Of 180 ms a half is lost, which is exactly five times a tenth.
        assert_eq!(told(Terms::default(), rule(180, 40), &seen).long_rate, Some((5, 1)));
        assert!(told(Terms::default(), rule(180, 40), &seen).alerting, "reached is enough");
        assert!(!told(Terms::default(), rule(181, 40), &seen).alerting);
    }

    #[test]
    fn each_instant_is_committed_as_in_its_own_window() {
        let seen = [Seen::new(14, Out::Down), Seen::new(17, Out::Down), Seen::new(19, Out::Down)];
        let maintenance = vec![Work { start: 0, end: 20, announced: 0 }];
        let terms = Terms { maintenance, allowance: Some(8), ..Terms::default() };
        // Each window of ten ticks takes its first eight: 8 and 9, 18 and 19 are left, of which two are lost.
        let told = told(terms, rule(200, 30), &seen);
        assert_eq!((told.long_rate, told.short_rate, told.bad), (Some((5, 1)), Some((10, 1)), 1));
        assert!(told.rule.long == 200 && !told.alerting);
    }

    #[test]
    fn nothing_committed_has_no_rate() {
        let told = told(Terms { entry: 20, ..Terms::default() }, rule(100, 10), &[]);
        assert_eq!((told.long_rate, told.short_rate, told.alerting), (None, None, false));
    }
}
