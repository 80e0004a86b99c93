//! What others see: metrics, each with its line of documentation, and pages that work without a network.

use super::source::{File, Tree};

/// Where metrics are documented: each on a line with its name in backticks and its help text, in the section of the
/// program that serves it, since both serve some of the same name.
const METRICS_PAGE: &str = "docs/metrics.md";
/// The sections, by where the code lies.
const METRICS_SECTIONS: [(&str, &str); 2] = [("agent/", "## Agent"), ("collector/", "## Collector")];

/// Names of namespaces look like addresses and are never fetched.
const NAMESPACES: [&str; 1] = ["http://www.w3.org/"];

pub(crate) fn metrics(tree: &Tree) -> Vec<String> {
    let page = tree.file(METRICS_PAGE).map_or("", |f| f.text.as_str());
    let mut refusals = Vec::new();
    let registering = tree.rust().filter(|f| f.program().iter().any(|(_, line)| line.contains("prometheus::")));
    for file in registering {
        let heading = METRICS_SECTIONS.iter().find(|(place, _)| file.path.starts_with(place)).map_or("", |(_, h)| h);
        for (number, name, help) in registered(file) {
            let named = format!("`{name}`");
            let line = section(page, heading).find(|line| line.contains(&named));
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

/// The lines of a page below a heading, up to the next one.
fn section<'a>(page: &'a str, heading: &'a str) -> impl Iterator<Item = &'a str> {
    page.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "))
}

/// The strings of a file that are names of metrics, with their line and the help text that follows: the constant that
/// is named next, or the next string if it is a sentence.
fn registered(file: &File) -> Vec<(usize, String, Option<String>)> {
    let spoken: String = file.spoken().into_iter().map(|(_, line)| line + "\n").collect();
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
            (*number, name.clone(), constant(&spoken, name).or(next.filter(|s| s.contains(' '))))
        })
        .collect()
}

/// The text of the constant that stands behind `"name", `.
fn constant(code: &str, name: &str) -> Option<String> {
    let (_, behind) = code.split_once(&format!("\"{name}\","))?;
    let behind = behind.trim_start();
    let key = &behind[..behind.find(|c: char| !c.is_ascii_uppercase() && c != '_')?];
    let (_, said) = code.split_once(&format!("const {key}: &str ="))?;
    said.split('"').nth(1).map(str::to_owned).filter(|_| !key.is_empty())
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
    const CODE_WITH_CONSTANT: &str = "use prometheus::IntCounter;\nlet c = new(\n    \"uphold_a_total\",\n    KEPT,\n);\n\
        const OTHER: &str = \"Others.\";\nconst KEPT: &str =\n    \"Batches kept.\";\n";

    #[test]
    fn a_metric_without_documentation_is_refused() {
        for code in [CODE, CODE_WITH_CONSTANT] {
            let with =
                |page: &str| metrics(&Tree::of(&[("agent/src/metrics.rs", code), ("docs/metrics.md", page)])).len();
            assert_eq!(with("nothing"), 1);
            assert_eq!(with("## Agent\n| `uphold_a_total` | Something else. |"), 1);
            assert_eq!(with("## Agent\n| `uphold_a_total` | Batches kept. |"), 0);
            assert_eq!(with("## Collector\n| `uphold_a_total` | Batches kept. |\n## Agent\n"), 1, "another program's");
            assert_eq!(with("## Agent\n## More\n| `uphold_a_total` | Batches kept. |"), 1, "another section");
            assert_eq!(metrics(&Tree::of(&[("agent/src/metrics.rs", code)])).len(), 1);
        }
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
        let tests = [
            ("collector/src/page/mod.rs", "#[cfg(test)]\nmod tests;"),
            ("collector/src/page/tests.rs", "assert!(!page.contains(\"http://\"));"),
        ];
        assert!(pages(&Tree::of(&tests)).is_empty());
        assert_eq!(pages(&Tree::of(&tests[1..])).len(), 1, "nobody declared it for tests");
        assert!(pages(&Tree::of(&[("agent/src/push.rs", "\"http://example.com\"")])).is_empty());
    }
}
