//! Trying what is about to be written: is there a way to the collector, is the token taken, is the agent known there, and do
//! the clocks agree? Whatever is wrong is told with what would put it right.

use uphold_common::ids::Id;
use uphold_common::time::Instant;
use url::Url;

use crate::assignment::{self, FetchError, Heard};
use crate::clock::Clock;
use crate::config::shown;
use crate::refusal::Refusal;
use crate::remote::{Remote, RemoteError, Trouble};

/// Above this the clocks do not agree, and observations would be put at the wrong instants.
const OFFSET_MS_MAX: i64 = 10_000;
/// The collector's clock is told by the second.
const DATE_MS: i64 = 1_000;

/// Asks one collector, and says what is as it should be, and what is not.
pub(super) async fn ask(remote: &Remote, collector: &Url, agent: &Id, clock: &Clock) -> Vec<Result<String, String>> {
    let asked = clock.now();
    let (heard, date) = assignment::fetch_dated(remote, collector, agent).await;
    let collector = shown(collector);
    let mut findings = vec![
        of_answer(&heard, agent)
            .map_or_else(|wrong| Err(format!("{collector} {wrong}")), |fine| Ok(format!("{collector} {fine}"))),
    ];
    findings.extend(date.map(|date| of_clocks(offset_ms(asked, clock.now(), date), &collector)));
    findings
}

/// What an answer says of the way, the token and the name.
fn of_answer(heard: &Result<Heard, FetchError>, agent: &Id) -> Result<String, String> {
    match heard {
        Ok(Heard::New(_, assignment)) => {
            let (probes, hosts) = (assignment.probes.len(), assignment.hosts.len());
            if probes + hosts > 0 {
                return Ok(format!("assigns {probes} probes and {hosts} hosts to {agent}"));
            }
            Err(format!(
                "knows no agent {agent}: its catalogue assigns nothing to that name; name the agent there, give another \
                 --name, or enrol it before that with --no-try"
            ))
        }
        Ok(Heard::Same) => Ok("answers".to_owned()),
        Err(FetchError::Refused(refusal)) => Err(of_refusal(refusal)),
        Err(FetchError::Remote(error)) => Err(of_no_answer(error)),
        Err(FetchError::Failed(text)) => Err(format!("answers, but {text}: is it a collector?")),
    }
}

fn of_refusal(refusal: &Refusal) -> String {
    let meaning = match (refusal.status, refusal.kind.rsplit(':').next()) {
        (401, Some("no-token")) => "asks for a token: give --token-file",
        (401, _) => "refuses the token: it is not one that the collector gave, or it has ended",
        (403, _) => "refuses the token for this agent: it is another agent's, or not one for agents",
        (404 | 405, Some("")) => "is no collector there: look at the path of the URL",
        (421, _) => "does not go by this host name: list it under hosts in the collector's configuration",
        (300..=399, _) => "sends elsewhere, which agents do not follow: give the address that it sends to",
        (500..=599, _) => "cannot answer now: try again",
        _ => "refuses",
    };
    format!("{meaning} ({refusal})")
}

fn of_no_answer(error: &RemoteError) -> String {
    let RemoteError::NoAnswer { trouble, text } = error else { return format!("answers, but {error}") };
    let meaning = match trouble {
        Trouble::Name => "cannot be found: its name leads to no address",
        Trouble::Refused => "is not there: nobody listens at this address and port",
        Trouble::NoRoute => "cannot be reached: no route leads there from this host",
        Trouble::TimedOut => "does not answer in time: a firewall may be between, or the address is another's",
        Trouble::Certificate => "shows a certificate that is not accepted: see --ca-file, and this host's clock",
        Trouble::NoTls => "does not speak TLS there: perhaps the URL begins with http://",
        Trouble::NoHttp => "does not speak HTTP there: perhaps the URL begins with https://",
        Trouble::Other => "cannot be reached",
    };
    format!("{meaning} ({text})")
}

