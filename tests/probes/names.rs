//! Names, hosts and what runs on them: `dns` against a real name server and against servers that misbehave, `icmp` on the
//! loopback address, `systemd` as this machine has it or has it not, `process` with processes of the test's own.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use uphold_agent::accept::{Accept, Range};
use uphold_agent::probe::Happened;
use uphold_common::observation::{Cause, Outcome};
use uphold_tests::process::child::Process;
use uphold_tests::process::free_port;
use uphold_tests::process::nsd::Nsd;
use uphold_tests::process::wait::wait_until;

use super::{attempt, attempt_within, verdict};

/// The zone, with a text that fits into no datagram.
fn zone() -> String {
    let mut zone = "$ORIGIN shop.example.\n$TTL 60\n\
        @ IN SOA ns.shop.example. admin.shop.example. 7 3600 600 86400 60\n@ IN NS ns.shop.example.\n\
        ns IN A 127.0.0.1\n@ IN A 192.0.2.1\n@ IN A 192.0.2.2\n@ IN AAAA 2001:db8::1\n@ IN MX 10 Mail.shop.example.\n\
        @ IN TXT \"v=spf1 \" \"-all\"\n@ IN CAA 0 issue \"ca.example\"\nwww IN CNAME shop.example.\n\
        _imap._tcp IN SRV 0 5 993 mail.shop.example.\n@ IN DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118\n"
        .to_owned();
    for number in 0..20 {
        writeln!(zone, "large IN TXT \"{number:0>200}\"").unwrap();
    }
    zone
}

fn check(port: u16, rest: &str) -> String {
    format!("dns: {{ server: \"127.0.0.1:{port}\", {rest} }}")
}

#[test]
fn a_real_name_server_is_asked_and_its_answers_held_against_what_is_expected() {
    let mut server = Nsd::start(&zone()).unwrap();
    let up = (Outcome::Up, Cause::None, 0);
    let body = (Outcome::Down, Cause::Body, 0);
    for (rest, expected) in [
        ("name: shop.example", up),
        ("name: SHOP.example., over: tcp", up),
        ("name: shop.example, expect: { answers: [192.0.2.2, 192.0.2.1] }", up),
        ("name: shop.example, expect: { answers: [192.0.2.1] }", body),
        ("name: shop.example, expect: { contains: [192.0.2.1], matches: '^192\\.0\\.2\\.2$' }", up),
        ("name: shop.example, expect: { at_least: 3 }", body),
        ("name: www.shop.example, expect: { contains: [192.0.2.1], authoritative: true }", up),
        ("name: shop.example, expect: { authenticated: true }", body),
        ("name: www.shop.example, type: CNAME, expect: { answers: [shop.example.] }", up),
        ("name: shop.example, type: AAAA, expect: { answers: ['2001:DB8:0::1'] }", up),
        ("name: shop.example, type: MX, expect: { answers: [10 mail.shop.example] }", up),
        ("name: shop.example, type: TXT, expect: { answers: [v=spf1 -all] }", up),
        ("name: shop.example, type: CAA, expect: { answers: [0 issue ca.example] }", up),
        ("name: shop.example, type: NS, expect: { answers: [ns.shop.example] }", up),
        ("name: _imap._tcp.shop.example, type: SRV, expect: { matches: '993 mail' }", up),
        ("name: shop.example, type: SOA, expect: { matches: ' 7 3600 ' }", up),
        ("name: shop.example, type: DNSKEY", body),
        ("name: shop.example, type: DNSKEY, expect: { at_least: 0 }", up),
        ("name: nobody.shop.example", (Outcome::Down, Cause::Code, 3)),
        (
            "name: nobody.shop.example, expect: { rcode: [NXDOMAIN], authoritative: true }",
            (Outcome::Up, Cause::None, 3),
        ),
        ("name: broken.example", (Outcome::Down, Cause::Code, 2)),
        ("name: elsewhere.example", (Outcome::Down, Cause::Code, 5)),
    ] {
        let seen = attempt(&check(server.port(), rest), "5s");
        assert_eq!(verdict(&seen), expected, "{rest}: {seen:?}");
        assert!(seen.observation.phases.first_byte.get().is_some(), "{rest}: {seen:?}");
    }
    let large = attempt(&check(server.port(), "name: large.shop.example, type: TXT, expect: { at_least: 20 }"), "5s");
    assert_eq!(verdict(&large), up, "{large:?}");
    assert!(large.observation.phases.connect.get().is_some(), "asked again over TCP: {large:?}");
    let sum: u64 = large.observation.phases.to_array().iter().filter_map(|phase| phase.get()).sum();
    assert!(sum <= large.observation.total.get().unwrap(), "{large:?}");

    server.stop().unwrap();
    for over in ["udp", "tcp"] {
        let seen = attempt(&check(server.port(), &format!("name: shop.example, over: {over}")), "5s");
        assert_eq!(verdict(&seen), (Outcome::Down, Cause::Refused, 0), "{over}: {seen:?}");
    }
}

