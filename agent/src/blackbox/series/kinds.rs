//! The series of each kind of probe, beside those that all have.

use hyper::Version;
use uphold_common::observation::{Cause, Micros};
use uphold_common::wire::check::RecordType;

use super::secured::{self, EARLIEST};
use super::{Families, flag, seconds, whole};
use crate::probe::grpc::Health;
use crate::probe::noted::Head;
use crate::probe::{Facts, Happened, Judged, Seen};

const BY_REGEX: (&str, &str) = ("probe_failed_due_to_regex", "Indicates if probe failed due to regex");
/// What gRPC calls a deadline that has passed, and a server that cannot be reached.
const DEADLINE_EXCEEDED: u16 = 4;
const UNAVAILABLE: u16 = 14;

fn seen(facts: Option<&Facts>) -> Option<&Seen> {
    match &facts?.happened {
        Happened::Answered(answer) => Some(&answer.seen),
        _ => None,
    }
}

/// Whether an expression did not match, or one did that must not.
fn by_regex(facts: Option<&Facts>) -> bool {
    let judged = match facts.map(|facts| &facts.happened) {
        Some(Happened::Answered(answer)) => &answer.judged,
        _ => return false,
    };
    matches!(judged, Judged::Unexpected(Cause::Header | Cause::Body))
}

pub(super) fn http(families: &mut Families, facts: Option<&Facts>, follows: bool) {
    let head = facts.and_then(|facts| facts.noted.head.as_ref());
    families.one(BY_REGEX.0, BY_REGEX.1, flag(by_regex(facts)));
    families.one("probe_http_status_code", "Response HTTP status code", head.map_or(0.0, |head| f64::from(head.code)));
    let version = head.map_or(0.0, |head| number(head.version));
    families.one("probe_http_version", "Returns the version of HTTP of the probe response", version);
    let secure = head.is_some_and(|head| head.secure);
    families.one("probe_http_ssl", "Indicates if SSL was used for the final redirect", flag(secure));
    let redirects = facts.map_or(0, |facts| facts.noted.redirects);
    families.one("probe_http_redirects", "The number of redirects", f64::from(redirects));
    let length = head.map_or(0.0, |head| head.length.map_or(-1.0, whole));
    families.one("probe_http_content_length", "Length of http content response", length);
    if let Some(length) = body_length(facts, head, follows) {
        families.one("probe_http_uncompressed_body_length", "Length of uncompressed response body", length);
    }
    if let Some(at_s) = head.and_then(|head| head.last_modified_s) {
        let help = "Returns the Last-Modified HTTP response header in unixtime";
        families.one("probe_http_last_modified_timestamp_seconds", help, whole(at_s));
    }
    let Some(facts) = facts else { return };
    let phases = &facts.phases;
    let mut told = vec![("resolve", seconds(if resolved(facts) { phases.resolve } else { facts.total }))];
    if resolved(facts) {
        told.push(("connect", seconds(phases.connect)));
        told.push(("tls", seconds(phases.tls)));
        told.push(("processing", seconds(phases.first_byte)));
        told.push(("transfer", seconds(phases.transfer)));
    }
    let help = "Duration of http request by phase, summed over all redirects";
    families.phases("probe_http_duration_seconds", help, &told);
    if let Some(session) = facts.session.as_ref().filter(|_| secure) {
        secured::tell(families, session);
    }
}

fn resolved(facts: &Facts) -> bool {
    facts.noted.address.is_some()
}

fn number(version: Version) -> f64 {
    match version {
        Version::HTTP_10 => 1.0,
        Version::HTTP_2 => 2.0,
        _ => 1.1,
    }
}

