//! `prometheus`: where an exporter answers, what must hold of its series, and what is read of them.

use super::readings::{Words, readings};
use super::{Asking, Check, Read};
use crate::quantity::Quantity;
use crate::wire::check::{PrometheusCheck, Series, SeriesBounds, above_zero};
use crate::yaml::walk::At;

/// Most series of which something is expected.
const EXPECTED_MAX: usize = 32;
const SERIES: &str = "a series such as \"queue_length\" or \"queue_length{queue=\\\"mail\\\"}\"";
/// What exporters write, and how much there is of it.
const WORDS: Words = Words {
    from: SERIES,
    is_from: is_series,
    limit: "a number above 0, or a series such as \"queue_capacity\"",
    is_limit: |text| above_zero(text).is_some() || is_series(text),
};

fn is_series(text: &str) -> bool {
    Series::parse(text).is_some()
}

/// `{ url: "http://127.0.0.1:9100/metrics", expect: [{ series: queue_length, at_most: 100 }] }`
pub(super) fn read(at: &At<'_>, asking: &Asking<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let url = keys.required("url", At::url);
        let expect = keys.or("expect", Vec::new(), |at| at.set("series", EXPECTED_MAX, bounds));
        let readings = readings(keys, asking, &WORDS);
        Ok(Check::Prometheus(PrometheusCheck { url: url?, expect: expect?, readings: readings? }))
    })
}

fn bounds(at: &At<'_>) -> Read<SeriesBounds> {
    at.mapping(|keys| {
        let series = keys.required("series", |at| {
            let text = at.text()?;
            if is_series(&text) { Ok(text) } else { Err(at.expected(SERIES)) }
        });
        let (at_least, at_most) = (keys.optional("at_least", number), keys.optional("at_most", number));
        let bounds = SeriesBounds { series: series?, at_least: at_least?, at_most: at_most? };
        match (&bounds.at_least, &bounds.at_most) {
            (None, None) => Err(at.problem("there is no bound: expected \"at_least\", \"at_most\" or both")),
            (Some(least), Some(most)) if Quantity::parse(least) > Quantity::parse(most) => {
                Err(at.problem(format!("nothing is at least {least} and at most {most}")))
            }
            _ => Ok(bounds),
        }
    })
}

fn number(at: &At<'_>) -> Read<String> {
    let wanted = "a number such as \"100\" or \"0.5\"";
    let text = at.scalar(wanted)?;
    Quantity::parse(text).map(|_| text.to_owned()).ok_or_else(|| at.expected(wanted))
}
