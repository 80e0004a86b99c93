//! The page of the commands against the command lines themselves, both ways: every command, flag, example and exit code
//! stands there as the help has it, and nothing stands there that the help has not.

use std::collections::BTreeSet;

use clap::Command;
use uphold_manual::after_help;

use super::pages::{Page, spans};

/// The section of a command: from its heading to the next one.
fn section<'p>(page: &'p Page, name: &str) -> Option<&'p str> {
    let (_, behind) = page.text.split_once(&format!("### `{name}`\n"))?;
    Some(
        ["\n### ", "\n## "]
            .iter()
            .filter_map(|heading| behind.find(heading))
            .min()
            .map_or(behind, |end| &behind[..end]),
    )
}

/// What is written in the rows of a table whose first column passes `is`.
fn rows(section: &str, is: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    rows.filter(|first| is(first)).map(str::to_owned).collect()
}

/// What a command is told, as the page writes it: `--window`, `SERVICE`.
fn arguments(command: &Command) -> BTreeSet<String> {
    let said = |argument: &clap::Arg| {
        let named = argument.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
        let placed = || named.unwrap_or_else(|| argument.get_id().as_str().to_uppercase());
        argument.get_long().map_or_else(placed, |long| format!("--{long}"))
    };
    command.get_arguments().filter(|argument| !argument.is_hide_set()).map(said).collect()
}

/// Where the page and these commands differ.
fn differences(page: &Page, commands: &[(String, Command)]) -> Vec<String> {
    let mut told = Vec::new();
    for (name, command) in commands {
        let Some(section) = section(page, name) else {
            told.push(format!("{}: there is no section `{name}`", page.path));
            continue;
        };
        let in_section = |what: String| format!("{}: `{name}`: {what}", page.path);
        let shown = rows(section, |first| first.starts_with('`'));
        let shown: BTreeSet<String> =
            shown.iter().filter_map(|row| spans(row).next()?.split(' ').next().map(str::to_owned)).collect();
        let there = arguments(command);
        told.extend(there.difference(&shown).map(|one| in_section(format!("{one} is not described"))));
        told.extend(shown.difference(&there).map(|one| in_section(format!("there is no {one}"))));
        let end = after_help::read(command);
        let lacks = |line: &String| !section.contains(&format!("\n{line}\n"));
        told.extend(end.examples.into_iter().filter(lacks).map(|line| in_section(format!("lacks the example {line}"))));
        let codes = end.exit_codes.iter().map(|(code, meaning)| format!("| {code} | {meaning} |"));
        told.extend(codes.filter(lacks).map(|line| in_section(format!("lacks the exit code {line}"))));
        let codes = rows(section, |first| first.parse::<u8>().is_ok()).len();
        if codes != end.exit_codes.len() {
            told.push(in_section(format!("has {codes} exit codes, and the help {}", end.exit_codes.len())));
        }
    }
    let headings = page.text.lines().filter_map(|line| spans(line.strip_prefix("### ")?).next());
    let gone = headings.filter(|heading| !commands.iter().any(|(name, _)| name == heading));
    told.extend(gone.map(|heading| format!("{}: there is no command `{heading}`", page.path)));
    told
}

/// The commands that do something: a command with subcommands only leads to them.
fn documented() -> Vec<(String, Command)> {
    super::commands::all().into_iter().filter(|(_, command)| !command.is_subcommand_required_set()).collect()
}

#[test]
fn every_command_flag_example_and_exit_code_stands_on_the_page() {
    let documented = documented();
    assert!(documented.len() >= 14, "only {} commands were found", documented.len());
    super::accept(&differences(&Page::read("docs/commands.md"), &documented));
}

#[test]
fn a_page_that_differs_is_refused() {
    let page = Page::read("docs/commands.md");
    let documented = documented();
    for (from, to) in [
        ("### `uphold-agent probe`", "### `uphold-agent prob`"),
        ("| `--slow-after ", "| `--slow-aftr "),
        ("| 4 | the store died", "| 4 | the store ended"),
        ("uphold-collector up\n", "uphold-collector up --port 1\n"),
    ] {
        let changed = Page::of("docs/commands.md", &page.text.replacen(from, to, 1));
        let told = differences(&changed, &documented);
        assert!(!told.is_empty(), "{to}");
    }
    let more = Page::of(
        "docs/commands.md",
        &page.text.replacen("| 0 | up or degraded |", "| 0 | up or degraded |\n| 9 | odd |", 1),
    );
    assert_eq!(differences(&more, &documented).len(), 1);
}
