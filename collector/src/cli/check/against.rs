//! What a catalogue would change if it came after another one.

use std::collections::BTreeMap;

use serde::Serialize;
use uphold_common::catalogue::fingerprint::{changes_to_the_past, measured_as};
use uphold_common::catalogue::model::Catalogue;

/// What would change of what is measured.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Changes {
    /// Services and targets that are new: measured from then on.
    pub(super) added: Vec<String>,
    /// Services and targets that are gone: not measured any more.
    pub(super) removed: Vec<String>,
    /// What would measure the past differently, and is refused.
    pub(super) refused: Vec<String>,
}

/// What `new` would change after `old`.
pub(super) fn changes(old: &Catalogue, new: &Catalogue) -> Changes {
    let (old, new) = (measured_as(old), measured_as(new));
    let missing_in = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
        of.keys().filter(|what| !other.contains_key(*what)).cloned().collect()
    };
    Changes { added: missing_in(&new, &old), removed: missing_in(&old, &new), refused: changes_to_the_past(&old, &new) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_what_is_gone_and_what_is_refused() {
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
            refused: vec!["service shop: fall of port was 2 and is now 3".to_owned()],
        };
        assert_eq!(changes(&old, &new), expected);
        assert_eq!(changes(&old, &old), Changes::default());
    }
}
