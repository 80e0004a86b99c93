//! The schema of the catalogue as an editor uses it: it takes what the reader takes, and of what the reader refuses it
//! lets through only what is listed.
//!
//! `common` holds the keys of both against each other; here are their values: words, defaults, what is required.

mod values;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Map, Value};
use uphold_common::catalogue::SCHEMA;
use uphold_common::yaml::problem::Report;
use uphold_common::yaml::tree::{self, Node, Value as Tree};

use super::examples::with_holidays;
use super::pages::{Page, read_all};

/// The fixtures that the schema lets through, since only the reader can know: by what it knows.
const ONLY_THE_READER: [(&str, &[&str]); 12] = [
    (
        "what the parts of a target say together",
        &[
            "target-alerts-factor.yaml",
            "target-alerts-look-back.yaml",
            "target-alerts-short.yaml",
            "target-credits-twice.yaml",
        ],
    ),
    (
        "what is declared, and what refers to it",
        &[
            "agreement-contract-with-customer-party.yaml",
            "agreement-contract-with-customer.yaml",
            "agreement-sla-with-supplier.yaml",
            "available-when-no-probes.yaml",
            "available-when-unknown-probe.yaml",
            "available-when-unknown-service.yaml",
            "component-host.yaml",
            "calendar-holiday-file-missing.yaml",
            "component-party.yaml",
            "probe-component.yaml",
            "probe-reading-host.yaml",
            "probe-labels-name.yaml",
            "probe-labels-none-there.yaml",
            "probe-labels-together.yaml",
            "probe-labels-too-many.yaml",
            "probe-labels-value-far.yaml",
            "probe-labels-value.yaml",
            "route-to-nobody.yaml",
            "route-to.yaml",
            "service-calendar-misspelt.yaml",
            "target-response-time-probe.yaml",
            "service-customer.yaml",
            "target-capacity-host.yaml",
            "target-service.yaml",
        ],
    ),
    (
        "what is declared already",
        &[
            "agent-address-twice.yaml",
            "agent-id-twice.yaml",
            "calendar-id-twice.yaml",
            "customer-id-twice.yaml",
            "party-own.yaml",
            "probe-id-twice.yaml",
            "receiver-id-twice.yaml",
            "service-id-twice.yaml",
            "target-id-twice.yaml",
        ],
    ),
    (
        "what must fit together",
        &[
            "available-when-itself.yaml",
            "available-when-too-many.yaml",
            "target-capacity-thresholds-equal.yaml",
            "probe-confirm-after.yaml",
            "probe-dns-answer-of-type.yaml",
            "probe-dns-answer.yaml",
            "probe-dns-answers-twice.yaml",
            "probe-dns-no-answers.yaml",
            "probe-icmp-loss.yaml",
            "probe-icmp-too-long.yaml",
            "probe-process-any.yaml",
            "probe-process-most.yaml",
            "probe-prometheus-bounds.yaml",
            "probe-reading-agent.yaml",
            "probe-reading-interval.yaml",
            "probe-reading-twice.yaml",
            "target-capacity-not-read.yaml",
            "probe-slow-after.yaml",
            "probe-stale-after.yaml",
            "probe-timeout-over-interval.yaml",
        ],
    ),
    (
        "how long a duration is, which zones there are, and regular expressions",
        &[
            "organisation-city.yaml",
            "probe-body-matches-too-big.yaml",
            "probe-body-matches.yaml",
            "probe-interval-too-long.yaml",
            "probe-interval-too-short.yaml",
            "receiver-alertmanager-every.yaml",
            "receiver-exec-timeout.yaml",
            "target-capacity-for.yaml",
            "target-capacity-lead-time.yaml",
            "target-window-too-long.yaml",
        ],
    ),
    (
        "all files of a catalogue, of which each may lack something",
        &["empty.yaml", "organisation-missing.yaml", "services-missing.yaml"],
    ),
    (
        "an address that is more than one",
        &["receiver-alertmanager-path.yaml", "receiver-alertmanager-query.yaml", "receiver-http-fragment.yaml"],
    ),
    (
        "what belongs to a kind of probe",
        &["probe-prometheus-series.yaml", "probe-reading-limit-zero.yaml", "probe-reading-limit.yaml"],
    ),
    (
        "who can be told by whom, and what comes after what",
        &["escalation-step-order.yaml", "escalation-to-alertmanager.yaml", "response-nothing.yaml"],
    ),
    (
        "which mail addresses and servers there are, and that a program is named by its whole path",
        &[
            "receiver-exec-relative.yaml",
            "receiver-mail-from-domain.yaml",
            "receiver-mail-from-dots.yaml",
            "receiver-mail-from.yaml",
            "receiver-mail-server.yaml",
            "receiver-mail-to-twice.yaml",
            "receiver-mail-to.yaml",
        ],
    ),
    (
        "that a login has a name, a password and an encrypted way",
        &["receiver-mail-clear.yaml", "receiver-mail-login-user.yaml", "receiver-mail-login.yaml"],
    ),
    ("how it was written", &["yaml-anchor.yaml", "yaml-tag.yaml"]),
];

