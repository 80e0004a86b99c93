//! What others see: metrics, each with its line of documentation, and pages that work without a network.

use super::source::{File, Tree};

/// Where metrics are documented: each on a line with its name in backticks and its help text.
const METRICS_PAGE: &str = "docs/metrics.md";

/// Names of namespaces look like addresses and are never fetched.
const NAMESPACES: [&str; 1] = ["http://www.w3.org/"];

pub(crate) fn metrics(tree: &Tree) -> Vec<String> {
    let page = tree.file(METRICS_PAGE).map_or("", |f| f.text.as_str());
    let mut refusals = Vec::new();
    let registering = tree.rust().filter(|f| f.program().iter().any(|(_, line)| line.contains("prometheus::")));
    for file in registering {
        for (number, name, help) in registered(file) {
            let named = format!("`{name}`");
            let line = page.lines().find(|line| line.contains(&named));
            let place = format!("{}:{number}: {name}", file.path);
            match (line, help) {
                (None, _) => {
                    refusals.push(format!("{place} is not in {METRICS_PAGE}. A number nobody explains is not watched"));
                }
                (Some(line), Some(help)) if !line.contains(&help) => {
                    refusals.push(format!("{place} reads otherwise in {METRICS_PAGE}: both say «{help}»"));
                }
                _ => {}
            }
        }
    }
    refusals
}

/// The strings of a file that are names of metrics, with their line and the help text that follows: the next string,
/// if it is a sentence.
fn registered(file: &File) -> Vec<(usize, String, Option<String>)> {
    let strings: Vec<(usize, String)> = file
        .spoken()
        .iter()
        .flat_map(|(number, line)| {
            line.split('"').skip(1).step_by(2).map(|s| (*number, s.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    let is_name = |s: &str| s.starts_with("uphold_") && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let names = strings.iter().enumerate().filter(|(_, (_, s))| is_name(s));
    names
        .map(|(i, (number, name))| {
            let next = strings.get(i + 1).map(|(_, s)| s.clone());
            (*number, name.clone(), next.filter(|s| s.contains(' ')))
        })
        .collect()
}

pub(crate) fn pages(tree: &Tree) -> Vec<String> {
    let mut refusals = Vec::new();
    for file in tree.files.iter().filter(|f| is_page(f)) {
        let lines = if file.has_ending("rs") { file.spoken() } else { numbered(&file.text) };
        for (number, line) in lines {
            let said = NAMESPACES.iter().fold(line, |line, name| line.replace(name, ""));
            let loads = ["http://", "https://", "src=\"//", "href=\"//", "url(//"].iter().find(|w| said.contains(**w));
            if let Some(word) = loads {
                refusals.push(format!(
                    "{}:{number}: `{word}`: a page works without a network, nothing is loaded from elsewhere",
                    file.path
                ));
            }
        }
    }
    refusals
}

fn numbered(text: &str) -> Vec<(usize, String)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line.to_owned())).collect()
}

/// Templates in Rust, and what is served as it is.
fn is_page(file: &File) -> bool {
    let template = file.path.starts_with("collector/src/page") && file.has_ending("rs");
    let served = ["css", "js", "html", "svg"].iter().any(|e| file.has_ending(e)) && file.path.starts_with("collector/");
    template || served
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "use prometheus::IntCounter;\nlet c = IntCounter::new(\"uphold_a_total\", \"Batches kept.\");\n";

    #[test]
    fn a_metric_without_documentation_is_refused() {
        let with = |page: &str| metrics(&Tree::of(&[("agent/src/metrics.rs", CODE), ("docs/metrics.md", page)])).len();
        assert_eq!(with("nothing"), 1);
        assert_eq!(with("| `uphold_a_total` | Something else. |"), 1);
        assert_eq!(with("| `uphold_a_total` | Batches kept. |"), 0);
        assert_eq!(metrics(&Tree::of(&[("agent/src/metrics.rs", CODE)])).len(), 1);
    }

    #[test]
    fn a_page_that_loads_something_is_refused() {
        for (path, text) in [
            ("collector/src/page/head.rs", "html! { script src=\"https://example.com/a.js\" {} }"),
            ("collector/src/page/a.css", "@import url(//example.com/a.css);"),
            ("collector/assets/a.js", "fetch(\"http://example.com\")"),
        ] {
            assert_eq!(pages(&Tree::of(&[(path, text)])).len(), 1, "{path}");
        }
        let svg = "// see https://example.com\nsvg xmlns=\"http://www.w3.org/2000/svg\" {}";
        assert!(pages(&Tree::of(&[("collector/src/page/chart.rs", svg)])).is_empty());
        assert!(pages(&Tree::of(&[("agent/src/push.rs", "\"http://example.com\"")])).is_empty());
    }
}
