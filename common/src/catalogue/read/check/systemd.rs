//! `systemd`: a unit, and the states in which it is up.

use super::{Asking, Check, Read};
use crate::catalogue::read::MEMBERS_MAX;
use crate::wire::check::{ActiveState, SystemdCheck};
use crate::yaml::walk::At;

/// Longest name of a unit.
const UNIT_BYTES_MAX: usize = 255;
/// Longest word for a state.
const SUB_BYTES_MAX: usize = 64;
/// The kinds of units.
const KINDS: [&str; 11] =
    ["service", "socket", "timer", "mount", "automount", "target", "path", "slice", "scope", "swap", "device"];

/// `{ unit: nginx.service, expect: { active: [active], sub: [running] } }`
pub(super) fn read(at: &At<'_>, _: &Asking) -> Read<Check> {
    at.mapping(|keys| {
        let unit = keys.required("unit", unit);
        let expect = keys.optional("expect", |at| {
            at.mapping(|keys| {
                let word = |at: &At<'_>| at.word(&ActiveState::ALL);
                let active = keys.optional("active", |at| at.set("states", MEMBERS_MAX, word));
                let sub = keys.or("sub", Vec::new(), |at| at.set("states", MEMBERS_MAX, sub));
                Ok((active?, sub?))
            })
        });
        let (unit, (active, sub)) = (unit?, expect?.unwrap_or_default());
        let active = active.unwrap_or_else(|| ActiveState::UP.to_vec());
        Ok(Check::Systemd(SystemdCheck { unit, active, sub }))
    })
}

/// The whole name of one unit, without patterns: systemd would take them for many.
fn unit(at: &At<'_>) -> Read<String> {
    let wanted = "the whole name of a unit such as \"nginx.service\" or \"getty@tty1.service\"";
    let text = at.scalar(wanted)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.' | b'\\' | b'@');
    let named = text.rsplit_once('.').is_some_and(|(name, kind)| {
        // A template is no unit before it has an instance.
        !name.is_empty() && !name.starts_with(['-', '@']) && !name.ends_with('@') && KINDS.contains(&kind)
    });
    let sound = named && text.len() <= UNIT_BYTES_MAX && text.bytes().all(plain);
    sound.then(|| text.to_owned()).ok_or_else(|| at.expected(wanted))
}

fn sub(at: &At<'_>) -> Read<String> {
    let wanted = "a state such as \"running\"";
    let text = at.scalar(wanted)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let sound = (1..=SUB_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain);
    sound.then(|| text.to_owned()).ok_or_else(|| at.expected(wanted))
}
