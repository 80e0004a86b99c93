//! A question as bytes, and bytes as its answer or something else; pure.
//!
//! Only what belongs to the asked name counts as an answer, or to the name that it is an alias of. Records are written as
//! zone files write them, in one way, so that they can be compared with what is expected.

use std::net::IpAddr;

use domain::base::iana::{Class, Opcode, OptRcode, Rtype};
use domain::base::name::ParsedName;
use domain::base::{Message, MessageBuilder, Name, ToName as _};
use domain::rdata::AllRecordData;
use uphold_common::wire::check::{DnsCheck, RecordType};

use super::super::said;

/// How large an answer in a datagram may be, as resolvers ask for it: what passes everywhere in one piece.
const UDP_PAYLOAD_BYTES: u16 = 1_232;
/// Most records of an answer that are kept; more can be asked for by nobody.
const ANSWERS_MAX: usize = 1_000;
/// Most answers that are told.
const TOLD_MAX: usize = 5;

/// What is asked.
#[derive(Debug)]
pub(super) struct Question {
    name: Name<Vec<u8>>,
    record: RecordType,
    recursive: bool,
    authenticated: bool,
}

/// What was seen of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsSeen {
    /// Its code, with the bits of EDNS.
    pub rcode: u16,
    /// Whether the server answered out of its own zone.
    pub authoritative: bool,
    /// Whether the server says that it checked the signatures.
    pub authenticated: bool,
    /// How many records there are of answer, authority and anything else, without what is the protocol's own.
    pub records: [u16; 3],
    /// The records, as [`written`] has them.
    pub answers: Vec<String>,
    /// What of it is not as expected, for people.
    pub unexpected: Option<String>,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// The answer.
    Answer(DnsSeen),
    /// An answer that did not fit.
    Cut,
    /// Something else, and why it is.
    Foreign(&'static str),
}

impl Question {
    /// Takes the name apart.
    pub(super) fn new(check: &DnsCheck) -> Result<Self, String> {
        let name = check.name.parse().map_err(|error| format!("{:?} is no domain name: {error}", check.name))?;
        let (record, recursive, authenticated) = (check.record, check.recursive, check.authenticated);
        Ok(Self { name, record, recursive, authenticated })
    }

    fn rtype(&self) -> Rtype {
        Rtype::from_int(self.record as u16)
    }

    /// As it is sent.
    pub(super) fn query(&self, id: u16) -> Result<Vec<u8>, String> {
        let mut builder = MessageBuilder::new_vec();
        let header = builder.header_mut();
        header.set_id(id);
        header.set_rd(self.recursive);
        // Says that the bit is understood; without it a resolver may leave it out.
        header.set_ad(self.authenticated);
        let written = |error| format!("the question could not be written: {error}");
        let mut builder = builder.question();
        builder.push((&self.name, self.rtype())).map_err(written)?;
        let mut builder = builder.additional();
        let opt = builder.opt(|opt| {
            opt.set_udp_payload_size(UDP_PAYLOAD_BYTES);
            Ok(())
        });
        opt.map_err(written)?;
        Ok(builder.finish())
    }

    /// What `bytes` are to the question that was sent with this id.
    pub(super) fn read(&self, id: u16, bytes: &[u8]) -> Received {
        let Ok(message) = Message::from_octets(bytes) else {
            return Received::Foreign("it is too short for a message");
        };
        let header = message.header();
        if header.id() != id {
            return Received::Foreign("its id is another");
        }
        if !header.qr() || header.opcode() != Opcode::QUERY {
            return Received::Foreign("it is no answer to a question");
        }
        let rcode = message.opt_rcode().to_int();
        match message.sole_question() {
            Ok(asked) => {
                let same = asked.qname().name_eq(&self.name);
                if !same || asked.qtype() != self.rtype() || asked.qclass() != Class::IN {
                    return Received::Foreign("it answers another question");
                }
            }
            // A server that did not understand the question need not repeat it.
            Err(_) if message.header_counts().qdcount() == 0 && rcode != 0 => {}
            Err(_) => return Received::Foreign("its question is not understood"),
        }
        if header.tc() {
            return Received::Cut;
        }
        match self.answers(&message) {
            Some(answers) => Received::Answer(DnsSeen {
                rcode,
                authoritative: header.aa(),
                authenticated: header.ad(),
                records: records(&message),
                answers,
                unexpected: None,
            }),
            None => Received::Foreign("its records are not understood"),
        }
    }

