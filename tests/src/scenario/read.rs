//! From a scenario's text to a [`Scenario`]: the lines about probes, arrivals and services.
//!
//! Reading ends at the first mistake, with its line and what was expected there: a scenario is written by hand and
//! read by people.

use std::collections::BTreeSet;

use super::read_expect::read_expectation;
use super::words::{Reading, Words, length, outcomes};
use super::{Arrival, Expr, LONG_AFTERWARDS_MS, Out, Probe, Scenario, Service, Span};

/// Reads a scenario.
pub fn read(text: &str) -> Result<Scenario, String> {
    let mut reader = Reader { now: LONG_AFTERWARDS_MS, ..Reader::default() };
    for (number, line) in joined(text) {
        let mut words = Words::new(number, &line, &reader.scenario.clock);
        if words.peek().is_some() {
            reader.line(&mut words)?;
        }
        if let Some(word) = words.peek() {
            return Err(words.wrong("the end of the line", word));
        }
    }
    reader.finish()
}

/// The lines with those that continue them, each with the number of its first.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    // A line that is a remark alone parts nothing.
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let said = line.split('#').next().unwrap_or_default();
        match lines.last_mut() {
            Some((_, above)) if said.starts_with(' ') => *above += said,
            _ => lines.push((i + 1, said.to_owned())),
        }
    }
    lines
}

#[derive(Default)]
pub(super) struct Reader {
    pub(super) scenario: Scenario,
    now: i64,
    shuffled: Option<u64>,
    /// What arrives once more, put behind everything else.
    repeats: Vec<Arrival>,
}

impl Reader {
    fn line(&mut self, words: &mut Words) -> Reading<()> {
        let verb = words.next("a line")?;
        if !self.scenario.versions.is_empty() && ["probe", "crowd", "calendar", "service", "target"].contains(&verb) {
            return Err(words.wrong("the first version before all others", verb));
        }
        match verb {
            "day" => self.scenario.read_day(words).map(|now| self.now = now),
            "probe" => self.probe(words),
            "also" => self.also(words),
            "during" => self.during(words),
            "late" => self.late(words),
            "again" => self.again(words),
            "shuffled" => words.parse("a number", |w| w.parse().ok()).map(|seed| self.shuffled = Some(seed)),
            "crowd" => words.parse("a number", |w| w.parse().ok()).map(|n| self.crowd(n)),
            "calendar" => self.scenario.read_calendar(words),
            "holiday" => self.scenario.read_holiday(words),
            "extra-day" => self.scenario.read_extra_day(words),
            "service" => self.service(words),
            "target" => self.scenario.read_target(words),
            "from" => self.version(words),
            "maintenance" => self.scenario.read_maintenance(words),
            "exclusion" => self.scenario.read_exclusion(words),
            "now" => words.time().map(|now| self.now = now),
            "expect" => {
                let check = read_expectation(&self.scenario, self.now, words)?;
                self.scenario.checks.push(check);
                Ok(())
            }
            other => Err(words.wrong(LINES, other)),
        }
    }

    fn probe(&mut self, words: &mut Words) -> Reading<()> {
        let (name, agent) = vantage(words)?;
        let known = self.scenario.probes.iter().position(|p| p.name == name);
        let mut probe = match known {
            Some(i) => self.scenario.probes.remove(i),
            None => Probe::new(&name),
        };
        let mut at = None;
        let mut stale = None;
        let mut agents = None;
        while let Some(option) = words.peek() {
            match option {
                "agents" => agents = Some(option_of(words, "agents such as here,geneva", listed)?),
                "every" => probe.interval_ms = option_of(words, "a length", length)?,
                "timeout" => probe.timeout_ms = option_of(words, "a length", length)?,
                "stale" => stale = Some(option_of(words, "a length", length)?),
                "fall" => probe.fall = option_of(words, "a number", |w| w.parse().ok())?,
                "rise" => probe.rise = option_of(words, "a number", |w| w.parse().ok())?,
                "quorum" => probe.quorum = Some(option_of(words, "a number", |w| w.parse().ok())?),
                "from" => {
                    words.next("from")?;
                    at = Some(words.time()?);
                }
                _ => break,
            }
        }
        if known.is_none() || stale.is_some() {
            probe.stale_after_ms = stale.unwrap_or(2 * probe.interval_ms + probe.timeout_ms);
        }
        if !probe.agents.contains(&agent) && (at.is_some() || words.peek().is_some()) {
            probe.agents.push(agent.clone());
        }
        probe.agents = agents.unwrap_or(probe.agents);
        while words.peek().is_some() {
            let (out, times) = words.parse("an outcome: up, slow, DOWN, unk or ..", outcomes)?;
            for _ in 0..times {
                let now = at.ok_or_else(|| words.wrong("`from` and a time before the outcomes", "none"))?;
                self.scenario.arrivals.extend(out.map(|out| Arrival::at_once(&name, &agent, now, out)));
                at = Some(now + probe.interval_ms);
            }
        }
        self.scenario.probes.push(probe);
        Ok(())
    }

