//! `serve`: the collector over a catalogue that people write.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use uphold_manual::after_help;

use super::exit::{Ended, SERVED, STORE_DIED, UNAVAILABLE, USAGE};
use super::runtime::{block_on, stop_signal};
use crate::config::{self, AccessConfig, Config, FileConfig};
use crate::engine::EngineError;
use crate::inforce::TakeUpError;
use crate::listen::exposure::Exposure;
use crate::listen::tls::Tls;
use crate::serve::{Collector, Opening, ServeError, bind};

const EXAMPLES: [&str; 2] = [
    "uphold-collector serve --config /etc/uphold/collector.yaml",
    "uphold-collector serve --catalogue catalogue.yaml --data ./uphold-data",
];

/// What `serve` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &SERVED))]
pub(super) struct ServeArgs {
    /// The configuration file; flags override it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The catalogue: a file, or a directory of .yaml files that are read as one.
    #[arg(long, value_name = "PATH")]
    catalogue: Option<PathBuf>,
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the page, the API and the metrics are served [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

pub(super) fn serve(args: ServeArgs) -> Result<(), Ended> {
    let usage = |error: config::ConfigError| Ended::new(USAGE, error);
    let file = args.config.as_deref().map(FileConfig::read).transpose().map_err(usage)?.unwrap_or_default();
    let flags =
        FileConfig { listen: args.listen, data_dir: args.data, catalogue: args.catalogue, ..FileConfig::default() };
    let config = file.overridden_by(flags).map_err(usage)?;
    let (exposure, tls) = listening(&config)?;
    let files = config::catalogue_files(&config.catalogue).map_err(usage)?;
    block_on(async {
        let stop = stop_signal()?;
        let port = bind(config.listen).map_err(|error| ended(&error))?;
        let (scheme, limits) = (exposure.scheme(), config.limits.clone());
        let Config { data_dir, store, retention, access, .. } = &config;
        let (store, retention, access) = (store.clone(), *retention, access.clone());
        let looked_at = Some(config.catalogue.clone());
        let opening =
            Opening { data_dir, store, retention, files: &files, looked_at, port, tls, limits, exposure, access };
        let collector = Collector::open(opening).map_err(|error| ended(&error))?;
        if let Some(address) = collector.address() {
            anstream::println!("uphold-collector serves {} at {scheme}://{address}/", config.catalogue.display());
        }
        collector.run(stop).await.map_err(|error| ended(&error))
    })
}

/// How the port is listened on, if it may be, and its certificate; what is doubtful about it is said.
fn listening(config: &Config) -> Result<(Exposure, Option<Arc<Tls>>), Ended> {
    let AccessConfig { tokens, insecure, .. } = config.access;
    let exposure = Exposure::decide(config.listen, config.tls.is_some(), tokens, insecure)
        .map_err(|exposed| Ended::new(USAGE, exposed))?;
    let tls = config.tls.clone().map(Tls::open).transpose().map_err(|error| Ended::new(USAGE, error))?;
    let of_key = tls.as_ref().and_then(|tls| tls.warning());
    for warning in exposure.insecure.iter().chain(&of_key) {
        anstream::eprintln!("uphold-collector: warning: {warning}");
    }
    Ok((exposure, tls))
}

/// The exit code and the message for what ended the collector.
pub(super) fn ended(error: &ServeError) -> Ended {
    let code = match error {
        ServeError::Died(_) | ServeError::Panicked => STORE_DIED,
        ServeError::Open(EngineError::TakeUp(TakeUpError::Problems(_) | TakeUpError::ChangesThePast(_))) => USAGE,
        _ => UNAVAILABLE,
    };
    Ended::new(code, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_store_that_died_has_an_exit_code_of_its_own() {
        let io = || EngineError::Store(StoreError::Io("no space left on device".to_owned()));
        for (error, code) in [
            (ServeError::Died(io()), STORE_DIED),
            (ServeError::Died(EngineError::Store(StoreError::Dead)), STORE_DIED),
            (ServeError::Panicked, STORE_DIED),
            (ServeError::Open(io()), UNAVAILABLE),
        ] {
            assert_eq!(ended(&error).told(), code, "{error}");
        }
    }
}
