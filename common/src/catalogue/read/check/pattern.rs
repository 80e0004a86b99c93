//! Regular expressions of checks, bounded once compiled.

use regex::{Regex, RegexBuilder};

use super::Asking;
use crate::yaml::problem::Read;
use crate::yaml::walk::At;

/// Largest compiled body pattern, in bytes.
pub const BODY_PATTERN_SIZE_MAX: usize = 1024 * 1024;

/// Compiles the pattern of a body under the bound that holds everywhere: the catalogue refuses what an agent would.
pub fn body_pattern(pattern: &str) -> Result<Regex, String> {
    body_pattern_within(pattern, BODY_PATTERN_SIZE_MAX)
}

/// The expression that stands at a place, which an agent can compile.
pub(super) fn read(at: &At<'_>, asking: &Asking) -> Read<String> {
    let pattern = at.text()?;
    let compiled = body_pattern_within(&pattern, asking.pattern_size_max);
    compiled.map_err(|why| at.problem(format!("the regular expression cannot be used: {why}")))?;
    Ok(pattern)
}

/// As [`body_pattern`], under a bound that may be lower.
fn body_pattern_within(pattern: &str, size_max: usize) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(size_max.min(BODY_PATTERN_SIZE_MAX)).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(bytes) => format!("larger than {bytes} bytes once compiled"),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    })
}
