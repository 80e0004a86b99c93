//! Tables of what is behind a stretch, and of what a response time and the use of a resource are made of.

use std::collections::BTreeMap;

use super::behind::{Gathered, Piece, VantageBehind, Witness, probes_behind, state_of};
use super::capacity::CapacityMade;
use super::explain_tests::{catalogue, id, observation, span};
use super::response::ResponseMade;
use super::{FIRST_MAX, HIGHEST_MAX, PIECES_MAX};
use crate::catalogue::model::{Promise, ResponsePromise, Service, WindowKind};
use crate::ids::{ProbeId, TargetId};
use crate::measure::capacity::{CapacityFigures, Utilisation};
use crate::measure::kinds::Kind;
use crate::measure::response::ResponseFigures;
use crate::measure::timeline::Timeline;
use crate::measure::window::Window;
use crate::observation::{Micros, Observation, Outcome, State};
use crate::time::Instant;

/// A timeline of a letter a millisecond.
fn row(row: &str) -> Timeline {
    let mut timeline = Timeline::new();
    for (at, letter) in (0_i64..).zip(row.chars()) {
        let state = match letter {
            'u' => State::Up,
            'g' => State::Degraded,
            'D' => State::Down,
            _ => State::Unmeasured,
        };
        timeline.push(span(at, at + 1), state);
    }
    timeline
}

#[test]
fn behind_a_stretch_are_the_probes_that_were_as_bad_the_worst_first() {
    let catalogue = catalogue();
    let service = &catalogue.services[&id("shop")];
    for (p1, p2, p3, kind, expected) in [
        ("uuDD", "uuuu", "DDDD", Kind::Down, "shop/p3 shop/p1"),
        ("uuuu", "DDDD", "DDuD", Kind::Down, "shop/p2 shop/p3"),
        ("....", "DDDD", "uuuu", Kind::Unmeasured, "shop/p2 shop/p1"),
        ("guuu", "uuuu", ".uuu", Kind::Degraded, "shop/p3 shop/p1"),
        ("uuuu", "uuuu", "uuuu", Kind::Down, ""),
    ] {
        let probe = |name: &str, of: &str| (ProbeId::new(id("shop"), id(name)), row(of));
        let timelines = BTreeMap::from([probe("p1", p1), probe("p2", p2), probe("p3", p3)]);
        let behind = probes_behind(service, span(0, 4), state_of(kind).unwrap(), &timelines);
        let names: Vec<String> = behind.iter().map(|(probe, _)| probe.id.to_string()).collect();
        assert_eq!(names.join(" "), expected, "{p1} {p2} {p3}");
    }
    assert_eq!(probes_behind(service, span(0, 4), State::Unmeasured, &BTreeMap::new()).len(), 3, "nobody saw them");
    let vantage = VantageBehind::of(&id("a"), &row("uDDu.uDuDuDuDuDuDuDuD"), State::Unmeasured, None);
    assert_eq!((vantage.pieces.len(), vantage.pieces_left_out, vantage.held.total()), (PIECES_MAX, 2, 21));
    assert_eq!((vantage.pieces[0].interval(), vantage.pieces[1].state), (span(1, 3), State::Unmeasured));
    for (state, quorum, expected) in [
        (State::Degraded, None, "degraded down"),
        (State::Degraded, Some(2), "degraded unmeasured down"),
        (State::Unmeasured, None, "unmeasured down"),
        (State::Down, Some(1), "down"),
    ] {
        let vantage = VantageBehind::of(&id("a"), &row("ug.D"), state, quorum);
        let listed: Vec<&str> = vantage.pieces.iter().map(|piece| piece.state.as_str()).collect();
        assert_eq!(listed.join(" "), expected, "{state:?} {quorum:?}");
    }
}

#[test]
fn of_many_observations_the_first_and_the_last_are_listed() {
    for (count, listed, left_out) in
        [(0, 0, Some(0)), (6, 6, Some(0)), (8, 8, Some(0)), (9, 8, Some(1)), (50, 8, Some(42))]
    {
        let mut piece = VantageBehind::of(&id("a"), &row("D"), State::Down, None).pieces.remove(0);
        let mut gathered = Gathered::default();
        (0..count).for_each(|at| gathered.add(&observation(at, Outcome::Down)));
        gathered.put(&mut piece);
        assert_eq!((piece.observations.len(), piece.left_out), (listed, left_out), "{count}");
        if let Some(last) = piece.observations.last() {
            assert_eq!(*last, Witness::from(&observation(count - 1, Outcome::Down)));
        }
    }
    let mut gathered = Gathered::default();
    (0..50).for_each(|at| gathered.add(&observation(at, Outcome::Down)));
    gathered.cut();
    let mut piece: Piece = VantageBehind::of(&id("a"), &row("D"), State::Down, None).pieces.remove(0);
    gathered.put(&mut piece);
    assert_eq!((piece.observations.len(), piece.left_out), (FIRST_MAX, None), "nobody knows how many more there are");
}

