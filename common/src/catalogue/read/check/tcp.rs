//! `tcp`: an address, and what is said over the connection.

use super::options;
use super::pattern::read as pattern;
use super::{Asking, Check, Read};
use crate::wire::check::{Step, TcpCheck};
use crate::yaml::walk::At;

/// Most steps of a dialogue.
const STEPS_MAX: usize = 32;
/// Longest text that is sent, in bytes as it is written.
const SENT_BYTES_MAX: usize = 16 * 1024;

/// `{ address: "mail.example:25", starttls: smtp, dialogue: [{ send: "NOOP\r\n" }, { expect: "^250 " }] }`
pub(super) fn read(at: &At<'_>, asking: &Asking<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let address = keys.required("address", At::host_and_port);
        let (starttls, ip) = (options::starttls(keys), options::ip(keys));
        let tls = keys.optional("tls", options::tls);
        let dialogue = keys.list("dialogue", |at| step(at, asking));
        if let Some(at) = keys.get("dialogue")
            && dialogue.as_ref().is_ok_and(|steps| steps.is_empty() || steps.len() > STEPS_MAX)
        {
            return Err(at.problem(format!("expected 1 to {STEPS_MAX} steps")));
        }
        let (address, dialogue, starttls) = (address?, dialogue?, starttls?);
        Ok(Check::Tcp(TcpCheck { address, ip: ip?, starttls, tls: tls?, dialogue }))
    })
}

/// `{ send: "PING\r\n" }`, `{ send_hex: "00 01" }` or `{ expect: "^\\+PONG" }`
fn step(at: &At<'_>, asking: &Asking) -> Read<Step> {
    at.mapping(|keys| {
        let sent = |at: &At<'_>, step: fn(String) -> Step| {
            let text = at.scalar("a text")?;
            if text.is_empty() || text.len() > SENT_BYTES_MAX {
                return Err(at.problem(format!("expected a text of 1 to {SENT_BYTES_MAX} bytes")));
            }
            let step = step(text.to_owned());
            step.bytes().map_err(|bad| at.problem(format!("expected {bad}")))?;
            Ok(step)
        };
        let steps = [
            keys.optional("send", |at| sent(at, Step::Send)),
            keys.optional("send_hex", |at| sent(at, Step::SendHex)),
            keys.optional("expect", |at| pattern(at, asking).map(Step::Expect)),
        ];
        let steps: Read<Vec<_>> = steps.into_iter().filter_map(Result::transpose).collect();
        <[Step; 1]>::try_from(steps?)
            .map(|[step]| step)
            .map_err(|_| keys.at().problem("a step is one of \"send\", \"send_hex\" and \"expect\""))
    })
}
