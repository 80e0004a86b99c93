//! Probes: who asks what of whom, how often, and how long an answer speaks.

use std::ops::RangeInclusive;

use regex::{Regex, RegexBuilder};

use super::MEMBERS_MAX;
use super::sections::Names;
use crate::catalogue::model::Probe;
use crate::ids::{Id, ProbeId};
use crate::time::DAY_MS;
use crate::wire::assignment::{Check, HttpCheck, TcpCheck};
use crate::yaml::declared::Item;
use crate::yaml::problem::{Read, Told};
use crate::yaml::scalars::exact_duration;
use crate::yaml::walk::{At, Keys};

/// Largest compiled body pattern, in bytes.
pub const BODY_PATTERN_SIZE_MAX: usize = 1024 * 1024;

const INTERVAL_MS: RangeInclusive<i64> = 100..=DAY_MS;
const TIMEOUT_MS: RangeInclusive<i64> = 1..=600_000;
const STALE_AFTER_MS: RangeInclusive<i64> = 1..=31 * DAY_MS;
const RUN: RangeInclusive<u32> = 1..=100;
/// May be more than there are agents: then the worst of them decides, as the rules say.
const QUORUM: RangeInclusive<u32> = 1..=1_000;
const CODE: RangeInclusive<u32> = 100..=599;

/// What the contract lets a probe ask, and this release does not.
const CHECKS_NOT_YET: [&str; 9] =
    ["dns", "tls", "icmp", "exec", "prometheus", "grpc", "systemd", "process", "heartbeat"];

/// One probe of a service.
pub(super) fn probe(
    item: &Item<'_>,
    service: Result<&Id, &Told>,
    names: &Names,
    pattern_size_max: usize,
) -> Read<Probe> {
    item.mapping(|keys| {
        let component = keys.optional("component", |at| names.components.refer(at));
        let agents = keys.required("agents", |at| names.agents.chosen(at));
        let timing = Timing::read(keys);
        let fall = keys.or("fall", 2, |at| at.small_count(RUN));
        let rise = keys.or("rise", 1, |at| at.small_count(RUN));
        let quorum = keys.optional("quorum", |at| at.small_count(QUORUM));
        let slow_after = keys.optional("slow_after", |at| slow_after(at, timing.as_ref().ok()));
        let confirm_after = keys.optional("confirm_after", |at| confirm_after(at, timing.as_ref().ok()));
        let check = check(keys, pattern_size_max);
        confirm_after?;
        let timing = timing?;
        Ok(Probe {
            id: ProbeId::new(service.map_err(|told| *told)?.clone(), item.id.clone()?),
            component: component?,
            agents: agents?,
            interval_ms: timing.interval_ms,
            timeout_ms: timing.timeout_ms,
            stale_after_ms: timing.stale_after_ms,
            fall: fall?,
            rise: rise?,
            quorum: quorum?,
            slow_after_ms: slow_after?,
            check: check?,
        })
    })
}

fn slow_after(at: &At<'_>, timing: Option<&Timing>) -> Read<i64> {
    let slow_after = at.duration_ms(TIMEOUT_MS)?;
    match timing {
        Some(timing) if slow_after > timing.timeout_ms => {
            let timeout = exact_duration(timing.timeout_ms);
            Err(at.problem(format!("no answer is ever this slow: the timeout is {timeout}")))
        }
        _ => Ok(slow_after),
    }
}

/// When agents should ask again after a first failure. It changes no figure, and agents do not act on it yet: that is said.
fn confirm_after(at: &At<'_>, timing: Option<&Timing>) -> Read<()> {
    let confirm_after = at.duration_ms(TIMEOUT_MS)?;
    match timing {
        Some(timing) if confirm_after > timing.interval_ms => {
            let interval = exact_duration(timing.interval_ms);
            Err(at.problem(format!("the next attempt is made before: the interval is {interval}")))
        }
        _ => {
            at.remark("agents do not act on this yet: after a failure the next attempt follows with the interval");
            Ok(())
        }
    }
}

