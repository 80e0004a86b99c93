//! What stands behind the promises of a service: its customers' targets, the parts of the service with who answers for each,
//! and where a promise is not underpinned.

use maud::{Markup, html};
use uphold_common::catalogue::alignment::{self, Alignment, PartAlignment};
use uphold_common::catalogue::model::Service;

use crate::snapshot::Snapshot;

/// One block a target of a customer; nothing where there is none.
pub(super) fn section(snapshot: &Snapshot, service: &Service) -> Markup {
    let found = alignment::of_service(&snapshot.catalogue, service, alignment::year_from(snapshot.as_of));
    html! {
        @if !found.is_empty() {
            section.alignment aria-label="What stands behind the promises" {
                h2 { "What stands behind the promises" }
                @for target in &found { (block(target)) }
            }
        }
    }
}

fn block(target: &Alignment) -> Markup {
    html! {
        section.target data-target=(target.target) {
            h3 { (target.target) " " span.who { "promises " (target.promised) } }
            p {
                @if let Some(comes_to) = &target.comes_to { "What stands behind it comes to " (comes_to) ". " }
                @if target.underpinned { span.verdict.met { "underpinned" } }
                @else { span.verdict.breached { "not underpinned" } }
            }
            @for finding in &target.findings { p.note { (finding) } }
            details data-key=(format!("alignment {}", target.target)) {
                summary { "How this comes about" }
                dl { @for part in &target.parts { dt { (part.part) } dd { (behind(part)) } } }
                @for line in &target.arithmetic { p.note { (line) } }
                p.note { "Promises are taken as independent of each other, and own parts without one as never failing." }
            }
        }
    }
}

fn behind(part: &PartAlignment) -> String {
    match (&part.behind, &part.promised) {
        (Some(behind), Some(promised)) => format!("{promised} promised by {}: {behind}", part.party),
        _ => format!("{}, without a promise", part.party),
    }
}
