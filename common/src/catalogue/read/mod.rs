//! From files to the checked catalogue: the walk, room by room.
//!
//! Several files are one catalogue: their lists are joined, and what can be said once is said in one of them. First all
//! ids are declared, then everything is read, so the order of files and entries means nothing and a problem in one
//! entry causes none in those that refer to it. What the contract knows but this release does not is refused by name.

mod agents;
mod agreements;
mod calendars;
mod capacity;
mod check;
mod consequences;
mod expression;
mod handling;
mod holidays;
mod organisation;
mod probes;
mod raising;
mod receivers;
mod response_time;
mod routes;
mod sections;
mod services;
mod tickets;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

pub use check::{BODY_PATTERN_SIZE_MAX, body_pattern, read_check};
pub use holidays::holiday_files;

use super::model::{Catalogue, Handling, Recurrence};
use crate::ids::Id;
use crate::yaml::declared::Item;
use crate::yaml::problem::{Problems, Read, Report};
use crate::yaml::tree::{self, Node};
use crate::yaml::walk::At;
use holidays::HolidayFiles;
use raising::Incidents;
use sections::{Names, Sections};

/// Most members of a list in which each may stand once.
const MEMBERS_MAX: usize = 1_000;

/// How much a catalogue may ask of whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes of its files together.
    pub bytes_max: usize,
    /// Most bytes of a compiled body pattern; agents compile them under [`BODY_PATTERN_SIZE_MAX`], which this never
    /// exceeds.
    pub body_pattern_size_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes_max: CATALOGUE_BYTES_DEFAULT, body_pattern_size_max: BODY_PATTERN_SIZE_MAX }
    }
}

/// Most bytes of a catalogue's files together, unless something else is said.
const CATALOGUE_BYTES_DEFAULT: usize = 16 * 1024 * 1024;

/// Reads the files, given as name and text, as one catalogue. Those whose names end in `.ics` hold the holidays that the
/// others refer to, as [`holiday_files`] names them.
///
/// ```
/// let text = "
/// organisation: { name: Example, time_zone: UTC }
/// services:
///   - id: webshop
///     name: Web shop
///     probes:
///       - { id: door, agents: [a], interval: 30s, timeout: 5s, tcp: { address: '192.0.2.1:443' } }
/// ";
/// let catalogue = uphold_common::catalogue::read(&[("catalogue.yaml", text)]).unwrap();
/// assert_eq!(catalogue.services.len(), 1);
///
/// let problems = uphold_common::catalogue::read(&[("catalogue.yaml", &text.replace("30s", "30"))]).unwrap_err();
/// assert_eq!(problems.shown()[0].path, "services.webshop.probes.door.interval");
/// ```
pub fn read<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Catalogue, Problems> {
    read_within(files, &Bounds::default())
}

/// As [`read`], within bounds that the reader was told.
pub fn read_within<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)], bounds: &Bounds) -> Result<Catalogue, Problems> {
    let report = Report::default();
    let trees = within_bytes(files, bounds, &report).and_then(|()| trees(files, &report));
    let holidays = HolidayFiles::among(files, &report);
    let catalogue = trees.and_then(|trees| {
        let roots: Vec<At<'_>> = trees.iter().map(|tree| At::root(tree, &report)).collect();
        let nothing = Node::empty_mapping("catalogue");
        catalogue(roots.first().unwrap_or(&At::root(&nothing, &report)), &roots, &holidays, bounds)
    });
    drop(holidays);
    let catalogue = catalogue.map(|catalogue| Catalogue { remarks: report.remarks(), ..catalogue });
    report.finish(catalogue)
}

/// Whether the files are few enough bytes together; the file with which they are too many is told.
fn within_bytes<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)], bounds: &Bounds, report: &Report) -> Read<()> {
    let mut bytes = 0_usize;
    for (name, text) in files {
        bytes = bytes.saturating_add(text.as_ref().len());
        if bytes > bounds.bytes_max {
            let most = bounds.bytes_max;
            let node = Node::empty_mapping(name.as_ref());
            let message = format!("up to here the catalogue has {bytes} bytes, more than the {most} that are read");
            return Err(At::root(&node, report).problem(message));
        }
    }
    Ok(())
}

