//! The way to an address: connect, turn to TLS where that is asked for, and what is spoken over from then on.

use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use uphold_common::wire::check::{IpChoice, StartTls, TlsOptions};

use super::connect::{Target, parse_target};
use super::secure::{Protocols, Secure};
use super::{Happened, Run, starttls};
use crate::accept::Accept;

/// A connection, in the clear or not.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection, in the clear or not.
pub(super) type Stream = Box<dyn Io>;

/// The way to an address.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) target: Target,
    ip: IpChoice,
    starttls: Option<StartTls>,
    secure: Option<(Secure, ServerName<'static>)>,
}

impl Way {
    /// The way to `address`, with TLS if there are options for it; `protocols` are those that are offered then.
    pub(super) fn new(
        address: &str,
        ip: IpChoice,
        starttls: Option<StartTls>,
        (tls, protocols): (Option<&TlsOptions>, Protocols),
        accept: &Accept,
    ) -> Result<Self, String> {
        let target =
            parse_target(address).ok_or_else(|| format!("{address:?} is no address such as host:443 or [::1]:443"))?;
        let defaults = TlsOptions::default();
        let tls = tls.or_else(|| starttls.is_some().then_some(&defaults));
        let secure = tls.map(|options| {
            let secure = Secure::new(options, protocols, accept)?;
            let name = secure.name_of(&target.host)?;
            Ok::<_, String>((secure, name))
        });
        Ok(Self { secure: secure.transpose()?, target, ip, starttls })
    }

    /// A connection over which the protocol itself is spoken.
    pub(super) async fn open(&self, run: &mut Run, timeout: Duration) -> Result<Stream, Happened> {
        let mut stream: TcpStream = self.target.connect(self.ip, run, timeout).await?;
        if let Some(protocol) = self.starttls {
            starttls::ask(protocol, &mut stream).await?;
        }
        match &self.secure {
            None => Ok(Box::new(stream)),
            Some((secure, name)) => Ok(Box::new(secure.handshake(name.clone(), stream, run).await?)),
        }
    }
}
