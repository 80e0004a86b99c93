//! `tcp` dialogues against an SMTP server and PostgreSQL.

use uphold_tests::process::free_port;
use uphold_tests::process::nginx::Nginx;

use super::servers::Server;
use super::{Authority, check, check_within, detail, verdict};

#[test]
fn what_is_said_is_as_expected_or_not() {
    let (smtp, postgresql) = (Server::smtp(None), Server::postgresql(None));
    let hello = "{ expect: '^220 ' }, { send: \"EHLO probe\\r\\n\" }";
    for (port, dialogue, expected, told) in [
        (smtp.port, format!("{hello}, {{ expect: '^250 ' }}"), ("up", "none"), "3 steps"),
        (
            smtp.port,
            format!("{hello}, {{ expect: '^250.8BITMIME$' }}, {{ expect: '^250 ' }}"),
            ("up", "none"),
            "4 steps",
        ),
        (smtp.port, format!("{hello}, {{ expect: '^550 ' }}"), ("down", "body"), "step 3 of 3"),
        (smtp.port, "{ send: 'QUIT\\r\\n' }, { expect: '^999 ' }".to_owned(), ("down", "body"), "step 2 of 2"),
        (
            postgresql.port,
            "{ send_hex: '00 00 00 08 04 d2 16 2f' }, { expect: ^N }".to_owned(),
            ("up", "none"),
            "1 bytes",
        ),
    ] {
        let seen = check_within("2s", &format!("{{ tcp: {{ address: '127.0.0.1:{port}', dialogue: [{dialogue}] }} }}"));
        assert_eq!((seen["outcome"].as_str(), seen["cause"].as_str()), (Some(expected.0), Some(expected.1)), "{seen}");
        assert!(detail(&seen).contains(told), "{dialogue}: {seen}");
    }
}

#[test]
fn a_dialogue_may_be_over_tls_from_its_beginning() {
    let (authority, port) = (Authority::new(), free_port().unwrap());
    let more = format!("listen 127.0.0.1:{port} ssl; {}", authority.sign("127.0.0.1", 90).lines());
    let _server = Nginx::start(&more).unwrap();
    let dialogue = "[{ send: 'HEAD /health HTTP/1.0\\r\\n\\r\\n' }, { expect: '^HTTP/1.1 200 OK$' }]";
    let tls = format!("tls: {{ ca_file: {} }}", authority.ca_file());
    let seen = check(&format!("{{ tcp: {{ address: '127.0.0.1:{port}', {tls}, dialogue: {dialogue} }} }}"));
    assert_eq!(verdict(&seen), ("up", "none", None), "{seen}");
    assert_eq!(seen["tls"]["verified"], true, "{seen}");
}
