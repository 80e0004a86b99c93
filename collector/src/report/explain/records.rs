//! What of maintenance and exclusions counted, and why the rest did not.

use uphold_common::explain::records::{Parts, RecordMade, Records};

use super::super::ink::{Ink, clean, length};
use super::counted;

pub(super) fn write(lines: &mut Vec<String>, ink: &Ink<'_>, what: &str, records: &Records) {
    if records.listed.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold(format!("{what} in the window, and what of it counted"))));
    for record in &records.listed {
        one(lines, ink, record);
    }
    if records.left_out > 0 {
        let further = counted(records.left_out, "further record", "further records");
        lines.push(format!("  {further}, of which {} counted", length(records.counted_of_left_out_ms)));
    }
    lines.push(format!("  together {} counted, {} ms", length(records.counted_ms()), records.counted_ms()));
}

fn one(lines: &mut Vec<String>, ink: &Ink<'_>, record: &RecordMade) {
    let (start, end) = (ink.exactly(record.start_ms), ink.exactly(record.end_ms));
    lines.push(format!("  {}  {start} to {end}", ink.bold(record.id.as_str())));
    if let (Some(at), Some(by)) = (record.announced_at_ms, record.announced_by_ms) {
        lines.push(format!("      announced {}, had to be by {}", ink.exactly(at), ink.exactly(by)));
    }
    let class = record.class.map(|class| class.as_str().replace('_', " "));
    let says = record.says.as_deref().map(clean);
    let clause = record.clause.as_deref().map(|clause| format!("clause {}", clean(clause)));
    let approver = record.approver.as_deref().map(|approver| format!("approved by {}", clean(approver)));
    let told: Vec<String> = [class, says, clause, approver].into_iter().flatten().collect();
    if !told.is_empty() {
        lines.push(format!("      {}", ink.soft(&told.join("; "))));
    }
    let Parts { within_ms, counted_ms, .. } = record.parts;
    lines.push(format!("      {} of {} in the window counted", length(counted_ms), length(within_ms)));
    for (ms, why) in [
        (record.parts.too_late_ms, "was announced too late"),
        (record.parts.beyond_allowance_ms, "lies beyond the allowance"),
        (record.parts.outside_agreed_ms, "lies outside the agreed service time"),
        (record.parts.under_maintenance_ms, "is maintenance already"),
        (record.parts.with_another_ms, "is counted with a record that begins earlier"),
        (record.parts.to_come_ms, "is still to come"),
    ] {
        if ms > 0 {
            lines.push(format!("      {} {why}", length(ms)));
        }
    }
}
