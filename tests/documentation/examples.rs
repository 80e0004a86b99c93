//! Examples are read by the programs' own readers: who copies one has something that works.

use super::pages::{Page, read_all};

/// What is wrong with the YAML blocks of a page.
pub(crate) fn in_page(page: &Page) -> Vec<String> {
    let blocks = page.blocks();
    let yaml = blocks.iter().filter(|block| matches!(block.language.as_str(), "yaml" | "yml"));
    yaml.filter_map(|block| problem(&block.text).map(|why| format!("{}:{}: {why}", page.path, block.line))).collect()
}

/// What is wrong with the files in `config/`.
pub(crate) fn in_config() -> Vec<String> {
    let files = read_all(&["yaml", "yml"]);
    // What is for Prometheus is held against its own checker, by the tests named peers.
    let ours = |file: &&Page| file.path.starts_with("config/") && !file.path.starts_with("config/prometheus/");
    let config: Vec<&Page> = files.iter().filter(ours).collect();
    if config.is_empty() {
        return vec!["config/: there is nothing in it".to_owned()];
    }
    config.iter().filter_map(|file| problem(&file.text).map(|why| format!("{}: {why}", file.path))).collect()
}

/// An example of a catalogue, and the file of holidays that lies beside it in `config/`.
pub(crate) fn with_holidays(text: &str) -> [(&'static str, String); 2] {
    [("example", text.to_owned()), ("holidays-ch.ics", Page::read("config/holidays-ch.ics").text)]
}

/// What is wrong with a text that its keys at the top show to be a catalogue, the configuration of a program, or the
/// description of a ticket system.
fn problem(text: &str) -> Option<String> {
    let says = |key: &str| text.lines().any(|line| line.split_once(':').is_some_and(|(said, _)| said == key));
    let problems = if says("requests") {
        uphold_collector::notify::ticket::read::read("example", text).err()
    } else if says("services") || says("organisation") {
        uphold_common::catalogue::read(&with_holidays(text)).err()
    } else if says("collectors") || says("name") {
        uphold_agent::config_file::FileConfig::parse("example", text).err()
    } else if says("modules") {
        uphold_agent::blackbox::Modules::parse("example", text).err()
    } else if says("catalogue") || says("listen") || says("store") {
        uphold_collector::config::FileConfig::parse("example", text).err()
    } else {
        return Some("a part of a catalogue or configuration cannot be checked; show a whole one".to_owned());
    };
    problems.map(|problems| problems.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_that_no_program_takes_are_refused() {
        for (yaml, refused) in [
            ("catalogue: a.yaml\nlisten: 127.0.0.1:1\n", false),
            ("catalogue: a.yaml\nlisten: everywhere\n", true),
            ("name: a\ncollectors: [http://a.example]\n", false),
            ("name: a\ncollectrs: [http://a.example]\n", true),
            ("services:\n  - { id: a }\n", true),
            ("name: a\nrequests: { create: [{ method: POST }] }\n", false),
            ("name: a\nrequests: { creat: [{ method: POST }] }\n", true),
            ("- { id: a }\n", true),
        ] {
            let page = Page::of("a.md", &format!("```yaml\n{yaml}```\n"));
            assert_eq!(in_page(&page).len(), usize::from(refused), "{yaml}");
        }
    }
}
