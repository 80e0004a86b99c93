//! The text that exporters write for Prometheus: one sample a line, `name{label="value"} number [timestamp]`.
//!
//! Every line is read, so that a page that is none of it is told from an exporter without the series that is wanted; of
//! the samples only the wanted ones are kept.

use std::fmt;

use uphold_common::quantity::Quantity;
use uphold_common::wire::check::Series;

/// Most samples that one wanted series may mean.
const SAMPLES_MAX: usize = 1_000;

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(Quantity),
    /// More than every number.
    Infinite,
    /// Less than every number.
    InfinitelyLow,
    /// No number at all.
    NotANumber,
}

impl Value {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "+Inf" | "Inf" => Some(Self::Infinite),
            "-Inf" => Some(Self::InfinitelyLow),
            "NaN" | "nan" => Some(Self::NotANumber),
            number => Quantity::parse(number).map(Self::Number),
        }
    }

    /// Whether it lies within these bounds; what is no number lies nowhere.
    pub fn is_within(self, at_least: Option<Quantity>, at_most: Option<Quantity>) -> bool {
        match self {
            Self::Number(number) => {
                at_least.is_none_or(|least| number >= least) && at_most.is_none_or(|most| number <= most)
            }
            Self::Infinite => at_most.is_none(),
            Self::InfinitelyLow => at_least.is_none(),
            Self::NotANumber => false,
        }
    }
}

/// A sample that was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its value.
    pub value: Value,
    /// The value as it was written.
    pub text: String,
}

/// Why a text is none of an exporter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadText {
    /// The line with this number is no sample.
    Line(usize),
    /// One wanted series means more samples than are kept.
    TooMany,
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number} is not in the format of Prometheus"),
            Self::TooMany => write!(f, "more than {SAMPLES_MAX} series are meant by one"),
        }
    }
}

/// The samples that each of the wanted series means, in the order of the wanted.
pub fn samples(text: &str, wanted: &[Series]) -> Result<Vec<Vec<Sample>>, BadText> {
    let mut found = vec![Vec::new(); wanted.len()];
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (series, rest) = Series::begin(line).ok_or(BadText::Line(number))?;
        let text = rest.split_whitespace().next().unwrap_or_default();
        let value = Value::parse(text).ok_or(BadText::Line(number))?;
        for (_, samples) in wanted.iter().zip(&mut found).filter(|(wanted, _)| wanted.means(&series)) {
            if samples.len() >= SAMPLES_MAX {
                return Err(BadText::TooMany);
            }
            samples.push(Sample { value, text: text.to_owned() });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP queue_length Messages that wait.
# TYPE queue_length gauge
queue_length{queue="mail"} 120
queue_length{queue="news",note="a } b"} 1.5e+01 1767225600000
up 1
  broken{kind="NaN"} NaN
le{le="+Inf"} +Inf # {trace_id="1"} 3
# EOF
"#;

    #[test]
    fn the_wanted_samples_are_found() {
        for (wanted, values) in [
            ("queue_length", &["120", "1.5e+01"][..]),
            (r#"queue_length{queue="mail"}"#, &["120"]),
            (r#"queue_length{queue="spam"}"#, &[]),
            ("up", &["1"]),
            ("broken", &["NaN"]),
            ("le", &["+Inf"]),
            ("queue", &[]),
        ] {
            let found = samples(TEXT, &[Series::parse(wanted).unwrap()]).unwrap();
            let found: Vec<&str> = found.iter().flatten().map(|sample| sample.text.as_str()).collect();
            assert_eq!(found, values, "{wanted}");
        }
        for (text, line) in [("<html>", 1), ("up 1\nup", 2), ("up one", 1), ("up{ 1", 1), ("up{a=\"1\"}x 1", 1)] {
            assert_eq!(samples(text, &[]), Err(BadText::Line(line)), "{text}");
        }
        let many = "up 1\n".repeat(SAMPLES_MAX + 1);
        assert_eq!(samples(&many, &[Series::parse("up").unwrap()]), Err(BadText::TooMany));
    }

    #[test]
    fn bounds_are_met_exactly_and_by_nothing_that_is_no_number() {
        for (value, at_least, at_most, within) in [
            ("100", None, Some("100"), true),
            ("100.0000000000000001", None, Some("100"), false),
            ("1e2", Some("100"), Some("100"), true),
            ("99.99999999999999999", Some("100"), None, false),
            ("-1", Some("0"), None, false),
            ("NaN", Some("0"), None, false),
            ("NaN", None, Some("0"), false),
            ("+Inf", Some("0"), None, true),
            ("+Inf", None, Some("9e99"), false),
            ("-Inf", Some("0"), None, false),
            ("-Inf", None, Some("0"), true),
        ] {
            let bound = |text: Option<&str>| text.map(|text| Quantity::parse(text).unwrap());
            let found = Value::parse(value).unwrap().is_within(bound(at_least), bound(at_most));
            assert_eq!(found, within, "{value} from {at_least:?} to {at_most:?}");
        }
    }
}
