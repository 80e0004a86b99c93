//! Where batches are brought: to the running collector, or to the store itself when none runs.
//!
//! A collector that asks to come again is obeyed. One that was started anew meanwhile is told of the import again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::json;
use uphold_common::time::Interval;

use super::mark::Brought;
use crate::api::imports::IMPORT_CONTENT_TYPE;
use crate::api::rows::path;
use crate::api::socket::{self, Ask, AskError};
use crate::cli::ask::{self, local_actor, understood};
use crate::cli::exit::{Ended, UNAVAILABLE, WRONG};
use crate::cli::runtime::block_on;
use crate::clock::{self, Stopwatch};
use crate::engine::Engine;
use crate::engine::import::ImportTerms;
use crate::identity::deed::Actor;
use crate::ingest::{PushBounds, Refusal, decode_import};
use crate::limits::Limits;
use crate::store::StreamId;

const ROUTE: &str = "/api/v1/imports";
const BATCHES: &str = "/api/v1/imports/batches";
const END: &str = "/api/v1/imports/end";
/// How long one batch may be asked to come again.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often a batch that finds no room is tried again on the store itself, with upkeep in between.
const TRIES_MAX: usize = 100;

/// Where batches are brought.
pub(super) enum Door {
    /// To the running collector.
    Collector {
        /// Its data directory.
        data: PathBuf,
        /// What is imported.
        source: String,
    },
    /// To the store itself.
    Store {
        /// The engine over it.
        engine: Box<Engine>,
        /// Who imports.
        actor: Actor,
    },
}

impl Door {
    /// Begins an import out of `source`.
    pub(super) fn open(data: &Path, source: &str) -> Result<(Self, ImportTerms), Ended> {
        if let Some(body) = ask::running(data, &Ask::post(ROUTE, &json!({ "source": source })))? {
            return Ok((Self::Collector { data: data.to_owned(), source: source.to_owned() }, understood(&body)?));
        }
        let (mut engine, actor) = (Box::new(ask::open(data)?), local_actor());
        let begun = engine.begin_import(source, &actor, clock::now());
        let terms = begun.map_err(|error| Ended::new(UNAVAILABLE, error))?;
        Ok((Self::Store { engine, actor }, terms))
    }

    /// Whether the store has a row that was brought before.
    pub(super) fn has(&self, row: &Brought) -> Result<bool, Ended> {
        let (of, span) = (StreamId::from(row.of.clone()), Interval::new(row.at, row.at.plus_ms(1)));
        match self {
            Self::Collector { data, .. } => {
                let ended = || Ended::new(UNAVAILABLE, "the collector ended; the same again goes on");
                let lines = ask::running(data, &Ask::get(&path(&of, span)))?.ok_or_else(ended)?;
                Ok(!lines.is_empty())
            }
            Self::Store { engine, .. } => {
                let page = engine.page(&of, span).map_err(|error| Ended::new(UNAVAILABLE, error))?;
                Ok(!page.rows.is_empty())
            }
        }
    }

    /// Brings a framed batch; it is durable when this returns.
    pub(super) fn bring(&mut self, framed: Vec<u8>) -> Result<(), Ended> {
        match self {
            Self::Collector { data, source } => to_collector(data, source, framed),
            Self::Store { engine, actor } => to_store(engine, actor, &framed),
        }
    }

    /// Nothing more is brought.
    pub(super) fn close(self) -> Result<(), Ended> {
        match self {
            Self::Collector { data, .. } => {
                // Everything is durable. A collector that does not hear of the end finds it after a while.
                let _ = ask::running(&data, &Ask::post(END, &json!({})));
                Ok(())
            }
            Self::Store { mut engine, .. } => engine.close().map_err(|error| Ended::new(UNAVAILABLE, error)),
        }
    }
}

fn to_collector(data: &Path, source: &str, framed: Vec<u8>) -> Result<(), Ended> {
    let ask = Ask::bring(BATCHES, IMPORT_CONTENT_TYPE, Bytes::from(framed));
    block_on(async {
        let since = Stopwatch::start();
        loop {
            let wait = match socket::ask(data, &ask).await {
                Ok(_) => return Ok(()),
                Err(AskError::Refused { status: StatusCode::CONFLICT, .. }) => {
                    let begin = Ask::post(ROUTE, &json!({ "source": source }));
                    socket::ask(data, &begin).await.map_err(|error| Ended::new(UNAVAILABLE, error))?;
                    Duration::ZERO
                }
                Err(AskError::Refused { retry_after: Some(wait), .. }) => wait,
                Err(refused @ AskError::Refused { .. }) => return Err(Ended::new(WRONG, refused)),
                Err(error) => return Err(Ended::new(UNAVAILABLE, format!("{error}; the same again goes on"))),
            };
            if since.elapsed() + wait > PATIENCE {
                let message = "the collector has no room for more at the moment; the same again goes on";
                return Err(Ended::new(UNAVAILABLE, message));
            }
            tokio::time::sleep(wait).await;
        }
    })
}

fn to_store(engine: &mut Engine, actor: &Actor, framed: &[u8]) -> Result<(), Ended> {
    let refused = |refusal: &Refusal| Ended::new(WRONG, refusal.detail());
    let bounds = PushBounds::of(&Limits::default());
    let admitted = decode_import(framed.to_vec(), &bounds, |_| true, clock::now()).map_err(|r| refused(&r))?;
    for _ in 0..TRIES_MAX {
        let done = engine.import(admitted.clone(), actor, clock::now());
        match done.map_err(|error| Ended::new(UNAVAILABLE, error))? {
            Ok(_) => return Ok(()),
            Err(Refusal::NoImport) => {
                let again = engine.begin_import("what was begun before", actor, clock::now());
                again.map_err(|error| Ended::new(UNAVAILABLE, error))?;
            }
            Err(Refusal::HeadFull { .. }) => {
                engine.upkeep(clock::now()).map_err(|error| Ended::new(UNAVAILABLE, error))?;
            }
            Err(refusal) if refusal.retry().is_some() => return Err(Ended::new(UNAVAILABLE, refusal.detail())),
            Err(refusal) => return Err(refused(&refusal)),
        }
    }
    Err(Ended::new(UNAVAILABLE, "the store has no room for more"))
}
