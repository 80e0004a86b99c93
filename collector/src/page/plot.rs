//! Plots of hours: where things lie in them, and how they are drawn. Pure.
//!
//! A plot has a column for each hour, drawn as a step as wide as the hour. Neighbouring hours are joined; an hour of which
//! nothing is known is shaded and breaks the line, so that nothing is made up where nothing was measured. The drawing is
//! stretched to the width that there is, which its lines are not; what is written stands beside it, at the size of
//! the page's text. Its size is bounded by its hours, of which there are [`DAYS_MAX`] days at most.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use maud::{Markup, html};
use uphold_common::measure::window::local_days;
use uphold_common::time::{DAY_MS, Instant, Interval};

/// The most days that are plotted at once.
pub const DAYS_MAX: u16 = 31;
/// How many days are plotted when nothing is said of that.
pub const DAYS_DEFAULT: u16 = 7;
const HOUR_MS: i64 = 3_600_000;
/// The height of a drawing, in its own unit; its width is the number of its hours.
const HEIGHT: u64 = 1_000;
/// The height of the row of what was not up, and the least of a column of it.
const ROW_HEIGHT: u64 = 100;
const SLIVER: u64 = 25;
/// About how many days are named below a plot.
const NAMED_DAYS: usize = 7;
/// The scale is cut above this multiple of what most hours stay below.
const CUT_ABOVE: u64 = 3;

/// The hours that are plotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    length_days: u16,
    start: Instant,
    hours: i64,
    end: Instant,
}

/// What is known of an hour: its place among the hours, the line's value, and up to where the band above it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) place: i64,
    pub(super) line: u64,
    pub(super) band: u64,
}

/// The attempts of an hour: its place, how many there are, and how many of them were not up, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotUp {
    pub(super) place: i64,
    pub(super) all: u64,
    pub(super) kinds: [(&'static str, u64); 3],
}

/// What is drawn.
pub(super) struct Plot<'a> {
    /// The whole in words, for those who do not see it.
    pub(super) label: &'a str,
    pub(super) columns: &'a [Column],
    /// The value at the top, and what is written at the top and in the middle.
    pub(super) top: u64,
    pub(super) marks: [String; 2],
    /// The hours of which something is known, whether they have a column or not.
    pub(super) known: &'a [i64],
    /// A row below, of what was not up; none where there is no such thing.
    pub(super) not_up: Option<&'a [NotUp]>,
}

impl Span {
    /// So many days up to an instant, in whole hours; the last one is the one that the instant lies in.
    pub fn of(days: u16, end: Instant) -> Self {
        let length_days = days.clamp(1, DAYS_MAX);
        let hours = i64::from(length_days) * (DAY_MS / HOUR_MS);
        let last = end.as_ms().div_euclid(HOUR_MS);
        Self { length_days, start: Instant::from_ms((last + 1 - hours) * HOUR_MS), hours, end }
    }

    /// From the first hour to the instant that it is up to.
    pub const fn interval(&self) -> Interval {
        Interval { start: self.start, end: self.end }
    }

    /// How many days it is long.
    pub(super) const fn length_days(&self) -> u16 {
        self.length_days
    }

    /// The place of the hour that begins at an instant; none when it is not one of these.
    pub(super) fn place(&self, start: Instant) -> Option<i64> {
        let place = start.since_ms(self.start).div_euclid(HOUR_MS);
        (0..self.hours).contains(&place).then_some(place)
    }

    /// How many hours there are.
    pub(super) const fn hours(&self) -> i64 {
        self.hours
    }

    /// The local days in it with the places of the hours at which each begins and ends, in hundredths.
    fn days(&self, zone: &TimeZone) -> Vec<(jiff::civil::Date, i64, i64)> {
        let end = self.start.plus_ms(self.hours * HOUR_MS);
        let place = |at: Instant| at.since_ms(self.start) * 100 / HOUR_MS;
        let days = local_days(zone, Interval::new(self.start, end));
        days.into_iter().map(|(date, part)| (date, place(part.start), place(part.end))).collect()
    }

