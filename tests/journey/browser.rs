//! What a browser sends and shows: pages of other sites that would act here, hostile text, sessions.
//!
//! Chromium loads the pages; what it never does, such as sending a forged `Host`, is sent by hand.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use uphold_common::observation::Outcome;
use uphold_tests::process::child::system_program;
use uphold_tests::process::http::{self, Answer};
use uphold_tests::process::nginx::Nginx;
use uphold_tests::process::wait::wall_ms;

use crate::callers::{GUARDED, word};
use crate::pushes::{batch, post, push};
use crate::world::{World, run, until};

/// What a page would be like once its scripts and forms have run.
fn loaded(world: &World, url: &str) -> String {
    let mut chromium = Command::new(system_program("chromium").unwrap());
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]);
    chromium.args(["--disable-component-update", "--disable-sync", "--virtual-time-budget=5000", "--dump-dom"]);
    chromium.arg(format!("--user-data-dir={}", world.path("chromium").display())).arg(url);
    let output = chromium.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    let escaped = |value: &str| value.chars().map(plain).collect::<String>();
    let form: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
    form.join("&").into_bytes()
}

/// Posts a form as a browser would, from a page of `origin`.
fn submit(world: &World, origin: Option<&str>, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie)];
    headers.extend(origin.map(|origin| ("origin", origin)));
    http::send(world.collector_port, "POST", path, &headers, &form(fields)).unwrap()
}

/// An outage that an agent has told of, with its token or without one; gives the number of its incident.
fn outage(world: &World, agent: Option<&str>) -> u64 {
    let start = wall_ms() - 10_000;
    let rows: Vec<(i64, Outcome)> = (0..18).map(|n| (start + n * 500, Outcome::Down)).collect();
    let body = push(&batch(1, &rows)).encode().unwrap();
    let pushed = agent.map_or_else(|| post(world, &body), |agent| world.push_as(agent, &body));
    assert_eq!(pushed.code, 200, "{}", pushed.text());
    let data = world.collector_data();
    until("the incident", || {
        let listed = run("uphold-collector", &["incidents", "--all", "--format", "json", "--data", &data]);
        let list: Value = serde_json::from_slice(&listed.stdout).ok()?;
        list["incidents"].as_array()?.iter().find(|one| one["cause"] == "service_down")?["number"].as_u64()
    })
}

