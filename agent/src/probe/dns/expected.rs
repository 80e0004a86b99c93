//! What an answer must be, and how one stands against it; pure.
//!
//! What is said of answers holds where the code is NOERROR; no other code has answers to speak of.

use std::collections::BTreeSet;

use regex::Regex;
use uphold_common::catalogue::body_pattern;
use uphold_common::observation::Cause;
use uphold_common::wire::check::DnsCheck;

use super::super::{Judged, said};
use super::message::{DnsSeen, written};

/// What an answer must be.
#[derive(Debug)]
pub(super) struct Expected {
    rcodes: Vec<u16>,
    answers: BTreeSet<String>,
    contains: BTreeSet<String>,
    matches: Option<Regex>,
    at_least: usize,
    authoritative: bool,
    authenticated: bool,
}

impl Expected {
    /// Compiles the expression.
    pub(super) fn new(check: &DnsCheck) -> Result<Self, String> {
        let matches = check.matches.as_deref().map(body_pattern).transpose();
        let all = |texts: &[String]| texts.iter().map(|text| written(check.record, text)).collect();
        Ok(Self {
            rcodes: check.rcodes.iter().map(|rcode| *rcode as u16).collect(),
            answers: all(&check.answers),
            contains: all(&check.contains),
            matches: matches.map_err(|why| format!("the expression for answers is not understood: {why}"))?,
            at_least: usize::try_from(check.at_least).unwrap_or(usize::MAX),
            authoritative: check.authoritative,
            authenticated: check.authenticated,
        })
    }

    /// How an answer stands against it, and what is not as expected.
    pub(super) fn judge(&self, seen: &DnsSeen) -> (Judged, Option<String>) {
        if !self.rcodes.contains(&seen.rcode) {
            return (Judged::Unexpected(Cause::Code), None);
        }
        match self.unexpected(seen) {
            Some(what) => (Judged::Unexpected(Cause::Body), Some(what)),
            None => (Judged::Expected, None),
        }
    }

    fn unexpected(&self, seen: &DnsSeen) -> Option<String> {
        if self.authoritative && !seen.authoritative {
            return Some("the server does not answer out of its own zone".to_owned());
        }
        if self.authenticated && !seen.authenticated {
            return Some("the server did not check the signatures".to_owned());
        }
        if seen.rcode != 0 {
            return None;
        }
        let is_there = |wanted: &String| seen.answers.contains(wanted);
        if let Some(missing) = self.answers.union(&self.contains).find(|wanted| !is_there(wanted)) {
            return Some(format!("{} is missing", said(missing)));
        }
        let odd = seen.answers.iter().find(|answer| !self.answers.is_empty() && !self.answers.contains(*answer));
        if let Some(odd) = odd {
            return Some(format!("{} was not expected", said(odd)));
        }
        if seen.answers.len() < self.at_least {
            return Some(format!("{} are expected at least", self.at_least));
        }
        let matched = |expression: &Regex| seen.answers.iter().any(|answer| expression.is_match(answer));
        self.matches.as_ref().filter(|expression| !matched(expression)).map(|_| "none matches".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::wire::check::{Over, Rcode, RecordType};

    use super::*;

    fn expected(change: impl FnOnce(&mut DnsCheck)) -> Expected {
        let mut check = DnsCheck {
            name: "shop.example".to_owned(),
            record: RecordType::A,
            server: None,
            over: Over::Udp,
            recursive: true,
            rcodes: vec![Rcode::NoError],
            answers: Vec::new(),
            contains: Vec::new(),
            matches: None,
            at_least: 1,
            authoritative: false,
            authenticated: false,
        };
        change(&mut check);
        Expected::new(&check).unwrap()
    }

    fn seen(rcode: u16, answers: &[&str]) -> DnsSeen {
        let answers = answers.iter().map(|text| (*text).to_owned()).collect();
        DnsSeen { rcode, authoritative: false, authenticated: false, records: [0; 3], answers, unexpected: None }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn answers_are_held_against_what_is_expected() {
        let (one, both) = (&["192.0.2.1"][..], &["192.0.2.2", "192.0.2.1"][..]);
        let wanted: Vec<(Expected, u16, &[&str], &str)> = vec![
            (expected(|_| ()), 0, one, ""),
            (expected(|_| ()), 0, &[], "1 are expected"),
            (expected(|check| check.at_least = 0), 0, &[], ""),
            (expected(|check| check.at_least = 3), 0, both, "3 are expected"),
            (expected(|check| check.answers = texts(both)), 0, both, ""),
            (expected(|check| check.answers = texts(&["192.0.2.1", "192.0.2.2"])), 0, both, ""),
            (expected(|check| check.answers = texts(one)), 0, both, "192.0.2.2 was not expected"),
            (expected(|check| check.answers = texts(both)), 0, one, "192.0.2.2 is missing"),
            (expected(|check| check.contains = texts(one)), 0, both, ""),
            (expected(|check| check.contains = texts(&["192.0.2.3"])), 0, both, "192.0.2.3 is missing"),
            (expected(|check| check.matches = Some("\\.2$".to_owned())), 0, both, ""),
            (expected(|check| check.matches = Some("\\.2$".to_owned())), 0, one, "none matches"),
            (expected(|check| check.authoritative = true), 0, one, "its own zone"),
            (expected(|check| check.authenticated = true), 0, one, "signatures"),
            (expected(|check| check.rcodes.push(Rcode::NxDomain)), 3, &[], ""),
        ];
        for (expected, rcode, answers, why) in wanted {
            let (judged, unexpected) = expected.judge(&seen(rcode, answers));
            let verdict = if why.is_empty() { Judged::Expected } else { Judged::Unexpected(Cause::Body) };
            assert_eq!(judged, verdict, "{expected:?} {answers:?}");
            assert!(unexpected.unwrap_or_default().contains(why), "{expected:?} {answers:?}");
        }
        for rcode in [2, 3, 5, 23] {
            let (judged, _) = expected(|_| ()).judge(&seen(rcode, one));
            assert_eq!(judged, Judged::Unexpected(Cause::Code), "{rcode}");
        }
        let mut full = seen(0, one);
        (full.authoritative, full.authenticated) = (true, true);
        let asks_all = expected(|check| (check.authoritative, check.authenticated) = (true, true));
        assert_eq!(asks_all.judge(&full), (Judged::Expected, None));
    }
}
