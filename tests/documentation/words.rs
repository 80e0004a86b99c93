//! Words that programs compare: those in the tables of the pages stand in the code as well.

use std::fs;

use super::pages::{Page, root, spans};

/// The sources in this folder, without their comments.
pub(crate) fn code(folder: &str) -> String {
    let mut code = String::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(path).unwrap();
                code.extend(text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|l| [l, "\n"]));
            }
        }
    }
    code
}

/// Words such as `too-early` or `uphold.incident.opened` in the tables of a page that are no string of the code.
pub(crate) fn unsaid(page: &Page, code: &str) -> Vec<String> {
    let mut refusals = Vec::new();
    for (number, line) in page.prose().into_iter().filter(|(_, line)| line.starts_with('|')) {
        for word in spans(line).filter(|span| is_word(span) && !code.contains(&format!("\"{span}\""))) {
            refusals.push(format!("{}:{number}: no program says `{word}`", page.path));
        }
    }
    refusals
}

fn is_word(span: &str) -> bool {
    let written = span.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'.'));
    written && span.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_nobody_says_are_refused() {
        let code = "let word = \"too-early\";";
        let of = |text: &str| unsaid(&Page::of("a.md", text), code).len();
        assert_eq!(of("| 425 | `too-early` | `ETag`, `GET /`, `{id}` |"), 0);
        assert_eq!(of("| 425 | `too-soon`, `early` |"), 2);
        assert_eq!(of("in prose `anything`"), 0);
    }
}