    fn also(&mut self, words: &mut Words) -> Reading<()> {
        let (name, agent) = vantage(words)?;
        while words.peek().is_some() {
            let at = words.time()?;
            let (out, _) = words.parse("an outcome: up, slow, DOWN or unk", outcomes)?;
            self.scenario.arrivals.extend(out.map(|out| Arrival::at_once(&name, &agent, at, out)));
        }
        Ok(())
    }

    fn during(&mut self, words: &mut Words) -> Reading<()> {
        let word = words.next("a probe's name")?;
        let (name, agent) = word.split_once('@').map_or((word, None), |(name, agent)| (name, Some(agent)));
        let span = words.span("a span such as 08:00-09:00")?;
        let (said, _) = words.parse("an outcome: up, slow, DOWN, unk or ..", outcomes)?;
        let is_meant = |a: &Arrival| a.is_of(name, agent.unwrap_or(&a.agent), span);
        if !self.scenario.arrivals.iter().any(is_meant) {
            return Err(words.wrong("attempts in that span", "none"));
        }
        match said {
            None => self.scenario.arrivals.retain(|a| !is_meant(a)),
            Some((out, us)) => {
                for one in self.scenario.arrivals.iter_mut().filter(|a| is_meant(a)) {
                    (one.out, one.us) = (out, us);
                }
            }
        }
        Ok(())
    }

    fn late(&mut self, words: &mut Words) -> Reading<()> {
        let (name, agent) = vantage(words)?;
        let span = words.span("a span such as 08:00-09:00")?;
        let arrives = words.time_after("arrives")?.ok_or_else(|| words.wrong("`arrives` and a time", "none"))?;
        let mut touched = 0;
        for one in self.scenario.arrivals.iter_mut().filter(|a| a.is_of(&name, &agent, span)) {
            one.arrives_at = arrives;
            touched += 1;
        }
        if touched == 0 { Err(words.wrong("attempts in that span", "none")) } else { Ok(()) }
    }

    fn again(&mut self, words: &mut Words) -> Reading<()> {
        let (name, agent) = vantage(words)?;
        let span = words.span("a span such as 08:00-09:00")?;
        let arrives = words.time_after("arrives")?;
        let before = self.repeats.len();
        for one in self.scenario.arrivals.iter().filter(|a| a.is_of(&name, &agent, span)) {
            self.repeats.push(Arrival { arrives_at: arrives.unwrap_or(one.arrives_at), ..one.clone() });
        }
        if self.repeats.len() == before { Err(words.wrong("attempts in that span", "none")) } else { Ok(()) }
    }

    fn service(&mut self, words: &mut Words) -> Reading<()> {
        let name = words.next("the service's name")?.to_owned();
        let since = words.time_after("since")?;
        let calendar = if words.take("calendar") { Some(self.scenario.known_calendar(words)?) } else { None };
        if !words.take("=") {
            let found = words_or_end(words);
            return Err(words.wrong("=", found));
        }
        let expr = self.expression(words, &name)?;
        self.scenario.services.push(Service { name, since, calendar, expr });
        Ok(())
    }

    /// `all A B`, `any A (all B C)`, `at_least 2 A B C`.
    pub(super) fn expression(&mut self, words: &mut Words, service: &str) -> Reading<Expr> {
        let kind = words.next("all, any or at_least")?;
        let k = match kind {
            "all" | "any" => 0,
            "at_least" => words.parse("a number", |w| w.parse().ok())?,
            other => return Err(words.wrong("all, any or at_least", other)),
        };
        let mut operands = Vec::new();
        while let Some(word) = words.peek().filter(|w| *w != ")") {
            words.next("an operand")?;
            if word == "(" {
                operands.push(self.expression(words, service)?);
                words.parse(")", |w| (w == ")").then_some(()))?;
            } else {
                operands.push(self.operand(words, service, word)?);
            }
        }
        match kind {
            "all" if !operands.is_empty() => Ok(Expr::All(operands)),
            "any" if !operands.is_empty() => Ok(Expr::Any(operands)),
            "at_least" if (1..=operands.len()).contains(&(k as usize)) => Ok(Expr::AtLeast(k, operands)),
            _ => Err(words.wrong("at least one operand, and as many as are asked for", "fewer")),
        }
    }

