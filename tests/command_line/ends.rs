//! Exit codes of real processes: the same thing always ends the same way, and scripts can tell what happened.

use std::net::{Ipv4Addr, TcpListener};

use uphold_tests::process::free_port;

use super::{run, text};

#[test]
fn every_way_to_end_has_its_code() {
    let open = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let open_at = open.local_addr().unwrap();
    let closed_at = format!("127.0.0.1:{}", free_port().unwrap());
    let place = tempfile::tempdir().unwrap();
    let empty = place.path().display();
    for (line, code) in [
        ("uphold-collector --version".to_owned(), 0),
        ("uphold-collector help check".to_owned(), 0),
        ("uphold-collector check ../../config/catalogue.yaml".to_owned(), 0),
        ("uphold-collector check ten-mistakes.yaml".to_owned(), 1),
        ("uphold-collector check no-such-file.yaml".to_owned(), 2),
        ("uphold-collector check".to_owned(), 2),
        ("uphold-collector report NoId".to_owned(), 2),
        ("uphold-collector serve --data x".to_owned(), 2),
        (format!("uphold-collector serve --catalogue ten-mistakes.yaml --data {empty} --listen 127.0.0.1:0"), 2),
        (format!("uphold-collector report webshop --data {empty}"), 3),
        (format!("uphold-collector incidents --data {empty}"), 3),
        (format!("uphold-collector compact --data {empty}"), 3),
        (format!("uphold-collector verify --data {empty}/nothing"), 3),
        (
            format!("uphold-collector serve --catalogue ../../config/catalogue.yaml --data {empty} --listen {open_at}"),
            3,
        ),
        ("uphold-agent --version".to_owned(), 0),
        (format!("uphold-agent probe tcp://{open_at}"), 0),
        (format!("uphold-agent probe tcp://{closed_at}"), 1),
        (format!("uphold-agent figures webshop --collector http://{closed_at}"), 1),
        (format!("uphold-agent check --name a --collector http://{closed_at} --data {empty}/agent"), 1),
        ("uphold-agent probe ftp://a.example".to_owned(), 2),
        ("uphold-agent run --config no-such-file.yaml".to_owned(), 2),
        // The system refuses to connect to everybody at once, so the agent can say nothing about anybody.
        ("uphold-agent probe tcp://255.255.255.255:9".to_owned(), 3),
    ] {
        let ended = run(&line);
        assert_eq!(ended.status.code(), Some(code), "{line}\n{}{}", text(&ended.stdout), text(&ended.stderr));
        let silent = ended.stdout.is_empty() && ended.stderr.is_empty();
        assert!(!silent, "{line} ended without a word");
    }
}

#[test]
fn what_is_misspelt_is_answered_with_the_nearest() {
    for (line, nearest) in [
        ("uphold-collector check --formt json ten-mistakes.yaml", "'--format'"),
        ("uphold-collector incident", "'incidents'"),
        ("uphold-collector check --format jsn ten-mistakes.yaml", "'json'"),
        ("uphold-agent prob tcp://127.0.0.1:1", "'probe'"),
        ("uphold-agent run --colector http://127.0.0.1:1", "'--collector'"),
    ] {
        let refused = run(line);
        let said = text(&refused.stderr);
        assert!(refused.status.code() == Some(2) && said.contains(nearest), "{line}\n{said}");
    }
}

#[test]
fn the_version_says_which_wire_it_speaks() {
    for program in ["uphold-collector", "uphold-agent"] {
        let said = text(&run(&format!("{program} --version")).stdout);
        let wire = format!(" (wire version {})\n", uphold_common::wire::WIRE_VERSION);
        assert!(said.starts_with(&format!("{program} ")) && said.ends_with(&wire), "{said}");
    }
}
