//! Formulas as the catalogue makes them, and what is refused because it could not be measured exactly.

use std::fmt::Write as _;

use super::super::model::Catalogue;
use super::*;

const CHECK: &str = "agents: [a], interval: 5s, timeout: 1s, tcp: { address: \"192.0.2.1:1\" }";

fn read(services: &str) -> Result<Catalogue, String> {
    let text = format!("organisation: {{ name: A, time_zone: UTC }}\nservices:\n{services}");
    crate::catalogue::read(&[("a.yaml", text)]).map_err(|problems| problems.shown()[0].message.clone())
}

/// A service with so many probes that must all be up, and what else it needs.
fn service(id: &str, probes: usize, below: &[String]) -> String {
    let mut text = format!("  - id: {id}\n    name: A\n");
    let mut operands: Vec<String> = below.iter().map(|id| format!("{{ service: {id} }}")).collect();
    for probe in 0..probes {
        let head = if probe == 0 { "    probes:\n" } else { "" };
        writeln!(text, "{head}      - {{ id: p{probe}, {CHECK} }}").unwrap();
        operands.push(format!("p{probe}"));
    }
    writeln!(text, "    available_when: {{ all: [{}] }}", operands.join(", ")).unwrap();
    text
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

#[test]
fn a_service_on_several_ways_stands_in_a_formula_once() {
    let mut text = service("s0", 1, &[]) + &service("t0", 1, &[]);
    // Each is built twice on the one below it: a million ways lead down, and forty gates.
    for level in 1..=20 {
        let below = format!("s{}", level - 1);
        text += &service(&format!("s{level}"), 0, &[below.clone(), below]);
    }
    let catalogue = read(&text).unwrap();
    let top = &catalogue.services[&id("s20")];
    assert_eq!((top.structure.formula.gates().len(), top.structure.formula.leaves().len()), (21, 1));
    assert_eq!(catalogue.services[&id("s0")].structure.carries.len(), 20);
    assert_eq!(catalogue.services[&id("t0")].structure.carries, []);
    assert_eq!(top.structure.carries, [], "nothing is built on it");
    assert_eq!(top.looks_at().map(|probe| probe.id.to_string()).collect::<Vec<_>>(), ["s0/p0"]);
}

#[test]
fn losses_that_can_be_shared_out_exactly_are_taken() {
    // Three hundred probes are three hundred parts, and forty sites of ten at most 40 × 2520.
    for (sites, probes) in [(1_u8, 300), (40, 10), (100, 3), (3, 100)] {
        let below: Vec<String> = (0..sites).map(|site| format!("site-{site}")).collect();
        let text: String = below.iter().map(|id| service(id, probes, &[])).collect();
        let catalogue = read(&(text + &service("all", 0, &below))).unwrap();
        let formula = &catalogue.services[&id("all")].structure.formula;
        let most = fineness(formula.gates()).unwrap();
        assert!(most <= PARTS_MAX && most >= u128::from(sites), "{sites} × {probes}: {most}");
    }
    let gate = |operands: Vec<Operand>| Gate { count: 1, operands };
    let leaves = |n: usize| gate((0..n).map(Operand::Leaf).collect());
    assert_eq!(fineness(&[leaves(7)]), Some(7));
    assert_eq!(fineness(&[leaves(7), leaves(4), gate(vec![Operand::Gate(0), Operand::Gate(1)])]), Some(56));
    let ten = (0..40).map(|_| leaves(10)).chain([gate((0..40).map(Operand::Gate).collect())]);
    assert_eq!(fineness(&ten.collect::<Vec<_>>()), Some(40 * 2_520));
}

#[test]
fn what_could_not_be_shared_out_is_refused() {
    let below: Vec<String> = (0..25).map(|site| format!("site-{site}")).collect();
    let text: String = below.iter().map(|id| service(id, 100, &[])).collect();
    assert_eq!(read(&(text + &service("all", 0, &below))).unwrap_err(), BadFormula::TooFine.to_string());
    let many: Vec<String> = (0..11).map(|site| format!("site-{site}")).collect();
    let text: String = many.iter().map(|id| service(id, 1_000, &[])).collect();
    assert_eq!(read(&(text + &service("all", 0, &many))).unwrap_err(), BadFormula::TooLarge.to_string());
}

#[test]
fn a_long_chain_of_services_takes_no_stack_and_not_all_memory() {
    let chain = |levels: usize| {
        let below = |level: usize| if level == 0 { Vec::new() } else { vec![format!("s{}", level - 1)] };
        (0..=levels)
            .map(|level| service(&format!("s{level}"), usize::from(level == 0), &below(level)))
            .collect::<String>()
    };
    let mut services = read(&chain(300)).unwrap().services;
    assert_eq!(services[&id("s300")].structure.formula.gates().len(), 301);
    // One, two, three … and three hundred and one.
    assert_eq!(link_within(&mut services, 301 * 302 / 2), Ok(()));
    let most = 301 * 302 / 2 - 1;
    assert_eq!(link_within(&mut services, most), Err(vec![(id("s99"), BadFormula::TooLargeTogether)]));
}

#[test]
fn what_services_lack_is_said() {
    let mut services = read(&service("a", 1, &[])).unwrap().services;
    let of = |services: &mut BTreeMap<Id, Service>, expression: Expression| {
        services.get_mut(&id("a")).unwrap().available_when = expression;
        link(services).unwrap_err()
    };
    let gone = Expression::Service(id("gone"));
    assert_eq!(of(&mut services, gone), [(id("a"), BadFormula::Unknown("service gone".to_owned()))]);
    let gone = Expression::Probe(id("gone"));
    assert_eq!(of(&mut services, gone), [(id("a"), BadFormula::Unknown("probe a/gone".to_owned()))]);
    assert_eq!(of(&mut services, Expression::Service(id("a"))), [(id("a"), BadFormula::Circle)]);
}
