//! `up`: something to see at once, on a free port, on data that it keeps; and one holder for each data directory.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use uphold_tests::process::child::{Process, program};
use uphold_tests::process::nginx::Nginx;
use uphold_tests::process::wait::wall_ms;
use uphold_tests::process::{free_port, http};

use crate::world::{DEADLINE, World, run, until};

fn start_up(folder: &Path, port: u16, watch: Option<&str>) -> Process {
    let mut command = Command::new(program("uphold-collector").unwrap());
    command.args(["up", "--port", &port.to_string(), "--data"]).arg(folder.join("data"));
    if let Some(url) = watch {
        command.args(["--watch", url]);
    }
    Process::start("up", &mut command, folder).unwrap()
}

/// The port of the page that it says last.
fn announced(process: &mut Process, place: &str) -> u16 {
    process.wait_for_line(DEADLINE, place).unwrap();
    let said = process.output();
    let (_, address) = said.rsplit_once(place).unwrap();
    address.split_once('/').unwrap().0.parse().unwrap()
}

/// The attributes of a service's article on the page: those of its probes are not among them.
fn attributes(port: u16, service: &str) -> Option<String> {
    let page = http::get(port, "/").ok()?.text();
    let (_, behind) = page.split_once(&format!("id=\"service-{service}\""))?;
    Some(behind.split('>').next().unwrap_or_default().to_owned())
}

fn wait_until_up(port: u16, service: &str) {
    until(&format!("{service} to be measured"), || {
        attributes(port, service)?.contains(r#"data-state="up""#).then_some(())
    });
}

#[test]
fn up_shows_itself_and_its_host_at_once_on_the_next_free_port_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Nginx::start("").unwrap();
    let busy = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).unwrap();
    let port = busy.local_addr().unwrap().port();
    let began = wall_ms();
    let mut up = start_up(folder.path(), port, Some(&shop.url("/health")));
    let page = announced(&mut up, "page      http://127.0.0.1:");
    let told = wall_ms();
    assert!(up.output().contains(&format!("port {port} is busy, trying the next one")), "{}", up.output());
    assert!(page > port);
    wait_until_up(page, "uphold");
    let measured = wall_ms();
    until("the host's capacity", || {
        let page = http::get(page, "/").ok()?.text();
        let (_, host) = page.split_once(r#"data-host="this-host""#)?;
        host.contains(r#"aria-label="Memory""#).then_some(())
    });
    let (said, seen, host) = (told - began, measured - began, wall_ms() - began);
    println!("the page was announced after {said} ms, measured after {seen} ms, with its host after {host} ms");
    let watched = format!("watch-127.0.0.1-{}-health", shop.port());
    wait_until_up(page, &watched);
    assert_eq!(up.stop(DEADLINE).unwrap().code(), Some(0), "{}", up.output());
    drop(up);

    // What the next process says is not to be taken for what the one before said.
    fs::remove_file(folder.path().join("up.log")).unwrap();
    drop(busy);
    let mut again = start_up(folder.path(), port, Some(&shop.url("/health")));
    let page = announced(&mut again, "page      http://127.0.0.1:");
    assert_eq!(page, port, "the port that is free now is taken");
    wait_until_up(page, "uphold");
    let figures = http::get(page, "/api/v1/services/uphold/figures").unwrap().json().unwrap();
    let contractual = &figures["targets"]["first/uphold"]["contractual"];
    let stretches: Vec<(i64, i64, String)> = serde_json::from_value(contractual["stretches"].clone()).unwrap();
    let first = stretches.iter().find(|(_, _, kind)| kind == "up").unwrap_or_else(|| panic!("{figures}"));
    assert!(first.0 < measured, "what was measured before is still known: {stretches:?}");
    assert_eq!(again.stop(DEADLINE).unwrap().code(), Some(0), "{}", again.output());
}

#[test]
fn a_data_directory_has_one_holder_whom_the_second_is_told() {
    let world = World::without_agent();
    let (catalogue, data) = (world.catalogue().display().to_string(), world.collector_data());
    let listen = format!("127.0.0.1:{}", free_port().unwrap());
    let second = run("uphold-collector", &["serve", "--catalogue", &catalogue, "--data", &data, "--listen", &listen]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(3), "{said}");
    let holder = world.collector.as_ref().unwrap().id();
    assert!(said.contains(&format!("process {holder}")) && said.contains("program uphold-collector"), "{said}");
    world.figures();
    // Nobody else of this machine may read what is kept, or ask through the socket.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(Path::new(&data)), 0o700);
    for entry in fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()) {
        let expected = if entry.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry), expected, "{}", entry.display());
    }
}

#[test]
fn a_spool_has_one_agent_and_the_second_is_told() {
    let world = World::watched();
    let (data, url) = (world.path("agent").display().to_string(), world.collector_url());
    let listen = format!("127.0.0.1:{}", free_port().unwrap());
    let args = ["run", "--name", "zurich-1", "--collector", &url, "--data", &data, "--listen", &listen];
    let second = run("uphold-agent", &args);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("another agent uses {data}")), "{said}");
}
