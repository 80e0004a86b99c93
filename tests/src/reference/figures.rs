//! Rules 6 to 8 and the budget of rule 10: the seven kinds, availability, breaks.

use std::collections::BTreeMap;

use super::committed::{Figure, Mark, Terms};
use super::service::{Expr, place, turns};
use super::{St, fraction};

/// One billion: targets are whole parts of it.
const BILLION: i128 = 1_000_000_000;

/// How a target counts unmeasured time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmeasured {
    /// Neither way.
    #[default]
    Exclude,
    /// As lost.
    CountAsDown,
    /// As not lost.
    CountAsUp,
}

/// What a window is measured for. Times are ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The window, half open.
    pub window: (i64, i64),
    /// Now.
    pub now: i64,
    /// Entry, calendar, maintenance, exclusions.
    pub terms: Terms,
    /// Which of the three figures.
    pub figure: Figure,
    /// Whether degraded time is lost.
    pub degraded_is_lost: bool,
    /// How unmeasured time counts.
    pub unmeasured: Unmeasured,
    /// The target in parts per billion.
    pub target_ppb: i64,
    /// How many milliseconds a tick is.
    pub tick_ms: i64,
}

/// What an instant of a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Outside the agreed service time.
    NotAgreed,
    /// Planned maintenance.
    Maintenance,
    /// Excluded by agreement.
    Excluded,
    /// Committed, in this state.
    Committed(St),
}

/// A window's figures, lengths in milliseconds, ratios in lowest terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Not agreed, maintenance, excluded, up, degraded, down, unmeasured: in this order.
    pub kinds: [i64; 7],
    /// C: committed.
    pub committed: i64,
    /// U: committed and unmeasured.
    pub unmeasured: i64,
    /// D: committed and down.
    pub down: i64,
    /// G: committed and degraded.
    pub degraded: i64,
    /// N: what availability is a share of.
    pub counted: i64,
    /// L: what of it is lost.
    pub lost: i64,
    /// A.
    pub availability: Option<(i128, i128)>,
    /// The least it can have been.
    pub availability_min: Option<(i128, i128)>,
    /// The most it can have been.
    pub availability_max: Option<(i128, i128)>,
    /// The share that was measured.
    pub coverage: Option<(i128, i128)>,
    /// Met or not; none without data.
    pub met: Option<bool>,
    /// Whether the bounds lie on different sides of the target.
    pub not_proven: bool,
    /// Each break: start and end in milliseconds, committed length.
    pub breaks: Vec<(i64, i64, i64)>,
    /// Mean time to restore service.
    pub mtrs: Option<(i128, i128)>,
    /// Mean time between failures.
    pub mtbf: Option<(i128, i128)>,
    /// Mean time between service incidents.
    pub mtbsi: Option<(i128, i128)>,
    /// N over the whole window.
    pub counted_whole: i64,
    /// The error budget.
    pub budget: i64,
    /// What of it is left.
    pub remaining: i64,
}

impl Ask {
    /// Whether a loss of `lost` out of `whole` keeps the target.
    fn keeps(&self, lost: i64, whole: i64) -> bool {
        i128::from(lost) * BILLION <= (BILLION - i128::from(self.target_ppb)) * i128::from(whole)
    }
}

/// The figures of a window. `states` are the service's, one for each tick of the window; those from now on are not
/// looked at.
pub fn figures(ask: &Ask, states: &[St]) -> Figures {
    let marks = ask.terms.marks(ask.window, ask.figure);
    let kind = |(mark, state): (&Mark, &St)| match mark {
        Mark::NotAgreed => Kind::NotAgreed,
        Mark::Maintenance => Kind::Maintenance,
        Mark::Excluded => Kind::Excluded,
        Mark::Committed => Kind::Committed(*state),
    };
    let kinds = (ask.window.0..).zip(marks.iter().zip(states).map(kind));
    let kinds: Vec<(i64, Kind)> = kinds.take_while(|(t, _)| *t < ask.now).collect();
    let mut told = Figures { kinds: count(&kinds, ask.tick_ms), ..Figures::default() };
    let [_, _, _, up, degraded, down, unmeasured] = told.kinds;
    (told.degraded, told.down, told.unmeasured) = (degraded, down, unmeasured);
    told.committed = up + degraded + down + unmeasured;
    availability(ask, &mut told);
    breaks(ask, &kinds, &mut told);

    let ahead = (ask.window.0..).zip(&marks).filter(|(t, mark)| *t >= ask.now && **mark == Mark::Committed);
    told.counted_whole = told.counted + (ahead.count() as i64) * ask.tick_ms;
    let allowed = (BILLION - i128::from(ask.target_ppb)) * i128::from(told.counted_whole);
    told.budget = i64::try_from(allowed / BILLION).unwrap_or(i64::MAX);
    told.remaining = told.budget - told.lost;
    told
}

