//! Decisions where things meet: late data and people, closing and coming back, a catalogue that changes under what is open.

use uphold_common::catalogue::model::{CapacityPromise, Promise, Target, Thresholds, WindowKind};
use uphold_common::observation::{Resource, ResourceId, State};
use uphold_common::percent::Ppb;
use uphold_common::time::DAY_MS;

use super::causes_tests::{because_of, by_hand, resolved_by_hand, with_services};
use super::tests::{World, at, id, nothing, troubles};
use super::*;
use crate::identity::deed::Actor;

const MINUTE: i64 = 60_000;
const WEEK: i64 = 7 * DAY_MS;
const LOCAL: Actor = Actor::Local { uid: Some(7) };

fn closed_by_hand() -> Change {
    Change::Closed { by: Some(LOCAL), text: None }
}

/// The world's one target, over another window.
fn over(world: &mut World, window: WindowKind) -> Target {
    let target = world.catalogue.targets.values_mut().next().unwrap();
    target.window = window;
    target.clone()
}

#[test]
fn nothing_is_attached_to_what_never_was_and_is_closed_with_it() {
    let mut world = World::new();
    with_services(&mut world, &["a", "root"]);
    let (a, root) = (id("a"), id("root"));
    world.decides(&[Situation { down: troubles(&[(100, None)]), ..nothing(&root) }], 120);
    // Late data says that the root never failed, and at once that what is built on it does.
    let suffers = || Situation { down: because_of("root", &[(110, None)]), ..nothing(&a) };
    let told = world.decides(&[nothing(&root), suffers()], 130);
    assert_eq!(told, ["INC-1 resolved at 100 NeverWas", "INC-1 closed", "INC-2 opened from 110 P1"]);
}

#[test]
fn what_was_attached_stays_so_when_its_incident_is_closed() {
    let mut world = World::new();
    with_services(&mut world, &["a", "b", "root"]);
    let (a, b, root) = (id("a"), id("b"), id("root"));
    let down = |end: Option<i64>| {
        vec![
            Situation { down: because_of("root", &[(100, end)]), ..nothing(&a) },
            Situation { down: because_of("root", &[(100, end)]), ..nothing(&b) },
            Situation { down: troubles(&[(100, end)]), ..nothing(&root) },
        ]
    };
    world.decides(&down(None), 120);
    world.decides(&down(Some(200)), 200);
    assert_eq!(world.decides(&down(Some(200)), 200 + WEEK), ["INC-1 closed"]);
    assert!(world.decides(&down(Some(200)), 201 + WEEK).is_empty(), "its outage was told a week ago");
}

#[test]
fn what_suffers_from_a_service_that_is_not_derived_yet_waits_for_it() {
    let mut world = World::new();
    with_services(&mut world, &["a", "root"]);
    let (a, root) = (id("a"), id("root"));
    let suffers = || Situation { down: because_of("root", &[(100, None)]), ..nothing(&a) };
    assert!(world.decides(&[suffers()], 120).is_empty());
    let failed = Situation { down: troubles(&[(100, None)]), ..nothing(&root) };
    assert_eq!(world.decides(&[suffers(), failed], 121), ["INC-1 opened from 100 P1", "INC-1 affects 1"]);
    world.catalogue.services.remove(&root);
    assert_eq!(world.decides(&[suffers()], 122), ["INC-1 resolved at 122 Withdrawn"]);
    assert_eq!(world.decides(&[suffers()], 123), ["INC-2 opened from 100 P1"], "it is not waited for for ever");
}

#[test]
fn an_incident_that_lists_no_more_services_is_not_told_of_them_each_second() {
    let mut world = World::new();
    with_services(&mut world, &["a", "root"]);
    let (a, root) = (id("a"), id("root"));
    let failed = || Situation { down: troubles(&[(100, None)]), ..nothing(&root) };
    world.decides(&[failed()], 120);
    let services = (0..crate::incident::model::AFFECTED_MAX).map(|n| id(&format!("s{n}"))).collect();
    by_hand(&mut world, 1, Change::Affected { services, customers: Vec::new() }, 121);
    let suffers = || Situation { down: because_of("root", &[(100, None)]), ..nothing(&a) };
    assert!(world.decides(&[suffers(), failed()], 122).is_empty());
}

#[test]
fn late_data_that_shows_that_an_outage_never_was_closes_its_incident_also_when_that_is_over() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    assert_eq!(world.sees(&[], 300), ["INC-1 amended at 100 NeverWas", "INC-1 closed"]);
    assert!(world.sees(&[], 301).is_empty());
    assert_eq!(world.sees(&[(100, Some(200))], 302).len(), 2, "and when it was after all, that is another incident");

    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    by_hand(&mut world, 1, resolved_by_hand(150), 150);
    assert_eq!(world.sees(&[], 300), ["INC-1 cleared"]);
    assert!(world.sees(&[], 301).is_empty(), "what people said stands");
    assert!(world.sees(&[], 90).is_empty(), "the clock was set back");
}

