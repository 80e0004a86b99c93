//! How far what was measured is from what the server did: each measurement with the request it was; pure.

use std::collections::HashMap;

use serde_json::Value;

/// How far the clocks of the agent and of the server may lie apart; probes are made seconds apart.
const CLOCKS_MS: u64 = 400;

/// A request as the server saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// What was asked for.
    pub(super) number: u64,
    /// When its last byte was read.
    pub(super) at_ms: i64,
    /// How long it was until the first byte of the answer.
    pub(super) delay_us: u64,
}

/// The same as whoever asked saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    /// What was asked for.
    pub(super) number: u64,
    /// When it began.
    pub(super) at_ms: i64,
    /// How long it took in all.
    pub(super) total_us: u64,
}

/// Of each measurement, how much longer it was than the server's delay, in microseconds. One without a request of its
/// own is an error.
pub(super) fn errors_us(measured: &[Measured], notes: &[Note]) -> Result<Vec<f64>, String> {
    let mut by_number: HashMap<u64, Vec<Note>> = HashMap::new();
    for note in notes {
        by_number.entry(note.number).or_default().push(*note);
    }
    let mut errors = Vec::with_capacity(measured.len());
    for one in measured {
        let notes = by_number.get_mut(&one.number).map(Vec::as_mut_slice).unwrap_or_default();
        let nearest = notes.iter().enumerate().min_by_key(|(_, note)| note.at_ms.abs_diff(one.at_ms));
        match nearest.filter(|(_, note)| note.at_ms.abs_diff(one.at_ms) <= CLOCKS_MS) {
            Some((place, note)) => {
                errors.push(one.total_us as f64 - note.delay_us as f64);
                if let Some(of) = by_number.get_mut(&one.number) {
                    of.swap_remove(place);
                }
            }
            None => return Err(format!("the server noted no request for {one:?}")),
        }
    }
    Ok(errors)
}

/// What the collector exports of probes, `p7` having asked for 7; from this instant to just before that one. What was not up is an
/// error.
pub(super) fn read(lines: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Measured>, String> {
    let mut all = Vec::new();
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let number = row["probe"].as_str().and_then(|probe| probe.rsplit_once("/p")?.1.parse().ok());
        let (Some(number), Some(at_ms)) = (number, row["at"].as_i64()) else { continue };
        if !(from_ms..to_ms).contains(&at_ms) {
            continue;
        }
        match row["duration_us"].as_u64().filter(|_| row["outcome"] == "up") {
            Some(total_us) => all.push(Measured { number, at_ms, total_us }),
            None => return Err(format!("a probe was not up: {line}")),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(number: u64, at_ms: i64, delay_us: u64) -> Note {
        Note { number, at_ms, delay_us }
    }

    #[test]
    fn each_measurement_finds_the_request_it_was() {
        let notes = [note(1, 1_001, 20_100), note(2, 1_002, 20_200), note(1, 6_001, 21_000)];
        let rows = "{\"probe\":\"s/p1\",\"agent\":\"a\",\"at\":6000,\"outcome\":\"up\",\"duration_us\":21300}\n\
                    {\"probe\":\"s/p2\",\"agent\":\"a\",\"at\":1000,\"outcome\":\"up\",\"duration_us\":20300}\n\
                    {\"probe\":\"s/p1\",\"agent\":\"a\",\"at\":1000,\"outcome\":\"up\",\"duration_us\":20150}\n";
        let measured = read(rows, 0, 10_000).unwrap();
        assert_eq!(errors_us(&measured, &notes).unwrap(), [300.0, 100.0, 50.0]);
        assert_eq!(read(rows, 1_001, 10_000).unwrap().len(), 1);
        // Nobody was asked that often, or then.
        assert!(errors_us(&[measured[0], measured[0]], &notes[2..]).is_err());
        assert!(errors_us(&measured, &notes[..2]).is_err());
        assert!(read(&rows.replace("up", "down"), 0, 10_000).is_err());
    }
}
