//! Sessions: what a browser was given after signing in with a token. Pure but for the random bits.
//!
//! They are in memory only: after a restart everybody signs in again. Of a session's key only the digest is held. A
//! session ends after [`IDLE_MS_MAX`] without use, after [`AGE_MS_MAX`] in any case, when its token ends, and when its
//! holder signs out. There are at most [`SESSIONS_MAX`], and [`OF_TOKEN_MAX`] of one token; beyond that the one used
//! longest ago ends.

use std::collections::HashMap;

use uphold_common::ids::Id;
use uphold_common::time::{DAY_MS, Instant};

use crate::identity::secret::{Secret, SecretDigest};

/// How long a session lasts without use.
pub const IDLE_MS_MAX: i64 = DAY_MS / 2;
/// How long a session lasts.
pub const AGE_MS_MAX: i64 = 30 * DAY_MS;
/// Most sessions.
pub const SESSIONS_MAX: usize = 1_000;
/// Most sessions of one token.
pub const OF_TOKEN_MAX: usize = 20;

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<SecretDigest, Session>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The token it was given for.
    pub token: Id,
    /// The word that its forms bring along.
    pub form_word: String,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.since_ms(self.used) >= IDLE_MS_MAX || now.since_ms(self.began) >= AGE_MS_MAX
    }
}

impl Sessions {
    /// Begins one; the secret is for the browser.
    pub fn begin(&mut self, token: Id, now: Instant) -> Result<Secret, getrandom::Error> {
        let (secret, form_word) = (Secret::draw()?, Secret::draw()?.reveal());
        self.0.retain(|_, session| !session.is_over(now));
        let of_token = self.0.values().filter(|session| session.token == token).count();
        if of_token >= OF_TOKEN_MAX {
            self.end_oldest(|session| session.token == token);
        } else if self.0.len() >= SESSIONS_MAX {
            self.end_oldest(|_| true);
        }
        self.0.insert(secret.digest(), Session { token, form_word, began: now, used: now });
        Ok(secret)
    }

    /// The session of this secret, which is used by this.
    pub fn of(&mut self, secret: &Secret, now: Instant) -> Option<Session> {
        let session = self.0.get_mut(&secret.digest()).filter(|session| !session.is_over(now))?;
        session.used = now;
        Some(session.clone())
    }

    /// Ends one.
    pub fn end(&mut self, secret: &Secret) {
        self.0.remove(&secret.digest());
    }

    fn end_oldest(&mut self, of: impl Fn(&Session) -> bool) {
        let oldest = self.0.iter().filter(|(_, session)| of(session)).min_by_key(|(_, session)| session.used);
        if let Some(digest) = oldest.map(|(digest, _)| *digest) {
            self.0.remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    #[test]
    fn a_session_ends_by_age_by_idleness_and_by_signing_out() {
        let mut sessions = Sessions::default();
        let secret = sessions.begin(id("duty"), at(0)).unwrap();
        assert_eq!(sessions.of(&Secret::draw().unwrap(), at(1)), None);
        let mut now = 0;
        while now + IDLE_MS_MAX - 1 < AGE_MS_MAX {
            now += IDLE_MS_MAX - 1;
            assert!(sessions.of(&secret, at(now)).is_some(), "{now}");
        }
        assert!(sessions.of(&secret, at(AGE_MS_MAX)).is_none());
        let idle = sessions.begin(id("duty"), at(0)).unwrap();
        assert!(sessions.of(&idle, at(IDLE_MS_MAX)).is_none());
        let left = sessions.begin(id("duty"), at(0)).unwrap();
        sessions.end(&left);
        assert!(sessions.of(&left, at(1)).is_none());
    }

    #[test]
    fn beyond_the_bounds_the_one_used_longest_ago_ends() {
        let mut sessions = Sessions::default();
        let other = sessions.begin(id("other"), at(0)).unwrap();
        let secrets: Vec<Secret> =
            (1..=OF_TOKEN_MAX).map(|n| sessions.begin(id("duty"), at(n.try_into().unwrap())).unwrap()).collect();
        sessions.of(&secrets[0], at(500));
        sessions.begin(id("duty"), at(501)).unwrap();
        assert!(sessions.of(&secrets[0], at(502)).is_some() && sessions.of(&other, at(502)).is_some());
        assert!(sessions.of(&secrets[1], at(502)).is_none());
        for n in 0..SESSIONS_MAX {
            sessions.begin(id(&format!("t{n}")), at(600)).unwrap();
        }
        assert_eq!(sessions.0.len(), SESSIONS_MAX);
    }
}
