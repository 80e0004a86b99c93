//! Maintenance: what is taking place, what is over while its service is still down, and what comes next.

use maud::{Markup, html};
use uphold_common::governed::maintenance::Maintenance;
use uphold_common::ids::Id;
use uphold_common::time::{DAY_MS, Interval};

use super::text::{Clock, brief, mark};
use crate::snapshot::Snapshot;

/// How far ahead the page looks; the API has all.
const AHEAD_MS: i64 = 14 * DAY_MS;
/// Most maintenance that the page shows.
const SHOWN: usize = 20;

pub(super) fn section(snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    let planned = planned(snapshot);
    let remarks: Vec<(&Id, &str)> =
        snapshot.governed.maintenances().filter_map(|one| Some((one.id(), one.remark()?))).take(SHOWN).collect();
    html! {
        @if !planned.is_empty() || !snapshot.overruns.is_empty() || !remarks.is_empty() {
            section.recent aria-label="Maintenance" {
                h2 { "Maintenance" }
                ul.card.rows {
                    @for overrun in snapshot.overruns.iter().take(SHOWN) {
                        li data-overrun=(overrun.maintenance) {
                            (mark("down"))
                            p.what { strong { (overrun.service) " is still down after its maintenance" } }
                            p.when {
                                (overrun.maintenance) " · should have been over at " (clock.moment(overrun.since)) ", "
                                (brief(clock.as_of.since_ms(overrun.since).max(0))) " ago"
                            }
                        }
                    }
                    @for (id, remark) in remarks {
                        li data-remark=(id) {
                            (mark("degraded"))
                            p.what { strong { (id) " recurs otherwise than when it was recorded" } }
                            p.when { (remark) }
                        }
                    }
                    @for (time, maintenance) in planned {
                        li data-maintenance=(maintenance.id()) {
                            p.what { span { (maintenance.services()) @if let Some(change) = maintenance.change() { ": " (change) } } }
                            p.when {
                                (maintenance.id()) " · "
                                @if time.contains(clock.as_of) { "taking place until " (clock.moment(time.end)) }
                                @else { "from " (clock.moment(time.start)) " to " (clock.moment(time.end)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The next time of each maintenance that is taking place or soon will, the earliest first.
fn planned(snapshot: &Snapshot) -> Vec<(Interval, &Maintenance)> {
    let soon = snapshot.as_of.plus_ms(AHEAD_MS);
    let next = |maintenance| Some((Maintenance::next(maintenance, snapshot.as_of)?, maintenance));
    let mut planned: Vec<(Interval, &Maintenance)> = snapshot.governed.maintenances().filter_map(next).collect();
    planned.retain(|(time, _)| time.start < soon);
    planned.sort_by_key(|(time, maintenance)| (time.start, maintenance.id().clone()));
    planned.truncate(SHOWN);
    planned
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use uphold_common::governed::applied::Overrun;
    use uphold_common::governed::{Asked, Defaults};

    use super::*;
    use crate::governed::Kept;
    use crate::governed::register::Register;
    use crate::identity::deed::Actor;
    use crate::page::fixture;

    #[test]
    fn what_takes_place_and_what_comes_within_two_weeks_is_shown_as_text() {
        let mut snapshot = fixture::snapshot();
        let (now, id) = (snapshot.as_of, |name: &str| Id::new(name).unwrap());
        let mut register = Register::default();
        for (name, start_d, change) in [("now", 0, "<b>"), ("soon", 13, "CHG-2"), ("later", 15, "x"), ("over", -3, "x")]
        {
            let (start, end) = (now.plus_ms(start_d * DAY_MS - 1), now.plus_ms(start_d * DAY_MS + 60_000));
            let written = json!({ "services": ["shop"], "start": start.as_ms(), "end": end.as_ms(), "change": change });
            let asked = Asked::Maintenance(serde_json::from_value(written).unwrap());
            let content = asked.read(id(name), &Defaults { at: now, time_zone: None }).unwrap();
            let kept = Kept { content, recorded_at: now, recorded_by: Actor::Collector, revoked: None };
            register.put(Arc::new(kept), 1);
        }
        snapshot.governed = Arc::new(register);
        snapshot.overruns = vec![Overrun { maintenance: id("over"), service: id("shop"), since: now.minus_ms(90_000) }];
        let clock = Clock { as_of: now, zone: &snapshot.catalogue.organisation.time_zone };
        let page = section(&snapshot, &clock).into_string();
        assert!(page.contains("data-overrun=\"over\"") && page.contains("1m 30s ago"), "{page}");
        let (running, soon) = (page.find("data-maintenance=\"now\""), page.find("data-maintenance=\"soon\""));
        assert!(running < soon && running.is_some() && page.contains("taking place until"), "{page}");
        assert!(page.contains("shop: &lt;b&gt;") && page.matches("data-maintenance").count() == 2, "{page}");
    }
}
