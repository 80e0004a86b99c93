//! What the programs show to others: metrics that Prometheus's own checker is content with, a page that loads nothing.

use std::io::Write as _;
use std::process::{Command, Stdio};

use uphold_tests::process::child::system_program;
use uphold_tests::process::http;

use crate::world::World;

/// Names of namespaces look like addresses and are never fetched.
const NAMESPACE: &str = "http://www.w3.org/";

fn check_metrics(whose: &str, text: &str) {
    let mut command = Command::new(system_program("promtool").unwrap());
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = command.spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "promtool about the {whose}:\n{said}");
}

#[test]
fn the_metrics_of_both_programs_are_sound() {
    let mut world = World::watched();
    world.stop_shop();
    world.wait_for_state("down");
    for (whose, port) in [("collector", world.collector_port), ("agent", world.agent_port)] {
        let answer = http::get(port, "/metrics").unwrap();
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
        assert!(answer.text().contains("uphold_probe_success{"), "the {whose} has seen something");
        check_metrics(whose, &answer.text());
    }
}

#[test]
fn the_page_and_what_it_loads_name_no_other_host() {
    let world = World::watched();
    let page = http::get(world.collector_port, "/").unwrap();
    let policy = page.header("content-security-policy").unwrap_or_default().to_owned();
    assert!(policy.contains("default-src 'none'") || policy.contains("default-src 'self'"), "{policy}");
    let own = ["http://127.0.0.1", NAMESPACE];
    for path in ["/", "/page.css", "/page.js", "/icon.svg"] {
        let answer = http::get(world.collector_port, path).unwrap();
        assert_eq!(answer.code, 200, "{path}");
        let text = own.iter().fold(answer.text(), |text, own| text.replace(own, ""));
        for foreign in ["http://", "https://", "src=\"//", "href=\"//", "url(//"] {
            assert!(!text.contains(foreign), "{path} names another host: {foreign}");
        }
    }
    for link in page.text().split("href=\"").skip(1).chain(page.text().split("src=\"").skip(1)) {
        let link = link.split('"').next().unwrap_or_default();
        assert!(!link.starts_with("//") && !link.contains(':'), "the page links to {link}");
    }
}
