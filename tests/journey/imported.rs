//! History that is imported: through the running collector and on the store, killed and gone on with, refused line by line;
//! and exported again as it was.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use uphold_tests::process::child::{Process, program};
use uphold_tests::process::wait::wall_ms;

use crate::world::{World, run, until};

const DAY_MS: i64 = 86_400_000;
/// How many seconds of history are brought where an import is to be killed on its way.
const LONG_S: i64 = 700_000;

/// The start of the history: a day sixty days ago, so that nothing in it raises an incident.
fn begin() -> i64 {
    (wall_ms() / DAY_MS - 60) * DAY_MS
}

/// Seconds of history from `from` on, an attempt each: down for the hundred seconds from 1,000 on.
fn lines(begin: i64, seconds: i64) -> String {
    let outcome = |second: i64| if (1_000..1_100).contains(&second) { "down" } else { "up" };
    let line = |second: i64| {
        let (at, outcome, us) = (begin + second * 1_000, outcome(second), 1_000 + second % 997);
        format!(
            "{{\"probe\":\"shop/front\",\"agent\":\"zurich-1\",\"at\":{at},\"outcome\":\"{outcome}\",\"duration_us\":{us}}}\n"
        )
    };
    (0..seconds).map(line).collect()
}

impl World {
    /// A collector whose shop has been there for long, and nobody who watches.
    fn with_a_past() -> Self {
        Self::without_agent_under(|_, text| {
            text.replace("criticality: high\n", "criticality: high\n    since: 2020-01-01T00:00:00Z\n")
        })
    }

