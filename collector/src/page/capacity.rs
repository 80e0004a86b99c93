//! One target on capacity in its window: how much was in use, against its thresholds.

use maud::{Markup, html};
use uphold_common::catalogue::model::{Catalogue, Promise, Service, Target, Threshold};
use uphold_common::measure::capacity::{CapacityFigures, CapacityState};
use uphold_common::observation::ResourceId;
use uphold_common::percent::{BILLION, Ppb};

use super::hosts;
use super::target::{agreed_with, window_name};
use super::text::{seconds, share};

pub(super) fn block(catalogue: &Catalogue, service: &Service, target: &Target, figures: &CapacityFigures) -> Markup {
    let Promise::Capacity(promise) = &target.promise else { return html! {} };
    let percent = figures.percentile_percent();
    html! {
        section.target.capacity data-target=(target.id) {
            h3 {
                (resource(&promise.resource)) ", " (window_name(&figures.window, service))
                span.who { (agreed_with(catalogue, target)) }
            }
            p.figure {
                data.utilisation value=(figures.percentile_ppb.map(|ppb| ppb.to_string()).unwrap_or_default())
                    data-service=(service.id) data-target=(target.id)
                    { (percent.as_ref().map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))) }
                span.promise { "in use" }
                (state(figures.state))
            }
            @if figures.n > 0 { p.note { (meaning(figures)) } }
            (scale(figures))
            p.note { (how_long(figures)) }
            p.note { code { (target.id) } }
        }
    }
}

/// `/var of web-1`, `Memory of web-1`.
fn resource(id: &ResourceId) -> String {
    format!("{} of {}", hosts::name(id), id.host)
}

fn state(state: CapacityState) -> Markup {
    let class = match state {
        CapacityState::NoData => "no-data",
        CapacityState::Fine => "met",
        CapacityState::Warning => "warning",
        CapacityState::Critical => "breached",
    };
    html! { span.verdict.(class) { (state.as_str()) } }
}

/// What a percentile is, in plain words.
fn meaning(figures: &CapacityFigures) -> String {
    let readings = if figures.n == 1 { "reading" } else { "readings" };
    format!("At least {} of {} {readings} were at or below this.", spaced(figures.percentile), figures.n)
}

/// The percentile on a scale from nothing to all, with the thresholds on it.
fn scale(figures: &CapacityFigures) -> Markup {
    let filled = share(figures.percentile_ppb.unwrap_or(0), BILLION);
    let marks = thresholds(figures);
    let text: Vec<String> = marks.iter().map(|(name, at)| format!("{name} at {}", spaced(*at))).collect();
    let class = match figures.state {
        CapacityState::Critical => "over",
        CapacityState::Warning => "near",
        CapacityState::Fine | CapacityState::NoData => "use",
    };
    html! {
        div.thresholds {
            p { span.label { "Thresholds" } span.value { (text.join(", ")) } }
            svg.bar.(class) viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
                rect.track width="100" height="6" {}
                rect.fill width=(filled) height="6" {}
                @for (name, at) in &marks {
                    rect.threshold.(name) x=(share(at.parts(), BILLION)) width="0.5" height="6" {}
                }
            }
        }
    }
}

fn thresholds(figures: &CapacityFigures) -> Vec<(&'static str, Ppb)> {
    let threshold = |one: Threshold| Some((one.as_str(), figures.thresholds.of(one)?));
    Threshold::ALL.into_iter().filter_map(threshold).collect()
}

/// `At or above the warning for 3h 2m, the critical threshold for 0s; not measured for 4m.`
fn how_long(figures: &CapacityFigures) -> String {
    if figures.times.total() == 0 {
        return "No committed time in this window so far.".to_owned();
    }
    if figures.times.unmeasured == figures.times.total() {
        return "Nothing was read in this window yet.".to_owned();
    }
    let above = |one: Threshold| {
        let name = if one == Threshold::Critical { "critical threshold" } else { "warning" };
        Some(format!("the {name} for {}", seconds(figures.above_ms(one)?)))
    };
    let above: Vec<String> = Threshold::ALL.into_iter().filter_map(above).collect();
    let unmeasured = match figures.times.unmeasured {
        0 => "read all of the time".to_owned(),
        ms => format!("not measured for {}", seconds(ms)),
    };
    format!("At or above {}; {unmeasured}.", above.join(", "))
}

/// `90 %`
fn spaced(share: Ppb) -> String {
    share.to_string().replace('%', " %")
}
