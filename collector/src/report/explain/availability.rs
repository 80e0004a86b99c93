//! How an availability is reckoned, the stretches that it is made of, and how they add up.

use uphold_common::explain::document::{AvailabilityMade, Policy, Reckoning};
use uphold_common::explain::stretches::{LeftOut, Stretch, Sums};
use uphold_common::measure::kinds::{Kind, Kinds};

use super::super::ink::{Ink, clean, length, padded};
use super::super::target::promise;
use super::{ExplainView, behind, both, counted, records, verdict};

/// The kinds in the order in which an instant is held against them.
const KINDS: [Kind; 7] =
    [Kind::NotAgreed, Kind::Maintenance, Kind::Excluded, Kind::Up, Kind::Degraded, Kind::Down, Kind::Unmeasured];
/// How wide an instant is, with its offset, and a gap.
pub(super) const INSTANT_WIDTH: usize = 32;
/// How wide a length is.
const LENGTH_WIDTH: usize = 17;

pub(super) fn write(lines: &mut Vec<String>, ink: &Ink<'_>, view: &ExplainView, made: &AvailabilityMade) {
    reckoning(lines, ink, &made.reckoning);
    records::write(lines, ink, "planned maintenance", &made.maintenances);
    records::write(lines, ink, "exclusions", &made.exclusions);
    stretches(lines, ink, view, made);
    sums(lines, ink, made);
}

fn reckoning(lines: &mut Vec<String>, ink: &Ink<'_>, of: &Reckoning) {
    let printed = of.A_percent.as_deref().map_or("–".to_owned(), |percent| format!("{} %", clean(percent)));
    let promised = promise(of.target_ppb).map(|promise| format!(" of {promise} % promised")).unwrap_or_default();
    lines.push(format!("  {}{promised}: {}", ink.bold(&printed), verdict(ink, of.verdict)));
    if of.not_proven {
        lines.push("  not proven: what was not measured could change the verdict".to_owned());
    }
    let (counts, of_unmeasured) = match of.unmeasured {
        Policy::Exclude => ("N = C - U", "what counts: what was not measured does not"),
        Policy::CountAsDown | Policy::CountAsUp => ("N = C", "what counts: all of it"),
    };
    let lost = match (of.degraded, of.unmeasured) {
        (Policy::CountAsDown, Policy::CountAsDown) => "L = D + G + U",
        (Policy::CountAsDown, _) => "L = D + G",
        (_, Policy::CountAsDown) => "L = D + U",
        _ => "L = D",
    };
    lines.push(String::new());
    for (name, ms, says) in [
        ("C", of.C, "committed: up, degraded, down and not measured"),
        ("U", of.U, "of it, not measured"),
        ("G", of.G, "of it, degraded"),
        ("D", of.D, "of it, down"),
        (counts, of.N, of_unmeasured),
        (lost, of.L, "what of that is lost"),
    ] {
        let (length, exactly) = both(ms);
        lines.push(format!("  {}{}{exactly:>16}  {}", padded(name, 17), padded(&length, LENGTH_WIDTH), ink.soft(says)));
    }
    let exactly = of.A.as_deref().map_or("nothing counts, so there is none".to_owned(), |exactly| {
        format!("{}, which is {printed}, cut", clean(exactly))
    });
    lines.push(format!("  {}{exactly}", padded("A = (N - L) / N", 17)));
}

fn stretches(lines: &mut Vec<String>, ink: &Ink<'_>, view: &ExplainView, made: &AvailabilityMade) {
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold("the stretches, each to the start of the next")));
    let head =
        format!("{}{}{}catalogue", padded("from", INSTANT_WIDTH), padded("length", LENGTH_WIDTH), padded("kind", 15));
    lines.push(format!("  {}", ink.soft(&head)));
    for stretch in &made.stretches {
        one(lines, ink, view, stretch);
    }
    if let Some(last) = made.stretches.last() {
        lines.push(format!("  {}", ink.soft(&format!("{}the end", padded(&ink.exactly(last.end_ms), INSTANT_WIDTH)))));
    }
    left_out(lines, ink, &made.left_out);
}