    fn operand(&mut self, words: &Words, service: &str, name: &str) -> Reading<Expr> {
        if let Some(probe) = self.scenario.probes.iter_mut().find(|p| p.name == name) {
            if !probe.service.is_empty() && probe.service != service {
                return Err(words.wrong("a probe of no other service (name that service instead)", name));
            }
            service.clone_into(&mut probe.service);
            return Ok(Expr::Probe(name.to_owned()));
        }
        if self.scenario.services.iter().any(|s| s.name == name) {
            return Ok(Expr::Service(name.to_owned()));
        }
        Err(words.wrong("a probe or service from further up", name))
    }

    /// Other services, each with a probe of its own that fails now and then, on the day of the scenario.
    fn crowd(&mut self, number: u32) {
        let day = self.scenario.arrivals.iter().map(|a| a.at).min().unwrap_or(super::MIDNIGHT_MS);
        for i in 1..=number {
            let name = format!("crowd-{i}");
            let probe = Probe { agents: vec![HERE.to_owned()], service: name.clone(), ..Probe::new("probe") };
            let probe = Probe { name: format!("{name}-probe"), ..probe };
            for minute in 0..60 {
                let fails = (minute * 7 + i64::from(i) * 13) % 11 < 4;
                let out = if fails { Out::Down } else { Out::Up };
                self.scenario.arrivals.push(Arrival::at_once(&probe.name, HERE, day + minute * 60_000, (out, None)));
            }
            let expr = Expr::All(vec![Expr::Probe(probe.name.clone())]);
            self.scenario.probes.push(probe);
            self.scenario.services.push(Service::new(&name, expr));
        }
    }

    /// Gives probes without a service one of their own.
    pub(super) fn all_in_services(&mut self) {
        for probe in self.scenario.probes.iter_mut().filter(|p| p.service.is_empty()) {
            probe.service.clone_from(&probe.name);
            let expr = Expr::All(vec![Expr::Probe(probe.name.clone())]);
            self.scenario.services.push(Service::new(&probe.name, expr));
        }
    }

    /// Puts the arrivals in order.
    fn finish(mut self) -> Result<Scenario, String> {
        self.all_in_services();
        let mut scenario = self.scenario;
        let vantages: BTreeSet<(&str, &str)> =
            scenario.ever_probes().flat_map(|p| p.agents.iter().map(|a| (p.name.as_str(), a.as_str()))).collect();
        for one in &scenario.arrivals {
            if !vantages.contains(&(one.probe.as_str(), one.agent.as_str())) {
                return Err(format!("{}@{} was never assigned by a `probe` line", one.probe, one.agent));
            }
        }
        scenario.arrivals.extend(self.repeats);
        scenario.arrivals.sort_by_key(|a| a.arrives_at);
        if let Some(seed) = self.shuffled {
            shuffle(&mut scenario.arrivals, seed);
        }
        Ok(scenario)
    }
}

/// What a line begins with.
const LINES: &str = "day, probe, also, during, late, again, shuffled, crowd, calendar, holiday, extra-day, service, target, \
                     from, maintenance, exclusion, now, expect";

/// The agent of a probe line that names none.
const HERE: &str = "here";

impl Probe {
    /// A probe with the defaults of the rules, every 60 s with 5 s to answer.
    fn new(name: &str) -> Self {
        let (interval_ms, timeout_ms) = (60_000, 5_000);
        let stale_after_ms = 2 * interval_ms + timeout_ms;
        let (name, service, agents) = (name.to_owned(), String::new(), Vec::new());
        Self { name, service, interval_ms, timeout_ms, stale_after_ms, fall: 2, rise: 1, quorum: None, agents }
    }
}

impl Arrival {
    fn at_once(probe: &str, agent: &str, at: i64, (out, us): (Out, Option<u64>)) -> Self {
        Self { probe: probe.to_owned(), agent: agent.to_owned(), at, out, us, arrives_at: at }
    }

    fn is_of(&self, probe: &str, agent: &str, span: Span) -> bool {
        self.probe == probe && self.agent == agent && (span.0..span.1).contains(&self.at)
    }
}

pub(super) fn option_of<T>(words: &mut Words, what: &str, read: impl FnOnce(&str) -> Option<T>) -> Reading<T> {
    words.next("an option")?;
    words.parse(what, read)
}

/// Names with commas between them.
pub(super) fn listed(word: &str) -> Option<Vec<String>> {
    word.split(',').map(|name| (!name.is_empty()).then(|| name.to_owned())).collect()
}

fn vantage(words: &mut Words) -> Reading<(String, String)> {
    let word = words.next("a probe's name")?;
    let (name, agent) = word.split_once('@').unwrap_or((word, HERE));
    Ok((name.to_owned(), agent.to_owned()))
}

fn words_or_end<'a>(words: &mut Words<'a>) -> &'a str {
    words.peek().unwrap_or("the end of the line")
}

/// Another order, always the same for the same seed.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for i in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(i, ((state >> 33) as usize) % (i + 1));
    }
}
