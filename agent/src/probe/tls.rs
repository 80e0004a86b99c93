//! The TLS probe: connect, agree on TLS, and look at how long the certificates still hold.
//!
//! | certificates | outcome |
//! |---|---|
//! | hold for longer than `expires_after` | `up` |
//! | one of them holds for less | `degraded` |
//! | the server's own has expired, or one that was not verified | `down` |
//!
//! A chain that leads to a root over others may also show one that has expired: it was not needed, so it only degrades.

use std::time::Duration;

use uphold_common::observation::Cause;
use uphold_common::time::Instant;
use uphold_common::wire::check::TlsCheck;
use uphold_common::yaml::scalars::exact_duration;

use super::connect::Target;
use super::secure::Session;
use super::way::Way;
use super::{Answer, Happened, Judged, Run, Seen};
use crate::accept::Accept;

/// For how long the certificates of a session still hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatesSeen {
    /// Until the server's own has expired.
    pub leaf_left_ms: i64,
    /// Until one of them has.
    pub chain_left_ms: i64,
    /// Whether they were held against roots, name and clock.
    pub verified: bool,
}

impl CertificatesSeen {
    /// What a session's certificates come to at `now`; nothing when they cannot be read.
    fn of(session: &Session, now: Instant) -> Option<Self> {
        let chain = session.chain.as_ref()?;
        let (leaf_left_ms, chain_left_ms) = (chain.leaf_until.since_ms(now), chain.chain_until.since_ms(now));
        Some(Self { leaf_left_ms, chain_left_ms, verified: session.verified })
    }

    fn judged(&self, expires_after_ms: i64) -> Judged {
        if self.leaf_left_ms <= 0 || (self.chain_left_ms <= 0 && !self.verified) {
            Judged::Unexpected(Cause::Certificate)
        } else if self.chain_left_ms < expires_after_ms {
            Judged::Degraded(Cause::Certificate)
        } else {
            Judged::Expected
        }
    }

    /// For people.
    pub fn detail(&self) -> String {
        let left = |ms: i64| match ms {
            ..=0 => "has expired".to_owned(),
            1..HOUR_MS => "holds for less than an hour".to_owned(),
            HOUR_MS..DAY_MS => format!("holds for {}", exact_duration(ms - ms % HOUR_MS)),
            _ => format!("holds for {}", exact_duration(ms - ms % DAY_MS)),
        };
        let own = left(self.leaf_left_ms);
        if self.chain_left_ms == self.leaf_left_ms {
            format!("the certificate {own}")
        } else {
            format!("the certificate {own}, one that signed it {}", left(self.chain_left_ms))
        }
    }
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A TLS probe made ready.
#[derive(Debug)]
pub struct TlsProbe {
    way: Way,
    expires_after_ms: i64,
}

impl TlsProbe {
    /// Takes the address apart.
    pub fn new(check: &TlsCheck, accept: &Accept) -> Result<Self, String> {
        let way = Way::new(&check.address, check.ip, check.starttls, (Some(&check.tls), &[]), accept)?;
        Ok(Self { way, expires_after_ms: check.expires_after_ms })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        &self.way.target
    }

    /// Agrees on TLS, or says what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        self.way.open(run, timeout).await?;
        let seen = run.session.as_ref().and_then(|session| CertificatesSeen::of(session, run.at));
        let seen = seen.ok_or_else(|| Happened::NotUnderstood("its certificates cannot be read".to_owned()))?;
        Ok(Answer { code: 0, judged: seen.judged(self.expires_after_ms), seen: Seen::Certificates(seen) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_judged_by_what_is_left_of_them() {
        let (up, soon, down) =
            (Judged::Expected, Judged::Degraded(Cause::Certificate), Judged::Unexpected(Cause::Certificate));
        for (leaf_left_ms, chain_left_ms, verified, judged) in [
            (14 * DAY_MS, 14 * DAY_MS, true, &up),
            (14 * DAY_MS - 1, 14 * DAY_MS - 1, true, &soon),
            (90 * DAY_MS, DAY_MS, true, &soon),
            (90 * DAY_MS, 0, true, &soon),
            (90 * DAY_MS, 0, false, &down),
            (1, 1, false, &soon),
            (0, 0, true, &down),
            (-1, -1, false, &down),
        ] {
            let seen = CertificatesSeen { leaf_left_ms, chain_left_ms, verified };
            assert_eq!(seen.judged(14 * DAY_MS), *judged, "{seen:?}");
        }
    }

    #[test]
    fn what_is_left_is_told_in_days_and_hours() {
        for (leaf_left_ms, chain_left_ms, told) in [
            (20 * DAY_MS + 5, 20 * DAY_MS + 5, "the certificate holds for 20d"),
            (5 * HOUR_MS + 5, 5 * HOUR_MS + 5, "the certificate holds for 5h"),
            (5, 5, "the certificate holds for less than an hour"),
            (9 * DAY_MS, -5, "the certificate holds for 9d, one that signed it has expired"),
        ] {
            assert_eq!(CertificatesSeen { leaf_left_ms, chain_left_ms, verified: true }.detail(), told);
        }
    }
}
