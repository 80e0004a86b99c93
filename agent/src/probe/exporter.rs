//! The Prometheus probe: an exporter's text, fetched once, held against what is expected of its series.
//!
//! | what came | outcome |
//! |---|---|
//! | another code than 200 | `down` |
//! | 200, and not the text of an exporter | `down` |
//! | a series of which something is expected is not there, or one that is meant lies outside of its bounds or is `NaN` | `down` |
//! | more text than is read | `unknown`: what was not read cannot be judged |
//! | else | `up`, above `slow_after` `degraded` |

use std::time::Duration;

use uphold_common::observation::{Cause, ResourceId};
use uphold_common::quantity::{Quantity, Scale};
use uphold_common::wire::check::{PrometheusCheck, Series, SeriesBounds, above_zero};

use super::exposition::{Sample, Value, samples};
use super::http::{BODY_BYTES_MAX, Fetched, HttpProbe};
use super::measured::{Amount, Measured, resource};
use super::{Answer, Happened, Judged, Run, Seen};
use crate::accept::Accept;

/// The format that is read.
const ACCEPT: &str = "text/plain;version=0.0.4";

/// What was seen of an exporter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusSeen {
    /// What is not as expected, for people; none when all is.
    pub wrong: Option<String>,
}

impl PrometheusSeen {
    /// What was seen, for people.
    pub fn detail(&self) -> String {
        self.wrong.clone().unwrap_or_else(|| "every series as expected".to_owned())
    }
}

/// A Prometheus probe made ready.
#[derive(Debug)]
pub struct PrometheusProbe {
    page: HttpProbe,
    wanted: Wanted,
}

/// What is looked for in the text: of `series` first those of the conditions, then those of the readings.
#[derive(Debug)]
struct Wanted {
    series: Vec<Series>,
    conditions: Vec<Condition>,
    readings: Vec<Reading>,
}

#[derive(Debug)]
struct Condition {
    name: String,
    at_least: Option<Quantity>,
    at_most: Option<Quantity>,
}

#[derive(Debug)]
struct Reading {
    id: ResourceId,
    /// Where its samples are.
    from: usize,
    limit: Limit,
}

#[derive(Debug)]
enum Limit {
    Number(Quantity),
    /// Where the samples of its series are.
    Series(usize),
}

impl PrometheusProbe {
    /// Takes the URL and the names of the series apart.
    pub fn new(check: &PrometheusCheck, accept: &Accept) -> Result<Self, String> {
        Ok(Self { page: HttpProbe::fetching(&check.url, ACCEPT, accept)?, wanted: Wanted::new(check)? })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> String {
        self.page.target().to_string()
    }

    /// Fetches the text and judges it, or says what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        let fetched = self.page.fetch(run, timeout).await?;
        let (judged, wrong, measured) = self.wanted.judged(&fetched)?;
        run.measured = measured;
        Ok(Answer { code: fetched.code, judged, seen: Seen::Prometheus(PrometheusSeen { wrong }) })
    }
}

impl Wanted {
    fn new(check: &PrometheusCheck) -> Result<Self, String> {
        let mut series = Vec::new();
        let mut place = |text: &str| {
            series.push(Series::parse(text).ok_or_else(|| format!("{text:?} is no series"))?);
            Ok::<usize, String>(series.len() - 1)
        };
        let mut conditions = Vec::new();
        for bounds in &check.expect {
            place(&bounds.series)?;
            conditions.push(condition(bounds)?);
        }
        let mut readings = Vec::new();
        for spec in &check.readings {
            let limit = match above_zero(&spec.limit) {
                Some(number) => Limit::Number(number),
                None => Limit::Series(place(&spec.limit)?),
            };
            readings.push(Reading { id: resource(spec), from: place(&spec.from)?, limit });
        }
        Ok(Self { series, conditions, readings })
    }

    /// How the text stands against what is expected, what is wrong with it, and what is read of it.
    fn judged(&self, fetched: &Fetched) -> Result<(Judged, Option<String>, Vec<Measured>), Happened> {
        if fetched.code != 200 {
            return Ok((Judged::Unexpected(Cause::Code), Some("200 is expected".to_owned()), Vec::new()));
        }
        if fetched.cut {
            let why = format!("the exporter writes more than the {BODY_BYTES_MAX} bytes that are read");
            return Ok((Judged::NotKnown, Some(why), Vec::new()));
        }
        let text = std::str::from_utf8(&fetched.body);
        let text = text.map_err(|_| Happened::NotUnderstood("the exporter's text is not UTF-8".to_owned()))?;
        let found = samples(text, &self.series).map_err(|bad| Happened::NotUnderstood(bad.to_string()))?;
        let wrong = self.conditions.iter().zip(&found).find_map(|(condition, samples)| condition.wrong(samples));
        let judged = if wrong.is_some() { Judged::Unexpected(Cause::Body) } else { Judged::Expected };
        let measured = |reading: &Reading| Measured { id: reading.id.clone(), read: reading.of(&found) };
        Ok((judged, wrong, self.readings.iter().map(measured).collect()))
    }
}

fn condition(bounds: &SeriesBounds) -> Result<Condition, String> {
    let bound = |text: &Option<String>| {
        let number = |text: &String| Quantity::parse(text).ok_or_else(|| format!("{text:?} is no number"));
        text.as_ref().map(number).transpose()
    };
    let (at_least, at_most) = (bound(&bounds.at_least)?, bound(&bounds.at_most)?);
    Ok(Condition { name: bounds.series.clone(), at_least, at_most })
}

