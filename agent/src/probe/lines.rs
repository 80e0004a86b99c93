//! A connection over which lines are said and expected, and which may turn to TLS between them.
//!
//! A line that is expected is waited for: those before it are passed over. What is said after it may repeat what its
//! expression found, as `${1}`. A line that goes on without an end is a mismatch, and so is the end of the connection.

use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uphold_common::catalogue::BODY_PATTERN_SIZE_MAX;
use uphold_common::observation::Cause;
use uphold_common::wire::check::{IpChoice, TlsOptions};

use super::connect::{Target, parse_target};
use super::secure::Secure;
use super::starttls::broken;
use super::tcp::DialogueSeen;
use super::way::Stream;
use super::{Answer, Happened, Judged, Run, Seen};
use crate::accept::Accept;

/// Most bytes of a line.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Most bytes that are read at once.
const CHUNK_BYTES_MAX: usize = 4 * 1024;

/// A connection, and what is said over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinesCheck {
    /// `host:port`, an IPv6 address in brackets.
    pub address: String,
    /// Whether TLS is spoken from the beginning.
    pub secure: bool,
    /// How TLS is agreed, then or later.
    pub tls: TlsOptions,
    /// What is said, step by step.
    pub steps: Vec<LineStep>,
}

/// A step: what is there of it comes in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineStep {
    /// An expression that a line of the server must match.
    pub expect: Option<String>,
    /// A line that is sent, without its end.
    pub send: Option<String>,
    /// Whether the connection turns to TLS then.
    pub starttls: bool,
}

/// A probe made ready.
#[derive(Debug)]
pub struct LinesProbe {
    target: Target,
    secure: bool,
    /// Where TLS is spoken at all.
    tls: Option<(Secure, ServerName<'static>)>,
    steps: Vec<(Option<Regex>, LineStep)>,
}

impl LinesProbe {
    /// Takes the address apart and compiles the expressions.
    pub fn new(check: &LinesCheck, accept: &Accept) -> Result<Self, String> {
        let address = &check.address;
        let target =
            parse_target(address).ok_or_else(|| format!("{address:?} is no address such as host:443 or [::1]:443"))?;
        let spoken = check.secure || check.steps.iter().any(|step| step.starttls);
        let tls = spoken.then(|| {
            let secure = Secure::new(&check.tls, &[], accept)?;
            let name = secure.name_of(&target.host)?;
            Ok::<_, String>((secure, name))
        });
        let compiled = |step: &LineStep| {
            let expression = step.expect.as_deref().map(expression).transpose()?;
            Ok((expression, step.clone()))
        };
        let steps: Result<Vec<_>, String> = check.steps.iter().map(compiled).collect();
        Ok(Self { tls: tls.transpose()?, target, secure: check.secure, steps: steps? })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Connects and speaks, or says what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        let mut stream: Stream = Box::new(self.target.connect(IpChoice::Any, run, timeout).await?);
        if self.secure {
            stream = self.secured(stream, run).await?;
        }
        if self.steps.is_empty() {
            return Ok(Answer { code: 0, judged: Judged::Expected, seen: Seen::Connection });
        }
        let mut heard = Heard::default();
        for (done, (expression, step)) in self.steps.iter().enumerate() {
            let mut said = step.send.as_ref().map(|text| text.as_bytes().to_vec());
            if let Some(expression) = expression {
                let Some(line) = heard.expected(expression, &mut stream).await? else {
                    return Ok(self.answer(done, &heard));
                };
                said = step.send.as_ref().map(|text| repeated(text, expression, &line));
            }
            if let Some(mut said) = said {
                said.push(b'\n');
                stream.write_all(&said).await.map_err(|error| broken(&error))?;
                stream.flush().await.map_err(|error| broken(&error))?;
            }
            if step.starttls {
                heard.nothing_left()?;
                stream = self.secured(stream, run).await?;
            }
        }
        run.phase_ended(|phases| &mut phases.transfer);
        Ok(self.answer(self.steps.len(), &heard))
    }