    /// What is written below: where, in hundredths of an hour, and which day, whose middle part is enough where there is
    /// little room. A day of which little is to be seen is not named.
    fn named_days(&self, zone: &TimeZone) -> Vec<(i64, [String; 3])> {
        let days = self.days(zone);
        let step = days.len().div_ceil(NAMED_DAYS + 1).max(1);
        let forms = if step == 1 { ["%a ", "%-d", ""] } else { ["", "%-d", " %b"] };
        let seen = |(_, start, end): &&(jiff::civil::Date, i64, i64)| end - start >= 1_100 || self.hours <= 24;
        let named = days.iter().skip(step / 2).step_by(step).filter(seen);
        named
            .map(|(date, start, end)| (i64::midpoint(*start, *end), forms.map(|form| date.strftime(form).to_string())))
            .collect()
    }
}

/// The value at the top of a plot: a round one that holds all values, or, where a few lie far above the others, one that
/// holds most. Beside it, how many lie above it.
pub(super) fn top_of(values: impl IntoIterator<Item = u64>, round: impl Fn(u64) -> u64) -> (u64, usize) {
    let mut values: Vec<u64> = values.into_iter().collect();
    values.sort_unstable();
    let highest = values.last().copied().unwrap_or(0);
    // The value that nine of ten hours do not exceed, by nearest rank.
    let usual = values.get((values.len() * 9).div_ceil(10).saturating_sub(1)).copied().unwrap_or(0);
    let top = if highest / CUT_ABOVE > usual { round(usual.saturating_mul(2)) } else { round(highest) };
    (top, values.iter().filter(|value| **value > top).count())
}

/// The least of 1, 2, 4, 6, 8 times a power of ten that is not below a value, from 10 on; its half is as round.
pub(super) fn round_decimal(value: u64) -> u64 {
    let mut unit: u64 = 10;
    while unit.saturating_mul(10) <= value && unit < 1_000_000_000_000_000_000 {
        unit *= 10;
    }
    let round = [1, 2, 4, 6, 8, 10].map(|times| unit.saturating_mul(times));
    round.into_iter().find(|round| *round >= value).unwrap_or(u64::MAX)
}

/// The least power of two that is not below a value, from 2 on.
pub(super) fn round_binary(value: u64) -> u64 {
    value.max(2).checked_next_power_of_two().unwrap_or(u64::MAX)
}

/// How far from the top a value lies; above it, at the top.
fn y(value: u64, top: u64) -> u64 {
    let height = u128::from(value.min(top)) * u128::from(HEIGHT);
    let height = height.checked_div(u128::from(top)).unwrap_or(0);
    HEIGHT.saturating_sub(u64::try_from(height).unwrap_or(HEIGHT))
}

/// Columns whose hours follow each other.
fn runs(columns: &[Column]) -> impl Iterator<Item = &[Column]> {
    columns.chunk_by(|one, next| one.place + 1 == next.place)
}

/// The line, which is broken wherever an hour is missing.
fn line(columns: &[Column], top: u64) -> String {
    let mut path = String::new();
    for run in runs(columns) {
        for (n, column) in run.iter().enumerate() {
            let at = y(column.line, top);
            // Writing to a string does not fail.
            let _ = if n == 0 { write!(path, "M{} {at}h1", column.place) } else { write!(path, "V{at}h1") };
        }
    }
    path
}

/// The band from the line to what lies above it: along its upper edge, and back along the line.
fn band(columns: &[Column], top: u64) -> String {
    let mut path = String::new();
    for run in runs(columns) {
        let Some(first) = run.first() else { continue };
        let _ = write!(path, "M{} {}", first.place, y(first.line, top));
        for column in run {
            let _ = write!(path, "V{}h1", y(column.band.max(column.line), top));
        }
        for column in run.iter().rev() {
            let _ = write!(path, "V{}h-1", y(column.line, top));
        }
        path.push('z');
    }
    path
}

/// The hours that are not among those known, as whole columns.
fn gaps(known: &[i64], hours: i64) -> String {
    let mut path = String::new();
    let mut from = 0;
    for place in known.iter().copied().chain([hours]) {
        if place > from {
            let _ = write!(path, "M{from} 0h{}v{HEIGHT}H{from}z", place - from);
        }
        from = place + 1;
    }
    path
}

