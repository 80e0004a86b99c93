//! One target in its window: the availability against the promise, how sure it is, what may still be lost.

use std::sync::Arc;

use jiff::civil::Date;
use maud::{Markup, html};
use uphold_common::catalogue::model::{AgreementKind, Catalogue, Service, Target, WindowKind};
use uphold_common::measure::availability::{Availability, Verdict};
use uphold_common::measure::target::{Figure, TargetFigures};
use uphold_common::measure::window::{Window, local_date};
use uphold_common::percent::Ratio;

use uphold_common::measure::burn::AlertFigures;

use super::burn;
use super::text::{bar, counted, seconds, share};

pub(super) fn block(
    catalogue: &Catalogue,
    service: &Service,
    target: &Target,
    figures: &TargetFigures,
    alerts: &[AlertFigures],
) -> Markup {
    let a = &figures.availability;
    html! {
        section.target data-target=(target.id) {
            h3 {
                (window_name(&figures.window, service))
                span.who { (agreed_with(catalogue, target)) }
            }
            p.figure {
                data.availability value=(a.ratio.map(|ratio| ratio.to_string()).unwrap_or_default()) data-service=(service.id) data-target=(target.id)
                    data-good-ms=(a.counted - a.lost) data-counted-ms=(a.counted)
                    { (percent(a.ratio, figures).unwrap_or_else(|| "–".to_owned())) }
                span.promise { "of " (promised(figures)) " promised" }
                (verdict(a, figures))
            }
            p.note { (how_sure(figures)) }
            @if a.not_proven {
                p.note { strong { "Not proven:" } " what was not measured could change the verdict." }
            }
            @if let Some(text) = beside(figures) { p.note { (text) } }
            @if can_still_be_met(figures) {
                p.note { "Below the promise so far; by the end of the window it can still be met." }
            }
            (burn::warning(alerts))
            @if a.verdict != Verdict::NoData { (budget(figures)) }
            (account(service, target, figures, alerts))
        }
    }
}

/// Whether a breach so far can still be made good, which the budget of a whole window says; a rolling one has no end.
fn can_still_be_met(figures: &TargetFigures) -> bool {
    let comes_to_an_end = figures.window.is_open() && !matches!(figures.window.kind, WindowKind::Rolling { .. });
    comes_to_an_end && figures.availability.verdict == Verdict::Breached && figures.budget.remaining_ms >= 0
}

/// `99.95 %`, cut to the decimals of the promise.
fn percent(ratio: Option<Ratio>, figures: &TargetFigures) -> Option<String> {
    Some(format!("{} %", ratio?.percent(figures.promise.share.decimals())))
}

fn promised(figures: &TargetFigures) -> String {
    figures.promise.share.to_string().replace('%', " %")
}

fn verdict(a: &Availability, figures: &TargetFigures) -> Markup {
    let broken = figures.break_verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Breached);
    let class = |verdict: Verdict| match verdict {
        Verdict::Met => "met",
        Verdict::Breached => "breached",
        Verdict::NoData => "no-data",
    };
    html! {
        span.verdict.(class(a.verdict)) { (a.verdict.as_str()) }
        @for (name, _) in broken { span.verdict.breached { (break_name(name)) " breached" } }
    }
}

fn break_name(name: &str) -> &str {
    match name {
        "at_most" => "number of breaks",
        "longest" => "longest break",
        "mtrs" => "time to restore",
        "mtbsi" => "time between incidents",
        other => other,
    }
}

fn how_sure(figures: &TargetFigures) -> String {
    let a = &figures.availability;
    let bounds = (percent(a.ratio_min, figures), percent(a.ratio_max, figures));
    match (percent(a.coverage, figures), bounds) {
        (Some(_), _) if a.unmeasured == a.committed => "Nothing was measured in this window yet.".to_owned(),
        (Some(_), (Some(min), Some(max))) if min == max && a.unmeasured == 0 => "Measured all of the time.".to_owned(),
        (Some(coverage), (Some(min), Some(max))) => {
            format!("Measured {coverage} of the time; between {min} and {max}.")
        }
        _ => "No committed time in this window so far.".to_owned(),
    }
}

/// The two figures beside the contractual one, if anything was taken out of the agreed service time.
fn beside(figures: &TargetFigures) -> Option<String> {
    let [without_exclusions, experienced] = of_others(figures);
    let differs = !Arc::ptr_eq(&figures.contractual, &figures.experienced);
    differs.then(|| format!("Without exclusions {without_exclusions}; as experienced {experienced}."))
}

/// The availability without exclusions, and as it was experienced.
fn of_others(figures: &TargetFigures) -> [String; 2] {
    let of = |figure: &Figure| percent(figure.availability.ratio, figures).unwrap_or_else(|| "–".to_owned());
    [&figures.without_exclusions, &figures.experienced].map(|figure| of(figure))
}

