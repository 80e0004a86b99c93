//! Rule 6: the agreed service time that a calendar tells, one local date after the other.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::local::{as_end, as_start, first_of, is_skipped, next, shown};

/// Hours of a date in minutes after midnight; they close at 1440 at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// When they open.
    pub open: i16,
    /// When they close; at or before they open, on the next day.
    pub close: i16,
}

/// When a service is agreed to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Whose clocks tell the hours.
    pub zone: TimeZone,
    /// The hours of each week.
    pub weekly: Vec<(Weekday, Hours)>,
    /// Dates without hours.
    pub holidays: Vec<Date>,
    /// Dates with hours of their own, holiday or not.
    pub extra_days: Vec<(Date, Vec<Hours>)>,
}

impl Calendar {
    /// The hours of one date: those of an extra day, else none on a holiday, else those of the week.
    fn hours(&self, date: Date) -> Vec<Hours> {
        if self.extra_days.iter().any(|(extra, _)| *extra == date) {
            let extra = self.extra_days.iter().filter(|(extra, _)| *extra == date);
            return extra.flat_map(|(_, hours)| hours.clone()).collect();
        }
        if self.holidays.contains(&date) {
            return Vec::new();
        }
        self.weekly.iter().filter(|(day, _)| *day == date.weekday()).map(|(_, hours)| *hours).collect()
    }

    /// From when to when these hours of this date are.
    fn stretch(&self, date: Date, hours: Hours) -> (i64, i64) {
        let at = |date: Date, minute: i16| {
            let (hour, minute) = (i8::try_from(minute / 60), i8::try_from(minute % 60));
            date.at(hour.expect("an hour"), minute.expect("a minute"), 0, 0)
        };
        let opens = as_start(&self.zone, at(date, hours.open));
        let closes = if hours.close == 1440 {
            first_of(&self.zone, next(date))
        } else if hours.close <= hours.open {
            as_end(&self.zone, at(next(date), hours.close))
        } else {
            as_end(&self.zone, at(date, hours.close))
        };
        (opens, closes)
    }

    /// The agreed stretches of all dates that can reach into a window; they may overlap.
    pub fn agreed(&self, window: (i64, i64)) -> Vec<(i64, i64)> {
        let mut date = shown(&self.zone, window.0).date().checked_sub(2.days()).expect("a date that can be written");
        let last = next(shown(&self.zone, window.1).date());
        let mut all = Vec::new();
        while date <= last {
            let hours = self.hours(date);
            if !hours.is_empty() && !is_skipped(&self.zone, date) {
                all.extend(hours.into_iter().map(|hours| self.stretch(date, hours)));
            }
            date = next(date);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;

    /// The stretches as UTC, in order.
    fn told(calendar: &Calendar, from: &str, to: &str) -> Vec<String> {
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let text = |at: i64| Timestamp::from_millisecond(at).unwrap().to_string()[..16].to_owned();
        let (from, to) = (ms(from), ms(to));
        let mut all: Vec<(i64, i64)> = calendar
            .agreed((from, to))
            .into_iter()
            .filter(|(open, close)| open < close && *open < to && *close > from)
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(open, close)| format!("{} {}", text(open), text(close))).collect()
    }

    fn office(weekly: &[(Weekday, i16, i16)]) -> Calendar {
        Calendar {
            zone: TimeZone::get("Europe/Zurich").unwrap(),
            weekly: weekly.iter().map(|(day, open, close)| (*day, Hours { open: *open, close: *close })).collect(),
            holidays: vec![date(2026, 12, 25)],
            extra_days: vec![(date(2026, 12, 19), vec![Hours { open: 540, close: 960 }])],
        }
    }

    #[test]
    fn the_calendar_of_the_contract() {
        let mut weekly = vec![(Weekday::Friday, 1320, 120)];
        let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        weekly.extend(days.map(|day| (day, 480, 1080)));
        let week = told(&office(&weekly), "2026-12-16T23:00:00Z", "2026-12-20T23:00:00Z");
        let expected = [
            "2026-12-17T07:00 2026-12-17T17:00",
            "2026-12-18T07:00 2026-12-18T17:00",
            // Friday's night ends on Saturday, before the hours of that extra day.
            "2026-12-18T21:00 2026-12-19T01:00",
            "2026-12-19T08:00 2026-12-19T15:00",
        ];
        assert_eq!(week, expected);
        // Christmas is a Friday: no day and no night of its own.
        let christmas = told(&office(&weekly), "2026-12-24T23:00:00Z", "2026-12-26T23:00:00Z");
        assert_eq!(christmas, [""; 0]);
    }

    #[test]
    fn an_extra_day_comes_before_a_holiday() {
        let mut calendar = office(&[(Weekday::Friday, 480, 1080)]);
        calendar.extra_days.push((date(2026, 12, 25), vec![Hours { open: 600, close: 720 }]));
        let christmas = told(&calendar, "2026-12-24T23:00:00Z", "2026-12-25T23:00:00Z");
        assert_eq!(christmas, ["2026-12-25T09:00 2026-12-25T11:00"]);
    }

    #[test]
    fn nights_over_a_change_of_the_clocks() {
        let night = office(&[(Weekday::Saturday, 1320, 150), (Weekday::Sunday, 150, 180)]);
        // 02:30 is left out: the night ends at 03:00 summer time, and what would open there closes at once.
        let spring = told(&night, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
        assert_eq!(spring, ["2026-03-28T21:00 2026-03-29T01:00"]);
        // 02:30 comes twice: as an end the later one, as a start the earlier one.
        let autumn = told(&night, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(autumn, ["2026-10-24T20:00 2026-10-25T01:30", "2026-10-25T00:30 2026-10-25T02:00"]);
    }

    #[test]
    fn hours_to_the_end_of_the_day_and_all_around_the_clock() {
        let all_day = office(&[(Weekday::Sunday, 0, 1440), (Weekday::Monday, 600, 600)]);
        let told = told(&all_day, "2026-03-28T23:00:00Z", "2026-03-31T22:00:00Z");
        // The Sunday of the change has 23 hours. What closes when it opens is open for a day.
        assert_eq!(told, ["2026-03-28T23:00 2026-03-29T22:00", "2026-03-30T08:00 2026-03-31T08:00"]);
    }

    #[test]
    fn a_date_that_is_left_out_has_no_hours() {
        let apia = Calendar { zone: TimeZone::get("Pacific/Apia").unwrap(), ..office(&[(Weekday::Friday, 480, 1080)]) };
        assert_eq!(told(&apia, "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z"), [""; 0]);
        // Thursday's night ends when the Friday would have begun.
        let night = Calendar { weekly: vec![(Weekday::Thursday, Hours { open: 1320, close: 120 })], ..apia };
        assert_eq!(told(&night, "2011-12-30T00:00:00Z", "2012-01-01T00:00:00Z"), ["2011-12-30T08:00 2011-12-30T10:00"]);
    }
}
