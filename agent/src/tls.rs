//! TLS for probes and for the way to the collectors: one provider, the system's roots, built once.
//!
//! A machine without any roots is no reason not to start: probes of `https` addresses then say that the agent itself
//! could not measure, and everything else works.

use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS could not be set up: {error}"))?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

fn build() -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier);
    match builder {
        Ok(builder) => Ok(Arc::new(builder.with_no_client_auth())),
        Err(error) => Err(format!("the system's certificates could not be used: {error}")),
    }
}
