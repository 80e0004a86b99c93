//! The last revisions of a service's closed windows: what changed after they had settled, and why.

use maud::{Markup, html};
use uphold_common::catalogue::model::WindowKind;

use super::text::{Clock, counted};
use crate::report::revisions::says;
use crate::revisions::model::{Revision, Why};
use crate::snapshot::Snapshot;

/// How many changes are shown of one; the API has all.
const CHANGES_SHOWN: usize = 4;

/// The section of a service's page; nothing where nothing was issued and nothing waits.
pub(super) fn section(snapshot: &Snapshot, revisions: &[Revision], clock: &Clock<'_>) -> Markup {
    let waiting = usize::try_from(snapshot.health.revisions.waiting).unwrap_or(usize::MAX);
    html! {
        @if !revisions.is_empty() || waiting > 0 {
            section.recent aria-label="Revisions" {
                h2 { "Closed windows" }
                @if waiting > 0 {
                    p.note { (counted(waiting, "closed window of all services is", "closed windows of all services are")) " still to be looked at." }
                }
                ul.card.rows {
                    @for revision in revisions {
                        li data-revision=(revision.number) {
                            p.what {
                                span { (revision.target) ", the " (revision.window.kind) " " (window(revision, clock)) ": " (says(revision)) }
                            }
                            p.when { "revision " (revision.number) ", " (clock.moment(revision.issued_at_ms)) ": " (because(&revision.why)) }
                            @for changed in revision.changes.iter().take(CHANGES_SHOWN) {
                                p.when { (changed.figure.replace('_', " ")) ": " (changed.before) " → " (changed.after) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// When the window was: `of 1 Mar 2026`, `from 1 Mar 2026`.
fn window(revision: &Revision, clock: &Clock<'_>) -> String {
    let word = if WindowKind::parse(&revision.window.kind) == Some(WindowKind::Day) { "of" } else { "from" };
    format!("{word} {}", clock.date(revision.window.start_ms))
}

/// Why it was issued, in a few words.
fn because(why: &Why) -> String {
    let mut reasons = Vec::new();
    if why.settled {
        reasons.push("the window had settled".to_owned());
    }
    if let Some(late) = &why.late_data {
        let first = late.of.first().map_or("nobody", String::as_str);
        let more = late.of_count.saturating_sub(1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        reasons.push(format!("late data of {first}{more}"));
    }
    for record in &why.records {
        let done = if record.revoked { "revoked" } else { "added" };
        reasons.push(format!("the {} {} was {done}", record.sort, record.id));
    }
    if let Some(version) = why.catalogue_version {
        reasons.push(format!("version {version} of the catalogue"));
    }
    if reasons.is_empty() {
        reasons.push("found when the collector started".to_owned());
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;
    use uphold_common::measure::availability::Verdict;

    use super::*;
    use crate::page::fixture;
    use crate::revisions::diff::Changed;
    use crate::revisions::headline::{Headline, Response};
    use crate::revisions::model::{LateData, RevisedWindow};

    #[test]
    fn the_last_revisions_are_shown_with_what_changed_and_why_as_text() {
        let mut snapshot = fixture::snapshot();
        let now = snapshot.as_of;
        let late = LateData { from_ms: now, to_ms: now, of: vec!["<b> a".to_owned()], of_count: 2 };
        let response = Response { n: 1, rank: Some(1), value_us: Some(412_500), verdict: Verdict::Met };
        let change = Changed { figure: "response.value".into(), before: "<i>".into(), after: "412.5 ms".into() };
        let revision = Revision {
            service: Id::new("shop").unwrap(),
            target: "sla/answer".parse().unwrap(),
            window: RevisedWindow { kind: "day".to_owned(), start_ms: now.minus_ms(200_000_000), end_ms: now },
            number: 2,
            issued_at_ms: now,
            as_of_ms: now,
            catalogue_version: 1,
            rules_version: 1,
            time_zone_data: "2026a".to_owned(),
            sha256: String::new(),
            form: 1,
            headline: Headline { response: Some(response), ..Headline::default() },
            why: Why { late_data: Some(late), ..Why::default() },
            changes: vec![change],
            changes_left_out: 0,
        };
        let zone = snapshot.catalogue.organisation.time_zone.clone();
        let clock = Clock { as_of: now, zone: &zone };
        let page = section(&snapshot, &[revision], &clock).into_string();
        assert!(page.contains("sla/answer, the day of 20 Nov 2026: 412.5 ms, met"), "{page}");
        assert!(
            page.contains("late data of &lt;b&gt; a and 1 more") && page.contains("&lt;i&gt; → 412.5 ms"),
            "{page}"
        );
        assert!(page.contains("2 closed windows of all services are still to be looked at."), "{page}");
        snapshot.health.revisions.waiting = 0;
        assert_eq!(section(&snapshot, &[], &clock).into_string(), "");
    }
}
