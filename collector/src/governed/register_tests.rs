//! What may be added and revoked, and what is on record after it.

use serde_json::{Value, json};
use uphold_common::catalogue::read;
use uphold_common::governed::applied::{excluded_of, planned_of};
use uphold_common::time::Interval;

use super::*;
use crate::governed::list::{Beside, Wanted, list};
use crate::governed::view::Standing;
use crate::store::{DataDir, EmbeddedStore, RecordChange, StoreOptions};

const CATALOGUE: &str = r#"
organisation: { name: Example, time_zone: Europe/Zurich }
services:
  - { id: shop, name: Shop, probes: [{ id: web, agents: [zurich-1], interval: 30s, timeout: 5s, tcp: { address: "192.0.2.1:443" } }] }
  - { id: mail, name: Mail, probes: [{ id: smtp, agents: [zurich-1], interval: 30s, timeout: 5s, tcp: { address: "192.0.2.1:25" } }] }
"#;
/// 2026-03-01T00:00:00Z.
const NOW: Instant = Instant::from_ms(1_772_323_200_000);

fn catalogue() -> Catalogue {
    read(&[("catalogue.yaml", CATALOGUE)]).unwrap()
}

fn holder(role: &str) -> Actor {
    Actor::Token { name: Id::new("duty").unwrap(), role: role.to_owned() }
}

fn maintenance(written: Value) -> Asked {
    Asked::Maintenance(serde_json::from_value(written).unwrap())
}

fn hours(written: &[(&str, Value)], start: i64, end: i64) -> Asked {
    let hour = |h: i64| NOW.plus_ms(h * 3_600_000).as_ms();
    let mut whole = json!({ "services": ["shop"], "start": hour(start), "end": hour(end) });
    for (key, value) in written {
        whole[*key] = value.clone();
    }
    maintenance(whole)
}

/// Adds it as the engine does.
fn add(register: &mut Register, asked: &Asked, actor: &Actor, now: Instant) -> Result<Added, GovernedError> {
    let added = register.add(asked, &catalogue(), actor, now)?;
    if let Added::New(kept) = &added {
        register.put(Arc::clone(kept), pack::pack(&**kept).unwrap().len());
    }
    Ok(added)
}

#[test]
fn the_same_twice_is_one_and_an_id_is_never_given_twice() {
    let mut register = Register::default();
    let (actor, later) = (holder("operator"), NOW.plus_ms(60_000));
    let sw = hours(&[("id", json!("sw-42"))], 24, 28);
    assert!(matches!(add(&mut register, &sw, &actor, NOW), Ok(Added::New(_))));
    // When it was announced was not said, so that it is what was taken the first time.
    let Ok(Added::Known(known)) = add(&mut register, &sw, &actor, later) else { panic!("it is known") };
    assert_eq!(known.recorded_at, NOW);
    let other = hours(&[("id", json!("sw-42"))], 24, 29);
    assert!(matches!(add(&mut register, &other, &actor, later), Err(GovernedError::IdTaken { .. })));
    let id = Id::new("sw-42").unwrap();
    let sort = Sort::Maintenance;
    assert!(matches!(register.revoke(sort, &id, " ", &actor, later), Err(GovernedError::Unsound(_))));
    let revoked = register.revoke(sort, &id, "moved", &actor, later).unwrap();
    register.put(revoked, 1);
    assert_eq!(register.maintenances().count(), 0, "as if it had never been");
    assert_eq!(register.get(sort, &id).unwrap().revoked.as_ref().unwrap().reason, "moved");
    assert!(matches!(register.revoke(sort, &id, "again", &actor, later), Err(GovernedError::AlreadyRevoked { .. })));
    assert!(matches!(add(&mut register, &sw, &actor, later), Err(GovernedError::IdTaken { .. })));
    let unknown = register.get(sort, &Id::new("sw-43").unwrap()).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no maintenance sw-43 (did you mean \"sw-42\"?)");
}

#[test]
fn ids_are_made_for_those_that_have_none() {
    let mut register = Register::default();
    let actor = holder("operator");
    let named = hours(&[("id", json!("maintenance-2"))], 1, 2);
    add(&mut register, &named, &actor, NOW).unwrap();
    let mut made = Vec::new();
    for _ in 0..2 {
        let Ok(Added::New(kept)) = add(&mut register, &hours(&[], 1, 2), &actor, NOW) else { panic!("it is new") };
        made.push(kept.content.id().to_string());
    }
    assert_eq!(made, ["maintenance-3", "maintenance-4"]);
}

