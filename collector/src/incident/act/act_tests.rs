//! What may be done to an incident, by where it stands.

use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;

use super::super::model::{Opening, PriorityText, Standing, Subject};
use super::text::link;
use super::*;

const LOCAL: Actor = Actor::Local { uid: Some(7) };
const ONE: Number = Number(1);
const NOW: Instant = Instant::from_ms(9);

fn register(changes: Vec<Change>) -> Register {
    let mut register = Register::default();
    for (place, change) in (1..).zip(changes) {
        register.apply(&Event { number: ONE, place, decided_at: Instant::from_ms(5), change }).unwrap();
    }
    register
}

fn opened() -> Change {
    Change::Opened(Opening::new(
        Subject::ServiceDown { service: Id::new("shop").unwrap() },
        Instant::from_ms(1),
        PriorityText(Priority::parse("P1").unwrap()),
        "down".to_owned(),
    ))
}

fn say(text: &str) -> Comment {
    Comment::new(text).unwrap()
}

fn who(text: &str) -> Who {
    Who::new(text).unwrap()
}

fn major() -> Act {
    Act::Major { owner: who("A. Keller"), because: say("all customers") }
}

fn parent(to: &str) -> Act {
    Act::Link(link(LinkKind::Parent, to).unwrap())
}

#[test]
fn what_happens_by_itself_does_not_shut_people_out() {
    let affected =
        |n: u32| Change::Affected { services: vec![Id::new(&format!("s{n}")).unwrap()], customers: Vec::new() };
    let register = register(std::iter::once(opened()).chain((0..ENDING_EVENTS_MAX).map(affected)).collect());
    for what in
        [Act::Acknowledge(None), Act::Comment(say("a cable")), Act::Resolve { ended: None, text: say("mended") }]
    {
        act(&register, ONE, what, &LOCAL, NOW).unwrap();
    }
}

/// Does one thing after the other; the word of what refused the last, or where the incident stands then.
fn after(acts: Vec<Act>) -> Result<Standing, &'static str> {
    let mut register = register(vec![opened()]);
    let count = acts.len();
    for (place, what) in (1..).zip(acts) {
        match act(&register, ONE, what.clone(), &LOCAL, NOW) {
            Ok(event) => drop(register.apply(&event).unwrap()),
            Err(why) if place == count => return Err(why.word()),
            Err(why) => panic!("{what:?}: {why}"),
        }
    }
    Ok(register.get(ONE).unwrap().state)
}

#[test]
fn what_may_follow_what() {
    let resolve = || Act::Resolve { ended: None, text: say("the cable is mended") };
    let review = || Act::Review(Review::new("a digger").unwrap());
    let assign = |to| Act::Assign(who(to));
    let (close, reopen, take) = (|| Act::Close(None), || Act::Reopen(None), || Act::Acknowledge(None));
    for (acts, expected) in [
        (vec![take()], Ok(Standing::Acknowledged)),
        (vec![take(), take()], Err("already-acknowledged")),
        (vec![resolve()], Ok(Standing::Resolved)),
        (vec![resolve(), take()], Err("already-resolved")),
        (vec![resolve(), resolve()], Err("already-resolved")),
        (vec![close()], Err("not-resolved")),
        (vec![resolve(), close()], Ok(Standing::Closed)),
        (vec![resolve(), close(), close()], Err("already-closed")),
        (vec![resolve(), close(), reopen()], Err("already-closed")),
        (vec![resolve(), close(), resolve()], Err("already-closed")),
        (vec![resolve(), close(), assign("Bob")], Err("already-closed")),
        (vec![resolve(), close(), major()], Err("already-closed")),
        (vec![resolve(), close(), Act::Comment(say("late"))], Ok(Standing::Closed)),
        (vec![reopen()], Err("not-resolved")),
        (vec![take(), resolve(), reopen()], Ok(Standing::Acknowledged)),
        (vec![resolve(), reopen(), resolve()], Ok(Standing::Resolved)),
        (vec![assign("Bob"), assign("Eve"), assign("Bob")], Ok(Standing::Open)),
        (vec![assign("Bob"), assign("Bob")], Err("already-assigned")),
        (vec![Act::NoticeReceived], Err("not-major")),
        (vec![review()], Err("not-major")),
        (vec![major(), major()], Err("already-major")),
        (vec![major(), Act::NoticeReceived, Act::NoticeReceived], Err("already-received")),
        (vec![major(), review()], Err("not-resolved")),
        (vec![major(), resolve(), close()], Err("review-missing")),
        (vec![major(), resolve(), review(), review()], Err("already-reviewed")),
        (vec![resolve(), major(), review(), close()], Ok(Standing::Closed)),
        (vec![parent("INC-1")], Err("part-of-itself")),
        (vec![parent("INC-2")], Err("no-such-parent")),
        (vec![parent("CHG-2")], Err("no-such-parent")),
    ] {
        assert_eq!(after(acts.clone()), expected, "{acts:?}");
    }
}

