//! Which piece holds when, by table: versions come at days of 2026, and windows are asked for.

use jiff::tz::TimeZone;

use super::*;
use crate::catalogue::model::Promise;
use crate::time::DAY_MS;

/// Midnight, UTC, of a day of 2026, counted from 1.
fn day(number: i64) -> Instant {
    "2026-01-01T00:00:00Z".parse::<jiff::Timestamp>().map(Instant::from).unwrap().plus_ms((number - 1) * DAY_MS)
}

fn service(id: &str, fall: u32, component: &str) -> String {
    format!(
        "  - {{ id: {id}, name: {id}, probes: [{{ id: port, component: {component}, agents: [a], interval: 30s, \
         timeout: 5s, fall: {fall}, tcp: {{ address: '192.0.2.1:1' }} }}] }}\n"
    )
}

fn target(terms: &str) -> String {
    format!("agreements:\n  - {{ id: sla, kind: sla, party: c, targets: [{{ id: up, service: shop, {terms} }}] }}\n")
}

fn read(services: &str, agreements: &str) -> Catalogue {
    let text = format!(
        "organisation: {{ name: Example, time_zone: UTC }}\ncustomers: [{{ id: c, name: C }}]\n\
         parties: [{{ id: carrier, name: Carrier, kind: supplier }}]\n\
         components: [{{ id: rack, name: Rack }}, {{ id: line, name: Line, party: carrier }}]\n\
         services:\n{services}{agreements}"
    );
    crate::catalogue::read(&[("catalogue.yaml", text)]).unwrap()
}

fn falls(courses: &Courses, id: &str) -> Vec<(Instant, u64, u32)> {
    let course = courses.service(&Id::new(id).unwrap()).unwrap();
    let fall = |piece: &Piece| piece.service.probes.values().next().unwrap().fall;
    course.pieces().iter().map(|piece| (piece.from, piece.version, fall(piece))).collect()
}

#[test]
fn only_what_measures_differently_begins_a_piece_and_what_was_restated_replaces_what_came_after() {
    let mut courses = Courses::of(&read(&(service("shop", 2, "rack") + &service("till", 2, "rack")), ""));
    let named = |changed: BTreeSet<Id>| changed.iter().map(Id::to_string).collect::<Vec<_>>().join(" ");
    let both = |shop, till| service("shop", shop, "rack") + &service("till", till, "rack");
    assert_eq!(named(courses.take_up(&read(&both(2, 3), ""), 2, day(10))), "till");
    assert_eq!(named(courses.take_up(&read(&both(4, 3), ""), 3, day(20))), "shop");
    assert_eq!(named(courses.take_up(&read(&both(4, 3), ""), 4, day(30))), "");
    assert_eq!(falls(&courses, "shop"), [(Instant::MIN, 1, 2), (day(20), 3, 4)]);
    let law = |courses: &Courses| {
        let steps = courses.law(&"shop/port".parse().unwrap()).unwrap().steps().to_vec();
        steps.iter().map(|step| (step.from, step.rules.fall)).collect::<Vec<_>>()
    };
    assert_eq!(law(&courses), [(Instant::MIN, 2), (day(20), 4)]);
    assert_eq!((courses.version_at(day(15)), courses.version_at(Instant::MIN), courses.version_at(day(99))), (2, 1, 4));

    assert_eq!(named(courses.take_up(&read(&both(5, 3), ""), 5, day(15))), "shop", "a restatement");
    assert_eq!(falls(&courses, "shop"), [(Instant::MIN, 1, 2), (day(15), 5, 5)]);
    assert_eq!(falls(&courses, "till"), [(Instant::MIN, 1, 2), (day(10), 2, 3)]);
    assert_eq!((courses.version_at(day(14)), courses.version_at(day(25))), (2, 5));
    assert_eq!(
        named(courses.take_up(&read(&both(2, 3), ""), 6, day(15))),
        "shop",
        "and what it was before is so again"
    );
    assert_eq!(law(&courses), [(Instant::MIN, 2)]);

    assert_eq!(named(courses.take_up(&read(&service("shop", 2, "rack"), ""), 7, day(40))), "");
    assert_eq!(falls(&courses, "till").len(), 2, "what is gone was promised, and stays as it was");
    let shop = courses.service(&Id::new("shop").unwrap()).unwrap();
    let parts = |from, to| shop.within(Interval::new(day(from), day(to))).map(|(part, _)| part).collect::<Vec<_>>();
    assert_eq!(parts(1, 3), [Interval::new(day(1), day(3))]);
    assert_eq!(parts(3, 3), [Interval::new(day(3), day(3))]);
}

