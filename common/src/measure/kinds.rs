//! Section 6 of the rules: every instant of a window belongs to one of seven kinds, and the kinds add up to it.
//!
//! What is not committed was said before anybody looked at the service's state ([`super::committed`]); of what is, the
//! state says the kind.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::observation::State;
use crate::time::{Instant, Interval};

use super::committed::Cover;
use super::timeline::Timeline;

/// What an instant of a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Outside the agreed service time, or before the service's entry into the catalogue.
    NotAgreed,
    /// Planned maintenance that counts as such.
    Maintenance,
    /// Excluded by agreement.
    Excluded,
    /// Committed, and up.
    Up,
    /// Committed, and degraded.
    Degraded,
    /// Committed, and down.
    Down,
    /// Committed, and not measured.
    Unmeasured,
}

impl Kind {
    /// Whether it belongs to the committed time.
    pub const fn is_committed(self) -> bool {
        matches!(self, Self::Up | Self::Degraded | Self::Down | Self::Unmeasured)
    }

    /// As the figures write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAgreed => "not_agreed",
            Self::Maintenance => "maintenance",
            Self::Excluded => "excluded",
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unmeasured => "unmeasured",
        }
    }
}

impl From<State> for Kind {
    fn from(state: State) -> Self {
        match state {
            State::Up => Self::Up,
            State::Degraded => Self::Degraded,
            State::Unmeasured => Self::Unmeasured,
            State::Down => Self::Down,
        }
    }
}

/// How long each kind lasted, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kinds {
    /// Outside the agreed service time.
    pub not_agreed: i64,
    /// Planned maintenance.
    pub maintenance: i64,
    /// Excluded by agreement.
    pub excluded: i64,
    /// Committed and up.
    pub up: i64,
    /// Committed and degraded.
    pub degraded: i64,
    /// Committed and down.
    pub down: i64,
    /// Committed and not measured.
    pub unmeasured: i64,
}

impl Kinds {
    /// Adds a stretch.
    pub fn add(&mut self, kind: Kind, ms: i64) {
        let total = match kind {
            Kind::NotAgreed => &mut self.not_agreed,
            Kind::Maintenance => &mut self.maintenance,
            Kind::Excluded => &mut self.excluded,
            Kind::Up => &mut self.up,
            Kind::Degraded => &mut self.degraded,
            Kind::Down => &mut self.down,
            Kind::Unmeasured => &mut self.unmeasured,
        };
        *total += ms;
    }

    /// All seven together.
    pub const fn total(&self) -> i64 {
        self.not_agreed + self.maintenance + self.excluded + self.committed()
    }

    /// `C`: the four committed kinds together.
    pub const fn committed(&self) -> i64 {
        self.up + self.degraded + self.down + self.unmeasured
    }
}

/// A stretch of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindStretch {
    /// When.
    pub interval: Interval,
    /// What it is.
    pub kind: Kind,
}

/// A window, or the part of it that has been, as stretches of the seven kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What is accounted for.
    pub interval: Interval,
    /// The stretches, in order, without holes and without equal neighbours.
    pub stretches: Vec<KindStretch>,
    /// How long each kind lasted.
    pub kinds: Kinds,
}

impl Account {
    /// Accounts for `interval`: before `entry` nothing was agreed, after it the states say what the time was.
    pub fn of(interval: Interval, entry: Instant, states: &Timeline) -> Self {
        Self::over(interval, &Cover::agreed(interval, entry, None), states)
    }

    /// Accounts for `interval`, which `cover` holds: where it is committed the states say what the time was.
    pub fn over(interval: Interval, cover: &Cover, states: &Timeline) -> Self {
        let mut account = Self { interval, stretches: Vec::new(), kinds: Kinds::default() };
        let seen = states.stretches();
        let mut place = seen.partition_point(|stretch| stretch.interval.end <= interval.start);
        for (part, standing) in cover.within(interval) {
            if let Some(kind) = standing.kind() {
                account.push(part, kind);
                continue;
            }
            let mut at = part.start;
            while let Some(stretch) = seen.get(place).filter(|stretch| stretch.interval.start < part.end) {
                let inside = stretch.interval.intersect(part);
                if !inside.is_empty() {
                    account.push(Interval::new(at, inside.start), Kind::Unmeasured);
                    account.push(inside, Kind::from(stretch.state));
                    at = inside.end;
                }
                if stretch.interval.end > part.end {
                    break;
                }
                place += 1;
            }
            account.push(Interval::new(at, part.end), Kind::Unmeasured);
        }
        debug_assert_eq!(account.kinds.total(), interval.len_ms(), "the seven kinds add up to what is accounted for");
        account
    }

    fn push(&mut self, interval: Interval, kind: Kind) {
        if interval.is_empty() {
            return;
        }
        self.kinds.add(kind, interval.len_ms());
        match self.stretches.last_mut() {
            Some(last) if last.kind == kind && last.interval.end == interval.start => last.interval.end = interval.end,
            _ => self.stretches.push(KindStretch { interval, kind }),
        }
    }

    /// How long each kind lasted inside `part`: a breakdown, which never changes a total.
    pub fn kinds_within(&self, part: Interval) -> Kinds {
        let mut kinds = Kinds::default();
        for stretch in self.within(part) {
            kinds.add(stretch.kind, stretch.interval.intersect(part).len_ms());
        }
        kinds
    }

    /// The stretches that `part` touches, whole.
    pub fn within(&self, part: Interval) -> impl Iterator<Item = &KindStretch> {
        let first = self.stretches.partition_point(|s| s.interval.end <= part.start);
        self.stretches.iter().skip(first).take_while(move |s| s.interval.start < part.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> Interval {
        Interval::new(Instant::from_ms(start), Instant::from_ms(end))
    }

    #[test]
    fn the_kinds_add_up_in_the_whole_and_in_every_part() {
        let mut states = Timeline::constant(span(0, 40), State::Up);
        states.push(span(40, 55), State::Down);
        states.push(span(55, 70), State::Degraded);
        let account = Account::of(span(-20, 100), Instant::from_ms(10), &states);
        let expected = Kinds { not_agreed: 30, up: 30, down: 15, degraded: 15, unmeasured: 30, ..Kinds::default() };
        assert_eq!(account.kinds, expected);
        for cut in -20..=100 {
            let (a, b) = (account.kinds_within(span(-20, cut)), account.kinds_within(span(cut, 100)));
            assert_eq!(a.total() + b.total(), 120);
            assert_eq!((a.down + b.down, a.not_agreed + b.not_agreed), (15, 30));
        }
        let before = Account::of(span(-20, 5), Instant::from_ms(10), &states);
        assert_eq!(before.kinds, Kinds { not_agreed: 25, ..Kinds::default() });
    }
}
