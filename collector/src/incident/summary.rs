//! What was seen, in one sentence for people: the summary an incident is opened with.

use uphold_common::catalogue::model::{Service, Target, Threshold};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::window::local_date;
use uphold_common::observation::ResourceId;
use uphold_common::percent::{BILLION, Ratio};
use uphold_common::time::DurationText;

use super::decide::{Trouble, Watched};
use super::episode::Episode;

pub(super) fn outage_summary(service: &Service, trouble: &Trouble) -> String {
    let (failing, episode) = (trouble.failing.join(", "), &trouble.episode);
    match episode.ended {
        None if failing.is_empty() => format!("{} is down", service.name),
        None => format!("{} is down: {failing} failed", service.name),
        Some(ended) => {
            let length = DurationText(ended.since_ms(episode.started));
            format!("{} was down for {length}, which was over before it became known", service.name)
        }
    }
}

/// `Web shop has been degraded since 2026-03-01T10:00:00Z`
pub(super) fn stretch_summary(service: &Service, [now, before]: [&str; 2], trouble: &Trouble) -> String {
    let episode = &trouble.episode;
    match episode.ended {
        None => format!("{} {now} since {}", service.name, episode.started),
        Some(ended) => {
            let length = DurationText(ended.since_ms(episode.started));
            format!("{} {before} for {length}, which was over before it became known", service.name)
        }
    }
}

/// `Web shop cannot meet shop-sla/availability any more: 50m lost of the 43m12s that 99.9% of the month from 2026-03-01 leaves`
pub(super) fn unreachable_summary(service: &Service, target: &Target, figures: &TargetFigures) -> String {
    format!(
        "{} cannot meet {} any more: {} lost of the {} that {} of the {} from {} leaves",
        service.name,
        target.id,
        DurationText(figures.budget.spent_ms),
        DurationText(figures.budget.budget_ms),
        figures.promise.share,
        figures.window.kind.text(),
        local_date(&service.time_zone, figures.window.interval.start),
    )
}

pub(super) fn breach_summary(service: &Service, target: &Target, figures: &TargetFigures) -> String {
    let printed =
        |ratio: Option<Ratio>| ratio.map_or("none".to_owned(), |r| r.percent(figures.promise.share.decimals()));
    let broken: Vec<&str> =
        figures.break_verdicts.iter().filter(|(_, v)| **v == Verdict::Breached).map(|(name, _)| *name).collect();
    let breaks = if broken.is_empty() { String::new() } else { format!("; targets on breaks: {}", broken.join(", ")) };
    format!(
        "{} breaches {}: {}% of the {} promised, {} lost of {} counted in the {} from {}{breaks}",
        service.name,
        target.id,
        printed(figures.availability.ratio),
        figures.promise.share,
        DurationText(figures.availability.lost),
        DurationText(figures.availability.counted),
        figures.window.kind.text(),
        local_date(&service.time_zone, figures.window.interval.start),
    )
}

/// `Web shop: filesystem /var of web-1 is at or above the critical 90%, for at least 5m; 93.41% in use`
pub(super) fn threshold_summary(
    service: &Service,
    watched: &Watched<'_>,
    threshold: Threshold,
    episode: &Episode,
) -> String {
    let share = watched.promise.thresholds.of(threshold).map_or_else(String::new, |share| format!(" {share}"));
    let what = format!("{}: {}", service.name, resource(&watched.promise.resource));
    let level = format!("at or above the {}{share}", threshold.as_str());
    match episode.ended {
        None => {
            let percent =
                watched.newest.and_then(|newest| Ratio::new(newest.ppb, BILLION)).map(|ratio| ratio.percent(2));
            let now = percent.map_or_else(String::new, |percent| format!("; {percent}% in use"));
            let held = DurationText(watched.promise.held_ms);
            format!("{what} is {level}, for at least {held}{now}")
        }
        Some(ended) => {
            let length = DurationText(ended.since_ms(episode.started));
            format!("{what} was {level} for {length}, which was over before it became known")
        }
    }
}

/// `filesystem /var of web-1`
fn resource(id: &ResourceId) -> String {
    let of = if id.of.is_empty() { String::new() } else { format!(" {}", id.of) };
    format!("{}{of} of {}", id.resource.as_str(), id.host)
}
