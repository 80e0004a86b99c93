//! A collector started over what may be damaged: what it says of itself and of the services, and how that is judged.
//!
//! Wrong figures are allowed where the damage, or that the store is older than it was, is *said*: by a refusal to start,
//! by an error as an answer, in the metrics, in the log, by `/readyz`, or by asking the agents for what they hold. Never
//! allowed are figures that differ and nothing that is said, a panic of ours, an end without a word, and no end.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Map, Value};
use uphold_common::wire::push::PushAnswer;
use uphold_tests::process::child::{Process, program, system_program};
use uphold_tests::process::http;
use uphold_tests::process::wait::wait_for;

use crate::load::try_push;
use crate::site::{difference, figure_paths};
use crate::small::{DELIVERED, TOKEN, delivered};

/// How long a collector may take to answer or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much memory it may ask for.
const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// The exit codes of a refusal that is told.
const REFUSALS: [i32; 2] = [3, 4];
/// Words in the names of metrics that are above zero when something is wrong with the store.
const ALARMS: [&str; 5] = ["corrupt", "damaged", "missing", "older", "lost"];

/// What became of a collector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// It answers.
    Answers {
        /// Figures, incidents, tokens and deeds, by where they were asked for.
        said: Value,
        /// What it says is wrong with its store.
        alarms: Vec<String>,
    },
    /// It refused to start, or ended, and said why.
    Refused(String),
    /// What must never happen.
    Never(String),
}

/// How a look at a damaged store compares with one at the sound store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing differs and nothing is said.
    Equal,
    /// Nothing differs, and something is said.
    EqualAndSaid,
    /// Something differs, and that is said.
    Said(String),
    /// It did not start, or ended, and said why.
    Refused(String),
    /// What must never happen, with what was seen.
    Violation(String),
}

/// Holds what was seen against what a sound store says.
pub(crate) fn judge(sound: &Value, seen: Seen) -> Verdict {
    match seen {
        Seen::Refused(why) => Verdict::Refused(why),
        Seen::Never(what) => Verdict::Violation(what),
        Seen::Answers { said, alarms } => match (differences(sound, &said), alarms.is_empty()) {
            (None, true) => Verdict::Equal,
            (None, false) => Verdict::EqualAndSaid,
            (Some(place), false) => Verdict::Said(format!("{}; it differs in {place}", alarms.join("; "))),
            (Some(place), true) => Verdict::Violation(format!("nothing is said, and it differs in {place}")),
        },
    }
}

/// In which documents two looks differ, and where in each first; none when they are equal.
fn differences(sound: &Value, said: &Value) -> Option<String> {
    let documents = sound.as_object().into_iter().flatten();
    let differing = documents.filter_map(|(path, document)| {
        let place = difference(document, said.get(path).unwrap_or(&Value::Null))?;
        Some(format!("{path}: {place}"))
    });
    let all: Vec<String> = differing.collect();
    (!all.is_empty()).then(|| format!("{} documents: {}", all.len(), all.join(" | ")))
}

/// Starts a collector over the data in `folder`, which holds its catalogue and configuration as well, asks it everything,
/// and kills it.
pub(crate) fn look(folder: &Path, port: u16, present: i64) -> Seen {
    // Each look is told from the one before it.
    drop(fs::remove_file(folder.join("collector.log")));
    let mut command = Command::new(system_program("prlimit").unwrap());
    command.arg(format!("--as={MEMORY_BYTES_MAX}")).arg("--core=0").arg(program("uphold-collector").unwrap());
    command.args(["--log", "warn", "serve", "--listen", &format!("127.0.0.1:{port}")]);
    for (flag, name) in [("--config", "collector.yaml"), ("--catalogue", "catalogue.yaml"), ("--data", "data")] {
        command.arg(flag).arg(folder.join(name));
    }
    let mut process = Process::start("collector", &mut command, folder).unwrap();
    let answers = wait_for(PATIENCE, "an answer or an end", || {
        let answers = http::get(port, "/healthz").is_ok_and(|answer| answer.code == 200);
        (answers || !process.runs()).then_some(answers)
    });
    match answers {
        Err(_) => Seen::Never(format!("it hangs at the start; it said: {}", told(&process))),
        Ok(false) => how_it_ended(&mut process),
        Ok(true) => match ask(port, present, &fs::read_to_string(folder.join(TOKEN)).unwrap()) {
            Ok((said, mut alarms)) => {
                alarms.extend(logged(&process.output()));
                match panicked(&process.output()) {
                    Some(panic) => Seen::Never(format!("it goes on after a panic: {panic}")),
                    None => Seen::Answers { said, alarms },
                }
            }
            // Whoever gets no answer looks at whether it ended, and how.
            Err(why) => match process.wait_for_end(PATIENCE) {
                Ok(_) => how_it_ended(&mut process),
                Err(_) => Seen::Never(format!("no answer ({why}) and no end; it said: {}", told(&process))),
            },
        },
    }
}

