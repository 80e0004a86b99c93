//! Whose trouble it is, when it is the same again, what people said, and what holds only now.

use uphold_common::time::DAY_MS;

use super::tests::{World, at, id, nothing, troubles};
use super::*;
use crate::identity::deed::Actor;

const MINUTE: i64 = 60_000;
const LOCAL: Actor = Actor::Local { uid: Some(7) };

/// Lets `world` also have these services, copies of the one it has.
pub(super) fn with_services(world: &mut World, names: &[&str]) {
    let shop = world.catalogue.services[&id("shop")].clone();
    for name in names {
        world.catalogue.services.insert(id(name), Service { id: id(name), name: (*name).to_owned(), ..shop.clone() });
    }
}

/// Outages that come from `root` alone.
pub(super) fn because_of(root: &str, stretches: &[(i64, Option<i64>)]) -> Vec<Trouble> {
    troubles(stretches).into_iter().map(|trouble| Trouble { roots: vec![id(root)], ..trouble }).collect()
}

pub(super) fn by_hand(world: &mut World, number: u64, change: Change, now: i64) {
    let place = world.register.get(Number(number)).unwrap().events + 1;
    world.register.apply(&Event { number: Number(number), place, decided_at: at(now), change }).unwrap();
}

pub(super) fn resolved_by_hand(now: i64) -> Change {
    Change::Resolved { ended: at(now), resolution: Resolution::ByHand, by: Some(LOCAL), text: None }
}

#[test]
fn what_flaps_is_one_incident_and_few_messages() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 10 * MINUTE;
    let mut told = Vec::new();
    // An hour of thirty seconds up and thirty seconds down, looked at each second.
    let outages = |now: i64| -> Vec<(i64, Option<i64>)> {
        let begun = (0..60).map(|i| (i * MINUTE, i * MINUTE + MINUTE / 2)).filter(|(start, _)| *start < now);
        begun.map(|(start, end)| (start, (end <= now).then_some(end))).collect()
    };
    for second in 1..=4_800 {
        told.extend(world.sees(&outages(second * 1_000), second * 1_000));
    }
    let end = 59 * MINUTE + MINUTE / 2;
    let expected = [
        "INC-1 opened from 0 P1".to_owned(),
        format!("INC-1 resolved at {} Recovered", MINUTE / 2),
        "INC-1 reopened".to_owned(),
        format!("INC-1 resolved at {end} Recovered"),
    ];
    assert_eq!(told, expected);
    let later = end + 10 * MINUTE + 1;
    let outages: Vec<_> = outages(later).into_iter().chain([(later, None)]).collect();
    assert_eq!(world.sees(&outages, later + 1), [format!("INC-2 opened from {later} P1")]);
}

#[test]
fn what_returned_and_was_over_before_it_became_known_is_the_same_in_one_change() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 100;
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    let both = [(100, Some(200)), (250, Some(300))];
    assert_eq!(world.sees(&both, 900), ["INC-1 reopened", "INC-1 resolved at 300 Recovered"]);
    assert!(world.sees(&both, 901).is_empty());
}

#[test]
fn services_that_only_suffer_from_another_are_attached_to_its_incident() {
    let mut world = World::new();
    with_services(&mut world, &["a", "b", "root"]);
    let (a, b, root) = (id("a"), id("b"), id("root"));
    let down = |stretch: (i64, Option<i64>)| {
        vec![
            Situation { down: because_of("root", &[stretch]), ..nothing(&a) },
            Situation { down: because_of("root", &[stretch]), ..nothing(&b) },
            Situation { down: troubles(&[stretch]), ..nothing(&root) },
        ]
    };
    assert_eq!(world.decides(&down((100, None)), 120), ["INC-1 opened from 100 P1", "INC-1 affects 2"]);
    assert!(world.decides(&down((100, None)), 121).is_empty(), "deciding again changes nothing");
    let incident = world.register.get(Number(1)).unwrap();
    assert_eq!(incident.affected, [a.clone(), b.clone()].into());
    assert_eq!(world.decides(&down((100, Some(200))), 200), ["INC-1 resolved at 200 Recovered"]);
    assert!(world.decides(&down((100, Some(200))), 201).is_empty());
    // One of them fails on: from now on that is its own trouble.
    let mut on = down((100, Some(200)));
    on[0].down = because_of("root", &[(100, None)]);
    assert_eq!(world.decides(&on, 202), ["INC-2 opened from 100 P1"]);
}