/// What was not up, of each kind: one column an hour, filled from below in the order of the kinds: the share of the
/// attempts, and at least a sliver of whatever there was.
fn not_up_paths(hours: &[NotUp]) -> [(&'static str, String); 3] {
    let classes = hours.first().map_or(["down", "degraded", "unmeasured"], |hour| hour.kinds.map(|(class, _)| class));
    let mut paths = classes.map(|class| (class, String::new()));
    for hour in hours {
        let mut bottom = ROW_HEIGHT;
        for ((_, path), (_, not_up)) in paths.iter_mut().zip(hour.kinds).filter(|(_, (_, not_up))| *not_up > 0) {
            let share = u128::from(not_up) * u128::from(ROW_HEIGHT) / u128::from(hour.all.max(1));
            let height = u64::try_from(share).unwrap_or(ROW_HEIGHT).max(SLIVER).min(bottom);
            bottom -= height;
            let _ = write!(path, "M{} {bottom}h1v{height}h-1z", hour.place);
        }
    }
    paths
}

/// Where on the width a place lies that is told in hundredths of an hour.
fn percent(place: i64, hours: i64) -> String {
    let thousandths = (place * 1_000).checked_div(hours).unwrap_or(0);
    format!("{}.{}%", thousandths / 1_000, thousandths % 1_000 / 100)
}

impl Plot<'_> {
    /// The plot with its scales.
    pub(super) fn draw(&self, span: &Span, zone: &TimeZone) -> Markup {
        let hours = span.hours();
        let days = span.days(zone);
        let midnights = days.iter().skip(1).map(|(_, start, _)| *start);
        let midnights: String = midnights.map(|at| format!("M{}.{:02} 0v{HEIGHT}", at / 100, at % 100)).collect();
        html! {
            div.plot {
                div.scale aria-hidden="true" { span { (self.marks[0]) } span { (self.marks[1]) } span { "0" } }
                svg.area role="img" aria-label=(self.label) viewBox=(format!("0 0 {hours} {HEIGHT}")) preserveAspectRatio="none" {
                    path.gap d=(gaps(self.known, hours)) {}
                    path.grid d=(format!("{midnights}M0 {}h{hours}", HEIGHT / 2)) {}
                    path.band d=(band(self.columns, self.top)) {}
                    path.middle d=(line(self.columns, self.top)) {}
                }
                @if let Some(not_up) = self.not_up {
                    span.scale aria-hidden="true" { "not up" }
                    svg.not-up aria-hidden="true" viewBox=(format!("0 0 {hours} {ROW_HEIGHT}")) preserveAspectRatio="none" {
                        @for (class, path) in not_up_paths(not_up) {
                            @if !path.is_empty() { path.(class) d=(path) {} }
                        }
                    }
                }
                svg.days aria-hidden="true" {
                    @for (at, day) in span.named_days(zone) { text x=(percent(at, hours)) y="1em" { tspan.more { (day[0]) } (day[1]) tspan.more { (day[2]) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: fn(i64) -> Instant = |hour| Instant::from_ms(hour * HOUR_MS);

    fn columns(all: &[(i64, u64, u64)]) -> Vec<Column> {
        all.iter().map(|(place, line, band)| Column { place: *place, line: *line, band: *band }).collect()
    }

    #[test]
    fn a_span_is_whole_hours_up_to_the_one_that_is_not_over() {
        let end = Instant::from_ms(100 * DAY_MS + 5);
        for (days, hours) in [(1, 24), (7, 168), (31, 744), (0, 24), (99, 744)] {
            let span = Span::of(days, end);
            assert_eq!((span.hours(), span.interval()), (hours, Interval::new(HOUR(2_401 - hours), end)), "{days}");
            assert_eq!(span.place(HOUR(2_400)), Some(hours - 1), "{days}");
            assert_eq!((span.place(HOUR(2_401)), span.place(HOUR(2_400 - hours))), (None, None), "{days}");
        }
    }

    #[test]
    fn a_missing_hour_breaks_the_line_and_the_band() {
        for (all, of_line, of_band) in [
            (&[][..], "", ""),
            (&[(0, 50, 100)], "M0 500h1", "M0 500V0h1V500h-1z"),
            (&[(3, 50, 100), (4, 100, 100)], "M3 500h1V0h1", "M3 500V0h1V0h1V0h-1V500h-1z"),
            (&[(3, 50, 50), (5, 0, 50)], "M3 500h1M5 1000h1", "M3 500V500h1V500h-1zM5 1000V500h1V1000h-1z"),
            (&[(0, 500, 600)], "M0 0h1", "M0 0V0h1V0h-1z"),
        ] {
            let columns = columns(all);
            assert_eq!((line(&columns, 100).as_str(), band(&columns, 100).as_str()), (of_line, of_band), "{all:?}");
        }
    }

    #[test]
    fn gaps_are_what_is_not_known() {
        for (known, expected) in [
            (&[][..], "M0 0h4v1000H0z"),
            (&[0, 1, 2, 3], ""),
            (&[0, 3], "M1 0h2v1000H1z"),
            (&[1, 2], "M0 0h1v1000H0zM3 0h1v1000H3z"),
        ] {
            assert_eq!(gaps(known, 4), expected, "{known:?}");
        }
    }

    #[test]
    fn the_scale_is_round_and_holds_all_but_what_lies_far_above() {
        let twenty = |high: u64| (0..20).map(move |n| if n == 7 { high } else { 30 + n });
        for (values, expected) in [
            (vec![], (10, 0)),
            (vec![0], (10, 0)),
            (vec![7, 10], (10, 0)),
            (vec![11], (20, 0)),
            (vec![999], (1_000, 0)),
            (vec![1_001], (2_000, 0)),
            (vec![50_000, 940_000], (1_000_000, 0)),
            (twenty(140).collect(), (200, 0)),
            (twenty(5_000_000).collect(), (100, 1)),
            (vec![u64::MAX], (u64::MAX, 0)),
        ] {
            assert_eq!(top_of(values.iter().copied(), round_decimal), expected, "{values:?}");
        }
        for (value, binary) in [(0, 2), (2, 2), (3, 4), (1_024, 1_024), (1_025, 2_048), (u64::MAX, u64::MAX)] {
            assert_eq!(round_binary(value), binary, "{value}");
        }
        assert_eq!([0, 50, 100, 101, u64::MAX].map(|value| y(value, 100)), [1_000, 500, 0, 0, 0]);
        assert_eq!(y(0, 0), 1_000);
    }

    #[test]
    fn whatever_was_not_up_is_seen() {
        let not_up = |place, all, [down, slow, unknown]: [u64; 3]| NotUp {
            place,
            all,
            kinds: [("down", down), ("degraded", slow), ("unmeasured", unknown)],
        };
        let hours = [
            not_up(0, 120, [0, 0, 0]),
            not_up(1, 120, [1, 0, 0]),
            not_up(2, 100, [50, 50, 0]),
            not_up(3, 9, [9, 0, 0]),
        ];
        let [down, degraded, unmeasured] = not_up_paths(&hours);
        assert_eq!(down, ("down", "M1 75h1v25h-1zM2 50h1v50h-1zM3 0h1v100h-1z".to_owned()));
        assert_eq!(degraded, ("degraded", "M2 0h1v50h-1z".to_owned()));
        assert_eq!(unmeasured, ("unmeasured", String::new()));
        let [_, _, (_, last)] = not_up_paths(&[not_up(0, 100, [99, 1, 1])]);
        assert_eq!(last, "M0 0h1v0h-1z", "nothing is drawn above the top");
    }

    #[test]
    fn days_begin_at_midnight_of_their_zone_and_are_named_where_they_are_seen() {
        let zurich = TimeZone::get("Europe/Zurich").unwrap();
        let end = Instant::parse("2026-11-22T14:03:22+01:00").unwrap();
        let week = Span::of(7, end);
        let days = week.days(&zurich);
        assert_eq!(days.iter().map(|(_, start, _)| start / 100).collect::<Vec<_>>(), [0, 9, 33, 57, 81, 105, 129, 153]);
        let named = week.named_days(&zurich);
        let words: Vec<String> = named.iter().map(|(_, words)| words.concat()).collect();
        assert_eq!(words, ["Mon 16", "Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22"]);
        assert_eq!(percent(named[0].0, week.hours()), "12.5%");
        let month = Span::of(31, end).named_days(&zurich);
        assert!((7..=8).contains(&month.len()) && month[0].1.concat() == "24 Oct", "{month:?}");
        let autumn = Span::of(1, Instant::parse("2026-10-25T12:00:00+01:00").unwrap());
        assert_eq!(autumn.days(&zurich)[1].1, 1_000, "the clock is set back after midnight");
        let kolkata = TimeZone::get("Asia/Kolkata").unwrap();
        assert_eq!(week.days(&kolkata)[1].1 % 100, 50, "a midnight within an hour is drawn there");
    }
}
