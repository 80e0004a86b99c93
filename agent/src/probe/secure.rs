//! TLS as probes agree on it: one configuration for all that ask for the same, a full handshake each time.
//!
//! Sessions are never resumed: what a probe measures is what somebody meets who was never there. Roots of the system are
//! read once, files again when they change.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use uphold_common::wire::check::{TlsOptions, TlsVersion};

use super::certificates::{Chain, LastChain};
use super::file::FromFiles;
use super::{Happened, Run};
use crate::accept::Accept;
use crate::tls;

/// The protocols that a client offers to speak over TLS.
pub(super) type Protocols = &'static [&'static [u8]];

/// A session of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The version that was agreed.
    pub version: &'static str,
    /// The cipher suite that was agreed.
    pub cipher: &'static str,
    /// Whether the certificates were held against roots, name and clock.
    pub verified: bool,
    /// What the certificates say; nothing when they cannot be read.
    pub chain: Option<Arc<Chain>>,
}

/// How one probe agrees on TLS.
#[derive(Debug)]
pub(super) struct Secure {
    config: Arc<FromFiles<Arc<ClientConfig>>>,
    verified: bool,
    /// The name that is asked for whatever the host is.
    name: Option<ServerName<'static>>,
    last: LastChain,
}

impl Secure {
    /// What these options ask for.
    pub(super) fn new(options: &TlsOptions, protocols: Protocols, accept: &Accept) -> Result<Self, String> {
        let name = options.server_name.as_deref().map(server_name).transpose()?;
        let config = shared(options, protocols, accept)?;
        if config.is_without_files() {
            // Reading the system's certificates takes a while, which is no part of an attempt; a problem shows there.
            let _ = config.look();
        }
        Ok(Self { config, verified: options.verify, name, last: LastChain::default() })
    }

    /// The name that a certificate of `host` must be for.
    pub(super) fn name_of(&self, host: &str) -> Result<ServerName<'static>, String> {
        self.name.clone().map_or_else(|| server_name(host), Ok)
    }

    /// Agrees on TLS, and notes what was agreed.
    pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: ServerName<'static>,
        stream: S,
        run: &mut Run,
    ) -> Result<TlsStream<S>, Happened> {
        let config = self.config.get().await.map_err(Happened::NotTried)?;
        let secured = TlsConnector::from(config).connect(name, stream).await.map_err(|error| failed(&error))?;
        run.phase_ended(|phases| &mut phases.tls);
        let (_, agreed) = secured.get_ref();
        run.session = Some(Session {
            version: agreed.protocol_version().and_then(|version| version.as_str()).unwrap_or("unknown"),
            cipher: agreed.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown"),
            verified: self.verified,
            chain: self.last.read(agreed.peer_certificates().unwrap_or_default()),
        });
        Ok(secured)
    }
}

pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(host.to_owned()).map_err(|_| format!("{host:?} is no name that a certificate could be for"))
}

/// A certificate that is too old is told apart from everything else that fails.
fn failed(error: &io::Error) -> Happened {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Happened::Expired(error.to_string()),
        _ => Happened::TlsFailed(error.to_string()),
    }
}

type Config = FromFiles<Arc<ClientConfig>>;

/// The configurations that are in use, by what was asked for.
type Configs = HashMap<(TlsOptions, Protocols), Weak<Config>>;

static CONFIGS: Mutex<Option<Configs>> = Mutex::new(None);

/// The configuration for these options: the one that others use already, if any do.
fn shared(options: &TlsOptions, protocols: Protocols, accept: &Accept) -> Result<Arc<Config>, String> {
    let paths = [&options.ca_file, &options.cert_file, &options.key_file];
    let paths: Vec<PathBuf> = paths.into_iter().flatten().map(PathBuf::from).collect();
    let options = TlsOptions { server_name: None, ..options.clone() };
    let asked = options.clone();
    // Also of one that others use it is asked whether this host lets its files be read.
    let new = FromFiles::new(paths, accept, move |contents| configured(&asked, protocols, contents))?;
    let mut configs = CONFIGS.lock().unwrap_or_else(PoisonError::into_inner);
    let configs = configs.get_or_insert_default();
    if let Some(known) = configs.get(&(options.clone(), protocols)).and_then(Weak::upgrade) {
        return Ok(known);
    }
    configs.retain(|_, config| config.strong_count() > 0);
    configs.insert((options, protocols), Arc::downgrade(&new));
    Ok(new)
}

fn configured(options: &TlsOptions, protocols: Protocols, contents: &[Vec<u8>]) -> Result<Arc<ClientConfig>, String> {
    let mut contents = contents.iter();
    // They come in this order, those that were asked for.
    let mut next = |path: &Option<String>| path.is_some().then(|| contents.next()).flatten();
    let (roots, certificate, key) = (next(&options.ca_file), next(&options.cert_file), next(&options.key_file));
    let name = |path: &Option<String>| path.clone().unwrap_or_default();
    let versions: &[_] = match options.min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let set_up = |error: &dyn std::fmt::Display| format!("TLS could not be set up: {error}");
    let verifier: Arc<dyn ServerCertVerifier> = match roots {
        _ if !options.verify => Arc::new(Unverified),
        None => tls::system_verifier()?,
        Some(pem) => {
            let roots = tls::roots_in(Path::new(&name(&options.ca_file)), pem).map_err(|error| error.to_string())?;
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), tls::provider())
                .build()
                .map_err(|error| set_up(&error))?
        }
    };
    let builder = ClientConfig::builder_with_provider(tls::provider()).with_protocol_versions(versions);
    let builder = builder.map_err(|error| set_up(&error))?.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match (certificate, key) {
        (Some(certificates), Some(key)) => {
            let (path, key_path) = (name(&options.cert_file), name(&options.key_file));
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
            let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
            let certificates = certificates.ok_or_else(|| format!("{path} has no certificate in PEM"))?;
            let key = PrivateKeyDer::from_pem_slice(key);
            let key = key.map_err(|_| format!("{key_path} has no private key in PEM"))?;
            builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| format!("the certificate in {path} cannot be shown: {error}"))?
        }
        _ => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

/// Takes any certificate; only that the server has its key is still made sure of.
#[derive(Debug)]
struct Unverified;

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &tls::provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &tls::provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::provider().signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_ask_for_the_same_share_it_and_others_do_not() {
        let accept = Accept { files: Some(vec!["/srv".into()]), ..Accept::default() };
        let plain = TlsOptions { verify: false, ..TlsOptions::default() };
        let named = TlsOptions { server_name: Some("a.example".to_owned()), ..plain.clone() };
        let newer = TlsOptions { min_version: TlsVersion::V1_3, ..plain.clone() };
        let (http2, none): (Protocols, Protocols) = (&[b"h2"], &[]);
        let first = Secure::new(&plain, http2, &accept).unwrap();
        for (options, protocols, same) in
            [(&plain, http2, true), (&named, http2, true), (&plain, none, false), (&newer, http2, false)]
        {
            let other = Secure::new(options, protocols, &accept).unwrap();
            assert_eq!(Arc::ptr_eq(&first.config, &other.config), same, "{options:?}");
        }
        let with_file = TlsOptions { ca_file: Some("/srv/ca.pem".to_owned()), ..TlsOptions::default() };
        let allowed = Secure::new(&with_file, &[], &accept).unwrap();
        let refused = Secure::new(&with_file, &[], &Accept::default()).unwrap_err();
        assert!(refused.contains("/srv/ca.pem"), "another host does not get it because one has it: {refused}");
        assert!(allowed.config.look().unwrap_err().contains("/srv/ca.pem"));
    }
}
