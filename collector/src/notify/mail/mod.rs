//! One attempt to deliver a message by mail: a letter to all of its addresses, handed to one server over SMTP.
//!
//! | file | what it holds |
//! |---|---|
//! | [`letter`] | the event → what people read, its subject and its thread; pure |
//!
//! Each attempt opens a connection of its own: incidents are rare, and a server closes what is idle. The password comes out
//! of its file each time, and goes over TLS only. What the server says beyond its code is not kept.

pub mod letter;

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use uphold_common::catalogue::model::{Mail, MailTls};

use super::outbox::Delivery;
use super::post::{Timeouts, because};
use super::secret;
use super::verdict::Attempt;

/// Delivers messages by mail.
#[derive(Clone, Copy, Debug)]
pub struct MailClient {
    total: Duration,
}

impl MailClient {
    /// A client that gives up after this time.
    pub const fn new(timeouts: Timeouts) -> Self {
        Self { total: timeouts.total }
    }

    /// Makes one attempt.
    pub async fn deliver(&self, mail: &Mail, delivery: &Delivery) -> Attempt {
        let letter = match letter::write(mail, delivery) {
            Ok(letter) => letter,
            Err(error) => return Attempt::Refused { error },
        };
        let sent = tokio::time::timeout(self.total, send(mail, letter)).await;
        sent.unwrap_or_else(|_| Err("the mail server did not answer in time".to_owned()))
            .unwrap_or_else(|error| Attempt::Unanswered { error })
    }
}

async fn send(mail: &Mail, letter: Message) -> Result<Attempt, String> {
    let server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mail.host.clone())
        .port(mail.port)
        .tls(tls(mail).await?)
        .hello_name(hello(mail))
        // The attempt has a deadline of its own.
        .timeout(None);
    let server = match &mail.login {
        Some(login) => {
            let password = secret::first_line("the password", &login.password_file).await?;
            server.credentials(Credentials::new(login.user.clone(), password))
        }
        None => server,
    };
    match server.build().send(letter).await {
        Ok(answer) => Ok(Attempt::Replied { code: answer.code().into() }),
        Err(error) => match error.status() {
            Some(code) => Ok(Attempt::Replied { code: code.into() }),
            None => Err(reason(&error)),
        },
    }
}

async fn tls(mail: &Mail) -> Result<Tls, String> {
    if mail.tls == MailTls::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.ca_file {
        let text = secret::lines("the certificates", path).await?.join("\n");
        let certificate = Certificate::from_pem(text.as_bytes());
        parameters = parameters.add_root_certificate(certificate.map_err(|_| format!("{path} holds no certificate"))?);
    }
    let parameters = parameters.build().map_err(|error| format!("TLS cannot be spoken: {}", reason(&error)))?;
    Ok(if mail.tls == MailTls::Implicit { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
}

/// How the collector names itself: by the domain that the letters come from, which a server can look up.
fn hello(mail: &Mail) -> ClientId {
    ClientId::Domain(letter::domain(&mail.from).to_owned())
}

/// Why there was no answer, from the error and what lies behind it.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    because("could not reach the mail server", error)
}
