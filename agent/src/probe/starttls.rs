//! Connections that begin in the clear and turn to TLS: SMTP, IMAP and PostgreSQL.
//!
//! What a server says in the clear is read up to a bound, and nothing of it may be left when TLS begins: whoever is on the
//! way could have put it there.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uphold_common::observation::Cause;
use uphold_common::wire::check::StartTls;

use super::{Answer, Happened, Judged, Seen, Trouble};

/// Most bytes that a server says in the clear.
const SAID_BYTES_MAX: usize = 8 * 1024;
/// `PostgreSQL`'s request for TLS: its length, and a number that stands where others write their version.
const POSTGRESQL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Goes as far as TLS can begin.
pub(super) async fn ask(protocol: StartTls, stream: &mut TcpStream) -> Result<(), Happened> {
    match protocol {
        StartTls::Smtp => smtp(stream).await,
        StartTls::Imap => imap(stream).await,
        StartTls::Postgresql => postgresql(stream).await,
    }
}

async fn smtp(stream: &mut TcpStream) -> Result<(), Happened> {
    let own = stream.local_addr().map_err(|error| broken(&error))?.ip().to_canonical();
    let name = match own {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    };
    let mut said = Said::new(stream);
    said.smtp_reply(220).await?;
    said.send(format!("EHLO {name}\r\n").as_bytes()).await?;
    let offers = said.smtp_reply(250).await?;
    if !offers.iter().any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
        return Err(Happened::TlsFailed("the server does not offer STARTTLS".to_owned()));
    }
    said.send(b"STARTTLS\r\n").await?;
    said.smtp_reply(220).await?;
    said.nothing_left()
}

async fn imap(stream: &mut TcpStream) -> Result<(), Happened> {
    let mut said = Said::new(stream);
    let greeting = said.line().await?;
    if !greeting.starts_with("* OK") && !greeting.starts_with("* PREAUTH") {
        return Err(not_of("IMAP"));
    }
    said.send(b"a STARTTLS\r\n").await?;
    loop {
        let line = said.line().await?;
        match line.strip_prefix("a ") {
            Some(done) if done.starts_with("OK") => return said.nothing_left(),
            Some(_) => return Err(Happened::TlsFailed("the server refuses STARTTLS".to_owned())),
            None if line.starts_with("* ") => {}
            None => return Err(not_of("IMAP")),
        }
    }
}

async fn postgresql(stream: &mut TcpStream) -> Result<(), Happened> {
    let mut said = Said::new(stream);
    said.send(&POSTGRESQL_REQUEST).await?;
    while said.buffer.is_empty() {
        said.more().await?;
    }
    match said.buffer.remove(0) {
        b'S' => said.nothing_left(),
        b'N' => Err(Happened::TlsFailed("the server does not offer TLS".to_owned())),
        _ => Err(not_of("PostgreSQL")),
    }
}

/// What a server says in the clear.
struct Said<'s> {
    stream: &'s mut TcpStream,
    buffer: Vec<u8>,
    bytes_left: usize,
}

impl<'s> Said<'s> {
    fn new(stream: &'s mut TcpStream) -> Self {
        Self { stream, buffer: Vec::new(), bytes_left: SAID_BYTES_MAX }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Happened> {
        self.stream.write_all(bytes).await.map_err(|error| broken(&error))
    }

    async fn more(&mut self) -> Result<(), Happened> {
        if self.bytes_left == 0 {
            let text = format!("more than {SAID_BYTES_MAX} bytes before TLS");
            return Err(Happened::NotUnderstood(text));
        }
        let mut chunk = [0; 512];
        let room = chunk.len().min(self.bytes_left);
        let read = self.stream.read(chunk.get_mut(..room).unwrap_or_default()).await.map_err(|error| broken(&error))?;
        if read == 0 {
            return Err(closed("the connection was closed before TLS"));
        }
        self.bytes_left -= read;
        self.buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
        Ok(())
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Result<String, Happened> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.more().await?;
        }
    }

    /// The texts of a reply of SMTP, which has several lines; or what another code than the expected one comes to.
    async fn smtp_reply(&mut self, expected: u16) -> Result<Vec<String>, Happened> {
        let mut texts = Vec::new();
        loop {
            let line = self.line().await?;
            let code: u16 = line.get(..3).and_then(|code| code.parse().ok()).ok_or_else(|| not_of("SMTP"))?;
            if code != expected {
                let judged = Judged::Unexpected(Cause::Code);
                return Err(Happened::Answered(Answer { code, judged, seen: Seen::Connection }));
            }
            texts.push(line.get(4..).unwrap_or_default().trim().to_owned());
            match line.as_bytes().get(3) {
                Some(b'-') => {}
                None | Some(b' ') => return Ok(texts),
                Some(_) => return Err(not_of("SMTP")),
            }
        }
    }

    fn nothing_left(&self) -> Result<(), Happened> {
        if self.buffer.is_empty() {
            Ok(())
        } else {
            Err(Happened::TlsFailed("the server says more in the clear after it agreed to TLS".to_owned()))
        }
    }
}

fn not_of(protocol: &str) -> Happened {
    Happened::NotUnderstood(format!("this is not {protocol}"))
}

/// A connection that broke.
pub(super) fn broken(error: &io::Error) -> Happened {
    Happened::NotConnected(Trouble::from(error))
}

/// A connection that was closed by the other side.
pub(super) fn closed(text: &'static str) -> Happened {
    broken(&io::Error::new(io::ErrorKind::UnexpectedEof, text))
}
