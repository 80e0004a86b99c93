//! A token, and the register of all tokens.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::deed::Actor;
use super::role::Role;
use super::secret::SecretDigest;

/// Most tokens that are ever given, the ended ones too.
pub const TOKENS_MAX: usize = 10_000;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its name.
    pub name: Id,
    /// What it is good for.
    pub role: Role,
    /// What is kept of its secret.
    pub digest: SecretDigest,
    /// When it was added.
    pub added_at: Instant,
    /// By whom.
    pub added_by: Actor,
    /// When it ends by itself; none for never.
    pub expires_at: Option<Instant>,
    /// When and by whom it was revoked.
    pub revoked: Option<Revoked>,
}

/// The end of a token before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: Actor,
}

/// Whether a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Good,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

impl Standing {
    /// For people and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Token {
    /// Whether it is good at `now`.
    pub fn standing(&self, now: Instant) -> Standing {
        match (&self.revoked, self.expires_at) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(end)) if end <= now => Standing::Expired,
            (None, _) => Standing::Good,
        }
    }
}

/// Every token that was ever given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    by_name: BTreeMap<Id, Token>,
    by_digest: HashMap<SecretDigest, Id>,
}

impl Tokens {
    /// Takes one in, or a later state of one.
    pub fn put(&mut self, token: Token) {
        self.by_digest.insert(token.digest, token.name.clone());
        self.by_name.insert(token.name.clone(), token);
    }

    /// The token of this secret, good or not.
    pub fn of_secret(&self, digest: &SecretDigest) -> Option<&Token> {
        self.by_name.get(self.by_digest.get(digest)?)
    }

    /// The token of this name, good or not.
    pub fn get(&self, name: &Id) -> Option<&Token> {
        self.by_name.get(name)
    }

    /// All of them, in order of their names.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &Token> {
        self.by_name.values()
    }
}
