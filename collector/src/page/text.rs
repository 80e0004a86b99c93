//! How the page writes instants, lengths, amounts and states.

use std::fmt::Display;

use jiff::tz::TimeZone;
use maud::{Markup, html};
use uphold_common::observation::{Micros, State};
use uphold_common::time::{DurationText, Instant};

/// The instant of the page and the zone it is told in.
pub(super) struct Clock<'a> {
    pub(super) as_of: Instant,
    pub(super) zone: &'a TimeZone,
}

impl Clock<'_> {
    /// The instant of the page, in full.
    pub(super) fn full(&self) -> Markup {
        let local = self.as_of.to_timestamp().to_zoned(self.zone.clone());
        let zone = self.zone.iana_name().unwrap_or("UTC");
        html! {
            time datetime=(self.as_of) { (local.strftime("%H:%M:%S on %A, %-d %B %Y")) }
            " (" (zone) ")"
        }
    }

    /// An instant as people nearby write it: the time alone today, with the date on other days.
    pub(super) fn moment(&self, at: Instant) -> Markup {
        let local = |at: Instant| at.to_timestamp().to_zoned(self.zone.clone());
        let (now, then) = (local(self.as_of), local(at));
        let form = match () {
            () if now.date() == then.date() => "%H:%M:%S",
            () if now.year() == then.year() => "%-d %b, %H:%M",
            () => "%-d %b %Y, %H:%M",
        };
        html! { time datetime=(at) title=(then.strftime("%Y-%m-%d %H:%M:%S %Z")) { (then.strftime(form)) } }
    }

    /// The day of an instant: `17 Oct 2025`.
    pub(super) fn date(&self, at: Instant) -> String {
        at.to_timestamp().to_zoned(self.zone.clone()).strftime("%-d %b %Y").to_string()
    }

    /// How long ago an instant was, in words.
    pub(super) fn ago(&self, at: Instant) -> String {
        match self.as_of.since_ms(at) {
            ms if ms < 1_000 => "just now".to_owned(),
            ms => format!("{} ago", brief(ms)),
        }
    }
}

/// A length in its two largest units: `3d 4h`, `18m 42s`. What is smaller is cut.
pub(super) fn brief(ms: i64) -> String {
    let unit_ms = match ms {
        86_400_000.. => 3_600_000,
        3_600_000.. => 60_000,
        _ => 1_000,
    };
    DurationText(ms - ms % unit_ms).to_string()
}

/// A length in full seconds: `42m 3s`. What is below a second is not cut to nothing: `0.25s`.
pub(super) fn seconds(ms: i64) -> String {
    let below = if ms.abs() < 1_000 { 0 } else { ms % 1_000 };
    DurationText(ms - below).to_string()
}

/// How long an attempt took: `3.4 ms`, `76 ms`, `1.24 s`.
pub(super) fn took(micros: Micros) -> Option<String> {
    Some(match micros.get()? {
        us @ ..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        us @ ..1_000_000 => format!("{} ms", us / 1_000),
        us => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    })
}

/// `1 incident`, `2 incidents`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

const BYTE_UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

fn byte_unit(bytes: u64) -> (&'static str, u64) {
    BYTE_UNITS.into_iter().find(|(_, unit)| bytes >= *unit).unwrap_or(("B", 1))
}

/// `amount / unit` with at most one decimal, cut.
fn tenths(amount: u64, unit: u64) -> String {
    let tenths = u128::from(amount) * 10 / u128::from(unit.max(1));
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        digit => format!("{}.{digit}", tenths / 10),
    }
}

/// `1.2 MiB`.
pub(super) fn bytes(amount: u64) -> String {
    let (name, unit) = byte_unit(amount);
    format!("{} {name}", tenths(amount, unit))
}

/// `11.5 of 16 GiB`: both in the unit of the limit.
pub(super) fn bytes_of(used: u64, limit: u64) -> String {
    let (name, unit) = byte_unit(limit);
    format!("{} of {} {name}", tenths(used, unit), tenths(limit, unit))
}

/// `1.3 of 4`, from thousandths.
pub(super) fn thousandths_of(used: u64, limit: u64) -> String {
    format!("{} of {}", tenths(used, 1_000), tenths(limit, 1_000))
}

/// `1.3 of 4 cores`, from thousandths.
pub(super) fn cores_of(used: u64, limit: u64) -> String {
    let cores = tenths(limit, 1_000);
    let word = if cores == "1" { "core" } else { "cores" };
    format!("{} of {cores} {word}", tenths(used, 1_000))
}

/// Where on a scale of 0 to 100 a part of a whole lies, for the width of a bar; between the two whatever is given.
pub(super) fn share(part: i64, whole: i64) -> String {
    let thousandths = (i128::from(part.max(0)) * 1_000).checked_div(i128::from(whole)).unwrap_or(0).clamp(0, 1_000);
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

/// A bar of 0 to 100.
pub(super) fn bar(class: &str, filled: &str) -> Markup {
    html! {
        svg.bar.(class) viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="6" {}
            rect.fill width=(filled) height="6" {}
        }
    }
}

/// The word for a state.
pub(super) const fn word(state: State) -> &'static str {
    match state {
        State::Up => "up",
        State::Degraded => "degraded",
        State::Unmeasured => "not measured",
        State::Down => "down",
    }
}

/// The shape of a state; the word always stands beside it.
pub(super) fn shape(state: State) -> Markup {
    mark(state.as_str())
}

/// The shape of this name.
pub(super) fn mark(name: impl Display) -> Markup {
    html! { svg.mark.(name) viewBox="0 0 16 16" aria-hidden="true" { use href=(format!("#shape-{name}")) {} } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_amounts_and_shares_are_cut_to_what_people_read() {
        for (ms, text) in [(0, "0s"), (999, "0s"), (1_122_000, "18m 42s"), (90_061_000, "1d 1h"), (7_261_000, "2h 1m")]
        {
            assert_eq!(brief(ms), text);
        }
        for (us, text) in [(3_449, "3.4 ms"), (76_250, "76 ms"), (999_999, "999 ms"), (1_249_999, "1.24 s")] {
            assert_eq!(took(Micros::new(us)).as_deref(), Some(text));
        }
        assert_eq!(took(Micros::NONE), None);
        assert_eq!((seconds(250), seconds(61_999), seconds(0)), ("0.25s".into(), "1m 1s".into(), "0s".into()));
        assert_eq!(bytes_of(12_348_030_976, 17_179_869_184), "11.5 of 16 GiB");
        assert_eq!(
            (bytes(1_023), bytes(1_536), cores_of(1_350, 4_000)),
            ("1023 B".into(), "1.5 KiB".into(), "1.3 of 4 cores".into())
        );
        for (part, whole, text) in [(1, 3, "33.3"), (-5, 3, "0.0"), (9, 3, "100.0"), (5, 0, "0.0")] {
            assert_eq!(share(part, whole), text);
        }
    }
}
