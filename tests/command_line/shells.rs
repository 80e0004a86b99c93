//! What others make of the programs' own descriptions: bash completes, mandoc reads the pages without complaint.

use std::fs;
use std::process::Command;

use clap::CommandFactory as _;
use uphold_tests::process::child::{program, system_program};

use super::{run, text};

/// What bash offers behind these words; the last one is not finished.
fn completed(words: &[&str]) -> Vec<String> {
    let name = words[0];
    let last = words.len() - 1;
    let script = format!(
        "set -e\nsource <('{}' completions bash)\nCOMP_WORDS=({}) COMP_CWORD={last}\n\
         [[ $(complete -p {name}) =~ -F\\ ([^ ]+) ]]\n\"${{BASH_REMATCH[1]}}\" {name} '{}' '{}'\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        program(name).unwrap().display(),
        words.join(" "),
        words[last],
        words[last - 1],
    );
    let bash = Command::new(system_program("bash").unwrap()).args(["--norc", "-c", &script]).output().unwrap();
    assert_eq!((bash.status.code(), text(&bash.stderr)), (Some(0), String::new()), "{script}");
    text(&bash.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_words() {
    assert_eq!(completed(&["uphold-collector", "che"]), ["check"]);
    assert_eq!(completed(&["uphold-collector", "check", "--fo"]), ["--format"]);
    assert_eq!(completed(&["uphold-collector", "check", "--format", "j"]), ["json"]);
    assert_eq!(completed(&["uphold-agent", "pro"]), ["probe"]);
    assert_eq!(completed(&["uphold-agent", "run", "--spo"]), ["--spool-bytes"]);
}

#[test]
fn every_shell_gets_completions() {
    for program in ["uphold-collector", "uphold-agent"] {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = run(&format!("{program} completions {shell}"));
            let said = text(&script.stdout);
            assert!(script.status.success() && said.contains("completions"), "{program} {shell}\n{said}");
        }
    }
}

/// What mandoc may remark: the list of possible words is spaced by hand, and the same program has the same pages every
/// day, so they have no date.
const REMARKS: [&str; 3] =
    ["skipping paragraph macro: br before sp", "skipping paragraph macro: br after sp", "missing date"];

/// The pages of a command and of those below it.
fn pages(command: &clap::Command, name: &str) -> Vec<String> {
    let below = command.get_subcommands().flat_map(|one| pages(one, &format!("{name}-{}", one.get_name())));
    std::iter::once(format!("{name}.1")).chain(below).collect()
}

#[test]
fn mandoc_reads_a_page_for_every_command() {
    for (program, command) in [
        ("uphold-collector", uphold_collector::cli::Cli::command()),
        ("uphold-agent", uphold_agent::cli::Cli::command()),
    ] {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("man1");
        let written = run(&format!("{program} man --dir {}", folder.display()));
        assert!(written.status.success(), "{}", text(&written.stderr));
        let names = pages(&command, program);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), names.len(), "{names:?}");
        for name in names {
            let page = folder.join(&name);
            let read = fs::read_to_string(&page).unwrap();
            assert!(read.contains("\n.SH EXAMPLES\n") && read.contains("\n.SH \"EXIT STATUS\"\n"), "{name}\n{read}");
            let mut mandoc = Command::new(system_program("mandoc").unwrap());
            let said = text(&mandoc.args(["-Tlint", "-Wwarning"]).arg(&page).output().unwrap().stdout);
            let refused: Vec<&str> =
                said.lines().filter(|line| !REMARKS.iter().any(|remark| line.contains(remark))).collect();
            assert!(refused.is_empty(), "{refused:#?}");
        }
        let printed = run(&format!("{program} man"));
        assert_eq!(printed.stdout, fs::read(folder.join(format!("{program}.1"))).unwrap());
    }
}
