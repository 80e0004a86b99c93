//! From the facts of an attempt to its verdict: a total function, and pure.
//!
//! | what happened | outcome |
//! |---|---|
//! | answered as expected | `up`, above `slow_after` `degraded` |
//! | answered that it works, but not well | `degraded` |
//! | answered that it cannot say | `unknown` |
//! | another code, another body, not its protocol, no TLS, redirected too often, refused, broken, unresolved, too late | `down` |
//! | the agent itself had no route, port, handle, memory or permission, or its host does not accept the probe | `unknown` |
//!
//! Silence of the network counts against the service; only what the agent knows to be its own fault does not.

use uphold_common::observation::{Cause, Micros, Observation, Outcome};
use uphold_common::time::Instant;

use super::{Facts, Happened, Judged, TroubleKind};

/// The verdict on an attempt that began at `at`.
pub fn judge(facts: &Facts, at: Instant, slow_after_ms: Option<i64>) -> Observation {
    let (outcome, cause) = match &facts.happened {
        Happened::Answered(answer) => match answer.judged {
            Judged::Unexpected(cause) => (Outcome::Down, cause),
            Judged::Degraded(cause) => (Outcome::Degraded, cause),
            Judged::NotKnown => (Outcome::Unknown, Cause::Agent),
            Judged::Expected => in_time(facts.total, slow_after_ms),
        },
        Happened::NotResolved(_) => (Outcome::Down, Cause::Resolve),
        Happened::NotConnected(trouble) => match trouble.kind {
            TroubleKind::Refused => (Outcome::Down, Cause::Refused),
            TroubleKind::Other => (Outcome::Down, Cause::Connection),
            TroubleKind::OfTheAgent => (Outcome::Unknown, Cause::Agent),
        },
        Happened::TlsFailed(_) => (Outcome::Down, Cause::Tls),
        Happened::Expired(_) => (Outcome::Down, Cause::Certificate),
        Happened::Redirected(_) => (Outcome::Down, Cause::Redirect),
        Happened::NotUnderstood(_) => (Outcome::Down, Cause::Protocol),
        Happened::TimedOut => (Outcome::Down, Cause::Timeout),
        Happened::NotTried(_) => (Outcome::Unknown, Cause::Agent),
    };
    let code = match &facts.happened {
        Happened::Answered(answer) => answer.code,
        _ => 0,
    };
    Observation { at, outcome, cause, code, total: facts.total, phases: facts.phases }
}

/// `degraded` begins a microsecond above the limit: what takes exactly that long is not slower.
fn in_time(total: Micros, slow_after_ms: Option<i64>) -> (Outcome, Cause) {
    let limit_us = slow_after_ms.map(|ms| u64::try_from(ms).unwrap_or_default().saturating_mul(1_000));
    match (total.get(), limit_us) {
        (Some(total_us), Some(limit_us)) if total_us > limit_us => (Outcome::Degraded, Cause::Slow),
        _ => (Outcome::Up, Cause::None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::noted::Noted;
    use super::super::{Answer, Seen, Trouble};
    use super::*;
    use std::io::{Error, ErrorKind};
    use uphold_common::observation::Phases;

    fn answer(judged: Judged) -> Happened {
        Happened::Answered(Answer { code: 200, judged, seen: Seen::Connection })
    }

    fn trouble(error: impl Into<Error>) -> Happened {
        Happened::NotConnected(Trouble::from(&error.into()))
    }

    #[test]
    fn every_fact_has_its_verdict() {
        let text = String::new;
        for (happened, total_us, slow_after_ms, outcome, cause, code) in [
            (answer(Judged::Expected), 999, None, Outcome::Up, Cause::None, 200),
            (answer(Judged::Expected), 1_000, Some(1), Outcome::Up, Cause::None, 200),
            (answer(Judged::Expected), 1_001, Some(1), Outcome::Degraded, Cause::Slow, 200),
            (answer(Judged::Degraded(Cause::Body)), 9, None, Outcome::Degraded, Cause::Body, 200),
            (answer(Judged::Degraded(Cause::Body)), 9_999, Some(1), Outcome::Degraded, Cause::Body, 200),
            (answer(Judged::Unexpected(Cause::Code)), 9, None, Outcome::Down, Cause::Code, 200),
            (answer(Judged::Unexpected(Cause::Body)), 9_999, Some(1), Outcome::Down, Cause::Body, 200),
            (answer(Judged::NotKnown), 9, None, Outcome::Unknown, Cause::Agent, 200),
            (Happened::NotResolved(text()), 9, None, Outcome::Down, Cause::Resolve, 0),
            (trouble(ErrorKind::ConnectionRefused), 9, None, Outcome::Down, Cause::Refused, 0),
            (trouble(ErrorKind::HostUnreachable), 9, None, Outcome::Down, Cause::Connection, 0),
            (trouble(ErrorKind::ConnectionReset), 9, None, Outcome::Down, Cause::Connection, 0),
            (trouble(ErrorKind::NetworkUnreachable), 9, None, Outcome::Unknown, Cause::Agent, 0),
            (trouble(ErrorKind::AddrNotAvailable), 9, None, Outcome::Unknown, Cause::Agent, 0),
            (trouble(ErrorKind::OutOfMemory), 9, None, Outcome::Unknown, Cause::Agent, 0),
            (trouble(ErrorKind::PermissionDenied), 9, None, Outcome::Unknown, Cause::Agent, 0),
            (trouble(Error::from_raw_os_error(23)), 9, None, Outcome::Unknown, Cause::Agent, 0),
            (trouble(Error::from_raw_os_error(24)), 9, None, Outcome::Unknown, Cause::Agent, 0),
            (Happened::TlsFailed(text()), 9, None, Outcome::Down, Cause::Tls, 0),
            (Happened::Expired(text()), 9, None, Outcome::Down, Cause::Certificate, 0),
            (Happened::Redirected(text()), 9, None, Outcome::Down, Cause::Redirect, 0),
            (Happened::NotUnderstood(text()), 9, None, Outcome::Down, Cause::Protocol, 0),
            (Happened::TimedOut, 9, None, Outcome::Down, Cause::Timeout, 0),
            (Happened::NotTried(text()), 9, None, Outcome::Unknown, Cause::Agent, 0),
        ] {
            let (phases, total, noted) = (Phases::default(), Micros::new(total_us), Noted::default());
            let facts = Facts { phases, total, peer: None, session: None, noted, happened };
            let seen = judge(&facts, Instant::from_ms(5), slow_after_ms);
            assert_eq!((seen.outcome, seen.cause, seen.code), (outcome, cause, code), "{facts:?}");
            assert_eq!((seen.at, seen.total), (Instant::from_ms(5), facts.total));
        }
    }
}
