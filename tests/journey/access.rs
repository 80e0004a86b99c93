//! Tokens and roles: who may do what, what a stolen token is good for, and that everything done has a name.

use serde_json::{Value, json};
use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::Outcome;
use uphold_tests::process::wait::wall_ms;

use crate::callers::{GUARDED, word};
use crate::pushes::{batch, push};
use crate::world::{World, run, until};

/// What each role gets: `x` when it may, `.` when it is told that it may not, in the order agent, viewer, operator,
/// approver, administrator, nobody. What is asked for is not there, or is not sound, so that asking changes nothing.
const RIGHTS: &[(&str, &str, &str)] = &[
    ("GET", "/healthz", "xxxxxx"),
    ("GET", "/readyz", "xxxxxx"),
    ("GET", "/metrics", ".xxxx."),
    ("GET", "/api/v1/whoami", "xxxxx."),
    ("GET", "/api/v1/services", ".xxxx."),
    ("GET", "/api/v1/services/shop/figures", "xxxxx."),
    ("GET", "/api/v1/services/other/figures", ".xxxx."),
    ("GET", "/api/v1/agents/zurich-1/assignment", "xxxxx."),
    ("GET", "/api/v1/agents/geneva-1/assignment", ".xxxx."),
    ("GET", "/api/v1/agents/zurich-1/facts", ".xxxx."),
    ("GET", "/api/v1/incidents", ".xxxx."),
    ("GET", "/api/v1/incidents/INC-99", ".xxxx."),
    ("POST", "/api/v1/incidents/INC-99/acknowledge", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/comments", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/assign", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/resolve", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/close", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/reopen", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/links", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/major", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/notice", "..xxx."),
    ("POST", "/api/v1/incidents/INC-99/review", "..xxx."),
    ("POST", "/api/v1/push", "x....."),
    ("GET", "/api/v1/maintenances", ".xxxx."),
    ("GET", "/api/v1/maintenances.ics", ".xxxx."),
    ("GET", "/api/v1/exclusions/none", ".xxxx."),
    ("POST", "/api/v1/maintenances", "..xxx."),
    ("POST", "/api/v1/maintenances/none/revoke", "..xxx."),
    ("POST", "/api/v1/exclusions", "...xx."),
    ("POST", "/api/v1/exclusions/none/revoke", "...xx."),
    ("POST", "/api/v1/records", "..xxx."),
    ("GET", "/api/v1/tokens", "....x."),
    ("POST", "/api/v1/tokens", "....x."),
    ("DELETE", "/api/v1/tokens/nobody", "....x."),
    ("GET", "/api/v1/deeds", "....x."),
];

#[test]
fn each_role_may_what_it_may_and_nothing_else() {
    let world = World::configured(GUARDED);
    let roles = ["viewer", "operator", "approver", "administrator"];
    let mut tokens = vec![Some(world.give_token("zurich-1", "agent", &[]))];
    tokens.extend(roles.map(|role| Some(world.give_token(role, role, &[]))));
    tokens.push(None);
    for (method, path, expected) in RIGHTS {
        let may = |token: &Option<String>| {
            let body = (*method == "POST").then(|| json!({}));
            let answer = world.send(token.as_deref(), method, path, body.as_ref());
            let refused = matches!(answer.code, 401 | 403);
            assert!(
                !refused || answer.code == if token.is_some() { 403 } else { 401 },
                "{method} {path}: {}",
                answer.code
            );
            if refused { '.' } else { 'x' }
        };
        let found: String = tokens.iter().map(may).collect();
        assert_eq!((*method, *path, found.as_str()), (*method, *path, *expected));
    }
    let listed: Value = world.send(tokens[4].as_deref(), "GET", "/api/v1/tokens", None).json().unwrap();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 5, "asking has given and revoked nothing");
    assert!(!listed.to_string().contains("uphold_"), "no secret is listed");
    let page = world.send(None, "GET", "/", None);
    assert_eq!((page.code, page.header("location")), (303, Some("./sign-in?next=%2F")));
}

