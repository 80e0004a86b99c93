//! Revisions over a real store: issued once a window has settled, again when what it says has changed and only then, with
//! why, whatever restarts in between.

use sha2::Digest as _;
use uphold_common::governed::exclusion::ExclusionAsked;
use uphold_common::governed::{Asked, Sort};
use uphold_common::ids::Id;
use uphold_common::time::{DAY_MS, Instant};

use super::govern::GovernCommand;
use super::import::IMPORT_HOLDS_MS;
use super::query::FiguresQuery;
use super::reload::Reload;
use super::restate::Restated;
use super::revise::{PATIENCE_MS, QUIET_MS};
use super::revised::{After, RevisionsError, RevisionsQuery};
use super::tests::{CATALOGUE, World, at};
use crate::identity::deed::Actor;
use crate::inforce::Restatement;
use crate::revisions::WINDOWS_MAX;
use crate::revisions::form::FORM;
use crate::revisions::key::Key;
use crate::revisions::model::{LateData, Revision};
use crate::store::{RecordChange, RecordKind};

const WHO: Actor = Actor::Local { uid: Some(7) };
const DAY: i64 = DAY_MS / 1_000;
/// `(fall + rise) × reach` of the probe.
const SETTLING: i64 = 3 * 25;
const QUIET: i64 = QUIET_MS / 1_000;

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// A catalogue whose service has been there since `since`, with a target over each day.
fn daily(since: &str) -> String {
    CATALOGUE.replace("window: month", "window: day").replace("id: month", "id: day").replace("2026-03-01", since)
}

/// When worlds begin here: yesterday has settled.
const START: i64 = 100;

/// A world whose agent was heard, so that nothing waits for it.
fn world(catalogue: String) -> World {
    let mut world = World::with(catalogue, START);
    world.push(START, "u", START, 0);
    world
}

impl World {
    fn revisions_of(&mut self, service: &str) -> Vec<Revision> {
        let query = RevisionsQuery { limit: 1_000, ..RevisionsQuery::of(id(service)) };
        self.engine().revisions(&query).unwrap().revisions
    }

    fn ticks(&mut self, from: i64, count: i64) {
        for now in from..from + count {
            self.tick(now);
        }
    }

    /// The numbers above one, each with its target, the day its window begins on and why it was issued.
    fn changed(&mut self, service: &str) -> Vec<String> {
        let changed = |revision: &Revision| {
            let day = (revision.window.start_ms.since_ms(at(0))).div_euclid(DAY_MS);
            format!("{} {day} #{} {}", revision.target, revision.number, revision.why.word())
        };
        self.revisions_of(service).iter().filter(|revision| revision.number > 1).map(changed).collect()
    }

    fn exclude(&mut self, name: &str, from: i64, to: i64, now: i64) {
        let asked = serde_json::json!({ "id": name, "services": ["shop"], "start": at(from).as_ms(), "end": at(to).as_ms(),
            "class": "customer", "reason": "agreed", "approver": "somebody" });
        let asked: ExclusionAsked = serde_json::from_value(asked).unwrap();
        self.engine().govern(GovernCommand::Add(Box::new(Asked::Exclusion(asked))), &WHO, at(now)).unwrap();
    }

    fn revoke(&mut self, name: &str, now: i64) {
        let revoke = GovernCommand::Revoke { sort: Sort::Exclusion, id: id(name), reason: "wrong".to_owned() };
        self.engine().govern(revoke, &WHO, at(now)).unwrap();
    }
}

#[test]
fn a_window_is_issued_once_when_it_has_settled_and_not_before() {
    let mut world = world(daily("2026-03-07"));
    world.tick(101);
    let first = world.revisions_of("shop");
    let days: Vec<i64> = first.iter().map(|r| r.window.start_ms.since_ms(at(0)) / DAY_MS).collect();
    assert_eq!(days, [-1, -2, -3], "those that closed since its entry");
    assert!(first.iter().all(|r| r.number == 1 && r.why.settled && r.changes.is_empty()));
    world.push(DAY - 10, "uuuu", DAY + 30, 0);
    world.ticks(DAY + SETTLING - 3, 3);
    assert_eq!(world.revisions_of("shop").len(), 3);
    world.ticks(DAY + SETTLING, 5);
    let all = world.revisions_of("shop");
    assert_eq!((all.len(), all[0].number, all[0].issued_at_ms), (4, 1, at(DAY + SETTLING)));
    assert_eq!(all[0].as_of_ms, at(DAY + SETTLING));
    assert_eq!(all[1..], first, "and what was issued stays");
    assert_eq!(world.engine().health.revisions.issued["settled"], 4);
}

