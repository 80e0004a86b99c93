//! What is understood of such a file, and what is refused of it by name and place.

use super::*;
use uphold_common::wire::check::HttpVersion;

fn read(module: &str) -> Result<Module, String> {
    let text = format!("modules: {{ m: {{ {module} }} }}\n");
    Modules::parse("blackbox.yml", &text)
        .map(|modules| modules.get("m").unwrap().clone())
        .map_err(|all| all.to_string())
}

#[test]
fn the_example_is_sound() {
    let text = include_str!("../../../../config/blackbox.yml");
    let modules = Modules::parse("blackbox.yml", text).unwrap();
    let names: Vec<&str> = modules.names().collect();
    assert!(names.contains(&"http_2xx") && names.contains(&"irc_banner") && names.contains(&"icmp"), "{names:?}");
}

#[test]
fn pages_are_asked_for_as_it_is_said() {
    let module = read(
        "prober: http, timeout: 5s, http: { preferred_ip_protocol: ip4, ip_protocol_fallback: false, method: POST, \
         headers: { Host: a.example, X-Asked: why }, body: '{}', valid_status_codes: [200, 302], enable_http2: false, \
         follow_redirects: false, valid_http_versions: [HTTP/1.1], fail_if_not_ssl: true, \
         fail_if_body_not_matches_regexp: [ok, fine], fail_if_header_matches: [{ header: Server, regexp: x, \
         allow_missing: true }], basic_auth: { username: me, password_file: /etc/uphold/probes/a }, \
         tls_config: { insecure_skip_verify: true, min_version: TLS13 } }",
    );
    let Module { timeout_ms, ip, prober: Prober::Http(check, further) } = module.unwrap() else { panic!() };
    assert_eq!((timeout_ms, ip), (Some(5_000), IpChoice::Only4));
    assert_eq!((check.method.as_deref(), check.redirects, check.version), (Some("POST"), 0, HttpVersion::V1_1));
    assert_eq!(check.headers["host"], "a.example");
    assert_eq!((check.codes.as_slice(), check.tls.verify), (&[200, 302][..], false));
    assert_eq!((further.secure, further.body_matches.len(), further.headers[0].may_be_missing), (Some(true), 2, true));
    let Module { timeout_ms, ip, prober: Prober::Http(check, further) } = read("prober: http").unwrap() else {
        panic!()
    };
    assert_eq!((timeout_ms, ip, check.redirects), (None, IpChoice::Prefer6, 10));
    assert_eq!(further, crate::probe::http::Further::default());
    assert!(read("prober: http, http:").is_ok(), "an empty section says nothing");
}

#[test]
fn what_cannot_be_done_is_refused_by_its_name() {
    for (module, told) in [
        ("prober: htp", "did you mean \"http\""),
        ("timeout: 5s", "\"prober\" is missing"),
        ("prober: http, timout: 5s", "did you mean \"timeout\""),
        ("prober: http, timeout: 5m", "a duration from 1ms to 1m"),
        ("prober: http, tcp: { tls: true }", "has no tcp"),
        ("prober: http, http: { methd: GET }", "did you mean \"method\""),
        ("prober: http, http: { proxy_url: http://a.example }", "\"proxy_url\" is not supported yet"),
        ("prober: http, http: { compression: gzip }", "\"compression\" is not supported yet"),
        ("prober: http, http: { basic_auth: { username: a, password: b } }", "\"password\" is not supported yet"),
        ("prober: http, http: { authorization: { credentials: b } }", "\"credentials\" is not supported yet"),
        ("prober: http, http: { fail_if_body_matches_regexp: ['('] }", "regular expression"),
        ("prober: http, http: { fail_if_ssl: true, fail_if_not_ssl: true }", "no answer that is well"),
        ("prober: http, http: { follow_redirects: true, no_follow_redirects: true }", "the opposite"),
        ("prober: http, http: { headers: { 'a b': c } }", "cannot be sent"),
        ("prober: http, http: { tls_config: { min_version: TLS10 } }", "\"TLS12\""),
        ("prober: http, http: { tls_config: { cert_file: /a } }", "belong together"),
        ("prober: http, http: { valid_status_codes: [2] }", "from 100 to 999"),
        ("prober: tcp, tcp: { source_ip_address: 127.0.0.1 }", "\"source_ip_address\" is not supported yet"),
        ("prober: tcp, tcp: { query_response: [{ expect: '[' }] }", "regular expression"),
        ("prober: icmp, icmp: { ttl: 256 }", "from 1 to 255"),
        ("prober: icmp, icmp: { dont_fragment: true }", "\"dont_fragment\" is not supported yet"),
        ("prober: dns", "\"dns\" is missing"),
        ("prober: dns, dns: { query_name: a.example }", "\"query_type\" is missing"),
        ("prober: dns, dns: { query_name: a.example, query_type: ANY }", "ANY"),
        (
            "prober: dns, dns: { query_name: a, query_type: A, validate_answer_rrs: {} }",
            "\"validate_answer_rrs\" is not",
        ),
        ("prober: grpc, grpc: { servce: a }", "did you mean \"service\""),
    ] {
        let problems = read(module).unwrap_err();
        assert!(problems.contains(told) && problems.starts_with("blackbox.yml:1:"), "{module}: {problems}");
    }
}
