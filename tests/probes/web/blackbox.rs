//! `/probe` beside Debian's `blackbox_exporter`: the same file of modules, the same targets, the same series; and a real
//! Prometheus whose job for that exporter asks the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use uphold_agent::blackbox::Modules;
use uphold_tests::process::child::{Process, system_program};
use uphold_tests::process::nginx::Nginx;
use uphold_tests::process::nsd::Nsd;
use uphold_tests::process::prometheus::Prometheus;
use uphold_tests::process::wait::{wait_for, wait_until};
use uphold_tests::process::{free_port, http};

use super::Authority;
use super::servers::Server;
use crate::jobs::Agent;

/// Long enough for any machine; reached only by what hangs.
const LONG: Duration = Duration::from_secs(30);
/// What the facts of the agent do not say, as docs/peers.md has it.
const NOT_SAID: [&str; 1] = ["probe_icmp_reply_hop_limit"];

/// An agent and the exporter, with the same file of modules.
struct Both {
    agent: Agent,
    port: u16,
    _exporter: Process,
    _folder: TempDir,
}

impl Both {
    fn start(modules: &str, files: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port().unwrap());
        let path = folder.path().join("blackbox.yml");
        fs::write(&path, modules).unwrap();
        let path = path.display();
        let mut command = Command::new(system_program("prometheus-blackbox-exporter").unwrap());
        command.arg(format!("--config.file={path}")).arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--log.level=error");
        let mut exporter = Process::start("blackbox-exporter", &mut command, folder.path()).unwrap();
        let ready = || http::get(port, "/-/healthy").is_ok_and(|answer| answer.code == 200);
        wait_until(LONG, "the exporter to answer", || !exporter.runs() || ready()).unwrap();
        assert!(exporter.runs(), "{}", exporter.output());
        let agent = Agent::start(&format!("accept: {{ files: [{files}] }}\nmodules_file: {path}\n"), &[]);
        Self { agent, port, _exporter: exporter, _folder: folder }
    }

    /// What the agent and the exporter answer.
    fn asked(&self, query: &str) -> (http::Answer, http::Answer) {
        let path = format!("/probe?{query}");
        (http::get(self.agent.port, &path).unwrap(), http::get(self.port, &path).unwrap())
    }

    /// Both are asked; the series of both are the same, and their values where those do not depend on the moment.
    fn same(&self, module: &str, target: &str, success: &str) {
        let query = format!("module={module}&target={target}");
        let (ours, theirs) = self.asked(&query);
        assert_eq!((ours.code, theirs.code), (200, 200), "{query}: {}", ours.text());
        let (ours, theirs) = (Told::of(&ours.text()), Told::of(&theirs.text()));
        let expected: BTreeSet<&String> = theirs.series.keys().filter(|series| is_said(series)).collect();
        assert_eq!(ours.series.keys().collect::<BTreeSet<_>>(), expected, "{query}");
        let said: BTreeSet<&String> = theirs.about.iter().filter(|line| is_said(line)).collect();
        assert_eq!(ours.about.iter().collect::<BTreeSet<_>>(), said, "{query}");
        assert_eq!(ours.series["probe_success"], success, "{query}");
        for (series, value) in &ours.series {
            let (ours, theirs) = (number(value), number(&theirs.series[series]));
            if is_duration(series) {
                assert!((0.0..10.0).contains(&ours), "{query}: {series} {ours}");
            } else {
                assert!((ours - theirs).abs() < 0.01, "{query}: {series} is {ours} and {theirs}");
            }
        }
    }
}

/// Series with their values, and what is said about them.
struct Told {
    series: BTreeMap<String, String>,
    about: Vec<String>,
}

impl Told {
    fn of(text: &str) -> Self {
        let about = text.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect();
        let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        Self { series: series.map(|(series, value)| (series.to_owned(), value.to_owned())).collect(), about }
    }
}

fn is_said(line: &str) -> bool {
    NOT_SAID.iter().all(|name| !line.contains(name))
}

fn is_duration(series: &str) -> bool {
    series.contains("_duration_seconds") || series == "probe_dns_lookup_time_seconds"
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

/// A server of HTTP/1.0 that says neither how long its page is nor when it changed; it ends with the test's process.
fn old_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nhello");
        }
    });
    port
}

