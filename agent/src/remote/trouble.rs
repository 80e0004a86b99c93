//! Why nobody answered: which part of the way to a collector failed, as far as its errors tell.
//!
//! [`Trouble`] is for whoever advises people; the words of the system and of the libraries stand beside it.

use std::error::Error;
use std::io::{self, ErrorKind};

use rustls::CertificateError;

/// Which part of the way failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The host's name leads nowhere.
    Name,
    /// Nobody listens there.
    Refused,
    /// No way leads there.
    NoRoute,
    /// Nothing came in time.
    TimedOut,
    /// The certificate is not accepted.
    Certificate,
    /// What answers does not speak TLS as it should.
    NoTls,
    /// What answers does not speak HTTP as it should.
    NoHttp,
    /// Anything else.
    Other,
}

impl Trouble {
    /// The part of the way that an error and its causes speak of.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let part = causes(error).filter_map(part_of).last();
        part.unwrap_or(if error.is_timeout() { Self::TimedOut } else { Self::Other })
    }
}

/// An error and what caused it, the innermost last. An error of the system that was made of another one does not name that
/// as its source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        }
    })
}

fn part_of(cause: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => Trouble::Certificate,
            _ => Trouble::NoTls,
        });
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return (error.is_parse() || error.is_incomplete_message()).then_some(Trouble::NoHttp);
    }
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    match kind {
        Some(ErrorKind::ConnectionRefused) => Some(Trouble::Refused),
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => Some(Trouble::NoRoute),
        Some(ErrorKind::TimedOut) => Some(Trouble::TimedOut),
        // The library that connects has no type for it that can be seen from outside.
        _ => (cause.to_string() == "dns error").then_some(Trouble::Name),
    }
}

/// The innermost cause of an error, which is what the system said; reqwest's own text says only that sending failed.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let meaning = causes(error).find_map(of_the_certificate);
    meaning.map_or_else(|| text.clone(), |meaning| format!("{text}: {meaning}"))
}

/// What is wrong with a collector's certificate where the library's word for it does not say what would be right.
fn of_the_certificate(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    match cause.downcast_ref()? {
        // A bad signature is what an authority leaves that was made anew under its old name.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            Some("it is signed by no authority that this agent trusts; ca_file names others")
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(other))
            if format!("{other:?}").contains("CaUsedAsEndEntity") =>
        {
            Some("it is the certificate of an authority and not of a server; make one with CA:FALSE")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_the_way_is_found_below_what_wraps_it() {
        let wrapped = |kind: ErrorKind| io::Error::other(io::Error::from(kind));
        for (kind, part) in [
            (ErrorKind::ConnectionRefused, Some(Trouble::Refused)),
            (ErrorKind::HostUnreachable, Some(Trouble::NoRoute)),
            (ErrorKind::NetworkUnreachable, Some(Trouble::NoRoute)),
            (ErrorKind::TimedOut, Some(Trouble::TimedOut)),
            (ErrorKind::BrokenPipe, None),
        ] {
            assert_eq!(causes(&wrapped(kind)).filter_map(part_of).last(), part, "{kind}");
        }
        let certificate = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(ErrorKind::InvalidData, certificate));
        assert_eq!(causes(&wrapped).filter_map(part_of).last(), Some(Trouble::Certificate));
    }
}
