//! A service through versions of its catalogue, over a real store: each instant is measured by the version in force at it,
//! whatever is asked, before and after a restart; what was restated is measured anew, and nothing else.

use serde_json::Value;
use uphold_common::catalogue::model::WindowKind;

use super::query::FiguresQuery;
use super::reload::Reload;
use super::restate::Restated;
use super::tests::{CATALOGUE, World, at};
use super::*;
use crate::identity::deed::Actor;
use crate::inforce::Restatement;
use crate::store::RecordChange;

/// Two parties and a component of each, and the door that the first of them answers for.
fn catalogue() -> String {
    let components = "parties: [{ id: carrier, name: Carrier, kind: supplier }]
components: [{ id: rack, name: Rack }, { id: line, name: Line, party: carrier }]
services:";
    CATALOGUE.replace("services:", components).replace("{ id: web,", "{ id: web, component: rack,")
}

impl World {
    /// The catalogue with this changed is taken up.
    fn change(&mut self, from: &str, to: &str, now: i64) {
        assert!(self.catalogue.contains(from), "{from}");
        self.catalogue = self.catalogue.replacen(from, to, 1);
        let done = self.reload(now);
        assert!(matches!(done, Reload::TakenUp(_)), "{done:?}");
    }

    fn files(&self) -> Vec<CatalogueFile> {
        vec![("catalogue.yaml".to_owned(), self.catalogue.clone())]
    }

    pub(super) fn reload(&mut self, now: i64) -> Reload {
        let files = self.files();
        self.engine().reload(Ok(files), at(now)).unwrap()
    }

    /// All figures of the shop over a kind of window.
    fn whole(&mut self, window: Option<WindowKind>, on: i64, now: i64) -> Value {
        let service = Id::new("shop").unwrap();
        let query = FiguresQuery { service, window, at: Some(at(on)), as_of: Some(at(now)), timelines: true };
        let body = self.engine().figures(&query, at(now), at(now)).unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    }

    fn contractual(&mut self, now: i64) -> Value {
        self.whole(None, now, now)["targets"]["sla/month"]["contractual"].clone()
    }
}

#[test]
fn each_instant_is_measured_by_the_rules_and_the_parties_in_force_at_it() {
    let mut world = World::with(catalogue(), 0);
    world.push(0, "uuDDuuuuuu", 100, 0);
    let before = world.contractual(100);
    assert_eq!((&before["D"], &before["G"]), (&Value::from(20_000), &Value::from(0)));
    world.change("timeout: 5s", "timeout: 5s, fall: 3", 105);
    world.push(100, "uuuuDDuuuu", 205, 0);
    world.change("component: rack", "component: line", 205);
    world.push(200, "uuDDDuuuuu", 305, 0);
    let told = world.tick(305);
    let after = world.contractual(305);
    assert_eq!(after["D"], 50_000, "two failures confirm no more, three do");
    assert_eq!(after["G"], 20_000);
    assert_eq!(after["charges_by_party_ms"], serde_json::json!({ "own": 20_000, "carrier": 30_000 }));
    assert_eq!(after["charges_by_component_ms"], serde_json::json!({ "rack": 20_000, "line": 30_000 }));
    let of_tick = &told.services[&Id::new("shop").unwrap()].targets[&"sla/month".parse().unwrap()];
    assert_eq!(of_tick.account.kinds.down, 50_000, "the tick says the same");
    let whole = world.whole(Some(WindowKind::Day), 305, 305);
    assert_eq!(whole["catalogue_version"], 3);
    world.open(310);
    assert_eq!(world.whole(Some(WindowKind::Day), 305, 305), whole, "and so does a restart");
    assert_eq!(world.whole(None, 100, 100)["targets"]["sla/month"]["contractual"], before, "and the past of then");
    assert_eq!(world.whole(None, 100, 100)["catalogue_version"], 1);
}

