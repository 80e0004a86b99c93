//! The end of a command's help: examples, then exit codes. [`read`] reads both back, for the manual pages and for those
//! who hold other pages against them.

use std::fmt::Write as _;

use clap::builder::Styles;

const EXAMPLES: &str = "Examples:";
const EXIT_CODES: &str = "Exit codes:";

/// What stands at the end of a command's help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AfterHelp {
    /// Command lines that can be typed as they are. A long one goes on over lines that are indented, each after a
    /// backslash.
    pub examples: Vec<String>,
    /// Each exit code and what it means.
    pub exit_codes: Vec<(u8, String)>,
}

/// The end of a help, with headings as clap writes its own.
///
/// ```
/// let text = uphold_manual::after_help::written(&["program do --it"], &[(0, "done")]);
/// let read = uphold_manual::after_help::read(&clap::Command::new("program").after_help(text));
/// assert_eq!(read.examples, ["program do --it"]);
/// assert_eq!(read.exit_codes, [(0, "done".to_owned())]);
///
/// let long = "program do \\\n    --it";
/// let text = uphold_manual::after_help::written(&[long], &[(0, "done")]);
/// assert_eq!(uphold_manual::after_help::read(&clap::Command::new("program").after_help(text)).examples, [long]);
/// ```
pub fn written(examples: &[&str], exit_codes: &[(u8, &str)]) -> String {
    let styles = Styles::styled();
    let header = styles.get_header();
    let mut text = format!("{header}{EXAMPLES}{header:#}");
    // Writing into a text does not fail.
    for example in examples {
        let _ = write!(text, "\n  {}", example.replace('\n', "\n  "));
    }
    let _ = write!(text, "\n\n{header}{EXIT_CODES}{header:#}");
    for (code, meaning) in exit_codes {
        let _ = write!(text, "\n  {code}  {meaning}");
    }
    text
}

/// What [`written`] wrote at the end of this command's help.
pub fn read(command: &clap::Command) -> AfterHelp {
    // Shown as text, a help has no colours.
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut found = AfterHelp::default();
    let mut heading = "";
    for line in text.lines() {
        match (line.strip_prefix("  "), heading) {
            (None, _) => heading = line,
            (Some(example), EXAMPLES) => match found.examples.last_mut().filter(|_| example.starts_with(' ')) {
                Some(begun) => *begun = format!("{begun}\n{example}"),
                None => found.examples.push(example.to_owned()),
            },
            (Some(code), EXIT_CODES) => {
                let code = code.split_once("  ").and_then(|(code, meaning)| Some((code.parse().ok()?, meaning)));
                found.exit_codes.extend(code.map(|(code, meaning): (u8, &str)| (code, meaning.to_owned())));
            }
            _ => {}
        }
    }
    found
}