/// A server that gets one question over UDP and sends what `answers` makes of it, one datagram after another.
fn udp_server(answers: impl FnOnce(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> (u16, JoinHandle<()>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let port = socket.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let mut buffer = [0; 512];
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        for answer in answers(&buffer[..length]) {
            // The probe may have gone meanwhile.
            let _ = socket.send_to(&answer, from);
        }
    });
    (port, served)
}

/// The question as an answer without records, some of its bytes changed.
fn answer(question: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = question.to_vec();
    bytes[2] |= 0x80;
    for (at, bits) in changes {
        bytes[*at] ^= bits;
    }
    bytes
}

#[test]
fn answers_that_are_none_are_ignored_and_said_at_the_deadline() {
    let rest = "name: shop.example, expect: { at_least: 0 }";
    let foreign: fn(&[u8]) -> Vec<Vec<u8>> =
        |asked| vec![b"garbage".to_vec(), vec![], asked.to_vec(), answer(asked, &[(0, 1)]), answer(asked, &[(13, 1)])];
    let (port, served) = udp_server(move |asked| foreign(asked).into_iter().chain([answer(asked, &[])]).collect());
    let seen = attempt(&check(port, rest), "5s");
    assert_eq!(verdict(&seen), (Outcome::Up, Cause::None, 0), "the right one is waited for: {seen:?}");
    served.join().unwrap();

    let (port, served) = udp_server(foreign);
    let seen = attempt(&check(port, rest), "300ms");
    assert_eq!(verdict(&seen), (Outcome::Down, Cause::Protocol, 0), "{seen:?}");
    assert!(seen.observation.total.get().unwrap() >= 290_000, "{seen:?}");
    served.join().unwrap();

    let (port, served) = udp_server(|asked| vec![answer(asked, &[(0, 1)]); 1_000]);
    let seen = attempt(&check(port, rest), "5s");
    assert_eq!(verdict(&seen), (Outcome::Down, Cause::Protocol, 0), "{seen:?}");
    served.join().unwrap();

    let (port, served) = udp_server(|_| Vec::new());
    let seen = attempt(&check(port, rest), "300ms");
    assert_eq!(verdict(&seen), (Outcome::Down, Cause::Timeout, 0), "{seen:?}");
    served.join().unwrap();
}

#[test]
fn a_cut_answer_that_nobody_completes_is_none() {
    let (port, served) = udp_server(|asked| vec![answer(asked, &[(2, 2)])]);
    let seen = attempt(&check(port, "name: shop.example"), "5s");
    assert_eq!(verdict(&seen), (Outcome::Down, Cause::Refused, 0), "{seen:?}");
    served.join().unwrap();
}

#[test]
fn half_an_answer_over_tcp_is_none() {
    let cases: [(&[u8], Cause); 4] = [
        (b"", Cause::Connection),
        (b"\0", Cause::Connection),
        (b"\xff\xffhalf", Cause::Connection),
        (b"\0\x05hello", Cause::Protocol),
    ];
    for (bytes, cause) in cases {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // The whole question is read: a connection that is closed before would be reset.
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).unwrap();
            stream.write_all(bytes).unwrap();
        });
        let seen = attempt(&check(port, "name: shop.example, over: tcp"), "5s");
        assert_eq!(verdict(&seen), (Outcome::Down, cause, 0), "{bytes:?}: {seen:?}");
        served.join().unwrap();
    }
}

