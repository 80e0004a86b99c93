//! TLS for probes and for the way to the collectors: one provider; the system's roots, or for collectors those of a file.
//!
//! A file of roots stands in place of the system's: whoever runs an authority of their own wants no other to speak for
//! the collector. What probes agree on is theirs, in `probe/secure`, out of the parts that stand here. A machine without
//! any roots is no reason not to start: probes of `https` addresses then say that the agent itself could not measure, and
//! everything else works.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// Most bytes of a file of roots: more than every public root together.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why a file of roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// It could not be read.
    #[error("the CA file {} could not be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is larger than is read.
    #[error("the CA file {} has more than {FILE_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// There is nothing in it.
    #[error("the CA file {} is empty: one or more certificates in PEM are expected", .0.display())]
    Empty(PathBuf),
    /// There is something else in it.
    #[error(
        "the CA file {} has no certificate in it: PEM is expected, which begins with -----BEGIN CERTIFICATE-----",
        .0.display()
    )]
    NoCertificate(PathBuf),
    /// One of its certificates is not sound.
    #[error("certificate {nth} of the CA file {} cannot be used: {why}", path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// Which one, counted from 1.
        nth: usize,
        /// What is wrong with it.
        why: String,
    },
    /// No TLS with them.
    #[error("TLS could not be set up: {0}")]
    Setup(String),
}

/// Makes ring the provider of this process, for every library that asks for one. Calling it again changes nothing.
pub fn install_provider() {
    // An error says that somebody installed one before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The configuration for connections to servers that are checked against the system's roots, or why there is none.
pub fn client_config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    CONFIG.get_or_init(build).clone()
}

/// A configuration that accepts no certificate at all, for a machine without roots.
pub fn without_roots() -> Result<ClientConfig, String> {
    with_roots(RootCertStore::empty())
}

/// A configuration that accepts certificates which lead to one in this PEM file, and no others.
pub fn with_file(path: &Path) -> Result<ClientConfig, CaError> {
    with_roots(read_roots(path)?).map_err(CaError::Setup)
}

/// The one provider, shared by every configuration.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

/// Who holds certificates against the system's roots, which are read once; or why nobody does.
pub fn system_verifier() -> Result<Arc<dyn ServerCertVerifier>, String> {
    static VERIFIER: OnceLock<Result<Arc<Verifier>, String>> = OnceLock::new();
    let verifier = VERIFIER.get_or_init(|| {
        let verifier = Verifier::new(provider());
        verifier.map(Arc::new).map_err(|error| format!("the system's certificates could not be used: {error}"))
    });
    verifier.clone().map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
}

fn with_roots(roots: RootCertStore) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS could not be set up: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn read_roots(path: &Path) -> Result<RootCertStore, CaError> {
    let unreadable = |source| CaError::Read { path: path.to_owned(), source };
    let mut pem = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut pem).map_err(unreadable)?;
    if pem.len() as u64 > FILE_BYTES_MAX {
        return Err(CaError::TooLarge(path.to_owned()));
    }
    roots_in(path, &pem)
}

/// The roots that were read from this file.
pub fn roots_in(path: &Path, pem: &[u8]) -> Result<RootCertStore, CaError> {
    if pem.trim_ascii().is_empty() {
        return Err(CaError::Empty(path.to_owned()));
    }
    let mut roots = RootCertStore::empty();
    for (nth, certificate) in (1..).zip(CertificateDer::pem_slice_iter(pem)) {
        let unsound = |why: String| CaError::Unsound { path: path.to_owned(), nth, why };
        let certificate = certificate.map_err(|error| unsound(error.to_string()))?;
        roots.add(certificate).map_err(|error| unsound(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(CaError::NoCertificate(path.to_owned()));
    }
    Ok(roots)
}

fn build() -> Result<Arc<ClientConfig>, String> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS could not be set up: {error}"))?;
    let verified = builder.dangerous().with_custom_certificate_verifier(system_verifier()?);
    Ok(Arc::new(verified.with_no_client_auth()))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
