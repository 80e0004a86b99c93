//! What the agents behind a figure told of their own measuring: beside it, for it changes nothing of it.

use uphold_common::explain::quality::{Quality, Remark};

use super::super::ink::{Ink, clean};
use super::counted;

pub(super) fn write(lines: &mut Vec<String>, ink: &Ink<'_>, quality: &Quality) {
    if quality.agents.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(format!("  {}", ink.bold("what the agents told of their measuring in this time")));
    if quality.remarks.is_empty() {
        lines.push(format!("  {}", ink.soft("nothing was lost, and no clock was off by a second or more")));
    }
    for remark in &quality.remarks {
        one(lines, ink, remark);
    }
    for (count, one, many) in [
        (quality.left_out, "further remark", "further remarks"),
        (quality.agents_left_out, "further agent was not looked at", "further agents were not looked at"),
    ] {
        if count > 0 {
            lines.push(format!("  {}", ink.soft(&format!("… {}", counted(count, one, many)))));
        }
    }
}

fn one(lines: &mut Vec<String>, ink: &Ink<'_>, remark: &Remark) {
    let to = remark.to_ms.map(|to| format!(" to {}", ink.exactly(to))).unwrap_or_default();
    lines.push(format!("  {}{to}  {}", ink.exactly(remark.from_ms), ink.bold(remark.agent.as_str())));
    let says = clean(&remark.says);
    lines.push(format!("      {}", if remark.is_loss { ink.bad(&says) } else { says }));
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;
    use uphold_common::time::Instant;

    use super::*;
    use crate::report::Style;

    #[test]
    fn remarks_stand_under_their_time_and_what_is_left_out_is_said() {
        let remark = Remark {
            agent: Id::new("web-1").unwrap(),
            fact: "skipped".to_owned(),
            is_loss: true,
            from_ms: Instant::from_ms(0),
            to_ms: None,
            says: "4 attempts were not made when due".to_owned(),
        };
        let quality =
            Quality { agents: vec![Id::new("web-1").unwrap()], agents_left_out: 1, remarks: vec![remark], left_out: 2 };
        let ink = Ink::new(Style::default(), None);
        let told = |quality: &Quality| {
            let mut lines = Vec::new();
            write(&mut lines, &ink, quality);
            lines
        };
        let expected = [
            "",
            "  what the agents told of their measuring in this time",
            "  1970-01-01 00:00:00.000 +00:00  web-1",
            "      4 attempts were not made when due",
            "  … 2 further remarks",
            "  … 1 further agent was not looked at",
        ];
        assert_eq!(told(&quality), expected);
        let nothing = Quality { remarks: Vec::new(), left_out: 0, agents_left_out: 0, ..quality };
        assert_eq!(told(&nothing)[2], "  nothing was lost, and no clock was off by a second or more");
        assert!(told(&Quality::default()).is_empty());
    }
}
