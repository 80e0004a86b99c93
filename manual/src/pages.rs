//! `man`: the manual pages, one a command, in the language of man(7).

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::after_help;

/// What `man` is told.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// Write all pages into this directory [default: print the program's own page].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A manual page.
#[derive(Clone, Debug)]
struct Page {
    /// Its file, such as `uphold-agent-probe.1`.
    file: String,
    /// Its text.
    text: Vec<u8>,
}

impl ManArgs {
    /// Prints the page of `command`, or writes it and those of its subcommands.
    pub fn print(&self, command: Command) -> io::Result<()> {
        let pages = pages(command)?;
        match &self.dir {
            None => {
                let mut out = io::stdout().lock();
                pages.first().map_or(Ok(()), |page| out.write_all(&page.text))?;
                out.flush()
            }
            Some(dir) => write(dir, &pages),
        }
    }
}

fn write(dir: &Path, pages: &[Page]) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for page in pages {
        std::fs::write(dir.join(&page.file), &page.text)?;
    }
    anstream::println!("{} pages are in {}", pages.len(), dir.display());
    Ok(())
}

/// The page of the program, then those of its subcommands.
fn pages(command: Command) -> io::Result<Vec<Page>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let source = format!("{} {}", command.get_name(), command.get_version().unwrap_or_default());
    let mut pages = Vec::new();
    collect(&command, None, &source, &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, above: Option<&str>, source: &str, pages: &mut Vec<Page>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    pages.push(Page { file: format!("{name}.1"), text: page(command, &name, above, source)? });
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(below, Some(&name), source, pages)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str, above: Option<&str>, source: &str) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    // Written here because the date is empty, which has to be quoted: the same program has the same pages every day.
    writeln!(text, ".TH \"{}\" \"1\" \"\" \"{source}\" \"Uphold\"", name.to_uppercase())?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::new();
    let end = after_help::read(command);
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for example in &end.examples {
        roff.text([roman(example)]);
    }
    roff.control("fi", []).control("SH", ["EXIT STATUS"]);
    for (code, meaning) in &end.exit_codes {
        roff.control("TP", ["4"]).text([bold(code.to_string())]).text([roman(meaning)]);
    }
    if let Some(above) = above {
        roff.control("SH", ["SEE ALSO"]).text([bold(above), roman("(1)")]);
    }
    roff.to_writer(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let end =
            after_help::written(&["program polish --hard", "program polish .it"], &[(0, "done"), (3, "it broke")]);
        let polish = Command::new("polish").about("Polish it").after_help(end);
        Command::new("program").version("7").about("Does things").subcommand(polish)
    }

    #[test]
    fn there_is_a_page_for_every_command_with_its_examples_and_exit_codes() {
        let folder = tempfile::tempdir().unwrap();
        ManArgs { dir: Some(folder.path().join("new")) }.print(command()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join("new").join(name)).unwrap();
        assert!(read("program.1").contains("polish"));
        let page = read("program-polish.1");
        for part in [
            ".TH \"PROGRAM-POLISH\" \"1\" \"\" \"program 7\" \"Uphold\"\n",
            ".SH EXAMPLES\n.nf\nprogram polish \\-\\-hard\n",
            "\n.TP 4\n\\fB3\\fR\nit broke\n",
            ".SH \"SEE ALSO\"\n\\fBprogram\\fR(1)",
        ] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 2);
    }
}
