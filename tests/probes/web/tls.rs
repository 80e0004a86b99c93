//! `tls` and `https` against nginx: certificates that are well, near their end, past it, for others, of others.

use uphold_tests::process::free_port;
use uphold_tests::process::nginx::Nginx;
use uphold_tests::process::wait::wall_ms;

use super::{Authority, check, detail, verdict};

const DAY_MS: i64 = 86_400_000;

#[test]
fn certificates_are_judged_by_how_long_they_hold() {
    let authority = Authority::new();
    let ports: Vec<u16> = (0..4).map(|_| free_port().unwrap()).collect();
    let certificates = [("127.0.0.1", 90), ("127.0.0.1", 5), ("127.0.0.1", -2), ("other.example", 90)];
    let mut servers = Vec::new();
    for (port, (name, days)) in ports.iter().zip(certificates) {
        let more = format!("listen 127.0.0.1:{port} ssl; {}", authority.sign(name, days).lines());
        servers.push(Nginx::start(&more).unwrap());
    }
    let ca = format!("ca_file: {}", authority.ca_file());
    let other = format!("{ca}, server_name: other.example");
    let late = format!("{ca}, expires_after: 1d");
    for (nth, more, expected, told) in [
        (0, ca.as_str(), ("up", "none", None), "holds for 8"),
        (1, &ca, ("degraded", "certificate", None), "holds for 4d"),
        (1, &late, ("up", "none", None), "holds for 4d"),
        (2, &ca, ("down", "certificate", None), "expired"),
        (2, "verify: false", ("down", "certificate", None), "has expired"),
        (3, &ca, ("down", "tls", None), "not valid for name"),
        (3, &other, ("up", "none", None), "holds for 8"),
        (0, "ip: any", ("down", "tls", None), "UnknownIssuer"),
        (0, "verify: false", ("up", "none", None), "holds for 8"),
        (0, "ca_file: /proc/self/cmdline", ("unknown", "agent", None), "no certificate"),
    ] {
        let seen = check(&format!("{{ tls: {{ address: '127.0.0.1:{}', {more} }} }}", ports[nth]));
        assert_eq!(verdict(&seen), expected, "{more}: {seen}");
        assert!(detail(&seen).contains(told), "{more}: {seen}");
    }
    let secure = |nth: usize| format!("https://127.0.0.1:{}/health", ports[nth]);
    for (nth, expected) in
        [(0, ("up", "none", Some(200))), (2, ("down", "certificate", None)), (3, ("down", "tls", None))]
    {
        let seen = check(&format!("{{ http: {{ url: '{}', tls: {{ {ca} }} }} }}", secure(nth)));
        assert_eq!(verdict(&seen), expected, "{seen}");
    }
}

#[test]
fn a_session_is_told_and_a_client_shows_its_certificate() {
    let (authority, port, old_port) = (Authority::new(), free_port().unwrap(), free_port().unwrap());
    let (server, client) = (authority.sign("127.0.0.1", 30), authority.sign("client.example", 30));
    let more = format!(
        "listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2 TLSv1.3; {} ssl_client_certificate {}; ssl_verify_client optional; \
         location = /client {{ return 200 $ssl_client_verify; }}",
        server.lines(),
        authority.ca_file()
    );
    let _server = Nginx::start(&more).unwrap();
    let old = format!("listen 127.0.0.1:{old_port} ssl; ssl_protocols TLSv1.2; {}", server.lines());
    let _old = Nginx::start(&old).unwrap();

    let ca = format!("ca_file: {}", authority.ca_file());
    let seen = check(&format!("{{ tls: {{ address: '127.0.0.1:{port}', {ca} }} }}"));
    let tls = &seen["tls"];
    assert_eq!((tls["version"].as_str(), tls["verified"].as_bool()), (Some("TLSv1_3"), Some(true)), "{seen}");
    assert_eq!(tls["names"][0], "127.0.0.1", "{seen}");
    assert_eq!(tls["sha256"].as_str().map(str::len), Some(64), "{seen}");
    let left_ms = tls["not_after_ms"].as_i64().unwrap() - wall_ms();
    assert!((28 * DAY_MS..31 * DAY_MS).contains(&left_ms), "{seen}");

    for (min_version, expected) in [("1.2", ("up", "none", None)), ("1.3", ("down", "tls", None))] {
        let text = format!("{{ tls: {{ address: '127.0.0.1:{old_port}', {ca}, min_version: {min_version} }} }}");
        assert_eq!(verdict(&check(&text)), expected, "{min_version}");
    }
    let (certificate, key) = (client.certificate.display(), client.key.display());
    let url = format!("https://127.0.0.1:{port}/client");
    for (more, said) in [(String::new(), "NONE"), (format!(", cert_file: {certificate}, key_file: {key}"), "SUCCESS")] {
        let tls = format!("tls: {{ {ca}{more} }}");
        let seen = check(&format!("{{ http: {{ url: '{url}', {tls}, expect: {{ body_matches: '^{said}$' }} }} }}"));
        assert_eq!(verdict(&seen), ("up", "none", Some(200)), "{seen}");
    }
    let swapped = format!("{{ tls: {{ address: '127.0.0.1:{port}', cert_file: {key}, key_file: {certificate} }} }}");
    let seen = check(&swapped);
    assert_eq!(verdict(&seen), ("unknown", "agent", None), "{seen}");
    assert!(!seen.to_string().contains("BEGIN"), "{seen}");
}
