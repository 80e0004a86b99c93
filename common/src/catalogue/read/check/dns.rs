//! `dns`: a name, the type of its records, and what a name server must answer.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use super::{Asking, Check, Read, pattern};
use crate::catalogue::read::MEMBERS_MAX;
use crate::wire::check::{DnsCheck, Over, Rcode, RecordType};
use crate::yaml::walk::{At, Keys};

/// Longest name in the protocol, without its final dot.
const NAME_BYTES_MAX: usize = 253;
/// Longest part of a name between two dots.
const LABEL_BYTES_MAX: usize = 63;
/// How many answers can be asked for; more than an answer in a datagram has room for.
const AT_LEAST: RangeInclusive<u32> = 0..=100;

/// `{ name: shop.example, type: A, server: "192.0.2.53:53", expect: { answers: ["192.0.2.1"] } }`
pub(super) fn read(at: &At<'_>, asking: &Asking) -> Read<Check> {
    at.mapping(|keys| {
        let name = keys.required("name", domain_name);
        let record = keys.or("type", RecordType::A, |at| at.word(&RecordType::ALL));
        let server = keys.optional("server", At::host_and_port);
        let over = keys.or("over", Over::Udp, |at| at.word(&[("udp", Over::Udp), ("tcp", Over::Tcp)]));
        let recursive = keys.or("recursive", true, At::flag);
        let expect = keys.optional("expect", |at| expect(at, record.as_ref().ok(), asking));
        let (name, record, server, over, recursive) = (name?, record?, server?, over?, recursive?);
        let Expect { rcodes, answers, contains, matches, at_least, authoritative, authenticated } =
            expect?.unwrap_or_default();
        Ok(Check::Dns(DnsCheck {
            name,
            record,
            server,
            over,
            recursive,
            rcodes,
            answers,
            contains,
            matches,
            at_least,
            authoritative,
            authenticated,
        }))
    })
}

/// What an answer must be.
struct Expect {
    rcodes: Vec<Rcode>,
    answers: Vec<String>,
    contains: Vec<String>,
    matches: Option<String>,
    at_least: u32,
    authoritative: bool,
    authenticated: bool,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            rcodes: vec![Rcode::NoError],
            answers: Vec::new(),
            contains: Vec::new(),
            matches: None,
            at_least: 1,
            authoritative: false,
            authenticated: false,
        }
    }
}

fn expect(at: &At<'_>, record: Option<&RecordType>, asking: &Asking) -> Read<Expect> {
    at.mapping(|keys| {
        let default = Expect::default();
        let answer = |at: &At<'_>| answer(at, record.copied());
        let rcodes = keys.or("rcode", default.rcodes, |at| at.set("codes", MEMBERS_MAX, |at| at.word(&Rcode::ALL)));
        let answers = keys.or("answers", default.answers, |at| at.set("answers", MEMBERS_MAX, answer));
        let contains = keys.or("contains", default.contains, |at| at.set("answers", MEMBERS_MAX, answer));
        let matches = keys.optional("matches", |at| pattern::read(at, asking));
        let at_least = keys.optional("at_least", |at| at.small_count(AT_LEAST));
        let authoritative = keys.or("authoritative", default.authoritative, At::flag);
        let authenticated = keys.or("authenticated", default.authenticated, At::flag);
        let (rcodes, answers, contains, matches) = (rcodes?, answers?, contains?, matches?);
        let at_least = at_least?.unwrap_or(u32::from(rcodes == [Rcode::NoError]));
        let expected = Expect {
            rcodes,
            answers,
            contains,
            matches,
            at_least,
            authoritative: authoritative?,
            authenticated: authenticated?,
        };
        fit(keys, &expected).and(Ok(expected))
    })
}

/// Whether one expectation leaves room for the others.
fn fit(keys: &Keys<'_>, expected: &Expect) -> Read<()> {
    let of_answers =
        ["answers", "contains", "matches", "at_least"].into_iter().find(|key| keys.at().peek(key).is_some());
    match of_answers {
        Some(key) if !expected.rcodes.contains(&Rcode::NoError) => {
            Err(keys.at().problem(format!("\"{key}\" says something of answers, and only NOERROR has some")))
        }
        Some("answers") if !expected.contains.is_empty() || keys.at().peek("at_least").is_some() => {
            let also = if expected.contains.is_empty() { "at_least" } else { "contains" };
            Err(keys.at().problem(format!("\"answers\" says all of them: \"{also}\" has nothing to add")))
        }
        _ => Ok(()),
    }
}

/// A name in the protocol's own characters; the final dot may be left out.
fn domain_name(at: &At<'_>) -> Read<String> {
    let wanted = "a domain name such as \"shop.example\", in ASCII";
    let text = at.scalar(wanted)?;
    let bare = text.strip_suffix('.').unwrap_or(text);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*' | b'/');
    let label = |label: &str| (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(plain);
    let sound = text == "." || (bare.len() <= NAME_BYTES_MAX && bare.split('.').all(label));
    sound.then(|| text.to_owned()).ok_or_else(|| at.expected(wanted))
}

/// An answer as zone files write it; what is certainly no record of the type is refused here.
fn answer(at: &At<'_>, record: Option<RecordType>) -> Read<String> {
    let text = at.text()?;
    let words = text.split_whitespace().count();
    let (sound, wanted) = match record {
        Some(RecordType::A) => (text.parse::<Ipv4Addr>().is_ok(), "an IPv4 address such as \"192.0.2.1\""),
        Some(RecordType::Aaaa) => (text.parse::<Ipv6Addr>().is_ok(), "an IPv6 address such as \"2001:db8::1\""),
        Some(RecordType::Cname | RecordType::Ns | RecordType::Ptr) => (words == 1, "a name such as \"shop.example\""),
        Some(RecordType::Mx) => (words == 2, "a preference and a name such as \"10 mail.example\""),
        Some(RecordType::Srv) => (words == 4, "priority, weight, port and name such as \"0 5 443 web.example\""),
        Some(RecordType::Soa) => (words == 7, "the seven parts of an SOA record"),
        Some(RecordType::Caa) => (words >= 3, "flags, tag and value such as \"0 issue ca.example\""),
        Some(RecordType::Ds | RecordType::Dnskey) => (words >= 4, "four parts, as zone files write them"),
        _ => (true, ""),
    };
    if sound { Ok(text) } else { Err(at.expected(wanted)) }
}
