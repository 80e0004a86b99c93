//! What an agent told of its own measuring, as a table for a terminal; losses stand out.

use jiff::tz::TimeZone;

use super::Style;
use super::ink::{Ink, clean, join, padded};
use crate::quality::model::{FactList, FactTold};
use crate::quality::telling;

/// The titles of the columns.
const TITLES: [&str; 3] = ["TOLD", "FACT", "SAYS"];

/// The facts in the order given, their instants in `zone` or else in UTC.
pub fn render(list: &FactList, zone: Option<&TimeZone>, style: Style) -> String {
    if list.told.is_empty() {
        return "Nothing was told.\n".to_owned();
    }
    let ink = Ink::new(style, zone);
    let facts = list.told.iter().flat_map(|told| told.facts.iter().map(|fact| (told.told_at_ms, fact)));
    let rows: Vec<([String; 3], bool)> = facts
        .map(|(told_at, fact)| {
            let cells = [ink.moment(told_at), fact.fact.replace('_', " "), says(fact, &ink)];
            (cells.map(|cell| clean(&cell)), fact.is_loss)
        })
        .collect();
    let mut widths = TITLES.map(str::len);
    for (row, _) in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let titles: String = TITLES.iter().zip(widths).map(|(title, width)| padded(title, width + 2)).collect();
    let mut lines = vec![ink.soft(titles.trim_end())];
    for (row, is_loss) in &rows {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| padded(cell, width + 2)).collect();
        let line = cells.trim_end();
        lines.push(if *is_loss { ink.bad(line) } else { line.to_owned() });
    }
    join(&lines)
}

/// The sentence, its instants in the zone of the report.
fn says(fact: &FactTold, ink: &Ink<'_>) -> String {
    fact.fact().map_or_else(|| fact.says.clone(), |known| telling::says(&known, &|at| ink.moment(at)))
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;
    use uphold_common::time::Instant;
    use uphold_common::wire::batch::Epoch;

    use super::*;
    use crate::quality::key::Key;
    use crate::quality::model::{Kept, Told, each};

    #[test]
    fn facts_are_aligned_losses_stand_out_and_nothing_is_said_in_words() {
        let agent = Id::new("web-1").unwrap();
        let key = Key { agent: agent.clone(), closed_at: Instant::from_ms(0), epoch: Epoch([1; 16]), seq: 1 };
        let told = vec![Told::of(&key, &Kept::of(each(), Instant::from_ms(5)))];
        let list = FactList { agent, told, next: None };
        let text = render(&list, None, Style::default());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + each().len());
        let place = lines[0].find("SAYS").unwrap();
        assert!(lines.iter().skip(1).all(|line| line[..place].ends_with("  ")), "{text}");
        let dropped = "1970-01-01 00:00:00 UTC  dropped         its spool was full, and it lost 12 batches with 340 rows \
                       from 1970-01-01 00:00:00 UTC to 1970-01-01 00:01:00 UTC";
        assert_eq!(lines[2], dropped);
        let coloured = render(&list, None, Style { colour: true, width: 80 });
        let losses = each().iter().filter(|fact| fact.is_loss()).count();
        assert_eq!(coloured.lines().skip(1).filter(|line| line.contains('\u{1b}')).count(), losses, "{coloured:?}");
        assert_eq!(render(&FactList { told: Vec::new(), ..list }, None, Style::default()), "Nothing was told.\n");
    }
}
