//! Real servers beside the web: PostgreSQL and an SMTP server, each in a folder and on a port of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use uphold_tests::process::child::{Process, system_program};
use uphold_tests::process::free_port;
use uphold_tests::process::wait::wait_until;

use super::Certificate;

const DEADLINE: Duration = Duration::from_secs(30);

/// A server that runs until the test is over.
pub(super) struct Server {
    pub(super) port: u16,
    _process: Process,
    _folder: TempDir,
}

impl Server {
    fn started(name: &str, port: u16, folder: TempDir, command: &mut Command) -> Self {
        let mut process = Process::start(name, command, folder.path()).unwrap();
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until(DEADLINE, name, || !process.runs() || listens()).unwrap();
        assert!(process.runs(), "{name} ended; it said:\n{}", process.output());
        Self { port, _process: process, _folder: folder }
    }

    /// `PostgreSQL` with this certificate, or without TLS.
    pub(super) fn postgresql(certificate: Option<&Certificate>) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port().unwrap());
        let data = folder.path().join("data");
        let mut options = vec![format!("listen_addresses=127.0.0.1"), format!("port={port}"), "fsync=off".to_owned()];
        options.push(format!("unix_socket_directories={}", folder.path().display()));
        if let Some(Certificate { certificate, key }) = certificate {
            let (own, own_key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
            fs::copy(certificate, &own).unwrap();
            fs::copy(key, &own_key).unwrap();
            run(Command::new("chmod").arg("600").arg(&own_key));
            options.push("ssl=on".to_owned());
            options.push(format!("ssl_cert_file={}", own.display()));
            options.push(format!("ssl_key_file={}", own_key.display()));
        }
        given_away(folder.path());
        run(unprivileged(&postgresql_program("initdb"))
            .args(["--auth=trust", "--username=probe", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data));
        let mut command = unprivileged(&postgresql_program("postgres"));
        command.arg("-D").arg(&data);
        for option in &options {
            command.args(["-c", option]);
        }
        Self::started("postgres", port, folder, &mut command)
    }

    /// aiosmtpd with this certificate for STARTTLS, or without TLS.
    pub(super) fn smtp(certificate: Option<&Certificate>) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port().unwrap());
        let mut command = Command::new(system_program("aiosmtpd").unwrap());
        command.args(["--nosetuid", "--listen", &format!("127.0.0.1:{port}")]);
        if let Some(Certificate { certificate, key }) = certificate {
            command.arg("--tlscert").arg(certificate).arg("--tlskey").arg(key);
        }
        Self::started("aiosmtpd", port, folder, &mut command)
    }
}

/// Where Debian keeps what is not on anybody's path.
fn postgresql_program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("postgresql is installed: run bash tests/run");
    let programs = versions.filter_map(io::Result::ok).map(|version| version.path().join("bin").join(name));
    programs.filter(|path| path.is_file()).max().expect("postgresql is installed: run bash tests/run")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// `PostgreSQL` does not run as root; then somebody else runs it.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new(system_program("setpriv").unwrap());
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
    command
}

fn given_away(folder: &Path) {
    if is_root() {
        run(Command::new("chown").args(["-R", "65534:65534"]).arg(folder));
    }
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