/// The three lengths that have to fit each other.
#[expect(clippy::struct_field_names, reason = "the unit belongs to the name")]
struct Timing {
    interval_ms: i64,
    timeout_ms: i64,
    stale_after_ms: i64,
}

impl Timing {
    fn read(keys: &Keys<'_>) -> Read<Self> {
        let interval = keys.required("interval", |at| at.duration_ms(INTERVAL_MS));
        let timeout = keys.required("timeout", |at| {
            let timeout = at.duration_ms(TIMEOUT_MS)?;
            match interval {
                Ok(interval) if timeout > interval => {
                    let interval = exact_duration(interval);
                    Err(at.problem(format!("longer than the interval of {interval}: attempts would overlap")))
                }
                _ => Ok(timeout),
            }
        });
        let stale_after = keys.optional("stale_after", |at| {
            let stale_after = at.duration_ms(STALE_AFTER_MS)?;
            match (interval, timeout) {
                (Ok(interval), Ok(timeout)) if stale_after < interval + timeout => {
                    let least = exact_duration(interval + timeout);
                    Err(at.problem(format!("shorter than interval + timeout, {least}: there would be gaps in between")))
                }
                _ => Ok(stale_after),
            }
        });
        let (interval_ms, timeout_ms) = (interval?, timeout?);
        let stale_after_ms = stale_after?.unwrap_or(2 * interval_ms + timeout_ms);
        Ok(Self { interval_ms, timeout_ms, stale_after_ms })
    }
}

/// Exactly one of the kinds of check.
fn check(keys: &Keys<'_>, pattern_size_max: usize) -> Read<Check> {
    let http = keys.optional("http", |at| http(at, pattern_size_max));
    let tcp = keys.optional("tcp", tcp);
    let not_yet = keys.not_yet(&CHECKS_NOT_YET);
    match (http?, tcp?) {
        (Some(_), Some(_)) => Err(keys.at().problem("a probe asks one thing, not both \"http\" and \"tcp\"")),
        (None, None) => {
            not_yet?;
            Err(keys.at().problem("what is asked is missing: \"http\" or \"tcp\""))
        }
        (Some(check), None) | (None, Some(check)) => not_yet.map(|()| check),
    }
}

/// `{ url: "https://shop.example/health", expect: { code: [200], body_matches: "ok" } }`
fn http(at: &At<'_>, pattern_size_max: usize) -> Read<Check> {
    at.mapping(|keys| {
        let url = keys.required("url", At::url);
        let expect = keys.or("expect", (Vec::new(), None), |at| expect(at, pattern_size_max));
        let (url, (codes, body_matches)) = (url?, expect?);
        Ok(Check::Http(HttpCheck { url, codes, body_matches }))
    })
}

fn expect(at: &At<'_>, pattern_size_max: usize) -> Read<(Vec<u16>, Option<String>)> {
    at.mapping(|keys| {
        let codes = keys.or("code", Vec::new(), |at| at.set("codes", MEMBERS_MAX, code));
        let body_matches = keys.optional("body_matches", |at| {
            let pattern = at.text()?;
            body_pattern_within(&pattern, pattern_size_max)
                .map_err(|why| at.problem(format!("the regular expression cannot be used: {why}")))?;
            Ok(pattern)
        });
        Ok((codes?, body_matches?))
    })
}

fn code(at: &At<'_>) -> Read<u16> {
    u16::try_from(at.small_count(CODE)?).map_err(|_| at.expected("an HTTP code"))
}

/// `{ address: "192.0.2.1:443" }`
fn tcp(at: &At<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let address = keys.required("address", At::host_and_port);
        Ok(Check::Tcp(TcpCheck { address: address? }))
    })
}

/// Compiles the pattern of a body under the bound that holds everywhere: the catalogue refuses what an agent would.
pub fn body_pattern(pattern: &str) -> Result<Regex, String> {
    body_pattern_within(pattern, BODY_PATTERN_SIZE_MAX)
}

/// As [`body_pattern`], under a bound that may be lower.
fn body_pattern_within(pattern: &str, size_max: usize) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(size_max.min(BODY_PATTERN_SIZE_MAX)).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(bytes) => format!("larger than {bytes} bytes once compiled"),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    })
}
