//! What comes again, over HTTP: a problem opens by itself, what helps is told with the next incident, and a fix that was none
//! shows itself.

use serde_json::{Value, json};
use uphold_common::observation::Outcome;
use uphold_common::time::Instant;
use uphold_tests::process::wait::wall_ms;

use crate::callers::{GUARDED, word};
use crate::pushes::{batch, push};
use crate::world::{World, run, until};

/// How far apart attempts are.
const APART_MS: i64 = 500;
/// Up, and down, and what became of it in attempts.
const UP: Outcome = Outcome::Up;
const DOWN: Outcome = Outcome::Down;

/// A world whose operator acts, and the agent's pushes by hand.
struct Recurring {
    world: World,
    agent: String,
    duty: String,
    seq: u64,
}

impl Recurring {
    fn new() -> Self {
        let since = Instant::from_ms(wall_ms() - 3_600_000);
        let name = "    name: Web shop\n";
        let change = |text: String| {
            format!("incidents: {{ absorb: 0s }}\n{}", text.replace(name, &format!("{name}    since: {since}\n")))
        };
        let world = World::under(GUARDED, |_, text| change(text));
        let (agent, duty) = (world.give_token("zurich-1", "agent", &[]), world.give_token("duty", "operator", &[]));
        Self { world, agent, duty, seq: 0 }
    }

    /// Pushes attempts from an instant on: so many of this outcome, then so many of that.
    fn attempts(&mut self, from: i64, all: &[(usize, Outcome)]) {
        let outcomes = all.iter().flat_map(|(count, outcome)| std::iter::repeat_n(*outcome, *count));
        let rows: Vec<(i64, Outcome)> = (0_i64..).map(|n| from + n * APART_MS).zip(outcomes).collect();
        self.seq += 1;
        let body = push(&batch(self.seq, &rows)).encode().unwrap();
        let answer = self.world.push_as(&self.agent, &body);
        assert_eq!(answer.code, 200, "{}", answer.text());
    }

    fn read(&self, path: &str) -> Value {
        let answer = self.world.send(Some(&self.duty), "GET", path, None);
        assert_eq!(answer.code, 200, "{path}: {}", answer.text());
        answer.json().unwrap()
    }

    fn does(&self, path: &str, body: &Value) -> Value {
        let answer = self.world.send(Some(&self.duty), "POST", path, Some(body));
        assert_eq!(answer.code, 200, "{path}: {}", answer.text());
        answer.json().unwrap()
    }

    /// The numbers of the problem's incidents, once there are so many.
    fn incidents(&self, many: usize) -> Vec<u64> {
        until(&format!("{many} incidents of the problem"), || {
            let list = self.read("/api/v1/incidents?state=all&problem=PRB-1");
            let incidents = list["incidents"].as_array()?;
            assert!(incidents.iter().all(|one| one["problem"] == "PRB-1" && one["cause"] == "service_down"), "{list}");
            let numbers: Vec<u64> = incidents.iter().filter_map(|one| one["number"].as_u64()).collect();
            (numbers.len() == many).then_some(numbers)
        })
    }

    fn metric(&self, name: &str) -> Option<String> {
        let text = self.world.send(Some(&self.duty), "GET", "/metrics", None).text();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }
}

#[test]
fn what_comes_again_is_a_problem_whose_workaround_is_told_and_whose_fix_is_held_against_what_came_after() {
    let mut here = Recurring::new();
    let again = [(10, UP), (6, DOWN)].repeat(3);
    let all: Vec<(usize, Outcome)> = again.into_iter().chain([(10, UP)]).collect();
    here.attempts(wall_ms() - 60_000, &all);
    here.incidents(3);
    let list = here.read("/api/v1/problems?state=open&limit=1");
    assert_eq!((&list["problems"][0]["number"], &list["next"]), (&json!(1), &Value::Null), "{list}");
    let said = json!({ "root_cause": "connections leak", "workaround": "restart the pool" });
    assert_eq!(here.does("/api/v1/problems/PRB-1/known-error", &said)["state"], "known_error");

    here.attempts(wall_ms() - 3_000, &[(6, DOWN)]);
    let told = until("a message that says what helps", || {
        let all = here.world.inbox.payloads().unwrap();
        all.into_iter().find(|message| message["data"]["known_error"]["workaround"] == "restart the pool")
    });
    let (kind, data) = (&told["type"], &told["data"]);
    assert_eq!((kind, &data["problem"]), (&json!("uphold.incident.opened"), &json!("PRB-1")), "{told}");
    let fourth = here.incidents(4)[0];
    assert_eq!(data["number"], fourth);
    here.attempts(wall_ms(), &[(2, UP)]);
    let fixed = here.does("/api/v1/problems/PRB-1/fix", &json!({ "change": "CHG-1042" }));
    assert_eq!((&fixed["state"], &fixed["effect"]["came_back"]), (&json!("fixed"), &json!(false)), "{fixed}");
    until("the outage to be over", || {
        let list = here.read("/api/v1/incidents?state=open&cause=service_down");
        list["incidents"].as_array()?.is_empty().then_some(())
    });

    here.attempts(wall_ms() + 100, &[(6, DOWN)]);
    let fifth = here.incidents(5)[0];
    let effect = &here.read("/api/v1/problems/PRB-1")["problem"]["effect"];
    assert_eq!((&effect["after"], &effect["came_back"]), (&json!(1), &json!(true)), "{effect}");
    let counted = || here.metric("uphold_problems_came_back").filter(|count| count == "1");
    until("the metric to say that it came back", counted);
    assert_eq!(here.metric("uphold_problems{state=\"fixed\"}").as_deref(), Some("1"));

    taken_out(&here, fifth);
}

/// What somebody takes out stays out, on record of the incident and of the problem.
fn taken_out(here: &Recurring, incident: u64) {
    let (name, data) = (format!("INC-{incident}"), here.world.collector_data());
    let unlink = |to: &str| {
        let ended = run("uphold-collector", &["incidents", "unlink", &name, "problem", to, "--data", &data]);
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap() + &String::from_utf8(ended.stderr).unwrap())
    };
    assert_eq!(unlink("prb-1"), (Some(0), format!("Unlinked: {name}.\n")));
    let (code, said) = unlink("PRB-1");
    assert!(code == Some(1) && said.contains(&format!("{name} is not linked with the problem PRB-1")), "{said}");
    let (code, said) = unlink("PRB-");
    assert!(code == Some(2) && said.contains("such as PRB-2"), "{said}");
    let history = here.read(&format!("/api/v1/incidents/{name}"));
    assert_eq!((&history["incident"]["problem"], &history["problem"]), (&Value::Null, &Value::Null), "{history}");
    assert_eq!(history["events"].as_array().unwrap().last().unwrap()["event"], "unlinked");
    let problem = &here.read("/api/v1/problems/PRB-1")["problem"];
    assert_eq!((&problem["apart"], &problem["effect"]["came_back"]), (&json!([incident]), &json!(false)), "{problem}");
    let path = format!("/api/v1/incidents/{name}/links");
    let linked =
        |to: &str| here.world.send(Some(&here.duty), "POST", &path, Some(&json!({ "kind": "problem", "to": to })));
    let refused = linked("PRB-9");
    assert_eq!((refused.code, word(&refused).as_str()), (409, "no-such-problem"), "{}", refused.text());
    assert_eq!(linked("PRB-1").code, 200);
    let again = linked("PRB-1");
    assert_eq!((again.code, word(&again).as_str()), (409, "already-linked"), "{}", again.text());
}
