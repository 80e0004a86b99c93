//! Command lines are read by the parsers of the programs themselves, so a flag that is gone is refused here.

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _, Parser as _};
use uphold_manual::after_help;
use uphold_tests::bench;

use super::pages::{Page, read_all, root, spans};

/// The languages of blocks whose lines are typed into a shell.
const SHELL: [&str; 3] = ["sh", "console", "bash"];
/// The programs that are delivered.
const PROGRAMS: [&str; 2] = ["uphold-collector", "uphold-agent"];

/// The program that measures, which is run out of the sources.
const BENCH: &str = "bench";

/// The longest example of a help: what a terminal of 80 columns shows on one line.
const EXAMPLE_CHARS_MAX: usize = 78;

/// Whether a command has to be whole: in prose it may lack what must be given.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    Yes,
    No,
}

/// What is wrong with the commands and flags of a page: lines of shell blocks, and spans of code in its prose.
pub(crate) fn in_page(page: &Page) -> Vec<String> {
    let mut refusals = Vec::new();
    for block in page.blocks().iter().filter(|block| SHELL.contains(&block.language.as_str())) {
        for line in joined(&block.text) {
            let refused = command(&line, Whole::Yes).err();
            refusals.extend(refused.map(|why| format!("{}:{}: {why}", page.path, block.line)));
        }
    }
    for (number, span) in page.spans() {
        let refused = if span.starts_with("--") { flag(span) } else { command(span, Whole::No) };
        refusals.extend(refused.err().map(|why| format!("{}:{number}: {why}", page.path)));
    }
    refusals
}

/// What is wrong with the commands in backticks in a file's comments.
pub(crate) fn in_comments(file: &Page) -> Vec<String> {
    let mut refusals = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        for span in line.split_once('#').into_iter().flat_map(|(_, comment)| spans(comment)) {
            let refused = command(span, Whole::Yes).err();
            refusals.extend(refused.map(|why| format!("{}:{number}: {why}", file.path)));
        }
    }
    refusals
}

/// What is wrong with the examples in the programs' own help.
pub(crate) fn in_help() -> Vec<String> {
    let mut refusals = Vec::new();
    for (name, one) in all() {
        let end = after_help::read(&one);
        for line in &end.examples {
            if !line.starts_with(&name) {
                refusals.push(format!("help of {name}: {line}: is no example of this command"));
            }
            if line.lines().any(|line| line.len() > EXAMPLE_CHARS_MAX) {
                refusals
                    .push(format!("help of {name}: {line}: would be broken on a terminal, and could not be copied"));
            }
            refusals.extend(
                command(&line.replace("\\\n", " "), Whole::Yes)
                    .err()
                    .map(|why| format!("help of {name}: {line}: {why}")),
            );
        }
        for (part, there) in [("examples", !end.examples.is_empty()), ("exit codes", !end.exit_codes.is_empty())] {
            refusals.extend((!there).then(|| format!("help of {name}: there are no {part}")));
        }
    }
    refusals
}

/// The programs and all of their subcommands, each with the words that are typed for it.
pub(crate) fn all() -> Vec<(String, Command)> {
    let programs = [uphold_collector::cli::Cli::command(), uphold_agent::cli::Cli::command()];
    let mut found: Vec<(String, Command)> = programs.map(|program| (program.get_name().to_owned(), program)).into();
    let mut next = 0;
    while let Some((name, command)) = found.get(next).cloned() {
        found.extend(command.get_subcommands().map(|below| (format!("{name} {}", below.get_name()), below.clone())));
        next += 1;
    }
    found
}

/// The lines of a block, those that end with a backslash joined with the next.
fn joined(text: &str) -> Vec<String> {
    text.replace("\\\n", " ").lines().map(str::to_owned).collect()
}

/// What is wrong with a command line that must be whole.
pub(crate) fn whole(line: &str) -> Result<(), String> {
    command(line, Whole::Yes)
}

fn command(line: &str, whole: Whole) -> Result<(), String> {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| matches!(*word, "$" | "nice")).collect();
    let Some((first, rest)) = words.split_first() else { return Ok(()) };
    let program = PROGRAMS.iter().find(|program| first.rsplit('/').next() == Some(**program));
    match (program, *first) {
        (Some(program), _) => parsed(program, rest, whole),
        (_, "bash" | "sh") => rest.first().filter(|path| !path.starts_with('-')).map_or(Ok(()), |path| there(path)),
        (_, "cargo") => cargo(rest),
        _ => Ok(()),
    }
}

/// The words of a line, up to a comment, a pipe or the end of the command; quotes hold a word together.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut between) = (None, true);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c.is_whitespace() => between = true,
            None if matches!(c, '|' | ';' | '&' | '>') || (c == '#' && between) => break,
            _ => {
                if between {
                    words.push(String::new());
                    between = false;
                }
                if quote.is_none() && matches!(c, '\'' | '"') {
                    quote = Some(c);
                } else if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words
}