#[test]
fn only_an_approver_says_that_something_was_announced_before() {
    let before = hours(&[("announced_at", json!(0)), ("approver", json!("ops-lead"))], 24, 28);
    for (actor, may) in [
        (holder("operator"), false),
        (holder("approver"), true),
        (holder("administrator"), true),
        (Actor::Local { uid: None }, true),
    ] {
        let added = add(&mut Register::default(), &before, &actor, NOW);
        assert_eq!(added.is_ok(), may, "{actor}");
        assert!(may || matches!(added, Err(GovernedError::NotApprover(_))));
    }
}

#[test]
fn recurring_maintenance_recurs_in_the_organisations_zone() {
    let mut register = Register::default();
    let daily = maintenance(json!({ "services": "all", "start": "2026-03-28T02:30:00+01:00",
        "end": "2026-03-28T03:30:00+01:00", "recurrence": "FREQ=DAILY;COUNT=2" }));
    add(&mut register, &daily, &holder("operator"), NOW).unwrap();
    let ends: Vec<String> =
        register.maintenances().flat_map(Maintenance::occurrences).map(|time| time.end.to_string()).collect();
    assert_eq!(ends, ["2026-03-28T02:30:00Z", "2026-03-29T01:30:00Z"]);
    let again = add(
        &mut register,
        &maintenance(json!({ "services": "all", "start": 0, "end": 1,
        "recurrence": "FREQ=DAILY" })),
        &holder("operator"),
        NOW,
    );
    assert!(again.is_ok(), "{again:?}");
}

#[test]
fn all_maintenance_together_takes_place_so_often_and_no_more() {
    let mut register = Register::default();
    let daily = maintenance(json!({ "services": "all", "start": 0, "end": 1, "recurrence": "FREQ=DAILY" }));
    let most = OCCURRENCES_MAX / 3_653;
    for _ in 0..most {
        add(&mut register, &daily, &holder("operator"), NOW).unwrap();
    }
    assert!(matches!(add(&mut register, &daily, &holder("operator"), NOW), Err(GovernedError::TooMany(_))));
}

#[test]
fn records_are_listed_by_service_standing_and_time() {
    let mut register = Register::default();
    let actor = holder("operator");
    for (id, services, start, end) in
        [("over", json!(["shop"]), -9, -8), ("now", json!("all"), -1, 1), ("next", json!(["shop"]), 5, 6)]
    {
        let asked = hours(&[("id", json!(id)), ("services", services)], start, end);
        add(&mut register, &asked, &actor, NOW).unwrap();
    }
    let gone = hours(&[("id", json!("gone"))], 7, 8);
    add(&mut register, &gone, &actor, NOW).unwrap();
    let revoked = register.revoke(Sort::Maintenance, &Id::new("gone").unwrap(), "why", &actor, NOW).unwrap();
    register.put(revoked, 1);
    let catalogue = catalogue();
    let ids = |wanted: Wanted| {
        let listed = list(&register, &wanted, Beside { catalogue: &catalogue, overruns: &[], now: NOW });
        let shown: Value = serde_json::to_value(&listed.records).unwrap();
        let ids = shown.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>().join(" ")
    };
    let wanted = || Wanted::of(Sort::Maintenance);
    assert_eq!(ids(wanted()), "next now over");
    assert_eq!(ids(Wanted { service: Id::new("mail").ok(), ..wanted() }), "now");
    assert_eq!(ids(Wanted { limit: 1, ..wanted() }), "next");
    assert_eq!(ids(Wanted { from: Some(NOW), to: Some(NOW.plus_ms(1)), ..wanted() }), "now");
    for (standing, expected) in [
        (Standing::Planned, "next"),
        (Standing::Running, "now"),
        (Standing::Over, "over"),
        (Standing::Revoked, "gone"),
        (Standing::InForce, ""),
    ] {
        assert_eq!(ids(Wanted { standing: Some(standing), ..wanted() }), expected);
    }
}

#[test]
fn what_is_on_record_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let claimed = DataDir::claim(dir.path(), "test", NOW).unwrap();
    let mut store = EmbeddedStore::open(claimed, StoreOptions::default()).unwrap();
    let mut register = Register::default();
    let Ok(Added::New(kept)) =
        add(&mut register, &hours(&[("recurrence", json!("FREQ=DAILY"))], 1, 2), &holder("operator"), NOW)
    else {
        panic!("it is new")
    };
    let (key, value) = (kept.content.id().as_str().as_bytes().to_vec(), pack::pack(&*kept).ok());
    store.commit(&[RecordChange { kind: kind_of(Sort::Maintenance), key, value }]).unwrap();
    let read = Register::load(&store).unwrap();
    assert_eq!(read.of(Sort::Maintenance).collect::<Vec<_>>(), [&kept]);
    assert_eq!((read.occurrences, read.bytes), (register.occurrences, register.bytes));
    store.commit(&[RecordChange { kind: kind_of(Sort::Exclusion), key: vec![1], value: Some(vec![1]) }]).unwrap();
    assert!(matches!(Register::load(&store), Err(LoadError::Damaged(_))));
}

