//! Links and paths lead somewhere.

use std::collections::BTreeSet;

use super::pages::Page;

/// Folders at the top; what begins with one of them and a slash is a path of the workspace.
const TOP: [&str; 7] = ["common", "agent", "collector", "tests", "docs", "config", ".ci"];

/// Relative links that lead nowhere.
pub(crate) fn links(page: &Page, there: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut refusals = Vec::new();
    for (number, line) in page.prose() {
        for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            if !path.is_empty() && !there(&joined(folder, path)) {
                refusals.push(format!("{}:{number}: `{link}` leads nowhere", page.path));
            }
            if path.is_empty() && !headings(page).contains(anchor) {
                refusals.push(format!("{}:{number}: `{link}`: there is no such heading here", page.path));
            }
        }
    }
    refusals
}

/// The path of a link on a page in `folder`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The headings as links name them.
fn headings(page: &Page) -> BTreeSet<String> {
    let lines = page.prose().into_iter().filter_map(|(_, line)| line.strip_prefix('#'));
    lines
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
        })
        .collect()
}

/// Paths of the workspace that are named anywhere on the page and are not there.
pub(crate) fn paths(page: &Page, there: impl Fn(&str) -> bool) -> Vec<String> {
    let mut refusals = Vec::new();
    for (number, line) in (1..).zip(page.text.lines()) {
        let words = line.split(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '_' | '-'));
        for word in words.map(|word| word.trim_end_matches(['.', '/'])) {
            let ours = word.split_once('/').is_some_and(|(top, _)| TOP.contains(&top));
            if ours && !there(word) {
                refusals.push(format!("{}:{number}: there is no `{word}`", page.path));
            }
        }
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_paths_that_lead_nowhere_are_refused() {
        let there = |path: &str| ["LICENSE", "docs/api.md", "common/src/time.rs"].contains(&path);
        let page = |text: &str| Page::of("docs/a.md", text);
        let good = "# Here we go\n[a](api.md) [b](../LICENSE#x) [c](https://example.org/d) [e](#here-we-go)";
        assert_eq!(links(&page(good), there), [""; 0]);
        for bad in ["[a](LICENSE)", "[a](../docs/b.md)", "[a](#there)", "[a](api.md), [b](b.md)"] {
            assert_eq!(links(&page(bad), there).len(), 1, "{bad}");
        }
        assert_eq!(paths(&page("see `common/src/time.rs`, docs/api.md. and/or x/docs/y, docs/"), there), [""; 0]);
        assert_eq!(paths(&page("```\nsee common/src/tim.rs\n```"), there).len(), 1);
    }
}
