//! Problems and escalation over a real store: once, whatever restarts, and with what is known in the messages.

use uphold_common::ids::Id;

use super::tests::{CATALOGUE, World, at};
use super::*;
use crate::identity::deed::Actor;
use crate::incident::act::text::link;
use crate::incident::act::{Act, Comment, Who};
use crate::incident::list::{IncidentsQuery, Wanted};
use crate::incident::model::LinkKind;
use crate::incident::model::Number;
use crate::problem::act::ProblemAct;
use crate::problem::model::{ProblemNumber, ProblemState};
use crate::problem::view::ProblemsQuery;

const LOCAL: Actor = Actor::Local { uid: Some(7) };
const ONE: ProblemNumber = ProblemNumber(1);

/// An outage of the shop that begins at `from`, and is over half a minute later.
fn outage(world: &mut World, from: i64) {
    world.push(from - 20, "uuDDu", from + 21, 0);
    world.tick(from + 22);
}

fn incidents_of(world: &mut World, now: i64) -> Vec<usize> {
    let list = world.engine().problems(&ProblemsQuery::default(), at(now));
    list.problems.iter().map(|view| view.problem.incidents.len()).collect()
}

#[test]
fn an_incident_that_is_held_no_more_is_read_from_the_store() {
    let mut world = World::new(0);
    outage(&mut world, 2_000);
    let held = world.engine().told_history(Number(1), at(2_040)).unwrap().unwrap();
    world.engine().register.forget(Number(1));
    assert!(world.engine().register.get(Number(1)).is_none());
    let read = world.engine().told_history(Number(1), at(2_040)).unwrap().unwrap();
    assert_eq!(read, held);
    assert_eq!(world.engine().told_history(Number(99), at(2_040)).unwrap(), None);
    let said = Act::Comment(Comment::new("late").unwrap());
    let refused = world.engine().act(Number(1), said, &LOCAL, at(2_041)).unwrap_err();
    assert!(refused.to_string().contains("open or recent"), "{refused}");
}

/// The catalogue with somebody who answers for major incidents, none of which is one by itself, and with steps.
fn with_a_board() -> String {
    let handling = "absorb: 0s
  major: { when: [{ services: 100000 }], owner: Head, notice: board }
  escalation: [{ when: { cause: [agent_silent] }, steps: [{ after: 10m, to: board }] }]
";
    let line = CATALOGUE.lines().find(|line| line.starts_with("incidents:")).unwrap();
    let board = "receivers: [{ id: board, webhook: { url: \"http://127.0.0.1:9/\" } }, ";
    CATALOGUE.replace(line, &format!("incidents:\n  {}", handling.trim_end())).replace("receivers: [", board)
}

#[test]
fn the_notice_of_what_somebody_declares_goes_where_the_catalogue_says() {
    let mut world = World::with(with_a_board(), 0);
    world.push(0, "uuDD", 41, 0);
    world.tick(42);
    let before = world.waiting();
    let declared = Act::Major { owner: Who::new("B. Meier").unwrap(), because: Comment::new("a bank").unwrap() };
    let incident = world.engine().act(Number(1), declared, &LOCAL, at(43)).unwrap();
    assert_eq!(incident.major.unwrap().notice_to, Some(Id::new("board").unwrap()));
    assert_eq!(world.waiting(), before + 2, "whom the route names, and the board");
}

#[test]
fn nobody_is_told_of_a_silent_agent_before_it_had_time_to_push_after_a_start() {
    let mut world = World::with(with_a_board(), 0);
    world.push(0, "uuu", 30, 0);
    world.tick(200);
    let told = |world: &mut World| world.history().iter().filter(|line| line.contains("escalated")).count();
    assert_eq!((world.history()[0].as_str(), told(&mut world)), ("INC-1 agent_silent from 30", 0));
    // The collector was away, and perhaps the agent is back for long.
    world.open(9_000);
    world.tick(9_001);
    assert_eq!(told(&mut world), 0);
    world.tick(9_061);
    world.tick(9_062);
    assert_eq!(told(&mut world), 1, "{:?}", world.history());
}

