//! One conversation with a mail server, which may say whatever it likes.
//!
//! At most [`HEARD_BYTES_MAX`] bytes are heard of it: a line that never ends would otherwise be kept until the deadline. Of what
//! it says only codes leave this file, since a server may well repeat the password that it was given. What it makes of the
//! goodbye changes nothing: what was taken is taken, and what was refused is refused.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as Sender, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use uphold_common::catalogue::model::{Mail, MailTls};

use super::letter;
use crate::notify::post::{Timeouts, because};
use crate::notify::secret;
use crate::notify::verdict::Attempt;

/// Most bytes of a server that are heard, of all that it says to one letter.
const HEARD_BYTES_MAX: usize = 64 * 1024;
/// Longest file with certificates of authorities.
const CA_BYTES_MAX: u64 = 1024 * 1024;
/// How long the answer to the goodbye is waited for.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a letter was not taken.
enum Stopped {
    /// The server refused it, with this code.
    Refused(u16),
    /// There was no server, or none that speaks SMTP.
    Broken(String),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        match error.status() {
            Some(code) => Self::Refused(code.into()),
            // What stands in such an error is what the server said.
            None if error.is_response() => {
                Self::Broken("the mail server broke off, or answered with something else than SMTP".to_owned())
            }
            None => Self::Broken(because("could not reach the mail server", &error)),
        }
    }
}

/// Hands a letter to the server.
pub(super) async fn send(mail: &Mail, letter: &Message, timeouts: Timeouts) -> Attempt {
    let talk = async {
        let mut connection = open(mail, timeouts.connect).await?;
        let told = tell(&mut connection, letter).await;
        Ok::<_, Stopped>((connection, told))
    };
    let told = match tokio::time::timeout(timeouts.total, talk).await {
        Ok(Ok((mut connection, told))) => {
            let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
            told
        }
        Ok(Err(stopped)) => Err(stopped),
        Err(_) => Err(Stopped::Broken("the mail server did not answer in time".to_owned())),
    };
    match told {
        Ok(code) | Err(Stopped::Refused(code)) => Attempt::Replied { code },
        Err(Stopped::Broken(error)) => Attempt::Unanswered { error },
    }
}

/// Gives the letter to a server that is ready for it, and the code with which it was taken.
async fn tell(connection: &mut AsyncSmtpConnection, letter: &Message) -> Result<u16, Stopped> {
    let envelope = letter.envelope();
    connection.command(Sender::new(envelope.from().cloned(), Vec::new())).await?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    connection.command(Data).await?;
    Ok(connection.message(&letter.formatted()).await?.code().into())
}

/// A connection over which letters can go.
async fn open(mail: &Mail, within: Duration) -> Result<AsyncSmtpConnection, Stopped> {
    // How the collector names itself: by the domain that the letters come from, which a server can look up.
    let hello = ClientId::Domain(letter::domain(&mail.from).to_owned());
    let login = login(mail).await.map_err(Stopped::Broken)?;
    let roots = roots(mail).await.map_err(Stopped::Broken)?;
    let (stream, peer) = reach(mail, within).await.map_err(Stopped::Broken)?;
    let mut connection = match mail.tls {
        MailTls::None => {
            AsyncSmtpConnection::connect_with_transport(Box::new(Bounded::new(stream, peer)), &hello).await?
        }
        MailTls::Starttls => {
            let parameters = parameters(mail, roots.as_deref())?;
            let stream = Box::new(Bounded::new(stream, peer));
            let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello).await?;
            connection.starttls(parameters, &hello).await?;
            connection
        }
        MailTls::Implicit => {
            let connector = connector(roots.as_deref()).map_err(no_tls)?;
            let name = ServerName::try_from(mail.host.clone()).map_err(no_tls)?;
            let stream = connector.connect(name, stream).await.map_err(no_tls)?;
            AsyncSmtpConnection::connect_with_transport(Box::new(Bounded::new(stream, peer)), &hello).await?
        }
    };
    if let Some(login) = login {
        connection.auth(DEFAULT_MECHANISMS, &login).await?;
    }
    Ok(connection)
}

fn no_tls(error: impl std::fmt::Display) -> Stopped {
    Stopped::Broken(format!("could not reach the mail server: {error}"))
}

async fn login(mail: &Mail) -> Result<Option<Credentials>, String> {
    let Some(login) = &mail.login else { return Ok(None) };
    let password = secret::first_line("the password", &login.password_file).await?;
    Ok(Some(Credentials::new(login.user.clone(), password)))
}

/// The certificates of authorities that vouch for the server beside those of the system, in PEM; there is at least one.
async fn roots(mail: &Mail) -> Result<Option<String>, String> {
    let Some(path) = &mail.ca_file else { return Ok(None) };
    let text = secret::text("the certificates", path, CA_BYTES_MAX).await?;
    if certificates(Some(&text)).is_ok_and(|found| !found.is_empty()) {
        Ok(Some(text))
    } else {
        Err(format!("{path} holds no certificate"))
    }
}

fn certificates(pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(pem.unwrap_or_default().as_bytes()).collect()
}

fn parameters(mail: &Mail, roots: Option<&str>) -> Result<TlsParameters, Error> {
    let parameters = TlsParameters::builder(mail.host.clone());
    match roots {
        Some(pem) => parameters.add_root_certificate(Certificate::from_pem(pem.as_bytes())?).build(),
        None => parameters.build(),
    }
}

fn connector(roots: Option<&str>) -> Result<TlsConnector, Box<dyn std::error::Error + Send + Sync>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(certificates(roots)?, Arc::clone(&provider))?;
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Reaches the first address of the server that lets itself be reached; each is given as long.
async fn reach(mail: &Mail, within: Duration) -> Result<(TcpStream, SocketAddr), String> {
    let could_not = |why: String| format!("could not reach the mail server: {why}");
    let found = tokio::net::lookup_host((mail.host.as_str(), mail.port)).await;
    let mut why = "its name has no address".to_owned();
    for address in found.map_err(|error| could_not(error.to_string()))? {
        match tokio::time::timeout(within, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((stream, address)),
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => "it did not answer".clone_into(&mut why),
        }
    }
    Err(could_not(why))
}

/// A connection of which no more than [`HEARD_BYTES_MAX`] bytes are heard.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    peer: SocketAddr,
    left: usize,
}

impl<S> Bounded<S> {
    const fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer, left: HEARD_BYTES_MAX }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(Err(io::Error::other(format!("it said more than {HEARD_BYTES_MAX} bytes"))));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.left = this.left.saturating_sub(buf.filled().len().saturating_sub(before));
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream for Bounded<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
