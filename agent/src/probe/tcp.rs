//! The TCP probe: resolve, connect, turn to TLS where that is asked for, and speak as it was told.
//!
//! Without a dialogue it sends nothing: what a server makes of a connection without a request is its own affair. In a
//! dialogue each `expect` reads until its expression matches what came since the last one, up to 8 KiB; what stands
//! behind the match is left to the next. `^` and `$` are the beginning and the end of a line.

use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uphold_common::catalogue::BODY_PATTERN_SIZE_MAX;
use uphold_common::observation::Cause;
use uphold_common::wire::check::{Step, TcpCheck};

use super::connect::Target;
use super::starttls::{broken, closed};
use super::way::{Stream, Way};
use super::{Answer, Happened, Judged, Run, Seen};
use crate::accept::Accept;

/// Most bytes that are read for one step: its expression is tried again whenever some came.
const STEP_BYTES_MAX: usize = 8 * 1024;
/// Most bytes that are read at once.
const CHUNK_BYTES_MAX: usize = 4 * 1024;

/// How far a dialogue went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogueSeen {
    /// Steps that were done.
    pub done: usize,
    /// Steps in all.
    pub steps: usize,
    /// Bytes that came.
    pub bytes: u64,
}

impl DialogueSeen {
    fn judged(&self) -> Judged {
        if self.done == self.steps { Judged::Expected } else { Judged::Unexpected(Cause::Body) }
    }

    fn answer(self) -> Answer {
        Answer { code: 0, judged: self.judged(), seen: Seen::Dialogue(self) }
    }

    /// For people.
    pub fn detail(&self) -> String {
        let Self { done, steps, bytes } = self;
        if done == steps {
            format!("{steps} steps, {bytes} bytes read")
        } else {
            format!("step {} of {steps}: nothing of {bytes} bytes read is as expected", done + 1)
        }
    }
}

/// A TCP probe made ready.
#[derive(Debug)]
pub struct TcpProbe {
    way: Way,
    dialogue: Vec<Line>,
}

/// A step of a dialogue made ready.
#[derive(Debug)]
enum Line {
    Send(Vec<u8>),
    Expect(Regex),
}

impl TcpProbe {
    /// Takes the address apart and compiles the expressions.
    pub fn new(check: &TcpCheck, accept: &Accept) -> Result<Self, String> {
        let way = Way::new(&check.address, check.ip, check.starttls, (check.tls.as_ref(), &[]), accept)?;
        let dialogue: Result<Vec<Line>, String> = check.dialogue.iter().map(line).collect();
        Ok(Self { way, dialogue: dialogue? })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        &self.way.target
    }

    /// Connects and speaks, or says what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        let stream = self.way.open(run, timeout).await?;
        if self.dialogue.is_empty() {
            return Ok(Answer { code: 0, judged: Judged::Expected, seen: Seen::Connection });
        }
        self.speak(run, stream).await
    }

    async fn speak(&self, run: &mut Run, mut stream: Stream) -> Result<Answer, Happened> {
        let mut seen = DialogueSeen { done: 0, steps: self.dialogue.len(), bytes: 0 };
        let mut unread = Vec::new();
        for line in &self.dialogue {
            match line {
                Line::Send(bytes) => {
                    stream.write_all(bytes).await.map_err(|error| broken(&error))?;
                    stream.flush().await.map_err(|error| broken(&error))?;
                }
                Line::Expect(expression) => {
                    if !expected(expression, &mut stream, &mut unread, &mut seen, run).await? {
                        return Ok(seen.answer());
                    }
                }
            }
            seen.done += 1;
            run.overdue = None;
        }
        run.phase_ended(|phases| &mut phases.transfer);
        Ok(seen.answer())
    }
}

/// Reads until the expression matches; whether it did.
async fn expected(
    expression: &Regex,
    stream: &mut Stream,
    unread: &mut Vec<u8>,
    seen: &mut DialogueSeen,
    run: &mut Run,
) -> Result<bool, Happened> {
    let mut chunk = vec![0; CHUNK_BYTES_MAX];
    loop {
        if let Some(found) = expression.find(unread) {
            let end = found.end();
            unread.drain(..end);
            return Ok(true);
        }
        let room = CHUNK_BYTES_MAX.min(STEP_BYTES_MAX.saturating_sub(unread.len()));
        if room == 0 {
            return Ok(false);
        }
        let read = stream.read(chunk.get_mut(..room).unwrap_or_default()).await.map_err(|error| broken(&error))?;
        if read == 0 {
            // What came is judged; a connection that said nothing has broken.
            return if seen.bytes > 0 { Ok(false) } else { Err(closed("the connection was closed without a word")) };
        }
        if seen.bytes == 0 {
            run.phase_ended(|phases| &mut phases.first_byte);
        }
        seen.bytes += read as u64;
        unread.extend_from_slice(chunk.get(..read).unwrap_or_default());
        // More may never come; then this is what was said until the deadline.
        run.overdue = Some(Happened::Answered(seen.clone().answer()));
    }
}

fn line(step: &Step) -> Result<Line, String> {
    match step {
        Step::Expect(expression) => {
            let built =
                RegexBuilder::new(expression).multi_line(true).crlf(true).size_limit(BODY_PATTERN_SIZE_MAX).build();
            built.map(Line::Expect).map_err(|error| format!("an expression of the dialogue is not understood: {error}"))
        }
        Step::Send(_) | Step::SendHex(_) => {
            let bytes = step.bytes().map_err(|bad| format!("a step of the dialogue cannot be sent: expected {bad}"))?;
            Ok(Line::Send(bytes.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialogue_is_judged_by_how_far_it_went() {
        for (done, steps, judged) in
            [(2, 2, Judged::Expected), (1, 2, Judged::Unexpected(Cause::Body)), (0, 1, Judged::Unexpected(Cause::Body))]
        {
            let seen = DialogueSeen { done, steps, bytes: 7 };
            assert_eq!(seen.judged(), judged, "{seen:?}");
        }
        let expect = |text: &str| match line(&Step::Expect(text.to_owned())) {
            Ok(Line::Expect(expression)) => expression,
            other => panic!("{other:?}"),
        };
        assert!(expect("^250 ok$").is_match(b"250-first\r\n250 ok\r\n"), "a line is a line, however it ends");
    }
}