#[test]
fn a_change_of_who_answers_for_a_probe_is_a_piece_too() {
    let mut courses = Courses::of(&read(&service("shop", 2, "rack"), ""));
    courses.take_up(&read(&service("shop", 2, "line"), ""), 2, day(10));
    let course = courses.service(&Id::new("shop").unwrap()).unwrap();
    let span = Interval::new(day(5), day(15));
    let who = |(part, piece): (Interval, &Piece)| (part, piece.responsible.values().next().unwrap().1.clone());
    let expected =
        [(Interval::new(day(5), day(10)), "own".to_owned()), (Interval::new(day(10), day(15)), "carrier".to_owned())];
    assert_eq!(course.within(span).map(who).collect::<Vec<_>>(), expected);
    assert_eq!(courses.law(&"shop/port".parse().unwrap()).unwrap().steps().len(), 1);
}

#[test]
fn a_target_that_changes_holds_from_its_next_window_on_or_at_once_if_it_says_so() {
    let month = |share: &str, more: &str| target(&format!("window: month, availability: \"{share}\"{more}"));
    let shop = service("shop", 2, "rack");
    let mut courses = Courses::of(&read(&shop, &month("99%", "")));
    courses.take_up(&read(&shop, &month("98%", "")), 2, day(10));
    courses.take_up(&read(&shop, &month("97%", ", effective: immediate")), 3, day(45));
    courses.take_up(&read(&shop, &month("96%", "")), 4, day(50));
    courses.take_up(&read(&shop, &month("96%", ", effective: immediate")), 5, day(70));
    let id = "sla/up".parse().unwrap();
    let share = |kind, at, as_of| {
        let window = Window::holding(kind, &TimeZone::UTC, at, as_of);
        courses.target(&id, &window).map(|target| match &target.promise {
            crate::catalogue::model::Promise::Availability(promise) => promise.share.to_string(),
            _ => String::new(),
        })
    };
    for (what, kind, at, as_of, expected) in [
        ("the month in which it changed", WindowKind::Month, 20, 99, "99%"),
        ("a month before the first version", WindowKind::Month, -40, 99, "99%"),
        ("February, changed at once, before that", WindowKind::Month, 40, 41, "98%"),
        ("February, changed at once, after that", WindowKind::Month, 40, 46, "97%"),
        ("February, after it has changed again", WindowKind::Month, 40, 55, "97%"),
        ("March; to say at once is no change", WindowKind::Month, 75, 99, "96%"),
        ("what ends now, before a change", WindowKind::Rolling { length_ms: 30 * DAY_MS }, 9, 9, "99%"),
        ("what ends now, after it", WindowKind::Rolling { length_ms: 30 * DAY_MS }, 10, 10, "98%"),
    ] {
        assert_eq!(share(kind, day(at), day(as_of)).as_deref(), Some(expected), "{what}");
    }
}

#[test]
fn a_kind_of_window_that_changes_holds_from_the_next_one_on() {
    let of = |window: &str| target(&format!("window: {window}, availability: \"99%\""));
    let shop = service("shop", 2, "rack");
    let mut courses = Courses::of(&read(&shop, &of("month")));
    courses.take_up(&read(&shop, &of("quarter")), 2, day(40));
    courses.take_up(&read(&shop, &of("7d")), 3, day(200));
    let id = "sla/up".parse().unwrap();
    let kind = |at| courses.in_window(&id, &TimeZone::UTC, day(at), day(at)).unwrap().1.kind;
    for (at, expected) in [
        (35, WindowKind::Month),
        (41, WindowKind::Month),
        (80, WindowKind::Month),
        (100, WindowKind::Quarter),
        (199, WindowKind::Quarter),
        (200, WindowKind::Rolling { length_ms: 7 * DAY_MS }),
    ] {
        assert_eq!(kind(at), expected, "on day {at}");
    }
}