impl Condition {
    /// What is wrong, if anything is: every series that is meant has to lie within the bounds, and one has to be there.
    fn wrong(&self, samples: &[Sample]) -> Option<String> {
        if samples.is_empty() {
            return Some(format!("{} is not there", self.name));
        }
        let outside = samples.iter().find(|sample| !sample.value.is_within(self.at_least, self.at_most))?;
        Some(format!("{} is {}, and not within its bounds", self.name, outside.text))
    }
}

impl Reading {
    fn of(&self, found: &[Vec<Sample>]) -> Result<Amount, String> {
        let limit = match &self.limit {
            Limit::Number(number) => *number,
            Limit::Series(at) => one_number(found.get(*at)).map_err(|why| format!("of its limit {why}"))?,
        };
        Amount::of((one_number(found.get(self.from))?, Scale::ONE), (limit, Scale::ONE))
    }
}

/// The number of the one sample that is there.
fn one_number(samples: Option<&Vec<Sample>>) -> Result<Quantity, String> {
    match samples.map(Vec::as_slice) {
        Some([Sample { value: Value::Number(number), .. }]) => Ok(*number),
        Some([sample]) => Err(format!("the series is {}, which is no number", sample.text)),
        Some([_, ..]) => Err("several series are meant, and not one".to_owned()),
        _ => Err("the series is not there".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uphold_common::ids::Id;
    use uphold_common::wire::check::ReadingSpec;

    const TEXT: &str = "queue_length{queue=\"mail\"} 120\nqueue_length{queue=\"news\"} 5\nroom 1e3\nlost NaN\n";

    fn judged(body: &str, expect: &[(&str, Option<&str>, Option<&str>)]) -> Result<(Judged, Option<String>), Happened> {
        let owned = |text: &str| text.to_owned();
        let expect = expect.iter().map(|(series, at_least, at_most)| SeriesBounds {
            series: owned(series),
            at_least: at_least.map(owned),
            at_most: at_most.map(owned),
        });
        let check = PrometheusCheck { url: String::new(), expect: expect.collect(), readings: Vec::new() };
        let fetched = Fetched { code: 200, body: body.as_bytes().to_vec(), cut: false };
        Wanted::new(&check).unwrap().judged(&fetched).map(|(judged, wrong, _)| (judged, wrong))
    }

    #[test]
    fn every_series_that_is_meant_has_to_be_there_and_within_its_bounds() {
        for (expect, wrong) in [
            (&[][..], None),
            (&[("queue_length", Some("5"), Some("120"))], None),
            (&[("queue_length", None, Some("119.9"))], Some("queue_length is 120, and not within its bounds")),
            (&[("queue_length{queue=\"news\"}", None, Some("119.9"))], None),
            (&[("queue_length", Some("6"), None)], Some("queue_length is 5, and not within its bounds")),
            (&[("room", Some("0"), None), ("gone", Some("0"), None)], Some("gone is not there")),
            (&[("lost", Some("-9e99"), None)], Some("lost is NaN, and not within its bounds")),
        ] {
            let verdict = if wrong.is_some() { Judged::Unexpected(Cause::Body) } else { Judged::Expected };
            assert_eq!(judged(TEXT, expect), Ok((verdict, wrong.map(str::to_owned))), "{expect:?}");
        }
        assert!(matches!(judged("<html>", &[]), Err(Happened::NotUnderstood(_))));
        let wanted = Wanted { series: Vec::new(), conditions: Vec::new(), readings: Vec::new() };
        let cut = Fetched { code: 200, body: Vec::new(), cut: true };
        assert_eq!(wanted.judged(&cut).unwrap().0, Judged::NotKnown);
        let refused = Fetched { code: 503, body: Vec::new(), cut: false };
        assert_eq!(wanted.judged(&refused).unwrap().0, Judged::Unexpected(Cause::Code));
    }

    #[test]
    fn a_reading_is_of_one_series_alone() {
        for (from, limit, amount) in [
            ("queue_length{queue=\"mail\"}", "room", Ok((120_000, 1_000_000))),
            ("queue_length{queue=\"mail\"}", "240.5", Ok((120_000, 240_500))),
            ("queue_length", "room", Err("several series are meant, and not one")),
            ("gone", "room", Err("the series is not there")),
            ("room", "gone", Err("of its limit the series is not there")),
            ("lost", "room", Err("the series is NaN, which is no number")),
        ] {
            let id = |text: &str| Id::new(text).unwrap();
            let (from, limit) = (from.to_owned(), limit.to_owned());
            let readings = vec![ReadingSpec { from, host: id("web-1"), of: id("queue"), limit }];
            let check = PrometheusCheck { url: String::new(), expect: Vec::new(), readings };
            let fetched = Fetched { code: 200, body: TEXT.as_bytes().to_vec(), cut: false };
            let (_, _, measured) = Wanted::new(&check).unwrap().judged(&fetched).unwrap();
            let wanted = amount.map(|(used, limit)| Amount { used, limit }).map_err(str::to_owned);
            assert_eq!(measured[0].read, wanted);
        }
    }
}
