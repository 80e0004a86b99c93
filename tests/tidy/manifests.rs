//! Dependencies: each with its reason, its version in one place, and edges between crates that go one way.

use super::source::{File, Tree};

/// How many dependencies one remark may speak for: a crate and its other half.
const DEPENDENCIES_PER_REMARK: usize = 2;

/// The crates and what each must not depend on, with the reason.
const EDGES: [(&str, &[&str], &str); 4] = [
    (
        "common",
        &[
            "tokio",
            "hyper",
            "hyper-util",
            "reqwest",
            "axum",
            "sled",
            "rustls",
            "getrandom",
            "sysinfo",
            "prometheus",
            "clap",
            "uphold-manual",
            "uphold-agent",
            "uphold-collector",
            "uphold-tests",
        ],
        "common is pure: it is what the others are built around",
    ),
    (
        "manual",
        &["uphold-common", "uphold-agent", "uphold-collector", "uphold-tests"],
        "the manual knows command lines and nothing of what they do",
    ),
    (
        "agent",
        &["sled", "uphold-collector", "uphold-tests"],
        "the agent observes and delivers; it keeps no store and knows no collector",
    ),
    ("collector", &["sysinfo", "uphold-tests"], "the collector observes nothing itself; nothing depends on the tests"),
];

/// The lines of a section of a manifest, with their numbers.
fn section<'a>(file: &'a File, wanted: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let mut inside = false;
    file.text.lines().enumerate().filter_map(move |(i, line)| {
        if line.starts_with('[') {
            inside = line.trim() == format!("[{wanted}]");
            return None;
        }
        inside.then_some((i + 1, line))
    })
}

/// The name of the dependency a line declares.
fn dependency(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim().split('.').next()?;
    (!line.starts_with([' ', '#']) && !name.is_empty()).then_some(name)
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, &File)> {
    tree.files.iter().filter_map(|f| Some((f.path.strip_suffix("/Cargo.toml")?, f)))
}

pub(crate) fn reasons(tree: &Tree) -> Vec<String> {
    let Some(root) = tree.file("Cargo.toml") else { return vec!["Cargo.toml: is not there".to_owned()] };
    let mut refusals = Vec::new();
    let mut spoken_for = 0;
    for (number, line) in section(root, "workspace.dependencies") {
        if line.starts_with('#') {
            spoken_for = DEPENDENCIES_PER_REMARK;
        } else if let Some(name) = dependency(line).filter(|n| !n.starts_with("uphold-")) {
            if spoken_for == 0 {
                refusals.push(format!(
                    "Cargo.toml:{number}: {name} has no remark above it. Each dependency says why it is there"
                ));
            }
            spoken_for = spoken_for.saturating_sub(1);
        } else if line.trim().is_empty() {
            spoken_for = 0;
        }
    }
    refusals
}

pub(crate) fn pinned_once(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for (_, file) in manifests(tree) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (number, line) in section(file, kind) {
                if dependency(line).is_some() && !line.contains("workspace = true") {
                    refusals.push(format!(
                        "{}:{number}: a version of its own. Versions are pinned once, in the workspace",
                        file.path
                    ));
                }
            }
        }
    }
    refusals
}

/// Dependencies that nothing in their crate names. They cost building and reviewing, and say something untrue.
pub(crate) fn used(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for (crate_name, manifest) in manifests(tree) {
        let sources: Vec<&File> = tree.rust().filter(|f| f.path.starts_with(&format!("{crate_name}/"))).collect();
        for (number, line) in ["dependencies", "dev-dependencies"].iter().flat_map(|kind| section(manifest, kind)) {
            let Some(name) = dependency(line) else { continue };
            // Attributes name some in strings, so the text is looked at as it stands.
            let word = name.replace('-', "_");
            let boundary = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let named = |text: &str| {
                text.match_indices(&word).any(|(at, _)| {
                    boundary(text[..at].chars().next_back()) && boundary(text[at + word.len()..].chars().next())
                })
            };
            if !sources.iter().any(|file| named(&file.text)) {
                refusals.push(format!("{}:{number}: nothing in {crate_name} names {name}", manifest.path));
            }
        }
    }
    refusals
}

pub(crate) fn edges(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for (name, file) in manifests(tree) {
        let Some((_, never, reason)) = EDGES.iter().find(|(crate_name, _, _)| *crate_name == name) else { continue };
        for (number, line) in ["dependencies", "dev-dependencies"].iter().flat_map(|kind| section(file, kind)) {
            if let Some(found) = dependency(line).filter(|d| never.contains(d)) {
                refusals.push(format!("{}:{number}: {name} must not depend on {found}: {reason}", file.path));
            }
        }
    }
    refusals
}

pub(crate) fn lints(tree: &Tree) -> Vec<String> {
    let bad = manifests(tree).filter(|(_, f)| !section(f, "lints").any(|(_, line)| line == "workspace = true"));
    bad.map(|(_, f)| format!("{}: does not inherit the workspace's lints. The rules are one for all", f.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_a_reason_is_refused() {
        let with = |lines: &str| Tree::of(&[("Cargo.toml", &format!("[workspace.dependencies]\n{lines}"))]);
        assert_eq!(reasons(&with("a = \"1\"\n")).len(), 1);
        assert_eq!(reasons(&with("# Why.\na = \"1\"\na-more = \"1\"\nb = \"1\"\n")).len(), 1);
        assert_eq!(reasons(&with("# Why.\na = \"1\"\n\nb = \"1\"\n")).len(), 1);
        assert!(reasons(&with("uphold-common = { path = \"common\" }\n# Why.\na = \"1\"\n")).is_empty());
    }

    #[test]
    fn a_dependency_that_nothing_names_is_refused() {
        let of = |source: &str| {
            let manifest = "[dependencies]\nserde-bytes.workspace = true\n";
            used(&Tree::of(&[
                ("agent/Cargo.toml", manifest),
                ("agent/src/a.rs", source),
                ("common/src/a.rs", "serde_bytes"),
            ]))
        };
        assert_eq!(of("use serde_bytes::Bytes;"), [""; 0]);
        assert_eq!(of("#[serde(with = \"serde_bytes\")]"), [""; 0]);
        assert_eq!(of("use serde_bytes_more::Bytes;").len(), 1);
    }

    #[test]
    fn versions_edges_and_lints_are_held() {
        let good = "[dependencies]\nserde.workspace = true\n\n[lints]\nworkspace = true\n";
        let tree = Tree::of(&[("common/Cargo.toml", good)]);
        assert!(pinned_once(&tree).is_empty() && edges(&tree).is_empty() && lints(&tree).is_empty());
        let bad = "[dependencies]\ntokio = \"1\"\n";
        let tree = Tree::of(&[("common/Cargo.toml", bad)]);
        assert_eq!((pinned_once(&tree).len(), edges(&tree).len(), lints(&tree).len()), (1, 1, 1));
        let tree = Tree::of(&[("agent/Cargo.toml", "[dev-dependencies]\nuphold-collector.workspace = true\n")]);
        assert_eq!(edges(&tree).len(), 1);
    }
}
