//! Rows → lines: the same rows give the same bytes.

use std::io::Write as _;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{Cause, Observation, Outcome, Phases};
use uphold_common::wire::columns::Rows;

use crate::store::StreamId;

/// Writes the lines of `rows`, which are of `of`, to the end of `out`.
pub fn write(of: &StreamId, rows: &Rows, out: &mut Vec<u8>) -> std::io::Result<()> {
    match (of, rows) {
        (StreamId::Probe(point), Rows::Probe(_, rows)) => {
            rows.iter().try_for_each(|row| observation(&point.probe, &point.agent, row, out))
        }
        (StreamId::Capacity(id), Rows::Capacity(_, rows)) => {
            let which = which(&id.of)?;
            let (host, resource) = (&id.host, id.resource.as_str());
            rows.iter().try_for_each(|row| {
                let at = row.at.as_ms();
                let (used, limit) = (row.used, row.limit);
                writeln!(
                    out,
                    r#"{{"host":"{host}","resource":"{resource}",{which}"at":{at},"used":{used},"limit":{limit}}}"#
                )
            })
        }
        (StreamId::Volume(id), Rows::Volume(_, rows)) => {
            let which = which(&id.of)?;
            let (host, flow) = (&id.host, id.flow.as_str());
            rows.iter().try_for_each(|row| {
                let at = row.at.as_ms();
                let (over_ms, amount) = (row.over_ms, row.amount);
                writeln!(
                    out,
                    r#"{{"host":"{host}","flow":"{flow}",{which}"at":{at},"over_ms":{over_ms},"amount":{amount}}}"#
                )
            })
        }
        _ => Ok(()),
    }
}

/// The key `of` with what follows it; nothing where there is one only.
fn which(of: &str) -> std::io::Result<String> {
    Ok(if of.is_empty() { String::new() } else { format!("\"of\":{},", serde_json::to_string(of)?) })
}

/// What was not told of an attempt is not written either.
fn observation(probe: &ProbeId, agent: &Id, row: &Observation, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (at, outcome) = (row.at.as_ms(), Outcome::as_str(row.outcome));
    write!(out, r#"{{"probe":"{probe}","agent":"{agent}","at":{at},"outcome":"{outcome}""#)?;
    if row.cause != Cause::None {
        out.extend_from_slice(b",\"cause\":");
        serde_json::to_writer(&mut *out, &row.cause)?;
    }
    if row.code != 0 {
        write!(out, r#","code":{}"#, row.code)?;
    }
    if let Some(us) = row.total.get() {
        write!(out, r#","duration_us":{us}"#)?;
    }
    if row.phases != Phases::default() {
        for (name, phase) in Phases::NAMES.into_iter().zip(row.phases.to_array()) {
            if let Some(us) = phase.get() {
                write!(out, r#","{name}_us":{us}"#)?;
            }
        }
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}