/// By how much this host's clock is ahead of the collector's at least, or behind it if that is negative. `date` was read
/// between the two instants, and is the second that had begun.
fn offset_ms(asked: Instant, answered: Instant, date: Instant) -> i64 {
    let ahead = asked.as_ms().saturating_sub(date.as_ms()).saturating_sub(DATE_MS);
    let behind = date.as_ms().saturating_sub(answered.as_ms());
    if ahead > 0 { ahead } else { -behind.max(0) }
}

fn of_clocks(offset_ms: i64, collector: &str) -> Result<String, String> {
    if offset_ms.abs() <= OFFSET_MS_MAX {
        return Ok("this host's clock agrees with the collector's".to_owned());
    }
    let (seconds, way) = (offset_ms.abs() / 1_000, if offset_ms > 0 { "ahead of" } else { "behind" });
    Err(format!(
        "this host's clock is {seconds} s {way} that of {collector}: what it observes would count at the wrong time; set it, \
         as by timedatectl set-ntp true"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use uphold_common::wire::assignment::Assignment;

    fn told(heard: &Result<Heard, FetchError>) -> Result<String, String> {
        of_answer(heard, &Id::new("zurich-1").unwrap())
    }

    #[test]
    fn whatever_is_wrong_is_told_with_what_puts_it_right() {
        let refused = |status, kind: &str| {
            let kind = if kind.is_empty() { String::new() } else { format!("urn:uphold:problem:{kind}") };
            FetchError::Refused(Refusal { status, kind, detail: "its own words".to_owned() })
        };
        let no_answer =
            |trouble| FetchError::Remote(RemoteError::NoAnswer { trouble, text: "its own words".to_owned() });
        for (error, words) in [
            (refused(401, "no-token"), "give --token-file"),
            (refused(401, "unknown-token"), "refuses the token"),
            (refused(403, "not-allowed"), "another agent's"),
            (refused(404, ""), "no collector there"),
            (refused(404, "not-found"), "refuses ("),
            (refused(421, "wrong-host"), "under hosts"),
            (refused(302, ""), "sends elsewhere"),
            (refused(503, "stopping"), "try again"),
            (no_answer(Trouble::Name), "no address"),
            (no_answer(Trouble::Refused), "nobody listens"),
            (no_answer(Trouble::NoRoute), "no route"),
            (no_answer(Trouble::TimedOut), "in time"),
            (no_answer(Trouble::Certificate), "--ca-file"),
            (no_answer(Trouble::NoTls), "http://"),
            (no_answer(Trouble::NoHttp), "https://"),
            (no_answer(Trouble::Other), "cannot be reached"),
        ] {
            let wrong = told(&Err(error.clone())).unwrap_err();
            assert!(wrong.contains(words) && wrong.contains("its own words"), "{error}: {wrong}");
        }
        let nothing = told(&Ok(Heard::New(None, Arc::default()))).unwrap_err();
        assert!(nothing.contains("knows no agent zurich-1") && nothing.contains("--no-try"), "{nothing}");
        let assignment = Assignment { probes: Vec::new(), hosts: vec![Id::new("web-1").unwrap()] };
        assert_eq!(
            told(&Ok(Heard::New(None, Arc::new(assignment)))).unwrap(),
            "assigns 0 probes and 1 hosts to zurich-1"
        );
    }

    #[test]
    fn clocks_agree_as_far_as_a_date_of_whole_seconds_can_tell() {
        let at = Instant::from_ms;
        for (asked, answered, date, offset) in [
            (10_000, 10_100, 10_000, 0),
            (10_999, 11_001, 10_000, 0),
            (10_000, 12_000, 11_000, 0),
            (21_000, 21_100, 10_000, 10_000),
            (10_000, 10_100, 30_100, -20_000),
        ] {
            assert_eq!(offset_ms(at(asked), at(answered), at(date)), offset, "{asked} {answered} {date}");
        }
        for (offset, words) in [(10_001, "10 s ahead of"), (-75_000, "75 s behind")] {
            let wrong = of_clocks(offset, "https://c.example").unwrap_err();
            assert!(wrong.contains(words), "{wrong}");
        }
        assert!(of_clocks(-10_000, "https://c.example").is_ok());
    }
}
