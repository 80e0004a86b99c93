//! A real ticket system: Redmine out of Debian's package, as tests/tickets/install unpacks it, each with a database of its own.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::child::Process;
use super::desk::{Desk, Ticket, made, refused, token};
use super::wait::wait_until;
use super::{free_port, http};

/// How long it may take to start.
const DEADLINE: Duration = Duration::from_mins(1);
/// What an instance has, beside its database.
const FOLDERS: [&str; 4] = ["config", "log", "tmp", "files"];

/// Redmine, served by one process.
#[derive(Debug)]
pub struct Redmine {
    process: Process,
    port: u16,
    /// The port under which it is known.
    known: u16,
    ada: String,
    folder: TempDir,
}

impl Redmine {
    /// Starts it with the project `operations`, in which there is nothing yet.
    pub fn start() -> io::Result<Self> {
        let port = free_port()?;
        Self::start_as(port, port)
    }

    /// Starts it behind somebody who listens on the port under which it is known.
    pub fn behind(known: u16) -> io::Result<Self> {
        Self::start_as(free_port()?, known)
    }

    fn start_as(port: u16, known: u16) -> io::Result<Self> {
        let app = made("redmine/app")?;
        // An instance is a folder of this one, by its name.
        let folder = tempfile::Builder::new().prefix("test-").tempdir_in(app.join("instances"))?;
        let of_instance = app.join("instances/made");
        FOLDERS.iter().try_for_each(|name| fs::create_dir(folder.path().join(name)))?;
        for file in ["redmine.sqlite3", "config/database.yml", "config/secret_key.txt"] {
            fs::copy(of_instance.join(file), folder.path().join(file))?;
        }
        fs::copy(made("redmine/uphold.token")?, folder.path().join("uphold.token"))?;
        let process = serve(&app, folder.path(), port)?;
        let ada = token(&made("redmine/ada.token")?)?;
        Ok(Self { process, port, known, ada, folder })
    }

    /// The port on which it listens itself.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What it said.
    pub fn log(&self) -> String {
        self.process.output()
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<http::Answer> {
        let headers = [("X-Redmine-API-Key", self.ada.as_str()), ("Content-Type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = http::send(self.port, method, path, &headers, body.as_bytes())?;
        if (200..300).contains(&answer.code) { Ok(answer) } else { Err(refused(path, &answer)) }
    }

    fn change(&self, ticket: &Ticket, change: &Value) -> io::Result<()> {
        self.ask("PUT", &format!("/issues/{}.json", ticket.id), Some(&json!({ "issue": change }))).map(drop)
    }
}

/// Serves an instance, and returns once it answers.
fn serve(app: &Path, instance: &Path, port: u16) -> io::Result<Process> {
    let name = instance.file_name().ok_or_else(|| io::Error::other("the instance has no name"))?;
    let mut command = Command::new("ruby");
    command.args(["-S", "rackup", "-s", "webrick", "-o", "127.0.0.1", "-p", &port.to_string(), "-E", "production"]);
    command.arg("config.ru").current_dir(app).env("RAILS_ENV", "production").env("REDMINE_INSTANCE", name);
    let mut process = Process::start("redmine", &mut command, instance)?;
    let answers = || http::get(port, "/issues.json").is_ok();
    wait_until(DEADLINE, "Redmine to answer", || !process.runs() || answers())?;
    if !process.runs() {
        return Err(io::Error::other(format!("Redmine ended; it said:\n{}", process.output())));
    }
    Ok(process)
}

impl Desk for Redmine {
    fn preset(&self) -> &'static str {
        "redmine"
    }

    fn variables(&self) -> &'static str {
        "project: operations"
    }

    fn ended(&self) -> (&'static str, &'static str) {
        ("Closed", "Resolved")
    }

    fn taken(&self) -> &'static str {
        "In Progress"
    }

    fn ada(&self) -> (&'static str, bool) {
        ("Ada Example", false)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.known)
    }

    fn link(&self, id: &str) -> String {
        format!("{}/issues/{id}", self.url())
    }

    fn token_file(&self) -> String {
        self.folder.path().join("uphold.token").display().to_string()
    }

    fn tickets(&self, title: &str) -> io::Result<Vec<Ticket>> {
        let path = format!("/issues.json?f%5B%5D=subject&op%5Bsubject%5D=~&v%5Bsubject%5D%5B%5D={title}&sort=id");
        let found = self.ask("GET", &path, None)?.json()?;
        let one = |found: &Value| {
            let path = format!("/issues/{}.json?include=journals", found["id"]);
            let issue = self.ask("GET", &path, None)?.json()?["issue"].take();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let notes = issue["journals"].as_array().into_iter().flatten().map(|one| text(&one["notes"]));
            let texts = [text(&issue["description"])].into_iter().chain(notes.filter(|text| !text.is_empty()));
            Ok(Ticket {
                id: issue["id"].to_string(),
                title: text(&issue["subject"]),
                state: text(&issue["status"]["name"]),
                texts: texts.collect(),
            })
        };
        found["issues"].as_array().into_iter().flatten().map(one).collect()
    }

    fn say(&self, ticket: &Ticket, text: &str) -> io::Result<()> {
        self.change(ticket, &json!({ "notes": text }))
    }

    fn take(&self, ticket: &Ticket) -> io::Result<()> {
        let me = self.ask("GET", "/users/current.json", None)?.json()?["user"]["id"].take();
        self.change(ticket, &json!({ "assigned_to_id": me }))
    }

    fn end(&self, ticket: &Ticket) -> io::Result<()> {
        self.change(ticket, &json!({ "status_id": 5 }))
    }
}
