//! The peers: `blackbox_exporter` and `node_exporter` as Debian packages them.
//!
//! Their settings are the default ones, but for the addresses, the log, and a module that speaks IPv4 and checks no
//! certificate.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tempfile::TempDir;

use super::cores;
use super::options::Race;
use crate::bench::daemon::Daemon;
use crate::process::child::system_program;
use crate::process::free_port;

/// What is probed with which settings.
const MODULES: &str = "modules:
  http_2xx:
    prober: http
    timeout: 5s
    http: { preferred_ip_protocol: ip4, tls_config: { insecure_skip_verify: true } }
";

/// A running exporter.
#[derive(Debug)]
pub(super) struct Exporter {
    daemon: Daemon,
    port: u16,
    _folder: TempDir,
}

impl Exporter {
    /// The one that probes; on this core alone if one is said.
    pub(super) fn blackbox(options: &Race, core: Option<u32>) -> io::Result<Self> {
        let (folder, port) = (options.sides.run_folder()?, free_port()?);
        let config = folder.path().join("blackbox.yml");
        fs::write(&config, MODULES)?;
        let mut command = cores::on(core, program("prometheus-blackbox-exporter")?);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--log.level=error");
        let daemon = Daemon::start("blackbox_exporter", &mut command, folder.path(), port, "/-/healthy")?;
        Ok(Self { daemon, port, _folder: folder })
    }

    /// The one that reads the host.
    pub(super) fn node(options: &Race) -> io::Result<Self> {
        let (folder, port) = (options.sides.run_folder()?, free_port()?);
        let mut command = cores::on(None, program("prometheus-node-exporter")?);
        command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--log.level=error");
        let daemon = Daemon::start("node_exporter", &mut command, folder.path(), port, "/")?;
        Ok(Self { daemon, port, _folder: folder })
    }

    /// Its process.
    pub(super) const fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

/// The path that has a URL probed.
pub(super) fn probe(url: &str) -> String {
    let target = url.replace(':', "%3A").replace('/', "%2F");
    format!("/probe?target={target}&module=http_2xx")
}

fn program(name: &str) -> io::Result<PathBuf> {
    system_program(name).map_err(|_| {
        let missing = format!("{name} is not installed: apt-get install {name}, or leave it out with --without-peer");
        io::Error::new(io::ErrorKind::NotFound, missing)
    })
}
