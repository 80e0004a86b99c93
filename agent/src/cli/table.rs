//! Small aligned tables for people.
//!
//! Widths are counted in characters, colours take no room, and nothing that a server sent can move the cursor: control
//! characters are shown as `·`. Whether colours come out is decided by the stream that is written to.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use uphold_common::observation::Outcome;

/// One cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// Plain text at the left.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        let visible = text.as_ref().chars().map(|c| if c.is_control() { '·' } else { c });
        Self { text: visible.collect(), style: Style::new(), right: false }
    }

    /// A number at the right.
    pub(super) fn number(text: impl AsRef<str>) -> Self {
        Self { right: true, ..Self::text(text) }
    }

    /// The same in this style.
    #[must_use]
    pub(super) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// The colour of an outcome.
pub(super) const fn style_of(outcome: Outcome) -> Style {
    let colour = match outcome {
        Outcome::Up => AnsiColor::Green,
        Outcome::Degraded => AnsiColor::Yellow,
        Outcome::Down => AnsiColor::Red,
        Outcome::Unknown => AnsiColor::Magenta,
    };
    colour.on_default().bold()
}

/// The style of what stands beside the matter.
pub(super) const DIM: Style = Style::new().dimmed();

/// Writes the rows with their columns aligned, two spaces apart.
pub(super) fn write(out: &mut impl Write, rows: &[Vec<Cell>]) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width_of = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width_of).collect();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if cell.right { (pad.as_str(), "") } else { ("", pad.as_str()) };
            let after = if column + 1 == row.len() { "" } else { after };
            let Cell { text, style, .. } = cell;
            write!(out, "{gap}{before}{style}{text}{style:#}{after}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_moves_the_cursor() {
        let rows = [
            vec![Cell::text("connect"), Cell::number("1.20 ms")],
            vec![Cell::text("total"), Cell::number("12.00 ms")],
            vec![Cell::text("ü\x1b[2J"), Cell::text("x")],
        ];
        let mut out = Vec::new();
        write(&mut out, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "connect   1.20 ms\ntotal    12.00 ms\nü·[2J    x\n");
        let mut out = Vec::new();
        write(&mut out, &[vec![Cell::text("up").styled(style_of(Outcome::Up))]]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\x1b[1m\x1b[32mup\x1b[0m\n");
    }
}