    fn answer(&self, done: usize, heard: &Heard) -> Answer {
        let seen = DialogueSeen { done, steps: self.steps.len(), bytes: heard.bytes };
        let judged = if done == seen.steps { Judged::Expected } else { Judged::Unexpected(Cause::Body) };
        Answer { code: 0, judged, seen: Seen::Dialogue(seen) }
    }

    async fn secured(&self, stream: Stream, run: &mut Run) -> Result<Stream, Happened> {
        let tls = self.tls.as_ref().ok_or_else(|| Happened::NotTried("TLS was not made ready".to_owned()))?;
        let (secure, name) = tls;
        Ok(Box::new(secure.handshake(name.clone(), stream, run).await?))
    }
}

/// What came.
#[derive(Debug, Default)]
struct Heard {
    unread: Vec<u8>,
    bytes: u64,
}

impl Heard {
    /// Reads lines until one matches; nothing when none does before the end.
    async fn expected(&mut self, expression: &Regex, stream: &mut Stream) -> Result<Option<Vec<u8>>, Happened> {
        while let Some(line) = self.line(stream).await? {
            if expression.is_match(&line) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// The next line without its end; what is left at the end of the connection is one, too.
    async fn line(&mut self, stream: &mut Stream) -> Result<Option<Vec<u8>>, Happened> {
        let mut chunk = vec![0; CHUNK_BYTES_MAX];
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=end).collect();
                line.truncate(end);
                line.truncate(line.strip_suffix(b"\r").map_or(end, <[u8]>::len));
                return Ok(Some(line));
            }
            if self.unread.len() >= LINE_BYTES_MAX {
                return Ok(None);
            }
            let read = stream.read(&mut chunk).await.map_err(|error| broken(&error))?;
            if read == 0 {
                let last = std::mem::take(&mut self.unread);
                return Ok(Some(last).filter(|line| !line.is_empty()));
            }
            self.bytes += read as u64;
            self.unread.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }

    /// Whoever is on the way could have put there what follows in the clear.
    fn nothing_left(&self) -> Result<(), Happened> {
        if self.unread.is_empty() {
            Ok(())
        } else {
            Err(Happened::TlsFailed("the server says more in the clear before TLS begins".to_owned()))
        }
    }
}

/// A text with what the expression found of the line where it asks for that.
fn repeated(text: &str, expression: &Regex, line: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(found) = expression.captures(line) {
        found.expand(text.as_bytes(), &mut said);
    }
    said
}

fn expression(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).size_limit(BODY_PATTERN_SIZE_MAX).build();
    built.map_err(|error| format!("an expression is not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_repeated() {
        let ping = expression("PING :([^ ]+)").unwrap();
        for (text, said) in [("PONG ${1}", "PONG abc"), ("$1x", ""), ("$$1", "$1"), ("plain", "plain")] {
            assert_eq!(repeated(text, &ping, b"PING :abc"), said.as_bytes(), "{text}");
        }
        assert!(expression("(").is_err());
    }

    #[tokio::test]
    async fn lines_end_where_they_end() {
        let (mut server, client) = tokio::io::duplex(256);
        server.write_all(b"one\r\n\ntwo three\nlast").await.unwrap();
        drop(server);
        let (mut stream, mut heard): (Stream, Heard) = (Box::new(client), Heard::default());
        let mut lines = Vec::new();
        while let Some(line) = heard.line(&mut stream).await.unwrap() {
            lines.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(lines, ["one", "", "two three", "last"]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_no_line() {
        let (mut server, client) = tokio::io::duplex(2 * LINE_BYTES_MAX);
        server.write_all(&vec![b'x'; LINE_BYTES_MAX + CHUNK_BYTES_MAX]).await.unwrap();
        let (mut stream, mut heard): (Stream, Heard) = (Box::new(client), Heard::default());
        assert_eq!(heard.line(&mut stream).await.unwrap(), None);
        assert!(heard.nothing_left().is_err());
    }
}