#[test]
fn what_a_revision_vouches_for_is_the_block_of_the_figures_however_late_they_are_asked_for() {
    let mut world = world(daily("2026-03-09"));
    world.push(-300, "uuuDDDDuuu", START, 0);
    world.tick(101);
    world.push(DAY, "uuuDDDD", DAY + 70, 0);
    for now in [102, 9 * DAY] {
        world.tick(now);
        let revision = world.revisions_of("shop").pop().unwrap();
        let query = FiguresQuery {
            service: id("shop"),
            window: None,
            at: Some(revision.window.start_ms),
            as_of: Some(revision.as_of_ms),
            timelines: false,
        };
        let figures = world.engine().figures(&query, at(now), at(now)).unwrap();
        let figures: serde_json::Value = serde_json::from_slice(&figures).unwrap();
        let mut block = figures["targets"]["sla/day"].clone();
        block["alerts"] = serde_json::json!([]);
        // The keys of its objects come in order.
        let block = block.to_string();
        let expected = uphold_common::bytes::Hex(&sha2::Sha256::digest(block.as_bytes())).to_string();
        assert_eq!(revision.sha256, expected, "at {now}: {block}");
        assert_eq!(revision.headline.contractual.unwrap().kinds.down, 40_000);
    }
}

const MANY: &str = "
  - id: mail
    name: Mail
    since: 2026-02-20T00:00:00Z
    probes: [{ id: smtp, agents: [a], interval: 10s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }]
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - { id: day, service: shop, window: day, availability: \"99.9%\" }
      - { id: week, service: shop, window: week, availability: \"99.9%\" }
      - { id: month, service: shop, window: month, availability: \"99.9%\" }
      - { id: rolling, service: shop, window: 24h, availability: \"99.9%\" }
      - { id: answer, service: shop, window: day, response_time: { probe: web, percentile: \"95\", below: 800ms } }
      - { id: mail, service: mail, window: day, availability: \"99.9%\" }
receivers:";

/// Many targets and two services.
fn many() -> String {
    let (head, _) = CATALOGUE.split_once("agreements:").unwrap();
    let (_, tail) = CATALOGUE.split_once("receivers:").unwrap();
    format!("{}{MANY}{tail}", head.trim_end()).replace("2026-03-01", "2026-02-20")
}

#[test]
fn late_data_revises_the_windows_that_hold_it_and_no_others() {
    let mut world = world(many());
    world.ticks(101, 5);
    let (before, mail) = (world.revisions_of("shop"), world.revisions_of("mail"));
    let count = |target: &str| before.iter().filter(|r| r.target.to_string() == target).count();
    assert_eq!(["sla/day", "sla/week", "sla/month", "sla/rolling", "sla/answer"].map(count), [18, 3, 1, 0, 18]);
    assert_eq!(mail.len(), 18);

    // Five days ago, at one in the morning: the week before, and a month that has not closed.
    world.push(-5 * DAY + 3_600, "3333DDDDDD33", 200, 0);
    world.ticks(200, QUIET);
    assert_eq!(world.changed("shop"), Vec::<String>::new(), "it is waited for until nothing more comes");
    world.ticks(200 + QUIET, 3);
    let expected = ["sla/answer -5 #2 late_data", "sla/day -5 #2 late_data", "sla/week -8 #2 late_data"];
    assert_eq!(world.changed("shop"), expected);
    assert_eq!(world.revisions_of("mail"), mail);
    let all = world.revisions_of("shop");
    let day = all.iter().find(|r| r.number == 2 && r.target.to_string() == "sla/day").unwrap();
    let (from_ms, to_ms) = (at(-5 * DAY + 3_600), at(-5 * DAY + 3_710).plus_ms(1));
    let late = LateData { from_ms, to_ms, of: vec!["shop/web a".to_owned()], of_count: 1 };
    assert_eq!(day.why.late_data, Some(late));
    let down = day.changes.iter().find(|changed| changed.figure == "contractual.down").unwrap();
    assert_eq!((down.before.as_str(), down.after.as_str()), ("0s", "1m"));
    assert!(before.iter().all(|revision| all.contains(revision)), "the old ones are kept");
    assert_eq!(world.engine().health.revisions.issued["late_data"], 3);

    // The same again changes nothing.
    world.push(-5 * DAY + 3_600, "3333DDDDDD33", 300, 0);
    world.ticks(300, QUIET + 3);
    assert_eq!(world.revisions_of("shop"), all);
    assert_eq!(world.engine().health.revisions.waiting, 0);
}

#[test]
fn what_never_comes_to_rest_is_not_waited_for_for_ever() {
    let mut world = world(daily("2026-03-09"));
    world.tick(101);
    let step = QUIET / 2;
    let mut revised = Vec::new();
    for n in 0..2 * PATIENCE_MS / 1_000 / step {
        let now = 110 + n * step;
        world.push(-80_000 + n * 10, if n % 2 == 0 { "D" } else { "u" }, now, 0);
        world.tick(now);
        if world.changed("shop").len() > revised.len() {
            revised.push(now);
        }
    }
    assert!((1..=2).contains(&revised.len()), "{revised:?}");
}

#[test]
fn an_exclusion_is_one_revision_and_its_revocation_another_equal_to_the_first() {
    let mut world = world(many());
    world.push(-300, "uuuDDDDuuu", START, 0);
    world.ticks(101, 5);
    let mail = world.revisions_of("mail");
    world.exclude("storm", -DAY, -60, 150);
    world.tick(151);
    assert_eq!(world.changed("shop"), ["sla/answer -1 #2 record", "sla/day -1 #2 record"]);
    world.revoke("storm", 160);
    world.tick(161);
    let of_day = |world: &mut World| -> Vec<Revision> {
        let all = world.revisions_of("shop");
        let held = at(-DAY);
        all.into_iter().filter(|r| r.target.to_string() == "sla/day" && r.window.start_ms == held).collect()
    };
    let day = of_day(&mut world);
    let [third, second, first] = day.as_slice() else { panic!("{day:?}") };
    assert_eq!((first.number, second.number, third.number), (1, 2, 3));
    assert_eq!(first.sha256, third.sha256);
    assert_eq!(first.headline, third.headline);
    assert_ne!(first.sha256, second.sha256);
    let told = |revision: &Revision| {
        revision.why.records.iter().map(|r| format!("{} {} {}", r.sort, r.id, r.revoked)).collect::<Vec<_>>()
    };
    assert_eq!(
        (told(second), told(third)),
        (vec!["exclusion storm false".to_owned()], vec!["exclusion storm true".to_owned()])
    );
    let excluded = second.changes.iter().find(|changed| changed.figure == "contractual.excluded").unwrap();
    assert_eq!((excluded.before.as_str(), excluded.after.as_str()), ("0s", "23h 59m"));
    assert_eq!(world.revisions_of("mail"), mail);
}

#[test]
fn a_restart_issues_nothing_and_what_came_before_a_crash_is_revised_after_it_with_its_reason() {
    let mut world = world(daily("2026-03-07"));
    world.push(-DAY, "uuu", START, 0);
    world.ticks(101, 3);
    let before = world.revisions_of("shop");
    for now in [110, 300, 500] {
        world.open(now);
        world.ticks(now + 61, 3);
        assert_eq!(world.revisions_of("shop"), before, "nothing has changed");
    }
    // Late rows, and the end of the engine before any tick: the journal brings them again.
    world.push(-2 * DAY, "DDDD", 600, 0);
    world.open(601);
    world.ticks(662, 2 + QUIET);
    assert_eq!(world.changed("shop"), ["sla/day -2 #2 late_data"]);
    // And when they had been sealed: what they touched was on record before.
    world.push(-3 * DAY + 50, "DDDD", 700, 0);
    world.engine().compact(&WHO, at(700)).unwrap();
    while world.engine().upkeep(at(700)).unwrap() {}
    world.open(701);
    world.ticks(762, 2 + QUIET);
    let changed = ["sla/day -2 #2 late_data", "sla/day -3 #2 late_data"];
    assert_eq!(world.changed("shop"), changed);
    assert!(!world.revisions_of("shop")[1].why.settled);
    // A record is on record with what it touched.
    world.exclude("storm", -3 * DAY, -3 * DAY + 60, 800);
    world.open(801);
    world.ticks(862, 3);
    assert_eq!(world.changed("shop").last().unwrap(), "sla/day -3 #2 late_data");
    assert!(world.changed("shop").contains(&"sla/day -3 #3 record".to_owned()));
}

#[test]
fn of_many_windows_the_newest_are_issued_bit_by_bit() {
    let mut world = world(daily("2024-01-01"));
    let mut waited = Vec::new();
    for now in 101..130 {
        waited.push(world.tick(now).health.revisions.waiting);
    }
    assert!(waited[0] > 0 && waited.is_sorted_by(|a, b| a >= b) && waited.last() == Some(&0), "{waited:?}");
    let all = world.revisions_of("shop");
    assert_eq!(all.len(), WINDOWS_MAX);
    let newest = i64::try_from(WINDOWS_MAX).unwrap();
    assert_eq!(all.last().unwrap().window.start_ms, at(-newest * DAY), "the oldest of them");
    // What is older is not looked at, whatever comes.
    world.push(-(newest + 1) * DAY, "DDDD", 200, 0);
    world.ticks(200, QUIET + 3);
    assert_eq!(world.changed("shop"), Vec::<String>::new());
}

#[test]
fn nothing_is_issued_while_an_import_is_under_way() {
    let mut world = world(daily("2026-03-07"));
    world.engine().begin_import("history.jsonl", &WHO, at(101)).unwrap();
    world.ticks(102, 3);
    assert_eq!(world.revisions_of("shop").len(), 0);
    world.ticks(101 + IMPORT_HOLDS_MS / 1_000, 2);
    assert_eq!(world.revisions_of("shop").len(), 3);
}

#[test]
fn nothing_is_issued_before_the_agents_have_spoken_or_while_they_deliver_a_backlog() {
    let mut world = World::with(daily("2026-03-07"), START);
    world.ticks(101, 3);
    assert_eq!(world.revisions_of("shop").len(), 0);
    world.push(90, "u", 110, 4);
    world.ticks(111, 3);
    assert_eq!(world.revisions_of("shop").len(), 0);
    world.push(100, "u", 120, 0);
    world.tick(121);
    assert_eq!(world.revisions_of("shop").len(), 3);
}

#[test]
fn the_revisions_are_asked_for_in_pages_and_by_what_they_are_of() {
    let mut world = world(many());
    world.ticks(101, 5);
    let all = world.revisions_of("shop");
    let mut paged = Vec::new();
    let mut query = RevisionsQuery { limit: 7, ..RevisionsQuery::of(id("shop")) };
    loop {
        let page = world.engine().revisions(&query).unwrap();
        assert!(page.revisions.len() <= 7);
        paged.extend(page.revisions);
        let Some(next) = page.next else { break };
        query.after = Some(After::parse(&next).unwrap());
    }
    assert_eq!(paged, all);
    let of = |target: Option<&str>, window: Option<&str>, moment: Option<i64>| RevisionsQuery {
        target: target.map(|text| text.parse().unwrap()),
        window: window.map(|text| uphold_common::catalogue::model::WindowKind::parse(text).unwrap()),
        at: moment.map(at),
        limit: 1_000,
        ..RevisionsQuery::of(id("shop"))
    };
    for (query, count) in [
        (of(Some("sla/week"), None, None), 3),
        (of(None, Some("day"), None), 36),
        (of(None, None, Some(-5 * DAY)), 3),
        (of(Some("sla/day"), None, Some(-5 * DAY)), 1),
        (of(Some("sla/rolling"), None, None), 0),
    ] {
        assert_eq!(world.engine().revisions(&query).unwrap().revisions.len(), count, "{query:?}");
    }
    let newest = RevisionsQuery { newest: true, limit: 3, ..RevisionsQuery::of(id("shop")) };
    assert_eq!(world.engine().revisions(&newest).unwrap().revisions.len(), 3);
    let unknown = world.engine().revisions(&of(Some("sla/months"), None, None)).unwrap_err();
    assert!(matches!(&unknown, RevisionsError::NoTarget { hint, .. } if hint.contains("sla/month")), "{unknown}");
    let unknown = world.engine().revisions(&RevisionsQuery::of(id("shup"))).unwrap_err();
    assert!(matches!(&unknown, RevisionsError::NoService { hint, .. } if hint.contains("shop")), "{unknown}");
    for unsound in ["", "x", "00", "ä", "zz"] {
        assert_eq!(After::parse(unsound), None);
    }
}

#[test]
fn old_revisions_are_forgotten_and_the_newest_stay() {
    let mut world = world(daily("2025-03-01"));
    world.ticks(101, 12);
    let count = world.revisions_of("shop").len();
    let before = at(-3 * DAY);
    let forget = |world: &mut World, before: Instant| {
        let mut after = Vec::new();
        while let Some(last) = world.engine().forget_revisions(&after, before).unwrap() {
            after = last;
        }
    };
    forget(&mut world, before);
    let left = world.revisions_of("shop");
    assert_eq!(left.last().unwrap().window.start_ms, before.minus_ms(367 * DAY_MS));
    assert_eq!(left.len(), count - 4);
    forget(&mut world, at(0));
    assert_eq!(world.revisions_of("shop").len(), left.len() - 3);
}

/// The days, counted from that of `at(0)`, whose windows were issued, with the number of the newest revision.
fn issued(world: &mut World) -> Vec<(i64, u32)> {
    let mut days = std::collections::BTreeMap::new();
    for revision in world.revisions_of("shop") {
        let day = revision.window.start_ms.since_ms(at(0)) / DAY_MS;
        let number = days.entry(day).or_insert(0);
        *number = revision.number.max(*number);
    }
    days.into_iter().collect()
}

#[test]
fn a_clock_that_leaps_ahead_and_back_closes_nothing_that_the_rows_do_not_vouch_for() {
    let mut world = world(daily("2026-03-09"));
    world.ticks(101, 2);
    assert_eq!(issued(&mut world), [(-1, 1)]);
    let leapt = 400 * DAY;
    world.ticks(leapt, 3);
    world.open(leapt + 10);
    world.ticks(leapt + 100, 3);
    assert_eq!(issued(&mut world), [(-1, 1), (0, 1)], "what two days without a row may close, and no more");

    // The clock is right again. The day that was issued too early is issued again once it has closed, and the next as ever.
    world.push(200, "uDDDu", 300, 0);
    world.ticks(300, QUIET + 3);
    assert_eq!(issued(&mut world), [(-1, 1), (0, 1)], "it is still open");
    world.push(DAY, "uuuuuuu", DAY + 60, 0);
    world.ticks(DAY + SETTLING - 2, 2);
    assert_eq!(issued(&mut world), [(-1, 1), (0, 1)], "it has not settled yet");
    world.ticks(DAY + SETTLING, 2 + QUIET);
    assert_eq!(issued(&mut world), [(-1, 1), (0, 2)]);
    let again = world.revisions_of("shop").swap_remove(0);
    assert_eq!(again.headline.contractual.unwrap().kinds.down, 30_000);
    world.push(2 * DAY, "uuuuuuu", 2 * DAY + 60, 0);
    world.ticks(2 * DAY + SETTLING, 2);
    assert_eq!(issued(&mut world), [(-1, 1), (0, 2), (1, 1)]);
}

#[test]
fn a_window_that_was_issued_while_all_clocks_were_ahead_is_issued_again_when_it_has_come_to_its_end() {
    let mut world = world(daily("2026-03-09"));
    world.tick(101);
    // The agent's clock leapt too, so its rows vouch for the time.
    world.push(5 * DAY, "u", 5 * DAY, 0);
    world.ticks(5 * DAY + 200, 2);
    assert_eq!(issued(&mut world), [(-1, 1), (0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
    world.ticks(200, 2);
    world.push(DAY, "uuuuuuu", DAY + 60, 0);
    world.ticks(DAY + SETTLING - 20, 10);
    assert_eq!(world.changed("shop"), Vec::<String>::new());
    world.ticks(DAY + SETTLING, 2 + QUIET);
    assert_eq!(world.changed("shop"), Vec::<String>::new(), "nothing was seen in it by then either");
    world.push(DAY + 1_000, "uDDDu", DAY + 1_100, 0);
    world.push(2 * DAY, "uuuuuuu", 2 * DAY + 60, 0);
    world.ticks(2 * DAY + SETTLING, 1);
    assert_eq!(world.changed("shop"), ["sla/day 1 #2 settled"]);
    assert_eq!(world.engine().health.revisions.waiting, 0);
}

/// Noon of the first day, a Tuesday.
const NOON: i64 = DAY / 2;

/// A world of which yesterday was issued, and whose catalogue is another from noon on.
fn changed_at_noon(change: impl FnOnce(&mut String)) -> World {
    let mut world = world(daily("2026-03-09"));
    world.ticks(101, 2);
    change(&mut world.catalogue);
    assert!(matches!(world.reload(NOON), Reload::TakenUp(2)));
    world
}

/// The windows that were issued, as their kind and the day on which they begin, once as many days are over.
fn issued_kinds(world: &mut World, days: i64) -> Vec<String> {
    for day in 1..=days {
        world.push(day * DAY, "uuuuuuu", day * DAY + 60, 0);
        world.ticks(day * DAY + SETTLING, 2);
    }
    let mut all = world.revisions_of("shop");
    all.sort_by_key(|revision| revision.window.end_ms);
    let told = |revision: &Revision| {
        let day = revision.window.start_ms.since_ms(at(0)).div_euclid(DAY_MS);
        format!("{} {day}", revision.window.kind)
    };
    all.iter().map(told).collect()
}

#[test]
fn the_last_window_of_a_target_that_leaves_or_changes_its_kind_is_issued_and_revised_like_every_other() {
    let leaves = |text: &mut String| {
        let (targets, receivers) = (text.find("agreements:").unwrap(), text.find("receivers:").unwrap());
        text.replace_range(targets..receivers, "");
    };
    let mut world = changed_at_noon(leaves);
    assert_eq!(issued_kinds(&mut world, 3), ["day -1", "day 0"]);
    world.push(NOON, "uDDDu", 3 * DAY + 600, 0);
    world.exclude("storm", 60, 120, 3 * DAY + 601);
    world.ticks(3 * DAY + 602, QUIET + 3);
    assert_eq!(world.changed("shop"), ["sla/day 0 #2 late_data"]);
    world.open(3 * DAY + 700);
    world.push(4 * DAY, "u", 4 * DAY, 0);
    world.ticks(4 * DAY + 1, 3);
    assert_eq!(world.revisions_of("shop").len(), 3);

    for (kind, expected) in [
        // The week in which it changed is measured by days to its end.
        ("week", ["day -1", "day 0", "day 1", "day 2", "day 3", "day 4", "day 5", "week 6"].as_slice()),
        ("30d", ["day -1", "day 0"].as_slice()),
    ] {
        let mut world = changed_at_noon(|text| *text = text.replace("window: day", &format!("window: {kind}")));
        assert_eq!(issued_kinds(&mut world, 13), expected, "{kind}");
    }
}

#[test]
fn the_last_window_of_a_service_that_leaves_is_issued_and_revised_too() {
    let mut world = world(many());
    world.ticks(101, 3);
    let (from, to) = ("  - id: mail\n    name: Mail", "agreements:");
    let (from, to) = (world.catalogue.find(from).unwrap(), world.catalogue.find(to).unwrap());
    world.catalogue.replace_range(from..to, "");
    let target = "      - { id: mail, service: mail, window: day, availability: \"99.9%\" }\n";
    world.catalogue = world.catalogue.replace(target, "");
    assert!(matches!(world.reload(NOON), Reload::TakenUp(2)));
    let before = world.revisions_of("mail").len();
    for day in 1..=2 {
        world.push(day * DAY, "uuuuuuu", day * DAY + 60, 0);
        world.ticks(day * DAY + SETTLING, 2);
    }
    assert_eq!(world.revisions_of("mail").len(), before + 1);
    let asked = serde_json::json!({ "id": "storm", "services": "all", "start": at(0).as_ms(), "end": at(60).as_ms(),
        "class": "customer", "reason": "agreed", "approver": "somebody" });
    let asked: ExclusionAsked = serde_json::from_value(asked).unwrap();
    let add = GovernCommand::Add(Box::new(Asked::Exclusion(asked)));
    world.engine().govern(add, &WHO, at(2 * DAY + 600)).unwrap();
    world.ticks(2 * DAY + 601, 3);
    assert_eq!(world.changed("mail"), ["sla/mail 0 #2 record"]);
}

#[test]
fn another_version_is_a_reason_for_what_it_measures_otherwise_and_for_nothing_else() {
    let mut world = world(many());
    world.ticks(101, 5);
    // Late data of both waits, and nobody knows of another version what it would have to do with it.
    world.push(-5 * DAY, "DDDD", 200, 0);
    world.tick(200);
    world.catalogue = world.catalogue.replace("name: Shop", "name: The shop").replace("name: Mail", "name: The mail");
    assert!(matches!(world.reload(201), Reload::TakenUp(2)));
    world.catalogue =
        world.catalogue.replace("id: smtp, agents: [a], interval: 10s", "id: smtp, agents: [a], interval: 20s");
    assert!(matches!(world.reload(202), Reload::TakenUp(3)));
    world.catalogue =
        world.catalogue.replace("window: 24h, availability: \"99.9%\"", "window: 24h, availability: \"99%\"");
    assert!(matches!(world.reload(203), Reload::TakenUp(4)));
    assert_eq!(world.tick(203).health.revisions.waiting, 0, "no closed window is looked at for it");
    world.ticks(204, QUIET + 3);
    let revised: Vec<Revision> =
        world.revisions_of("shop").into_iter().filter(|revision| revision.number > 1).collect();
    assert!(revised.len() >= 3);
    assert!(
        revised.iter().all(|revision| revision.why.late_data.is_some() && revision.why.catalogue_version.is_none())
    );
    assert_eq!(world.engine().health.revisions.issued.get("catalogue"), None);
}

#[test]
fn a_restatement_revises_the_windows_of_what_it_measures_or_promises_otherwise_and_says_so() {
    let mut world = world(many());
    world.push(-3 * DAY, "uuuDDuuuDDDDuuu", START, 0);
    world.ticks(101, 5);
    let mail = world.revisions_of("mail");
    let restate = |world: &mut World, from: &str, to: &str, at_: i64, now: i64| {
        let (_, text) = world.catalogue.split_once("organisation:").unwrap();
        world.catalogue = format!("effective_from: {}\norganisation:{}", at(at_), text.replacen(from, to, 1));
        let files = vec![("catalogue.yaml".to_owned(), world.catalogue.clone())];
        let restatement = Restatement { approver: "A. Keller".to_owned(), reason: "agreed so".to_owned() };
        let done = world.engine().restate(&Restated { files, restatement }, &WHO, at(now)).unwrap();
        assert!(matches!(done, Reload::TakenUp(_)), "{done:?}");
        world.ticks(now + 1, 3);
    };
    // Two failures confirm nothing any more, from four days ago on: the days and the week that hold such ones.
    restate(&mut world, "id: web, agents: [a],", "id: web, fall: 3, agents: [a],", -4 * DAY, 200);
    let expected = ["sla/answer -3 #2 catalogue", "sla/day -3 #2 catalogue", "sla/week -8 #2 catalogue"];
    let changed = world.changed("shop");
    assert!(changed.iter().all(|one| expected.contains(&one.as_str())), "{changed:?}");
    assert!(changed.contains(&expected[1].to_owned()) && changed.contains(&expected[2].to_owned()), "{changed:?}");
    let day = |world: &mut World| {
        let all = world.revisions_of("shop");
        let newest = all.into_iter().find(|one| one.target.to_string() == "sla/day" && one.number > 1);
        newest.unwrap()
    };
    let first = day(&mut world);
    assert_eq!((first.why.catalogue_version, first.catalogue_version), (Some(2), 2));
    assert_eq!(first.headline.contractual.as_ref().unwrap().kinds.down, 40_000);
    // A promise that was restated: of one target, from two days ago on.
    restate(&mut world, "window: day, availability: \"99.9%\"", "window: day, availability: \"99%\"", -2 * DAY, 300);
    let later = world.changed("shop");
    let new: Vec<&String> = later.iter().filter(|one| !changed.contains(one)).collect();
    assert_eq!(new, ["sla/day -1 #2 catalogue", "sla/day -2 #2 catalogue"]);
    assert_eq!(world.revisions_of("mail"), mail);
}

#[test]
fn what_was_issued_in_a_form_that_is_newer_than_the_program_stays_as_it_is() {
    let mut world = world(daily("2026-03-09"));
    world.tick(101);
    let mut revision = world.revisions_of("shop").remove(0);
    (revision.form, revision.sha256) = (FORM + 1, "0".repeat(64));
    let key = Key { target: "sla/day".parse().unwrap(), start: at(-DAY), kind: 1, number: 1 };
    let value = Some(uphold_common::wire::pack::pack(&revision).unwrap());
    let change = RecordChange { kind: RecordKind::Revision, key: key.bytes(), value };
    world.engine().store.commit(&[change]).unwrap();
    world.open(110);
    world.push(-300, "DDDD", 120, 0);
    world.ticks(120, QUIET + 3);
    assert_eq!(world.revisions_of("shop"), [revision]);
    assert_eq!(world.engine().health.revisions.waiting, 0);
}