fn window_of(service: &Service, end: i64) -> Window {
    let kind = WindowKind::Stretch { start: Instant::from_ms(0), end: Instant::from_ms(end) };
    Window::holding(kind, &service.time_zone, Instant::from_ms(end), Instant::from_ms(end))
}

#[test]
fn a_response_time_is_made_of_what_its_agents_observed() {
    let catalogue = catalogue();
    let service = &catalogue.services[&id("shop")];
    let Promise::Response(promise) = &catalogue.targets[&TargetId::try_from("sla/quick".to_owned()).unwrap()].promise
    else {
        panic!("it is on response time");
    };
    let promise: &ResponsePromise = promise;
    let window = window_of(service, 1_000);
    let us = |at, us| Observation { total: Micros::new(us), ..observation(at, Outcome::Up) };
    let of_a: Vec<Observation> = (0..10).map(|at| us(at, 5)).chain([observation(20, Outcome::Down)]).collect();
    let of_b: Vec<Observation> = (0..15).map(|at| us(at, 10 * (at.unsigned_abs() + 1))).collect();
    let asked = crate::measure::response::Asked { promise, window, settled: true, entry: Instant::from_ms(0) };
    let figures = ResponseFigures::measure(&asked, &[window.interval], of_a.iter().chain(&of_b));
    let mut made = ResponseMade::of(&figures, &ProbeId::new(id("shop"), id("p1")), 1_000);
    made.look(&id("a"), promise, &of_a);
    made.look(&id("b"), promise, &of_b[..9]);
    let broken = made.clone().summed();
    assert!(!broken.adds_up && broken.broken().is_some(), "what an agent observed is missing");
    made.look(&id("b"), promise, &of_b[9..]);
    let made = made.summed();
    assert!(made.adds_up && made.broken().is_none(), "{made:?}");
    assert_eq!((made.rank, made.value_us, made.quicker, made.at_rank.len()), (Some(13), Some(30), 12, 1));
    assert_eq!((made.slowest.len(), made.slowest[0].observation.duration_us), (HIGHEST_MAX, Some(150)));
    assert_eq!((made.by_agent[&id("a")].failed, made.by_agent[&id("b")].n), (1, 15));
}

#[test]
fn the_use_of_a_resource_is_made_of_stretches_and_readings() {
    let catalogue = catalogue();
    let service = &catalogue.services[&id("shop")];
    let Promise::Capacity(promise) = &catalogue.targets[&TargetId::try_from("sla/disk".to_owned()).unwrap()].promise
    else {
        panic!("it is on capacity");
    };
    let percent = |at: i64, percent: i64| Utilisation { at: Instant::from_ms(at * 1_000), ppb: percent * 10_000_000 };
    let readings = [percent(0, 10), percent(10, 60), percent(20, 60), percent(30, 90), percent(100, 20)];
    let (window, committed) = (window_of(service, 200_000), [span(0, 70_000), span(90_000, 200_000)]);
    let figures = CapacityFigures::measure(promise, Instant::from_ms(0), window, &committed, &readings);
    let mut made = CapacityMade::of(&figures, promise);
    for part in committed {
        made.look(promise, &readings, part);
    }
    let made = made.summed();
    assert!(made.adds_up && made.broken().is_none(), "{made:?}");
    assert_eq!((made.rank, made.lower, made.at_rank.len(), made.highest[0].ppb), (Some(3), 2, 2, 900_000_000));
    let rows: Vec<(i64, i64, u64)> =
        made.stretches.iter().map(|s| (s.start_ms.as_ms(), s.length_ms, s.readings)).collect();
    let expected = [
        (0, 10_000, 1),
        (10_000, 20_000, 2),
        (30_000, 30_000, 1),
        (60_000, 10_000, 0),
        (90_000, 10_000, 0),
        (100_000, 30_000, 1),
        (130_000, 70_000, 0),
    ];
    assert_eq!(rows, expected);
    let mut wrong = made;
    wrong.stretches[1].end_ms = wrong.stretches[1].end_ms.plus_ms(1);
    assert!(wrong.broken().is_some());
}
