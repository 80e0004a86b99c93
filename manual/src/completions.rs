//! `completions`: what a shell needs to complete the program's command line.

use std::io::{self, Write as _};

use clap::{Args, Command};
use clap_complete::Shell;

/// What `completions` is told.
#[derive(Clone, Copy, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the completions of `command`.
    pub fn print(self, command: Command) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(&script(self.shell, command))?;
        out.flush()
    }
}

/// The script for one shell.
fn script(shell: Shell, mut command: Command) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    // For bash, a program with a hyphen in its name is called in two ways within the script, and nothing is completed
    // behind its subcommands: https://github.com/clap-rs/clap/issues/6421. Both are made one here.
    match String::from_utf8(script) {
        Ok(text) => text.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")).into_bytes(),
        Err(other) => other.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_gets_the_subcommands() {
        for shell in Shell::value_variants() {
            let command = Command::new("program").subcommand(Command::new("polish"));
            let script = String::from_utf8(script(*shell, command)).unwrap();
            assert!(script.contains("program") && script.contains("polish"), "{shell}: {script}");
        }
    }

    #[test]
    fn a_program_with_a_hyphen_has_one_name_in_the_script() {
        let command = Command::new("my-program").subcommand(Command::new("polish"));
        let script = String::from_utf8(script(Shell::Bash, command)).unwrap();
        assert_eq!(script.matches("my__program__subcmd__polish").count(), 2, "set once and compared once: {script}");
        assert!(!script.contains("my__subcmd__program"), "{script}");
    }
}
