//! The clock on a scenario's wall: how its times are read and written.
//!
//! `08:00`, `08:00:30`, `08:00:30.500` are what the clocks of the scenario's zone show on its day, `08:00+1d` on the
//! next; `2026-03-01/08:00` names another date, and `2026-03-01` alone is its first instant. A time that the clocks
//! leave out or show twice is refused; with a `Z` behind it, it is in UTC.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// What `08:00` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The scenario's day.
    pub date: Date,
    /// Whose clocks.
    pub zone: TimeZone,
}

impl Default for Clock {
    /// Monday, 5 January 2026, in UTC.
    fn default() -> Self {
        Self { date: date(2026, 1, 5), zone: TimeZone::UTC }
    }
}

impl Clock {
    /// A time, as an instant.
    pub(super) fn time(&self, word: &str) -> Option<i64> {
        let (word, days) = match word.split_once('+') {
            Some((word, days)) => (word, days.strip_suffix('d')?.parse::<i64>().ok()?),
            None => (word, 0),
        };
        let (date, clock) = match word.split_once('/') {
            Some((date, clock)) => (date.parse().ok()?, clock),
            None => (self.date, word),
        };
        let date: Date = date.checked_add(Span::new().try_days(days).ok()?).ok()?;
        if let Some(first) = date_word(clock) {
            return Some(first.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond());
        }
        let (clock, zone) = match clock.strip_suffix('Z') {
            Some(clock) => (clock, &TimeZone::UTC),
            None => (clock, &self.zone),
        };
        let (hour, minute, second, ms) = parts(clock)?;
        let (date, hour) = if hour == 24 { (date.tomorrow().ok()?, 0) } else { (date, hour) };
        let shown = date.at(hour, minute, second, ms * 1_000_000);
        Some(zone.to_ambiguous_timestamp(shown).unambiguous().ok()?.as_millisecond())
    }

    /// `08:00-09:00`, or `2026-03-01..2026-04-01`.
    pub(super) fn span(&self, word: &str) -> Option<super::Span> {
        let (from, to) = word.split_once("..").or_else(|| word.split_once('-'))?;
        Some((self.time(from)?, self.time(to)?)).filter(|(from, to)| from <= to)
    }

    /// An instant as the scenario writes it.
    pub(super) fn word(&self, at: i64) -> String {
        let Ok(instant) = Timestamp::from_millisecond(at) else { return format!("{at} ms") };
        let shown = self.zone.to_datetime(instant);
        let comes_once = self.zone.to_ambiguous_timestamp(shown).unambiguous().is_ok();
        let (shown, zone) = if comes_once { (shown, "") } else { (TimeZone::UTC.to_datetime(instant), "Z") };
        let mut word = format!("{:02}:{:02}", shown.hour(), shown.minute());
        if at % 60_000 != 0 {
            word += &format!(":{:02}", shown.second());
        }
        if at % 1000 != 0 {
            word += &format!(".{:03}", shown.millisecond());
        }
        word += zone;
        let days = self.date.until(shown.date()).map_or(0, |span| span.get_days());
        if days == 0 { word } else { format!("{word}+{days}d") }
    }
}

/// `2026-03-01`.
pub(super) fn date_word(word: &str) -> Option<Date> {
    (word.len() == 10 && !word.contains(':')).then(|| word.parse().ok()).flatten()
}

/// Hours, minutes, seconds, milliseconds.
fn parts(clock: &str) -> Option<(i8, i8, i8, i32)> {
    let (whole, ms) = match clock.split_once('.') {
        Some((whole, ms)) if ms.len() == 3 => (whole, ms.parse().ok()?),
        Some(_) => return None,
        None => (clock, 0),
    };
    let parts: Vec<i8> = whole.split(':').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let (hour, minute, second) = match parts.as_slice() {
        [h, m] => (*h, *m, 0),
        [h, m, s] => (*h, *m, *s),
        _ => return None,
    };
    let sound = (0..24).contains(&hour) || (hour, minute, second, ms) == (24, 0, 0, 0);
    (sound && (0..60).contains(&minute) && (0..60).contains(&second)).then_some((hour, minute, second, ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_they_are_written() {
        let clock = Clock::default();
        for word in ["08:00", "23:59:59", "08:00:30.500", "08:00+1d", "08:00+40d"] {
            assert_eq!(clock.word(clock.time(word).unwrap()), word);
        }
        for bad in ["8", "08:00:00.5", "a:b", "08:00+d", "08:60", "25:00", "24:01", "2026-02-30"] {
            assert_eq!(clock.time(bad), None, "{bad}");
        }
        assert_eq!(clock.time("24:00"), clock.time("2026-01-06"));
        assert_eq!(clock.time("2026-01-06/08:00"), clock.time("08:00+1d"));
    }

    #[test]
    fn what_clocks_show_twice_or_never_must_be_written_otherwise() {
        let clock = Clock { date: date(2026, 10, 25), zone: TimeZone::get("Europe/Zurich").unwrap() };
        assert_eq!(clock.time("02:30"), None);
        assert_eq!(clock.word(clock.time("00:30Z").unwrap()), "00:30Z");
        assert_eq!(clock.word(clock.time("01:30Z").unwrap()), "01:30Z");
        assert_eq!(clock.time("03:30"), clock.time("02:30Z"));
        assert_eq!(clock.time("24:00").unwrap() - clock.time("00:00").unwrap(), 25 * 3_600_000);
        let spring = Clock { date: date(2026, 3, 29), ..clock };
        assert_eq!(spring.time("02:30"), None);
        assert_eq!(spring.word(spring.time("01:30Z").unwrap()), "03:30");
    }
}