#[test]
fn a_rule_that_gives_nothing_any_more_does_not_keep_the_store_from_opening() {
    let dir = tempfile::tempdir().unwrap();
    let claimed = DataDir::claim(dir.path(), "test", NOW).unwrap();
    let mut store = EmbeddedStore::open(claimed, StoreOptions::default()).unwrap();
    let mut register = Register::default();
    // The first of March was a Sunday.
    let sundays = hours(&[("recurrence", json!("FREQ=WEEKLY;BYDAY=SU"))], 1, 2);
    let Ok(Added::New(kept)) = add(&mut register, &sundays, &holder("operator"), NOW) else { panic!("it is new") };
    let written = pack::pack(&*kept).unwrap();
    // As it is once its start is no Sunday any more, by whatever newer data.
    let place = written.windows(8).position(|bytes| bytes == b"BYDAY=SU").unwrap();
    let mut changed = written;
    changed[place..place + 8].copy_from_slice(b"BYDAY=MO");
    let key = kept.content.id().as_str().as_bytes().to_vec();
    store.commit(&[RecordChange { kind: kind_of(Sort::Maintenance), key, value: Some(changed) }]).unwrap();
    let read = Register::load(&store).unwrap();
    let maintenance = read.maintenances().next().unwrap();
    assert_eq!(maintenance.occurrences(), [maintenance.first()]);
    assert!(maintenance.remark().unwrap().starts_with("only its first time is known any more: its start is no time"));
    let catalogue = catalogue();
    let beside = Beside { catalogue: &catalogue, overruns: &[], now: NOW };
    let view = serde_json::to_value(list(&read, &Wanted::of(Sort::Maintenance), beside).records).unwrap();
    assert!(view[0]["remark"].as_str().is_some_and(|remark| remark.contains("first time")), "{view}");
}

#[test]
fn a_service_is_given_the_same_of_its_own_records_as_of_all() {
    // The same every time, and of every kind: named, of all, revoked, recurring, of one target.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| -> i64 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below).cast_signed()
    };
    let mut register = Register::default();
    let actor = Actor::Local { uid: None };
    for n in 0..300 {
        let services = [json!(["shop"]), json!(["mail"]), json!(["mail", "shop"]), json!("all")]
            [usize::try_from(next(4)).unwrap()]
        .clone();
        let (id, start) = (json!(format!("r-{n}")), next(2_000));
        let asked = if next(2) == 0 {
            let mut said = vec![("id", id), ("services", services)];
            said.extend((next(3) == 0).then(|| ("recurrence", json!("FREQ=DAILY;COUNT=9"))));
            hours(&said, start, start + 1 + next(20))
        } else {
            let hour = |h: i64| NOW.plus_ms(h * 3_600_000).as_ms();
            let written = json!({ "id": id, "services": services, "start": hour(start), "end": hour(start + 5),
                "class": "other", "reason": "agreed", "approver": "lead" });
            Asked::Exclusion(serde_json::from_value(written).unwrap())
        };
        let Ok(Added::New(kept)) = add(&mut register, &asked, &actor, NOW) else { panic!("it is new") };
        if next(4) == 0 {
            let revoked = register.revoke(kept.content.sort(), kept.content.id(), "not so", &actor, NOW).unwrap();
            register.put(revoked, 1);
        }
    }
    let target = "sla/shop".parse().unwrap();
    for service in ["shop", "mail", "other"].map(|name| Id::new(name).unwrap()) {
        for _ in 0..50 {
            let start = NOW.plus_ms(next(2_000) * 3_600_000);
            let span = Interval::new(start, start.plus_ms(next(900) * 3_600_000));
            let of_all = planned_of(register.maintenances(), &service, span);
            assert_eq!(planned_of(register.maintenances_of(&service), &service, span), of_all);
            let of_all = excluded_of(register.exclusions(), &service, &target, span);
            assert_eq!(excluded_of(register.exclusions_of(&service), &service, &target, span), of_all);
        }
    }
    let own = register.maintenances_of(&Id::new("mail").unwrap()).count();
    assert!(own > 0 && own < register.maintenances().count(), "others are not even looked at");
}