#[test]
fn what_comes_again_is_a_problem_once_whatever_restarts_and_its_workaround_is_told() {
    let mut world = World::new(0);
    for from in [2_000, 4_000, 6_000] {
        outage(&mut world, from);
    }
    world.tick(6_040);
    assert_eq!(incidents_of(&mut world, 6_040), [3]);
    world.open(6_050);
    world.tick(6_051);
    assert_eq!(incidents_of(&mut world, 6_051), [3], "a restart opens nothing anew");

    let said = ProblemAct::KnownError {
        number: ONE,
        root_cause: "connections leak".to_owned(),
        workaround: "restart the pool".to_owned(),
    };
    let view = world.engine().problem_act(said, &LOCAL, at(6_060)).unwrap();
    assert_eq!(view.problem.state, ProblemState::KnownError);
    let deeds = world.engine().deeds(1).unwrap();
    assert_eq!(deeds[0].action.to_string(), "said what lies behind PRB-1");

    outage(&mut world, 8_000);
    let waiting = read_all(world.engine().store.as_ref(), RecordKind::Outbox).unwrap();
    let told = waiting.iter().filter(|(_, value)| String::from_utf8_lossy(value).contains("restart the pool"));
    assert!(told.count() >= 1, "the message about the fourth says what helps");
    world.tick(8_040);
    assert_eq!(incidents_of(&mut world, 8_040), [4]);

    let fix = ProblemAct::Fix { number: ONE, reference: "CHG-1".to_owned(), at: Some(at(7_000)) };
    let effect = world.engine().problem_act(fix, &LOCAL, at(8_050)).unwrap().effect.unwrap();
    assert_eq!((effect.before, effect.after, effect.came_back), (1, 1, true));
    world.open(8_060);
    let history = world.engine().problem(ONE, at(8_060)).unwrap().unwrap();
    assert_eq!(history.events.len(), 5, "opened, linked, known, linked, fixed: {history:?}");
    assert_eq!(history.problem.problem.state, ProblemState::Fixed);
}

#[test]
fn the_problem_of_an_incident_is_in_its_record_its_list_and_its_messages_and_a_link_is_taken_back() {
    let mut world = World::new(0);
    for from in [2_000, 4_000, 6_000] {
        outage(&mut world, from);
    }
    world.tick(6_040);
    let of_problem = |world: &mut World, number: u64| {
        let query = IncidentsQuery { state: Wanted::All, problem: Some(ProblemNumber(number)), ..Default::default() };
        let list = world.engine().listed(&query, at(6_100));
        list.incidents.iter().map(|incident| incident.number.0).collect::<Vec<_>>()
    };
    let all = of_problem(&mut world, 1);
    assert_eq!(all.len(), 3);
    world.open(6_050);
    assert_eq!(of_problem(&mut world, 1), all, "a restart knows it, too");
    let newest = Number(all[0]);
    let to = |text: &str| link(LinkKind::Problem, text).unwrap();
    let refused = world.engine().act(newest, Act::Link(to("PRB-7")), &LOCAL, at(6_060)).unwrap_err();
    assert_eq!(refused.to_string(), "there is no problem PRB-7");
    let after = world.engine().act(newest, Act::Unlink(to("PRB-1")), &LOCAL, at(6_061)).unwrap();
    assert_eq!(after.problem, None);
    world.tick(6_080);
    assert_eq!(of_problem(&mut world, 1), all[1..], "it is not found again");
    let deeds = world.engine().deeds(1).unwrap();
    assert_eq!(deeds[0].action.to_string(), format!("took back the link of {newest} with the problem PRB-1"));
    world.open(6_090);
    let history = world.engine().told_history(newest, at(6_090)).unwrap().unwrap();
    assert_eq!(history.beside.problem, None);
    let last = history.events.last().unwrap().change.to_string();
    assert_eq!(last, "unlinked from the problem PRB-1 by local user 7");
    let after = world.engine().act(newest, Act::Link(to("PRB-1")), &LOCAL, at(6_091)).unwrap();
    assert_eq!((after.problem, after.links.len()), (Some(ONE), 1));
    let history = world.engine().told_history(newest, at(6_091)).unwrap().unwrap();
    assert_eq!((history.incident.problem, history.beside.problem), (Some(ONE), Some(ONE)));

    let waiting = read_all(world.engine().store.as_ref(), RecordKind::Outbox).unwrap();
    let told = |kind: &str| {
        let text = waiting.iter().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        text.filter(|text| text.contains(kind)).map(|text| text.contains("\"problem\":\"PRB-1\"")).collect::<Vec<_>>()
    };
    assert_eq!((told("incident.unlinked"), told("incident.linked")), (vec![false], vec![true]));
    let history = world.engine().problem(ONE, at(6_092)).unwrap().unwrap();
    let happened: Vec<String> = history.events.iter().skip(2).map(|event| event.change.to_string()).collect();
    let expected = [format!("{newest} taken out by local user 7"), format!("linked with {newest} by local user 7")];
    assert_eq!(happened, expected);
}