#[test]
fn a_host_has_the_last_word_on_whom_its_probes_ask() {
    let port = free_port().unwrap();
    let only = |range: &str| Accept { targets: vec![Range::parse(range).unwrap()], ..Accept::default() };
    for check in [check(port, "name: shop.example"), check(port, "name: shop.example, over: tcp")] {
        let seen = attempt_within(&check, "2s", only("192.0.2.0/24"));
        assert_eq!(verdict(&seen), (Outcome::Unknown, Cause::Agent, 0), "{seen:?}");
        assert_eq!(seen.facts.peer, None, "nobody was spoken to");
        let seen = attempt_within(&check, "2s", only(&format!("127.0.0.1:{port}")));
        assert_eq!(verdict(&seen), (Outcome::Down, Cause::Refused, 0), "{seen:?}");
        assert_eq!(seen.facts.peer, Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    }
    let seen = attempt_within("dns: { name: shop.example }", "2s", only("192.0.2.77:1"));
    let Happened::NotTried(why) = &seen.facts.happened else { panic!("{seen:?}") };
    assert!(why.contains("not among the targets") || why.contains("resolv.conf"), "{why}");
}

/// Whether this test may send echo requests, by what the kernel says of it: a group in the range, or the capability.
fn may_ping() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    let capabilities = u64::from_str_radix(field("CapEff:").trim(), 16).unwrap();
    let range = fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let range: Vec<u64> = range.split_whitespace().filter_map(|group| group.parse().ok()).collect();
    let groups = field("Gid:") + &field("Groups:");
    let in_range = |group: &str| group.parse().is_ok_and(|group: u64| range[0] <= group && group <= range[1]);
    capabilities & (1 << 13) != 0 || (range.len() == 2 && groups.split_whitespace().any(in_range))
}

#[test]
fn a_host_that_answers_is_up_in_the_time_of_one_request() {
    let seen = attempt("icmp: { host: 127.0.0.1, packets: 4, gap: 100ms }", "5s");
    if !may_ping() {
        assert_eq!(verdict(&seen), (Outcome::Unknown, Cause::Agent, 0), "{seen:?}");
        let Happened::NotTried(why) = &seen.facts.happened else { panic!("{seen:?}") };
        assert!(why.contains("ping_group_range") && why.contains("CAP_NET_RAW"), "{why}");
        return;
    }
    assert_eq!(verdict(&seen), (Outcome::Up, Cause::None, 0), "{seen:?}");
    let phases = seen.observation.phases;
    let (total, trip) = (seen.observation.total.get().unwrap(), phases.first_byte.get().unwrap());
    assert_eq!(total, trip + phases.resolve.get().unwrap(), "{seen:?}");
    assert!(total < 300_000, "the gaps are not part of it: {seen:?}");
    let named = attempt("icmp: { host: localhost, ip: 4 }", "5s");
    assert_eq!(verdict(&named), (Outcome::Up, Cause::None, 0), "{named:?}");
    assert_eq!(named.facts.peer.unwrap().ip(), Ipv4Addr::LOCALHOST);
    let missing = attempt("icmp: { host: 127.0.0.1, ip: 6 }", "5s");
    assert_eq!(verdict(&missing), (Outcome::Down, Cause::Resolve, 0), "{missing:?}");
    // A machine without IPv6 cannot measure it, and blames nobody.
    let sixth = attempt("icmp: { host: '::1' }", "5s");
    let there =
        fs::read_to_string("/proc/net/if_inet6").is_ok_and(|text| text.contains("00000000000000000000000000000001 "));
    assert_eq!(sixth.observation.outcome, if there { Outcome::Up } else { Outcome::Unknown }, "{sixth:?}");
}