/// An end is a refusal when its code says so and a sentence says why. A panic in what we use is one as well, if the
/// program ends so all the same; one of ours never is.
fn how_it_ended(process: &mut Process) -> Seen {
    let status = process.wait_for_end(PATIENCE).unwrap();
    let said = process.output();
    let sentence = said.lines().find(|line| line.starts_with("uphold-collector: ")).map(str::to_owned);
    let ours = panicked(&said).filter(|panic| !panic.contains("/sled-"));
    match (status.code(), sentence, ours) {
        (_, _, Some(panic)) => Seen::Never(format!("a panic of ours: {panic}")),
        (Some(code), Some(sentence), None) if REFUSALS.contains(&code) => Seen::Refused(sentence),
        _ => Seen::Never(format!("it ended with {status}; it said: {}", told(process))),
    }
}

/// The last words of a process, in one line.
fn told(process: &Process) -> String {
    let said = process.output();
    let line = panicked(&said).unwrap_or_else(|| said.lines().last().unwrap_or("nothing").to_owned());
    line.chars().take(300).collect()
}

/// Where somebody panicked, and the message after it.
fn panicked(said: &str) -> Option<String> {
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at"));
    let place = lines.next()?;
    Some(format!("{place} {}", lines.next().unwrap_or_default()))
}

/// What the log says loud enough.
fn logged(said: &str) -> Vec<String> {
    let loud = said.lines().filter(|line| line.contains(" ERROR ") || line.contains(" WARN "));
    loud.map(|line| line.chars().take(200).collect()).take(3).collect()
}

/// Asks everything; gives what was answered and what is said to be wrong.
fn ask(port: u16, present: i64, token: &str) -> std::io::Result<(Value, Vec<String>)> {
    let (mut said, mut alarms) = (Map::new(), Vec::new());
    let records = ["/api/v1/incidents?state=all", "/api/v1/tokens", "/api/v1/deeds"].map(str::to_owned);
    for path in figure_paths(present).into_iter().chain(records) {
        let bearer = format!("Bearer {token}");
        let answer = http::send(port, "GET", &path, &[("authorization", &bearer)], &[])?;
        let mut document = answer.json().unwrap_or_default();
        if answer.code >= 500 {
            alarms.push(format!("{path} is answered with {}: {}", answer.code, answer.text()));
        }
        if let Some(fields) = document.as_object_mut().filter(|_| !path.contains("figures")) {
            fields.remove("as_of_ms");
        }
        said.insert(path, document);
    }
    // Each agent comes once more with the last batch it delivered, as it would after a lost answer: a store that is
    // older than that asks for what it misses.
    for agent in 0..crate::site::AGENTS.len() {
        let answer = try_push(port, &delivered(agent, DELIVERED, present), DELIVERED)?;
        let told: Option<PushAnswer> = serde_json::from_slice(&answer.body).ok();
        match told.map(|told| told.replay_from) {
            Some(None) => {}
            Some(Some(from)) => alarms.push(format!("an agent is asked for what follows from {from} again")),
            None => alarms.push(format!("an agent is answered with {}: {}", answer.code, answer.text())),
        }
    }
    let ready = http::get(port, "/readyz")?;
    if ready.code != 200 || ready.text().trim() != "ready" {
        alarms.push(format!("/readyz: {}", ready.text()));
    }
    for line in http::get(port, "/metrics")?.text().lines().filter(|line| line.starts_with("uphold_store_")) {
        let above_zero =
            line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok()).is_some_and(|v| v > 0.0);
        if above_zero && ALARMS.iter().any(|word| line.contains(word)) {
            alarms.push(line.to_owned());
        }
    }
    Ok((Value::Object(said), alarms))
}
