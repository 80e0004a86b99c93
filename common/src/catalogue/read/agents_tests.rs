//! Which agents run a probe, by name and by labels; what is refused stands among the fixtures.

use crate::catalogue::model::Catalogue;
use crate::catalogue::{assign, fingerprint, read};
use crate::ids::Id;
use crate::yaml::problem::Problems;

const DECLARED: &str = "
agents:
  - { id: zurich-2, labels: { site: zurich, rack: r7 } }
  - { id: zurich-1, labels: { site: zurich, rack: r1 } }
  - { id: geneva-1, labels: { site: geneva, rack: r7 }, metrics: 'web-2.example:9417' }
  - { id: basel-1, metrics: 'web-3.example:9417' }
";

fn catalogue(agents: &str) -> Result<Catalogue, Problems> {
    let text = format!(
        "organisation: {{ name: Example, time_zone: UTC }}
services:
  - id: webshop
    name: Web shop
    probes:
      - {{ id: door, agents: {agents}, interval: 30s, timeout: 5s, tcp: {{ address: '192.0.2.1:443' }} }}{DECLARED}"
    );
    read(&[("catalogue.yaml", text)])
}

fn chosen(agents: &str) -> (String, Vec<String>) {
    let catalogue = catalogue(agents).unwrap_or_else(|problems| panic!("{problems}"));
    let probe = &catalogue.services[&Id::new("webshop").unwrap()].probes[&Id::new("door").unwrap()];
    let names: Vec<&str> = probe.agents.iter().map(Id::as_str).collect();
    (names.join(" "), catalogue.remarks.iter().map(ToString::to_string).collect())
}

#[test]
fn labels_choose_every_agent_that_has_all_of_them() {
    for (written, expected) in [
        ("[{ labels: { site: geneva } }]", "geneva-1"),
        ("[{ labels: { site: zurich } }]", "zurich-1 zurich-2"),
        ("[{ labels: { rack: r7 } }]", "geneva-1 zurich-2"),
        ("[{ labels: { rack: r7, site: zurich } }]", "zurich-2"),
        ("[{ labels: { rack: r1 } }, { labels: { site: geneva } }]", "geneva-1 zurich-1"),
        // Who is chosen twice asks once, and who is named need not be declared.
        ("[zurich-1, { labels: { site: zurich } }, abroad]", "abroad zurich-1 zurich-2"),
    ] {
        assert_eq!(chosen(written), (expected.to_owned(), vec![]), "{written}");
    }
}

#[test]
fn labels_that_choose_nobody_are_remarked_while_somebody_else_asks() {
    let place = "catalogue.yaml:6:39: services.webshop.probes.door.agents[1]";
    for (labels, expected) in [
        ("site: genva", "no agent has the label \"site\" with \"genva\" (did you mean \"geneva\"?)"),
        ("colour: red", "no agent has the label \"colour\" (there is \"rack\" or \"site\")"),
        ("site: geneva, rack: r1", "no agent has all of these labels"),
    ] {
        let (names, remarks) = chosen(&format!("[basel-1, {{ labels: {{ {labels} }} }}]"));
        assert_eq!(names, "basel-1");
        assert_eq!(remarks, [format!("{place}: {expected}: this chooses nobody yet")]);
    }
}

#[test]
fn what_is_assigned_is_the_same_however_it_is_written() {
    let by_name = catalogue("[geneva-1, zurich-2]").unwrap();
    let by_label = catalogue("[{ labels: { rack: r7 } }]").unwrap();
    assert_eq!(fingerprint::measured_as(&by_name), fingerprint::measured_as(&by_label));
    assert_eq!(assign::agents(&by_name), assign::agents(&by_label));
    for agent in assign::agents(&by_label) {
        assert_eq!(assign::assignment(&by_name, &agent), assign::assignment(&by_label, &agent));
    }
}

#[test]
fn a_selector_among_agents_that_cannot_be_read_is_not_blamed() {
    let text = "
organisation: { name: Example, time_zone: UTC }
services:
  - id: webshop
    name: Web shop
    probes:
      - { id: door, agents: [{ labels: { site: geneva } }], interval: 30s, timeout: 5s, tcp: { address: '192.0.2.1:443' } }
agents:
  - { id: geneva-1, labels: { site: geneva }, metrics: nowhere }
";
    let problems = read(&[("catalogue.yaml", text)]).unwrap_err();
    assert_eq!(problems.count(), 1, "{problems}");
    assert!(problems.shown()[0].path == "agents.geneva-1.metrics", "{problems}");
}
