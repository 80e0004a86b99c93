//! `exec`: a command by the name that the agent's host gives it, and its arguments.

use super::{Asking, Check, Read};
use crate::wire::check::ExecCheck;
use crate::yaml::walk::At;

/// Most arguments of a command.
const ARGUMENTS_MAX: usize = 32;

/// `{ command: check_disk, arguments: ["/var"] }`
pub(super) fn read(at: &At<'_>, _: &Asking) -> Read<Check> {
    at.mapping(|keys| {
        let command = keys.required("command", At::id);
        let arguments = keys.or("arguments", Vec::new(), arguments);
        Ok(Check::Exec(ExecCheck { command: command?, arguments: arguments? }))
    })
}

fn arguments(at: &At<'_>) -> Read<Vec<String>> {
    let arguments = at.list(At::text)?;
    if arguments.len() > ARGUMENTS_MAX {
        return Err(at.problem(format!("expected at most {ARGUMENTS_MAX} arguments, found {}", arguments.len())));
    }
    Ok(arguments)
}