    /// The records that answer the question; `None` when they cannot be read.
    fn answers(&self, message: &Message<&[u8]>) -> Option<Vec<String>> {
        if message.header_counts().ancount() == 0 {
            return Some(Vec::new());
        }
        let alias = (self.record != RecordType::Cname).then(|| message.canonical_name()).flatten();
        let mut answers = Vec::new();
        for record in message.answer().ok()? {
            let record = record.ok()?;
            let owner = record.owner();
            let ours = alias.as_ref().map_or_else(|| owner.name_eq(&self.name), |alias| owner.name_eq(alias));
            if !ours || record.rtype() != self.rtype() || record.class() != Class::IN || answers.len() >= ANSWERS_MAX {
                continue;
            }
            let data = record.to_any_record::<AllRecordData<_, ParsedName<_>>>().ok()?.into_data();
            answers.push(match &data {
                // Its pieces are one text, cut where the protocol has no room.
                AllRecordData::Txt(text) => String::from_utf8_lossy(&text.text::<Vec<u8>>()).into_owned(),
                data => written(self.record, &data.to_string()),
            });
        }
        Some(answers)
    }
}

fn records(message: &Message<&[u8]>) -> [u16; 3] {
    let counts = message.header_counts();
    // What says how large a datagram may be stands among the records and is none.
    let other = counts.arcount().saturating_sub(u16::from(message.opt().is_some()));
    [counts.ancount(), counts.nscount(), other]
}

/// A record in the one way in which it is compared: without final dots, in small letters where case says nothing.
pub(super) fn written(record: RecordType, text: &str) -> String {
    let words = || text.split_whitespace().map(|word| word.trim_matches('"'));
    match record {
        RecordType::Txt => text.to_owned(),
        RecordType::A | RecordType::Aaaa => {
            text.trim().parse::<IpAddr>().map_or_else(|_| text.to_owned(), |address| address.to_string())
        }
        // The last part may be written in pieces.
        RecordType::Ds | RecordType::Dnskey | RecordType::Tlsa | RecordType::Sshfp => {
            let before = if record == RecordType::Sshfp { 2 } else { 3 };
            let first: Vec<&str> = words().take(before).collect();
            let last: String = words().skip(before).collect();
            let last = if record == RecordType::Dnskey { last } else { last.to_ascii_lowercase() };
            format!("{} {last}", first.join(" "))
        }
        RecordType::Caa | RecordType::Naptr => words().map(without_final_dot).collect::<Vec<_>>().join(" "),
        _ => words().map(|word| without_final_dot(word).to_ascii_lowercase()).collect::<Vec<_>>().join(" "),
    }
}

fn without_final_dot(word: &str) -> &str {
    word.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(word)
}

impl DnsSeen {
    /// What was seen, for people.
    pub fn detail(&self) -> String {
        let rcode = OptRcode::masked_from_int(self.rcode);
        let told: Vec<String> = self.answers.iter().take(TOLD_MAX).map(|answer| said(answer)).collect();
        let answers = match (self.answers.len(), told.join(", ")) {
            (0, _) => "no answers".to_owned(),
            (1, told) => format!("one answer: {told}"),
            (count, told) if count > TOLD_MAX => format!("{count} answers: {told}, …"),
            (count, told) => format!("{count} answers: {told}"),
        };
        let unexpected = self.unexpected.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
        format!("{rcode}, {answers}{unexpected}")
    }
}

