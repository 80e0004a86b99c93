//! What a catalogue would change if it came after another one.

use std::collections::BTreeMap;

use serde::Serialize;
use uphold_common::catalogue::fingerprint::{self, measured_as};
use uphold_common::catalogue::model::Catalogue;
use uphold_common::time::Instant;

/// What would change of what is measured.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Changes {
    /// Services and targets that are new: measured from then on.
    pub(super) added: Vec<String>,
    /// Services and targets that are gone: not measured any more.
    pub(super) removed: Vec<String>,
    /// What is measured differently from then on; of a target, from its next window on unless it says `effective: immediate`.
    pub(super) changed: Vec<String>,
    /// What would change the past, and is refused unless somebody restates it.
    pub(super) refused: Vec<String>,
    /// That it names an instant which the other does not, from which on it is to hold.
    pub(super) effective_from: Option<String>,
    /// What was hardly meant so.
    pub(super) remarks: Vec<String>,
}

/// What `new` would change after `old`.
pub(super) fn changes(old: &Catalogue, new: &Catalogue) -> Changes {
    let restated_from = new.effective_from.filter(|from| old.effective_from != Some(*from));
    let effective_from = restated_from.map(|from| instant(from, old.effective_from));
    let before = measured_as(old);
    let remarks = fingerprint::in_vain(&fingerprint::immediate(old), &before, new);
    let (old, new) = (before, measured_as(new));
    let missing_in = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
        of.keys().filter(|what| !other.contains_key(*what)).cloned().collect()
    };
    let refused = match restated_from {
        Some(_) => fingerprint::changes(&old, &new),
        None => fingerprint::changes_of_all_past(&old, &new),
    };
    let mut changed = fingerprint::changes(&old, &new);
    changed.retain(|one| !refused.contains(one));
    let (added, removed) = (missing_in(&new, &old), missing_in(&old, &new));
    Changes { added, removed, changed, refused, effective_from, remarks }
}

/// What comes of an instant that is named, also where nothing else is another.
fn instant(from: Instant, before: Option<Instant>) -> String {
    let before = before.map_or_else(|| "was not there".to_owned(), |before| format!("was {before}"));
    format!(
        "effective_from is {from} and {before}: services that are new enter then, and everything else holds from then on \
         only once somebody restates it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_what_is_gone_what_changes_and_what_is_refused() {
        let text = |services: &str| format!("organisation: {{ name: Example, time_zone: UTC }}\nservices:\n{services}");
        let service = |id: &str, fall: u32| {
            format!(
                "  - {{ id: {id}, name: {id}, probes: [{{ id: port, agents: [a], interval: 30s, timeout: 5s, fall: {fall}, \
                 tcp: {{ address: '192.0.2.1:1' }} }}] }}\n"
            )
        };
        let read = |text: String| uphold_common::catalogue::read(&[("catalogue.yaml", text)]).unwrap();
        let old = read(text(&(service("shop", 2) + &service("till", 2))));
        let new = read(text(&(service("shop", 3) + &service("bank", 2))));
        let expected = Changes {
            added: vec!["service bank".to_owned()],
            removed: vec!["service till".to_owned()],
            changed: vec!["service shop: fall of port was 2 and is now 3".to_owned()],
            refused: Vec::new(),
            effective_from: None,
            remarks: Vec::new(),
        };
        assert_eq!(changes(&old, &new), expected);
        assert_eq!(changes(&old, &old), Changes::default());
        let restated = read(format!("effective_from: 2026-01-01T00:00:00Z\n{}", text(&service("shop", 3))));
        let found = changes(&old, &restated);
        assert_eq!((found.changed, found.refused), (Vec::new(), expected.changed));
        assert!(found.effective_from.unwrap().starts_with("effective_from is 2026-01-01T00:00:00Z and was not there"));
        // The instant alone is a restatement too.
        let alone = read(format!("effective_from: 2025-12-01T00:00:00Z\n{}", text(&service("shop", 3))));
        let told = changes(&restated, &alone);
        let sentence = "effective_from is 2025-12-01T00:00:00Z and was 2026-01-01T00:00:00Z: services that are new enter \
                        then, and everything else holds from then on only once somebody restates it";
        assert_eq!(told, Changes { effective_from: Some(sentence.to_owned()), ..Changes::default() });
        assert_eq!(changes(&alone, &alone), Changes::default());
    }

    #[test]
    fn that_a_change_is_to_hold_at_once_does_nothing_by_itself_and_that_is_said() {
        let read = |terms: &str| {
            let text = format!(
                "organisation: {{ name: Example, time_zone: UTC }}\ncustomers: [{{ id: c, name: C }}]\nservices:\n  - {{ id: shop, \
                 name: Shop, probes: [{{ id: port, agents: [a], interval: 30s, timeout: 5s, tcp: {{ address: 'h:1' }} }}] }}\n\
                 agreements:\n  - {{ id: sla, kind: sla, party: c, targets: [{{ id: up, service: shop, window: month, {terms} }}] }}\n"
            );
            uphold_common::catalogue::read(&[("catalogue.yaml", text)]).unwrap()
        };
        for (old, new, count) in [
            ("availability: '99%'", "availability: '99%', effective: immediate", 1),
            ("availability: '99%'", "availability: '98%', effective: immediate", 0),
            ("availability: '99%', effective: immediate", "availability: '99%', effective: immediate", 0),
            ("availability: '99%', effective: immediate", "availability: '99%'", 0),
        ] {
            let told = changes(&read(old), &read(new)).remarks;
            assert_eq!(told.len(), count, "{old} {new}");
            assert!(told.iter().all(|one| one.starts_with("target sla/up: effective: immediate is new")), "{told:?}");
        }
    }
}
