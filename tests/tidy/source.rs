//! The files of the tree, and a Rust file without its comments, strings and tests.
//!
//! A file of the programs is test code when it is declared so, and never because of its name: see `declared`.

use std::fs;
use std::path::Path;

use super::declared;

/// Folders that hold nothing that was written by hand.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "uphold-data"];

/// Every text file of the workspace.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

/// A file; its path starts at the workspace and has forward slashes.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Whether all of it is test code.
    test: bool,
}

impl Tree {
    /// Reads the workspace this test belongs to.
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = Vec::new();
        collect(root, root, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }.with_tests_marked()
    }

    /// A tree of these files, for the tests of the rules.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new(path, text)).collect() }.with_tests_marked()
    }

    fn with_tests_marked(mut self) -> Self {
        let tests = declared::only_for_tests(&self);
        for file in &mut self.files {
            file.test = tests.contains(&file.path);
        }
        self
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|f| f.has_ending("rs"))
    }

    /// The file at this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|f| f.path == path)
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(root, &path, files);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            files.push(File::new(&path, &text));
        }
    }
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), test: false }
    }

    /// Whether its name ends so.
    pub(crate) fn has_ending(&self, ending: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == ending)
    }

    /// Whether all of it is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.test
    }

    /// Its lines with their numbers, without comments and without what is in strings.
    pub(crate) fn code(&self) -> Vec<(usize, String)> {
        numbered(&blank(&self.text, true))
    }

    /// As [`Self::code`], without its tests as well.
    pub(crate) fn program(&self) -> Vec<(usize, String)> {
        self.without_tests(self.code())
    }

    /// Its lines without comments and tests, with what is in strings.
    pub(crate) fn spoken(&self) -> Vec<(usize, String)> {
        self.without_tests(numbered(&blank(&self.text, false)))
    }

    fn without_tests(&self, lines: Vec<(usize, String)>) -> Vec<(usize, String)> {
        if self.is_test() {
            return Vec::new();
        }
        let mut kept = Vec::new();
        let mut closing: Option<String> = None;
        let mut announced = false;
        for (number, line) in lines {
            let indent = &line[..line.len() - line.trim_start().len()];
            if let Some(end) = &closing {
                if line.trim_end() == *end {
                    closing = None;
                }
            } else if announced && line.trim_end().ends_with('{') {
                closing = Some(format!("{indent}}}"));
                announced = false;
            } else {
                let attribute = line.trim_start().starts_with("#[");
                announced = line.contains("#[cfg(test)]") || (announced && attribute);
                kept.push((number, line));
            }
        }
        kept
    }
}

fn numbered(text: &str) -> Vec<(usize, String)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line.to_owned())).collect()
}

/// The text with comments blanked, and what is in strings as well if `strings`; every line stays where it is.
fn blank(text: &str, strings: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let fresh = !out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (length, hidden) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), true)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), true)
        } else if let Some(length) = raw_string(rest).filter(|_| fresh) {
            (length, strings)
        } else if first == '"' {
            (string(rest), strings)
        } else if let Some(length) = character(rest) {
            (length, strings)
        } else {
            (first.len_utf8(), false)
        };
        let piece = &rest[..length];
        if hidden {
            out.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            out.push_str(piece);
        }
        rest = &rest[length..];
    }
    out
}

/// The length of a raw string, with its hashes.
fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].strip_prefix('"')?;
    let start = rest.len() - body.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// The length of a string.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character such as `'"'`, if it is one and no lifetime.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if body.starts_with('\\') {
        return body[2..].find('\'').map(|end| end + 4);
    }
    let c = body.chars().next()?;
    body[c.len_utf8()..].starts_with('\'').then(|| c.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File::new("agent/src/x.rs", text)
    }

    #[test]
    fn comments_and_strings_are_blanked_and_lines_stay() {
        let text = "a(\"b // \\\" c\"); // d\n/* e\n f */ g('\"', 'h', r#\"i \" j\"#, &'k l)";
        let code: Vec<String> = file(text).code().into_iter().map(|(_, l)| l.replace(' ', "")).collect();
        assert_eq!(code, ["a();", "", "g(,,,&'kl)"]);
        let spoken: Vec<String> = file(text).spoken().into_iter().map(|(_, l)| l.trim_end().to_owned()).collect();
        assert_eq!(spoken[0], "a(\"b // \\\" c\");");
    }

    #[test]
    fn tests_are_left_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n#[cfg(test)]\nmod x_tests;\nfn d() {\n}";
        let program: String = file(text).program().into_iter().map(|(_, l)| l + "\n").collect();
        assert!(program.contains("fn a") && program.contains("fn c") && program.contains("fn d"), "{program}");
        assert!(!program.contains("fn b"), "{program}");
    }
}
