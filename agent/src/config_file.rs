//! The agent's configuration file; every key may be left out and said by a flag instead.
//!
//! ```yaml
//! name: zurich-1
//! collectors: [https://uphold.example]
//! data_dir: /var/lib/uphold-agent
//! listen: 127.0.0.1:9417
//! spool: { bytes_max: 256MiB, replay_age: 48h, replay_bytes: 64MiB }
//! token_file: /etc/uphold/agent.token
//! ca_file: /etc/uphold/ca.pem
//! accept: { kinds: [http, tcp], targets: ["*.shop.example:443", 192.0.2.0/24] }
//! links: [{ interface: eth0, received: 100Mbit/s, sent: 20Mbit/s }]
//! modules_file: /etc/uphold/blackbox.yml
//! ```

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use uphold_common::ids::Id;
use uphold_common::wire::check::Check;
use uphold_common::yaml;
use uphold_common::yaml::problem::{Problems, Read};
use uphold_common::yaml::walk::At;
use url::Url;

use crate::accept::{Accept, Range};
use crate::capacity::links::{LINKS_MAX, Link, link};
use crate::commands::{Command, Commands};
use crate::config::{Access, Overflow, REPLAY_AGE_MS_MAX, SPOOL_BYTES_MIN, SpoolConfig};

/// Most bytes of a configuration file that are read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most collectors of an agent.
const COLLECTORS_MAX: usize = 16;
/// Most targets that a host lists.
const TARGETS_MAX: usize = 1_000;
/// Most commands that a host lists.
const COMMANDS_MAX: usize = 200;
/// Most words of a command.
const WORDS_MAX: usize = 100;
/// The most a spool may hold.
const SPOOL_BYTES_MAX: u64 = 1 << 40;

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileConfig {
    /// `name`
    pub name: Option<Id>,
    /// `collectors`
    pub collectors: Vec<Url>,
    /// `data_dir`
    pub data_dir: Option<PathBuf>,
    /// `listen`
    pub listen: Option<SocketAddr>,
    /// `spool`
    pub spool: SpoolConfig,
    /// `token_file`, `ca_file` and `insecure`
    pub access: Access,
    /// `accept`
    pub accept: Accept,
    /// `links`
    pub links: Vec<Link>,
    /// `modules_file`
    pub modules_file: Option<PathBuf>,
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is larger than is read.
    #[error("{} has more than {FILE_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// What is written in it is wrong.
    #[error("{0}")]
    Problems(#[from] Problems),
}

impl FileConfig {
    /// Reads a configuration file's text.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        yaml::read_file(name, text, |at| {
            at.mapping(|keys| {
                let name = keys.optional("name", At::id);
                let collectors = keys.optional("collectors", |at| at.set("collectors", COLLECTORS_MAX, collector));
                let path = |at: &At<'_>| at.text().map(PathBuf::from);
                let data_dir = keys.optional("data_dir", path);
                let listen = keys.optional("listen", At::socket_address);
                let spool = keys.optional("spool", spool);
                let (token_file, ca_file) = (keys.optional("token_file", path), keys.optional("ca_file", path));
                let insecure = keys.or("insecure", false, At::flag);
                let accept = keys.optional("accept", accept);
                let links = keys.optional("links", links);
                let modules_file = keys.optional("modules_file", path);
                Ok(Self {
                    name: name?,
                    collectors: collectors?.unwrap_or_default(),
                    data_dir: data_dir?,
                    listen: listen?,
                    spool: spool?.unwrap_or_default(),
                    access: Access { token_file: token_file?, ca_file: ca_file?, insecure: insecure? },
                    accept: accept?.unwrap_or_default(),
                    links: links?.unwrap_or_default(),
                    modules_file: modules_file?,
                })
            })
        })
    }

    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Ok(Self::parse(&path.display().to_string(), &text_of(path)?)?)
    }
}

/// The text of a file that people write, as far as one is read.
pub(crate) fn text_of(path: &Path) -> Result<String, FileError> {
    let unreadable = |source| FileError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX { Err(FileError::TooLarge(path.to_owned())) } else { Ok(text) }
}

fn links(at: &At<'_>) -> Read<Vec<Link>> {
    let links = at.set("links", LINKS_MAX, link)?;
    let twice =
        links.iter().enumerate().find(|(n, link)| links.iter().take(*n).any(|one| one.interface == link.interface));
    twice.map_or(Ok(()), |(_, link)| Err(at.problem(format!("the interface {} is there twice", link.interface))))?;
    Ok(links)
}

fn collector(at: &At<'_>) -> Read<Url> {
    Url::parse(&at.url()?).map_err(|_| at.expected("a URL such as https://uphold.example"))
}