/// Whether the program takes these words.
fn parsed(program: &str, given: &[&str], whole: Whole) -> Result<(), String> {
    let words = std::iter::once(program).chain(given.iter().copied());
    let error = match program {
        BENCH => bench::Cli::try_parse_from(words).err(),
        _ if program == PROGRAMS[0] => uphold_collector::cli::Cli::try_parse_from(words).err(),
        _ => uphold_agent::cli::Cli::try_parse_from(words).err(),
    };
    let Some(error) = error else { return Ok(()) };
    let lacks = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(()),
        _ if lacks && whole == Whole::No => Ok(()),
        _ => Err(format!("{program} {}: {}", given.join(" "), error.to_string().lines().next().unwrap_or_default())),
    }
}

fn flag(span: &str) -> Result<(), String> {
    let name = span.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
    let has = |command: &Command| command.get_arguments().any(|argument| argument.get_long() == Some(name));
    let known = matches!(name, "help" | "version")
        || all().iter().any(|(_, command)| has(command))
        || bench::Cli::command().get_subcommands().any(has);
    if known { Ok(()) } else { Err(format!("no program knows the flag `--{name}`")) }
}

fn there(path: &str) -> Result<(), String> {
    if root().join(path).exists() { Ok(()) } else { Err(format!("there is no `{path}`")) }
}

/// Packages, programs, tests and examples that are named exist; what follows `--` is read as the program reads it.
fn cargo(words: &[&str]) -> Result<(), String> {
    let (before, behind) = words.split_at(words.iter().position(|word| *word == "--").unwrap_or(words.len()));
    let manifests: String = read_all(&["toml"]).into_iter().map(|manifest| manifest.text).collect();
    let mut program = None;
    for pair in before.windows(2).filter(|p| matches!(p[0], "-p" | "--package" | "--bin" | "--test" | "--example")) {
        let (what, name) = (pair[0], pair[1]);
        let example = what == "--example" && root().join(format!("collector/examples/{name}.rs")).exists();
        if !example && !manifests.lines().any(|line| line == format!("name = \"{name}\"")) {
            return Err(format!("cargo knows no `{what} {name}`"));
        }
        program = PROGRAMS.iter().chain([&BENCH]).find(|program| **program == name).or(program);
    }
    match (words.first(), program) {
        (Some(&"run"), Some(program)) => parsed(program, behind.get(1..).unwrap_or_default(), Whole::Yes),
        (Some(&"run"), None) if !before.contains(&"--example") => Err("`cargo run` says no program".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> usize {
        in_page(&Page::of("a.md", text)).len()
    }

    #[test]
    fn commands_that_are_not_understood_are_refused() {
        for line in [
            "uphold-collector upp",
            "uphold-collector up --wach https://example.org/",
            "$ target/release/uphold-agent probe --timeout never http://a.example/",
            "uphold-collector check",
            "uphold-agent run --name 'Not An Id'",
            "uphold-collector report a \\\n  --formt json",
            "cargo run --bin uphold-collector -- upp",
            "cargo run -- up",
            "cargo run --release -p uphold-tests --bin bench -- ingest --hour 1",
            "cargo test -p uphold-tests --test no-such-test",
            "bash tests/no-such-file",
        ] {
            assert_eq!(refused(&format!("```sh\n{line}\n```\n")), 1, "{line}");
        }
        for line in [
            "uphold-collector up --watch 'https://example.org/?a&b'   # a comment",
            "uphold-collector report a --format json | jq .",
            "cargo run --release --bin uphold-collector -- up",
            "cargo run --release -p uphold-tests --bin bench -- ingest --hours 1",
            "cargo test -p uphold-tests --test tidy",
            "bash tests/run -E 'test(nginx)'",
            "uphold-agent --help",
            "ls -l --wach",
        ] {
            assert_eq!(refused(&format!("```sh\n{line}\n```\n")), 0, "{line}");
        }
        assert_eq!(refused("```text\nuphold-collector upp\n```\n"), 0, "not typed into a shell");
        let comment = |text: &str| in_comments(&Page::of("a.yaml", text)).len();
        assert_eq!((comment("# `uphold-agent rn`\n"), comment("a: `uphold-agent rn`\n")), (1, 0));
    }

    #[test]
    fn commands_and_flags_in_prose_may_lack_arguments_and_nothing_else() {
        for (prose, refusals) in [
            ("`uphold-collector check` and `--watch`", 0),
            ("`uphold-collector chek`", 1),
            ("`uphold-collector check --loud`", 1),
            ("`--wach`", 1),
            ("`--watch URL`", 0),
            ("`--without-peer`", 0),
        ] {
            assert_eq!(refused(prose), refusals, "{prose}");
        }
    }
}
