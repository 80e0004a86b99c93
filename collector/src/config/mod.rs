//! What the collector is told when it starts: a configuration file, and flags that override it.
//!
//! ```yaml
//! listen: 127.0.0.1:8080
//! data_dir: /var/lib/uphold
//! catalogue: /etc/uphold/catalogue.yaml     # a file, or a directory of .yaml files read as one
//! store:
//!   cache: 64MiB                            # pages of the database in memory
//!   head: 32MiB                             # rows in memory before they are sealed
//!   journal: 64MiB                          # bytes on disk before they are sealed
//!   reserve: 512MiB                         # of the disk, kept free; without it see `reserve`
//! retention: { raw: 400d, bytes: 20GiB }    # how long what is kept; see `retention`
//! tokens: required                          # or optional; see `access`
//! tls: { certificate: /etc/uphold/tls.crt, key: /etc/uphold/tls.key }
//! hosts: [uphold.example.org]
//! insecure: false
//! limits: { connections: 512 }              # see `limits`
//! ```

mod access;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use uphold_common::catalogue;
use uphold_common::yaml::problem::{Problems, Read};
use uphold_common::yaml::walk::At;
use uphold_common::yaml::{self};

use crate::inforce::CatalogueFile;
use crate::limits::{Limit, Limits};
use crate::listen::tls::TlsFiles;
use crate::retention::Retention;
use crate::store::StoreOptions;

pub use access::{AccessConfig, TokensNeeded};

/// Where the collector listens unless told otherwise.
pub const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Most files of a catalogue.
const CATALOGUE_FILES_MAX: usize = 1_000;
/// Most bytes of a configuration or catalogue file that are read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What the collector is told when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the page, the API and the metrics are served.
    pub listen: SocketAddr,
    /// The directory of the store; nobody else writes there.
    pub data_dir: PathBuf,
    /// The catalogue: a file, or a directory of `.yaml` files.
    pub catalogue: PathBuf,
    /// The store's bounds.
    pub store: StoreOptions,
    /// How long everything is kept.
    pub retention: Retention,
    /// Who may reach it.
    pub access: AccessConfig,
    /// The certificate of the port, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Every limit.
    pub limits: Limits,
}

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It could not be read.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is larger than is read.
    #[error("{} has more than {FILE_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// There are more files than are read, or none.
    #[error("{} holds {found} .yaml files, and 1 to {CATALOGUE_FILES_MAX} are expected", path.display())]
    Files {
        /// The directory.
        path: PathBuf,
        /// How many there are.
        found: usize,
    },
    /// What is written in it is wrong.
    #[error("{0}")]
    Problems(#[from] Problems),
    /// Nothing says where something is.
    #[error("{0}")]
    Missing(&'static str),
}

/// What a configuration file says; everything may be left out and said by a flag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileConfig {
    /// `listen`
    pub listen: Option<SocketAddr>,
    /// `data_dir`
    pub data_dir: Option<PathBuf>,
    /// `catalogue`
    pub catalogue: Option<PathBuf>,
    /// `store`
    pub store: Option<StoreOptions>,
    /// `retention`
    pub retention: Option<Retention>,
    /// `tokens`
    pub tokens: Option<TokensNeeded>,
    /// `hosts`
    pub hosts: Option<Vec<String>>,
    /// `insecure`
    pub insecure: Option<bool>,
    /// `tls`
    pub tls: Option<TlsFiles>,
    /// `limits`
    pub limits: Option<Limits>,
}

