//! Who asks: a token's holder, somebody on this host, or nobody known. Pure.

use uphold_common::ids::Id;
use uphold_common::time::Instant;

use crate::identity::deed::Actor;
use crate::identity::role::{Right, Role};
use crate::identity::secret::Secret;
use crate::identity::token::{Standing, Tokens};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody on this host, through the socket in the data directory.
    Local {
        /// The user's number in the system.
        uid: Option<u32>,
    },
    /// The holder of a good token.
    Holder {
        /// The token's name.
        name: Id,
        /// What it is good for.
        role: Role,
        /// The session by which a browser shows it; none when the token itself was sent.
        session: Option<SessionKey>,
    },
    /// Nobody known.
    Anonymous {
        /// Whether those without a token may read and push.
        welcome: bool,
    },
}

/// What a form of our own pages has to bring along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// The word that only pages of the session know.
    pub form_word: String,
}

/// Why what was sent proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is not of the form `Bearer TOKEN`, or no token.
    #[error("The header Authorization holds no token of this form: Bearer uphold_ and 64 hexadecimal digits.")]
    Unreadable,
    /// Nobody was given it.
    #[error("This token is not known here.")]
    Unknown,
    /// It has expired.
    #[error("This token has expired; an administrator can give another.")]
    Expired,
    /// It was revoked.
    #[error("This token was revoked; an administrator can give another.")]
    Revoked,
}

impl BadToken {
    /// What is told of a token that is not good any more.
    pub const fn of_ended(standing: Standing) -> Self {
        if matches!(standing, Standing::Expired) { Self::Expired } else { Self::Revoked }
    }

    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable-token",
            Self::Unknown => "unknown-token",
            Self::Expired => "token-expired",
            Self::Revoked => "token-revoked",
        }
    }
}

impl Caller {
    /// The holder of the token in an `Authorization` header.
    pub fn bearer(header: &str, tokens: &Tokens, now: Instant) -> Result<Self, BadToken> {
        let (scheme, text) = header.split_once(' ').ok_or(BadToken::Unreadable)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(BadToken::Unreadable);
        }
        let (name, role) = holder(text.trim(), tokens, now)?;
        Ok(Self::Holder { name, role, session: None })
    }

    /// Whether they may. What an agent may is bound to the agent, which whoever answers has to look at.
    pub const fn may(&self, right: Right) -> bool {
        match self {
            Self::Local { .. } => true,
            Self::Holder { role, .. } => role.may(right),
            Self::Anonymous { welcome } => {
                *welcome && matches!(right, Right::Push | Right::Assignment | Right::Figures | Right::Read)
            }
        }
    }

    /// The agent that the caller is bound to, if they are.
    pub const fn agent(&self) -> Option<&Id> {
        match self {
            Self::Holder { role, .. } => role.agent(),
            _ => None,
        }
    }

    /// The name of the caller's token, if they have shown one.
    pub const fn token(&self) -> Option<&Id> {
        match self {
            Self::Holder { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Under which name what they do is recorded; nobody known does nothing.
    pub fn actor(&self) -> Option<Actor> {
        match self {
            Self::Local { uid } => Some(Actor::Local { uid: *uid }),
            Self::Holder { name, role, .. } => {
                Some(Actor::Token { name: name.clone(), role: role.as_str().to_owned() })
            }
            Self::Anonymous { .. } => None,
        }
    }

    /// The session, if a browser shows one.
    pub const fn session(&self) -> Option<&SessionKey> {
        match self {
            Self::Holder { session: Some(session), .. } => Some(session),
            _ => None,
        }
    }
}

/// Who holds the token of this text.
pub fn holder(text: &str, tokens: &Tokens, now: Instant) -> Result<(Id, Role), BadToken> {
    let secret = Secret::parse(text).ok_or(BadToken::Unreadable)?;
    let token = tokens.of_secret(&secret.digest()).ok_or(BadToken::Unknown)?;
    match token.standing(now) {
        Standing::Good => Ok((token.name.clone(), token.role.clone())),
        Standing::Expired => Err(BadToken::Expired),
        Standing::Revoked => Err(BadToken::Revoked),
    }
}