#[cfg(test)]
mod tests {
    use domain::base::iana::Rcode;
    use domain::base::{CharStr, Serial, Ttl};
    use domain::rdata::{A, Cname, Mx, Soa, Txt};

    use super::*;
    use uphold_common::wire::check::{Over, Rcode as Wanted};

    const ID: u16 = 0xbeef;

    fn question(name: &str, record: RecordType) -> Question {
        let check = DnsCheck {
            name: name.to_owned(),
            record,
            server: None,
            over: Over::Udp,
            recursive: true,
            rcodes: vec![Wanted::NoError],
            answers: Vec::new(),
            contains: Vec::new(),
            matches: None,
            at_least: 1,
            authoritative: false,
            authenticated: false,
        };
        Question::new(&check).unwrap()
    }

    fn name(text: &str) -> Name<Vec<u8>> {
        text.parse().unwrap()
    }

    /// An answer to `asked` with an alias, two addresses of it, one of somebody else and one mail server.
    fn answer(asked: &str, record: Rtype, rcode: Rcode) -> Vec<u8> {
        let mut builder = MessageBuilder::new_vec().question();
        builder.header_mut().set_id(ID);
        builder.header_mut().set_qr(true);
        builder.header_mut().set_aa(true);
        builder.header_mut().set_rcode(rcode);
        builder.push((name(asked), record)).unwrap();
        let mut builder = builder.answer();
        builder.push((name("WWW.shop.example"), 60, Cname::new(name("web.example")))).unwrap();
        builder.push((name("web.example"), 60, A::from_octets(192, 0, 2, 1))).unwrap();
        builder.push((name("other.example"), 60, A::from_octets(192, 0, 2, 66))).unwrap();
        builder.push((name("web.example"), 60, A::from_octets(192, 0, 2, 2))).unwrap();
        builder.push((name("web.example"), 60, Mx::new(10, name("Mail.Example")))).unwrap();
        builder.finish()
    }

    fn answers(received: Received) -> Vec<String> {
        let Received::Answer(seen) = received else { panic!("{received:?}") };
        seen.answers
    }