/// How long the body was; nothing when that is not known, because it was not read to its end.
fn body_length(facts: Option<&Facts>, head: Option<&Head>, follows: bool) -> Option<f64> {
    let (Some(facts), Some(_)) = (facts, head) else { return Some(0.0) };
    match &facts.happened {
        // The page of a redirect is of no interest.
        Happened::Redirected(_) => Some(0.0),
        Happened::Answered(_) if !follows && facts.noted.redirects > 0 => Some(0.0),
        Happened::Answered(answer) => match &answer.seen {
            Seen::Http(seen) if !seen.body_cut => Some(whole(seen.body_bytes)),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn tcp(families: &mut Families, facts: Option<&Facts>) {
    families.one(BY_REGEX.0, BY_REGEX.1, flag(by_regex(facts)));
    if let Some(session) = facts.and_then(|facts| facts.session.as_ref()) {
        secured::tell(families, session);
    }
}

pub(super) fn icmp(families: &mut Families, facts: Option<&Facts>) {
    let Some(facts) = facts else { return };
    let round_trip_us = match seen(Some(facts)) {
        Some(Seen::Icmp(seen)) => seen.middle_us,
        _ => 0,
    };
    let resolve = seconds(if resolved(facts) { facts.phases.resolve } else { facts.total });
    let (setup, rtt) = (seconds(facts.noted.setup), seconds(Micros::new(round_trip_us)));
    let phases = [("resolve", resolve), ("setup", setup), ("rtt", rtt)];
    families.phases("probe_icmp_duration_seconds", "Duration of icmp request by phase", &phases);
}

pub(super) fn dns(families: &mut Families, facts: Option<&Facts>, record: RecordType) {
    let answer = match seen(facts) {
        Some(Seen::Dns(seen)) => Some(seen),
        _ => None,
    };
    let [answers, authority, additional] = answer.map_or([0; 3], |seen| seen.records).map(f64::from);
    let help = "Returns number of entries in the answer resource record list";
    families.one("probe_dns_answer_rrs", help, answers);
    let help = "Returns number of entries in the authority resource record list";
    families.one("probe_dns_authority_rrs", help, authority);
    let help = "Returns number of entries in the additional resource record list";
    families.one("probe_dns_additional_rrs", help, additional);
    let help = "Displays whether or not the query was executed successfully";
    families.one("probe_dns_query_succeeded", help, flag(answer.is_some()));
    if let Some(seen) = answer.filter(|_| record == RecordType::Soa) {
        let serial = seen.answers.iter().find_map(|text| text.split(' ').nth(2)?.parse::<u32>().ok());
        families.one("probe_dns_serial", "Returns the serial number of the zone", serial.map_or(0.0, f64::from));
    }
    let Some(facts) = facts else { return };
    let [resolve, connect] = [facts.phases.resolve, facts.phases.connect].map(seconds);
    let resolve = if resolved(facts) { resolve } else { seconds(facts.total) };
    let request = (seconds(facts.total) - resolve - connect).max(0.0);
    let phases = [("resolve", resolve), ("connect", connect), ("request", request)];
    families.phases("probe_dns_duration_seconds", "Duration of DNS request by phase", &phases);
}

pub(super) fn grpc(families: &mut Families, facts: Option<&Facts>) {
    let health = match seen(facts) {
        Some(Seen::Health(seen)) => Some(*seen),
        _ => None,
    };
    let words = [
        ("UNKNOWN", Health::Unknown),
        ("SERVING", Health::Serving),
        ("NOT_SERVING", Health::NotServing),
        ("SERVICE_UNKNOWN", Health::ServiceUnknown),
    ];
    let said = health.and_then(|seen| seen.health);
    let called = facts.is_some_and(resolved);
    for (word, of) in words.into_iter().filter(|_| called) {
        let labels = vec![("serving_status", word.to_owned())];
        let help = "Response HealthCheck response";
        families.with("probe_grpc_healthcheck_response", help, labels, flag(said == Some(of)));
    }
    let code = match (health, facts.map(|facts| &facts.happened)) {
        (Some(seen), _) => seen.status,
        (None, _) if !called => 0,
        (None, Some(Happened::TimedOut)) => DEADLINE_EXCEEDED,
        _ => UNAVAILABLE,
    };
    families.one("probe_grpc_status_code", "Response gRPC status code", f64::from(code));
    let session = facts.and_then(|facts| facts.session.as_ref()).filter(|_| said.is_some());
    families.one("probe_grpc_ssl", "Indicates if SSL was used for the connection", flag(session.is_some()));
    let chain = session.and_then(|session| session.chain.as_ref());
    families.one(EARLIEST.0, EARLIEST.1, chain.map_or(0.0, |chain| secured::unix_s(chain.chain_until)));
    if let Some(session) = session {
        secured::whose(families, session);
    }
    let Some(facts) = facts else { return };
    let resolve = seconds(if called { facts.phases.resolve } else { facts.total });
    let mut phases = vec![("resolve", resolve)];
    if called {
        phases.push(("check", (seconds(facts.total) - resolve).max(0.0)));
    }
    families.phases("probe_grpc_duration_seconds", "Duration of gRPC request by phase", &phases);
}
