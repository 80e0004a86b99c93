//! Modules that speak over TCP, send echo requests, ask name servers, and ask services of gRPC for their health.

use uphold_common::wire::check::{DnsCheck, Over, Rcode, RecordType, TlsOptions};
use uphold_common::yaml::problem::Read;
use uphold_common::yaml::walk::{At, Keys};

use super::super::module::Prober;
use super::{expression, list, tls};
use crate::probe::lines::LineStep;

pub(super) fn tcp(keys: &Keys<'_>) -> Read<Prober> {
    let steps = list(keys, "query_response", step);
    let secure = keys.or("tls", false, At::flag);
    let tls = keys.or("tls_config", TlsOptions::default(), tls);
    keys.not_yet(&["source_ip_address"])?;
    Ok(Prober::Tcp { secure: secure?, tls: tls?, steps: steps? })
}

fn step(at: &At<'_>) -> Read<LineStep> {
    at.mapping(|keys| {
        let expect = keys.optional("expect", expression);
        let send = keys.optional("send", |at| at.scalar("a text").map(str::to_owned));
        let starttls = keys.or("starttls", false, At::flag);
        Ok(LineStep { expect: expect?, send: send?, starttls: starttls? })
    })
}

pub(super) fn icmp(keys: &Keys<'_>) -> Read<Prober> {
    let hops_max = keys.optional("ttl", |at| at.count(1..=255));
    keys.not_yet(&["source_ip_address", "payload_size", "dont_fragment"])?;
    Ok(Prober::Icmp { hops_max: hops_max?.and_then(|hops| u8::try_from(hops).ok()) })
}

pub(super) fn dns(keys: &Keys<'_>) -> Read<Prober> {
    let name = keys.required("query_name", At::text);
    let record = keys.required("query_type", |at| at.word(&RecordType::ALL));
    let class = keys.or("query_class", (), |at| at.word(&[("IN", ())]));
    let over = keys.or("transport_protocol", Over::Udp, |at| at.word(&[("udp", Over::Udp), ("tcp", Over::Tcp)]));
    let recursive = keys.or("recursion_desired", true, At::flag);
    let rcodes = list(keys, "valid_rcodes", |at| at.word(&Rcode::ALL));
    keys.not_yet(&[
        "source_ip_address",
        "dns_over_tls",
        "tls_config",
        "validate_answer_rrs",
        "validate_authority_rrs",
        "validate_additional_rrs",
    ])?;
    class?;
    let rcodes = Some(rcodes?).filter(|rcodes| !rcodes.is_empty()).unwrap_or_else(|| vec![Rcode::NoError]);
    Ok(Prober::Dns(Box::new(DnsCheck {
        name: name?,
        record: record?,
        server: None,
        over: over?,
        recursive: recursive?,
        rcodes,
        answers: Vec::new(),
        contains: Vec::new(),
        matches: None,
        at_least: 0,
        authoritative: false,
        authenticated: false,
    })))
}

pub(super) fn grpc(keys: &Keys<'_>) -> Read<Prober> {
    let service = keys.or("service", String::new(), At::text);
    let secure = keys.or("tls", false, At::flag);
    let tls = keys.or("tls_config", TlsOptions::default(), tls);
    let (service, secure, tls) = (service?, secure?, tls?);
    Ok(Prober::Grpc { service, tls: secure.then_some(tls) })
}