fn spool(at: &At<'_>) -> Read<SpoolConfig> {
    at.mapping(|keys| {
        let default = SpoolConfig::default();
        let bytes_max = keys.or("bytes_max", default.bytes_max, |at| at.bytes(SPOOL_BYTES_MIN..=SPOOL_BYTES_MAX));
        let overflow = keys.or("overflow", default.overflow, |at| at.word(&[("drop_oldest", Overflow::DropOldest)]));
        let replay_age = |at: &At<'_>| at.duration_ms(0..=REPLAY_AGE_MS_MAX);
        let replay_age_ms = keys.or("replay_age", default.replay_age_ms, replay_age);
        let replay_bytes_max = keys.or("replay_bytes", default.replay_bytes_max, replay_bytes);
        Ok(SpoolConfig {
            bytes_max: bytes_max?,
            overflow: overflow?,
            replay_age_ms: replay_age_ms?,
            replay_bytes_max: replay_bytes_max?,
        })
    })
}

/// `{ kinds: [http, tcp], targets: ["*.shop.example:443", 192.0.2.0/24], special_addresses: false, files: [/etc/uphold/probes] }`
fn accept(at: &At<'_>) -> Read<Accept> {
    at.mapping(|keys| {
        let words = Check::KINDS.map(|kind| (kind, kind));
        let kinds = keys.optional("kinds", |at| at.set("kinds", words.len(), |at| at.word(&words)));
        let targets = keys.or("targets", Vec::new(), |at| at.set("targets", TARGETS_MAX, range));
        let special_addresses = keys.or("special_addresses", false, At::flag);
        let files = keys.optional("files", |at| at.set("files", TARGETS_MAX, file));
        let commands = keys.or("commands", Commands::new(), commands);
        let kinds = kinds?.map(|kinds| kinds.into_iter().map(str::to_owned).collect());
        let (targets, special_addresses) = (targets?, special_addresses?);
        Ok(Accept { kinds, targets, special_addresses, files: files?, commands: commands? })
    })
}

/// `{ check_disk: { run: [/usr/lib/nagios/plugins/check_disk, -w, "10%", "$1"] } }`
fn commands(at: &At<'_>) -> Read<Commands> {
    let entries = at.pairs("commands", COMMANDS_MAX)?;
    let read = entries.iter().map(|(name, at)| Ok((command_name(name, at)?, command(at)?)));
    let read: Vec<Read<(Id, Command)>> = read.collect();
    read.into_iter().collect()
}

fn command_name(name: &str, at: &At<'_>) -> Read<Id> {
    Id::new(name).map_err(|bad| at.problem(format!("the name of a command is {bad}")))
}

fn command(at: &At<'_>) -> Read<Command> {
    at.mapping(|keys| {
        let run = keys.required("run", |at| Ok((at.clone(), words(at)?)));
        let options = keys.or("options", false, At::flag);
        let ((at, words), options) = (run?, options?);
        Command::new(words, options).map_err(|why| at.problem(format!("the command cannot be run: {why}")))
    })
}

fn words(at: &At<'_>) -> Read<Vec<String>> {
    let words = at.list(At::text)?;
    if words.len() > WORDS_MAX {
        Err(at.problem(format!("a command has at most {WORDS_MAX} words")))
    } else {
        Ok(words)
    }
}

fn range(at: &At<'_>) -> Read<Range> {
    let wanted =
        "a target such as \"shop.example\", \"*.shop.example:443\", \"192.0.2.0/24\" or \"[2001:db8::/32]:443\"";
    Range::parse(at.scalar(wanted)?).ok_or_else(|| at.expected(wanted))
}

fn file(at: &At<'_>) -> Read<PathBuf> {
    let wanted = "a file or a folder, from / on and without \"..\"";
    let path = PathBuf::from(at.scalar(wanted)?);
    let plain = path.is_absolute() && !path.components().any(|part| part.as_os_str() == "..");
    if plain { Ok(path) } else { Err(at.expected(wanted)) }
}

