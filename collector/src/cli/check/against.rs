//! What a catalogue would change if it came after another one.

use std::collections::BTreeMap;

use serde::Serialize;
use uphold_common::catalogue::fingerprint::{self, measured_as};
use uphold_common::catalogue::model::Catalogue;

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
}

/// What `new` would change after `old`.
pub(super) fn changes(old: &Catalogue, new: &Catalogue) -> Changes {
    let restated_from = new.effective_from.filter(|from| old.effective_from != Some(*from));
    let (old, new) = (measured_as(old), measured_as(new));
    let missing_in = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
        of.keys().filter(|what| !other.contains_key(*what)).cloned().collect()
    };
    let refused = match restated_from {
        Some(_) => fingerprint::changes(&old, &new),
        None => fingerprint::changes_of_all_past(&old, &new),
    };
    let mut changed = fingerprint::changes(&old, &new);
    changed.retain(|one| !refused.contains(one));
    Changes { added: missing_in(&new, &old), removed: missing_in(&old, &new), changed, refused }
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
        };
        assert_eq!(changes(&old, &new), expected);
        assert_eq!(changes(&old, &old), Changes::default());
        let restated = read(format!("effective_from: 2026-01-01T00:00:00Z\n{}", text(&service("shop", 3))));
        let changes = changes(&old, &restated);
        assert_eq!((changes.changed, changes.refused), (Vec::new(), expected.changed));
    }
}
