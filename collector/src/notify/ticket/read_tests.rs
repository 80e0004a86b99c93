//! Every mistake in a description is told with its place and the nearest word; every description that comes along is sound.

use super::*;

const SOUND: &str = r#"name: Tickets
credentials: token
variables: { queue: , done: closed }
texts: { title: "[{{ key }}] {{ incident.summary }}" }
headers: { Authorization: "Bearer {{ secret.token }}" }
ticket: { id: "{{ kept.id }}", url: "{{ url.base }}/t/{{ kept.id }}" }
search:
  requests: [{ method: GET, path: /tickets, query: { q: "{{ key }}" } }]
  list: /found
  holds_key: "{{ item.title }}"
  keep: { id: { pointer: /id } }
requests:
  create:
    - { method: POST, path: /tickets, json: '{ "title": {{ text.title }}, "queue": {{ var.queue }} }', keep: { id: { pointer: /id } } }
  resolve:
    - { method: GET, path: "/tickets/{{ ticket.id }}", keep: { etag: { header: ETag } } }
    - { method: PATCH, path: "/tickets/{{ ticket.id }}", headers: { If-Match: "{{ kept.etag }}" }, json: '{ "state": {{ var.done }} }' }
  reopen:
    - { method: POST, path: "/tickets/{{ ticket.id }}/reopen", form: { by: "{{ user }}" } }
answers: { again: [409], error: /error }
poll:
  requests: [{ method: GET, path: "/tickets/{{ ticket.id }}", keep: { state: { pointer: /state } } }]
  state: "{{ 'resolved' if kept.state == 'closed' else 'open' }}"
  comments: { list: /comments, id: "{{ item.id }}", text: "{{ item.text }}" }
"#;

#[test]
fn a_description_is_read() {
    let description = read("tickets.yaml", SOUND).unwrap();
    assert_eq!(description.name, "Tickets");
    assert_eq!(description.credentials, Credentials::Token);
    assert_eq!(description.variables["queue"], None);
    assert_eq!(description.variables["done"].as_deref(), Some("closed"));
    assert_eq!(description.operations.len(), 3);
    assert_eq!(description.operations[&Operation::Resolve].len(), 2);
    assert_eq!(description.answers.again, [409]);
    assert!(description.poll.unwrap().comments.is_some());
}

#[test]
fn every_mistake_is_told_with_its_place_and_the_nearest_word() {
    let mut missed = Vec::new();
    for (right, wrong, expected) in [
        ("name: Tickets", "nam: Tickets", "tickets.yaml:1:1: unknown key \"nam\" (did you mean \"name\"?)"),
        (
            "credentials: token",
            "credentials: tokens",
            "tickets.yaml:2:14: credentials: expected \"none\", \"token\", \"password\", \"user_token\" or \"token_password\", \
             found \"tokens\" (did you mean \"token\"?)",
        ),
        (
            "{ queue: , done",
            "{ Queue: , done",
            "tickets.yaml:3:19: variables.Queue: the name of a variable has small letters, digits and \"_\"",
        ),
        (
            "{{ incident.summary }}",
            "{{ incidnt.summary }}",
            "tickets.yaml:4:17: texts.title: nothing is called \"incidnt\" here (did you mean \"incident\"?)",
        ),
        (
            "{{ text.title }}",
            "{{ text.tilte }}",
            "tickets.yaml:14:45: requests.create[0].json: there is no \"tilte\" in \"text\" (did you mean \"title\"?)",
        ),
        (
            "{{ var.queue }}",
            "{{ var.queu }}",
            "tickets.yaml:14:45: requests.create[0].json: there is no \"queu\" in \"var\" (did you mean \"queue\"?)",
        ),
        (
            "{{ var.queue }}",
            "{{ secret.token }}",
            "tickets.yaml:14:45: requests.create[0].json: nothing is called \"secret\" here (here are: ",
        ),
        (
            "{{ kept.etag }}",
            "{{ kept.tag }}",
            "tickets.yaml:17:79: requests.resolve[1].headers.If-Match: there is no \"tag\" in \"kept\" (did you mean \"etag\"?)",
        ),
        (
            "/t/{{ kept.id }}",
            "/t/{{ kept.nr }}",
            "tickets.yaml:6:37: ticket.url: there is no \"nr\" in \"kept\" (here are: \"id\")",
        ),
        (
            "method: GET, path: /tickets,",
            "method: FETCH, path: /tickets,",
            "tickets.yaml:8:24: search.requests[0].method: expected",
        ),
        (
            "path: /tickets, query",
            "path: /tickets?a, query",
            "tickets.yaml:8:35: search.requests[0].path: expected a path that begins with \"/\", without \"?\" and \"#\": \
             \"query\" holds those",
        ),
        (
            "list: /found",
            "list: found",
            "tickets.yaml:9:9: search.list: expected a JSON pointer such as \"/data/id\", found \"found\"",
        ),
        (
            "again: [409]",
            "again: [200]",
            "tickets.yaml:20:20: answers.again[0]: expected a whole number from 400 to 599",
        ),
        (
            "{ pointer: /state }",
            "{ pointer: /state, header: State }",
            "tickets.yaml:22:78: poll.requests[0].keep.state: expected one of \"pointer\", \"header\" and \"last_of\"",
        ),
        (
            "json: '{ \"state\": {{ var.done }} }'",
            "json: '{}', form: { a: b }",
            "tickets.yaml:17:7: requests.resolve[1]: expected one of \"json\" and \"form\", not both",
        ),
        (
            "headers: { Auth",
            "headers: { Host: a, Auth",
            "tickets.yaml:5:18: headers.Host: the header \"host\" is set by whoever sends",
        ),
        ("ticket: { id", "tickets: { id", "tickets.yaml:6:1: unknown key \"tickets\" (did you mean \"ticket\"?)"),
        (
            "  reopen:",
            "  update:",
            "tickets.yaml:1:1: tickets that are resolved and looked at need a request \"reopen\" too",
        ),
    ] {
        assert!(SOUND.contains(right), "{right}");
        let problems = read("tickets.yaml", &SOUND.replacen(right, wrong, 1)).unwrap_err();
        let told: Vec<String> = problems.shown().iter().map(ToString::to_string).collect();
        if !told.iter().any(|told| told.starts_with(expected)) {
            missed.push(format!("{wrong}\n expected {expected}\n found {told:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_description_has_an_end() {
    let long = format!("{SOUND}# {}", "x".repeat(DESCRIPTION_BYTES_MAX));
    assert!(read("tickets.yaml", &long).unwrap_err().to_string().contains("has at most 65536 bytes"));
    let request = "{ method: GET }, ".repeat(REQUESTS_MAX + 1);
    let many = format!("name: T\nrequests:\n  create: [{request}]");
    assert!(read("tickets.yaml", &many).unwrap_err().to_string().contains("expected 1 to 8 requests, found 9"));
}
