//! `http` against nginx: what is asked, what is expected, redirects, secrets, HTTP/2.

use std::fs::File;

use uphold_tests::process::free_port;
use uphold_tests::process::nginx::Nginx;

use super::{Authority, check, check_within, detail, file, probe, verdict};

#[test]
fn a_server_is_up_until_it_is_stopped() {
    let mut server = Nginx::start("location = /gone { return 410; }").unwrap();
    let (well, gone) = (server.url("/health"), server.url("/gone"));
    let seen = probe(&[&well, "--body-matches", "^ok\\s$"]);
    assert_eq!(verdict(&seen), ("up", "none", Some(200)), "{seen}");
    let seen = probe(&[&gone]);
    assert_eq!(verdict(&seen), ("down", "code", Some(410)), "{seen}");
    server.stop().unwrap();
    let seen = probe(&[&well]);
    assert_eq!(verdict(&seen), ("down", "refused", None), "{seen}");
}

#[test]
fn answers_are_what_is_expected_or_say_what_they_are_not() {
    let server = Nginx::start(
        r#"location = /json { default_type application/json; return 200 '{"status":"ok","queue":{"length":100.50}}'; }
        location = /echo { default_type text/plain; return 200 "$request_method $http_x_asked $http_host $http_user_agent"; }
        location = /post { client_body_in_single_buffer on; proxy_pass http://127.0.0.1:$server_port/body; }
        location = /body { return 200 "$content_length $content_type"; }"#,
    )
    .unwrap();
    for (path, more, expect, expected) in [
        ("/json", "", "json: [{ pointer: /status, equals: ok }, { pointer: /queue/length, at_most: 100.5 }]", "none"),
        ("/json", "", "json: [{ pointer: /queue/length, below: 100.5 }]", "body"),
        ("/json", "", "json: [{ pointer: /error, exists: false }]", "none"),
        ("/health", "", "json: [{ pointer: /status, equals: ok }]", "body"),
        ("/json", "", "header_matches: { content-type: ^application/json$ }", "none"),
        ("/json", "", "header_not_matches: { Server: nginx }", "header"),
        ("/json", "", "code: [1xx, 3xx]", "code"),
        ("/missing", "", "code: [200, 4xx], size: { at_least: 10B, at_most: 1KiB }", "none"),
        ("/missing", "", "code: [404], size: { at_most: 10B }", "body"),
        (
            "/echo",
            "headers: { x-asked: why, host: b.example, user-agent: me }",
            "body_matches: ^GET why b.example me$",
            "none",
        ),
        ("/echo", "method: HEAD", "size: { at_most: 0B }", "none"),
        ("/echo", "", "body_not_matches: uphold-agent/", "body"),
        ("/post", "method: POST, body: '{}', headers: { content-type: a/b }", "body_matches: ^2 a/b$", "none"),
    ] {
        let more = if more.is_empty() { String::new() } else { format!("{more}, ") };
        let seen = check(&format!("{{ http: {{ url: '{}', {more} expect: {{ {expect} }} }} }}", server.url(path)));
        assert_eq!(seen["cause"], expected, "{path} {expect}: {seen}");
    }
}

#[test]
fn redirects_are_followed_as_far_as_it_is_said_and_no_circle_is() {
    let server = Nginx::start(
        "location = /a { return 301 /b; } location = /b { return 302 /health; }
         location = /circle { return 302 /round; } location = /round { return 307 /circle#part; }
         location ~ ^/on/(x*)$ { return 302 /on/x$1; } location = /other { return 302 gopher://a.example/; }
         location = /metadata { return 302 http://169.254.169.254/latest; }",
    )
    .unwrap();
    for (path, redirects, expected, told) in [
        ("/a", 0, ("down", "code", Some(301)), "another code"),
        ("/a", 2, ("up", "none", Some(200)), "after 2 redirects"),
        ("/a", 1, ("down", "redirect", None), "more often than 1"),
        ("/circle", 20, ("down", "redirect", None), "in a circle"),
        ("/on/", 20, ("down", "redirect", None), "more often than 20"),
        ("/other", 1, ("down", "protocol", None), "gopher"),
        ("/metadata", 1, ("unknown", "agent", None), "this host does not speak to 169.254.169.254"),
    ] {
        let seen = check(&format!("{{ http: {{ url: '{}', redirects: {redirects} }} }}", server.url(path)));
        assert_eq!(verdict(&seen), expected, "{path}: {seen}");
        assert!(detail(&seen).contains(told), "{path}: {seen}");
    }
}

#[test]
fn secrets_come_out_of_files_and_go_to_their_own_host_only() {
    let folder = tempfile::tempdir().unwrap();
    let (password, token) =
        (file(folder.path(), "password", "open sesame\n"), file(folder.path(), "token", " abc-123 \nrest\n"));
    let port = free_port().unwrap();
    let server = Nginx::start(&format!(
        "listen 127.0.0.1:{port}; location = /who {{ return 200 \"[$http_authorization][$http_x_own]\"; }}
         location = /away {{ return 302 http://127.0.0.1:{port}/who; }} location = /stay {{ return 302 /who; }}"
    ))
    .unwrap();
    let own = "headers: { x-own: mine }, redirects: 1";
    for (path, secret, expected) in [
        ("/who", format!("basic: {{ user: me, password_file: {password} }}"), "^.Basic bWU6b3BlbiBzZXNhbWU=..mine.$"),
        ("/who", format!("bearer_file: {token}"), "^.Bearer abc-123..mine.$"),
        ("/stay", format!("bearer_file: {token}"), "^.Bearer abc-123..mine.$"),
        ("/away", format!("bearer_file: {token}"), "^\\[\\]\\[\\]$"),
    ] {
        let url = server.url(path);
        let seen = check(&format!(
            "{{ http: {{ url: '{url}', {secret}, {own}, expect: {{ body_matches: '{expected}' }} }} }}"
        ));
        assert_eq!(verdict(&seen), ("up", "none", Some(200)), "{path}: {seen}");
    }
    let missing = folder.path().join("nothing").display().to_string();
    for (path, told) in [(missing, "could not be read"), (file(folder.path(), "empty", "\nx"), "first line is empty")] {
        let seen = check(&format!("{{ http: {{ url: '{}', bearer_file: {path} }} }}", server.url("/who")));
        assert_eq!(verdict(&seen), ("unknown", "agent", None), "{seen}");
        assert!(detail(&seen).contains(told), "{seen}");
    }
}

#[test]
fn http_2_is_agreed_on_over_tls_or_taken_for_granted() {
    let (authority, port, old_port, clear_port) =
        (Authority::new(), free_port().unwrap(), free_port().unwrap(), free_port().unwrap());
    let certificate = authority.sign("127.0.0.1", 90).lines();
    let body = "location = /version { return 200 \"$server_protocol $host $request_method\"; }";
    let more = format!("listen 127.0.0.1:{port} ssl http2; listen 127.0.0.1:{clear_port} http2; {certificate} {body}");
    let server = Nginx::start(&more).unwrap();
    let old = Nginx::start(&format!("listen 127.0.0.1:{old_port} ssl; {certificate} {body}")).unwrap();
    let tls = format!("tls: {{ ca_file: {} }}", authority.ca_file());
    for (url, version, expected, said) in [
        (format!("https://127.0.0.1:{port}/version"), "any", "up", "HTTP/2.0 127.0.0.1 GET"),
        (format!("https://127.0.0.1:{port}/version"), "1.1", "up", "HTTP/1.1 127.0.0.1 GET"),
        (format!("https://127.0.0.1:{old_port}/version"), "any", "up", "HTTP/1.1 127.0.0.1 GET"),
        (format!("https://127.0.0.1:{old_port}/version"), "2", "down", ""),
        (format!("http://127.0.0.1:{clear_port}/version"), "2", "up", "HTTP/2.0 127.0.0.1 GET"),
        (server.url("/version"), "any", "up", "HTTP/1.1 127.0.0.1 GET"),
        (old.url("/version"), "2", "down", ""),
    ] {
        let tls = if url.starts_with("https") { tls.as_str() } else { "redirects: 0" };
        let seen = check(&format!(
            "{{ http: {{ url: '{url}', version: {version}, {tls}, expect: {{ body_matches: '^{said}$' }} }} }}"
        ));
        assert_eq!(seen["outcome"], expected, "{url} {version}: {seen}");
    }
}

#[test]
fn bodies_are_read_up_to_a_bound_and_a_deadline() {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join("huge")).unwrap().set_len(1 << 30).unwrap();
    File::create(folder.path().join("slow")).unwrap().set_len(1 << 20).unwrap();
    let (authority, port) = (Authority::new(), free_port().unwrap());
    let server = Nginx::start(&format!(
        "listen 127.0.0.1:{port} ssl http2; {} root {}; location = /slow {{ limit_rate 1k; }}",
        authority.sign("127.0.0.1", 90).lines(),
        folder.path().display()
    ))
    .unwrap();
    let secure = |path: &str| format!("https://127.0.0.1:{port}{path}");
    let tls = format!("tls: {{ ca_file: {} }}, ", authority.ca_file());
    for (url, tls) in [(server.url("/huge"), ""), (secure("/huge"), tls.as_str())] {
        let seen = check(&format!("{{ http: {{ url: '{url}', {tls} expect: {{ size: {{ at_least: 1MiB }} }} }} }}"));
        assert_eq!(verdict(&seen), ("up", "none", Some(200)), "{seen}");
        assert!(detail(&seen).contains("a body of 1048576 bytes, of which no more is read"), "{seen}");
        let seen = check(&format!("{{ http: {{ url: '{url}', {tls} expect: {{ size: {{ at_most: 1MiB }} }} }} }}"));
        assert_eq!(verdict(&seen), ("down", "body", Some(200)), "{seen}");
    }
    for (url, tls) in [(server.url("/slow"), ""), (secure("/slow"), tls.as_str())] {
        let seen = check_within("500ms", &format!("{{ http: {{ url: '{url}', {tls} version: any }} }}"));
        assert_eq!(verdict(&seen), ("down", "timeout", None), "{seen}");
        assert!(seen["phases_us"]["first_byte"].is_u64() && seen["phases_us"]["transfer"].is_null(), "{seen}");
    }
}

#[test]
fn addresses_are_those_that_are_asked_for() {
    let server = Nginx::start("location = /host { return 200 $http_host; }").unwrap();
    let port = server.port();
    let expect = |host: &str| format!("expect: {{ body_matches: '^{host}$' }}");
    let seen = check(&format!(
        "{{ http: {{ url: 'http://shop.example/host', connect_to: '127.0.0.1:{port}', {} }} }}",
        expect("shop.example")
    ));
    assert_eq!(verdict(&seen), ("up", "none", Some(200)), "{seen}");
    for (ip, outcome, cause) in [(4, "up", "none"), (6, "down", "resolve")] {
        let seen = check(&format!("{{ http: {{ url: 'http://127.0.0.1:{port}/health', ip: {ip} }} }}"));
        assert_eq!((seen["outcome"].as_str(), seen["cause"].as_str()), (Some(outcome), Some(cause)), "{seen}");
    }
    let seen =
        check(&format!("{{ http: {{ url: 'http://127.0.0.1:{port}/host', connect_to: '169.254.169.254:80' }} }}"));
    assert_eq!(verdict(&seen), ("unknown", "agent", None), "{seen}");
}
