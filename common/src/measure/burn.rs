//! Section 10 of the rules: how fast the error budget burns over a look-back, and whether a target alerts.
//!
//! A look-back ends where the figures are measured to: now in a window that is open, its end in one that is closed, so
//! that what is said of a closed window does not change with the time of asking; the start of one that has not begun, and
//! then what is still to come of it counts for nothing. Each of its instants is committed or not
//! as in the target's window that holds it ([`holding`]), which may be the window before. A rolling window that is shorter
//! than a look-back is for that look-back as long as it. Rates are exact ratios; products are taken in 128 bits.

use jiff::tz::TimeZone;

use crate::catalogue::model::{AlertRule, WindowKind};
use crate::percent::{BILLION, WideRatio};
use crate::time::{Instant, Interval};

use super::availability::{Availability, Promise};
use super::kinds::{Account, Kinds};
use super::window::Window;

/// One alert of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertFigures {
    /// Its look-backs, and the factor that both must reach.
    pub rule: AlertRule,
    /// The burn rate over the long look-back; none without anything that counts.
    pub long_rate: Option<WideRatio>,
    /// That over the short one.
    pub short_rate: Option<WideRatio>,
    /// Observations reported `down` at committed instants of the short look-back.
    pub bad: u64,
    /// Whether it alerts.
    pub alerting: bool,
}

/// How fast a budget burns by one rule; whether that alerts depends on how many observations failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burn {
    rule: AlertRule,
    long_rate: Option<WideRatio>,
    short_rate: Option<WideRatio>,
    min_bad: u64,
    /// The committed time of the short look-back, in order: the failed observations in it count.
    pub committed: Vec<Interval>,
}

impl Burn {
    /// The alert, with so many observations reported `down` in the committed time.
    pub fn judged(&self, bad: u64) -> AlertFigures {
        let Self { rule, long_rate, short_rate, min_bad, .. } = *self;
        let burns = [long_rate, short_rate].into_iter().all(|rate| reaches(rate, &rule));
        AlertFigures { rule, long_rate, short_rate, bad, alerting: burns && bad >= min_bad }
    }
}

/// How a target is asked for its alerts.
#[derive(Clone, Copy, Debug)]
pub struct Alerting<'a> {
    /// Its rules.
    pub rules: &'a [AlertRule],
    /// How many failed observations the short look-back must hold.
    pub min_bad: u64,
    /// What it promises.
    pub promise: Promise,
    /// Its window.
    pub window: Window,
    /// The zone of its windows.
    pub zone: &'a TimeZone,
}

impl Alerting<'_> {
    /// The stretch that the longest look-back reaches over; none without rules.
    pub fn longest(&self) -> Option<Interval> {
        self.rules.iter().map(|rule| look_back(&self.window, rule.long_ms)).max_by_key(|span| span.len_ms())
    }

    /// The stretch in which failed observations may have to be counted; none without rules.
    pub fn longest_short(&self) -> Option<Interval> {
        self.rules.iter().map(|rule| look_back(&self.window, rule.short_ms)).max_by_key(|span| span.len_ms())
    }

    /// All windows that its look-backs touch, each once.
    pub fn windows(&self) -> Vec<Window> {
        let look_backs = self.rules.iter().flat_map(|rule| [rule.long_ms, rule.short_ms]);
        let mut windows: Vec<Window> = look_backs.flat_map(|ms| holding(&self.window, self.zone, ms)).collect();
        windows.sort_by_key(|window| (window.interval.start, window.interval.end));
        windows.dedup();
        windows
    }

    /// Every alert of the target. `account` accounts for a part of one of [`Self::windows`], and `bad` counts the observations
    /// reported `down` in committed time, given in order.
    pub fn figures<E>(
        &self,
        account: impl Fn(&Window, Interval) -> Account,
        mut bad: impl FnMut(&[Interval]) -> Result<u64, E>,
    ) -> Result<Vec<AlertFigures>, E> {
        self.burns(account).iter().map(|burn| Ok(burn.judged(bad(&burn.committed)?))).collect()
    }

    /// How fast the budget burns by each of its rules, for those who count failed observations together.
    pub fn burns(&self, account: impl Fn(&Window, Interval) -> Account) -> Vec<Burn> {
        let accounts = |look_back_ms: i64| -> Vec<Account> {
            let span = look_back(&self.window, look_back_ms);
            let windows = holding(&self.window, self.zone, look_back_ms);
            windows.iter().map(|window| account(window, window.elapsed().intersect(span))).collect()
        };
        let rate = |accounts: &[Account]| rate(&together(accounts), self.promise);
        let burn = |rule: &AlertRule| {
            let short = accounts(rule.short_ms);
            let (long_rate, short_rate) = (rate(&accounts(rule.long_ms)), rate(&short));
            Burn { rule: *rule, long_rate, short_rate, min_bad: self.min_bad, committed: committed(&short) }
        };
        self.rules.iter().map(burn).collect()
    }
}

/// The stretch of a look-back.
fn look_back(window: &Window, look_back_ms: i64) -> Interval {
    let end = window.elapsed().end;
    Interval::new(end.minus_ms(look_back_ms), end)
}

/// The windows that hold the instants of a look-back, the earliest first.
pub fn holding(window: &Window, zone: &TimeZone, look_back_ms: i64) -> Vec<Window> {
    let span = look_back(window, look_back_ms);
    if let WindowKind::Rolling { length_ms } = window.kind {
        let kind = WindowKind::Rolling { length_ms: length_ms.max(look_back_ms) };
        return vec![Window::holding(kind, zone, span.end, window.as_of)];
    }
    let mut windows = vec![*window];
    let mut start = window.interval.start;
    while span.start < start {
        let before = Window::holding(window.kind, zone, start.minus_ms(1), window.as_of);
        // The calendar has a first day, and before it there is nothing.
        if before.interval.start >= start || start <= Instant::MIN {
            break;
        }
        start = before.interval.start;
        windows.push(before);
    }
    windows.reverse();
    windows
}

/// What several accounts came to.
fn together(accounts: &[Account]) -> Kinds {
    let mut kinds = Kinds::default();
    for stretch in accounts.iter().flat_map(|account| &account.stretches) {
        kinds.add(stretch.kind, stretch.interval.len_ms());
    }
    kinds
}

/// The committed time of several accounts, which are in order.
fn committed(accounts: &[Account]) -> Vec<Interval> {
    let mut committed: Vec<Interval> = Vec::new();
    let stretches = accounts.iter().flat_map(|account| &account.stretches);
    for stretch in stretches.filter(|stretch| stretch.kind.is_committed()) {
        match committed.last_mut() {
            Some(last) if last.end == stretch.interval.start => last.end = stretch.interval.end,
            _ => committed.push(stretch.interval),
        }
    }
    committed
}

/// `(L / N) / (1 − t)`; none if nothing counts, or the target is 100 %.
fn rate(kinds: &Kinds, promise: Promise) -> Option<WideRatio> {
    let Availability { counted, lost, .. } = Availability::of(kinds, promise);
    let allowed = i128::from(BILLION - promise.target.parts());
    WideRatio::new(i128::from(lost) * i128::from(BILLION), i128::from(counted) * allowed)
}

fn reaches(rate: Option<WideRatio>, rule: &AlertRule) -> bool {
    rate.is_some_and(|rate| {
        let factor = i128::from(rule.factor.billionths()).checked_mul(rate.denominator());
        let rate = rate.numerator().checked_mul(i128::from(BILLION));
        matches!((rate, factor), (Some(rate), Some(factor)) if rate >= factor)
    })
}

#[cfg(test)]
#[path = "burn_tests.rs"]
mod tests;
