//! How much is tried: little by default, all of it when asked for by the environment, as `docs/testing.md` tells.

use std::env;

/// How often a collector is killed.
pub(crate) fn cycles() -> u64 {
    number("CRASH_CYCLES").unwrap_or(20)
}

/// How often a collector is killed between a commit and its delivery.
pub(crate) fn interrupted() -> u64 {
    number("CRASH_CYCLES").unwrap_or(15)
}

/// How many places are damaged by flipping bits: a number, or every byte there is.
pub(crate) fn flips() -> usize {
    match env::var("CRASH_FLIPS").as_deref() {
        Ok("all") => usize::MAX,
        _ => number("CRASH_FLIPS").and_then(|flips| usize::try_from(flips).ok()).unwrap_or(80),
    }
}

/// A number out of the environment; whatever else stands there is a mistake worth failing for.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: expected a number, not {text:?}")))
}