fn one(lines: &mut Vec<String>, ink: &Ink<'_>, view: &ExplainView, stretch: &Stretch) {
    // Colours are not counted by the padding, so it is made beside the word.
    let kind = ink.kind(stretch.kind);
    let gap = " ".repeat(13_usize.saturating_sub(stretch.kind.as_str().chars().count()));
    let records: Vec<&str> = stretch.records.iter().map(uphold_common::ids::Id::as_str).collect();
    let by = if records.is_empty() { String::new() } else { format!("  by {}", records.join(", ")) };
    lines.push(format!(
        "  {}{}{kind}{gap}{}{by}",
        padded(&ink.exactly(stretch.start_ms), INSTANT_WIDTH),
        padded(&length(stretch.length_ms), LENGTH_WIDTH),
        ink.soft(&format!("version {}", stretch.catalogue_version)),
    ));
    for (probe, ms) in &stretch.charges_ms {
        lines.push(format!("      {} is charged with {}, {ms} ms", probe, length(*ms)));
    }
    if stretch.behind_left_out {
        lines.push(format!("      {}", ink.soft("more is behind it than is listed: ask for this stretch alone")));
    }
    behind::write(lines, ink, view.made.rows_from_ms, &stretch.behind);
}

fn left_out(lines: &mut Vec<String>, ink: &Ink<'_>, left_out: &LeftOut) {
    if let Some(from) = left_out.from_ms {
        let further = counted(left_out.stretches, "further stretch", "further stretches");
        lines.push(format!("  {further} from {} on: ask with --from", ink.exactly(from)));
    }
    if left_out.behind > 0 {
        let behind = counted(left_out.behind, "stretch stands", "stretches stand");
        lines.push(format!("  {behind} here without all that is behind; ask with --from and --to for less at once"));
    }
}

const fn of_kind(kinds: &Kinds, kind: Kind) -> i64 {
    match kind {
        Kind::NotAgreed => kinds.not_agreed,
        Kind::Maintenance => kinds.maintenance,
        Kind::Excluded => kinds.excluded,
        Kind::Up => kinds.up,
        Kind::Degraded => kinds.degraded,
        Kind::Down => kinds.down,
        Kind::Unmeasured => kinds.unmeasured,
    }
}

fn sums(lines: &mut Vec<String>, ink: &Ink<'_>, made: &AvailabilityMade) {
    let Sums { listed, left_out, figure, window_ms, .. } = &made.sums;
    let cut = made.left_out.stretches > 0;
    let row = |name: &str, ms: [i64; 3]| {
        let [listed, left_out, figure] = ms.map(|ms| format!("{ms:>15}"));
        let left_out = if cut { left_out } else { String::new() };
        format!("{}{listed}{left_out}{figure}", padded(name, 14))
    };
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold("how they add up, in milliseconds")));
    let beside = if cut { format!("{:>15}", "left out") } else { String::new() };
    lines
        .push(format!("  {}", ink.soft(&format!("{}{:>15}{beside}{:>15}", padded("", 14), "listed", "in the figure"))));
    for kind in KINDS {
        let ms = [listed, left_out, figure].map(|kinds| of_kind(kinds, kind));
        if ms.iter().any(|ms| *ms != 0) {
            lines.push(format!("  {}", row(&kind.as_str().replace('_', " "), ms)));
        }
    }
    lines.push(format!("  {}", row("together", [listed, left_out, figure].map(Kinds::total))));
    lines.push(String::new());
    let stretches = counted(made.stretches.len() as u64 + made.left_out.stretches, "stretch", "stretches");
    let charged = match (figure.down, made.sums.charges_ms.values().filter(|ms| **ms > 0).count() as u64) {
        (0, _) => String::new(),
        (down, probes) => {
            format!(
                "\n  What {} charged with adds up to the downtime, {down} ms.",
                counted(probes, "probe is", "probes are")
            )
        }
    };
    lines.push(if view_is_sound(made) {
        ink.good(&format!(
            "  {stretches} add up to the figure, kind by kind, and together to {}, {window_ms} ms.{charged}",
            length(*window_ms)
        ))
    } else {
        ink.bad("  What is listed does NOT add up to the figure.")
    });
}

fn view_is_sound(made: &AvailabilityMade) -> bool {
    made.sums.adds_up && made.broken().is_empty()
}