#[test]
fn what_speaks_how_long_follows_the_observation_and_agents_count_while_they_are_assigned() {
    let mut world = World::with(catalogue(), 0);
    world.push(0, "uuu", 30, 0);
    // The last one of before spoke for 25 s, and goes on to; those after speak for a minute.
    world.change("timeout: 5s", "timeout: 5s, stale_after: 60s", 40);
    world.push(120, "u", 121, 0);
    world.change("agents: [a]", "agents: [a, b]", 200);
    world.tick(200);
    let told = world.whole(Some(WindowKind::Day), 200, 200);
    let ms = |seconds: i64| at(seconds).as_ms();
    let own = told["vantage"]["shop/web"]["a"].as_array().unwrap();
    let since = |from: i64| own.iter().filter(|one| one[0].as_i64().unwrap() >= ms(from)).cloned().collect::<Vec<_>>();
    assert_eq!(
        since(0),
        [
            serde_json::json!([ms(0), ms(45), "up"]),
            serde_json::json!([ms(45), ms(120), "unmeasured"]),
            serde_json::json!([ms(120), ms(180), "up"]),
            serde_json::json!([ms(180), ms(200), "unmeasured"]),
        ]
    );
    let later = world.whole(Some(WindowKind::Day), 260, 260);
    let b = later["vantage"]["shop/web"]["b"].as_array().unwrap();
    assert!(b.iter().all(|one| one[2] == "unmeasured"), "nobody had assigned it, and then it saw nothing");
}

#[test]
fn a_promise_that_changes_counts_from_the_next_window_on() {
    const DAY: i64 = 86_400;
    let mut world = World::with(catalogue(), 0);
    world.change("99.9%", "95%", DAY);
    let share = |world: &mut World, on: i64| {
        world.whole(None, on, 40 * DAY)["targets"]["sla/month"]["contractual"]["target_ppb"].as_i64()
    };
    assert_eq!((share(&mut world, DAY), share(&mut world, 22 * DAY)), (Some(999_000_000), Some(950_000_000)));
    world.change("window: month", "window: month, effective: immediate, min_notice: 1h", 2 * DAY);
    assert_eq!(share(&mut world, DAY), Some(950_000_000));
    // What leaves the catalogue counts to the end of its window, and is asked for later too.
    let targets = world.catalogue.find("agreements:").unwrap();
    let receivers = world.catalogue.find("receivers:").unwrap();
    world.catalogue.replace_range(targets..receivers, "");
    assert!(matches!(world.reload(30 * DAY), Reload::TakenUp(4)));
    assert_eq!(share(&mut world, 25 * DAY), Some(950_000_000));
    assert_eq!(share(&mut world, 39 * DAY), Some(950_000_000));
    assert!(world.tick(40 * DAY).services[&Id::new("shop").unwrap()].targets.is_empty(), "nothing is raised for it");
}

#[test]
fn a_restatement_measures_the_past_anew_from_its_instant_on() {
    let mut world = World::with(catalogue(), 0);
    world.push(0, "uuDDuuuuDDuuuu", 140, 0);
    world.tick(140);
    let files = |fall: u32| {
        let text = catalogue().replace("timeout: 5s", &format!("timeout: 5s, fall: {fall}"));
        vec![("catalogue.yaml".to_owned(), format!("effective_from: {}\n{text}", at(50)))]
    };
    let refused = world.engine().reload(Ok(files(3)), at(150)).unwrap();
    assert!(matches!(&refused, Reload::Refused(why) if why.contains("fall of web was 2 and is now 3")), "{refused:?}");
    let restatement = Restatement { approver: "A. Keller".to_owned(), reason: "one flap is none".to_owned() };
    let asked = Restated { files: files(3), restatement };
    assert_eq!(world.engine().restate(&asked, &Actor::Local { uid: None }, at(160)).unwrap(), Reload::TakenUp(2));
    let told = world.tick(170);
    let after = world.contractual(170);
    assert_eq!(
        (&after["D"], &after["G"]),
        (&Value::from(20_000), &Value::from(20_000)),
        "the first two were before it"
    );
    let of_tick = &told.services[&Id::new("shop").unwrap()].targets[&"sla/month".parse().unwrap()];
    assert_eq!(of_tick.account.kinds.down, 20_000);
    assert_eq!(world.engine().restate(&asked, &Actor::Local { uid: None }, at(180)).unwrap(), Reload::Unchanged);
    let history = world.history();
    assert!(history.iter().any(|event| event.contains("NeverWas") || event.contains("Recovered")), "{history:?}");
    let deeds = world.engine().deeds(10).unwrap();
    let said = deeds.iter().map(|deed| deed.action.to_string()).find(|said| said.contains("restated")).unwrap();
    assert!(said.contains("approved by A. Keller: one flap is none"), "{said}");
    world.catalogue = files(3).remove(0).1;
    world.open(190);
    assert_eq!(world.contractual(170), after);
}