#[test]
fn a_service_that_fails_later_joins_and_one_with_reasons_of_its_own_does_not() {
    let mut world = World::new();
    with_services(&mut world, &["a", "b", "root"]);
    let (a, b, root) = (id("a"), id("b"), id("root"));
    let failing = || Situation { down: troubles(&[(100, None)]), ..nothing(&root) };
    assert_eq!(world.decides(&[failing()], 120).len(), 1);
    let situations = [
        Situation { down: because_of("root", &[(130, None)]), ..nothing(&a) },
        Situation { down: troubles(&[(130, None)]), ..nothing(&b) },
        failing(),
    ];
    assert_eq!(world.decides(&situations, 140), ["INC-2 opened from 130 P1", "INC-1 affects 1"]);
}

#[test]
fn silent_agents_answer_for_the_services_that_nobody_sees() {
    let mut world = World::new();
    with_services(&mut world, &["a"]);
    let (agent, a, shop) = (id("north"), id("a"), id("shop"));
    let unseen = |service| {
        let unmeasured = because_of("north", &[(100, None)]);
        Situation { unmeasured, ..nothing(service) }
    };
    let relying = BTreeSet::from([a.clone(), shop.clone()]);
    let silent = Condition::new(Subject::AgentSilent { agent: agent.clone() }, at(90), "silent".to_owned());
    let agents =
        [AgentSituation { agent: &agent, held: false, conditions: vec![silent], services: &relying, planned: None }];
    let World { register, catalogue, calm, .. } = &world;
    let courses = &Courses::of(catalogue);
    let known = Known { register, catalogue, courses, calm, draw: &|| None };
    let decisions = decide(known, &[unseen(&a), unseen(&shop)], &agents, at(500));
    let told = world.apply(&decisions);
    // The agent is in no catalogue, so its incident is withdrawn at the next decision.
    assert_eq!(told, ["INC-1 opened from 90 P2", "INC-1 affects 2"]);
    assert_eq!(world.decides(&[unseen(&a)], 501), ["INC-1 resolved at 501 Withdrawn"]);
    assert_eq!(world.decides(&[unseen(&a)], 502), ["INC-2 opened from 100 P2"], "nobody answers for it any more");
}

#[test]
fn a_condition_opens_and_ends_with_what_holds() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 1_000;
    let shop = id("shop");
    let subject = || Subject::CertificateExpiring { service: id("shop"), probe: id("web") };
    let holding = |holds: bool| {
        let conditions = if holds { vec![Condition::new(subject(), at(50), "soon".to_owned())] } else { Vec::new() };
        Situation { conditions, ..nothing(&shop) }
    };
    assert_eq!(world.decides(&[holding(true)], 100), ["INC-1 opened from 50 P2"]);
    assert!(world.decides(&[holding(true)], 101).is_empty());
    assert!(world.decides(&[Situation { held: true, ..holding(false) }], 102).is_empty());
    assert_eq!(world.decides(&[holding(false)], 200), ["INC-1 resolved at 200 OverAgain"]);
    assert_eq!(world.decides(&[holding(true)], 300), ["INC-1 reopened"]);
    // It has come back once, so its end has to last before it is told.
    let calm = |world: &mut World, now| {
        let mut calm = std::mem::take(&mut world.calm);
        keep_calm(&mut calm, &world.register, std::iter::empty(), at(now));
        world.calm = calm;
    };
    calm(&mut world, 400);
    assert!(world.decides(&[holding(false)], 400).is_empty());
    calm(&mut world, 1_400);
    assert_eq!(world.decides(&[holding(false)], 1_400), ["INC-1 resolved at 400 OverAgain"]);
    world.catalogue.raising.causes.get_mut(&Cause::CertificateExpiring).unwrap().raise = false;
    assert!(world.decides(&[holding(true)], 9_000).is_empty(), "the catalogue does not want to know");
}

#[test]
fn what_somebody_resolved_stays_so_until_it_is_over_and_comes_again() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    by_hand(&mut world, 1, resolved_by_hand(150), 150);
    assert!(world.sees(&[(100, None)], 160).is_empty(), "it goes on, and somebody said enough");
    assert_eq!(world.sees(&[(100, Some(200))], 200), ["INC-1 cleared"]);
    assert!(world.sees(&[(100, Some(200))], 201).is_empty());
    assert_eq!(world.sees(&[(100, Some(200)), (300, None)], 301), ["INC-2 opened from 300 P1"]);

    let mut world = World::new();
    let shop = id("shop");
    let subject = Subject::CertificateExpiring { service: id("shop"), probe: id("web") };
    let soon = || vec![Condition::new(subject.clone(), at(50), "soon".to_owned())];
    world.decides(&[Situation { conditions: soon(), ..nothing(&shop) }], 100);
    by_hand(&mut world, 1, resolved_by_hand(150), 150);
    assert!(world.decides(&[Situation { conditions: soon(), ..nothing(&shop) }], 160).is_empty());
    assert_eq!(world.decides(&[nothing(&shop)], 170), ["INC-1 cleared"]);
}

