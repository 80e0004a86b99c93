//! Tokens and deeds as they are given out, and how long a token is wanted for.

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::time::{DAY_MS, Instant, parse_duration_ms};
use utoipa::ToSchema;

use super::deed::{Action, Actor, Deed};
use super::token::{Token, Tokens};

/// How long a token is good unless something else is wanted.
pub const LIFE_DEFAULT: &str = "365d";
/// The longest life of a token that ends by itself.
const LIFE_MS_MAX: i64 = 3653 * DAY_MS;

/// A token as it is given out: without its secret, and without what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its name.
    pub name: Id,
    /// The word for its role.
    pub role: String,
    /// The agent that it is bound to, if it is.
    pub agent: Option<Id>,
    /// `good`, `expired` or `revoked`.
    #[schema(pattern = "^(good|expired|revoked)$")]
    pub standing: String,
    /// When it was added.
    pub added_at_ms: Instant,
    /// By whom.
    pub added_by: Actor,
    /// When it ends by itself; none for never.
    pub expires_at_ms: Option<Instant>,
    /// When it was revoked, if it was.
    pub revoked_at_ms: Option<Instant>,
    /// By whom.
    pub revoked_by: Option<Actor>,
}

impl TokenView {
    /// The token as it stands at `now`.
    pub fn of(token: &Token, now: Instant) -> Self {
        Self {
            name: token.name.clone(),
            role: token.role.as_str().to_owned(),
            agent: token.role.agent().cloned(),
            standing: token.standing(now).as_str().to_owned(),
            added_at_ms: token.added_at,
            added_by: token.added_by.clone(),
            expires_at_ms: token.expires_at,
            revoked_at_ms: token.revoked.as_ref().map(|revoked| revoked.at),
            revoked_by: token.revoked.as_ref().map(|revoked| revoked.by.clone()),
        }
    }
}

/// All tokens, in order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The tokens.
    pub tokens: Vec<TokenView>,
}

impl TokenList {
    /// The tokens as they stand at `now`.
    pub fn of(tokens: &Tokens, now: Instant) -> Self {
        Self { tokens: tokens.all().map(|token| TokenView::of(token, now)).collect() }
    }
}

/// A token that was just added, with its secret: the only time that it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenGiven {
    /// The token.
    pub token: TokenView,
    /// Its secret.
    pub secret: String,
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeedView {
    /// Its number in the store, from 1.
    pub number: u64,
    /// When.
    pub at_ms: Instant,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    #[serde(flatten)]
    pub action: Action,
    /// The same for people.
    pub text: String,
}

impl From<Deed> for DeedView {
    fn from(deed: Deed) -> Self {
        let text = format!("{} {}", deed.actor, deed.action);
        Self { number: deed.number, at_ms: deed.at, actor: deed.actor, action: deed.action, text }
    }
}

/// Who did what, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeedList {
    /// The deeds.
    pub deeds: Vec<DeedView>,
}

/// When a token that is wanted for `life` ends: `90d`, `never`, or an instant. None when it is none of these.
pub fn end_of_life(life: &str, now: Instant) -> Option<Option<Instant>> {
    if life == "never" {
        return Some(None);
    }
    let end =
        parse_duration_ms(life).filter(|ms| *ms > 0).map(|ms| now.plus_ms(ms)).or_else(|| Instant::parse(life))?;
    (end.since_ms(now) <= LIFE_MS_MAX).then_some(Some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_length_an_instant_or_never() {
        let now = Instant::from_ms(1_000);
        assert_eq!(end_of_life("never", now), Some(None));
        assert_eq!(end_of_life("90d", now), Some(Some(now.plus_ms(90 * DAY_MS))));
        assert_eq!(end_of_life("1970-01-02T00:00:00Z", now), Some(Some(Instant::from_ms(DAY_MS))));
        for wrong in ["", "0s", "-1d", "soon", "4000d", "9999-01-01T00:00:00Z"] {
            assert_eq!(end_of_life(wrong, now), None, "{wrong}");
        }
    }
}