fn budget(figures: &TargetFigures) -> Markup {
    let budget = &figures.budget;
    let (class, text) = match budget.remaining_ms {
        0.. => ("", format!("{} of {} left", seconds(budget.remaining_ms), seconds(budget.budget_ms))),
        over => ("over", format!("overspent by {} of {}", seconds(-over), seconds(budget.budget_ms))),
    };
    let filled = if budget.remaining_ms < 0 { "100".to_owned() } else { share(budget.remaining_ms, budget.budget_ms) };
    html! {
        div.budget role="meter" aria-label="Error budget left" aria-valuemin="0" aria-valuemax=(budget.budget_ms.max(0))
            aria-valuenow=(budget.remaining_ms.max(0)) aria-valuetext=(text) {
            p { span.label { "Error budget" } span.value.(class) { (text) } }
            (bar(class, &filled))
        }
    }
}

/// The sums behind the figure, for whoever wants to follow it.
fn account(service: &Service, target: &Target, figures: &TargetFigures, alerts: &[AlertFigures]) -> Markup {
    let (a, kinds) = (&figures.availability, &figures.account.kinds);
    let kinds = [
        ("up", kinds.up),
        ("degraded", kinds.degraded),
        ("down", kinds.down),
        ("not measured", kinds.unmeasured),
        ("maintenance", kinds.maintenance),
        ("excluded", kinds.excluded),
        ("not agreed", kinds.not_agreed),
    ];
    html! {
        details data-key=(format!("{} {}", service.id, target.id)) {
            summary { "How this comes about" }
            dl {
                div.sum { dt { "Good time" } dd { (seconds(a.counted - a.lost)) } }
                div.sum { dt { "of counted time" } dd { (seconds(a.counted)) } }
                @for (name, ms) in kinds.into_iter().filter(|(_, ms)| *ms > 0) {
                    div { dt { (name) } dd { (seconds(ms)) } }
                }
            }
            @let [without_exclusions, experienced] = of_others(figures);
            dl {
                div { dt { "without exclusions" } dd { (without_exclusions) } }
                div { dt { "as experienced" } dd { (experienced) } }
            }
            (breaks(figures))
            @if figures.availability.down > 0 {
                dl {
                    @for (probe, ms) in figures.charges.iter().filter(|(_, ms)| **ms > 0) {
                        div { dt { "lost by " (service.name_of(probe)) } dd { (seconds(*ms)) } }
                    }
                }
            }
            (burn::rates(alerts))
            p.note { code { (target.id) } }
        }
    }
}

fn breaks(figures: &TargetFigures) -> Markup {
    let breaks = &figures.breaks;
    let named = [
        ("longest break", breaks.longest_ms()),
        ("mean time to restore", breaks.mtrs_ms()),
        ("mean time between failures", breaks.mtbf_ms()),
    ];
    html! {
        @if breaks.all.is_empty() {
            p.note { "No break." }
        } @else {
            dl {
                div.sum { dt { (counted(breaks.all.len(), "break", "breaks")) } dd {} }
                @for (name, ms) in named {
                    @if let Some(ms) = ms { div { dt { (name) } dd { (seconds(ms)) } } }
                }
            }
        }
    }
}

pub(super) fn agreed_with(catalogue: &Catalogue, target: &Target) -> String {
    let customer = catalogue.customers.get(&target.party).map(|customer| &customer.name);
    let name = customer.or_else(|| catalogue.parties.get(&target.party).map(|party| &party.name));
    let name = name.map_or(target.party.as_str(), String::as_str);
    match target.kind {
        AgreementKind::Sla => format!("agreed with {name}"),
        AgreementKind::Ola if target.party.as_str() == "own" => "agreed in-house".to_owned(),
        AgreementKind::Ola => format!("agreed in-house with {name}"),
        AgreementKind::Underpinning => format!("owed by {name}"),
    }
}

/// `November 2026`, `Week 47 of 2026`, `Last 30 days`.
pub(super) fn window_name(window: &Window, service: &Service) -> String {
    let first: Date = local_date(&service.time_zone, window.interval.start);
    match window.kind {
        WindowKind::Day => first.strftime("%-d %B %Y").to_string(),
        WindowKind::Week => first.strftime("Week %-V of %G").to_string(),
        WindowKind::Month => first.strftime("%B %Y").to_string(),
        WindowKind::Quarter => format!("Quarter {} of {}", (first.month() + 2) / 3, first.year()),
        WindowKind::Year => first.year().to_string(),
        WindowKind::Rolling { .. } => {
            let text = window.kind.text();
            let (count, unit) = text.split_at(text.len().saturating_sub(1));
            let (one, many) = if unit == "d" { ("day", "days") } else { ("hour", "hours") };
            format!("Last {}", counted(count.parse().unwrap_or(0), one, many))
        }
        WindowKind::Stretch { .. } => first.strftime("From %-d %B %Y").to_string(),
    }
}
