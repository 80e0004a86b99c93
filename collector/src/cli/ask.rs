//! Asking the collector that runs on the data directory, or the store when none does; and how the answer is shown.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use uphold_common::time::Instant;

use super::exit::{Ended, UNAVAILABLE, WRONG};
use super::runtime::block_on;
use crate::api::socket::{self, AskError};
use crate::clock;
use crate::engine::Engine;
use crate::inforce;
use crate::report::Style;
use crate::store::{DataDir, EmbeddedStore, StoreOptions};

/// The width when nobody looks: a program that reads on wants nothing cut.
const WIDTH_PIPED: u16 = 120;

/// Asks the running collector, or the store itself when none runs.
pub(super) fn answer(
    data_dir: &Path,
    path: &str,
    of_store: impl FnOnce(&mut Engine, Instant) -> Result<Vec<u8>, Ended>,
) -> Result<Vec<u8>, Ended> {
    match block_on(async { Ok(socket::ask(data_dir, path).await) })? {
        Ok(body) => Ok(body.to_vec()),
        Err(AskError::NoneRuns(_)) => {
            let mut engine = open(data_dir)?;
            of_store(&mut engine, clock::now())
        }
        Err(refused @ AskError::Refused { .. }) => Err(Ended::new(WRONG, refused)),
        Err(error) => Err(Ended::new(UNAVAILABLE, error)),
    }
}

fn open(data_dir: &Path) -> Result<Engine, Ended> {
    let unavailable = |error: &dyn std::error::Error| Ended::new(UNAVAILABLE, error);
    if !data_dir.join("store").is_dir() {
        let message = format!("no collector runs on {} and there is no store in it", data_dir.display());
        return Err(Ended::new(UNAVAILABLE, message));
    }
    let now = clock::now();
    let dir = DataDir::claim(data_dir, "uphold-collector", now).map_err(|error| unavailable(&error))?;
    let mut store = EmbeddedStore::open(dir, StoreOptions::default()).map_err(|error| unavailable(&error))?;
    let files = inforce::on_record(&mut store).map_err(|error| unavailable(&error))?;
    let files = files.ok_or_else(|| Ended::new(UNAVAILABLE, "no catalogue was ever taken up in this store"))?;
    Engine::open(Box::new(store), &files, now).map_err(|error| unavailable(&error))
}

/// Colour where somebody looks, none where a program reads.
pub(super) fn style() -> Style {
    let width = terminal_size::terminal_size().map_or(WIDTH_PIPED, |(width, _)| width.0);
    Style { colour: std::io::stdout().is_terminal(), width }
}

pub(super) fn print_json(body: &[u8]) -> Result<(), Ended> {
    let mut out = std::io::stdout().lock();
    out.write_all(body).and_then(|()| out.write_all(b"\n")).map_err(|error| Ended::new(UNAVAILABLE, error))
}
