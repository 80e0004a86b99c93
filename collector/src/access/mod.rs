//! Who asks, and whether they may: every request passes here before anything of it is read.
//!
//! ```text
//! request → host ours? → origin ours? → who is it? → not too often? → may they? → handler
//! ```
//!
//! | file | what it decides |
//! |---|---|
//! | `host` | whether a request was meant for this collector, and whether a page of ours sent it; pure |
//! | [`caller`] | who asks: a token's holder, somebody on this host, or nobody known; pure |
//! | [`session`] | what a browser was given after signing in; pure |
//! | [`routes`] | what each route needs: one table; what is not in it is refused |
//! | `guard` | all of it, in order, around every route |
//!
//! A token goes with each request of a program (`Authorization: Bearer`) and once with a browser, which gets a session
//! for it. A session reads and sends forms of our own pages, with a word that only those pages know; it changes nothing
//! through the API. Whoever reaches the socket in the data directory is an administrator, because they could change
//! the files as well.

pub mod caller;
mod guard;
mod host;
pub mod routes;
pub mod session;

#[cfg(test)]
mod access_tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::AccessConfig;
use crate::engine::handle::EngineHandle;
use crate::listen::Listening;
use session::Sessions;

pub use guard::guard;
pub(crate) use guard::{browser_speaks_tls, cookie_name, not_too_often, session_cookie, token_ended};

/// What the guard of every route knows.
#[derive(Clone)]
pub struct Access {
    engine: EngineHandle,
    config: Arc<AccessConfig>,
    listening: Listening,
    sessions: Arc<Mutex<Sessions>>,
}

impl Access {
    /// For the tokens that `engine` knows.
    pub fn new(engine: EngineHandle, config: AccessConfig, listening: Listening) -> Self {
        Self { engine, config: Arc::new(config), listening, sessions: Arc::default() }
    }

    /// What makes the way to the collector unsafe, as a sentence for every page, if something does.
    pub fn insecure(&self) -> Option<&str> {
        self.listening.exposure.as_ref().and_then(|exposure| exposure.insecure.as_deref())
    }

    /// The sessions; held for as long as a look-up takes.
    pub fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