#[test]
fn an_incident_that_went_to_an_earlier_problem_stays_there_over_a_restart() {
    let mut world = World::new(0);
    world.push(0, "uuDDu", 41, 0);
    world.tick(42);
    // Silent since then, which is about something else.
    world.tick(500);
    let (down, silent) = (Number(1), Number(2));
    for (title, of, now) in [("silence", silent, 501), ("outages", down, 502)] {
        let act = ProblemAct::Open { title: title.to_owned(), incidents: vec![of] };
        world.engine().problem_act(act, &LOCAL, at(now)).unwrap();
    }
    let to = |text: &str| link(LinkKind::Problem, text).unwrap();
    world.engine().act(down, Act::Unlink(to("PRB-2")), &LOCAL, at(503)).unwrap();
    world.engine().act(down, Act::Link(to("PRB-1")), &LOCAL, at(504)).unwrap();
    world.open(600);
    assert_eq!(world.engine().told_history(down, at(600)).unwrap().unwrap().beside.problem, Some(ONE));
}

#[test]
fn nobody_takes_it_on_and_the_next_is_told_once() {
    let handled = "absorb: 0s,
  escalation: [{ steps: [{ after: 1m, to: lead }, { after: 5m, unless: resolved, to: lead }] }],
  response: { P1: { respond: 1m, restore: 1h }, P2: { respond: 1m, restore: 1h } },
  major: { when: [{ services: 1 }], owner: Somebody, notice: lead } }";
    let lead = "receivers: [{ id: lead, webhook: { url: \"http://127.0.0.1:8/\" } }, ";
    let catalogue = CATALOGUE.replace("absorb: 0s }", handled).replace("receivers: [", lead);
    let mut world = World::with(catalogue, 0);
    world.push(0, "uuuDD", 41, 0);
    world.tick(42);
    let down = Number(1);
    let told = |world: &mut World, what: &str| {
        let history = world.engine().told_history(down, at(500)).unwrap().unwrap();
        history.events.iter().filter(|event| event.change.to_string().contains(what)).count()
    };
    world.tick(43);
    assert_eq!((told(&mut world, "a major incident"), told(&mut world, "escalated")), (1, 0));
    world.tick(44);
    world.tick(103);
    assert_eq!(told(&mut world, "escalated to lead, step 1"), 1);
    world.open(104);
    world.push(100, "D", 105, 0);
    world.tick(106);
    assert_eq!(told(&mut world, "escalated"), 1, "a restart tells nobody again");
    let history = world.engine().told_history(down, at(500)).unwrap().unwrap();
    let response = history.beside.response.unwrap();
    assert_eq!(response.respond_by, Some(at(42 + 60)));
    assert_eq!(response.respond.unwrap().as_str(), "missed");
    let lead = Id::new("lead").unwrap();
    let major = history.incident.major.unwrap();
    assert_eq!((major.notice_to, history.incident.escalated), (Some(lead), 1));
}
