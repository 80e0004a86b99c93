//! Which files are test code: those that every declaration leading to them says so of.
//!
//! A file is followed from `#[cfg(test)] mod name;`, with or without `#[path]`, to what it declares in turn. One
//! declaration without `cfg(test)` makes it a program again, and a file that nobody declares is a program: no rule is
//! escaped by a name. What belongs to the workspace's `tests` crate, or to the `tests` folder of another, is test code.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{File, Tree};

/// A line such as `mod name;`.
struct Declaration {
    /// Where the file is looked for.
    paths: Vec<String>,
    /// Whether it stands under `#[cfg(test)]`.
    for_tests: bool,
}

/// The paths of the files that are compiled for tests only.
pub(crate) fn only_for_tests(tree: &Tree) -> BTreeSet<String> {
    let mut tests: BTreeSet<String> =
        tree.rust().filter(|f| in_tests_folder(&f.path)).map(|f| f.path.clone()).collect();
    // What each file is declared by: the path of the declaring file, and whether it says `cfg(test)`.
    let mut declared_by: BTreeMap<String, Vec<(&str, bool)>> = BTreeMap::new();
    for file in tree.rust() {
        for Declaration { paths, for_tests } in declarations(file) {
            for path in paths {
                declared_by.entry(path).or_default().push((&file.path, for_tests));
            }
        }
    }
    loop {
        let known = tests.len();
        for (path, by) in &declared_by {
            if by.iter().all(|(declaring, for_tests)| *for_tests || tests.contains(*declaring)) {
                tests.insert(path.clone());
            }
        }
        if tests.len() == known {
            return tests;
        }
    }
}

fn in_tests_folder(path: &str) -> bool {
    path.split('/').take(2).any(|folder| folder == "tests")
}

fn declarations(file: &File) -> Vec<Declaration> {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let children = if matches!(stem, "mod" | "lib" | "main") { folder.to_owned() } else { format!("{folder}/{stem}") };
    let text: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    let (mut for_tests, mut written) = (false, None);
    for (number, line) in file.code() {
        let line = line.trim();
        if line.starts_with("#[") {
            for_tests |= line == "#[cfg(test)]";
            // What is in strings stands in the text only.
            let said = line.starts_with("#[path").then(|| text[number - 1].split('"').nth(1)).flatten();
            written = written.or(said);
        } else if !line.is_empty() {
            if let Some(name) = module(line) {
                let paths = match written {
                    Some(path) => vec![format!("{folder}/{path}")],
                    None => vec![format!("{children}/{name}.rs"), format!("{children}/{name}/mod.rs")],
                };
                found.push(Declaration { paths, for_tests });
            }
            (for_tests, written) = (false, None);
        }
    }
    found
}

/// The name in `mod name;`, whoever may see it.
fn module(line: &str) -> Option<&str> {
    let (before, name) = line.strip_suffix(';')?.rsplit_once(' ')?;
    let plain = before == "mod" || (before.starts_with("pub") && before.ends_with(" mod"));
    plain.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests_of(files: &[(&str, &str)]) -> Vec<String> {
        only_for_tests(&Tree::of(files)).into_iter().filter(|path| files.iter().any(|(p, _)| p == path)).collect()
    }

    #[test]
    fn what_is_declared_for_tests_is_followed() {
        let files = [
            ("agent/src/lib.rs", "pub mod a;\nmod b;\n#[cfg(test)]\npub(crate) mod fake;\nmod real;"),
            ("agent/src/a.rs", "mod c;\n#[cfg(test)]\n#[path = \"odd.rs\"]\nmod tests;"),
            ("agent/src/a/c.rs", ""),
            ("agent/src/odd.rs", "mod more;"),
            ("agent/src/odd/more.rs", ""),
            ("agent/src/b/mod.rs", "#[cfg(test)]\nmod testing;"),
            ("agent/src/b/testing.rs", ""),
            ("agent/src/fake.rs", ""),
            ("agent/src/real.rs", ""),
            ("agent/tests/whole.rs", ""),
            ("tests/src/lib.rs", ""),
        ];
        let expected = [
            "agent/src/b/testing.rs",
            "agent/src/fake.rs",
            "agent/src/odd.rs",
            "agent/src/odd/more.rs",
            "agent/tests/whole.rs",
            "tests/src/lib.rs",
        ];
        assert_eq!(tests_of(&files), expected);
    }

    #[test]
    fn a_name_alone_makes_no_test_and_one_plain_declaration_makes_a_program() {
        for lib in [
            "",
            "mod x_tests;",
            "#[cfg(test)]\nuse a;\nmod x_tests;",
            "// #[cfg(test)]\nmod x_tests;",
            "#[cfg(any(test, feature = \"x\"))]\nmod x_tests;",
            "#[cfg(not(test))]\nmod x_tests;",
            "#[cfg(test)]\nmod x_tests;\n#[path = \"x_tests.rs\"]\nmod again;",
        ] {
            assert_eq!(tests_of(&[("agent/src/lib.rs", lib), ("agent/src/x_tests.rs", "")]), [""; 0], "{lib}");
        }
    }
}
