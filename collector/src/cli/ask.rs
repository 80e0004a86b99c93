//! Asking the collector that runs on the data directory, or the store when none does; and how the answer is shown.

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use uphold_common::time::Instant;

use super::exit::{Ended, UNAVAILABLE, WRONG};
use super::runtime::block_on;
use crate::api::socket::{self, Answer, Ask, AskError};
use crate::clock::{self, Stopwatch};
use crate::engine::Engine;
use crate::identity::deed::Actor;
use crate::inforce;
use crate::report::Style;
use crate::store::{DataDir, EmbeddedStore, StoreError, StoreOptions};

/// The width when nobody looks: a program that reads on wants nothing cut.
const WIDTH_PIPED: u16 = 120;
/// For how long a question is repeated that the collector wants to be asked again.
const PATIENCE: Duration = Duration::from_mins(10);

/// Asks the running collector, or the store itself when none runs.
pub(super) fn answer(
    data_dir: &Path,
    ask: &Ask,
    of_store: impl FnOnce(&mut Engine, Instant) -> Result<Vec<u8>, Ended>,
) -> Result<Vec<u8>, Ended> {
    match running(data_dir, ask)? {
        Some(body) => Ok(body),
        None => of_store(&mut open(data_dir)?, clock::now()),
    }
}

/// Asks the running collector; none when none runs.
pub(super) fn running(data_dir: &Path, ask: &Ask) -> Result<Option<Vec<u8>>, Ended> {
    Ok(running_whole(data_dir, ask)?.map(|answer| answer.body.to_vec()))
}

/// The same, with where the next page of the answer is.
pub(super) fn running_whole(data_dir: &Path, ask: &Ask) -> Result<Option<Answer>, Ended> {
    match block_on(async { Ok(patiently(data_dir, ask).await) })? {
        Ok(answer) => Ok(Some(answer)),
        Err(AskError::NoneRuns(_)) => Ok(None),
        Err(refused @ AskError::Refused { .. }) => Err(Ended::new(WRONG, refused)),
        Err(error) => Err(Ended::new(UNAVAILABLE, error)),
    }
}

/// Asks, and asks again as often as the collector wants a question to be repeated. What would do something is not.
async fn patiently(data_dir: &Path, ask: &Ask) -> Result<Answer, AskError> {
    let since = Stopwatch::start();
    loop {
        match socket::ask_whole(data_dir, ask).await {
            Err(AskError::Refused { retry_after: Some(wait), .. })
                if ask.only_reads() && since.elapsed() + wait < PATIENCE =>
            {
                tokio::time::sleep(wait).await;
            }
            answered => return answered,
        }
    }
}

/// Who works on the store itself.
pub(super) fn local_actor() -> Actor {
    // The owner of a process's own folder in /proc is its user.
    Actor::Local { uid: std::fs::metadata("/proc/self").ok().map(|of| of.uid()) }
}

/// The answer of the collector.
pub(super) fn understood<T: DeserializeOwned>(body: &[u8]) -> Result<T, Ended> {
    let not_understood = |error| format!("the collector's answer was not understood: {error}");
    serde_json::from_slice(body).map_err(|error| Ended::new(UNAVAILABLE, not_understood(error)))
}

/// Opens the store that is there.
pub(super) fn open_store(data_dir: &Path) -> Result<EmbeddedStore, Ended> {
    if !data_dir.join("store").is_dir() {
        let message = format!("no collector runs on {} and there is no store in it", data_dir.display());
        return Err(Ended::new(UNAVAILABLE, message));
    }
    open_or_make_store(data_dir)
}

/// Opens the store; one that is not there yet is made.
pub(super) fn open_or_make_store(data_dir: &Path) -> Result<EmbeddedStore, Ended> {
    let unavailable = |error: StoreError| Ended::new(UNAVAILABLE, error);
    let dir = DataDir::claim(data_dir, "uphold-collector", clock::now()).map_err(unavailable)?;
    EmbeddedStore::open(dir, StoreOptions::default()).map_err(unavailable)
}

/// Opens the store that is there, with the catalogue on record.
pub(super) fn open(data_dir: &Path) -> Result<Engine, Ended> {
    let unavailable = |error: &dyn std::error::Error| Ended::new(UNAVAILABLE, error);
    let now = clock::now();
    let mut store = open_store(data_dir)?;
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