const WEB: &str = "
  http_2xx: { prober: http, timeout: 5s }
  v4: { prober: http, timeout: 5s, http: { preferred_ip_protocol: ip4 } }
  stays: { prober: http, http: { follow_redirects: false } }
  found: { prober: http, http: { follow_redirects: false, valid_status_codes: [302] } }
  post: { prober: http, http: { method: POST, body: '{}', headers: { X-Asked: why }, fail_if_body_not_matches_regexp: ['^POST why'] } }
  head: { prober: http, http: { method: HEAD } }
  matches: { prober: http, http: { fail_if_body_not_matches_regexp: [ok, '^o'], fail_if_header_not_matches: [{ header: Server, regexp: nginx }] } }
  no_match: { prober: http, http: { fail_if_body_matches_regexp: [nothing, ok] } }
  no_header: { prober: http, http: { fail_if_header_matches: [{ header: X-None, regexp: a }] } }
  may_miss: { prober: http, http: { fail_if_header_matches: [{ header: X-None, regexp: a, allow_missing: true }] } }
  only_2: { prober: http, http: { valid_http_versions: [HTTP/2.0] } }
  only_tls: { prober: http, http: { fail_if_not_ssl: true } }
";

#[test]
fn pages_are_told_as_the_exporter_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "what was written").unwrap();
    let server = Nginx::start(&format!(
        "location = /file {{ root {}; }} location = /a {{ return 301 /b; }} location = /b {{ return 302 /health; }}
         location ~ ^/on/(x*)$ {{ return 302 /on/x$1; }} location = /gone {{ return 410; }}
         location = /asked {{ return 200 \"$request_method $http_x_asked\"; }} location = /empty {{ return 204; }}",
        folder.path().display()
    ))
    .unwrap();
    let both = Both::start(&format!("modules:{WEB}"), "/nowhere");
    let (port, old, nobody) = (server.port(), old_server(), free_port().unwrap());
    for (module, target, success) in [
        ("http_2xx", format!("http://127.0.0.1:{port}/health"), "1"),
        ("v4", format!("localhost:{port}/health"), "1"),
        ("http_2xx", format!("127.0.0.1:{port}/file"), "1"),
        ("http_2xx", format!("127.0.0.1:{port}/empty"), "1"),
        ("http_2xx", format!("127.0.0.1:{port}/gone"), "0"),
        ("http_2xx", format!("127.0.0.1:{port}/a"), "1"),
        ("http_2xx", format!("127.0.0.1:{port}/on/"), "0"),
        ("stays", format!("127.0.0.1:{port}/a"), "0"),
        ("found", format!("127.0.0.1:{port}/b"), "1"),
        ("post", format!("127.0.0.1:{port}/asked"), "1"),
        ("head", format!("127.0.0.1:{port}/file"), "1"),
        ("matches", format!("127.0.0.1:{port}/health"), "1"),
        ("matches", format!("127.0.0.1:{port}/gone"), "0"),
        ("no_match", format!("127.0.0.1:{port}/health"), "0"),
        ("no_header", format!("127.0.0.1:{port}/health"), "0"),
        ("may_miss", format!("127.0.0.1:{port}/health"), "1"),
        ("only_2", format!("127.0.0.1:{port}/health"), "0"),
        ("only_tls", format!("127.0.0.1:{port}/health"), "0"),
        ("http_2xx", format!("127.0.0.1:{old}/"), "1"),
        ("http_2xx", format!("127.0.0.1:{nobody}/"), "0"),
        ("http_2xx", "http://nowhere.invalid/".to_owned(), "0"),
        ("http_2xx", "http://[".to_owned(), "0"),
    ] {
        both.same(module, &target, success);
    }
    for query in ["module=none&target=a", "module=http_2xx", "target="] {
        let (ours, theirs) = both.asked(query);
        assert_eq!((ours.code, ours.text()), (theirs.code, theirs.text()), "{query}");
    }
    let (ours, _) = both.asked("target=http://169.254.169.254/latest");
    assert_eq!(ours.code, 403, "{}", ours.text());
    let metrics = both.agent.metrics();
    for (result, times) in [("probed", 22), ("wrong", 3), ("refused", 1)] {
        let series = format!("uphold_agent_asked_probes_total{{result=\"{result}\"}} {times}\n");
        assert!(metrics.contains(&series), "{series}{metrics}");
    }
}

#[test]
fn certificates_are_told_as_the_exporter_tells_them() {
    let (authority, port, other) = (Authority::new(), free_port().unwrap(), free_port().unwrap());
    let more = format!("listen 127.0.0.1:{port} ssl http2; {}", authority.sign("127.0.0.1", 90).lines());
    let _server = Nginx::start(&more).unwrap();
    let more = format!("listen 127.0.0.1:{other} ssl; {}", authority.sign("shop.example", 30).lines());
    let _other = Nginx::start(&more).unwrap();
    let ca = authority.ca_file();
    let modules = format!(
        "modules:
  known: {{ prober: http, http: {{ tls_config: {{ ca_file: {ca} }} }} }}
  any: {{ prober: http, http: {{ tls_config: {{ insecure_skip_verify: true }} }} }}
  unknown: {{ prober: http }}
  old: {{ prober: http, http: {{ enable_http2: false, tls_config: {{ ca_file: {ca} }} }} }}
  plain: {{ prober: http, http: {{ fail_if_ssl: true, tls_config: {{ ca_file: {ca} }} }} }}
  named: {{ prober: http, http: {{ tls_config: {{ ca_file: {ca}, server_name: shop.example }} }} }}
  tcp: {{ prober: tcp, tcp: {{ tls: true, tls_config: {{ ca_file: {ca} }} }} }}
  tcp_any: {{ prober: tcp, tcp: {{ tls: true, tls_config: {{ insecure_skip_verify: true }} }} }}
  tcp_unknown: {{ prober: tcp, tcp: {{ tls: true }} }}
"
    );
    let both = Both::start(&modules, &ca);
    let (first, second) = (format!("https://127.0.0.1:{port}/health"), format!("https://127.0.0.1:{other}/health"));
    for (module, target, success) in [
        ("known", &first, "1"),
        ("any", &first, "1"),
        ("unknown", &first, "0"),
        ("old", &first, "1"),
        ("plain", &first, "0"),
        ("known", &second, "0"),
        ("named", &second, "1"),
        ("known", &format!("{second}&hostname=shop.example"), "1"),
        ("any", &second, "1"),
        ("tcp", &format!("127.0.0.1:{port}"), "1"),
        ("tcp_any", &format!("127.0.0.1:{port}"), "1"),
        ("tcp_unknown", &format!("127.0.0.1:{port}"), "0"),
        ("tcp", &format!("127.0.0.1:{other}"), "0"),
        ("tcp", &format!("127.0.0.1:{other}&hostname=shop.example"), "0"),
    ] {
        both.same(module, target, success);
    }
}

const OTHERS: &str = r#"
  tcp_connect: { prober: tcp, timeout: 2s }
  smtp: { prober: tcp, timeout: 5s, tcp: { query_response: [{ expect: "^220 (.+)$" }, { send: "EHLO probe\r" }, { expect: "^250 " }] } }
  repeats: { prober: tcp, timeout: 5s, tcp: { query_response: [{ expect: "^(220) ", send: "EHLO probe-${1}\r" }, { expect: "^250-8BITMIME" }, { send: "QUIT\r" }, { expect: "^221 " }] } }
  other: { prober: tcp, timeout: 1s, tcp: { query_response: [{ send: "QUIT\r" }, { expect: "^999" }] } }
  icmp: { prober: icmp, timeout: 5s, icmp: { ttl: 5 } }
  soa: { prober: dns, timeout: 2s, dns: { query_name: shop.example, query_type: SOA } }
  address: { prober: dns, timeout: 2s, dns: { query_name: shop.example, query_type: A, transport_protocol: tcp } }
  nothing: { prober: dns, timeout: 2s, dns: { query_name: no.shop.example, query_type: A } }
  nothing_well: { prober: dns, timeout: 2s, dns: { query_name: no.shop.example, query_type: A, valid_rcodes: [NXDOMAIN] } }
  grpc: { prober: grpc, timeout: 2s, grpc: { preferred_ip_protocol: ip4 } }
  grpc_down: { prober: grpc, timeout: 2s, grpc: { service: not-serving } }
  grpc_none: { prober: grpc, timeout: 2s, grpc: { service: unknown } }
"#;

#[test]
fn other_servers_are_told_as_the_exporter_tells_them() {
    let (authority, secure) = (Authority::new(), free_port().unwrap());
    let certificate = authority.sign("127.0.0.1", 90);
    let ca = authority.ca_file();
    let (smtp, health, nobody) = (Server::smtp(Some(&certificate)), super::grpc::health_server(), free_port().unwrap());
    let dns = Nsd::start(
        "$ORIGIN shop.example.\n$TTL 60\n@ IN SOA ns.shop.example. admin.shop.example. 2026112301 3600 600 86400 60\n\
         @ IN NS ns.shop.example.\nns IN A 127.0.0.1\n@ IN A 192.0.2.1\n@ IN A 192.0.2.2\n",
    )
    .unwrap();
    let _grpc = Nginx::start(&format!(
        "listen 127.0.0.1:{secure} ssl http2; {} location /grpc.health.v1.Health/ {{ grpc_pass grpc://127.0.0.1:{health}; }}",
        certificate.lines()
    ))
    .unwrap();
    let steps = r#"[{ expect: "^220 " }, { send: "EHLO probe\r" }, { expect: "^250 " }, { send: "STARTTLS\r" }, { expect: "^220 " }, { starttls: true }, { send: "QUIT\r" }, { expect: "^221 " }]"#;
    let modules = format!(
        "modules:{OTHERS}  starttls: {{ prober: tcp, tcp: {{ query_response: {steps}, tls_config: {{ ca_file: {ca} }} }} }}
  grpc_tls: {{ prober: grpc, grpc: {{ tls: true, tls_config: {{ ca_file: {ca} }} }} }}\n"
    );
    let both = Both::start(&modules, &ca);
    let at = |port: u16| format!("127.0.0.1:{port}");
    for (module, target, success) in [
        ("tcp_connect", at(smtp.port), "1"),
        ("tcp_connect", at(nobody), "0"),
        ("tcp_connect", "127.0.0.1".to_owned(), "0"),
        ("tcp_connect", "nowhere.invalid:1".to_owned(), "0"),
        ("smtp", at(smtp.port), "1"),
        ("repeats", at(smtp.port), "1"),
        ("other", at(smtp.port), "0"),
        ("starttls", at(smtp.port), "1"),
        ("icmp", "127.0.0.1".to_owned(), "1"),
        ("icmp", "nowhere.invalid".to_owned(), "0"),
        ("soa", at(dns.port()), "1"),
        ("address", at(dns.port()), "1"),
        ("nothing", at(dns.port()), "0"),
        ("nothing_well", at(dns.port()), "1"),
        ("soa", at(nobody), "0"),
        ("address", "nowhere.invalid".to_owned(), "0"),
        ("grpc", at(health), "1"),
        ("grpc_down", at(health), "0"),
        ("grpc_none", at(health), "0"),
        ("grpc", at(nobody), "0"),
        ("grpc", "nowhere.invalid:1".to_owned(), "0"),
        ("grpc_tls", at(secure), "1"),
    ] {
        both.same(module, &target, success);
    }
}

#[test]
fn the_file_that_debian_ships_is_read_as_it_is() {
    let modules = Modules::read("/etc/prometheus/blackbox.yml".as_ref()).unwrap();
    for name in ["http_2xx", "http_post_2xx", "tcp_connect", "ssh_banner", "irc_banner", "icmp"] {
        assert!(modules.get(name).is_some(), "{name}");
    }
}

#[test]
fn a_job_for_the_exporter_asks_the_agent() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |name: &str| fs::read_to_string(root.join("config").join(name)).unwrap();
    let (server, nobody) = (Nginx::start("").unwrap(), free_port().unwrap());
    let modules = root.join("config/blackbox.yml");
    let agent = Agent::start(&format!("modules_file: {}\n", modules.display()), &[]);
    let (well, ill) = (server.url("/health"), format!("http://127.0.0.1:{nobody}/"));
    let shipped = read("prometheus/probes.yml");
    let changed = [
        ("https://shop.example/\"", format!("{well}\"")),
        ("https://www.shop.example/health", ill.clone()),
        ("127.0.0.1:9417", format!("127.0.0.1:{}", agent.port)),
        ("    metrics_path:", "    scrape_interval: 1s\n    scrape_timeout: 1s\n    metrics_path:".to_owned()),
    ];
    let configuration = changed.iter().fold(shipped, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let prometheus = Prometheus::start(&[("prometheus.yml", &configuration)]).unwrap();
    let value = |expression: &str| {
        wait_for(LONG, expression, || {
            let found = prometheus.query(expression).ok()?;
            found.first()?["value"][1].as_str().map(str::to_owned)
        })
        .unwrap()
    };
    for (expression, expected) in [
        (format!("probe_success{{instance=\"{well}\"}}"), "1"),
        (format!("probe_success{{instance=\"{ill}\"}}"), "0"),
        (format!("probe_http_status_code{{instance=\"{well}\"}}"), "200"),
        (format!("up{{instance=\"{ill}\",job=\"probes\"}}"), "1"),
        (format!("count(probe_http_duration_seconds{{instance=\"{well}\"}})"), "5"),
    ] {
        assert_eq!(value(&expression), expected, "{expression}");
    }
}
