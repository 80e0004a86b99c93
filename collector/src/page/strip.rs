//! The last days of a service: one column a day, filled from below by what was lost.
//!
//! The order from below is down, degraded, not measured, up. Whatever there was of a kind is given at least a sliver of
//! the column, so that two minutes of downtime can be seen in a day; exact lengths stand in the title.

use maud::{Markup, html};
use uphold_common::catalogue::model::Service;
use uphold_common::measure::kinds::Kinds;
use uphold_common::observation::State;

use super::text::{counted, seconds, word};
use crate::snapshot::{STRIP_DAYS, ServiceSnapshot, StripDay};

/// The height of a column, and the least of it for a kind that was there.
const HEIGHT: i64 = 100;
const SLIVER: i64 = 16;
/// From one column to the next, and the part of it that is filled.
const PITCH: usize = 10;
const WIDTH: usize = 7;

pub(super) fn days(seen: &ServiceSnapshot, service: &Service) -> Markup {
    let missing = STRIP_DAYS.saturating_sub(seen.strip.len());
    let marred = seen.strip.iter().filter(|day| day.kinds.down > 0).count();
    let label =
        format!("{}: the last {STRIP_DAYS} days, {} with downtime", service.name, counted(marred, "day", "days"));
    html! {
        figure.strip {
            svg role="img" aria-label=(label) viewBox=(format!("0 0 {} {HEIGHT}", STRIP_DAYS * PITCH)) preserveAspectRatio="none" {
                @for place in 0..missing {
                    rect.before x=(place * PITCH) y=(HEIGHT - 6) width=(WIDTH) height="6" {}
                }
                @for (place, day) in (missing..).zip(&seen.strip) { (column(place, day)) }
            }
            figcaption {
                span { (counted(STRIP_DAYS, "day", "days")) " ago" }
                output {}
                span { "today" }
            }
        }
    }
}

fn column(place: usize, day: &StripDay) -> Markup {
    let kinds = &day.kinds;
    html! {
        g.day {
            title { (day.date) ": " (description(kinds)) }
            rect.slot x=(place * PITCH) y="0" width=(PITCH) height=(HEIGHT) {}
            @if kinds.committed() == 0 {
                rect.before x=(place * PITCH) y=(HEIGHT - 6) width=(WIDTH) height="6" {}
            }
            @for (state, y, height) in parts(kinds) {
                rect.(state.as_str()) x=(place * PITCH) y=(y) width=(WIDTH) height=(height) {}
            }
        }
    }
}

/// The filled parts of a column, from above: state, top, height. They fill it exactly.
fn parts(kinds: &Kinds) -> Vec<(State, i64, i64)> {
    let committed = kinds.committed();
    let lost = [(State::Down, kinds.down), (State::Degraded, kinds.degraded), (State::Unmeasured, kinds.unmeasured)];
    let mut bottom = HEIGHT;
    let mut parts = Vec::new();
    for (state, ms) in lost.into_iter().filter(|(_, ms)| *ms > 0) {
        // In 128 bits, so that no length can overflow; a share of HEIGHT fits.
        let exact = i64::try_from(i128::from(ms) * i128::from(HEIGHT) / i128::from(committed)).unwrap_or(HEIGHT);
        let height = exact.max(SLIVER).min(bottom);
        bottom -= height;
        parts.push((state, bottom, height));
    }
    match parts.last_mut() {
        Some((_, top, height)) if kinds.up == 0 => (*top, *height) = (0, *top + *height),
        _ if kinds.up > 0 && bottom > 0 => parts.push((State::Up, 0, bottom)),
        _ => {}
    }
    parts
}

fn description(kinds: &Kinds) -> String {
    let lost = [("down", kinds.down), ("degraded", kinds.degraded), ("not measured", kinds.unmeasured)];
    let lost: Vec<String> =
        lost.iter().filter(|(_, ms)| *ms > 0).map(|(name, ms)| format!("{name} {}", seconds(*ms))).collect();
    match (kinds.committed(), lost.is_empty()) {
        (0, _) => "nothing promised".to_owned(),
        (_, true) => "up all the time".to_owned(),
        (committed, false) => format!("{} of {}", lost.join(", "), seconds(committed)),
    }
}

/// What the colours of the columns mean, once for the page.
pub(super) fn legend() -> Markup {
    html! {
        p.legend {
            "One column a day, oldest first: "
            @for state in State::ALL { span { i.key.(state.as_str()) {} (word(state)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_filled_exactly_and_shows_every_kind_there_was() {
        for (up, degraded, down, unmeasured) in
            [(86_400, 0, 0, 0), (86_399, 0, 1, 0), (1, 1, 1, 86_397), (0, 0, 0, 9), (0, 5, 5, 0)]
        {
            let kinds = Kinds { up, degraded, down, unmeasured, ..Kinds::default() };
            let parts = parts(&kinds);
            assert_eq!(parts.iter().map(|(_, _, height)| height).sum::<i64>(), HEIGHT, "{kinds:?}");
            for (state, ms) in [(State::Down, down), (State::Degraded, degraded), (State::Unmeasured, unmeasured)] {
                assert_eq!(parts.iter().any(|(s, _, height)| *s == state && *height > 0), ms > 0, "{kinds:?}");
            }
        }
        assert!(parts(&Kinds::default()).is_empty());
    }
}