#[test]
fn what_flapped_before_it_became_known_is_one_incident() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 10 * MINUTE;
    let flaps = |count: i64| -> Vec<(i64, Option<i64>)> {
        (0..count).map(|i| (i * MINUTE, Some(i * MINUTE + MINUTE / 2))).collect()
    };
    let told = world.sees(&flaps(100), 300 * MINUTE);
    assert_eq!(
        told,
        ["INC-1 opened from 0 P1".to_owned(), format!("INC-1 resolved at {} Recovered", 99 * MINUTE + MINUTE / 2)]
    );
    assert!(world.sees(&flaps(100), 301 * MINUTE).is_empty());
    // What is known in between stays apart.
    let mut world = World::new();
    world.sees(&[(200, None)], 220);
    world.sees(&[(200, Some(300))], 300);
    world.catalogue.raising.absorb_ms = 1_000;
    by_hand(&mut world, 1, closed_by_hand(), 310);
    let around = [(100, Some(150)), (200, Some(300)), (400, Some(500))];
    let told = world.sees(&around, 600);
    assert_eq!(told.iter().filter(|line| line.contains("opened")).count(), 2, "{told:?}");
    assert!(world.sees(&around, 601).is_empty());
    // The last of them may go on.
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 10 * MINUTE;
    let on: Vec<_> = flaps(3).into_iter().chain([(3 * MINUTE, None)]).collect();
    assert_eq!(world.sees(&on, 4 * MINUTE), ["INC-1 opened from 0 P1"]);
    let done: Vec<_> = flaps(3).into_iter().chain([(3 * MINUTE, Some(5 * MINUTE))]).collect();
    assert_eq!(world.sees(&done, 6 * MINUTE), [format!("INC-1 resolved at {} Recovered", 5 * MINUTE)]);
}

#[test]
fn an_outage_that_goes_on_after_its_incident_was_closed_is_another() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    by_hand(&mut world, 1, closed_by_hand(), 210);
    assert!(world.sees(&[(100, None)], 150).is_empty(), "the clock was set back");
    // What had looked like its end was none.
    assert_eq!(world.sees(&[(100, None)], 300), ["INC-2 opened from 100 P1"]);
    assert!(world.sees(&[(100, None)], 301).is_empty());
    assert_eq!(world.sees(&[(100, Some(400))], 401), ["INC-2 resolved at 400 Recovered"]);
    assert!(world.sees(&[(100, Some(400))], 402).is_empty());
}

#[test]
fn a_breach_of_a_rolling_window_that_somebody_resolved_is_not_told_again_until_it_is_met() {
    let mut world = World::new();
    let target = over(&mut world, WindowKind::Rolling { length_ms: 1_000 });
    let sees = |world: &mut World, state: State, now: i64| world.was_always(state, &target, now, now);
    assert_eq!(sees(&mut world, State::Down, 5_000), ["INC-1 opened from 4000 P2"]);
    by_hand(&mut world, 1, resolved_by_hand(5_500), 5_500);
    assert!(sees(&mut world, State::Down, 6_000).is_empty(), "what goes on is no other incident");
    assert_eq!(sees(&mut world, State::Up, 7_000), ["INC-1 cleared"]);
    assert_eq!(sees(&mut world, State::Down, 8_000), ["INC-2 opened from 7000 P2"]);
    // What comes back at once is the same.
    world.catalogue.raising.absorb_ms = 2_000;
    assert_eq!(sees(&mut world, State::Up, 9_000), ["INC-2 resolved at 9000 MetAgain"]);
    assert_eq!(sees(&mut world, State::Down, 10_000), ["INC-2 reopened"]);
}

#[test]
fn a_breach_that_comes_back_after_its_incident_was_closed_is_another() {
    let mut world = World::new();
    let target = over(&mut world, WindowKind::Month);
    let sees = |world: &mut World, state: State, now: i64| world.was_always(state, &target, now, now);
    sees(&mut world, State::Down, 1_000);
    sees(&mut world, State::Up, 2_000);
    by_hand(&mut world, 1, closed_by_hand(), 3_000);
    assert_eq!(sees(&mut world, State::Down, 4_000), ["INC-2 opened from 0 P2"]);
    // But not as long as what somebody resolved and closed goes on.
    by_hand(&mut world, 2, resolved_by_hand(5_000), 5_000);
    by_hand(&mut world, 2, closed_by_hand(), 5_001);
    assert!(sees(&mut world, State::Down, 6_000).is_empty());
}

