//! What facts come to as series.

use std::sync::Arc;

use hyper::Version;
use uphold_common::observation::{Cause, Phases};

use super::super::module::Modules;
use super::*;
use crate::probe::certificates::Chain;
use crate::probe::http::{HttpSeen, Unmet};
use crate::probe::noted::{Head, Noted};
use crate::probe::secure::Session;
use crate::probe::{Answer, Happened, Judged, Seen, Trouble, TroubleKind};

const AT: Instant = Instant::from_ms(5);

fn module(text: &str) -> Module {
    let text = format!("modules: {{ m: {{ {text} }} }}\n");
    Modules::parse("blackbox.yml", &text).unwrap().get("m").unwrap().clone()
}

fn facts(happened: Happened) -> Facts {
    let (address, lookup) = (Some("127.0.0.1".parse().unwrap()), Micros::new(20));
    let noted = Noted { address, lookup, ..Noted::default() };
    let phases = Phases { resolve: Micros::new(20), connect: Micros::new(100), ..Phases::default() };
    Facts { phases, total: Micros::new(1_000), peer: None, session: None, noted, happened }
}

fn page(unmet: Option<Unmet>, body_cut: bool) -> Happened {
    let judged = unmet.as_ref().map_or(Judged::Expected, |unmet| Judged::Unexpected(unmet.cause));
    let seen = HttpSeen { body_bytes: 7, body_cut, redirects: 0, http2: false, unmet };
    Happened::Answered(Answer { code: 200, judged, seen: Seen::Http(seen) })
}

fn told(module: &Module, facts: Option<&Facts>) -> String {
    text(of(module, facts, Duration::from_millis(2), AT))
}

/// The value of a series, if it is there.
fn value(text: &str, series: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
}

#[test]
fn the_hash_of_an_address_is_the_one_that_dashboards_know() {
    for (ip, expected) in
        [("127.0.0.1", 3_668_918_509), ("::ffff:127.0.0.1", 3_668_918_509), ("0.0.0.0", 1_268_118_805)]
    {
        assert_eq!(hash(ip.parse().unwrap()), expected, "{ip}");
    }
    assert_ne!(hash("::1".parse().unwrap()), hash("::2".parse().unwrap()));
}

#[test]
fn a_page_is_told_as_it_was_seen() {
    let http = module("prober: http");
    let head = Head { code: 200, version: Version::HTTP_11, secure: false, length: None, last_modified_s: Some(9) };
    let with = |happened| Facts {
        noted: Noted { head: Some(head.clone()), ..facts(page(None, false)).noted },
        ..facts(happened)
    };
    let unmet = |cause| Some(Unmet { cause, what: String::new() });
    let timed_out = with(Happened::TimedOut);
    for (facts, series, expected) in [
        (&with(page(None, false)), "probe_success", Some("1")),
        (&with(page(None, false)), "probe_http_content_length", Some("-1")),
        (&with(page(None, false)), "probe_http_uncompressed_body_length", Some("7")),
        (&with(page(None, false)), "probe_http_last_modified_timestamp_seconds", Some("9")),
        (&with(page(None, false)), "probe_http_duration_seconds{phase=\"connect\"}", Some("0.0001")),
        (&with(page(None, false)), "probe_http_version", Some("1.1")),
        (&with(page(None, false)), "probe_duration_seconds", Some("0.002")),
        (&with(page(None, true)), "probe_http_uncompressed_body_length", None),
        (&with(page(unmet(Cause::Body), false)), "probe_failed_due_to_regex", Some("1")),
        (&with(page(unmet(Cause::Header), false)), "probe_failed_due_to_regex", Some("1")),
        (&with(page(unmet(Cause::Code), false)), "probe_failed_due_to_regex", Some("0")),
        (&with(page(unmet(Cause::Code), false)), "probe_success", Some("0")),
        (&timed_out, "probe_http_status_code", Some("200")),
        (&timed_out, "probe_http_uncompressed_body_length", None),
        (&timed_out, "probe_success", Some("0")),
        (&facts(Happened::TimedOut), "probe_http_status_code", Some("0")),
        (&facts(Happened::TimedOut), "probe_http_uncompressed_body_length", Some("0")),
        (&facts(Happened::TimedOut), "probe_ip_protocol", Some("4")),
    ] {
        assert_eq!(value(&told(&http, Some(facts)), series).as_deref(), expected, "{series} of {facts:?}");
    }
}

#[test]
fn a_name_that_leads_nowhere_has_its_lookup_and_nothing_after_it() {
    let nowhere = Facts { noted: Noted::default(), ..facts(Happened::NotResolved(String::new())) };
    let text = told(&module("prober: http"), Some(&nowhere));
    assert_eq!(value(&text, "probe_dns_lookup_time_seconds").as_deref(), Some("0.001"), "{text}");
    assert_eq!(value(&text, "probe_ip_protocol").as_deref(), Some("0"), "{text}");
    assert_eq!(text.matches("phase=").count(), 1, "{text}");
    let none = told(&module("prober: http"), None);
    assert!(
        none.contains("probe_success 0") && !none.contains("probe_ip_protocol") && !none.contains("phase="),
        "{none}"
    );
}

#[test]
fn certificates_are_told_where_the_last_answer_came_over_tls() {
    let chain = Chain {
        names: ["a.example", "127.0.0.1", "b.example"].map(str::to_owned).to_vec(),
        subject: "CN=\"a\\".to_owned(),
        issuer: "CN=b".to_owned(),
        leaf_until: Instant::from_ms(9_999),
        chain_until: Instant::from_ms(8_999),
        fingerprint: "ab".to_owned(),
    };
    let session =
        |verified| Some(Session { version: "TLSv1_3", cipher: "x", verified, chain: Some(Arc::new(chain.clone())) });
    let tcp = module("prober: tcp");
    let answered = || Happened::Answered(Answer { code: 0, judged: Judged::Expected, seen: Seen::Connection });
    for (verified, last) in [(true, "8"), (false, "-62135596800")] {
        let text = told(&tcp, Some(&Facts { session: session(verified), ..facts(answered()) }));
        assert_eq!(value(&text, "probe_ssl_earliest_cert_expiry").as_deref(), Some("8"), "{text}");
        assert_eq!(value(&text, "probe_ssl_last_chain_expiry_timestamp_seconds").as_deref(), Some(last), "{text}");
        assert_eq!(value(&text, "probe_tls_version_info{version=\"TLS 1.3\"}").as_deref(), Some("1"), "{text}");
        let labels =
            r#"fingerprint_sha256="ab",issuer="CN=b",subject="CN=\"a\\",subjectalternative="a.example,b.example""#;
        assert!(text.contains(&format!("probe_ssl_last_chain_info{{{labels}}} 1")), "{text}");
    }
    assert!(!told(&tcp, Some(&facts(answered()))).contains("ssl"));
}

#[test]
fn services_of_grpc_that_do_not_answer_have_the_status_that_says_so() {
    let grpc = module("prober: grpc");
    let refused = Trouble { kind: TroubleKind::Refused, text: String::new() };
    for (happened, status) in [(Happened::TimedOut, "4"), (Happened::NotConnected(refused), "14")] {
        let text = told(&grpc, Some(&facts(happened)));
        assert_eq!(value(&text, "probe_grpc_status_code").as_deref(), Some(status), "{text}");
        assert_eq!(value(&text, "probe_grpc_healthcheck_response{serving_status=\"SERVING\"}").as_deref(), Some("0"));
    }
}
