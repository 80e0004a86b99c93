//! The performance data of plugins: `'label'=value[unit];[warn];[crit];[min];[max]`, as their guidelines write it.
//!
//! It stands behind the first `|` of the first line, and behind the first `|` of the lines after it. Values are counted in
//! base units: bytes, of which 1024 make a KB as the plugins count them, milliseconds, and everything else as it is.

use uphold_common::quantity::{Quantity, Scale};
use uphold_common::wire::check::PluginLimit;

use super::measured::Amount;

/// The number with which a per cent is full.
const FULL: &str = "100";

/// One value that a plugin gives, still as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric<'o> {
    /// What it is called.
    pub label: String,
    /// The value, its unit, its thresholds and its bounds.
    data: &'o str,
}

/// Every value in a plugin's output, in its order; what is none is left out.
pub fn metrics(output: &str) -> Vec<Metric<'_>> {
    let (first, others) = output.split_once('\n').unwrap_or((output, ""));
    let data = |text: &'_ str| text.find('|').map(|at| at + 1);
    let first = data(first).and_then(|at| first.get(at..)).unwrap_or_default();
    let others = data(others).and_then(|at| others.get(at..)).unwrap_or_default();
    let mut metrics = Vec::new();
    for mut rest in [first, others] {
        while let Some((metric, after)) = next(rest) {
            metrics.extend(metric);
            rest = after;
        }
    }
    metrics
}

/// The next value, if that is one, and what follows it.
fn next(text: &str) -> Option<(Option<Metric<'_>>, &str)> {
    let text = text.trim_start();
    let (label, rest) = match text.strip_prefix('\'').map(quoted_label) {
        Some(quoted) => quoted?,
        None => unquoted_label(text)?,
    };
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (data, after) = rest.split_at_checked(end)?;
    Some((data.strip_prefix('=').map(|data| Metric { label, data }), after))
}

fn unquoted_label(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| c == '=' || c.is_whitespace()).filter(|end| *end > 0)?;
    let (label, rest) = text.split_at_checked(end)?;
    Some((label.to_owned(), rest))
}

/// Two quotes in a label are one of its own.
fn quoted_label(text: &str) -> Option<(String, &str)> {
    let mut label = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('\'')?;
        label.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                label.push('\'');
                rest = more;
            }
            None => return Some((label, after)),
        }
    }
}

impl Metric<'_> {
    /// How much is in use, and of how much.
    pub fn amount(&self, limit: PluginLimit) -> Result<Amount, String> {
        let mut fields = self.data.split(';');
        let mut field = || fields.next().unwrap_or_default();
        let (value, warning, critical, _, max) = (field(), field(), field(), field(), field());
        let end = value.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(value.len());
        let (value, unit) = value.split_at_checked(end).unwrap_or((value, ""));
        let used = Quantity::parse(value).ok_or("the plugin gives no value")?;
        let scale = scale(unit);
        let (limit, limit_in) = match limit {
            PluginLimit::Number(number) => (Some(number), Scale::ONE),
            PluginLimit::Max if max.is_empty() && unit == "%" => (Quantity::parse(FULL), scale),
            PluginLimit::Max => (Quantity::parse(max), scale),
            PluginLimit::Critical => (upper_end(critical), scale),
            PluginLimit::Warning => (upper_end(warning), scale),
        };
        Amount::of((used, scale), (limit.ok_or("the plugin gives no such limit")?, limit_in))
    }
}

/// Above which value a threshold is passed: `10`, `5:10` and `~:10` end at 10; one without an upper end, or which is passed
/// inside of a range, has none.
fn upper_end(range: &str) -> Option<Quantity> {
    let end = range.split_once(':').map_or(range, |(_, end)| end);
    Quantity::parse(end).filter(|_| !range.starts_with('@'))
}

/// How a unit is counted in its base unit; whatever is not listed is its own.
fn scale(unit: &str) -> Scale {
    let bytes = |power| Scale { factor: 1024_u64.pow(power), tens: 0 };
    match unit {
        "KB" | "kB" | "KiB" => bytes(1),
        "MB" | "MiB" => bytes(2),
        "GB" | "GiB" => bytes(3),
        "TB" | "TiB" => bytes(4),
        "PB" | "PiB" => bytes(5),
        "s" => Scale { factor: 1, tens: 3 },
        "us" => Scale { factor: 1, tens: -3 },
        "ns" => Scale { factor: 1, tens: -6 },
        _ => Scale::ONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str, limit: &str) -> Result<(u64, u64), String> {
        let amount = Metric { label: "x".to_owned(), data }.amount(PluginLimit::parse(limit).unwrap());
        amount.map(|amount| (amount.used, amount.limit))
    }

    #[test]
    fn values_are_found_wherever_the_guidelines_put_them() {
        let output =
            "DISK OK | /=2643MB;5948;5958;0;5968 'free space'=5%;;;0;100\n/home 1 ok\n/srv ok | 'it''s'=1 /srv=7\n/x=8";
        let found: Vec<_> = metrics(output).into_iter().map(|metric| (metric.label, metric.data)).collect();
        let wanted =
            [("/", "2643MB;5948;5958;0;5968"), ("free space", "5%;;;0;100"), ("it's", "1"), ("/srv", "7"), ("/x", "8")];
        assert_eq!(found, wanted.map(|(label, data)| (label.to_owned(), data)));
        for (output, count) in [("", 0), ("OK", 0), ("OK|", 0), ("OK | 'a", 0), ("OK | a b=1 =2", 1), ("|a=1", 1)] {
            assert_eq!(metrics(output).len(), count, "{output}");
        }
    }

    #[test]
    fn units_are_counted_exactly() {
        for (data, limit, amount) in [
            ("88783978496B;1;1;0;270552530944", "max", Ok((88_783_978_496_000, 270_552_530_944_000))),
            ("1.5KB;;;;2", "max", Ok((1_536_000, 2_048_000))),
            ("1MB;;;;1", "1048576", Ok((1_048_576_000, 1_048_576_000))),
            ("0.000123s;;;;1", "max", Ok((123, 1_000_000))),
            ("120us;;;;1000", "max", Ok((120, 1_000))),
            ("12ms", "1000", Ok((12_000, 1_000_000))),
            ("73.5%", "max", Ok((73_500, 100_000))),
            ("73.5%;;;;50", "max", Ok((73_500, 50_000))),
            ("42c;;;;100", "max", Ok((42_000, 100_000))),
            ("11.460;9.000;12;0;", "crit", Ok((11_460, 12_000))),
            ("11.460;~:9.000;5:12;0;", "warn", Ok((11_460, 9_000))),
            ("3;;5:12", "crit", Ok((3_000, 12_000))),
            ("0.0001;;;;1.0009", "max", Ok((1, 1_000))),
            ("3;;@5:12", "crit", Err("no such limit")),
            ("3;;5:", "crit", Err("no such limit")),
            ("3", "max", Err("no such limit")),
            ("3;;;;0", "max", Err("limit is not above zero")),
            ("U", "1", Err("no value")),
            ("", "1", Err("no value")),
            ("-3", "1", Err("below zero")),
            ("99999999999999999999PB", "1", Err("too much to be counted")),
        ] {
            match (read(data, limit), amount) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{data}"),
                (Err(why), Err(wanted)) => assert!(why.contains(wanted), "{data}: {why}"),
                (found, wanted) => panic!("{data}: {found:?} and not {wanted:?}"),
            }
        }
    }
}