fn count(kinds: &[(i64, Kind)], tick_ms: i64) -> [i64; 7] {
    let mut counts = [0; 7];
    for (_, kind) in kinds {
        let place = match kind {
            Kind::NotAgreed => 0,
            Kind::Maintenance => 1,
            Kind::Excluded => 2,
            Kind::Committed(St::Up) => 3,
            Kind::Committed(St::Degraded) => 4,
            Kind::Committed(St::Down) => 5,
            Kind::Committed(St::Unmeasured) => 6,
        };
        counts[place] += tick_ms;
    }
    counts
}

fn availability(ask: &Ask, told: &mut Figures) {
    let (c, u) = (told.committed, told.unmeasured);
    let d = if ask.degraded_is_lost { told.down + told.degraded } else { told.down };
    (told.counted, told.lost) = match ask.unmeasured {
        Unmeasured::Exclude => (c - u, d),
        Unmeasured::CountAsDown => (c, d + u),
        Unmeasured::CountAsUp => (c, d),
    };
    let share = |part: i64, whole: i64| fraction(i128::from(part), i128::from(whole));
    told.availability = share(told.counted - told.lost, told.counted);
    told.availability_min = share(c - u - d, c);
    told.availability_max = share(c - d, c);
    told.coverage = share(c - u, c);
    if told.counted > 0 {
        told.met = Some(ask.keeps(told.lost, told.counted));
        told.not_proven = ask.keeps(u + d, c) != ask.keeps(d, c);
    }
}

fn breaks(ask: &Ask, kinds: &[(i64, Kind)], told: &mut Figures) {
    let mut open = false;
    for (t, kind) in kinds {
        match (kind, told.breaks.last_mut()) {
            (Kind::Committed(St::Down), Some(last)) if open => {
                (last.1, last.2) = ((t + 1) * ask.tick_ms, last.2 + ask.tick_ms);
            }
            (Kind::Committed(St::Down), _) => {
                told.breaks.push((t * ask.tick_ms, (t + 1) * ask.tick_ms, ask.tick_ms));
                open = true;
            }
            (Kind::Committed(_), _) => open = false,
            // Time that is not committed is no time between two stretches.
            _ => {}
        }
    }
    let number = told.breaks.len() as i128;
    let mean = |whole: i64| fraction(i128::from(whole), number);
    told.mtrs = mean(told.down);
    told.mtbf = mean(told.committed - told.unmeasured - told.down);
    told.mtbsi = mean(told.committed - told.unmeasured);
}

/// Who is charged with how many milliseconds of the window's downtime. `states` are the service's, and `leaf` tells a
/// probe's at a tick, `expr` the expression in force at it.
pub fn charges<'a>(
    ask: &Ask,
    expr: &impl Fn(i64) -> &'a Expr,
    states: &[St],
    leaf: &impl Fn(&str, i64) -> St,
) -> BTreeMap<String, i64> {
    let mut bill = BTreeMap::new();
    let marks = ask.terms.marks(ask.window, ask.figure);
    for (t, (mark, state)) in (ask.window.0..ask.window.1.min(ask.now)).zip(marks.into_iter().zip(states)) {
        let at = |id: &str| leaf(id, t);
        if mark != Mark::Committed || *state != St::Down {
            continue;
        }
        let turns = turns(expr(t), &at);
        let mut counts = vec![0; turns.len()];
        for place in (t * ask.tick_ms..(t + 1) * ask.tick_ms).filter_map(|ms| place(&turns, ms)) {
            counts[place] += 1;
        }
        for (id, count) in turns.iter().zip(counts).filter(|(_, count)| *count > 0) {
            *bill.entry(id.clone()).or_insert(0) += count;
        }
    }
    bill
}

/// A ratio as a percentage, cut and never rounded up, with `decimals` digits after the point.
pub fn percent((over, under): (i128, i128), decimals: u32) -> String {
    let scale = 10_i128.pow(decimals);
    let cut = over * 100 * scale / under;
    let digits = decimals as usize;
    if digits == 0 { cut.to_string() } else { format!("{}.{:0digits$}", cut / scale, cut % scale) }
}

#[cfg(test)]
mod tests {
    use super::super::committed::Work;
    use super::*;

    fn late(entry: i64) -> Terms {
        Terms { entry, ..Terms::default() }
    }

    /// One letter a tick.
    fn states(letters: &str) -> Vec<St> {
        let state = |c| match c {
            'u' => St::Up,
            'd' => St::Degraded,
            'D' => St::Down,
            _ => St::Unmeasured,
        };
        letters.chars().map(state).collect()
    }

    fn ask(letters: &str) -> Ask {
        let window = (0, letters.len() as i64);
        Ask { window, now: window.1, target_ppb: 800_000_000, tick_ms: 1, ..Ask::default() }
    }

    #[test]
    fn ten_ticks_by_hand() {
        let told = figures(&ask("uuuudDD-uu"), &states("uuuudDD-uu"));
        assert_eq!(told.kinds, [0, 0, 0, 6, 1, 2, 1]);
        assert_eq!((told.committed, told.counted, told.lost), (10, 9, 2));
        assert_eq!(told.availability, Some((7, 9)));
        assert_eq!((told.availability_min, told.availability_max), (Some((7, 10)), Some((4, 5))));
        assert_eq!(told.coverage, Some((9, 10)));
        assert_eq!((told.met, told.not_proven), (Some(false), true));
        assert_eq!(told.breaks, vec![(5, 7, 2)]);
        assert_eq!((told.mtrs, told.mtbf, told.mtbsi), (Some((2, 1)), Some((7, 1)), Some((9, 1))));
        assert_eq!((told.counted_whole, told.budget, told.remaining), (9, 1, -1));
    }