#[test]
fn a_host_that_does_not_answer_is_never_up() {
    // An address of nobody. What becomes of it depends on the way out of this machine: silence, a router that says no in one
    // way or another, or no way at all.
    let seen = attempt("icmp: { host: 198.51.100.1, packets: 2, gap: 20ms }", "400ms");
    match (&seen.facts.happened, verdict(&seen)) {
        (Happened::TimedOut, (Outcome::Down, Cause::Timeout, 0)) => {
            let took = seen.observation.total.get().unwrap();
            assert!(took >= 390_000, "a failure took as long as it lasted: {seen:?}");
        }
        (
            Happened::NotConnected(_),
            (Outcome::Down, Cause::Refused | Cause::Connection, 0) | (Outcome::Unknown, Cause::Agent, 0),
        ) => assert!(may_ping(), "{seen:?}"),
        (Happened::NotTried(_), (Outcome::Unknown, Cause::Agent, 0)) => assert!(!may_ping(), "{seen:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_has_the_last_word_on_whom_its_probes_ping_and_on_what_they_look_at() {
    let targets = |ranges: &[&str]| Accept {
        targets: ranges.iter().map(|range| Range::parse(range).unwrap()).collect(),
        ..Accept::default()
    };
    for (host, accept, refused) in [
        ("127.0.0.1", targets(&["192.0.2.0/24"]), true),
        ("127.0.0.1", targets(&["127.0.0.1:80"]), true),
        ("169.254.169.254", Accept::default(), true),
        ("127.0.0.1", targets(&["127.0.0.0/8"]), false),
    ] {
        let seen = attempt_within(&format!("icmp: {{ host: {host} }}"), "2s", accept);
        assert_eq!(seen.facts.peer.is_none(), refused || !may_ping(), "{host}: {seen:?}");
        assert_eq!(seen.observation.outcome == Outcome::Unknown, refused || !may_ping(), "{host}: {seen:?}");
    }
    let kinds = Accept { kinds: Some(["http".to_owned()].into()), ..Accept::default() };
    for check in ["icmp: { host: 127.0.0.1 }", "systemd: { unit: a.service }", "process: { name: a }"] {
        let seen = attempt_within(check, "2s", kinds.clone());
        let Happened::NotTried(why) = &seen.facts.happened else { panic!("{seen:?}") };
        assert!(why.contains("accepts no probes of the kind"), "{why}");
    }
}

#[test]
fn a_unit_that_is_not_there_is_down_and_a_machine_without_systemd_cannot_tell() {
    let seen = attempt("systemd: { unit: uphold-nobody-has-this.service }", "10s");
    if Path::new("/run/systemd/system").exists() {
        assert_eq!(verdict(&seen), (Outcome::Down, Cause::Body, 0), "{seen:?}");
    } else {
        assert_eq!(verdict(&seen), (Outcome::Unknown, Cause::Agent, 0), "{seen:?}");
        let Happened::NotTried(why) = &seen.facts.happened else { panic!("{seen:?}") };
        assert!(why.contains("systemctl"), "{why}");
    }
}

#[test]
fn processes_are_counted_by_name_command_and_user() {
    let folder = tempfile::tempdir().unwrap();
    let start = |seconds: &str| Process::start("sleep", Command::new("sleep").arg(seconds), folder.path()).unwrap();
    let mut sleeping = [start("61717"), start("61718")];
    let up = (Outcome::Up, Cause::None, 0);
    let down = (Outcome::Down, Cause::Body, 0);
    let user = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap();
    for (rest, expected) in [
        ("name: sleep, command: '6171[78]', at_least: 2, at_most: 2".to_owned(), up),
        ("command: 'sleep 6171[78]$', at_least: 3".to_owned(), down),
        ("command: 'sleep 6171[78]$', at_most: 1".to_owned(), down),
        (format!("command: 'sleep 61717', user: {user}"), up),
        (format!("command: 'sleep 61717', user: {}", user + 1), down),
        ("name: slee, command: '61717'".to_owned(), down),
        ("name: uphold-nobody-has-this, at_least: 0, at_most: 0".to_owned(), up),
    ] {
        let seen = attempt(&format!("process: {{ {rest} }}"), "5s");
        assert_eq!(verdict(&seen), expected, "{rest}: {seen:?}");
    }
    let unknown = attempt("process: { name: sleep, user: nobody-has-this }", "5s");
    assert_eq!(verdict(&unknown), (Outcome::Unknown, Cause::Agent, 0), "{unknown:?}");
    sleeping[0].kill().unwrap();
    // What was seen may be a second old.
    let gone = || verdict(&attempt("process: { command: 'sleep 61717' }", "5s")) == down;
    wait_until(Duration::from_secs(10), "the process to be missed", gone).unwrap();
}
