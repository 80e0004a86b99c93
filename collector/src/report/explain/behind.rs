//! What is behind a stretch: probes, vantage points, and the attempts in columns.

use uphold_common::explain::behind::{Behind, Held, Piece, VantageBehind, Witness};
use uphold_common::measure::kinds::Kind;
use uphold_common::observation::{Cause, Outcome, State};
use uphold_common::time::Instant;

use super::super::ink::{Ink, clean, length, padded};
use super::super::response::milliseconds;
use super::availability::INSTANT_WIDTH;

/// `rows_from`: from when on observations are kept one by one.
pub(super) fn write(lines: &mut Vec<String>, ink: &Ink<'_>, rows_from: Option<Instant>, behind: &[Behind]) {
    for probe in behind {
        let component = probe.component.as_ref().map_or("no component".to_owned(), |id| format!("component {id}"));
        let quorum = match probe.quorum {
            Some(quorum) => format!("{quorum} must see it as well or better"),
            None => "half of those that see something decide".to_owned(),
        };
        lines.push(format!("      {}: {}", ink.bold(probe.probe.to_string()), held(ink, &probe.held)));
        let points = match probe.vantage.len() {
            1 => "1 vantage point".to_owned(),
            many => format!("{many} vantage points, {quorum}"),
        };
        let says = clean(&format!("{component}, party {}; {points}", probe.party));
        lines.push(format!("        {}", ink.soft(&says)));
        for vantage in &probe.vantage {
            one(lines, ink, rows_from, vantage);
        }
    }
}

fn held(ink: &Ink<'_>, held: &Held) -> String {
    let all = [
        (Kind::Down, held.down),
        (Kind::Unmeasured, held.unmeasured),
        (Kind::Degraded, held.degraded),
        (Kind::Up, held.up),
    ];
    let there = all.into_iter().filter(|(_, ms)| *ms > 0);
    let there: Vec<String> =
        there.map(|(kind, ms)| format!("{} {}", ink.of_kind(kind, kind.as_str()), length(ms))).collect();
    there.join(", ")
}

fn one(lines: &mut Vec<String>, ink: &Ink<'_>, rows_from: Option<Instant>, vantage: &VantageBehind) {
    lines.push(format!("        from {}: {}", vantage.agent, held(ink, &vantage.held)));
    for piece in &vantage.pieces {
        if vantage.pieces.len() > 1 || vantage.pieces_left_out > 0 {
            let word = ink.of_kind(Kind::from(piece.state), piece.state.as_str());
            let long = length(piece.interval().len_ms());
            lines.push(format!("          {word} for {long} from {}", ink.exactly(piece.start_ms)));
        }
        attempts(lines, ink, rows_from, piece);
    }
    if vantage.pieces_left_out > 0 {
        let further = super::counted(vantage.pieces_left_out, "further piece", "further pieces");
        lines.push(format!("          {}", ink.soft(&format!("… {further} left out"))));
    }
}

fn attempts(lines: &mut Vec<String>, ink: &Ink<'_>, rows_from: Option<Instant>, piece: &Piece) {
    let row = |when: &str, says: &str| format!("          {}{says}", padded(when, 8));
    let forgotten = rows_from.is_some_and(|from| piece.start_ms < from);
    let none = |what: &str| {
        let why = if forgotten { "; observations of that time are no longer kept" } else { "" };
        ink.soft(&format!("{what}{why}"))
    };
    if let (None, [], None) = (&piece.before, piece.observations.as_slice(), &piece.after) {
        lines.push(row("", &none("nothing was observed, neither in it nor before or after")));
        return;
    }
    lines.push(match &piece.before {
        Some(before) => row("before", &attempt(ink, before, None)),
        None => row("before", &none("nothing was observed")),
    });
    let (first, last) = piece.observations.split_at(match piece.left_out {
        Some(0) | None => piece.observations.len(),
        Some(_) => uphold_common::explain::FIRST_MAX.min(piece.observations.len()),
    });
    lines.extend(first.iter().map(|seen| row("", &attempt(ink, seen, Some(piece.state)))));
    match piece.left_out {
        Some(0) => {}
        Some(count) => lines.push(row("", &ink.soft(&format!("… {count} more …")))),
        None => lines.push(row("", &ink.soft("… and more, which were not counted"))),
    }
    lines.extend(last.iter().map(|seen| row("", &attempt(ink, seen, Some(piece.state)))));
    if piece.observations.is_empty() && piece.state == State::Unmeasured {
        lines.push(row("", &none("silence: nothing was observed")));
    }
    lines.push(match &piece.after {
        Some(after) => row("after", &attempt(ink, after, None)),
        None => row("after", &ink.soft("nothing was observed yet")),
    });
}

/// An attempt; `inside` is the state of the piece that it lies in, which says what became of it.
fn attempt(ink: &Ink<'_>, seen: &Witness, inside: Option<State>) -> String {
    let kind = match seen.outcome {
        Outcome::Up => Kind::Up,
        Outcome::Degraded => Kind::Degraded,
        Outcome::Down => Kind::Down,
        Outcome::Unknown => Kind::Unmeasured,
    };
    let word = seen.outcome.as_str();
    let took = seen.duration_us.and_then(|us| i64::try_from(us).ok()).map(milliseconds).unwrap_or_default();
    let why = match (seen.cause, seen.code) {
        (Cause::None, None) => String::new(),
        (Cause::None, Some(code)) => format!("code {code}"),
        (Cause::Code, Some(code)) => format!("{} {code}", Cause::Code.as_str()),
        (cause, None) => cause.as_str().to_owned(),
        (cause, Some(code)) => format!("{}, code {code}", cause.as_str()),
    };
    let note = match (inside, seen.outcome) {
        (Some(State::Degraded), Outcome::Down) => "; not confirmed as a failure",
        (Some(State::Down), Outcome::Up | Outcome::Degraded) => "; too short to be a recovery",
        _ => "",
    };
    format!(
        "{}{}{}{}{}",
        padded(&ink.exactly(seen.at_ms), INSTANT_WIDTH),
        ink.of_kind(kind, word),
        " ".repeat(10_usize.saturating_sub(word.len())),
        padded(&took, 14),
        ink.soft(format!("{why}{note}").trim_start_matches("; "))
    )
}