    fn history(&self, text: &str) -> String {
        let path = self.path("history.jsonl");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Imports a file; the exit code and the outcome.
    fn import(&self, file: &str) -> (Option<i32>, Value) {
        let done = run("uphold-collector", &["import", file, "--format", "json", "--data", &self.collector_data()]);
        let told = serde_json::from_slice(&done.stdout);
        let told = told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)));
        (done.status.code(), told)
    }

    fn export(&self, more: &[&str]) -> String {
        let data = self.collector_data();
        let args: Vec<&str> = ["export", "--data", &data].iter().chain(more).copied().collect();
        let done = run("uphold-collector", &args);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// How long the shop was in each kind over a stretch of the history, asked of the collector or of the store.
    fn kinds(&self, begin: i64, seconds: i64) -> Value {
        let (from, to) = (begin.to_string(), (begin + seconds * 1_000).to_string());
        let data = self.collector_data();
        let args = ["report", "shop", "--from", &from, "--to", &to, "--timelines", "--format", "json", "--data", &data];
        let done = run("uphold-collector", &args);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// The import is killed once some of it is in, and again; then it goes on to its end.
    fn import_through_kills(&self, file: &str) {
        let mut reached = 0;
        for _ in 0..2 {
            let mut command = Command::new(program("uphold-collector").unwrap());
            let command = command.args(["import", file, "--data", &self.collector_data()]);
            let mut import = Process::start("import", command, &self.path("")).unwrap();
            let further = until("the import to come further", || {
                let lines = self.mark().filter(|lines| *lines > reached);
                (lines.is_some() || !import.runs()).then_some(lines)
            });
            import.kill().unwrap();
            reached = further.unwrap_or_else(|| panic!("{}", import.output()));
        }
        assert!(reached < LONG_S, "it was killed on its way");
        let (code, told) = self.import(file);
        assert_eq!(
            (code, told["taken"].as_i64(), told["refused"].as_i64()),
            (Some(0), Some(LONG_S), Some(0)),
            "{told}"
        );
        assert!(told["before"].as_i64().is_some_and(|before| before >= reached), "it went on: {told}");
    }

    /// After how many lines the only import that was begun is marked.
    fn mark(&self) -> Option<i64> {
        let folder = PathBuf::from(self.collector_data()).join("imports");
        let mut files = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
        let file = files.find(|file| file.extension().is_some_and(|extension| extension == "json"))?;
        let mark: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        mark["lines"].as_i64()
    }
}

/// Down for a hundred seconds, up for the rest, and nothing unmeasured.
fn assert_figures(figures: &Value, begin: i64, seconds: i64) {
    let block = &figures["targets"]["shop-sla/availability"]["contractual"];
    let kind = |name: &str| block["kinds"][name].as_i64().unwrap();
    assert_eq!((kind("down"), kind("unmeasured")), (100_000, 0), "{}", block["kinds"]);
    assert_eq!(kind("up"), (seconds - 100) * 1_000);
    assert_eq!(block["break_count"], 1);
    let ms = |second: i64| begin + second * 1_000;
    let stretches =
        serde_json::json!([[ms(0), ms(1_000), "up"], [ms(1_000), ms(1_100), "down"], [ms(1_100), ms(seconds), "up"]]);
    assert_eq!(figures["vantage"]["shop/front"]["zurich-1"], stretches);
    assert_eq!((&figures["probes"]["shop/front"], &figures["services"]["shop"]), (&stretches, &stretches));
}

#[test]
fn an_import_that_is_killed_goes_on_where_it_was_and_counts_nothing_twice() {
    let mut world = World::with_a_past();
    let begin = begin();
    let text = lines(begin, LONG_S);
    let file = world.history(&text);
    world.import_through_kills(&file);
    assert!(world.export(&[]) == text, "what was imported is what is exported");
    until("the figures of the history", || {
        let figures = world.kinds(begin, LONG_S);
        (figures["targets"]["shop-sla/availability"]["contractual"]["kinds"]["unmeasured"] == 0).then_some(())
    });
    assert_figures(&world.kinds(begin, LONG_S), begin, LONG_S);
    let agent = "uphold_agent_missing_batches{agent=\"zurich-1\"}";
    assert!(world.collector_metric(agent).is_some_and(|missing| missing < 0.5));
    world.kill_collector();
    assert_figures(&world.kinds(begin, LONG_S), begin, LONG_S);
    assert!(world.export(&[]) == text, "also out of the store");
    let verified = run("uphold-collector", &["verify", "--all", "--data", &world.collector_data()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn a_store_that_was_put_back_is_given_what_it_lacks() {
    let mut world = World::with_a_past();
    world.kill_collector();
    let begin = begin();
    let text = lines(begin, 2_000);
    let file = world.history(&text);
    let (store, backup) = (PathBuf::from(world.collector_data()).join("store"), world.path("backup"));
    let copy = |from: &PathBuf, to: &PathBuf| {
        let copied = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
        assert!(copied.success());
    };
    copy(&store, &backup);
    assert_eq!(world.import(&file).1["before"], 0);
    assert_eq!(world.import(&file).1["before"], 2_000, "it is known how far it came");
    fs::remove_dir_all(&store).unwrap();
    copy(&backup, &store);
    let (code, told) = world.import(&file);
    assert_eq!((code, &told["before"], &told["taken"]), (Some(0), &0.into(), &2_000.into()), "{told}");
    assert!(world.export(&[]) == text, "everything is there again");
}

#[test]
fn a_collector_that_is_killed_under_an_import_has_what_was_marked() {
    let mut world = World::with_a_past();
    let begin = begin();
    let text = lines(begin, LONG_S);
    let file = world.history(&text);
    let mut command = Command::new(program("uphold-collector").unwrap());
    let command = command.args(["import", &file, "--data", &world.collector_data()]);
    let mut import = Process::start("import", command, &world.path("")).unwrap();
    until("some of it to be in", || world.mark());
    world.kill_collector();
    let ended = import.wait_for_end(crate::world::DEADLINE).unwrap();
    assert_eq!(ended.code(), Some(3), "{}", import.output());
    let marked = usize::try_from(world.mark().unwrap()).unwrap();
    let there = world.export(&[]);
    assert!(there.lines().count() >= marked && text.starts_with(&there), "{marked} lines are marked");
    // With no collector it goes on in the store itself.
    let (code, told) = world.import(&file);
    assert_eq!((code, told["taken"].as_i64()), (Some(0), Some(LONG_S)), "{told}");
    assert!(world.export(&[]) == text);
    world.start_collector();
    assert_figures(&world.kinds(begin, LONG_S), begin, LONG_S);
}

#[test]
fn lines_in_any_order_and_twice_are_the_same_history_and_bad_ones_are_told_by_number() {
    let mut world = World::with_a_past();
    let begin = begin();
    let text = lines(begin, 5_000);
    let mut shuffled: Vec<&str> = text.lines().rev().collect();
    shuffled.extend(text.lines().step_by(3));
    let misspelt = text.lines().next().unwrap().replace("front", "frnt");
    shuffled.insert(2, &misspelt);
    shuffled.insert(4, "{");
    shuffled.push(r#"{"probe":"shop/front","agent":"zurich-1","at":1,"outcome":"dwon"}"#);
    let file = world.history(&shuffled.join("\n"));
    let (code, told) = world.import(&file);
    assert_eq!((code, &told["refused"]), (Some(1), &3.into()), "{told}");
    let message = |place: usize| told["problems"][place]["message"].as_str().unwrap().to_owned();
    assert!(message(0).starts_with("line 3: probe: ") && message(0).contains("\"shop/front\""), "{}", message(0));
    assert!(message(1).starts_with("line 5, column 1: expected JSON"), "{}", message(1));
    assert!(message(2).starts_with("line 6670: outcome: ") && message(2).contains("\"down\""), "{}", message(2));
    assert!(world.export(&[]) == text, "sorted, and each once");
    let part = world.export(&["--from", &(begin + 3_000).to_string(), "--to", &(begin + 5_000).to_string()]);
    assert!(text.lines().skip(3).take(2).eq(part.lines()), "{part}");
    assert!(world.export(&["--agent", "zurich-1", "--probe", "shop/front"]) == text);
    let none = run("uphold-collector", &["export", "--service", "shpo", "--data", &world.collector_data()]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(none.status.code() == Some(1) && said.contains("did you mean \"shop\"?"), "{said}");

    // The last line has no end, so it is read again.
    let (again, told) = world.import(&file);
    assert_eq!((again, &told["before"], &told["refused"]), (Some(1), &6_669.into(), &3.into()), "{told}");
    let deeds = run("uphold-collector", &["deeds", "--data", &world.collector_data()]);
    assert!(String::from_utf8_lossy(&deeds.stdout).contains("began an import of history.jsonl"));
    // What was exported makes the same history in an empty store, where no collector runs.
    let other = World::with_a_past();
    let taken_out = other.history(&world.export(&[]));
    let (code, _) = other.import(&taken_out);
    assert!(code == Some(0) && other.export(&[]) == text);
    world.stop_collector();
}
