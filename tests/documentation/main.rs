//! Documentation that is true: what the pages name is there, and what they show can be used as it stands.
//!
//! | file | what is held against what |
//! |---|---|
//! | `pages` | the pages themselves: every `.md` file, cut into blocks, spans of code, prose |
//! | `commands` | command lines and flags against the parsers of the programs; `cargo` and `bash` lines against the tree |
//! | `manual` | docs/commands.md against every command, flag, example and exit code |
//! | `places` | links and paths against the files |
//! | `plan` | the rooms against the folders, the routes against the routers |
//! | `examples` | YAML in pages and in `config/` against the readers of the programs |
//! | `schema/` | the catalogue's schema against the reader: what it takes, refuses, names and requires |
//! | `units` | units of systemd against the programs and their exit codes |
//! | `words` | words of the API and of messages against the code that says them |
//!
//! Each check is tested with something it must refuse. Each returns what it refuses, with its place.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

mod commands;
mod examples;
mod manual;
mod pages;
mod places;
mod plan;
mod schema;
mod units;
mod words;

use pages::{Page, read_all, root};

/// Fails with every refusal.
fn accept(refusals: &[String]) {
    assert!(refusals.is_empty(), "\n{}\n", refusals.join("\n"));
}

/// Holds every file with one of these endings against a check.
fn each(endings: &[&str], check: impl Fn(&Page) -> Vec<String>) {
    accept(&read_all(endings).iter().flat_map(check).collect::<Vec<_>>());
}

#[test]
fn the_pages_are_found() {
    let found = read_all(&["md"]);
    for path in ["ARCHITECTURE.md", "docs/metrics.md"] {
        assert!(found.iter().any(|page| page.path == path), "{path} was not found");
    }
}

#[test]
fn every_command_and_flag_is_understood() {
    each(&["md"], commands::in_page);
    each(&["yaml"], commands::in_comments);
    accept(&commands::in_help());
}

#[test]
fn every_link_and_path_leads_somewhere() {
    let there = |path: &str| root().join(path).exists();
    each(&["md"], |page| places::links(page, there));
    each(&["md", "yaml"], |page| places::paths(page, there));
}

#[test]
fn the_rooms_are_those_of_the_plan() {
    accept(&plan::rooms(&Page::read("ARCHITECTURE.md"), &plan::crates()));
}

#[test]
fn every_route_is_served_and_documented() {
    let routes = plan::Routes::read();
    each(&["md"], |page| routes.unknown(page));
    accept(&routes.undocumented(&Page::read("docs/api.md")));
}

#[test]
fn every_example_can_be_used() {
    each(&["md"], examples::in_page);
    accept(&examples::in_config());
}

#[test]
fn every_unit_starts_and_restarts_what_it_should() {
    assert!(!read_all(&["service"]).is_empty(), "no unit was found");
    each(&["service"], units::in_unit);
}

#[test]
fn words_of_the_api_and_of_messages_are_said() {
    let code = words::code("collector/src");
    for path in ["docs/api.md", "docs/incidents.md", "docs/operating.md"] {
        accept(&words::unsaid(&Page::read(path), &code));
    }
}
