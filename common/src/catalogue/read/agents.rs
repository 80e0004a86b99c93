//! Agents: where they are found, by what they are chosen, and which of them run a probe.
//!
//! A probe names agents, or chooses them by their labels: all that have every one of the labels it says. What it comes
//! to is a list of names, so everything else knows names only, and the same catalogue always assigns the same.

use std::collections::BTreeMap;

use crate::catalogue::model::Agent;
use crate::ids::Id;
use crate::yaml::declared::Item;
use crate::yaml::problem::{Read, Told};
use crate::yaml::walk::At;
use crate::yaml::words::{did_you_mean, listed, shown};

/// Most agents that run one probe.
const AGENTS_MAX: usize = 100;
/// Most labels of an agent, and of a choice.
const LABELS_MAX: usize = 32;

type Labels = BTreeMap<Id, Id>;

/// What the catalogue says of agents, once it was read.
#[derive(Debug, Default)]
pub(super) struct Agents {
    labels: BTreeMap<Id, Labels>,
    /// Labels that could not be read may be those that somebody chooses by.
    unreadable: Option<Told>,
}

/// What stands in a probe's list.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Named(Id),
    By(Labels),
}

impl Agents {
    /// Reads all of them.
    pub(super) fn read(&mut self, items: &[Item<'_>]) -> Read<BTreeMap<Id, Agent>> {
        let mut addresses = BTreeMap::new();
        let agents = super::entries(items, |item| agent(item, &mut addresses));
        match &agents {
            Ok(agents) => self.labels = agents.iter().map(|(id, agent)| (id.clone(), agent.labels.clone())).collect(),
            Err(told) => self.unreadable = Some(*told),
        }
        agents
    }

    /// `[zurich-1, { labels: { site: geneva } }]`: the agents that run a probe, in order, each once.
    pub(super) fn chosen(&self, at: &At<'_>) -> Read<Vec<Id>> {
        let mut nobody = Vec::new();
        let choices = at.set("agents", AGENTS_MAX, |at| {
            let choice = choice(at)?;
            if let (Choice::By(labels), None) = (&choice, self.unreadable)
                && self.having(labels).next().is_none()
            {
                nobody.push((at.clone(), self.nobody_has(labels)));
            }
            Ok(choice)
        })?;
        let mut agents: Vec<Id> = Vec::new();
        for choice in choices {
            match choice {
                Choice::Named(id) => agents.push(id),
                Choice::By(labels) => {
                    self.unreadable.map_or(Ok(()), Err)?;
                    agents.extend(self.having(&labels).cloned());
                }
            }
        }
        agents.sort_unstable();
        agents.dedup();
        if agents.len() > AGENTS_MAX {
            let found = agents.len();
            return Err(at.problem(format!("expected 1 to {AGENTS_MAX} agents, and these labels choose {found}")));
        }
        let mut left = nobody.into_iter();
        if agents.is_empty() {
            let told = left.map(|(at, why)| at.problem(format!("{why}: nobody would run this probe"))).last();
            return Err(told.unwrap_or_else(|| at.expected("at least one agent")));
        }
        left.try_for_each(|(at, why)| {
            at.remark(format!("{why}: this chooses nobody yet"));
            Ok(())
        })?;
        Ok(agents)
    }

    /// The agents that have all of these labels.
    fn having(&self, labels: &Labels) -> impl Iterator<Item = &Id> {
        let all = move |has: &Labels| labels.iter().all(|(key, value)| has.get(key) == Some(value));
        self.labels.iter().filter(move |(_, has)| all(has)).map(|(id, _)| id)
    }

    /// Which of these labels is nobody's, and which were likely meant.
    fn nobody_has(&self, labels: &Labels) -> String {
        let values_of = |key: &Id| {
            let mut values: Vec<&str> = self.labels.values().filter_map(|has| has.get(key)).map(Id::as_str).collect();
            values.sort_unstable();
            values.dedup();
            values
        };
        for (key, value) in labels {
            let values = values_of(key);
            if values.is_empty() {
                let mut keys: Vec<&str> = self.labels.values().flat_map(BTreeMap::keys).map(Id::as_str).collect();
                keys.sort_unstable();
                keys.dedup();
                let hint = nearest_or_all(key, &keys, "no agent under \"agents\" has labels");
                return format!("no agent has the label {}{hint}", shown(key.as_str()));
            }
            if !values.contains(&value.as_str()) {
                let hint = nearest_or_all(value, &values, "");
                return format!("no agent has the label \"{key}\" with {}{hint}", shown(value.as_str()));
            }
        }
        "no agent has all of these labels".to_owned()
    }
}

/// As a phrase: the nearest of these words, else all of them, else that there is none.
fn nearest_or_all(word: &Id, words: &[&str], none: &str) -> String {
    match did_you_mean(word.as_str(), words.iter().copied()) {
        _ if words.is_empty() => format!(" ({none})"),
        hint if hint.is_empty() => format!(" (there is {})", listed(words.iter().copied())),
        hint => hint,
    }
}

fn choice(at: &At<'_>) -> Read<Choice> {
    if !at.is_mapping() {
        return at.id().map(Choice::Named);
    }
    at.mapping(|keys| keys.required("labels", labels)).map(Choice::By)
}

/// `{ site: geneva, rack: r7 }`
fn labels(at: &At<'_>) -> Read<Labels> {
    let pairs = at.pairs("labels", LABELS_MAX)?.into_iter().map(|(key, at)| {
        let key = Id::new(key).map_err(|error| at.problem(format!("the name of a label: expected {error}")));
        let value = at.id();
        Ok((key?, value?))
    });
    super::every(pairs).map(|pairs| pairs.into_iter().collect())
}

/// `{ id: zurich-1, labels: { site: zurich }, metrics: "web-1.example:9417" }`; `addresses` holds those of the agents
/// before it.
fn agent(item: &Item<'_>, addresses: &mut BTreeMap<String, Id>) -> Read<Agent> {
    item.mapping(|keys| {
        let id = item.id.clone();
        let labels = keys.optional("labels", labels);
        let metrics = keys.optional("metrics", |at| {
            let address = at.host_and_port()?;
            match (addresses.get(&address), &id) {
                (Some(other), _) => Err(at.problem(format!("this is the address of the agent \"{other}\" already"))),
                (None, Ok(id)) => {
                    addresses.insert(address.clone(), id.clone());
                    Ok(address)
                }
                (None, Err(_)) => Ok(address),
            }
        });
        let (labels, metrics) = (labels?, metrics?);
        if labels.is_none() && metrics.is_none() {
            return Err(keys.at().problem("nothing is said of this agent: expected \"labels\", \"metrics\" or both"));
        }
        Ok(Agent { id: id?, labels: labels.unwrap_or_default(), metrics })
    })
}

#[cfg(test)]
#[path = "agents_tests.rs"]
mod tests;
