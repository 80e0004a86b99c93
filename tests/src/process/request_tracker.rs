//! A real ticket system: Request Tracker out of Debian's package, with a database in a folder of its own.

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
/// Its server, in nobody's path.
const SERVER: &str = "/usr/share/request-tracker5/libexec/rt-server";

/// Request Tracker, served by one process.
#[derive(Debug)]
pub struct RequestTracker {
    process: Process,
    port: u16,
    /// The port under which it is known.
    known: u16,
    ada: String,
    folder: TempDir,
}

impl RequestTracker {
    /// Starts it with the queue `Operations`, in which there is nothing yet.
    pub fn start() -> io::Result<Self> {
        let port = free_port()?;
        Self::start_as(port, port)
    }

    /// Starts it behind somebody who listens on the port under which it is known.
    pub fn behind(known: u16) -> io::Result<Self> {
        Self::start_as(free_port()?, known)
    }

    fn start_as(port: u16, known: u16) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for file in ["rt.db", "uphold.token", "ada.token"] {
            fs::copy(made(&format!("request-tracker/{file}"))?, folder.path().join(file))?;
        }
        fs::create_dir(folder.path().join("conf.d"))?;
        fs::write(folder.path().join("RT_SiteConfig.pm"), configuration(folder.path(), known))?;
        let mut command = Command::new(SERVER);
        // The one server of Plack that has no children, who would survive it.
        command.args(["--server", "Standalone", "--host", "127.0.0.1", "--port", &port.to_string()]);
        command.env("RT_SITE_CONFIG", folder.path().join("RT_SiteConfig.pm"));
        command.env("RT_SITE_CONFIG_DIR", folder.path().join("conf.d"));
        let mut process = Process::start("request-tracker", &mut command, folder.path())?;
        let answers = || http::get(port, "/REST/2.0/rt").is_ok();
        wait_until(DEADLINE, "Request Tracker to answer", || !process.runs() || answers())?;
        if !process.runs() {
            return Err(io::Error::other(format!("Request Tracker ended; it said:\n{}", process.output())));
        }
        let ada = format!("token {}", token(&folder.path().join("ada.token"))?);
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

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Value> {
        let headers = [("Authorization", self.ada.as_str()), ("Content-Type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = http::send(self.port, method, &format!("/REST/2.0/{path}"), &headers, body.as_bytes())?;
        if !(200..300).contains(&answer.code) {
            return Err(refused(path, &answer));
        }
        answer.json()
    }

    fn texts(&self, id: &str) -> io::Result<Vec<String>> {
        let all = self.ask("GET", &format!("ticket/{id}/attachments?fields=Content&per_page=100"), None)?;
        let texts = all["items"].as_array().into_iter().flatten();
        Ok(texts.map(|one| one["Content"].as_str().unwrap_or_default().to_owned()).collect())
    }
}

impl Desk for RequestTracker {
    fn preset(&self) -> &'static str {
        "request-tracker"
    }

    fn variables(&self) -> &'static str {
        "queue: Operations"
    }

    fn ended(&self) -> (&'static str, &'static str) {
        ("rejected", "resolved")
    }

    fn taken(&self) -> &'static str {
        "open"
    }

    fn ada(&self) -> (&'static str, bool) {
        ("ada", true)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.known)
    }

    fn link(&self, id: &str) -> String {
        format!("{}/Ticket/Display.html?id={id}", self.url())
    }

    fn token_file(&self) -> String {
        self.folder.path().join("uphold.token").display().to_string()
    }

    fn tickets(&self, title: &str) -> io::Result<Vec<Ticket>> {
        let path = format!("tickets?query=Subject%20LIKE%20%27{title}%27&fields=Subject,Status&orderby=id");
        let found = self.ask("GET", &path, None)?;
        let one = |item: &Value| {
            let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            let id = text("id");
            let texts = self.texts(&id)?;
            Ok(Ticket { id, title: text("Subject"), state: text("Status"), texts })
        };
        found["items"].as_array().into_iter().flatten().map(one).collect()
    }

    fn say(&self, ticket: &Ticket, text: &str) -> io::Result<()> {
        let body = json!({ "Content": text, "ContentType": "text/plain" });
        self.ask("POST", &format!("ticket/{}/correspond", ticket.id), Some(&body)).map(drop)
    }

    fn take(&self, ticket: &Ticket) -> io::Result<()> {
        self.ask("PUT", &format!("ticket/{}", ticket.id), Some(&json!({ "Owner": "ada" }))).map(drop)
    }

    fn end(&self, ticket: &Ticket) -> io::Result<()> {
        self.ask("PUT", &format!("ticket/{}", ticket.id), Some(&json!({ "Status": "rejected" }))).map(drop)
    }
}

/// Its configuration: everything that it writes is in this folder.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "Set($rtname, 'example.net');\n\
         Set($Organization, 'example.net');\n\
         Set($WebDomain, '127.0.0.1');\n\
         Set($WebPort, {port});\n\
         Set($WebPath, '');\n\
         Set($Timezone, 'UTC');\n\
         Set($DatabaseType, 'SQLite');\n\
         Set($DatabaseName, '{folder}/rt.db');\n\
         Set($MailCommand, 'testfile');\n\
         Set($LogToSyslog, undef);\n\
         Set($LogToSTDERR, 'warning');\n\
         Set($WebSessionClass, 'Apache::Session::File');\n\
         Set(%WebSessionProperties, Directory => '{folder}', LockDirectory => '{folder}');\n\
         Set(@MasonParameters, data_dir => '{folder}/mason');\n\
         1;\n"
    )
}
