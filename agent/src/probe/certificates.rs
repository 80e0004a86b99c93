//! What the certificates of a TLS session say of themselves: for whom they are, and until when they hold.
//!
//! They are read once for as long as a server shows the same ones.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use uphold_common::bytes::Hex;
use uphold_common::time::Instant;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::named;

/// Most names of a certificate that are kept.
const NAMES_MAX: usize = 100;
/// Longest text of a certificate that is kept, in characters.
const TEXT_CHARS_MAX: usize = 255;
/// Most certificates of a chain that are looked at.
const CHAIN_MAX: usize = 16;

/// The certificates that a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whom the server's own is for, as it says; of a great many, the first.
    pub names: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Until when it holds.
    pub leaf_until: Instant,
    /// Until when all of them hold.
    pub chain_until: Instant,
    /// SHA-256 of the server's own, in hexadecimal.
    pub fingerprint: String,
}

impl Chain {
    /// Reads what was shown, the server's own first; nothing when there is none or it is no certificate.
    pub fn read(shown: &[CertificateDer<'_>]) -> Option<Self> {
        let (leaf, others) = shown.split_first()?;
        let (_, own) = X509Certificate::from_der(leaf).ok()?;
        let leaf_until = until(&own);
        let others = others.iter().take(CHAIN_MAX).map(|other| X509Certificate::from_der(other));
        let others: Result<Vec<Instant>, _> = others.map(|other| other.map(|(_, other)| until(&other))).collect();
        let chain_until = others.ok()?.into_iter().fold(leaf_until, Instant::min);
        Some(Self {
            names: names(&own),
            subject: cut(&named::written(own.subject())),
            issuer: cut(&named::written(own.issuer())),
            leaf_until,
            chain_until,
            fingerprint: Hex(&Sha256::digest(leaf)).to_string(),
        })
    }
}

fn until(certificate: &X509Certificate<'_>) -> Instant {
    Instant::from_ms(certificate.validity().not_after.timestamp().saturating_mul(1_000))
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(cut(name)),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    names.filter_map(name).take(NAMES_MAX).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(|address| address.to_string())
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// The chain that was shown last, so that the same one is not read again.
#[derive(Debug, Default)]
pub struct LastChain {
    /// Its secret makes sure that nobody finds two chains that are taken for one.
    hasher: RandomState,
    last: Mutex<Option<(u64, Option<Arc<Chain>>)>>,
}

impl LastChain {
    /// What these certificates say, out of memory if they are those that were shown last.
    pub fn read(&self, shown: &[CertificateDer<'_>]) -> Option<Arc<Chain>> {
        let hash = self.hasher.hash_one(shown);
        {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, chain)) = last.as_ref().filter(|(known, _)| *known == hash) {
                return chain.clone();
            }
        }
        let chain = Chain::read(shown).map(Arc::new);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((hash, chain.clone()));
        chain
    }
}
