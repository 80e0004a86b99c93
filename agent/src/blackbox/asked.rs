//! A module and a target: what is asked.

use uphold_common::wire::check::{DnsCheck, GrpcCheck, HttpCheck, IcmpCheck, IpChoice};
use url::Url;

use super::module::{Module, Prober};
use crate::probe::asked::Asked;
use crate::probe::connect::parse_target;
use crate::probe::lines::LinesCheck;

/// Where name servers listen.
const DNS_PORT: u16 = 53;

impl Module {
    /// What is asked of this target; nothing when it is none, and why not when the request contradicts the module.
    pub(super) fn asked(&self, target: &str, hostname: &str) -> Result<Option<Asked>, String> {
        // Which address is spoken to, whoever asks says with each attempt.
        let ip = IpChoice::Any;
        let address = || parse_target(target).map(|_| target.to_owned());
        Ok(match &self.prober {
            Prober::Http(check, further) => {
                let check = http(check, target, hostname)?;
                check.map(|check| Asked::Http(Box::new(check), further.clone()))
            }
            Prober::Tcp { secure, tls, steps } => address().map(|address| {
                Asked::Lines(LinesCheck { address, secure: *secure, tls: tls.clone(), steps: steps.clone() })
            }),
            Prober::Icmp { hops_max } => {
                let host = target.to_owned();
                let check = IcmpCheck { host, ip: None, packets: 1, gap_ms: 0, loss_at_most_ppb: 0 };
                Some(Asked::Icmp(check, *hops_max))
            }
            Prober::Dns(check) => {
                server(target).map(|server| Asked::Dns(DnsCheck { server: Some(server), ..(**check).clone() }))
            }
            Prober::Grpc { service, tls } => address()
                .map(|address| Asked::Grpc(GrpcCheck { address, service: service.clone(), ip, tls: tls.clone() })),
        })
    }
}

fn http(check: &HttpCheck, target: &str, hostname: &str) -> Result<Option<HttpCheck>, String> {
    let mut check = check.clone();
    if !hostname.is_empty() {
        match check.headers.get("host") {
            Some(host) if host != hostname => {
                return Err(format!(
                    "host header defined both in module configuration ({host}) and with URL-parameter 'hostname' \
                     ({hostname})"
                ));
            }
            _ => check.headers.insert("host".to_owned(), hostname.to_owned()),
        };
    }
    // Where the target is an address, a certificate is for the name that the server is told.
    let host = check.headers.get("host").cloned();
    check.tls.server_name = check.tls.server_name.or(host);
    let has_scheme = target.starts_with("http://") || target.starts_with("https://");
    check.url = if has_scheme { target.to_owned() } else { format!("http://{target}") };
    let sound = Url::parse(&check.url).is_ok();
    Ok(sound.then_some(check))
}

/// The address of a name server, with the usual port where none is said.
fn server(target: &str) -> Option<String> {
    let with_port = match target.contains(':') {
        true if !target.contains('[') && target.matches(':').count() > 1 => format!("[{target}]:{DNS_PORT}"),
        true if target.ends_with(']') => format!("{target}:{DNS_PORT}"),
        true => target.to_owned(),
        false => format!("{target}:{DNS_PORT}"),
    };
    parse_target(&with_port).map(|_| with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_has_the_usual_port_unless_another_is_said() {
        for (target, expected) in [
            ("192.0.2.1", Some("192.0.2.1:53")),
            ("192.0.2.1:5353", Some("192.0.2.1:5353")),
            ("ns.example", Some("ns.example:53")),
            ("2001:db8::1", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]:5353", Some("[2001:db8::1]:5353")),
            ("ns.example:port", None),
        ] {
            assert_eq!(server(target).as_deref(), expected, "{target}");
        }
    }

    #[test]
    fn a_page_is_named_with_or_without_its_scheme_and_a_host_only_once() {
        let plain = HttpCheck::default();
        let named = HttpCheck { headers: [("host".to_owned(), "a.example".to_owned())].into(), ..HttpCheck::default() };
        for (check, target, hostname, url, name) in [
            (&plain, "127.0.0.1:80/x?y", "", Some("http://127.0.0.1:80/x?y"), None),
            (&plain, "https://127.0.0.1/", "b.example", Some("https://127.0.0.1/"), Some("b.example")),
            (&named, "https://127.0.0.1/", "", Some("https://127.0.0.1/"), Some("a.example")),
            (&plain, "http://[", "", None, None),
        ] {
            let asked = http(check, target, hostname).unwrap();
            let (found, server_name) = asked.map_or((None, None), |check| (Some(check.url), check.tls.server_name));
            assert_eq!((found.as_deref(), server_name.as_deref()), (url, name), "{target}");
        }
        assert!(http(&named, "127.0.0.1", "a.example").is_ok());
        assert!(http(&named, "127.0.0.1", "b.example").unwrap_err().contains("defined both"));
    }
}