#[test]
fn what_somebody_opened_again_only_people_resolve() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    by_hand(&mut world, 1, Change::Reopened { by: Some(LOCAL), text: None, returned: false }, 210);
    assert!(world.sees(&[(100, Some(200))], 300).is_empty());
    by_hand(&mut world, 1, resolved_by_hand(310), 310);
    assert_eq!(world.sees(&[(100, Some(200))], 320), ["INC-1 cleared"]);
}

#[test]
fn an_older_one_that_somebody_opened_again_goes_on_and_no_other_beside_it() {
    let mut world = World::new();
    world.sees(&[(100, Some(200))], 210);
    world.sees(&[(100, Some(200)), (300, Some(400))], 410);
    by_hand(&mut world, 1, Change::Reopened { by: Some(LOCAL), text: None, returned: false }, 420);
    assert!(world.sees(&[(100, Some(200)), (300, None)], 430).is_empty());
    assert!(world.register.open().map(|incident| incident.number).eq([Number(1)]));
}

#[test]
fn what_begins_in_maintenance_is_on_record_and_quiet() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 1_000;
    let shop = id("shop");
    let planned = || vec![(Interval::new(at(90), at(200)), id("upgrade"))];
    let sees = |stretches: &[(i64, Option<i64>)]| Situation {
        down: troubles(stretches),
        planned: planned(),
        ..nothing(&shop)
    };
    world.decides(&[sees(&[(100, None)])], 120);
    assert_eq!(world.register.get(Number(1)).unwrap().quiet, Some(id("upgrade")));
    world.decides(&[sees(&[(100, Some(150))])], 150);
    // What comes soon after the maintenance is not hidden behind it.
    let told = world.decides(&[sees(&[(100, Some(150)), (210, None)])], 220);
    assert_eq!(told, ["INC-2 opened from 210 P1"]);
    assert_eq!(world.register.get(Number(2)).unwrap().quiet, None);
}

#[test]
fn what_was_resolved_long_ago_is_closed_once_and_never_opened_again() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 100;
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    let week = 7 * DAY_MS;
    assert!(world.sees(&[(100, Some(200))], 199 + week).is_empty());
    assert_eq!(world.sees(&[(100, Some(200))], 200 + week), ["INC-1 closed"]);
    assert!(world.sees(&[(100, Some(200))], 201 + week).is_empty());
    assert!(world.sees(&[(100, Some(200)), (250, None)], 300 + week).contains(&"INC-2 opened from 250 P1".to_owned()));

    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    let major = Change::Major {
        because: "P1".to_owned(),
        by: None,
        owner: "the head of operations".to_owned(),
        notice_to: None,
    };
    by_hand(&mut world, 1, major, 300);
    assert!(world.sees(&[(100, Some(200))], 300 + week).is_empty(), "its review is missing");
    by_hand(&mut world, 1, Change::Reviewed { by: LOCAL, text: "a cable".to_owned() }, 400);
    assert_eq!(world.sees(&[(100, Some(200))], 300 + week), ["INC-1 closed"]);
}

#[test]
fn a_burning_budget_is_not_told_beside_the_outage_that_burns_it() {
    let mut world = World::new();
    let shop = id("shop");
    let target = uphold_common::ids::PathId::new(id("sla"), id("availability"));
    let burning = || Condition {
        explained_within_ms: Some(50),
        urgency: Urgency::Urgent,
        ..Condition::new(
            Subject::BudgetBurning { service: id("shop"), target: target.clone() },
            at(100),
            "burns".to_owned(),
        )
    };
    let sees = |stretch| Situation { down: troubles(&[stretch]), conditions: vec![burning()], ..nothing(&shop) };
    assert_eq!(world.decides(&[sees((100, None))], 120), ["INC-1 opened from 100 P1"]);
    assert!(world.decides(&[sees((100, None))], 500).is_empty());
    assert_eq!(world.decides(&[sees((100, Some(520)))], 530), ["INC-1 resolved at 520 Recovered"]);
    assert!(world.decides(&[sees((100, Some(520)))], 569).is_empty(), "its short look-back still holds the outage");
    assert_eq!(world.decides(&[sees((100, Some(520)))], 570), ["INC-2 opened from 100 P1"]);
}