#[test]
fn the_breach_of_a_closed_window_whose_incident_is_held_no_more_is_not_told_again() {
    let mut world = World::new();
    let target = over(&mut world, WindowKind::Day);
    world.was_always(State::Down, &target, 0, 1_000);
    world.was_always(State::Down, &target, 0, DAY_MS);
    assert!(!world.register.get(Number(1)).unwrap().is_open());
    world.register.forget(Number(1));
    assert!(world.was_always(State::Down, &target, 0, DAY_MS + 1).is_empty());
    assert_eq!(world.was_always(State::Down, &target, DAY_MS, 2 * DAY_MS + 1).len(), 2, "the day after was not told");
}

/// A change of a target.
type Changed = fn(&mut Target);

#[test]
fn what_the_catalogue_has_as_something_else_is_withdrawn() {
    let breach = |window_start: Option<i64>| {
        let (service, target) = (id("shop"), uphold_common::ids::PathId::new(id("sla"), id("availability")));
        Subject::TargetBreached { service, target, window_start: window_start.map(at) }
    };
    let target = uphold_common::ids::PathId::new(id("sla"), id("availability"));
    let above = Subject::CapacityAbove { service: id("shop"), target, threshold: Threshold::Critical };
    let cases: [(Subject, Changed, bool); 6] = [
        (breach(Some(0)), |_| {}, true),
        (breach(Some(0)), |target| target.window = WindowKind::Rolling { length_ms: DAY_MS }, false),
        (breach(Some(DAY_MS)), |target| target.window = WindowKind::Month, false),
        (breach(None), |target| target.window = WindowKind::Month, false),
        (breach(Some(0)), |target| target.service = id("other"), false),
        (above, |_| {}, false),
    ];
    for (subject, change, stands) in cases {
        let mut world = World::new();
        let priority = PriorityText(world.catalogue.priorities.of(Criticality::High, Urgency::Normal));
        let opening = Opening::new(subject.clone(), at(5), priority, "breached");
        world.apply(&[Decision {
            events: vec![Event { number: Number(1), place: 1, decided_at: at(5), change: Change::Opened(opening) }],
        }]);
        change(world.catalogue.targets.values_mut().next().unwrap());
        let shop = id("shop");
        let told = world.decides(&[nothing(&shop)], 500);
        let expected: &[&str] = if stands { &[] } else { &["INC-1 resolved at 500 Withdrawn"] };
        assert_eq!(told, expected, "{}", subject.key());
    }
}

#[test]
fn what_somebody_resolved_is_over_when_it_leaves_the_catalogue() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    by_hand(&mut world, 1, resolved_by_hand(150), 150);
    world.catalogue.services.clear();
    let decisions = world.decided(&[], 500);
    assert_eq!(world.apply(&decisions), ["INC-1 cleared"]);
    let decisions = world.decided(&[], 500 + WEEK);
    assert_eq!(world.apply(&decisions), ["INC-1 closed"]);
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_a_condition_open() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 1_000;
    let shop = id("shop");
    let subject = || Subject::CertificateExpiring { service: id("shop"), probe: id("web") };
    let holds = || vec![Condition::new(subject(), at(50), "soon".to_owned())];
    let mut sees = |holding: Vec<Condition>, now: i64| {
        let mut calm = std::mem::take(&mut world.calm);
        keep_calm(&mut calm, &world.register, holding.iter(), at(now));
        world.calm = calm;
        world.decides(&[Situation { conditions: holding, ..nothing(&shop) }], now)
    };
    sees(holds(), 100);
    sees(Vec::new(), 200);
    assert_eq!(sees(holds(), 300), ["INC-1 reopened"]);
    assert!(sees(Vec::new(), 90_000_000).is_empty(), "the clock ran ahead");
    assert!(sees(Vec::new(), 400).is_empty());
    assert_eq!(sees(Vec::new(), 1_400), ["INC-1 resolved at 400 OverAgain"]);
}

#[test]
fn what_is_degraded_on_after_its_maintenance_is_told_as_another() {
    let mut world = World::new();
    let shop = id("shop");
    let sees = |end: Option<i64>| {
        let episode = Episode { started: at(100), ended: end.map(at), is_enough: true };
        let planned = vec![(Interval::new(at(90), at(200)), id("upgrade"))];
        Situation { degraded: vec![episode], planned, ..nothing(&shop) }
    };
    assert_eq!(world.decides(&[sees(None)], 150), ["INC-1 opened from 100 P2"]);
    assert!(world.decides(&[sees(None)], 199).is_empty());
    assert_eq!(world.decides(&[sees(None)], 200), ["INC-1 resolved at 200 Outlasted"]);
    assert_eq!(world.decides(&[sees(None)], 201), ["INC-2 opened from 200 P2"]);
    assert!(world.decides(&[sees(None)], 202).is_empty());
    let quiet: Vec<bool> = world.register.all().map(|incident| incident.quiet.is_some()).collect();
    assert_eq!(quiet, [true, false]);
    assert_eq!(world.decides(&[sees(Some(300))], 300), ["INC-2 resolved at 300 Recovered"]);
    assert!(world.decides(&[sees(Some(300))], 301).is_empty());
}

