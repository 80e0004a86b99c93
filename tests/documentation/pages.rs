//! Pages and what is on them. Markdown is read line by line, as far as these pages use it.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing that was written by hand.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "uphold-data"];

/// A page; its path starts at the workspace.
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A fenced block: its language, the number of its first line, its text.
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every file of the workspace with one of these endings.
pub(crate) fn read_all(endings: &[&str]) -> Vec<Page> {
    let mut paths = Vec::new();
    collect(root(), endings, &mut paths);
    paths.sort();
    paths.iter().map(|path| Page::read(&path.strip_prefix(root()).unwrap().to_string_lossy())).collect()
}

fn collect(folder: &Path, endings: &[&str], paths: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            if !SKIPPED.contains(&path.file_name().unwrap().to_string_lossy().as_ref()) {
                collect(&path, endings, paths);
            }
        } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
            paths.push(path);
        }
    }
}

impl Page {
    /// The page at this path of the workspace.
    pub(crate) fn read(path: &str) -> Self {
        Self::of(path, &fs::read_to_string(root().join(path)).unwrap())
    }

    /// A page of this text.
    pub(crate) fn of(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The fenced blocks.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(language), None) => {
                    open = Some(Block { language: language.trim().to_owned(), line: number + 1, text: String::new() });
                }
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) => {}
            }
        }
        blocks.extend(open);
        blocks
    }

    /// The lines outside fenced blocks, with their numbers.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let mut inside = false;
        let outside = |(_, line): &(usize, &str)| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        };
        (1..).zip(self.text.lines()).filter(outside).collect()
    }

    /// What stands in single backticks outside fenced blocks, on one line.
    pub(crate) fn spans(&self) -> Vec<(usize, &str)> {
        let lines = self.prose().into_iter();
        lines.flat_map(|(number, line)| spans(line).map(move |span| (number, span))).collect()
    }
}

/// What stands in single backticks on a line.
pub(crate) fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_prose_and_spans_are_told_apart() {
        let page = Page::of("a.md", "one `a b` and `c`\n```sh\nrun `x`\n```\n  ```yaml\n  k: v\n  ```\nlast\n");
        let blocks: Vec<_> = page.blocks().into_iter().map(|b| (b.language, b.line, b.text)).collect();
        let expected = [("sh", 3, "run `x`\n"), ("yaml", 6, "  k: v\n")];
        assert_eq!(blocks, expected.map(|(l, n, t)| (l.to_owned(), n, t.to_owned())));
        assert_eq!(page.spans(), [(1, "a b"), (1, "c")]);
        assert_eq!(page.prose().last(), Some(&(8, "last")));
    }
}
