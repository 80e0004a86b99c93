//! `process`: which processes there must be on the agent's own host, and how many.

use std::ops::RangeInclusive;

use super::{Asking, Check, Read, pattern};
use crate::wire::check::ProcessCheck;
use crate::yaml::walk::At;

const COUNT: RangeInclusive<u32> = 0..=100_000;
/// Longest name of an executable.
const NAME_BYTES_MAX: usize = 255;
/// Longest name of a user.
const USER_BYTES_MAX: usize = 64;

/// `{ name: nginx, user: www-data, at_least: 1, at_most: 8 }`
pub(super) fn read(at: &At<'_>, asking: &Asking) -> Read<Check> {
    at.mapping(|keys| {
        let name =
            keys.optional("name", |at| word(at, NAME_BYTES_MAX, "the name of an executable, without its folder"));
        let command = keys.optional("command", |at| pattern::read(at, asking));
        let user = keys.optional("user", |at| word(at, USER_BYTES_MAX, "the name or the number of a user"));
        let at_least = keys.or("at_least", 1, |at| at.small_count(COUNT));
        let at_most = keys.optional("at_most", |at| at.small_count(COUNT));
        let (name, command, user, at_least, at_most) = (name?, command?, user?, at_least?, at_most?);
        if name.is_none() && command.is_none() {
            return Err(at.problem("which processes are meant is missing: \"name\" or \"command\""));
        }
        match at_most {
            Some(at_most) if at_most < at_least => {
                Err(at.problem(format!("at most {at_most} and at least {at_least} leave nothing")))
            }
            None if at_least == 0 => Err(at.problem("with \"at_least: 0\" any number is up: \"at_most\" is missing")),
            _ => Ok(Check::Process(ProcessCheck { name, command, user, at_least, at_most })),
        }
    })
}

/// A text without folders and blanks at its ends.
fn word(at: &At<'_>, bytes_max: usize, wanted: &str) -> Read<String> {
    let text = at.text()?;
    let sound = text.len() <= bytes_max && !text.contains(['/', ':']) && text.trim() == text;
    if sound { Ok(text) } else { Err(at.expected(wanted)) }
}
