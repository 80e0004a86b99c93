//! The typed readers: from the characters at a place to a checked value, or a problem that says what was expected.
//!
//! No reader of a URL repeats it: it may hold a secret.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use url::{Host, Url};

use super::problem::{Read, Told};
use super::walk::At;
use super::words::{did_you_mean, listed, nearest, shown};
use crate::bytes::parse_size;
use crate::ids::Id;
use crate::percent::Ppb;
use crate::time::{Instant, parse_duration_ms};

/// Longest text, in characters.
pub const TEXT_CHARS_MAX: usize = 1_000;
/// Longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 2_000;

impl At<'_> {
    /// A text of one line that is not empty.
    pub fn text(&self) -> Read<String> {
        let text = self.scalar("a text")?;
        if text.trim().is_empty() {
            return Err(self.expected("a text that is not empty"));
        }
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(self.problem(format!("the text is longer than {TEXT_CHARS_MAX} characters")));
        }
        if text.chars().any(char::is_control) {
            return Err(self.problem("expected a text of one line, without control characters"));
        }
        Ok(text.to_owned())
    }

    /// An id.
    pub fn id(&self) -> Read<Id> {
        let wanted = "an id such as \"web-1\"";
        Id::new(self.scalar(wanted)?).map_err(|bad| self.expected(&bad.to_string()))
    }

    /// A duration within `range`, in milliseconds.
    pub fn duration_ms(&self, range: RangeInclusive<i64>) -> Read<i64> {
        let wanted = "a duration such as \"30s\"";
        let ms = parse_duration_ms(self.scalar(wanted)?).ok_or_else(|| self.expected(wanted))?;
        if !range.contains(&ms) {
            let (least, most) = (exact_duration(*range.start()), exact_duration(*range.end()));
            return Err(self.expected(&format!("a duration from {least} to {most}")));
        }
        Ok(ms)
    }

    /// A whole number within `range`.
    pub fn count(&self, range: RangeInclusive<u64>) -> Read<u64> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let text = self.scalar(&wanted)?;
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let count = text.parse::<u64>().ok().filter(|count| digits && range.contains(count));
        count.ok_or_else(|| self.expected(&wanted))
    }

    /// As [`Self::count`], for numbers that are kept small.
    pub fn small_count(&self, range: RangeInclusive<u32>) -> Read<u32> {
        let count = self.count(u64::from(*range.start())..=u64::from(*range.end()))?;
        u32::try_from(count).map_err(|_| self.expected("a smaller number"))
    }

    /// A size such as `64MiB`, in bytes.
    pub fn bytes(&self, range: RangeInclusive<u64>) -> Read<u64> {
        let wanted = format!("a size such as \"64MiB\", from {} to {} bytes", range.start(), range.end());
        let text = self.scalar(&wanted)?;
        parse_size(text).filter(|bytes| range.contains(bytes)).ok_or_else(|| self.expected(&wanted))
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Read<bool> {
        self.word(&[("true", true), ("false", false)])
    }

    /// A percentage, read from its characters.
    pub fn percentage(&self) -> Read<Ppb> {
        let text = self.scalar("a percentage such as \"99.95%\"")?;
        Ppb::parse(text).map_err(|bad| self.expected(&bad.to_string()))
    }

    /// A percentile above 0 and up to 100, read from its characters: `95`, `99.9`.
    pub fn percentile(&self) -> Read<Ppb> {
        let wanted = "a percentile above 0 and up to 100, such as \"95\" or \"99.9\"";
        let share = Ppb::parse(&format!("{}%", self.scalar(wanted)?)).ok();
        share.filter(|share| share.parts() > 0).ok_or_else(|| self.expected(wanted))
    }

    /// A point in time.
    pub fn instant(&self) -> Read<Instant> {
        let wanted = "a date and time such as \"2026-01-01T00:00:00+01:00\"";
        Instant::parse(self.scalar(wanted)?).ok_or_else(|| self.expected(wanted))
    }

    /// A date of the calendar.
    pub fn date(&self) -> Read<Date> {
        let wanted = "a date such as \"2026-12-25\"";
        let text = self.scalar(wanted)?;
        let written = text.len() == "2026-12-25".len() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        written.then(|| text.parse().ok()).flatten().ok_or_else(|| self.expected(wanted))
    }

    /// One of some words.
    pub fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Read<T> {
        let names = || words.iter().map(|(name, _)| *name);
        let wanted = listed(names());
        let text = self.scalar(&wanted)?;
        let found = words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        found.ok_or_else(|| self.expected_word(&wanted, names()))
    }

    /// As [`Self::expected`], with the nearest of `words`.
    pub fn expected_word<'w>(&self, wanted: &str, words: impl IntoIterator<Item = &'w str>) -> Told {
        match self.scalar(wanted) {
            Ok(text) => self.problem(format!("expected {wanted}, found {}{}", shown(text), did_you_mean(text, words))),
            Err(told) => told,
        }
    }

    /// A time zone of the database bundled with the program, in its spelling.
    pub fn time_zone(&self) -> Read<TimeZone> {
        let wanted = "a time zone such as \"Europe/Zurich\"";
        let text = self.scalar(wanted)?;
        let database = TimeZoneDatabase::bundled();
        let zone = database.get(text).ok().filter(|zone| zone.iana_name() == Some(text) && !zone.is_unknown());
        if let Some(zone) = zone {
            return Ok(zone);
        }
        let names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
        let city = |name: &&String| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text));
        let near = nearest(text, names.iter().map(String::as_str)).or(names.iter().find(city).map(String::as_str));
        let hint = near.map(|name| format!(" (did you mean \"{name}\"?)")).unwrap_or_default();
        Err(self.problem(format!("expected {wanted}, found {}{hint}", shown(text))))
    }

    /// An `http` or `https` URL with a host and without a user or a password in it.
    pub fn url(&self) -> Read<String> {
        let text = self.scalar("a URL")?;
        let refuse = |why: &str| -> Told { self.problem(why) };
        if text.len() > URL_BYTES_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(refuse("expected a URL without spaces, of at most 2000 bytes"));
        }
        let url = Url::parse(text)
            .map_err(|why| self.problem(format!("expected a URL such as \"https://shop.example/\": {why}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("expected a URL that begins with \"http://\" or \"https://\""));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refuse("expected a URL with a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("a URL must not hold a user or a password: it would be shown and stored"));
        }
        Ok(text.to_owned())
    }

    /// `host:port`, an IPv6 address in brackets.
    pub fn host_and_port(&self) -> Read<String> {
        let wanted = "a host and a port such as \"192.0.2.1:443\" or \"[2001:db8::1]:443\"";
        let text = self.scalar(wanted)?;
        let parts = text.rsplit_once(':').filter(|(host, port)| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'[' | b']' | b':');
            let digits = port.bytes().all(|b| b.is_ascii_digit());
            let number = port.parse::<u16>().is_ok_and(|number| number > 0);
            digits && number && host.len() <= 255 && host.bytes().all(plain) && Host::parse(host).is_ok()
        });
        parts.map(|_| text.to_owned()).ok_or_else(|| self.expected(wanted))
    }

    /// An address to listen on: an IP address and a port.
    pub fn socket_address(&self) -> Read<SocketAddr> {
        let wanted = "an address and a port such as \"127.0.0.1:8080\" or \"[::]:8080\"";
        self.scalar(wanted)?.parse().map_err(|_| self.expected(wanted))
    }
}

/// A duration in the largest unit that divides it: `90m`, `1500ms`. No two durations read the same.
pub fn exact_duration(ms: i64) -> String {
    const UNITS: [(&str, i64); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let unit = UNITS.iter().find(|(_, unit_ms)| ms != 0 && ms % unit_ms == 0);
    unit.map_or_else(|| format!("{ms}ms"), |(name, unit_ms)| format!("{}{name}", ms / unit_ms))
}
