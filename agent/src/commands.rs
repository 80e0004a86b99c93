//! What a host lets probes of the kind `exec` run there; pure.
//!
//! The catalogue names a command and no more. What that runs is written by whoever runs the host: an absolute path and
//! its arguments, taken as they are, without a shell. Only where the host's entry has a place, `$1` to `$9`, does a text of the
//! catalogue come in, as one whole argument; one that begins with `-` only where the entry says so, since a plugin could
//! take it for an option that reads or writes something else.

use std::collections::BTreeMap;

use uphold_common::ids::Id;
use uphold_common::wire::check::ExecCheck;

/// Most places of a command.
const PLACES_MAX: usize = 9;
/// Most bytes of an argument of the catalogue.
const ARGUMENT_BYTES_MAX: usize = 4_096;

/// The commands of a host, by their names.
pub type Commands = BTreeMap<Id, Command>;

/// What one command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    program: String,
    arguments: Vec<Argument>,
    places: usize,
    options: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    Written(String),
    Place(usize),
}

/// A program with its arguments, as the system is asked to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The absolute path.
    pub program: String,
    /// Each argument whole.
    pub arguments: Vec<String>,
}

impl Command {
    /// A command out of its words: a path, then arguments and places. `options` says whether the catalogue may put options
    /// into the places.
    pub fn new(words: Vec<String>, options: bool) -> Result<Self, String> {
        let mut words = words.into_iter();
        let program = words.next().filter(|program| program.starts_with('/'));
        let program = program.ok_or("it begins with the absolute path of a program")?;
        let arguments: Vec<Argument> = words.map(argument).collect();
        let of_places = |argument: &Argument| match argument {
            Argument::Place(place) => Some(*place),
            Argument::Written(_) => None,
        };
        let places = arguments.iter().filter_map(of_places).max().unwrap_or_default();
        match (1..places).find(|place| !arguments.contains(&Argument::Place(*place))) {
            Some(missing) => Err(format!("it has a place ${places} and none ${missing}")),
            None => Ok(Self { program, arguments, places, options }),
        }
    }

    fn line(&self, given: &[String]) -> Result<Line, String> {
        if given.len() != self.places {
            let (places, given) = (self.places, given.len());
            return Err(format!("this host's entry has places for {places} arguments, and {given} are given"));
        }
        for (number, argument) in (1..).zip(given) {
            if argument.starts_with('-') && !self.options {
                let allow = "options: true in this host's entry allows it";
                return Err(format!("argument {number} begins with \"-\" and could be taken for an option: {allow}"));
            }
            if argument.len() > ARGUMENT_BYTES_MAX || argument.contains('\0') {
                return Err(format!(
                    "argument {number} is longer than {ARGUMENT_BYTES_MAX} bytes, or has a zero in it"
                ));
            }
        }
        let put_in = |argument: &Argument| match argument {
            Argument::Written(text) => text.clone(),
            Argument::Place(place) => given.get(place - 1).cloned().unwrap_or_default(),
        };
        Ok(Line { program: self.program.clone(), arguments: self.arguments.iter().map(put_in).collect() })
    }
}

/// `$1` to `$9` alone is a place; everything else is what it is.
fn argument(word: String) -> Argument {
    let place = word.strip_prefix('$').and_then(|digit| digit.parse().ok());
    match place.filter(|place| word.len() == 2 && (1..=PLACES_MAX).contains(place)) {
        Some(place) => Argument::Place(place),
        None => Argument::Written(word),
    }
}

/// What a probe runs on this host, or why nothing.
pub fn line(commands: &Commands, check: &ExecCheck) -> Result<Line, String> {
    let name = &check.command;
    let Some(command) = commands.get(name) else {
        let listed = commands.keys().map(Id::as_str).collect::<Vec<_>>().join(", ");
        let listed = if listed.is_empty() { "no command at all".to_owned() } else { listed };
        return Err(format!("this host has no command {name}: accept.commands of its configuration lists {listed}"));
    };
    command.line(&check.arguments).map_err(|why| format!("the command {name} is not run: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_command_is_a_path_and_places_without_gaps() {
        for (run, right) in [
            (&["/bin/check"][..], true),
            (&["/bin/check", "-w", "$2", "$1", "$1"], true),
            (&["/bin/check", "$10", "$0", "$", "$x", "a$1", "$HOME"], true),
            (&[], false),
            (&["check"], false),
            (&["./check"], false),
            (&["$1"], false),
            (&["/bin/check", "$2"], false),
        ] {
            let command = Command::new(words(run), false);
            assert_eq!(command.is_ok(), right, "{run:?}: {command:?}");
        }
    }

    #[test]
    fn what_the_catalogue_gives_comes_in_only_where_the_host_has_a_place_for_it() {
        let disk = |options| Command::new(words(&["/p/check_disk", "-w", "10%", "$1", "a$1", "$9x"]), options).unwrap();
        let load = Command::new(words(&["/p/check_load", "$2", "$1"]), false).unwrap();
        let id = |name: &str| Id::new(name).unwrap();
        let commands = Commands::from([(id("disk"), disk(false)), (id("any"), disk(true)), (id("load"), load)]);
        for (name, given, wanted) in [
            ("disk", &["/var"][..], Ok(&["-w", "10%", "/var", "a$1", "$9x"][..])),
            ("disk", &["$1; rm -rf `x` \"'"], Ok(&["-w", "10%", "$1; rm -rf `x` \"'", "a$1", "$9x"])),
            ("load", &["1", "2"], Ok(&["2", "1"])),
            ("any", &["--all"], Ok(&["-w", "10%", "--all", "a$1", "$9x"])),
            ("disk", &["-/var"], Err("argument 1 begins with \"-\"")),
            ("disk", &[], Err("places for 1 arguments, and 0 are given")),
            ("disk", &["/var", "/tmp"], Err("places for 1 arguments, and 2 are given")),
            ("disk", &["a\0b"], Err("has a zero in it")),
            ("disks", &["/var"], Err("no command disks: accept.commands of its configuration lists any, disk, load")),
        ] {
            let check = ExecCheck { command: id(name), arguments: words(given), readings: Vec::new() };
            match (line(&commands, &check), wanted) {
                (Ok(line), Ok(arguments)) => assert_eq!(line.arguments, arguments, "{name} {given:?}"),
                (Err(why), Err(wanted)) => assert!(why.contains(wanted), "{name} {given:?}: {why}"),
                (found, wanted) => panic!("{name} {given:?}: {found:?} and not {wanted:?}"),
            }
        }
        let check = ExecCheck { command: id("disk"), arguments: Vec::new(), readings: Vec::new() };
        let none = line(&Commands::new(), &check).unwrap_err();
        assert!(none.contains("lists no command at all"), "{none}");
    }
}
