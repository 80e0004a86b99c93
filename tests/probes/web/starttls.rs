//! `starttls` against PostgreSQL, an SMTP server and nginx as a mail server: with it, without it, and of another protocol.

use uphold_tests::process::free_port;
use uphold_tests::process::nginx::Nginx;

use super::servers::Server;
use super::{Authority, check, detail, verdict};

/// `nginx` that greets users of IMAP, and turns to TLS if it is told how.
fn imap(port: u16, tls: &str) -> Nginx {
    let outside = format!(
        "load_module /usr/lib/nginx/modules/ngx_mail_module.so;
         mail {{ auth_http 127.0.0.1:1/; server {{ listen 127.0.0.1:{port}; protocol imap; {tls} }} }}"
    );
    Nginx::start_with(&outside, "").unwrap()
}

#[test]
fn servers_turn_to_tls_and_show_their_certificates() {
    let authority = Authority::new();
    let (well, soon) = (authority.sign("127.0.0.1", 90), authority.sign("127.0.0.1", 5));
    let port = free_port().unwrap();
    let (smtp, postgresql) = (Server::smtp(Some(&well)), Server::postgresql(Some(&soon)));
    let _imap = imap(port, &format!("starttls on; {}", well.lines()));
    let ca = authority.ca_file();
    for (protocol, port, expected) in [
        ("smtp", smtp.port, ("up", "none", None)),
        ("postgresql", postgresql.port, ("degraded", "certificate", None)),
        ("imap", port, ("up", "none", None)),
    ] {
        let address = format!("127.0.0.1:{port}");
        let seen = check(&format!("{{ tls: {{ address: '{address}', starttls: {protocol}, ca_file: {ca} }} }}"));
        assert_eq!(verdict(&seen), expected, "{protocol}: {seen}");
        assert_eq!(seen["tls"]["names"][0], "127.0.0.1", "{seen}");
        let seen = check(&format!("{{ tcp: {{ address: '{address}', starttls: {protocol} }} }}"));
        assert_eq!(verdict(&seen), ("down", "tls", None), "the system does not know the authority: {seen}");
        // What cannot be understood is said at once; what waits for another protocol waits until the deadline.
        let seen = super::check_within("1s", &format!("{{ tls: {{ address: '{address}', ca_file: {ca} }} }}"));
        assert_eq!(seen["outcome"], "down", "{seen}");
    }
    let dialogue = "[{ send: 'EHLO probe\\r\\n' }, { expect: '^250 ' }, { send: 'QUIT\\r\\n' }, { expect: '^221 ' }]";
    let seen = check(&format!(
        "{{ tcp: {{ address: '127.0.0.1:{}', starttls: smtp, tls: {{ ca_file: {ca} }}, dialogue: {dialogue} }} }}",
        smtp.port
    ));
    assert_eq!(verdict(&seen), ("up", "none", None), "{seen}");
}

#[test]
fn servers_without_it_say_so_and_others_are_not_mistaken_for_one() {
    let port = free_port().unwrap();
    let (smtp, postgresql, _imap) = (Server::smtp(None), Server::postgresql(None), imap(port, "starttls off;"));
    let web = Nginx::start("").unwrap();
    for (protocol, port, expected, told) in [
        ("smtp", smtp.port, ("down", "tls", None), "does not offer STARTTLS"),
        ("postgresql", postgresql.port, ("down", "tls", None), "does not offer TLS"),
        ("imap", port, ("down", "tls", None), "refuses STARTTLS"),
        ("imap", smtp.port, ("down", "protocol", None), "this is not IMAP"),
        ("smtp", port, ("down", "protocol", None), "this is not SMTP"),
        ("postgresql", web.port(), ("down", "protocol", None), "this is not PostgreSQL"),
    ] {
        let address = format!("127.0.0.1:{port}");
        let seen = check(&format!("{{ tls: {{ address: '{address}', starttls: {protocol} }} }}"));
        assert_eq!(verdict(&seen), expected, "{protocol}: {seen}");
        assert!(detail(&seen).contains(told), "{seen}");
    }
}
