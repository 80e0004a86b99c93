//! `http` through tinyproxy, and what a host that lists its targets lets through.

use std::fs;
use std::process::Command;
use std::time::Duration;

use uphold_tests::process::child::{Process, system_program};
use uphold_tests::process::free_port;
use uphold_tests::process::nginx::Nginx;
use uphold_tests::process::wait::wait_until;

use super::{Authority, check, detail, verdict};

struct Proxy {
    port: u16,
    _process: Process,
    folder: tempfile::TempDir,
}

impl Proxy {
    fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port().unwrap());
        let configuration = format!("Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 20\nLogLevel Connect\n");
        fs::write(folder.path().join("proxy.conf"), configuration).unwrap();
        let mut command = Command::new(system_program("tinyproxy").unwrap());
        command.arg("-d").arg("-c").arg(folder.path().join("proxy.conf"));
        let process = Process::start("tinyproxy", &mut command, folder.path()).unwrap();
        let open = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until(Duration::from_secs(10), "tinyproxy to listen", open).unwrap();
        Self { port, _process: process, folder }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("tinyproxy.log")).unwrap_or_default()
    }
}

#[test]
fn a_proxy_is_asked_for_whole_urls_and_for_tunnels() {
    let (authority, port, proxy) = (Authority::new(), free_port().unwrap(), Proxy::start());
    let more = format!("listen 127.0.0.1:{port} ssl http2; {}", authority.sign("127.0.0.1", 90).lines());
    let server = Nginx::start(&more).unwrap();
    let via = format!("proxy: 'http://127.0.0.1:{}', tls: {{ ca_file: {} }}", proxy.port, authority.ca_file());
    for url in [server.url("/health"), format!("https://127.0.0.1:{port}/health")] {
        let seen =
            check(&format!("{{ http: {{ url: '{url}', redirects: 1, {via}, expect: {{ body_matches: ok }} }} }}"));
        assert_eq!(verdict(&seen), ("up", "none", Some(200)), "{seen}");
    }
    let said = proxy.said();
    assert!(said.contains("CONNECT") && said.contains("GET http://"), "it went through the proxy: {said}");
    let closed = free_port().unwrap();
    let seen = check(&format!("{{ http: {{ url: 'https://127.0.0.1:{closed}/', {via} }} }}"));
    assert_eq!(verdict(&seen), ("down", "connection", None), "{seen}");
    assert!(detail(&seen).contains("the proxy answers with code 50"), "{seen}");
    let seen = check(&format!("{{ http: {{ url: 'https://169.254.169.254/', {via} }} }}"));
    assert_eq!(verdict(&seen), ("unknown", "agent", None), "{seen}");
}
