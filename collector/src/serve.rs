//! The collector as a whole: opened in order, announced, and ended in order.
//!
//! Opening: the data directory's lock, the store, the engine with its first snapshot, the sockets. Ending: nothing new is
//! taken in, what is being answered finishes, deliveries in flight finish, the engine makes everything durable, and the
//! lock is given up. A store that died ends the program at once, with an error of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::access::Policy;
use crate::access::through::Through;
use crate::api::connections::{Bounded, CONNECTIONS_MAX, SILENCE_MAX};
use crate::api::{self, socket};
use crate::clock;
use crate::engine::run::Running;
use crate::engine::{Engine, EngineError, run};
use crate::inforce::CatalogueFile;
use crate::notify::webhook::{ClientError, Timeouts, WebhookClient};
use crate::notify::worker::{self, Pace};
use crate::store::{DataDir, EmbeddedStore, StoreError, StoreOptions};

/// How long what is being answered may take to finish at the end.
const FINISH: Duration = Duration::from_secs(5);

/// Why the collector could not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store or the catalogue could not be opened.
    #[error(transparent)]
    Open(#[from] EngineError),
    /// The store died while the collector ran.
    #[error("the store failed: {0}")]
    Died(EngineError),
    /// The engine's thread panicked.
    #[error("the engine ended unexpectedly; a restart finds everything that was acknowledged")]
    Panicked,
    /// An address could not be bound.
    #[error("could not listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No client for webhooks.
    #[error("webhooks cannot be delivered: {0}")]
    Webhooks(#[from] ClientError),
    /// The built-in agent could not start.
    #[error("the built-in agent could not start: {0}")]
    Agent(String),
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::Open(EngineError::Store(error))
    }
}

/// A collector that is open and serves as soon as [`Collector::run`] is called.
pub struct Collector {
    engine: Running,
    tcp: TcpListener,
    unix: tokio::net::UnixListener,
    webhooks: WebhookClient,
    policy: Policy,
}

impl Collector {
    /// Opens the store and everything on it, and binds the sockets. `tcp` is bound already.
    pub fn open(
        data_dir: &Path,
        store: StoreOptions,
        files: &[CatalogueFile],
        tcp: TcpListener,
    ) -> Result<Self, ServeError> {
        // An error says that somebody installed one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now = clock::now();
        let dir = DataDir::claim(data_dir, "uphold-collector", now)?;
        let store = EmbeddedStore::open(dir, store)?;
        let engine = run::start(Engine::open(Box::new(store), files, now)?)?;
        let address = socket::path(data_dir).display().to_string();
        let unix = socket::bind(data_dir).map_err(|source| ServeError::Listen { address, source })?;
        let policy = Policy::default();
        Ok(Self { engine, tcp, unix, policy, webhooks: WebhookClient::new(Timeouts::default())? })
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.tcp.local_addr().ok()
    }

    /// Serves until `stop` is told, or until the store dies.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), ServeError> {
        let Running { handle, mut ended, thread } = self.engine;
        let (finish, finishing) = watch::channel(false);
        let router = api::router(handle.clone(), self.policy);
        let tcp = tokio::spawn(serve_tcp(self.tcp, router.clone(), finishing.clone()));
        let unix = router.layer(axum::Extension(Through::Socket { uid: None }));
        let unix = tokio::spawn(serve_unix(self.unix, unix, finishing.clone()));
        let notifying = tokio::spawn(worker::run(
            Arc::new(handle.clone()),
            self.webhooks,
            handle.messages(),
            finishing,
            Pace::default(),
        ));
        let died = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => None,
            result = &mut ended => Some(result),
        };
        finish.send_replace(true);
        for (what, task) in [("the port", tcp), ("the socket", unix), ("deliveries", notifying)] {
            if tokio::time::timeout(FINISH, task).await.is_err() {
                tracing::warn!(what, "did not finish in time");
            }
        }
        let result = if let Some(result) = died {
            result
        } else {
            handle.stop().await;
            drop(handle);
            ended.await
        };
        crate::engine::run::join(thread);
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ServeError::Died(error)),
            // The thread is gone without a word: it panicked, and nothing more can be promised.
            Err(_) => Err(ServeError::Panicked),
        }
    }
}

/// Binds a TCP address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address: address.to_string(), source })
}

async fn serve_tcp(listener: TcpListener, router: axum::Router, mut finishing: watch::Receiver<bool>) {
    let finished = async move {
        // An error means that the other side is gone, which is the end too.
        let _ = finishing.wait_for(|finish| *finish).await;
    };
    let bounded = Bounded::new(listener, CONNECTIONS_MAX, SILENCE_MAX);
    if let Err(error) = axum::serve(bounded, router).with_graceful_shutdown(finished).await {
        tracing::error!(%error, "the port can no longer be served");
    }
}

async fn serve_unix(listener: tokio::net::UnixListener, router: axum::Router, mut finishing: watch::Receiver<bool>) {
    let finished = async move {
        let _ = finishing.wait_for(|finish| *finish).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(finished).await {
        tracing::error!(%error, "the socket can no longer be served");
    }
}