#[test]
fn a_target_that_leaves_holds_to_the_end_of_its_window() {
    let shop = service("shop", 2, "rack");
    let month = target("window: month, availability: \"99%\"");
    let mut courses = Courses::of(&read(&shop, &month));
    courses.take_up(&read(&shop, ""), 2, day(40));
    let id = Id::new("shop").unwrap();
    let held = |courses: &Courses, at| {
        let window = |kind| Window::holding(kind, &TimeZone::UTC, day(at), day(99));
        courses.targets_of(&id, window).count()
    };
    assert_eq!([35, 45, 65].map(|at| held(&courses, at)), [1, 1, 0]);
    courses.take_up(&read(&shop, &month), 3, day(70));
    assert_eq!([35, 65, 75].map(|at| held(&courses, at)), [1, 1, 1], "it is back, and was promised all the while");
}

#[test]
fn a_target_that_a_restatement_leaves_out_is_gone_from_its_instant_on() {
    let shop = service("shop", 2, "rack");
    let daily = target("window: day, availability: \"99%\"");
    let mut courses = Courses::of(&read(&shop, &daily));
    courses.take_up(&read(&shop, ""), 2, day(40));
    courses.take_up(&read(&shop, ""), 3, day(20));
    let id = Id::new("shop").unwrap();
    let held = |at| {
        let window = |kind| Window::holding(kind, &TimeZone::UTC, day(at), day(99));
        courses.targets_of(&id, window).count()
    };
    assert_eq!([19, 20, 39, 40].map(held), [1, 0, 0, 0]);
}

#[test]
fn a_restatement_that_has_something_no_more_replaces_what_came_after_it_too() {
    let both = |fall| service("shop", 2, "rack") + &service("till", fall, "rack");
    let month = |share| target(&format!("availability: \"{share}\", window: month, effective: immediate"));
    let mut courses = Courses::of(&read(&both(2), &month("99%")));
    courses.take_up(&read(&both(3), &month("98%")), 2, day(20));
    courses.take_up(&read(&both(3), ""), 3, day(28));
    let changed = courses.take_up(&read(&service("shop", 2, "rack"), ""), 4, day(10));
    assert_eq!(changed.iter().map(Id::as_str).collect::<Vec<_>>(), ["shop", "till"]);
    assert_eq!(falls(&courses, "till"), [(Instant::MIN, 1, 2)], "as the last version that had it says");
    let window = |at| Window::holding(WindowKind::Month, &TimeZone::UTC, at, day(300));
    let (shop, id) = (Id::new("shop").unwrap(), "sla/up".parse().unwrap());
    let holding = courses.target(&id, &window(day(1))).unwrap();
    assert!(
        matches!(holding.promise, crate::catalogue::model::Promise::Availability(promise) if promise.share.to_string() == "99%")
    );
    let there = |at| courses.targets_of(&shop, |_| window(at)).count();
    assert_eq!((there(day(1)), there(day(32))), (1, 0), "it left on the 10th");
}

#[test]
fn the_kinds_of_windows_of_a_target_are_known_with_when_it_had_them() {
    let shop = service("shop", 2, "rack");
    let with = |window: &str, share: &str| read(&shop, &target(&format!("window: {window}, availability: '{share}'")));
    let mut courses = Courses::of(&with("month", "99%"));
    courses.take_up(&with("month", "98%"), 2, day(5));
    courses.take_up(&with("day", "98%"), 3, day(10));
    courses.take_up(&read(&shop, ""), 4, day(20));
    let kinds = |courses: &Courses| courses.target_course(&"sla/up".parse().unwrap()).unwrap().kinds();
    let of_month = (WindowKind::Month, Interval::new(Instant::MIN, day(10)));
    assert_eq!(kinds(&courses), [of_month, (WindowKind::Day, Interval::new(day(10), day(20)))]);
    courses.take_up(&with("day", "98%"), 5, day(30));
    assert_eq!(kinds(&courses), [of_month, (WindowKind::Day, Interval::new(day(10), Instant::MAX))]);
}

