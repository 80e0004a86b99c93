//! nsd as the name server that is asked: on a port and in a folder of its own, over UDP and TCP.

use std::fs;
use std::io;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::child::{Process, system_program};
use super::free_port;
use super::wait::wait_until;

/// How long it may take to start or stop.
const DEADLINE: Duration = Duration::from_secs(10);

/// Answers for the zone `shop.example`; of `broken.example` it has no file, and anything else it refuses.
#[derive(Debug)]
pub struct Nsd {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Nsd {
    /// Starts one on a free port and returns once it answers. `zone` are the records of `shop.example`.
    pub fn start(zone: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        fs::write(folder.path().join("nsd.conf"), configuration(folder.path(), port))?;
        fs::write(folder.path().join("shop.zone"), zone)?;
        let conf = folder.path().join("nsd.conf").display().to_string();
        let mut command = Command::new(system_program("nsd")?);
        let mut process = Process::start("nsd", command.args(["-d", "-c", &conf]), folder.path())?;
        wait_until(DEADLINE, "nsd to answer", || !process.runs() || answers(port).is_ok())?;
        if !process.runs() {
            return Err(io::Error::other(format!("nsd ended; it said:\n{}", process.output())));
        }
        Ok(Self { process, port, _folder: folder })
    }

    /// Where it listens, on the loopback address.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Stops it: nobody answers from now on.
    pub fn stop(&mut self) -> io::Result<()> {
        self.process.stop(DEADLINE).map(drop)
    }
}

/// Asks for the name servers of the root, which it refuses.
fn answers(port: u16) -> io::Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    socket.connect(("127.0.0.1", port))?;
    socket.send(&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1])?;
    socket.recv(&mut [0; 512]).map(drop)
}

/// One server in the foreground, loopback only, every file in `folder`, as whoever starts it.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  do-ip6: no
  username: \"\"
  zonesdir: \"{folder}\"
  pidfile: \"\"
  database: \"\"
  zonelistfile: \"{folder}/zone.list\"
  xfrdfile: \"{folder}/xfrd.state\"
  xfrdir: \"{folder}\"
remote-control:
  control-enable: no
zone:
  name: shop.example
  zonefile: shop.zone
zone:
  name: broken.example
  zonefile: missing.zone
"
    )
}