#[test]
fn a_threshold_that_flaps_in_maintenance_is_one_incident() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 1_000;
    let (shop, target) = (id("shop"), world.catalogue.targets.values().next().unwrap().clone());
    let promise = CapacityPromise {
        resource: ResourceId { host: id("h"), resource: Resource::Filesystem, of: "/".to_owned() },
        percentile: Ppb::parse("95%").unwrap(),
        thresholds: Thresholds::new(None, Ppb::parse("90%").ok()).unwrap(),
        held_ms: 0,
    };
    let stored = Target { promise: Promise::Capacity(promise.clone()), ..target };
    world.catalogue.targets.insert(stored.id.clone(), stored.clone());
    let mut sees = |stretches: &[(i64, Option<i64>)], now: i64| {
        let episodes = troubles(stretches).into_iter().map(|trouble| trouble.episode).collect();
        let above = vec![(Threshold::Critical, episodes)];
        let watched = Watched { target: &stored, promise: &promise, held: false, horizon: at(0), above, newest: None };
        let planned = vec![(Interval::new(at(0), at(9_000)), id("upgrade"))];
        world.decides(&[Situation { capacity: vec![watched], planned, ..nothing(&shop) }], now)
    };
    assert_eq!(sees(&[(100, None)], 120), ["INC-1 opened from 100 P1"]);
    assert_eq!(sees(&[(100, Some(200))], 200), ["INC-1 resolved at 200 BelowAgain"]);
    assert_eq!(sees(&[(100, Some(200)), (250, None)], 260), ["INC-1 reopened"]);
}

#[test]
fn late_data_moves_the_end_that_was_told_and_nobodys_word() {
    let mut world = World::new();
    world.catalogue.raising.absorb_ms = 60;
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    assert!(world.sees(&[(100, Some(240))], 299).is_empty(), "it may move again, or come back");
    assert_eq!(world.sees(&[(100, Some(240))], 300), ["INC-1 amended at 240 Recovered"]);
    assert!(world.sees(&[(100, Some(240))], 301).is_empty());
    assert_eq!(world.sees(&[(100, Some(150)), (170, Some(220))], 400), ["INC-1 amended at 220 Recovered"]);
    assert_eq!(world.sees(&[(100, Some(150)), (170, Some(220))], 400 + WEEK), ["INC-1 closed"]);
    assert!(world.sees(&[(100, Some(210))], 401 + WEEK).is_empty(), "what is closed stands");

    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    by_hand(&mut world, 1, resolved_by_hand(150), 150);
    assert_eq!(world.sees(&[(100, Some(200))], 400), ["INC-1 cleared"]);
    assert!(world.sees(&[(100, Some(190))], 401).is_empty());
}

#[test]
fn what_is_promised_until_its_window_ends_is_not_withdrawn_before() {
    let mut world = World::new();
    let month = over(&mut world, WindowKind::Month);
    let mut courses = Courses::of(&world.catalogue);
    // In February, whose quarter began in January.
    let now = 31 * DAY_MS + 5_000;
    assert_eq!(world.was_always(State::Down, &month, now, now).len(), 1);
    over(&mut world, WindowKind::Quarter);
    courses.take_up(&world.catalogue, 2, at(now));
    world.courses = Some(courses);
    for now in now + 1..now + 5 {
        assert!(world.was_always(State::Down, &month, now, now).is_empty(), "it is breached still, and told");
    }
}

#[test]
fn nothing_is_attached_to_what_is_closed_later_in_the_same_decision() {
    let mut world = World::new();
    with_services(&mut world, &["a", "root", "z"]);
    let (a, root) = (id("a"), id("root"));
    // The root suffers from another one at times, so its turn comes with those that suffer from it.
    let because_of_z = || because_of("z", &[(2, Some(4))]);
    world.decides(&[Situation { down: troubles(&[(10, Some(100))]), ..nothing(&root) }], 120);
    let moved =
        Situation { down: because_of_z().into_iter().chain(troubles(&[(200, Some(300))])).collect(), ..nothing(&root) };
    let suffers = Situation { down: because_of("root", &[(50, Some(300))]), ..nothing(&a) };
    let told = world.decides(&[suffers, moved], 310);
    assert!(told.iter().any(|line| line.starts_with("INC-1 amended at 10 NeverWas")), "{told:?}");
    assert!(!told.iter().any(|line| line.starts_with("INC-1 affects")), "{told:?}");
}
