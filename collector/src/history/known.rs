//! Whose rows are taken, and from when to when: what a line says, held against the terms of the import.
//!
//! Each stream gets a number when it is met first, so that a row costs one look-up; a stream that is not known costs more
//! and is told with the nearest that is.

use std::collections::HashMap;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{FlowId, ResourceId};
use uphold_common::time::Instant;
use uphold_common::wire::sheet::StreamName;
use uphold_common::yaml::words::{did_you_mean, shown};

use super::line::{Of, Row, Said};
use super::told::BadLine;
use crate::engine::import::ImportTerms;

/// Most streams of one import: more than a store knows by default.
const STREAMS_MAX: usize = 500_000;
/// To how many refused lines the nearest name is looked for among all there are, which costs a look at each. More than
/// are told of.
const HINTS_MAX: usize = 100;

/// The streams that were met, under the terms of the import.
#[derive(Debug)]
pub struct Known {
    terms: ImportTerms,
    latest: Instant,
    numbers: HashMap<Vec<u8>, usize>,
    streams: Vec<(Id, StreamName)>,
    key: Vec<u8>,
    /// How often the nearest name may still be looked for.
    hints: usize,
}

impl Known {
    /// None met yet.
    pub fn under(terms: ImportTerms) -> Self {
        let latest = terms.now_ms.plus_ms(terms.ahead_max_ms);
        Self { terms, latest, numbers: HashMap::new(), streams: Vec::new(), key: Vec::new(), hints: HINTS_MAX }
    }

    /// The stream of a number: under the name of which agent it is brought, and of what it is.
    pub fn stream(&self, number: usize) -> Option<&(Id, StreamName)> {
        self.streams.get(number)
    }

    /// The number of the stream that a row is of, if the row is taken.
    pub fn number(&mut self, said: &Said<'_>) -> Result<usize, BadLine> {
        let at = said.row.at();
        if !(self.terms.earliest_ms..=self.latest).contains(&at) {
            let (earliest, latest) = (self.terms.earliest_ms, self.latest);
            return Err(BadLine::at_key("at", format!("expected an instant from {earliest} to {latest}, found {at}")));
        }
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let (kind, parts) = match &said.of {
            Of::Probe { probe, agent } => (b'p', [*probe, agent, ""]),
            Of::Capacity { host, resource, of } => (b'c', [*host, resource.as_str(), of]),
            Of::Volume { host, flow, of } => (b'v', [*host, flow.as_str(), of]),
        };
        key.push(kind);
        for part in parts {
            key.extend_from_slice(part.as_bytes());
            key.push(0xff);
        }
        let found = match self.numbers.get(&key) {
            Some(number) => Ok(*number),
            None => self.met(&key, &said.of),
        };
        self.key = key;
        found
    }

    fn met(&mut self, key: &[u8], of: &Of<'_>) -> Result<usize, BadLine> {
        let stream = match of {
            Of::Probe { probe, agent } => self.probe(probe, agent)?,
            Of::Capacity { host, resource, of } => {
                let (host, agent) = self.host(host)?;
                (agent, StreamName::Capacity(ResourceId { host, resource: *resource, of: (*of).to_owned() }))
            }
            Of::Volume { host, flow, of } => {
                let (host, agent) = self.host(host)?;
                (agent, StreamName::Volume(FlowId { host, flow: *flow, of: (*of).to_owned() }))
            }
        };
        if self.streams.len() >= STREAMS_MAX {
            return Err(BadLine::whole(format!("expected at most {STREAMS_MAX} streams")));
        }
        self.streams.push(stream);
        let number = self.streams.len() - 1;
        self.numbers.insert(key.to_vec(), number);
        Ok(number)
    }

    fn probe(&mut self, probe: &str, agent: &str) -> Result<(Id, StreamName), BadLine> {
        let may_hint = self.may_hint();
        let found = probe.parse::<ProbeId>().ok().and_then(|id| self.terms.probes.get_key_value(&id));
        let Some((id, agents)) = found else {
            self.hints = self.hints.saturating_sub(1);
            let all: Vec<String> = self.terms.probes.keys().filter(|_| may_hint).map(ToString::to_string).collect();
            let hint = did_you_mean(probe, all.iter().map(String::as_str));
            let what = format!("expected a probe of the catalogue, found {}{hint}", shown(probe));
            return Err(BadLine::at_key("probe", what));
        };
        let Some(agent) = agents.iter().find(|known| known.as_str() == agent) else {
            let hint = did_you_mean(agent, agents.iter().map(Id::as_str));
            let what = format!("expected an agent that was ever assigned {id}, found {}{hint}", shown(agent));
            return Err(BadLine::at_key("agent", what));
        };
        Ok((agent.clone(), StreamName::Probe(id.clone())))
    }

    fn host(&mut self, host: &str) -> Result<(Id, Id), BadLine> {
        let found = Id::new(host).ok().and_then(|id| self.terms.hosts.get_key_value(&id));
        if let Some((host, agent)) = found {
            return Ok((host.clone(), agent.clone()));
        }
        let may_hint = self.may_hint();
        self.hints = self.hints.saturating_sub(1);
        let hint = did_you_mean(host, self.terms.hosts.keys().filter(|_| may_hint).map(Id::as_str));
        Err(BadLine::at_key("host", format!("expected a host of the catalogue, found {}{hint}", shown(host))))
    }

    const fn may_hint(&self) -> bool {
        self.hints > 0
    }
}

/// A row with the number of its stream.
pub type Numbered = (usize, Row);
