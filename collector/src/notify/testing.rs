//! For the tests of this room: a small catalogue, and messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::{
    Catalogue, Channel, Criticality, Expression, Handling, Organisation, Priorities, Priority, Raising, Receiver,
    ReceiverUrl, Route, Service, Structure, Way, Webhook, When,
};
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::message::{Kind, Message};
use crate::incident::model::Number;

pub(super) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(super) fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

/// A service `shop` for `retail` and `wholesale`, and these receivers with their URLs; no routes.
pub(super) fn catalogue(receivers: &[(&str, &str)]) -> Catalogue {
    let zone = jiff::tz::TimeZone::UTC;
    let shop = Service {
        id: id("shop"),
        name: "The shop".to_owned(),
        outcome: None,
        owner: None,
        customers: vec![id("retail"), id("wholesale")],
        criticality: Criticality::High,
        since: None,
        time_zone: zone.clone(),
        calendar: None,
        weight: None,
        probes: BTreeMap::new(),
        available_when: Expression::all(Vec::new()),
        structure: Structure::default(),
    };
    let receivers = receivers.iter().map(|(name, url)| {
        let webhook = Webhook { url: ReceiverUrl::Url((*url).to_owned()), secret_file: None };
        let way = Way::Messages(Arc::new(Channel::Webhook(webhook)));
        (id(name), Receiver { id: id(name), way })
    });
    Catalogue {
        organisation: Organisation { name: "Example".to_owned(), time_zone: zone },
        effective_from: None,
        customers: BTreeMap::new(),
        parties: BTreeMap::new(),
        components: BTreeMap::new(),
        hosts: BTreeMap::new(),
        calendars: BTreeMap::new(),
        agents: BTreeMap::new(),
        services: BTreeMap::from([(id("shop"), shop)]),
        targets: BTreeMap::new(),
        priorities: Priorities::default(),
        raising: Raising::default(),
        handling: Handling::default(),
        receivers: receivers.collect(),
        routes: Vec::new(),
        remarks: Vec::new(),
    }
}

/// A route to a receiver for these priorities.
pub(super) fn route(to: &str, priorities: &[&str]) -> Route {
    let priorities = priorities.iter().map(|text| Priority::parse(text).unwrap()).collect();
    Route { to: id(to), when: When { priorities, ..When::default() }, late: false }
}

/// A message number `n` to a receiver.
pub(super) fn message(receiver: &str, n: u64) -> Message {
    let body = format!("{{\"n\":{n}}}");
    Message { receiver: id(receiver), id: format!("x-INC-{n}.1"), incident: Number(n), kind: Kind::Opened, body }
}
