//! From a scenario's text to further versions of its catalogue: the lines that begin with `from`.

use super::read::{Reader, listed, option_of};
use super::words::{Reading, Words, length, percentage};
use super::{Target, Version};

impl Reader {
    /// `from 10:00 recorded 12:00 probe web fall 3`.
    pub(super) fn version(&mut self, words: &mut Words) -> Reading<()> {
        let from = words.time()?;
        let recorded = words.time_after("recorded")?;
        let mut version = self.version_from(from, recorded);
        match words.next("probe, service or target")? {
            "probe" => probe(&mut version, words)?,
            "service" => self.service_of_version(&mut version, words)?,
            "target" => self.target_of_version(&mut version, words)?,
            other => return Err(words.wrong("probe, service or target", other)),
        }
        self.scenario.versions.push(version);
        Ok(())
    }

    /// The newest version, taken out of the list, if it is from the same instant; else one like it.
    fn version_from(&mut self, from: i64, recorded: Option<i64>) -> Version {
        self.all_in_services();
        let versions = &mut self.scenario.versions;
        if let Some(same) = versions.pop_if(|last| last.from == from && recorded.is_none_or(|at| at == last.recorded)) {
            return same;
        }
        let before = versions.last().map_or(from, |last| last.recorded);
        let recorded = recorded.unwrap_or_else(|| from.max(before));
        match versions.last() {
            Some(last) => Version { from, recorded, ..last.clone() },
            None => Version {
                from,
                recorded,
                probes: self.scenario.probes.clone(),
                services: self.scenario.services.clone(),
                targets: self.scenario.targets.clone(),
            },
        }
    }

    fn service_of_version(&mut self, version: &mut Version, words: &mut Words) -> Reading<()> {
        let place = words.parse("a service", |w| version.services.iter().position(|s| s.name == w))?;
        let mut service = version.services[place].clone();
        if words.take("calendar") {
            let none = words.take("none");
            service.calendar = if none { None } else { Some(self.scenario.known_calendar(words)?) };
        }
        if words.take("=") {
            service.expr = self.expression(words, &service.name)?;
        }
        version.services[place] = service;
        Ok(())
    }

    fn target_of_version(&mut self, version: &mut Version, words: &mut Words) -> Reading<()> {
        let place = words.parse("a target that has not left", |w| version.targets.iter().position(|t| t.name == w))?;
        if words.take("leaves") {
            version.targets.remove(place);
            return Ok(());
        }
        let mut target = Target { immediate: false, ..version.targets[place].clone() };
        if let Some((ppb, decimals)) = words.peek().and_then(percentage) {
            words.next("a percentage")?;
            (target.ppb, target.decimals) = (ppb, decimals);
        }
        // What is said of credits and alerts replaces what was said.
        let mut replaced = Vec::new();
        while let Some(option) = words.peek() {
            words.next("an option")?;
            match option {
                "effective" => {
                    words.parse("immediate", |w| (w == "immediate").then_some(()))?;
                    target.immediate = true;
                    continue;
                }
                "credit" if !replaced.contains(&option) => target.credits.clear(),
                "alert" if !replaced.contains(&option) => target.alerts = None,
                _ => {}
            }
            replaced.push(option);
            self.scenario.option(words, option, &mut target)?;
        }
        version.targets[place] = target;
        Ok(())
    }
}

fn probe(version: &mut Version, words: &mut Words) -> Reading<()> {
    let known = &mut version.probes;
    let place = words.parse("a probe", |w| known.iter().position(|p| p.name == w))?;
    let probe = &mut known[place];
    while let Some(option) = words.peek() {
        match option {
            "stale" => probe.stale_after_ms = option_of(words, "a length", length)?,
            "fall" => probe.fall = option_of(words, "a number", |w| w.parse().ok())?,
            "rise" => probe.rise = option_of(words, "a number", |w| w.parse().ok())?,
            "quorum" => probe.quorum = Some(option_of(words, "a number", |w| w.parse().ok())?),
            "agents" => probe.agents = option_of(words, "agents such as here,geneva", listed)?,
            _ => return Err(words.wrong("stale, fall, rise, quorum or agents", option)),
        }
    }
    Ok(())
}
