//! Columns for a terminal: as wide as what stands in them, the last one as long as it is.

use crate::report::clean;

/// The rows under their titles. What others wrote loses its control characters.
pub(super) fn table<const N: usize>(titles: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| clean(cell))).collect();
    let mut widths = titles.map(|title| title.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        line.trim_end().to_owned() + "\n"
    };
    std::iter::once(line(titles)).chain(rows.iter().map(|row| line(row.each_ref().map(String::as_str)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_control_characters_gone() {
        let rows = [["a".to_owned(), "b\u{1b}[31m".to_owned()], ["ccc".to_owned(), String::new()]];
        let shown = table(["X", "Y"], &rows);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!((lines[0], lines[2]), ("X    Y", "ccc"));
        assert!(lines[1].starts_with("a    b") && !shown.contains('\u{1b}'), "{shown:?}");
    }
}