#[test]
fn an_agent_pushes_as_itself_what_it_was_assigned_and_a_revoked_token_is_good_for_nothing() {
    let world = World::configured(GUARDED);
    let (own, other) =
        (world.give_token("z", "agent", &["--agent", "zurich-1"]), world.give_token("geneva-1", "agent", &[]));
    let start = wall_ms() - 10_000;
    let sound = |seq| push(&batch(seq, &[(start, Outcome::Up), (start + 500, Outcome::Up)])).encode().unwrap();
    let mut stranger = batch(2, &[(start, Outcome::Down)]);
    if let uphold_common::wire::columns::Rows::Probe(probe, _) = &mut stranger.streams[0] {
        *probe = ProbeId::new(Id::new("shop").unwrap(), Id::new("never").unwrap());
    }
    let unknown = format!("uphold_{}", "0".repeat(64));
    let taken = world.push_as(&own, &sound(1));
    assert_eq!(taken.code, 200, "{}", taken.text());
    let rows =
        || world.send(Some(&own), "GET", &format!("/api/v1/services/shop/figures?as_of={}", start + 5_000), None);
    let before = until("the rows to be measured", || Some(rows()).filter(|answer| answer.text().contains("\"up\"")));
    for (what, token, body, status, expected) in [
        ("with another's name", &other, sound(2), 403, "wrong-agent"),
        ("of what it was never assigned", &own, push(&stranger).encode().unwrap(), 422, "not-assigned"),
        ("with a token that nobody was given", &unknown, sound(2), 401, "unknown-token"),
        ("with what is no token", &"secret".to_owned(), sound(2), 401, "unreadable-token"),
    ] {
        let answer = world.push_as(token, &body);
        assert_eq!((answer.code, word(&answer).as_str()), (status, expected), "a push {what}");
    }
    let revoked = run("uphold-collector", &["token", "revoke", "z", "--data", &world.collector_data()]);
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    let stolen = world.push_as(&own, &sound(2));
    assert_eq!((stolen.code, word(&stolen).as_str()), (401, "token-revoked"));
    assert!(stolen.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer ")));
    let brief = world.give_token("brief", "viewer", &["--expires", "1s"]);
    until("the token to expire", || {
        let answer = world.send(Some(&brief), "GET", "/api/v1/services", None);
        (answer.code == 401 && word(&answer) == "token-expired").then_some(())
    });
    let viewer = world.give_token("wall", "viewer", &[]);
    let after =
        world.send(Some(&viewer), "GET", &format!("/api/v1/services/shop/figures?as_of={}", start + 5_000), None);
    assert_eq!(after.text(), before.text(), "what was refused has changed nothing");
    until("the refusals to be counted", || {
        let text = world.send(Some(&viewer), "GET", "/metrics", None).text();
        let counted =
            ["not-assigned", "wrong-agent"].map(|word| format!("uphold_pushes_total{{result=\"{word}\"}} 1\n"));
        let refused = "uphold_requests_refused_total{reason=\"token-revoked\"} 1\n";
        (counted.iter().all(|line| text.contains(line)) && text.contains(refused)).then_some(())
    });
}

#[test]
fn what_people_do_has_their_name_and_is_told_also_after_the_collector_was_killed() {
    let mut world = World::configured(GUARDED);
    let secret = world.give_token("zurich-1", "agent", &[]);
    let duty = world.give_token("duty", "operator", &[]);
    let start = wall_ms() - 10_000;
    let rows: Vec<(i64, Outcome)> = (0..18).map(|n| (start + n * 500, Outcome::Down)).collect();
    assert_eq!(world.push_as(&secret, &push(&batch(1, &rows)).encode().unwrap()).code, 200);
    let incident = until("the incident", || {
        let list: Value = world.send(Some(&duty), "GET", "/api/v1/incidents?state=all", None).json().unwrap();
        list["incidents"].as_array()?.iter().find(|one| one["cause"] == "service_down")?["number"].as_u64()
    });
    let path = |what: &str| format!("/api/v1/incidents/INC-{incident}{what}");
    let resolved =
        |answer: &uphold_tests::process::http::Answer| answer.code == 409 && word(answer) == "already-resolved";
    let taken = world.send(Some(&duty), "POST", &path("/acknowledge"), Some(&json!({ "comment": "on it" })));
    // The outage ends in silence, so nobody has resolved it.
    assert!(!resolved(&taken) && taken.code == 200, "{}", taken.text());
    let again = world.send(Some(&duty), "POST", &path("/acknowledge"), Some(&json!({})));
    assert_eq!((again.code, word(&again).as_str()), (409, "already-acknowledged"));
    let said = world.send(Some(&duty), "POST", &path("/comments"), Some(&json!({ "text": "a cable\nwas cut" })));
    assert_eq!(said.code, 200, "{}", said.text());
    for (body, status, expected) in
        [(json!({ "text": "\u{1b}[31m" }), 422, "unsound-comment"), (json!({ "txet": "typo" }), 400, "unsound-json")]
    {
        let answer = world.send(Some(&duty), "POST", &path("/comments"), Some(&body));
        assert_eq!((answer.code, word(&answer).as_str()), (status, expected));
    }
    world.kill_collector();
    world.start_collector();
    let history: Value = world.send(Some(&duty), "GET", &path(""), None).json().unwrap();
    assert_eq!(history["incident"]["acknowledged"]["by"]["name"], "duty");
    let comment = history["events"].as_array().unwrap().iter().find(|event| event["event"] == "commented").unwrap();
    assert_eq!((&comment["text"], &comment["by"]["role"]), (&json!("a cable\nwas cut"), &json!("operator")));
    let told = world.wait_for_message("uphold.incident.commented", "service_down");
    assert_eq!(told["data"]["comment"], json!({ "by": "duty (operator)", "text": "a cable\nwas cut" }));
    world.wait_for_message("uphold.incident.acknowledged", "service_down");
    let deeds = run("uphold-collector", &["deeds", "--data", &world.collector_data()]);
    let deeds = String::from_utf8(deeds.stdout).unwrap();
    for deed in
        ["duty (operator)  commented on INC-", "duty (operator)  acknowledged INC-", "added the token duty, operator"]
    {
        assert!(deeds.contains(deed), "{deed} is not among\n{deeds}");
    }
}

#[test]
fn what_a_proxy_passes_on_comes_from_anybody() {
    let world = World::without_agent();
    let ask = |headers: &[(&str, &str)]| {
        let answer = uphold_tests::process::http::send(world.collector_port, "GET", "/api/v1/services", headers, b"");
        answer.unwrap().code
    };
    assert_eq!(ask(&[]), 200);
    assert_eq!(ask(&[("x-forwarded-for", "192.0.2.7")]), 401);
    assert_eq!(ask(&[("forwarded", "for=192.0.2.7")]), 401);
}

#[test]
fn whoever_asks_too_often_waits_and_nobody_else_does() {
    let world = World::configured("limits: { requests_per_second: 1, request_burst: 3 }\n");
    let start = wall_ms() - 10_000;
    let body_of = |agent: &str, seq| {
        let mut batch = batch(seq, &[(start, Outcome::Up)]);
        batch.key.agent = Id::new(agent).unwrap();
        push(&batch).encode().unwrap()
    };
    let post = |agent: &str, seq| crate::pushes::post(&world, &body_of(agent, seq));
    let answers: Vec<_> = (1..=9).map(|seq| post("zurich-1", seq)).collect();
    assert!(answers.iter().take(3).all(|answer| answer.code == 200), "three at once are taken");
    let refused = answers.iter().find(|answer| answer.code != 200).unwrap();
    assert_eq!((refused.code, word(refused).as_str()), (429, "too-many-requests"));
    assert!(refused.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok()));
    assert_eq!(post("geneva-1", 1).code, 200, "another agent at the same address has a rate of its own");
    let duty = world.give_token("duty", "viewer", &[]);
    assert_eq!(world.send(Some(&duty), "GET", "/api/v1/services", None).code, 200, "and so has a token");
    until("the agent to be let in again", || (post("zurich-1", 9).code == 200).then_some(()));
}