#[test]
fn the_incident_of_a_closed_window_follows_a_target_that_was_restated() {
    const DAY: i64 = 86_400;
    let mut world = World::with(catalogue().replace("window: month", "window: day"), 0);
    world.push(0, "uuuDDDuuu", 100, 0);
    world.tick(100);
    world.push(2 * DAY, "uu", 2 * DAY + 20, 0);
    world.tick(2 * DAY + 20);
    assert!(world.history().contains(&"INC-2 WindowClosed at 86400".to_owned()), "{:?}", world.history());
    let text = world.catalogue.replace("99.9%", "20%");
    let files = vec![("catalogue.yaml".to_owned(), format!("effective_from: {}\n{text}", at(-10 * DAY)))];
    let restatement = Restatement { approver: "A. Keller".to_owned(), reason: "agreed so".to_owned() };
    let asked = Restated { files, restatement };
    let done = world.engine().restate(&asked, &Actor::Local { uid: None }, at(2 * DAY + 30)).unwrap();
    assert_eq!(done, Reload::TakenUp(2));
    world.tick(2 * DAY + 31);
    assert!(world.history().last().unwrap().contains("not breached after all"), "{:?}", world.history());
}

#[test]
fn while_a_version_that_cannot_be_read_was_in_force_nothing_is_guessed_and_what_was_issued_stands() {
    const DAY: i64 = 86_400;
    let mut world = World::with(catalogue().replace("window: month", "window: day"), 0);
    world.push(0, &"u".repeat(30), 300, 0);
    world.change("timeout: 5s", "timeout: 5s, fall: 4", 100);
    world.change("fall: 4", "fall: 3", 200);
    world.push(DAY, "uuuuuuu", DAY + 60, 0);
    world.tick(DAY + 200);
    world.tick(DAY + 201);
    let query = super::revised::RevisionsQuery::of(Id::new("shop").unwrap());
    let issued = world.engine().revisions(&query).unwrap().revisions;
    assert!(issued.len() > 1);
    // The reader of another release refuses a key of the second version.
    let key = 2u64.to_be_bytes().to_vec();
    let value = world.engine().store.record(RecordKind::Catalogue, &key).unwrap().unwrap();
    let mut version: Value = pack::unpack(&value).unwrap();
    let text = version["files"][0][1].as_str().unwrap().replace("fall: 4", "falls: 4");
    version["files"][0][1] = text.into();
    let change = RecordChange { kind: RecordKind::Catalogue, key, value: Some(pack::pack(&version).unwrap()) };
    world.engine().store.commit(&[change]).unwrap();
    world.open(DAY + 300);
    let told = world.engine().versions().versions[1].unreadable.clone().unwrap();
    assert!(told.reason.contains("falls"), "{}", told.reason);
    assert_eq!(told.lost, ["service shop"]);
    let kinds = world.whole(None, 300, DAY + 300)["targets"]["sla/month"]["contractual"]["kinds"].clone();
    assert_eq!((&kinds["up"], &kinds["unmeasured"]), (&Value::from(215_000), &Value::from(86_185_000)));
    world.push(DAY + 300, "u", DAY + 301, 0);
    for now in DAY + 361..DAY + 366 {
        world.tick(now);
    }
    assert_eq!(world.engine().revisions(&query).unwrap().revisions, issued);
}

#[test]
fn a_change_that_lacks_a_description_is_told_once_and_taken_up_when_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tickets.yaml");
    let mut world = World::with(catalogue(), 0);
    let receiver = format!("receivers: [{{ id: tickets, http: {{ file: {}, url: \"http://t/\" }} }}, ", file.display());
    let files = vec![("catalogue.yaml".to_owned(), catalogue().replace("receivers: [", &receiver))];
    for now in [10, 12] {
        let refused = world.engine().reload(Ok(files.clone()), at(now)).unwrap();
        assert!(
            matches!(&refused, Reload::Undescribed(why) if why.contains("receivers.tickets.http: ")),
            "{refused:?}"
        );
    }
    let reloads = world.engine().health.reloads.clone();
    assert!(reloads.refused == 1 && reloads.wrong.is_some(), "{reloads:?}");
    std::fs::write(&file, "name: T\nrequests: { create: [{ method: POST, path: /t }] }\n").unwrap();
    assert!(matches!(world.engine().reload(Ok(files), at(14)).unwrap(), Reload::TakenUp(2)));
    assert_eq!(world.engine().health.reloads.wrong, None);
}