#[test]
fn an_incident_is_acknowledged_once_while_it_is_open() {
    let mut register = register(vec![opened()]);
    let event = act(&register, ONE, Act::Acknowledge(None), &LOCAL, NOW).unwrap();
    assert_eq!(register.apply(&event).unwrap().acknowledged.as_ref().unwrap().at, NOW);
    let again = act(&register, ONE, Act::Acknowledge(None), &LOCAL, NOW).unwrap_err();
    assert_eq!(again.to_string(), "INC-1 was acknowledged by local user 7 at 1970-01-01T00:00:00.009Z");
    let resolved = Change::over(NOW, Resolution::Recovered);
    register.apply(&Event { number: ONE, place: 3, decided_at: NOW, change: resolved }).unwrap();
    register.apply(&Event { number: ONE, place: 4, decided_at: NOW, change: Change::again() }).unwrap();
    assert!(register.get(ONE).unwrap().acknowledged.is_some(), "who has it keeps it");
}

#[test]
fn an_incident_is_found_by_its_number_and_by_its_id() {
    let register = register(vec![opened()]);
    let id = register.get(ONE).unwrap().id;
    assert!(act(&register, Called::Id(id), Act::Acknowledge(None), &LOCAL, NOW).is_ok());
    let gone = act(&register, Number(2), Act::Acknowledge(None), &LOCAL, NOW).unwrap_err();
    assert_eq!(gone.to_string(), "there is no INC-2 among the incidents that are open or recent");
}

#[test]
fn nothing_is_done_to_what_has_changed_meanwhile() {
    let register = register(vec![opened(), Change::over(NOW, Resolution::Recovered)]);
    let intent = |expected| Intent { act: Act::Close(None), expected_events: Some(expected) };
    let changed = act(&register, ONE, intent(1), &LOCAL, NOW).unwrap_err();
    assert_eq!(changed.to_string(), "INC-1 has 2 events by now, and not 1; it is resolved");
    assert!(act(&register, ONE, intent(2), &LOCAL, NOW).is_ok());
}

#[test]
fn an_end_lies_between_the_beginning_and_now() {
    let register = register(vec![opened()]);
    let resolve = |ended: Option<i64>, now| {
        let resolve = Act::Resolve { ended: ended.map(Instant::from_ms), text: say("mended") };
        let event: Result<Event, ActError> = act(&register, ONE, resolve, &LOCAL, Instant::from_ms(now));
        match event?.change {
            Change::Resolved { ended, resolution: Resolution::ByHand, by: Some(LOCAL), .. } => Ok(ended.as_ms()),
            other => panic!("{other:?}"),
        }
    };
    let resolve = |ended, now| -> Result<i64, ActError> { resolve(ended, now) };
    for (ended, now, expected) in [(None, 9, 9), (Some(1), 9, 1), (Some(9), 9, 9), (None, 0, 1)] {
        assert_eq!(resolve(ended, now), Ok(expected), "{ended:?} at {now}");
    }
    for (ended, now) in [(Some(0), 9), (Some(10), 9)] {
        assert_eq!(resolve(ended, now).map_err(|why| why.word()), Err("unsound-end"), "{ended:?} at {now}");
    }
}

