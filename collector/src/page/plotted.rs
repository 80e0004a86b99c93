//! What the hours of a stream look like: a plot, what it says in a sentence, and a table of its days.
//!
//! It shows what roll-ups hold and reckons nothing anew that they do not: a day has no median, only the least and the
//! greatest of its hours' medians.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use uphold_common::catalogue::model::Service;
use uphold_common::ids::{ProbeId, VantagePoint};
use uphold_common::measure::window::local_date;
use uphold_common::observation::{FlowId, Micros, ResourceId};
use uphold_common::percent::BILLION;
use uphold_common::time::Instant;

use super::plot::{Column, NotUp, Plot, Span, round_decimal, top_of};
use super::text::{counted, share, took};
use super::{flowing, hosts};
use crate::store::{CapacityHour, Hours, ProbeHour, StreamId, VolumeHour};

/// The hours that are shown, and where their days begin.
pub(super) struct Shown<'a> {
    /// The service whose page it is, if it is one's.
    pub(super) service: Option<&'a Service>,
    pub(super) span: &'a Span,
    pub(super) zone: &'a TimeZone,
}

/// What is written about a plot: its heading, what it says, and its table.
struct Told {
    head: (String, String),
    says: String,
    columns: &'static [&'static str],
    rows: Vec<(Date, Vec<String>)>,
}