    #[test]
    fn each_policy_by_hand() {
        let (letters, seen) = ("uuuudDD-uu", states("uuuudDD-uu"));
        let as_down = figures(&Ask { unmeasured: Unmeasured::CountAsDown, ..ask(letters) }, &seen);
        assert_eq!((as_down.counted, as_down.lost, as_down.availability), (10, 3, Some((7, 10))));
        let as_up = figures(&Ask { unmeasured: Unmeasured::CountAsUp, ..ask(letters) }, &seen);
        assert_eq!((as_up.counted, as_up.lost, as_up.availability), (10, 2, Some((4, 5))));
        assert_eq!((as_up.met, as_up.not_proven), (Some(true), true));
        let strict = figures(&Ask { degraded_is_lost: true, ..ask(letters) }, &seen);
        assert_eq!((strict.lost, strict.availability, strict.mtrs), (3, Some((2, 3)), Some((2, 1))));
    }

    #[test]
    fn nothing_agreed_is_no_data() {
        let told = figures(&Ask { terms: late(10), ..ask("DDDDDDDDDD") }, &states("DDDDDDDDDD"));
        assert_eq!(told.kinds, [10, 0, 0, 0, 0, 0, 0]);
        assert_eq!((told.availability, told.coverage, told.met, told.not_proven), (None, None, None, false));
        let blind = figures(&ask("----------"), &states("----------"));
        assert_eq!((blind.availability, blind.met, blind.not_proven), (None, None, false));
        assert_eq!((blind.availability_min, blind.availability_max), (Some((0, 1)), Some((1, 1))));
    }

    #[test]
    fn an_open_window_is_measured_up_to_now_and_budgeted_as_a_whole() {
        let told = figures(&Ask { now: 4, ..ask("uDuu------") }, &states("uDuu------"));
        assert_eq!(told.kinds, [0, 0, 0, 3, 0, 1, 0]);
        assert_eq!((told.counted, told.counted_whole, told.budget, told.remaining), (4, 10, 2, 1));
    }

    #[test]
    fn what_is_ahead_is_committed_by_what_is_known_of_it() {
        // Of the ticks 4 to 9, two are maintenance and one is excluded; the allowance of 3 was used up by one before.
        let maintenance = vec![Work { start: 1, end: 2, announced: 0 }, Work { start: 6, end: 9, announced: 0 }];
        let terms = Terms { maintenance, exclusions: vec![(4, 5)], allowance: Some(3), ..Terms::default() };
        let open = Ask { now: 4, terms, ..ask("uDuu------") };
        let told = figures(&open, &states("uDuu------"));
        assert_eq!((told.kinds, told.counted), ([0, 1, 0, 3, 0, 0, 0], 3));
        assert_eq!((told.counted_whole, told.budget), (6, 1));
        let experienced = figures(&Ask { figure: Figure::Experienced, ..open }, &states("uDuu------"));
        assert_eq!((experienced.down, experienced.counted_whole), (1, 10));
    }

    #[test]
    fn breaks_meet_over_time_that_is_not_committed() {
        let letters = "uDDuuDDuDu";
        let apart = figures(&ask(letters), &states(letters));
        assert_eq!(apart.breaks, vec![(1, 3, 2), (5, 7, 2), (8, 9, 1)]);
        let maintenance = vec![Work { start: 3, end: 4, announced: 3 }];
        let terms = Terms { maintenance, exclusions: vec![(3, 6)], ..Terms::default() };
        let joined = figures(&Ask { terms, ..ask(letters) }, &states(letters));
        assert_eq!(joined.kinds, [0, 1, 2, 3, 0, 4, 0]);
        assert_eq!(joined.breaks, vec![(1, 7, 3), (8, 9, 1)]);
    }

    #[test]
    fn charges_add_up_to_downtime() {
        let expr = Expr::all(vec![Expr::Leaf("a".to_owned()), Expr::Leaf("b".to_owned())]);
        let leaf = |id: &str, t: i64| if t >= 4 || id == "a" && t >= 1 { St::Down } else { St::Up };
        let bill = charges(
            &Ask { terms: late(2), tick_ms: 10, ..ask("uDDDDDDDDD") },
            &|_| &expr,
            &states("uDDDDDDDDD"),
            &leaf,
        );
        // Ticks 2 and 3 are a's alone, the six from 4 on are shared.
        assert_eq!(bill.into_iter().collect::<Vec<_>>(), vec![("a".to_owned(), 50), ("b".to_owned(), 30)]);
    }

    #[test]
    fn percentages_are_cut() {
        assert_eq!(percent((998_999, 1_000_000), 2), "99.89");
        assert_eq!(percent((2, 3), 4), "66.6666");
        assert_eq!(percent((1, 1), 2), "100.00");
    }
}
