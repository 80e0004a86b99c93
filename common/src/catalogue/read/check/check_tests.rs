//! Checks that are read, and those that are refused, each with its word.

use super::*;
use crate::wire::check::{HttpVersion, IpChoice, JsonValue, Step};

fn refused(text: &str) -> String {
    read_check("a", text).unwrap_err().shown()[0].to_string()
}

#[test]
fn what_is_left_out_of_a_request_has_its_default() {
    let text = "{ http: { url: 'https://a.example/', expect: { code: [200, 3xx] } } }";
    let Check::Http(check) = read_check("a", text).unwrap() else { panic!("http is http") };
    assert_eq!((check.codes.as_slice(), check.code_classes.as_slice()), ([200].as_slice(), [3].as_slice()));
    assert_eq!((check.version, check.redirects, check.ip), (HttpVersion::Any, 0, IpChoice::Any));
    assert!(check.tls.verify && check.method.is_none());
    let plain = serde_json::to_value(Check::Http(Box::new(crate::wire::check::HttpCheck {
        url: "http://a.example/".to_owned(),
        ..Default::default()
    })));
    let expected = serde_json::json!({ "http": { "url": "http://a.example/", "codes": [], "body_matches": null } });
    assert_eq!(plain.unwrap(), expected, "agents that know no more than this understand it");
}

#[test]
fn conditions_and_steps_are_read_in_their_order() {
    let text = "{ http: { url: 'http://a.example/', expect: { json: [{ pointer: /a~1b, above: '-1.5e3' }, { pointer: '', \
                not_equals: 'null' }] } } }";
    let Check::Http(check) = read_check("a", text).unwrap() else { panic!("http is http") };
    let is: Vec<_> = check.json.iter().map(|condition| (condition.pointer.as_str(), &condition.is)).collect();
    let (above, not) = (JsonValue::Above("-1.5e3".to_owned()), JsonValue::NotEquals("null".to_owned()));
    assert_eq!(is, [("/a~1b", &above), ("", &not)]);
    let text = "{ tcp: { address: 'a:1', dialogue: [{ send: \"A\\r\\n\" }, { send_hex: 00 }, { expect: '^B' }] } }";
    let Check::Tcp(check) = read_check("a", text).unwrap() else { panic!("tcp is tcp") };
    let steps = [Step::Send("A\r\n".to_owned()), Step::SendHex("00".to_owned()), Step::Expect("^B".to_owned())];
    assert_eq!(check.dialogue, steps);
}

#[test]
fn a_check_by_itself_knows_no_hosts_and_believes_their_names() {
    let reading = "{ from: a, host: web-1, of: var, limit: max }";
    for (readings, sound) in [(reading.to_owned(), true), (format!("{reading}, {reading}"), false)] {
        let text = format!("{{ exec: {{ command: x, readings: [{readings}] }} }}");
        assert_eq!(read_check("a", &text).is_ok(), sound, "{text}");
    }
    assert!(
        refused("{ exec: { command: x, readings: [{ from: a, host: 'web 1', of: var, limit: max }] } }").contains("id")
    );
}

#[test]
fn what_cannot_be_asked_is_refused_by_its_word() {
    let http = |more: &str| format!("{{ http: {{ url: 'http://a.example/', {more} }} }}");
    let tcp = |more: &str| format!("{{ tcp: {{ address: 'a.example:1', {more} }} }}");
    for (text, word) in [
        (http("method: TRACE"), "\"OPTIONS\""),
        (http("headers: { authorization: 'Bearer abc' }"), "a secret does not belong here"),
        (http("headers: { Content-Length: 5 }"), "content-length"),
        (http("headers: { 'a b': 5 }"), "name of a header"),
        (http("headers: { a: 1, A: 2 }"), "each header only once"),
        (http("body: text"), "GET and HEAD have no body"),
        (http("redirects: 21"), "from 0 to 20"),
        (http("tls: { verify: false }"), "http URL"),
        (http("redirects: 1, tls: { verify: false, ca_file: /a }"), "verify: false"),
        (http("redirects: 1, tls: { cert_file: /a }"), "needs its key"),
        (http("redirects: 1, tls: { ca_file: ca.pem }"), "the path of a file"),
        (http("bearer_file: /etc/uphold/../shadow"), "without \"..\""),
        (http("bearer_file: /a, basic: { user: a, password_file: /b }"), "one authorization"),
        (http("basic: { user: 'a:b', password_file: /b }"), "without a colon"),
        (http("proxy: 'https://proxy.example'"), "speaks TLS"),
        (http("proxy: 'http://proxy.example/path'"), "expected a proxy"),
        (http("proxy: 'http://a:secret@proxy.example'"), "user or a password"),
        (http("proxy: 'http://p.example', version: 2"), "HTTP/1.1"),
        (http("proxy: 'http://p.example', connect_to: 'a:1'"), "not both"),
        (http("expect: { code: [6xx] }"), "a class of them"),
        (http("expect: { code: [99] }"), "from 100 to 599"),
        (http("expect: { size: {} }"), "\"at_least\""),
        (http("expect: { size: { at_least: 2KiB, at_most: 1KiB } }"), "this large and this small"),
        (http("expect: { size: { at_most: 2MiB } }"), "1048576"),
        (http("expect: { json: [{ pointer: status, equals: a }] }"), "JSON pointer"),
        (http("expect: { json: [{ pointer: /a~2, equals: a }] }"), "JSON pointer"),
        (http("expect: { json: [{ pointer: /a }] }"), "a condition is one of"),
        (http("expect: { json: [{ pointer: /a, equals: 1, above: 2 }] }"), "a condition is one of"),
        (http("expect: { json: [{ pointer: /a, above: many }] }"), "expected a number"),
        (http("expect: { header_matches: { server: '(' } }"), "regular expression"),
        (tcp("dialogue: []"), "1 to 32 steps"),
        (tcp("dialogue: [{ send: 'a', expect: b }]"), "a step is one of"),
        (tcp("dialogue: [{ send: 'a\\q' }]"), "behind a backslash"),
        (tcp("dialogue: [{ send_hex: abc }]"), "hexadecimal"),
        (tcp("starttls: pop3"), "\"smtp\""),
        (tcp("ip: 5"), "\"prefer_4\""),
        ("{ tls: { address: 'a:1', expires_after: 11y } }".to_owned(), "a duration"),
        ("{ tls: { address: 'a:1', server_name: 'a b' } }".to_owned(), "a name such as"),
        ("{ grpc: { service: a } }".to_owned(), "\"address\" is missing"),
        ("{ exec: {} }".to_owned(), "\"command\" is missing"),
        ("{ http: { url: 'http://a.example/' }, tcp: { address: 'a:1' } }".to_owned(), "not both"),
        (String::new(), "what is asked is missing"),
    ] {
        let told = refused(&text);
        assert!(told.contains(word), "{text}: {told}");
        assert!(!told.contains("secret@") && !told.contains("abc\""), "{told}");
    }
}