    #[test]
    fn what_belongs_to_the_name_or_its_alias_is_the_answer() {
        for (asked, record, found) in [
            ("www.shop.example", RecordType::A, &["192.0.2.1", "192.0.2.2"][..]),
            ("web.example.", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
            ("web.example", RecordType::Mx, &["10 mail.example"]),
            ("www.shop.example", RecordType::Cname, &["web.example"]),
            ("web.example", RecordType::Aaaa, &[]),
            ("nobody.example", RecordType::A, &[]),
        ] {
            let rtype = Rtype::from_int(record as u16);
            let bytes = answer(asked, rtype, Rcode::NOERROR);
            assert_eq!(answers(question(asked, record).read(ID, &bytes)), found, "{asked} {record:?}");
        }
    }

    #[test]
    fn what_is_no_answer_to_the_question_is_told_apart() {
        let ours = question("shop.example", RecordType::A);
        let sound = answer("SHOP.example", Rtype::A, Rcode::NOERROR);
        assert!(matches!(ours.read(ID, &sound), Received::Answer(_)), "case says nothing");
        let changed = |at: usize, to: u8| {
            let mut bytes = sound.clone();
            bytes[at] = to;
            bytes
        };
        let cut_off = sound.get(..sound.len() - 5).unwrap().to_vec();
        for (what, bytes, why) in [
            ("nothing", Vec::new(), "too short"),
            ("another id", changed(0, 0), "id"),
            ("a question", changed(2, 0), "no answer"),
            ("a notification", changed(2, 0xa0), "no answer"),
            ("another name", answer("shop.sample", Rtype::A, Rcode::NOERROR), "another question"),
            ("another type", answer("shop.example", Rtype::MX, Rcode::NOERROR), "another question"),
            ("two questions", changed(5, 2), "question"),
            ("no question", changed(5, 0), "question"),
            ("half of it", cut_off, "records"),
            ("only a head", sound[..12].to_vec(), "question"),
        ] {
            let received = ours.read(ID, &bytes);
            let Received::Foreign(found) = received else { panic!("{what}: {received:?}") };
            assert!(found.contains(why), "{what}: {found}");
        }
        assert_eq!(ours.read(ID, &changed(2, 0x86)), Received::Cut);
        for length in 0..sound.len() {
            let _ = ours.read(ID, &sound[..length]);
        }
    }

    #[test]
    fn a_server_that_did_not_understand_need_not_repeat_the_question() {
        let refused = [0xbe, 0xef, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let Received::Answer(seen) = question("shop.example", RecordType::A).read(ID, &refused) else { panic!() };
        assert_eq!((seen.rcode, seen.detail().as_str()), (1, "FORMERR, no answers"));
    }

    #[test]
    fn a_question_is_written_as_it_is_read() {
        let bytes = question("shop.example", RecordType::Aaaa).query(ID).unwrap();
        let message = Message::from_octets(bytes.as_slice()).unwrap();
        let asked = message.sole_question().unwrap();
        assert_eq!((asked.qname().to_string(), asked.qtype()), ("shop.example".to_owned(), Rtype::AAAA));
        assert_eq!((message.header().id(), message.header().rd(), message.header().ad()), (ID, true, false));
        assert_eq!(message.opt().unwrap().udp_payload_size(), UDP_PAYLOAD_BYTES);
    }

    #[test]
    fn records_are_written_in_one_way() {
        for (record, text, one_way) in [
            (RecordType::Aaaa, "2001:DB8:0:0::1", "2001:db8::1"),
            (RecordType::Mx, "10  Mail.Example.", "10 mail.example"),
            (RecordType::Mx, "0 .", "0 ."),
            (RecordType::Caa, "0 issue \"Ca.example\"", "0 issue Ca.example"),
            (RecordType::Ds, "60485 5 1 2BB183AF 5F22588179A5", "60485 5 1 2bb183af5f22588179a5"),
            (RecordType::Dnskey, "256 3 5 AQPS kmyn", "256 3 5 AQPSkmyn"),
            (RecordType::Sshfp, "2 1 1234 ABCD", "2 1 1234abcd"),
            (RecordType::Txt, "v=spf1  -ALL.", "v=spf1  -ALL."),
        ] {
            assert_eq!(written(record, text), one_way);
        }
        let (long, soa) = ("x".repeat(255), name("ns.example"));
        let mut text = domain::rdata::rfc1035::TxtBuilder::<Vec<u8>>::new();
        text.append_charstr(CharStr::<[u8]>::from_slice(long.as_bytes()).unwrap()).unwrap();
        text.append_charstr(CharStr::<[u8]>::from_slice(b"y").unwrap()).unwrap();
        let text: Txt<Vec<u8>> = text.finish().unwrap();
        let seconds = Ttl::from_secs(7);
        let head = Soa::new(soa.clone(), soa.clone(), Serial(5), seconds, seconds, seconds, seconds);
        let of = |record: RecordType| {
            let mut builder = MessageBuilder::new_vec().question();
            builder.header_mut().set_id(ID);
            builder.header_mut().set_qr(true);
            builder.push((&soa, Rtype::from_int(record as u16))).unwrap();
            let mut builder = builder.answer();
            builder.push((&soa, 60, &text)).unwrap();
            builder.push((&soa, 60, &head)).unwrap();
            answers(question("ns.example", record).read(ID, &builder.finish()))
        };
        assert_eq!(of(RecordType::Txt), [long.clone() + "y"]);
        assert_eq!(of(RecordType::Soa), ["ns.example ns.example 5 7 7 7 7"]);
    }
}