/// Nothing has no unit.
fn replay_bytes(at: &At<'_>) -> Read<u64> {
    if at.scalar("a size such as \"64MiB\", or 0")? == "0" { Ok(0) } else { at.bytes(0..=SPOOL_BYTES_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_sound() {
        let config = FileConfig::parse("agent.yaml", include_str!("../../config/agent.yaml")).unwrap();
        assert_eq!((config.name.unwrap().as_str(), config.collectors.len()), ("web-1", 1));
        assert_eq!(config.spool, SpoolConfig::default(), "it shows the defaults");
    }

    #[test]
    fn what_is_shown_to_collectors_is_read() {
        let text = "token_file: /etc/uphold/token\nca_file: ca.pem\ninsecure: true\n";
        let access = FileConfig::parse("agent.yaml", text).unwrap().access;
        assert_eq!(access.token_file, Some(PathBuf::from("/etc/uphold/token")));
        assert_eq!((access.ca_file, access.insecure), (Some(PathBuf::from("ca.pem")), true));
        let problems = FileConfig::parse("agent.yaml", "token: uphold_00\ninsecure: perhaps\n").unwrap_err();
        assert_eq!(problems.count(), 2, "{problems}");
        assert!(!problems.to_string().contains("uphold_00"), "{problems}");
    }

    #[test]
    fn what_is_kept_to_be_sent_again_is_read_and_can_be_nothing() {
        let spool = |text: &str| FileConfig::parse("agent.yaml", text).map(|config| config.spool);
        let some = spool("spool: { replay_age: 2h, replay_bytes: 1MiB }\n").unwrap();
        assert_eq!((some.replay_age_ms, some.replay_bytes_max), (7_200_000, 1 << 20));
        assert_eq!(some.bytes_max, SpoolConfig::default().bytes_max);
        for (text, off) in [("replay_bytes: 0", (172_800_000, 0)), ("replay_age: 0s", (0, 64 << 20))] {
            let spool = spool(&format!("spool: {{ {text} }}\n")).unwrap();
            assert_eq!((spool.replay_age_ms, spool.replay_bytes_max), off, "{text}");
        }
        assert_eq!(spool("spool: { replay_age: 400d, replay_bytes: much }\n").unwrap_err().count(), 2);
    }

    #[test]
    fn what_the_host_accepts_is_read() {
        let accept = |text: &str| FileConfig::parse("agent.yaml", text).map(|config| config.accept);
        assert_eq!(accept("name: a\n").unwrap(), Accept::default());
        let some = accept("accept: { kinds: [tcp], targets: [\"*.shop.example:443\", 192.0.2.0/24] }\n").unwrap();
        assert!(some.refuses_kind("http").is_some() && some.refuses_kind("tcp").is_none());
        assert_eq!((some.targets.len(), some.special_addresses), (2, false));
        let files = accept("accept: { files: [/etc/uphold/ca.pem, /run/secrets] }\n").unwrap();
        assert_eq!(files.files.map(|files| files.len()), Some(2));
        let wrong = "accept: { kinds: [htp], targets: [\"*\"], special_addresses: maybe, files: [../a] }\n";
        let problems = accept(wrong).unwrap_err();
        assert_eq!(problems.count(), 4, "{problems}");
        assert!(problems.to_string().contains("did you mean \"http\""), "{problems}");
    }

    #[test]
    fn links_are_said_once_each_and_in_bits() {
        let links = |text: &str| FileConfig::parse("agent.yaml", text).map(|config| config.links);
        let some =
            links("links: [{ interface: eth0, received: 100Mbit/s }, { interface: eth1, sent: 8kbit/s }]\n").unwrap();
        let said: Vec<_> = some.iter().map(|link| (link.interface.as_str(), link.received, link.sent)).collect();
        assert_eq!(said, [("eth0", Some(12_500_000), None), ("eth1", None, Some(1_000))]);
        assert_eq!(
            links("links: [{ interface: eth0, received: 100MB, sent: 1Mbit/s, speed: 1 }]\n").unwrap_err().count(),
            2
        );
        let twice =
            links("links: [{ interface: eth0, sent: 1Mbit/s }, { interface: eth0, sent: 2Mbit/s }]\n").unwrap_err();
        assert!(twice.to_string().contains("eth0 is there twice"), "{twice}");
    }

    #[test]
    fn commands_are_read_and_wrong_ones_refused() {
        let commands = |text: &str| {
            let text = format!("accept: {{ commands: {{ {text} }} }}\n");
            FileConfig::parse("agent.yaml", &text).map(|config| config.accept.commands)
        };
        let some = commands("check_disk: { run: [/p/check_disk, \"$1\"] }, load: { run: [/p/load], options: true }");
        assert_eq!(some.unwrap().len(), 2);
        for (text, wanted) in [
            ("check_disk: { run: [check_disk] }", "absolute path"),
            ("check_disk: { run: [/p/check_disk, \"$2\"] }", "a place $2 and none $1"),
            ("check_disk: { run: /p/check_disk }", "expected a list"),
            ("check_disk: { options: true }", "\"run\" is missing"),
            ("Check: { run: [/p/check_disk] }", "the name of a command"),
            ("check_disk: { run: [/p/check_disk], argument: 1 }", "unknown key"),
        ] {
            let problems = commands(text).unwrap_err().to_string();
            assert!(problems.contains(wanted), "{text}: {problems}");
        }
    }

    #[test]
    fn every_problem_is_told() {
        let text = "nam: x\ncollectors: [nowhere]\nspool: { bytes_max: 1, overflow: drop_newest }\n";
        let problems = FileConfig::parse("agent.yaml", text).unwrap_err();
        assert_eq!(problems.count(), 4, "{problems}");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_and_not_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.yaml");
        let bytes = usize::try_from(FILE_BYTES_MAX).unwrap();
        std::fs::write(&path, format!("name: a\n{}", "#".repeat(bytes))).unwrap();
        assert!(matches!(FileConfig::read(&path), Err(FileError::TooLarge(_))));
    }
}
