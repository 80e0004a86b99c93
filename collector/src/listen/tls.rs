//! TLS of the port: a certificate and its key from files, taken up anew when the files change.
//!
//! At the start both must be sound and belong together. Later the files are looked at every few seconds; what they then
//! hold is in force for the next handshake if it is sound. If it is not, what was in force stays, the log says why, and
//! it is counted; so a certificate that is replaced before its key does no harm.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Most bytes of a file that are read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The bit of a file's mode that lets everybody read it.
const READABLE_BY_EVERYBODY: u32 = 0o004;

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate with those above it, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds more than is read.
    #[error("{} has more than {FILE_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// There is no certificate in the file.
    #[error("there is no certificate in {}: PEM is expected, with BEGIN CERTIFICATE", .0.display())]
    NoCertificate(PathBuf),
    /// There is no key in the file.
    #[error("there is no private key in {}: PEM is expected, with BEGIN PRIVATE KEY", .0.display())]
    NoKey(PathBuf),
    /// What is in a file is damaged.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The two do not belong together, or cannot be used.
    #[error("the certificate in {} and the key in {} cannot be used together: {reason}", files.certificate.display(), files.key.display())]
    Unfit {
        /// Which.
        files: TlsFiles,
        /// Why not.
        reason: String,
    },
}

/// How often the files changed since the start, by what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// The new ones are in force.
    pub taken: u64,
    /// The new ones were not sound.
    pub refused: u64,
}

/// The certificate in force, and the files it comes from.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    in_force: RwLock<Arc<CertifiedKey>>,
    looked_at: Mutex<Stamps>,
    taken: AtomicU64,
    refused: AtomicU64,
}

/// What shows that a file was changed or replaced; none when it cannot be looked at.
type Stamp = Option<(u64, u64, i64, i64, i64, i64)>;
type Stamps = [Stamp; 2];

impl Tls {
    /// Reads the files for the first time.
    pub fn open(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let stamps = stamps(&files);
        let in_force = RwLock::new(Arc::new(read(&files)?));
        let (taken, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Arc::new(Self { files, in_force, looked_at: Mutex::new(stamps), taken, refused }))
    }

    /// What does the handshakes.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unfit { files: self.files.clone(), reason: error.to_string() })?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as Arc<dyn ResolvesServerCert>;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Takes up what the files hold, if they have changed since they were last looked at; none if they have not.
    pub fn look_again(&self) -> Option<Result<(), TlsError>> {
        let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&self.files);
        if *looked_at == now {
            return None;
        }
        *looked_at = now;
        Some(match read(&self.files) {
            Ok(key) => {
                *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                self.taken.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        })
    }

    /// Looks at the files every few seconds, until everything ends.
    pub async fn keep_looking(self: Arc<Self>, mut finishing: watch::Receiver<bool>) {
        while tokio::time::timeout(LOOK_EVERY, finishing.wait_for(|finish| *finish)).await.is_err() {
            match self.look_again() {
                Some(Ok(())) => tracing::info!("the certificate was replaced, and the new one is in force"),
                Some(Err(error)) => {
                    tracing::error!(%error, "the certificate was replaced by one that cannot be used; the old one stays in force");
                }
                None => {}
            }
        }
    }

    /// How often the files changed.
    pub fn reloads(&self) -> Reloads {
        Reloads { taken: self.taken.load(Ordering::Relaxed), refused: self.refused.load(Ordering::Relaxed) }
    }

    /// A sentence about the key's file, if everybody may read it.
    pub fn warning(&self) -> Option<String> {
        let mode = std::fs::metadata(&self.files.key).ok()?.mode();
        let path = self.files.key.display();
        (mode & READABLE_BY_EVERYBODY != 0)
            .then(|| format!("the private key {path} can be read by everybody on this machine; chmod 600 it"))
    }
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let (certificate, key) = (bytes(&files.certificate)?, bytes(&files.key)?);
    let damaged = |path: &Path, error: rustls::pki_types::pem::Error| TlsError::Damaged {
        path: path.to_owned(),
        // What the error quotes is a line of the file, which is no matter for a log.
        reason: match error {
            rustls::pki_types::pem::Error::MissingSectionEnd { .. } => "a section has no end".to_owned(),
            rustls::pki_types::pem::Error::IllegalSectionStart { .. } => "a section begins wrongly".to_owned(),
            _ => "it is not PEM".to_owned(),
        },
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
    let chain = chain.map_err(|error| damaged(&files.certificate, error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey(files.key.clone()),
        error => damaged(&files.key, error),
    })?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
        let reason = match error {
            rustls::Error::InconsistentKeys(_) => "the key is that of another certificate".to_owned(),
            error => error.to_string(),
        };
        TlsError::Unfit { files: files.clone(), reason }
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX { Err(TlsError::TooLarge(path.to_owned())) } else { Ok(bytes) }
}

fn stamps(files: &TlsFiles) -> Stamps {
    let stamp = |path: &Path| {
        let of = |m: Metadata| (m.ino(), m.size(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
        std::fs::metadata(path).ok().map(of)
    };
    [stamp(&files.certificate), stamp(&files.key)]
}

#[cfg(test)]
#[path = "tls_tests.rs"]
pub(crate) mod tests;