impl Shown<'_> {
    /// The figure of a stream.
    pub(super) fn figure(&self, of: &StreamId, hours: &Hours) -> Markup {
        match (of, hours) {
            (StreamId::Probe(point), Hours::Probe(hours)) => self.response(point, hours),
            (StreamId::Capacity(id), Hours::Capacity(hours)) => self.used(id, hours),
            (StreamId::Volume(id), Hours::Volume(hours)) => self.flowed(id, hours),
            _ => html! {},
        }
    }

    fn name_of(&self, probe: &ProbeId) -> String {
        self.service.map_or_else(|| probe.to_string(), |service| service.name_of(probe))
    }

    fn response(&self, point: &VantagePoint, hours: &[ProbeHour]) -> Markup {
        let place = |hour: &ProbeHour| self.span.place(hour.start);
        let column = |hour: &ProbeHour| {
            let durations = hour.durations?;
            Some(Column { place: place(hour)?, line: durations.p50_us, band: durations.p95_us })
        };
        let columns: Vec<Column> = hours.iter().filter_map(column).collect();
        let not_up = |hour: &ProbeHour| {
            let kinds = [("down", hour.down), ("degraded", hour.degraded), ("unmeasured", hour.unknown)];
            Some(NotUp { place: place(hour)?, all: attempts(hour), kinds })
        };
        let not_up: Vec<NotUp> = hours.iter().filter_map(not_up).collect();
        let (top, above) = top_of(columns.iter().map(|column| column.band), round_decimal);
        let row = |(date, hours): (Date, &[ProbeHour])| {
            let all = |count: fn(&ProbeHour) -> u64| hours.iter().map(count).sum::<u64>().to_string();
            (date, vec![all(attempts), all(not_up_of), medians(hours), slowest(hours)])
        };
        let told = Told {
            head: (self.name_of(&point.probe), format!("from {}", point.agent)),
            says: self.says_response(hours, above),
            columns: &["Day", "Attempts", "Not up", "Medians", "95 % within"],
            rows: self.by_day(hours, |hour| hour.start).map(row).collect(),
        };
        let known: Vec<i64> = hours.iter().filter_map(place).collect();
        let marks = if columns.is_empty() { ["–".to_owned(), String::new()] } else { [top, top / 2].map(length) };
        let label = label(&told);
        let plot = Plot { label: &label, columns: &columns, top, marks, known: &known, not_up: Some(&not_up) };
        self.whole(&told, &plot)
    }

    fn says_response(&self, hours: &[ProbeHour], above: usize) -> String {
        let sum = |count: fn(&ProbeHour) -> u64| hours.iter().map(count).sum::<u64>();
        let mut says = vec![];
        if hours.iter().any(|hour| hour.durations.is_some()) {
            says.push(format!(
                "Hourly medians {}; 95 % within {} in the slowest hour.",
                medians(hours),
                slowest(hours)
            ));
        }
        let not_up = [
            (sum(|hour| hour.down), "failed"),
            (sum(|hour| hour.degraded), "slow"),
            (sum(|hour| hour.unknown), "not made"),
        ];
        let not_up: Vec<String> =
            not_up.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let not_up = if not_up.is_empty() { "all up".to_owned() } else { not_up.join(", ") };
        says.push(format!("{} attempts: {not_up}.", sum(attempts)));
        says.extend(self.missing(hours.len(), "attempts"));
        says.extend(above_scale(above));
        says.join(" ")
    }

    fn used(&self, id: &ResourceId, hours: &[CapacityHour]) -> Markup {
        let place = |hour: &CapacityHour| self.span.place(hour.start);
        let column =
            |hour: &CapacityHour| Some(Column { place: place(hour)?, line: last_ppb(hour), band: hour.peak_ppb });
        let columns: Vec<Column> = hours.iter().filter_map(column).collect();
        let row = |(date, hours): (Date, &[CapacityHour])| {
            let readings = hours.iter().map(|hour| hour.readings).sum::<u64>();
            let last = hours.last().map_or(0, last_ppb);
            (date, vec![readings.to_string(), utilisation(peak(hours)), utilisation(last)])
        };
        let mut says = hours.last().map_or_else(Vec::new, |last| {
            vec![format!("Highest {}, newest {}.", utilisation(peak(hours)), utilisation(last_ppb(last)))]
        });
        says.extend(self.missing(hours.len(), "readings"));
        let told = Told {
            head: (hosts::name(id), "in use of what there is".to_owned()),
            says: says.join(" "),
            columns: &["Day", "Readings", "Highest", "Last"],
            rows: self.by_day(hours, |hour| hour.start).map(row).collect(),
        };
        let known: Vec<i64> = hours.iter().filter_map(place).collect();
        let label = label(&told);
        let (top, marks) = (BILLION.unsigned_abs(), ["100 %".to_owned(), "50 %".to_owned()]);
        self.whole(&told, &Plot { label: &label, columns: &columns, top, marks, known: &known, not_up: None })
    }

    fn flowed(&self, id: &FlowId, hours: &[VolumeHour]) -> Markup {
        let place = |hour: &VolumeHour| self.span.place(hour.start);
        let rate = |hour: &VolumeHour| flowing::rate(id.flow, hour.amount, hour.over_ms);
        let column = |hour: &VolumeHour| Some(Column { place: place(hour)?, line: rate(hour), band: rate(hour) });
        let columns: Vec<Column> = hours.iter().filter_map(column).collect();
        let (top, above) = top_of(columns.iter().map(|column| column.band), flowing::round(id.flow));
        let sum = |hours: &[VolumeHour]| hours.iter().fold(0, |sum: u64, hour| sum.saturating_add(hour.amount));
        let amount = |hours: &[VolumeHour]| flowing::amount(id.flow, sum(hours));
        let in_words = |rate: u64| flowing::pace(id.flow, rate);
        let busiest = |hours: &[VolumeHour]| in_words(hours.iter().map(rate).max().unwrap_or(0));
        let row = |(date, hours): (Date, &[VolumeHour])| (date, vec![amount(hours), busiest(hours)]);
        let mut says = vec![format!("{} in all; {} in the busiest hour.", amount(hours), busiest(hours))];
        says.extend(self.missing(hours.len(), "readings"));
        says.extend(above_scale(above));
        let told = Told {
            head: (flowing::name(id), "mean of each hour".to_owned()),
            says: says.join(" "),
            columns: &["Day", "Amount", "Busiest hour"],
            rows: self.by_day(hours, |hour| hour.start).map(row).collect(),
        };
        let known: Vec<i64> = hours.iter().filter_map(place).collect();
        let label = label(&told);
        let marks = [top, top / 2].map(in_words);
        self.whole(&told, &Plot { label: &label, columns: &columns, top, marks, known: &known, not_up: None })
    }

    /// `3 hours without attempts.`
    fn missing(&self, known: usize, of: &str) -> Option<String> {
        let missing = usize::try_from(self.span.hours()).unwrap_or(0).saturating_sub(known);
        (missing > 0).then(|| format!("{} without {of}.", counted(missing, "hour", "hours")))
    }

    fn by_day<'h, T>(
        &self,
        hours: &'h [T],
        start: impl Fn(&T) -> Instant + Copy,
    ) -> impl Iterator<Item = (Date, &'h [T])> {
        let date = move |hour: &T| local_date(self.zone, start(hour));
        let days = hours.chunk_by(move |one, next| date(one) == date(next));
        days.filter_map(move |hours| Some((date(hours.first()?), hours)))
    }

    fn whole(&self, told: &Told, plot: &Plot<'_>) -> Markup {
        html! {
            figure.card.hours {
                h3 { (told.head.0) span.who { (told.head.1) } }
                @if plot.known.is_empty() {
                    p.note { "Nothing was measured here in this time." }
                } @else {
                    (plot.draw(self.span, self.zone))
                    p.note { (told.says) }
                    details data-key=(format!("{} {}", told.head.0, told.head.1)) {
                        summary { "Day by day" }
                        table {
                            thead { tr { @for column in told.columns { th scope="col" { (column) } } } }
                            tbody {
                                @for (date, cells) in told.rows.iter().rev() {
                                    tr { th scope="row" { (date.strftime("%-d %b")) } @for cell in cells { td { (cell) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn label(told: &Told) -> String {
    format!("{} {}, hour by hour. {}", told.head.0, told.head.1, told.says)
}

fn above_scale(above: usize) -> Option<String> {
    (above > 0).then(|| format!("{} beyond the scale.", counted(above, "hour goes", "hours go")))
}

const fn attempts(hour: &ProbeHour) -> u64 {
    hour.up + hour.degraded + hour.down + hour.unknown
}

const fn not_up_of(hour: &ProbeHour) -> u64 {
    hour.degraded + hour.down + hour.unknown
}

/// `75 to 82 ms`, `900 ms to 1.20 s`: the least and the greatest of the medians of some hours.
fn medians(hours: &[ProbeHour]) -> String {
    let medians = || hours.iter().filter_map(|hour| hour.durations).map(|durations| durations.p50_us);
    between(medians().min(), medians().max())
}

fn between(least: Option<u64>, greatest: Option<u64>) -> String {
    let took = |us: Option<u64>| took(Micros::new(us?));
    match (took(least), took(greatest)) {
        (Some(least), Some(greatest)) if least == greatest => least,
        (Some(least), Some(greatest)) => match (least.rsplit_once(' '), greatest.rsplit_once(' ')) {
            (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} to {greatest}"),
            _ => format!("{least} to {greatest}"),
        },
        _ => "–".to_owned(),
    }
}

/// What 95 of 100 attempts did not exceed in the hour in which that was most.
fn slowest(hours: &[ProbeHour]) -> String {
    let slowest = hours.iter().filter_map(|hour| hour.durations).map(|durations| durations.p95_us).max();
    slowest.and_then(|us| took(Micros::new(us))).unwrap_or_else(|| "–".to_owned())
}

/// A length on a scale, which is round: `500 µs`, `2.5 ms`, `20 ms`, `1.5 s`.
fn length(us: u64) -> String {
    let (unit, name) = match us {
        1_000_000.. => (1_000_000, "s"),
        1_000.. => (1_000, "ms"),
        _ => (1, "µs"),
    };
    match us % unit * 10 / unit {
        0 => format!("{} {name}", us / unit),
        tenth => format!("{}.{tenth} {name}", us / unit),
    }
}

fn peak(hours: &[CapacityHour]) -> u64 {
    hours.iter().map(|hour| hour.peak_ppb).max().unwrap_or(0)
}

fn last_ppb(hour: &CapacityHour) -> u64 {
    let billionths = u128::from(hour.used_last) * u128::from(BILLION.unsigned_abs());
    u64::try_from(billionths.checked_div(u128::from(hour.limit_last)).unwrap_or(0)).unwrap_or(u64::MAX)
}

/// `87.1 %`, cut.
fn utilisation(ppb: u64) -> String {
    format!("{} %", share(i64::try_from(ppb).unwrap_or(i64::MAX), BILLION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_rates_are_written_with_their_units() {
        for (us, expected) in [
            (5, "5 µs"),
            (500, "500 µs"),
            (2_500, "2.5 ms"),
            (20_000, "20 ms"),
            (1_500_000, "1.5 s"),
            (10_000_000, "10 s"),
        ] {
            assert_eq!(length(us), expected);
        }
        for (least, greatest, expected) in [
            (Some(45_000), Some(64_000), "45 to 64 ms"),
            (Some(900_000), Some(1_200_000), "900 ms to 1.20 s"),
            (Some(1_100_000), Some(1_200_000), "1.10 to 1.20 s"),
            (Some(45_000), Some(45_900), "45 ms"),
            (None, None, "–"),
        ] {
            assert_eq!(between(least, greatest), expected);
        }
        let start = Instant::from_ms(0);
        for (used_last, limit_last, expected) in [(1, 3, 333_333_333), (3, 3, 1_000_000_000), (5, 0, 0)] {
            let hour =
                CapacityHour { start, readings: 1, used_min: 0, used_max: 0, used_last, limit_last, peak_ppb: 0 };
            assert_eq!(last_ppb(&hour), expected);
        }
    }
}