/// One tree a file; a file that is no YAML stops the walk, since what it declares would be missed everywhere else.
fn trees<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)], report: &Report) -> Read<Vec<Node>> {
    let tree = |(name, text): &(N, T)| {
        let tree = tree::read(name.as_ref(), text.as_ref(), report)?;
        Ok(tree.unwrap_or_else(|| Node::empty_mapping(name.as_ref())))
    };
    every(files.iter().filter(|(name, _)| !holidays::is_one(name.as_ref())).map(tree))
}

/// The checked catalogue; what is missing altogether is missed at the `first` file.
fn catalogue(first: &At<'_>, roots: &[At<'_>], holidays: &HolidayFiles<'_>, bounds: &Bounds) -> Read<Catalogue> {
    let (sections, gathered) = Sections::gather(roots);
    if roots.iter().any(|root| !root.is_mapping()) {
        gathered?;
    }
    let (mut names, lists) = Names::declare(&sections);

    let organisation = sections.organisation(first).and_then(organisation::organisation);
    let customers = entries(&lists.customers, organisation::customer);
    let parties = entries(&lists.parties, organisation::party);
    let components = entries(&lists.components, |item| organisation::component(item, &names));
    let hosts = entries(&lists.hosts, organisation::host);
    let agents = names.agents.read(&lists.agents);
    let read_hosts = hosts.iter().flat_map(BTreeMap::values);
    names.agents_of_hosts = read_hosts.map(|host| (host.id.clone(), host.agent.clone())).collect();
    let zone = organisation.as_ref().map_or(TimeZone::UTC, |organisation| organisation.time_zone.clone());
    let calendars = names.calendars.read(&lists.calendars, &zone, holidays);
    let gathered = gathered.and_then(|()| sections.at_least_one_service(first));
    let mut stated = expression::Stated::new();
    let services = entries(&lists.services, |item| services::service(item, &names, &zone, bounds, &mut stated));
    let services = expression::linked(services, &stated);
    let targets = {
        let (parties, services) = (parties.as_ref().ok(), services.as_ref().ok());
        agreements::targets(&lists.agreements, &agreements::Known { names: &names, parties, services })
    };
    let receivers = entries(&lists.receivers, receivers::receiver);
    let routes = every(sections.routes.iter().map(|at| routes::route(at, &names)));
    let known = handling::Known { names: &names, receivers: receivers.as_ref().ok() };
    let incidents = sections.incidents.as_ref();
    let incidents = incidents.map_or_else(|| Ok(Incidents::default()), |at| raising::incidents(at, known));
    let recurrence = sections.problems.as_ref().map_or_else(|| Ok(Recurrence::default()), handling::problems);
    let effective_from = sections.effective_from.as_ref().map(At::instant).transpose();
    gathered.and(calendars)?;
    let organisation = organisation?;
    let Incidents { priorities, raising, handling } = incidents?;
    Ok(Catalogue {
        effective_from: effective_from?,
        customers: customers?,
        parties: organisation::with_own(parties?, &organisation.name),
        components: components?,
        hosts: hosts?,
        agents: agents?,
        calendars: names.calendars.sound(),
        services: services?,
        targets: targets?,
        priorities,
        raising,
        handling: Handling { recurrence: recurrence?, ..handling },
        receivers: receivers?,
        routes: routes?,
        remarks: Vec::new(),
        organisation,
    })
}

/// The values of all readings, after all of them were made.
fn every<T>(readings: impl IntoIterator<Item = Read<T>>) -> Read<Vec<T>> {
    let readings: Vec<Read<T>> = readings.into_iter().collect();
    readings.into_iter().collect()
}

/// Each item read, in order of its id.
fn entries<'t, T>(items: &[Item<'t>], mut read: impl FnMut(&Item<'t>) -> Read<T>) -> Read<BTreeMap<Id, T>> {
    let entries = every(items.iter().map(|item| {
        let value = read(item)?;
        Ok((item.id.clone()?, value))
    }));
    entries.map(|entries| entries.into_iter().collect())
}
