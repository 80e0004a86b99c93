//! Adding and revoking tokens, as changes to the store that are committed together with the deed.
//!
//! ```text
//! Token   key name   value MessagePack of Token
//! ```

use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::pack;

use super::deed::{Action, Actor, Deed};
use super::role::Role;
use super::secret::SecretDigest;
use super::token::{Revoked, Standing, TOKENS_MAX, Token, Tokens};
use crate::store::{KeyRange, RecordChange, RecordKind, Store, StoreError};

/// Most deeds that are read at once.
pub const DEEDS_READ_MAX: usize = 1_000;

/// A token to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its name.
    pub name: Id,
    /// What it is good for.
    pub role: Role,
    /// What is kept of its secret.
    pub digest: SecretDigest,
    /// When it ends by itself; none for never.
    pub expires_at: Option<Instant>,
}

/// Why a token is not added or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The name was given before.
    #[error("the name {name} was given before, to a token that is {standing}; a name is never given twice", standing = .standing.as_str())]
    NameTaken {
        /// The name.
        name: Id,
        /// What became of that token.
        standing: Standing,
    },
    /// It would be over before it begins.
    #[error("the token would end at {0}, which is past")]
    Past(Instant),
    /// There are too many.
    #[error("{TOKENS_MAX} tokens were given, and no more fit")]
    TooMany,
    /// There is none of this name.
    #[error("there is no token {name}{hint}")]
    NoToken {
        /// The name.
        name: Id,
        /// The nearest that there is, as a phrase.
        hint: String,
    },
    /// It was revoked before.
    #[error("the token {0} was revoked before")]
    AlreadyRevoked(Id),
    /// A record cannot be read or written.
    #[error("a record of {what} is damaged: {reason}")]
    Damaged {
        /// Of what.
        what: &'static str,
        /// How that was noticed.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tokens, and the number of the last deed.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    tokens: Tokens,
    deeds: u64,
}

impl Keeper {
    /// Reads what is on record.
    pub fn load(store: &dyn Store) -> Result<Self, KeeperError> {
        let mut tokens = Tokens::default();
        let mut range = KeyRange::all();
        loop {
            let page = store.records(RecordKind::Token, &range, DEEDS_READ_MAX)?;
            let Some((last, _)) = page.last() else { break };
            range = range.after(last.clone());
            for (_, value) in &page {
                tokens.put(pack::unpack(value).map_err(|error| damaged("a token", &error))?);
            }
        }
        let newest = deeds(store, 1)?;
        Ok(Self { tokens, deeds: newest.first().map_or(0, |deed| deed.number) })
    }

    /// Every token that was ever given.
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The number of the newest deed.
    pub const fn newest_deed(&self) -> u64 {
        self.deeds
    }

    /// The change that records `action`, to be committed together with what was done; once it is, [`Self::recorded`]
    /// counts it.
    pub fn deed(&self, actor: &Actor, action: Action, now: Instant) -> Result<RecordChange, KeeperError> {
        let deed = Deed { number: self.deeds + 1, at: now, actor: actor.clone(), action };
        let value = pack::pack(&deed).map_err(|error| damaged("a deed", &error))?;
        Ok(RecordChange { kind: RecordKind::Deed, key: deed.key(), value: Some(value) })
    }

    /// The deed that was made last is durable, so the next one has the next number.
    pub const fn recorded(&mut self) {
        self.deeds += 1;
    }

    /// Adds a token; it is durable when this returns.
    pub fn add(
        &mut self,
        store: &mut dyn Store,
        new: NewToken,
        actor: &Actor,
        now: Instant,
    ) -> Result<Token, KeeperError> {
        if let Some(known) = self.tokens.get(&new.name) {
            return Err(KeeperError::NameTaken { name: new.name, standing: known.standing(now) });
        }
        if let Some(past) = new.expires_at.filter(|end| *end <= now) {
            return Err(KeeperError::Past(past));
        }
        if self.tokens.all().len() >= TOKENS_MAX {
            return Err(KeeperError::TooMany);
        }
        let action = Action::TokenAdded {
            token: new.name.clone(),
            role: new.role.as_str().to_owned(),
            agent: new.role.agent().cloned(),
            expires_at: new.expires_at,
        };
        let token = Token {
            name: new.name,
            role: new.role,
            digest: new.digest,
            added_at: now,
            added_by: actor.clone(),
            expires_at: new.expires_at,
            revoked: None,
        };
        self.keep(store, token, actor, action, now)
    }

    /// Revokes a token; it is good for nothing any more when this returns.
    pub fn revoke(
        &mut self,
        store: &mut dyn Store,
        name: &Id,
        actor: &Actor,
        now: Instant,
    ) -> Result<Token, KeeperError> {
        let Some(token) = self.tokens.get(name) else {
            let words = self.tokens.all().map(|token| token.name.as_str());
            let hint = uphold_common::yaml::words::did_you_mean(name.as_str(), words);
            return Err(KeeperError::NoToken { name: name.clone(), hint });
        };
        if token.revoked.is_some() {
            return Err(KeeperError::AlreadyRevoked(name.clone()));
        }
        let token = Token { revoked: Some(Revoked { at: now, by: actor.clone() }), ..token.clone() };
        self.keep(store, token, actor, Action::TokenRevoked { token: name.clone() }, now)
    }

    fn keep(
        &mut self,
        store: &mut dyn Store,
        token: Token,
        actor: &Actor,
        action: Action,
        now: Instant,
    ) -> Result<Token, KeeperError> {
        let value = pack::pack(&token).map_err(|error| damaged("a token", &error))?;
        let key = token.name.as_str().as_bytes().to_vec();
        let change = RecordChange { kind: RecordKind::Token, key, value: Some(value) };
        let deed = self.deed(actor, action, now)?;
        store.commit(&[change, deed])?;
        self.recorded();
        self.tokens.put(token.clone());
        Ok(token)
    }
}

/// The newest deeds on record, newest first.
pub fn deeds(store: &dyn Store, limit: usize) -> Result<Vec<Deed>, KeeperError> {
    let records = store.records(RecordKind::Deed, &KeyRange::all().reversed(), limit.min(DEEDS_READ_MAX))?;
    let read = |(_, value): &(Vec<u8>, Vec<u8>)| pack::unpack(value).map_err(|error| damaged("a deed", &error));
    records.iter().map(read).collect()
}

fn damaged(what: &'static str, reason: &impl ToString) -> KeeperError {
    KeeperError::Damaged { what, reason: reason.to_string() }
}
