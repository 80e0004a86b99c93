//! Who takes part and what there is: organisation, customers, parties, components, hosts.

use std::collections::BTreeMap;

use super::sections::Names;
use crate::catalogue::model::{Component, Customer, Host, Organisation, Party, PartyKind};
use crate::ids::Id;
use crate::yaml::declared::Item;
use crate::yaml::problem::Read;
use crate::yaml::walk::At;

const PARTY_KINDS: [(&str, PartyKind); 3] =
    [("own", PartyKind::Own), ("supplier", PartyKind::Supplier), ("customer", PartyKind::Customer)];

/// `{ name: Example Services, time_zone: Europe/Zurich }`
pub(super) fn organisation(at: &At<'_>) -> Read<Organisation> {
    at.mapping(|keys| {
        let name = keys.required("name", At::text);
        let time_zone = keys.required("time_zone", At::time_zone);
        Ok(Organisation { name: name?, time_zone: time_zone? })
    })
}

/// `{ id: retail, name: Retail division, contact: it@retail.example }`
pub(super) fn customer(item: &Item<'_>) -> Read<Customer> {
    item.mapping(|keys| {
        let name = keys.required("name", At::text);
        let contact = keys.optional("contact", At::text);
        Ok(Customer { id: item.id.clone()?, name: name?, contact: contact? })
    })
}

/// `{ id: isp, name: Some Carrier, kind: supplier }`
pub(super) fn party(item: &Item<'_>) -> Read<Party> {
    item.mapping(|keys| {
        let name = keys.required("name", At::text);
        let kind = keys.required("kind", |at| at.word(&PARTY_KINDS));
        Ok(Party { id: item.id.clone()?, name: name?, kind: kind? })
    })
}

/// The parties and the organisation itself, which is always one of them.
pub(super) fn with_own(mut parties: BTreeMap<Id, Party>, name: &str) -> BTreeMap<Id, Party> {
    let own = Party { id: Id::own(), name: name.to_owned(), kind: PartyKind::Own };
    parties.insert(own.id.clone(), own);
    parties
}

/// `{ id: uplink, name: Internet uplink, party: isp }`
pub(super) fn component(item: &Item<'_>, names: &Names) -> Read<Component> {
    item.mapping(|keys| {
        let name = keys.required("name", At::text);
        let party = keys.or("party", Id::own(), |at| names.parties.refer(at));
        let host = keys.optional("host", |at| names.hosts.refer(at));
        Ok(Component { id: item.id.clone()?, name: name?, party: party?, host: host? })
    })
}

/// `{ id: web-1, agent: zurich-1 }`
pub(super) fn host(item: &Item<'_>) -> Read<Host> {
    item.mapping(|keys| {
        let agent = keys.required("agent", At::id);
        Ok(Host { id: item.id.clone()?, agent: agent? })
    })
}
