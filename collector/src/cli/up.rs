//! `up`: everything at once, on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;
use uphold_manual::after_help;
use url::Url;

use super::exit::{Ended, SERVED, UNAVAILABLE, USAGE};
use super::runtime::{block_on, stop_signal};
use super::serve::ended;
use crate::builtin::{self, Watched};
use crate::config::{AccessConfig, TokensNeeded};
use crate::limits::Limits;
use crate::listen::{self, exposure::Exposure};
use crate::retention::Retention;
use crate::serve::{Collector, Opening, ServeError};
use crate::store::StoreOptions;

const EXAMPLES: [&str; 2] =
    ["uphold-collector up", "uphold-collector up --watch https://a.example/ --watch http://127.0.0.1:3000/"];

/// What `up` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &SERVED))]
pub(super) struct UpArgs {
    /// Add a service that is available when this URL answers; may be given several times.
    #[arg(long, value_name = "URL")]
    watch: Vec<Url>,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
    /// The port on 127.0.0.1; when it is busy, the next ones are tried.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

/// How many ports are tried after the first.
const PORTS_TRIED_MAX: u16 = 20;

pub(super) fn up(args: &UpArgs) -> Result<(), Ended> {
    let watched: Option<Vec<Watched>> = args.watch.iter().map(Watched::new).collect();
    let Some(watched) = watched else {
        return Err(Ended::new(USAGE, "--watch expects URLs that begin with http:// or https://"));
    };
    block_on(async {
        let mut stop = stop_signal()?;
        let port = free_port(args.port)?;
        let address = port.local_addr().map_err(|error| Ended::new(UNAVAILABLE, error))?;
        let file = builtin::first_catalogue(address, &watched);
        // On the loopback address nothing has to be refused.
        let tokens = TokensNeeded::default_for(address, &[]);
        let exposure = Exposure::decide(address, false, tokens, false).map_err(|error| Ended::new(USAGE, error))?;
        let (store, retention, limits) = (StoreOptions::default(), Retention::default(), Limits::default());
        let access = AccessConfig { tokens, hosts: Vec::new(), insecure: false };
        let opening = Opening {
            data_dir: &args.data,
            store,
            retention,
            files: &[file],
            looked_at: None,
            port,
            tls: None,
            limits,
            exposure,
            access,
        };
        let collector = Collector::open(opening).map_err(|error| ended(&error))?;
        announce(args, address, &watched);
        let config = builtin::agent_config(address, &args.data);
        let config = config.ok_or_else(|| Ended::new(UNAVAILABLE, "the built-in agent has no address"))?;
        let (collector_stop, stopping) = tokio::sync::watch::channel(false);
        let serving = collector.run(stopping);
        let observing = async {
            // The agent ends first, so that its last push still finds the collector.
            let asked = async { drop(stop.wait_for(|stop| *stop).await) };
            let observed = builtin::run_agent(config, asked).await.map_err(ServeError::Agent);
            collector_stop.send_replace(true);
            observed
        };
        tokio::pin!(serving, observing);
        let result = tokio::select! {
            // A collector that ended by itself takes the agent along: what it has not pushed lies in its spool.
            served = &mut serving => served,
            observed = &mut observing => serving.await.and(observed),
        };
        result.map_err(|error| ended(&error))
    })
}

/// The first free port from `port` on; each busy one is named.
fn free_port(port: u16) -> Result<TcpListener, Ended> {
    for port in port..=port.saturating_add(PORTS_TRIED_MAX) {
        match listen::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                anstream::println!("port {port} is busy, trying the next one");
            }
            Err(error) => return Err(Ended::new(UNAVAILABLE, format!("could not listen on port {port}: {error}"))),
        }
    }
    Err(Ended::new(UNAVAILABLE, format!("no free port from {port} on; name one with --port")))
}

fn announce(args: &UpArgs, address: SocketAddr, watched: &[Watched]) {
    let services: Vec<&str> = std::iter::once("uphold").chain(watched.iter().map(|w| w.id().as_str())).collect();
    anstream::println!("Uphold measures this machine.");
    anstream::println!("  page      http://{address}/");
    anstream::println!("  metrics   http://{address}/metrics");
    anstream::println!("  services  {}", services.join(", "));
    anstream::println!("  data      {}", args.data.display());
    anstream::println!("Stop it with Ctrl-C. Ask it with: uphold-collector report uphold");
}
