//! `exec`: a command by the name that the agent's host gives it, its arguments, and what is read of what it says.

use super::readings::{Words, readings};
use super::{Asking, Check, Read};
use crate::wire::check::{ExecCheck, PluginLimit};
use crate::yaml::walk::At;

/// Most arguments of a command.
const ARGUMENTS_MAX: usize = 32;
/// What plugins say, and how much there is of it.
const WORDS: Words = Words {
    from: "a label of the plugin's performance data, such as \"/var\"",
    is_from: |_| true,
    limit: "\"max\", \"crit\", \"warn\" or a number above 0",
    is_limit: |text| PluginLimit::parse(text).is_some(),
};

/// `{ command: check_disk, arguments: ["/var"], readings: [{ from: /var, host: web-1, of: var, limit: max }] }`
pub(super) fn read(at: &At<'_>, asking: &Asking<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let command = keys.required("command", At::id);
        let arguments = keys.or("arguments", Vec::new(), arguments);
        let readings = readings(keys, asking, &WORDS);
        Ok(Check::Exec(ExecCheck { command: command?, arguments: arguments?, readings: readings? }))
    })
}

fn arguments(at: &At<'_>) -> Read<Vec<String>> {
    let arguments = at.list(At::text)?;
    if arguments.len() > ARGUMENTS_MAX {
        return Err(at.problem(format!("expected at most {ARGUMENTS_MAX} arguments, found {}", arguments.len())));
    }
    Ok(arguments)
}
