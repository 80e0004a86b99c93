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
            p { (stands(target)) }
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

/// What stands behind a target, in a line. Parts that nobody promised anything for underpin nothing.
fn stands(target: &Alignment) -> Markup {
    let without = target.parts.iter().filter(|part| part.behind.is_none()).count();
    html! {
        @if without == target.parts.len() { "Nobody promised anything for any part of it. " }
        @else if let Some(comes_to) = &target.comes_to { "What stands behind it comes to " (comes_to) ". " }
        @if !target.underpinned { span.verdict.breached { "not underpinned" } }
        @else if without == 0 { span.verdict.met { "underpinned" } }
        @else { span.verdict { (without) " of " (target.parts.len()) " parts without a promise" } }
    }
}

fn behind(part: &PartAlignment) -> String {
    match (&part.behind, &part.promised) {
        (Some(behind), Some(promised)) => format!("{promised} promised by {}: {behind}", part.party),
        _ => format!("{}, without a promise", part.party),
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;

    use super::*;

    #[test]
    fn what_nobody_promised_anything_for_is_not_called_underpinned() {
        let part = |behind: Option<&str>| PartAlignment {
            part: "shop/web".to_owned(),
            component: None,
            party: Id::new("own").unwrap(),
            behind: behind.map(|id| id.parse().unwrap()),
            promised: behind.map(|_| "99.95%".to_owned()),
            weaker: Vec::new(),
        };
        let shown = |parts: Vec<PartAlignment>, underpinned| {
            let target = Alignment {
                target: "sla/up".parse().unwrap(),
                promised: "99.9%".to_owned(),
                comes_to: Some("99.95%".to_owned()),
                arithmetic: Vec::new(),
                parts,
                underpinned,
                findings: Vec::new(),
            };
            stands(&target).into_string()
        };
        for (parts, underpinned, says) in [
            (
                vec![part(None)],
                true,
                "Nobody promised anything for any part of it. <span class=\"verdict\">1 of 1 parts",
            ),
            (vec![part(Some("ola/web")), part(None)], true, "comes to 99.95%. <span class=\"verdict\">1 of 2 parts"),
            (vec![part(Some("ola/web"))], true, "comes to 99.95%. <span class=\"verdict met\">underpinned"),
            (vec![part(Some("ola/web"))], false, "<span class=\"verdict breached\">not underpinned"),
        ] {
            let shown = shown(parts, underpinned);
            assert!(shown.contains(says), "{shown}");
        }
    }
}
