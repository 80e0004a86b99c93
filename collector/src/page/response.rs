//! One target on response time in its window: how soon the probe was answered, against what was promised.

use maud::{Markup, html};
use uphold_common::catalogue::model::{Catalogue, ResponseBound, Service, Target};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::response::{ResponseFigures, Tally};
use uphold_common::observation::Micros;

use super::target::{agreed_with, window_name};
use super::text;

pub(super) fn block(catalogue: &Catalogue, service: &Service, target: &Target, figures: &ResponseFigures) -> Markup {
    let class = match figures.verdict {
        Verdict::Met => "met",
        Verdict::Breached => "breached",
        Verdict::NoData => "no-data",
    };
    html! {
        section.target.response data-target=(target.id) {
            h3 {
                (figures.promise.probe) ", " (window_name(&figures.window, service))
                span.who { (agreed_with(catalogue, target)) }
            }
            p.figure {
                data.response-time value=(figures.value_us.map(|us| us.to_string()).unwrap_or_default())
                    data-service=(service.id) data-target=(target.id) data-within=(figures.tally.within) data-n=(figures.tally.n)
                    { (shown(figures)) }
                span.promise { (promised(figures)) }
                span.verdict.(class) { (figures.verdict.as_str()) }
            }
            p.note { (counted(&figures.tally)) }
            p.note { code { (target.id) } }
        }
    }
}

/// The percentile, or how many were quick enough.
fn shown(figures: &ResponseFigures) -> String {
    match (figures.promise.bound, figures.value_us) {
        (ResponseBound::Percentile(_), Some(us)) => duration(u64::from(us)),
        (ResponseBound::Share(_), _) if figures.tally.n > 0 => {
            format!("{} of {}", figures.tally.within, figures.tally.n)
        }
        _ => "–".to_owned(),
    }
}

/// `95 % within 800 ms promised`
fn promised(figures: &ResponseFigures) -> String {
    let (ResponseBound::Percentile(share) | ResponseBound::Share(share)) = figures.promise.bound;
    let below = duration(u64::try_from(figures.promise.below_us).unwrap_or(0));
    format!("{} within {below} promised", share.to_string().replace('%', " %"))
}

fn duration(us: u64) -> String {
    text::took(Micros::new(us)).unwrap_or_default()
}

/// `1200 answers, 1150 of them quick enough; 3 failures, 1 attempt that was not measured.`
fn counted(tally: &Tally) -> String {
    if *tally == Tally::default() {
        return "Nothing was observed in this window yet.".to_owned();
    }
    let many = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let beside = [
        (tally.failed, "failure", "failures"),
        (tally.unknown, "attempt that was not measured", "attempts that were not measured"),
        (tally.no_duration, "answer without a duration", "answers without a duration"),
    ];
    let beside = beside.into_iter().filter(|(count, ..)| *count > 0);
    let beside: Vec<String> = beside.map(|(count, one, others)| many(count, one, others)).collect();
    let beside = if beside.is_empty() { String::new() } else { format!("; {}", beside.join(", ")) };
    format!("{}, {} of them quick enough{beside}.", many(tally.n, "answer", "answers"), tally.within)
}
