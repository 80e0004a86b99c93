//! The collector as a whole: opened in order, announced, and ended in order.
//!
//! Opening: the data directory's lock, the store, the engine with its first snapshot, the sockets. Ending: nothing new is
//! taken in, what is being answered finishes, deliveries in flight finish, the engine makes everything durable, and the
//! lock is given up. A store that died ends the program at once, with an error of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::assignment::Waiting;
use crate::api::catalogue::CatalogueFiles;
use crate::api::{self, socket};
use crate::clock;
use crate::config::AccessConfig;
use crate::engine::run::Running;
use crate::engine::{Engine, EngineError, run};
use crate::inforce::CatalogueFile;
use crate::limits::Limits;
use crate::listen::exposure::Exposure;
use crate::listen::tls::{Tls, TlsError};
use crate::listen::{self, Listening};
use crate::notify::alertmanager;
use crate::notify::alertmanager::run::Posters;
use crate::notify::courier::Courier;
use crate::notify::post::{ClientError, Poster, Proxies, Timeouts};
use crate::notify::ticket;
use crate::notify::trial::Trial;
use crate::notify::worker::{self, Pace};
use crate::reload;
use crate::reserve::Reserve;
use crate::retention::Retention;
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
    #[error("the collector cannot go on: {0}")]
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
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No client for receivers.
    #[error("receivers cannot be told: {0}")]
    Receivers(#[from] ClientError),
    /// The built-in agent could not start.
    #[error("the built-in agent could not start: {0}")]
    Agent(String),
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::Open(EngineError::Store(error))
    }
}

/// What a collector is opened with.
pub struct Opening<'a> {
    /// The data directory.
    pub data_dir: &'a Path,
    /// The store's bounds.
    pub store: StoreOptions,
    /// How long everything is kept.
    pub retention: Retention,
    /// The files of the catalogue.
    pub files: &'a [CatalogueFile],
    /// Where they are looked at again and again; none for files that nobody can change.
    pub looked_at: Option<PathBuf>,
    /// The port, bound already.
    pub port: TcpListener,
    /// The certificate of the port, if it speaks TLS.
    pub tls: Option<Arc<Tls>>,
    /// Every limit.
    pub limits: Limits,
    /// How it listens.
    pub exposure: Exposure,
    /// Whom it lets in.
    pub access: AccessConfig,
}

/// A collector that is open and serves as soon as [`Collector::run`] is called.
pub struct Collector {
    engine: Running,
    looked_at: Option<PathBuf>,
    port: TcpListener,
    tls: Option<Arc<Tls>>,
    socket: tokio::net::UnixListener,
    listening: Listening,
    courier: Courier,
    posters: Posters,
    tickets: Poster,
    access: AccessConfig,
}

impl Collector {
    /// Opens the store and everything on it, and binds the socket in the data directory.
    pub fn open(opening: Opening<'_>) -> Result<Self, ServeError> {
        let Opening { data_dir, store, retention, files, looked_at, port, tls, limits, exposure, access } = opening;
        // An error says that somebody installed one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now = clock::now();
        let dir = DataDir::claim(data_dir, "uphold-collector", now)?;
        let reserve = Reserve::of_dir(data_dir.to_owned(), &store);
        let store = EmbeddedStore::open(dir, store)?;
        let listening = Listening::new(limits).exposed(exposure, tls.clone());
        let engine = Engine::open_listening(Box::new(store), files, listening.clone(), now)?;
        let engine = engine.keeping(reserve).forgetting(retention);
        let engine = run::start(engine)?;
        let address = socket::path(data_dir).display().to_string();
        let socket = socket::bind(data_dir).map_err(|source| ServeError::Listen { address, source })?;
        let courier = Courier::new(Timeouts::default())?;
        let posters = Posters {
            alertmanagers: Poster::new(Timeouts::default(), Proxies::None)?,
            heartbeats: Poster::new(Timeouts::default(), Proxies::OfTheEnvironment)?,
        };
        let tickets = Poster::new(Timeouts::default(), Proxies::OfTheEnvironment)?;
        Ok(Self { engine, looked_at, port, tls, socket, listening, courier, posters, tickets, access })
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.port.local_addr().ok()
    }

    /// Serves until `stop` is told, or until the store dies.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), ServeError> {
        let Running { handle, mut ended, thread } = self.engine;
        let (finish, finishing) = watch::channel(false);
        let listening = self.listening;
        let files = CatalogueFiles(self.looked_at.clone().map(Arc::new));
        let waiting = Waiting::new(listening.limits(), finishing.clone());
        let router = api::router(handle.clone(), self.access, listening.clone(), files, waiting);
        let router = router.layer(Extension(Trial::new(self.courier.clone(), self.posters.clone())));
        let acceptor = self.tls.as_ref().map(Tls::acceptor).transpose()?;
        let port = listen::serve_port(self.port, acceptor, router.clone(), listening.clone(), finishing.clone());
        let port = tokio::spawn(port);
        let socket = tokio::spawn(listen::serve_socket(self.socket, router, listening, finishing.clone()));
        let certificate = self.tls.map(|tls| tokio::spawn(tls.keep_looking(finishing.clone())));
        let reloading = |path| tokio::spawn(reload::keep_looking(path, handle.clone(), finishing.clone()));
        let catalogue = self.looked_at.map(reloading);
        let notifying = tokio::spawn(worker::run(
            Arc::new(handle.clone()),
            self.courier,
            handle.messages(),
            finishing.clone(),
            Pace::default(),
        ));
        let looking = tokio::spawn(ticket::poll::run(handle.clone(), self.tickets, finishing.clone()));
        let telling = tokio::spawn(alertmanager::run::run(handle.snapshots(), self.posters, handle.board(), finishing));
        let died = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => None,
            result = &mut ended => Some(result),
        };
        finish.send_replace(true);
        let tasks = [
            ("the port", Some(port)),
            ("the socket", Some(socket)),
            ("deliveries", Some(notifying)),
            ("tickets", Some(looking)),
            ("Alertmanagers", Some(telling)),
        ];
        for (what, task) in tasks.into_iter().chain([("the certificate", certificate), ("the catalogue", catalogue)]) {
            let Some(task) = task else { continue };
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
pub fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    listen::bind(address).map_err(|source| ServeError::Listen { address: address.to_string(), source })
}