#[test]
fn an_incident_is_not_opened_again_beside_another_about_the_same() {
    let mut register = register(vec![opened(), Change::over(NOW, Resolution::Recovered)]);
    register.apply(&Event { number: Number(2), place: 1, decided_at: NOW, change: opened() }).unwrap();
    let refused = act(&register, ONE, Act::Reopen(None), &LOCAL, NOW).unwrap_err();
    assert_eq!(refused.to_string(), "INC-1 stays resolved, for INC-2 is open about the same");
    register
        .apply(&Event {
            number: Number(2),
            place: 2,
            decided_at: NOW,
            change: Change::over(NOW, Resolution::Recovered),
        })
        .unwrap();
    assert!(act(&register, ONE, Act::Reopen(None), &LOCAL, NOW).is_ok());
}

#[test]
fn parents_are_known_and_never_lead_in_a_circle() {
    let mut register = register(vec![opened()]);
    for number in 2..=4 {
        register.apply(&Event { number: Number(number), place: 1, decided_at: NOW, change: opened() }).unwrap();
    }
    let mut link = |of: u64, to: &str| {
        let event = act(&register, Number(of), parent(to), &LOCAL, NOW).map_err(|why| why.to_string())?;
        let incident = register.apply(&event).unwrap();
        Ok::<String, String>(incident.links.last().unwrap().to.clone())
    };
    assert_eq!(link(1, "2"), Ok("INC-2".to_owned()), "however it is called, it is kept by its number");
    assert_eq!(link(2, "INC-3"), Ok("INC-3".to_owned()));
    assert_eq!(link(3, "INC-4"), Ok("INC-4".to_owned()));
    for (of, to) in [(4, "INC-1"), (3, "INC-1"), (2, "INC-1")] {
        let refused = link(of, to).unwrap_err();
        assert_eq!(refused, format!("INC-{of} would be part of itself, for {to} is it, or is part of it"));
    }
    assert_eq!(link(1, "INC-2"), Err("INC-1 is linked with INC-2 like that already".to_owned()));
    assert_eq!(link(1, "INC-4"), Ok("INC-4".to_owned()), "one may be part of several");
}

#[test]
fn links_have_an_end() {
    let link = |n: usize| Change::Linked { by: LOCAL, link: link(LinkKind::Change, &format!("CHG-{n}")).unwrap() };
    let register = register(std::iter::once(opened()).chain((0..LINKS_MAX).map(link)).collect());
    let more = Act::Link(Link { kind: LinkKind::Problem, to: "PRB-1".to_owned() });
    assert_eq!(act(&register, ONE, more, &LOCAL, NOW), Err(ActError::TooManyLinks(ONE)));
}

#[test]
fn a_history_has_an_end_and_can_be_ended() {
    let said = |_| Change::Commented { by: LOCAL, text: "x".to_owned() };
    let with = |events| register(std::iter::once(opened()).chain((0..events).map(said)).collect());
    let (full, over) = (with(EVENTS_MAX), with(ENDING_EVENTS_MAX));
    let resolve = || Act::Resolve { ended: None, text: say("mended") };
    for talk in [Act::Comment(say("one more")), Act::Assign(who("Bob")), parent("INC-1")] {
        assert_eq!(act(&full, ONE, talk, &LOCAL, NOW), Err(ActError::TooManyEvents(ONE)));
    }
    assert!(act(&full, ONE, resolve(), &LOCAL, NOW).is_ok());
    assert_eq!(act(&over, ONE, resolve(), &LOCAL, NOW), Err(ActError::TooManyEvents(ONE)));
}
