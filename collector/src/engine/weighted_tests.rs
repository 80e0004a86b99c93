//! Several services together: the numbers are those of each service's own figures, and their sum is exact.

use uphold_common::measure::weighted::{Measured, Weighted};

use super::super::weighted::{Asked, added_up, needed};
use super::*;

fn weighing() -> String {
    let mail = "    weight: 100\n    since: 2026-03-01T00:00:00Z\n    probes: [{ id: web, agents: [b], interval: 10s, timeout: 5s, \
         tcp: { address: \"127.0.0.1:1\" } }]\n";
    CATALOGUE
        .replacen("    probes:", "    weight: 900\n    probes:", 1)
        .replacen("agreements:", &format!("  - id: mail\n    name: Mail\n{mail}agreements:"), 1)
        .replacen("targets: [", "targets: [{ id: mail, service: mail, window: month, availability: \"99%\" }, ", 1)
}

fn together(world: &mut World, asked: Asked, now: i64) -> Weighted {
    let catalogue = world.engine().catalogue();
    let mut measured = Measured::new();
    for target in needed(&catalogue, None) {
        let found = world.engine().availability(&target, asked, at(now), at(now)).unwrap();
        measured.extend(found.map(|found| (target, found)));
    }
    added_up((&catalogue, 1), None, asked, &measured)
}

#[test]
fn services_together_are_what_each_of_them_is() {
    let mut world = World::with(weighing(), 0);
    world.push(0, "uuuDDDDuuu", 100, 0);
    world.tick(101);
    let kind = uphold_common::catalogue::model::WindowKind::Day;
    let asked = Asked { window: kind, at: at(100), as_of: at(100) };
    let found = together(&mut world, asked, 101);
    let all = found.all.unwrap();
    // Nobody looks at the mail, so of its time nothing counts; the shop lost 40 s of 100 s.
    assert_eq!((all.A.as_deref(), all.A_percent.as_deref(), all.users), (Some("3/5"), Some("60.00"), 1_000));
    for (service, of) in &all.services {
        let query = FiguresQuery {
            service: service.clone(),
            window: Some(kind),
            at: None,
            as_of: Some(at(100)),
            timelines: false,
        };
        let body = world.engine().figures(&query, at(101), at(101)).unwrap();
        let figures: Value = serde_json::from_slice(&body).unwrap();
        let own = &figures["targets"][of.target.to_string()]["contractual"];
        assert_eq!((own["N"].as_i64(), own["L"].as_i64(), own["C"].as_i64()), (Some(of.N), Some(of.L), Some(of.C)));
        assert_eq!(own["A"].as_str(), of.A.as_deref(), "{service}");
    }
    assert_eq!(found.customers.len(), 1);
    let in_the_future = Asked { as_of: at(200), ..asked };
    let target = needed(&world.engine().catalogue(), None).remove(0);
    assert!(world.engine().availability(&target, in_the_future, at(101), at(101)).is_err());
}