#[test]
fn what_is_promised_otherwise_is_told_with_from_when_on() {
    let shop = service("shop", 2, "rack");
    let with = |terms: &str| read(&shop, &target(&format!("window: month, {terms}")));
    let before = Courses::of(&with("availability: '99.9%'"));
    for (terms, expected) in [
        (Some("availability: '99.9%'"), None),
        (Some("availability: '99.90%'"), None),
        (Some("availability: '99.9%', effective: immediate"), None),
        (Some("availability: '99.8%'"), Some(day(10))),
        // Printed with three digits from then on, and with two before.
        (Some("availability: '99.900%'"), Some(day(10))),
        (None, Some(day(10))),
    ] {
        let mut after = before.clone();
        after.take_up(&terms.map_or_else(|| read(&shop, ""), with), 2, day(10));
        let expected: Vec<_> = expected.map(|from| (Id::new("shop").unwrap(), from)).into_iter().collect();
        let told = after.promises_differ_from(&before);
        assert!(
            told.iter().all(|one| expected.contains(one)) && told.is_empty() == expected.is_empty(),
            "{terms:?}: {told:?}"
        );
    }
    let mut printed = before.clone();
    printed.take_up(&with("availability: '99.900%'"), 2, day(10));
    let decimals = |at: Instant| {
        let window = Window::holding(WindowKind::Month, &TimeZone::UTC, at, day(99));
        match &printed.target(&"sla/up".parse().unwrap(), &window).unwrap().promise {
            Promise::Availability(promise) => promise.share.decimals(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((decimals(day(5)), decimals(day(40))), (2, 3));
}

#[test]
fn a_version_that_cannot_be_read_is_known_by_others_that_say_the_same_and_the_rest_is_not_guessed() {
    let of = |fall: u32, share: &str| {
        let terms = format!("window: day, availability: '{share}'");
        read(&service("shop", fall, "rack"), &target(&terms))
    };
    let known = |(fall, share): (u32, &str), next: &Catalogue| {
        let mut courses = Courses::of(&of(2, "99%"));
        courses.take_up_unread(&crate::catalogue::fingerprint::measured_as(&of(fall, share)), 2, day(10));
        courses.take_up(next, 3, day(20));
        let course = courses.service(&Id::new("shop").unwrap()).unwrap();
        let probe = |at| course.at(at).unwrap().service.probes.values().next().unwrap().clone();
        let looks = [5, 15, 25].map(|on| if probe(day(on)).agents.is_empty() { 0 } else { probe(day(on)).fall });
        let promised = [5, 15, 25].map(|on| {
            let held = courses.in_window(&"sla/up".parse().unwrap(), &TimeZone::UTC, day(on), day(99));
            held.map_or(String::new(), |(target, _)| match &target.promise {
                Promise::Availability(promise) => promise.share.to_string(),
                other => panic!("{other:?}"),
            })
        });
        assert_eq!(course.is_read_within(Interval::new(day(1), day(30))), looks[1] != 0);
        (looks, promised.join(" "), courses.unread_by(2).join(", "))
    };
    for (unread, next, looks, promised, lost) in [
        ((2, "99%"), (3, "98%"), [2, 2, 3], "99% 99% 98%", ""),
        ((3, "98%"), (3, "98%"), [2, 3, 3], "99% 98% 98%", ""),
        ((4, "97%"), (3, "98%"), [2, 0, 3], "99%  98%", "service shop, target sla/up"),
        ((4, "99%"), (2, "99%"), [2, 0, 2], "99% 99% 99%", "service shop"),
    ] {
        let expected = (looks, promised.to_owned(), lost.to_owned());
        assert_eq!(known(unread, &of(next.0, next.1)), expected, "{unread:?} {next:?}");
    }
    // The first version of all: what comes after says the same, or there is nothing to go by before it.
    let first = |fall: u32| {
        let mut courses = Courses::default();
        courses.take_up_unread(&crate::catalogue::fingerprint::measured_as(&of(fall, "99%")), 1, Instant::MIN);
        assert_eq!(courses.unread_by(1), ["service shop", "target sla/up"]);
        courses.take_up(&of(2, "99%"), 2, day(10));
        let course = courses.service(&Id::new("shop").unwrap()).unwrap();
        let looks = |on| !course.at(day(on)).unwrap().service.probes.values().next().unwrap().agents.is_empty();
        (looks(5), looks(15), courses.unread_by(1).join(", "))
    };
    assert_eq!(first(2), (true, true, String::new()));
    assert_eq!(first(3), (false, true, "service shop".to_owned()));
}