impl World {
    /// Signs in as a browser would; gives the cookie.
    fn sign_in(&self, token: &str) -> String {
        let own = self.collector_url();
        let answer = submit(self, Some(&own), "", "/sign-in", &[("token", token), ("next", "/incidents/INC-1")]);
        assert_eq!((answer.code, answer.header("location")), (303, Some("./incidents/INC-1")), "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A page, with a session.
    fn page(&self, cookie: &str, path: &str) -> Answer {
        http::send(self.collector_port, "GET", path, &[("cookie", cookie)], &[]).unwrap()
    }
}

/// The word that the forms of a page bring along.
fn form_word(page: &str) -> &str {
    page.split("name=\"word\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap()
}

#[test]
fn only_pages_of_a_session_act_and_only_for_its_holder() {
    let world = World::configured(GUARDED);
    let number = outage(&world, Some(&world.give_token("zurich-1", "agent", &[])));
    let (duty, wall) = (world.give_token("duty", "operator", &[]), world.give_token("wall", "viewer", &[]));
    let (own, path) = (world.collector_url(), format!("/incidents/INC-{number}"));
    let comments = format!("{path}/comments");
    let cookie = world.sign_in(&duty);
    let page = world.page(&cookie, &path);
    assert_eq!(page.code, 200, "{}", page.text());
    let page = page.text();
    let said = [("word", form_word(&page)), ("text", "a cable was cut")];
    let other = world.sign_in(&duty);
    let overview = world.page(&other, "/").text();
    let of_other = [("word", form_word(&overview)), ("text", "no")];
    for (what, origin, cookie, fields, status, expected) in [
        ("a page of another site", Some("http://evil.example"), cookie.as_str(), &said, 403, "foreign-origin"),
        ("a page of this host's other port", Some("http://127.0.0.1:1"), &cookie, &said, 403, "foreign-origin"),
        ("a page that hides where it is from", Some("null"), &cookie, &said, 403, "foreign-origin"),
        ("a form of another session", Some(own.as_str()), &cookie, &of_other, 403, "foreign-form"),
    ] {
        let answer = submit(&world, origin, cookie, &comments, fields);
        assert_eq!((answer.code, word(&answer).as_str()), (status, expected), "{what}");
    }
    let nobody = submit(&world, Some(&own), "", &comments, &said);
    assert_eq!((nobody.code, nobody.header("location")), (303, Some("../../sign-in")));
    let watcher = world.sign_in(&wall);
    let viewed = world.page(&watcher, &path).text();
    assert!(viewed.contains("may not act") && !viewed.contains("<textarea"), "a viewer is offered nothing to do");
    let refused = submit(&world, Some(&own), &watcher, &comments, &[("word", form_word(&viewed)), ("text", "no")]);
    assert_eq!((refused.code, word(&refused).as_str()), (403, "not-allowed"));
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let api = http::send(world.collector_port, "POST", &format!("/api/v1{comments}"), &headers, b"{\"text\":\"no\"}");
    assert_eq!(word(&api.unwrap()), "session-cannot");
    let forged = http::send(world.collector_port, "GET", "/", &[("cookie", &cookie), ("Host", "evil.example")], &[]);
    assert_eq!(word(&forged.unwrap()), "no-host", "two hosts are none");

    let done = submit(&world, Some(&own), &cookie, &comments, &said);
    assert_eq!((done.code, done.header("location")), (303, Some(format!("../INC-{number}").as_str())));
    let page = world.page(&cookie, &path).text();
    assert!(page.contains("duty (operator) said") && page.contains("a cable was cut") && !page.contains(">no<"));
    let behind_tls = format!("https://127.0.0.1:{}", world.collector_port);
    let secured = submit(&world, Some(&behind_tls), "", "/sign-in", &[("token", &duty)]);
    let secured = secured.header("set-cookie").unwrap().to_owned();
    assert!(secured.starts_with("__Host-uphold_session=") && secured.ends_with("; Secure"), "{secured}");
    assert_eq!(world.page(secured.split(';').next().unwrap(), &path).code, 200, "a proxy speaks TLS for us");

    let out = submit(&world, Some(&own), &cookie, "/sign-out", &[("word", form_word(&page))]);
    assert_eq!(out.code, 303);
    assert_eq!(world.page(&cookie, &path).code, 303, "who has signed out signs in again");
}

#[test]
fn a_foreign_page_in_a_real_browser_changes_nothing() {
    let world = World::without_agent();
    let target = world.collector_url();
    let hostile = format!(
        "<!doctype html><title>hostile</title><body><form id=f method=post action='{target}/sign-in'>\
         <input name=token value=x></form><iframe name=t></iframe><script>\
         const say = (path, type, body) => fetch('{target}' + path, {{ method: 'POST', mode: 'no-cors', \
         credentials: 'include', headers: {{ 'content-type': type }}, body }}).catch(() => 0);\
         Promise.all([say('/api/v1/push', 'text/plain', 'x'), say('/api/v1/tokens', 'text/plain', '{{}}'),\
         say('/incidents/INC-1/comments', 'application/x-www-form-urlencoded', 'text=x')])\
         .then(() => {{ document.title = 'sent'; f.target = 't'; f.submit(); }});\
         fetch('{target}/api/v1/services').then((a) => a.text()).then((t) => document.body.append('READ ' + t), () => 0);\
         </script></body>"
    );
    let folder = world.path("hostile");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("hostile.html"), hostile).unwrap();
    let locations = format!("location = /hostile.html {{ default_type text/html; root {}; }}", folder.display());
    let site = Nginx::start(&locations).unwrap();
    let dom = loaded(&world, &site.url("/hostile.html"));
    assert!(dom.contains("<title>sent</title>"), "the page did what it could:\n{dom}");
    assert!(!dom.contains("READ {"), "and could read nothing:\n{dom}");
    until("four refusals to be counted", || {
        let refused = world.collector_metric("uphold_requests_refused_total{reason=\"foreign-origin\"}")?;
        (refused > 3.5).then_some(())
    });
    assert_eq!(world.collector_metric("uphold_pushes_total{result=\"accepted\"}"), None);
}

#[test]
fn hostile_text_is_text_in_a_real_browser() {
    let hostile = r#"<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"#;
    let mut world = World::without_agent();
    world.stop_collector();
    let quoted = hostile.replace('"', "\\\"");
    let catalogue = world.catalogue_text().replace("name: Web shop", &format!("name: \"{quoted}\""));
    let catalogue = catalogue.replace("outcome: Customers can browse and buy", &format!("outcome: \"{quoted}\""));
    let catalogue = catalogue.replace("body_matches: \"ok\"", &format!("body_matches: \"{quoted}\""));
    fs::write(world.catalogue(), catalogue).unwrap();
    world.start_collector();
    let number = outage(&world, None);
    let duty = world.give_token("duty", "operator", &[]);
    let path = format!("/api/v1/incidents/INC-{number}/comments");
    let said = world.send(Some(&duty), "POST", &path, Some(&json!({ "text": hostile })));
    assert_eq!(said.code, 200, "{}", said.text());
    // A header that is shown nowhere, but written into the log.
    let odd = [("user-agent", hostile), ("referer", hostile), ("x-forwarded-for", hostile)];
    assert_eq!(http::send(world.collector_port, "GET", "/nowhere", &odd, &[]).unwrap().code, 404);
    for (page, shown) in [("/".to_owned(), 2), (format!("/incidents/INC-{number}"), 2)] {
        let dom = loaded(&world, &(world.collector_url() + &page));
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
        assert!(title != "owned" && !title.is_empty(), "{page} ran what it should show:\n{dom}");
        assert!(!dom.contains("<img") && !dom.contains("<script>document"), "{page} holds elements of others:\n{dom}");
        let found = dom.matches("&lt;script&gt;document.title").count();
        assert!(found >= shown, "{page} shows the text {found} times:\n{dom}");
    }
}
