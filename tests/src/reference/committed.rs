//! Rule 6: which instants of a window are committed, and what the others are.

use super::calendar::Calendar;

/// Which of the three figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Figure {
    /// With maintenance and exclusions.
    #[default]
    Contractual,
    /// With maintenance alone.
    WithoutExclusions,
    /// With neither.
    Experienced,
}

/// Planned maintenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// When it begins.
    pub start: i64,
    /// When it ends.
    pub end: i64,
    /// When it was announced.
    pub announced: i64,
}

/// What a target is counted by. Times and lengths are ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// When the service entered the catalogue.
    pub entry: i64,
    /// The stretches of a calendar; none is always.
    pub agreed: Option<Vec<(i64, i64)>>,
    /// Maintenance on record, announced early enough or not.
    pub maintenance: Vec<Work>,
    /// How long before its start maintenance must be announced.
    pub min_notice: i64,
    /// How much agreed time of a window maintenance may take; none is as much as it likes.
    pub allowance: Option<i64>,
    /// What was agreed not to count.
    pub exclusions: Vec<(i64, i64)>,
}

/// What an instant is, whatever the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Outside the agreed service time, or before the entry.
    NotAgreed,
    /// Planned maintenance.
    Maintenance,
    /// Excluded by agreement.
    Excluded,
    /// What is left.
    Committed,
}

impl Terms {
    /// What each tick of a window is, from its first to its last.
    pub fn marks(&self, window: (i64, i64), figure: Figure) -> Vec<Mark> {
        let agreed = match &self.agreed {
            Some(stretches) => painted(window, stretches.iter().copied()),
            None => painted(window, [window].into_iter()),
        };
        let eligible = self.maintenance.iter().filter(|work| work.announced <= work.start - self.min_notice);
        let worked_on = painted(window, eligible.map(|work| (work.start, work.end)));
        let excluded = painted(window, self.exclusions.iter().copied());
        let mut left = self.allowance;
        let mut marks = Vec::new();
        for (t, ((agreed, worked_on), excluded)) in (window.0..).zip(agreed.into_iter().zip(worked_on).zip(excluded)) {
            marks.push(if t < self.entry || !agreed {
                Mark::NotAgreed
            } else if figure != Figure::Experienced && worked_on && left != Some(0) {
                left = left.map(|left| left - 1);
                Mark::Maintenance
            } else if figure == Figure::Contractual && excluded {
                Mark::Excluded
            } else {
                Mark::Committed
            });
        }
        marks
    }
}

/// For each tick of a window, whether any of the stretches holds it.
fn painted(window: (i64, i64), stretches: impl Iterator<Item = (i64, i64)>) -> Vec<bool> {
    let mut ticks = vec![false; usize::try_from(window.1 - window.0).unwrap_or(0)];
    for (from, to) in stretches {
        for t in from.max(window.0)..to.min(window.1) {
            ticks[usize::try_from(t - window.0).expect("a tick of the window")] = true;
        }
    }
    ticks
}

/// The stretches of a calendar in ticks, for [`Terms::agreed`].
pub fn agreed_ticks(calendar: &Calendar, window: (i64, i64), tick_ms: i64) -> Vec<(i64, i64)> {
    let stretches = calendar.agreed((window.0 * tick_ms, window.1 * tick_ms)).into_iter();
    stretches.map(|(from, to)| (from.div_euclid(tick_ms), to.div_euclid(tick_ms))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a tick of 0 to 19: not agreed `-`, `M`aintenance, e`X`cluded, `c`ommitted.
    fn told(terms: &Terms, figure: Figure) -> String {
        let letter = |mark| match mark {
            Mark::NotAgreed => '-',
            Mark::Maintenance => 'M',
            Mark::Excluded => 'X',
            Mark::Committed => 'c',
        };
        terms.marks((0, 20), figure).into_iter().map(letter).collect()
    }

    fn work(start: i64, end: i64, announced: i64) -> Work {
        Work { start, end, announced }
    }

    #[test]
    fn the_first_that_applies() {
        let terms = Terms {
            entry: 2,
            agreed: Some(vec![(0, 12), (14, 20)]),
            maintenance: vec![work(4, 8, 0)],
            exclusions: vec![(6, 13), (18, 30)],
            ..Terms::default()
        };
        assert_eq!(told(&terms, Figure::Contractual), "--ccMMMMXXXX--ccccXX");
        assert_eq!(told(&terms, Figure::WithoutExclusions), "--ccMMMMcccc--cccccc");
        assert_eq!(told(&terms, Figure::Experienced), "--cccccccccc--cccccc");
    }

    #[test]
    fn notice_is_counted_to_the_start_of_the_maintenance_itself() {
        let notice = |announced| Terms { maintenance: vec![work(-5, 3, announced)], min_notice: 4, ..Terms::default() };
        assert_eq!(told(&notice(-9), Figure::Contractual), "MMMccccccccccccccccc");
        assert_eq!(told(&notice(-8), Figure::Contractual), "cccccccccccccccccccc");
    }

    #[test]
    fn the_allowance_counts_agreed_time_of_the_union_from_the_earliest_on() {
        let terms = Terms {
            agreed: Some(vec![(4, 20)]),
            // The first is too late and takes nothing; the two others overlap from 8 to 10.
            maintenance: vec![work(14, 20, 13), work(8, 12, 0), work(2, 10, 0)],
            min_notice: 2,
            allowance: Some(5),
            exclusions: vec![(8, 10)],
            ..Terms::default()
        };
        // 2 and 3 are not agreed and take nothing; five ticks from 4 on; 9 is no maintenance any more, but excluded.
        assert_eq!(told(&terms, Figure::Contractual), "----MMMMMXcccccccccc");
        let none = Terms { allowance: Some(0), ..terms };
        assert_eq!(told(&none, Figure::WithoutExclusions), "----cccccccccccccccc");
    }
}