impl FileConfig {
    /// Reads a configuration file's text.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        yaml::read_file(name, text, |at| {
            at.mapping(|keys| {
                let listen = keys.optional("listen", At::socket_address);
                let data_dir = keys.optional("data_dir", |at| at.text().map(PathBuf::from));
                let catalogue = keys.optional("catalogue", |at| at.text().map(PathBuf::from));
                let store = keys.optional("store", store_options);
                let retention = keys.optional("retention", Retention::read);
                let tokens = keys.optional("tokens", access::tokens);
                let hosts = keys.optional("hosts", access::hosts);
                let insecure = keys.optional("insecure", At::flag);
                let tls = keys.optional("tls", access::tls);
                let limits = keys.optional("limits", Limits::read);
                Ok(Self {
                    listen: listen?,
                    data_dir: data_dir?,
                    catalogue: catalogue?,
                    store: store?,
                    retention: retention?,
                    tokens: tokens?,
                    hosts: hosts?,
                    insecure: insecure?,
                    tls: tls?,
                    limits: limits?,
                })
            })
        })
    }

    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self::parse(&path.display().to_string(), &read_text(path)?)?)
    }

    /// With `self`'s values where `flags` has none.
    pub fn overridden_by(self, flags: Self) -> Result<Config, ConfigError> {
        let catalogue = flags.catalogue.or(self.catalogue);
        let data_dir = flags.data_dir.or(self.data_dir);
        let listen = flags.listen.or(self.listen).unwrap_or(LISTEN_DEFAULT);
        let limits = flags.limits.or(self.limits).unwrap_or_default();
        let store = flags.store.or(self.store).unwrap_or_default();
        let hosts = flags.hosts.or(self.hosts).unwrap_or_default();
        let retention = flags.retention.or(self.retention).unwrap_or_default();
        let raw_ms = u64::try_from(retention.raw_ms).unwrap_or_default();
        // Rows that would be forgotten at once are not taken.
        let age_max = limits.of(Limit::BatchAge).min(raw_ms);
        let limits = limits.with(Limit::BatchAge, age_max);
        Ok(Config {
            listen,
            catalogue: catalogue
                .ok_or(ConfigError::Missing("no catalogue: name it with --catalogue or in --config"))?,
            data_dir: data_dir.ok_or(ConfigError::Missing("no data directory: name it with --data or in --config"))?,
            store: StoreOptions { streams_per_agent_max: limits.size(Limit::StreamsPerAgent), ..store },
            retention,
            access: AccessConfig {
                tokens: flags.tokens.or(self.tokens).unwrap_or(TokensNeeded::default_for(listen, &hosts)),
                hosts,
                insecure: flags.insecure.or(self.insecure).unwrap_or_default(),
            },
            tls: flags.tls.or(self.tls),
            limits,
        })
    }
}

fn store_options(at: &At<'_>) -> Read<StoreOptions> {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    let default = StoreOptions::default();
    at.mapping(|keys| {
        let cache = keys.or("cache", default.cache_bytes, |at| at.bytes(8 * MIB..=16 * 1024 * MIB));
        let head = keys.or("head", default.head_bytes_max as u64, |at| at.bytes(64 * KIB..=1024 * MIB));
        let journal = keys.or("journal", default.journal_bytes_max, |at| at.bytes(64 * KIB..=4096 * MIB));
        let reserve_bytes = keys.optional("reserve", |at| at.bytes(MIB..=1024 * 1024 * 1024 * MIB));
        let rest = keys.or("rest", default.merge_after_ms, |at| at.duration_ms(1_000..=7 * 86_400_000));
        let head_bytes_max = usize::try_from(head?).unwrap_or(default.head_bytes_max);
        let (cache_bytes, journal_bytes_max, reserve_bytes) = (cache?, journal?, reserve_bytes?);
        let merge_after_ms = rest?;
        Ok(StoreOptions {
            cache_bytes,
            head_bytes_max,
            journal_bytes_max,
            merge_after_ms,
            reserve_bytes,
            ..default.clone()
        })
    })
}