/// The schema, ready to be asked.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("catalogue.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
        let index = compiler.compile("catalogue.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// Why the schema refuses this document.
    fn refusal(&self, document: &Value) -> Option<String> {
        self.schemas.validate(document, self.index).err().map(|error| error.to_string())
    }
}

/// A text as an editor reads it, with the types that YAML 1.2 guesses; `None` when it is no YAML.
fn as_an_editor_reads(text: &str) -> Option<Value> {
    let tree = tree::read("example", text, &Report::default()).ok()?;
    Some(tree.map_or_else(|| Value::Object(Map::new()), |tree| value(&tree)))
}

fn value(node: &Node) -> Value {
    match &node.value {
        _ if node.is_nothing() => Value::Null,
        Tree::Scalar { text, plain: true } => guessed(text),
        Tree::Scalar { text, plain: false } => Value::from(text.as_str()),
        Tree::Sequence(items) => items.iter().map(value).collect(),
        Tree::Mapping(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect())
        }
    }
}

fn guessed(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => Value::from(whole),
        (_, Ok(real)) if number => Value::from(real),
        _ => Value::from(text),
    }
}

fn is_catalogue(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("services:") || line.starts_with("organisation:"))
}

/// The catalogues of the workspace that are meant to be sound: files, and blocks in pages.
fn sound() -> Vec<(String, String)> {
    let files = read_all(&["yaml"]).into_iter().filter(|file| !file.path.contains("/fixtures/"));
    let mut found: Vec<(String, String)> = files.map(|file| (file.path, file.text)).collect();
    for page in read_all(&["md"]) {
        let blocks = page.blocks().into_iter().filter(|block| block.language == "yaml");
        found.extend(blocks.map(|block| (format!("{}:{}", page.path, block.line), block.text)));
    }
    found.retain(|(_, text)| is_catalogue(text) && uphold_common::catalogue::read(&with_holidays(text)).is_ok());
    found
}

#[test]
fn every_sound_catalogue_is_taken() {
    let (schema, sound) = (Schema::new(), sound());
    for path in ["config/catalogue.yaml", "common/src/catalogue/whole.yaml", "tests/golden/month/catalogue.yaml"] {
        assert!(sound.iter().any(|(name, _)| name == path), "{path} was not found or is not sound");
    }
    assert!(sound.iter().any(|(name, _)| name.starts_with("docs/catalogue.md")), "no page shows one");
    let refused = sound.iter().filter_map(|(name, text)| {
        let document = as_an_editor_reads(text).unwrap();
        schema.refusal(&document).map(|why| format!("{name}: {why}"))
    });
    super::accept(&refused.collect::<Vec<_>>());
}

/// Which of these the schema does not refuse as it should, and which it refuses though they are listed.
fn surprises(fixtures: &[Page], listed: &[&str]) -> Vec<String> {
    let schema = Schema::new();
    let mut told = Vec::new();
    let name = |page: &Page| page.path.rsplit('/').next().unwrap_or_default().to_owned();
    for fixture in fixtures {
        // What is no YAML is refused by every editor.
        let Some(document) = as_an_editor_reads(&fixture.text) else { continue };
        let (name, refused) = (name(fixture), schema.refusal(&document).is_some());
        match (refused, listed.contains(&name.as_str())) {
            (true, true) => told.push(format!("{name}: is listed, and the schema refuses it")),
            (false, false) => told.push(format!("{name}: the schema takes it, and it is not listed")),
            _ => {}
        }
    }
    let gone = listed.iter().filter(|listed| !fixtures.iter().any(|fixture| name(fixture) == **listed));
    told.extend(gone.map(|listed| format!("{listed}: is listed, and there is none")));
    told
}

#[test]
fn every_mistake_is_refused_or_listed() {
    let fixtures: Vec<Page> =
        read_all(&["yaml"]).into_iter().filter(|file| file.path.contains("catalogue/fixtures/")).collect();
    assert!(fixtures.len() >= 100, "only {} fixtures were found", fixtures.len());
    let listed: Vec<&str> = ONLY_THE_READER.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    super::accept(&surprises(&fixtures, &listed));
}

#[test]
fn the_list_is_exact_both_ways() {
    let fixture = |name: &str, text: &str| Page::of(name, text);
    let fixtures =
        [fixture("f/a.yaml", "customers: [x]"), fixture("f/b.yaml", "hosts: []"), fixture("f/c.yaml", "x: [")];
    assert_eq!(surprises(&fixtures, &["b.yaml"]), [""; 0]);
    assert_eq!(surprises(&fixtures, &[]).len(), 1, "b is taken");
    assert_eq!(surprises(&fixtures, &["a.yaml", "b.yaml"]).len(), 1, "a is refused");
    assert_eq!(surprises(&fixtures, &["b.yaml", "d.yaml"]).len(), 1, "d is gone");
}
