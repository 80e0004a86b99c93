//! A certificate authority for the tests, made anew for each by the program `openssl`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// How `openssl` is told what certificates are for.
const SETTINGS: &str = "[req]
distinguished_name = name
prompt = no
[name]
CN = made for a test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
subjectAltName = NAMES
";

/// An authority with its files.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// A new one, whose name is that of every other and whose key is its own.
    pub(crate) fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        authority.openssl("ca", "authority", "DNS:none", &[]);
        authority
    }

    /// Its own certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A server with a certificate of this authority for these names, such as `IP:127.0.0.1`.
    pub(crate) fn server(&self, names: &str) -> TlsAcceptor {
        let (ca, key) = (self.path("ca.pem"), self.path("ca.key"));
        self.openssl("server", "server", names, &["-CA".as_ref(), &ca, "-CAkey".as_ref(), &key]);
        self.acceptor("server")
    }

    /// A server with a certificate that it signed itself, and the file of that certificate.
    pub(crate) fn self_signed(&self, names: &str) -> (TlsAcceptor, PathBuf) {
        self.openssl("itself", "server", names, &[]);
        (self.acceptor("itself"), self.path("itself.pem"))
    }

    /// A server that shows the authority's own certificate, as `openssl req -x509` makes one that is not told otherwise.
    pub(crate) fn itself(&self) -> TlsAcceptor {
        self.acceptor("ca")
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn openssl(&self, name: &str, section: &str, names: &str, more: &[&Path]) {
        let settings = self.path("settings");
        std::fs::write(&settings, SETTINGS.replace("NAMES", names)).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-extensions", section, "-config"])
            .arg(settings)
            .arg("-keyout")
            .arg(self.path(&format!("{name}.key")))
            .arg("-out")
            .arg(self.path(&format!("{name}.pem")))
            .args(more)
            .output()
            .expect("the program openssl is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