/// Reads a catalogue: a file, or the `.yaml` and `.yml` files of a directory in order of their names; and after them, of
/// the files of holidays that lie beside them, those that they refer to. One that is not there is missed by whoever reads
/// the catalogue, with the place that refers to it.
pub fn catalogue_files(path: &Path) -> Result<Vec<CatalogueFile>, ConfigError> {
    let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
    let is_dir = std::fs::metadata(path).map_err(unreadable)?.is_dir();
    let mut files = if is_dir { yaml_files(path)? } else { vec![(file_name(path), read_text(path)?)] };
    let folder = if is_dir { path } else { folder_of(path) };
    for name in catalogue::holiday_files(&files).into_iter().take(CATALOGUE_FILES_MAX) {
        match read_text(&folder.join(&name)) {
            Ok(text) => files.push((name, text)),
            Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

/// The folder a file lies in.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The `.yaml` and `.yml` files of a directory in order of their names.
fn yaml_files(path: &Path) -> Result<Vec<CatalogueFile>, ConfigError> {
    let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.path();
        if entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(entry);
        }
    }
    if paths.is_empty() || paths.len() > CATALOGUE_FILES_MAX {
        return Err(ConfigError::Files { path: path.to_owned(), found: paths.len() });
    }
    paths.sort();
    paths.iter().map(|path| Ok((file_name(path), read_text(path)?))).collect()
}

/// The name that problems are told with, which does not change when the directory moves.
fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    use std::io::Read as _;
    let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX { Err(ConfigError::TooLarge(path.to_owned())) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_override_the_file_and_the_file_the_defaults() {
        let text = "listen: 127.0.0.1:9000\ndata_dir: /d\ncatalogue: /c.yaml\nstore: { head: 16MiB, reserve: 2GiB }\n";
        let file = FileConfig::parse("collector.yaml", text).unwrap();
        let flags = FileConfig { data_dir: Some("/e".into()), ..FileConfig::default() };
        let config = file.overridden_by(flags).unwrap();
        assert_eq!((config.listen.port(), config.data_dir), (9000, PathBuf::from("/e")));
        assert_eq!(config.store.reserve_bytes, Some(2 << 30));
        assert_eq!((config.store.head_bytes_max, config.catalogue), (16 << 20, PathBuf::from("/c.yaml")));
        assert!(FileConfig::default().overridden_by(FileConfig::default()).is_err());
    }

    #[test]
    fn every_problem_of_the_file_is_told() {
        let problems = FileConfig::parse("c.yaml", "listn: x\nlisten: nowhere\nstore: { head: 1 }\n").unwrap_err();
        assert_eq!(problems.count(), 3, "{problems}");
    }

    fn whole(text: &str) -> Config {
        let text = format!("data_dir: /d\ncatalogue: /c.yaml\n{text}");
        FileConfig::parse("c.yaml", &text).unwrap().overridden_by(FileConfig::default()).unwrap()
    }

    #[test]
    fn who_may_reach_it_is_read_and_has_defaults() {
        let here = whole("");
        let nobody = AccessConfig { tokens: TokensNeeded::Optional, hosts: Vec::new(), insecure: false };
        let young = Limits::default().with(Limit::BatchAge, 400 * 86_400_000);
        assert_eq!((here.access, here.tls, here.limits), (nobody, None, young), "no row is older than `raw`");
        assert_eq!(whole("listen: 0.0.0.0:80\n").access.tokens, TokensNeeded::Required);
        let told = whole(
            "listen: 0.0.0.0:80\ntokens: optional\ninsecure: true\nhosts: [Uphold.Example.org, uphold]\n\
             tls: { certificate: /a.crt, key: /a.key }\nlimits: { streams_per_agent: 7 }\n",
        );
        let hosts = ["uphold.example.org", "uphold"].map(str::to_owned).to_vec();
        assert_eq!(told.access, AccessConfig { tokens: TokensNeeded::Optional, hosts, insecure: true });
        assert_eq!(told.tls, Some(TlsFiles { certificate: "/a.crt".into(), key: "/a.key".into() }));
        assert_eq!((told.limits.of(Limit::StreamsPerAgent), told.store.streams_per_agent_max), (7, 7));
    }

    #[test]
    fn what_nobody_can_be_reached_by_is_told() {
        for (text, expected) in [
            ("hosts: [\"a.example:80\"]\n", "hosts[0]: expected the name of a host"),
            ("hosts: [192.0.2.1]\n", "an IP address need not be named"),
            ("hosts: [\"https://a.example\"]\n", "expected the name of a host"),
            ("tokens: requird\n", "did you mean \"required\"?"),
            ("tls: { certificate: a.crt }\n", "the key \"key\" is missing"),
        ] {
            let told = FileConfig::parse("c.yaml", text).unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn files_of_holidays_are_read_that_lie_beside_the_catalogue_and_are_referred_to() {
        let dir = tempfile::tempdir().unwrap();
        let calendars = "calendars: [{ id: a, holidays: [{ file: b.ics }, { file: a.ics }, { file: none.ics }] }]\n";
        let holidays = [("a.ics", "A"), ("b.ics", "B"), ("c.ics", "C")];
        for (name, text) in holidays.into_iter().chain([("a.yaml", calendars), ("b.yaml", "# nothing\n")]) {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let names =
            |path: &Path| -> Vec<String> { catalogue_files(path).unwrap().into_iter().map(|(name, _)| name).collect() };
        assert_eq!(names(dir.path()), ["a.yaml", "b.yaml", "a.ics", "b.ics"]);
        assert_eq!(names(&dir.path().join("a.yaml")), ["a.yaml", "a.ics", "b.ics"]);
        assert_eq!(names(&dir.path().join("b.yaml")), ["b.yaml"]);
        std::fs::write(dir.path().join("a.ics"), [0xff]).unwrap();
        assert!(matches!(catalogue_files(dir.path()), Err(ConfigError::Read { .. })));
    }

    #[test]
    fn the_example_is_sound() {
        FileConfig::parse("collector.yaml", include_str!("../../../config/collector.yaml")).unwrap();
    }
}
