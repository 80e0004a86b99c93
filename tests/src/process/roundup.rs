//! A real ticket system: Roundup, with its classic tracker in a folder of its own, over REST.
//!
//! It refuses to serve as root and becomes nobody then, so its folder is nobody's too. Mail that it would send goes to a file.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{Process, pypi_python};
use super::wait::wait_until;
use super::{free_port, http};

/// How long it may take to start.
const DEADLINE: Duration = Duration::from_mins(1);
/// The password of `admin`, who is ours.
const PASSWORD: &str = "of-the-admin";
/// Who uses it beside us, with the same password.
const PERSON: &str = "ada";

/// A tracker that is served.
#[derive(Debug)]
pub struct Roundup {
    process: Option<Process>,
    port: u16,
    /// The port under which it is known.
    known: u16,
    folder: TempDir,
}

impl Roundup {
    /// Starts one that takes as many requests as come.
    pub fn start() -> io::Result<Self> {
        let port = free_port()?;
        Self::start_as(port, port, None)
    }

    /// Starts one that takes this many requests in as many seconds from each user.
    pub fn throttled(calls: u32, seconds: u32) -> io::Result<Self> {
        let port = free_port()?;
        Self::start_as(port, port, Some((calls, seconds)))
    }

    /// Starts one behind somebody who listens on the port under which it is known.
    pub fn behind(known: u16) -> io::Result<Self> {
        Self::start_as(free_port()?, known, None)
    }

    fn start_as(port: u16, known: u16, throttle: Option<(u32, u32)>) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let mut roundup = Self { process: None, port, known, folder };
        roundup.admin(&["install", "classic", "sqlite"])?;
        roundup.configure(throttle)?;
        roundup.admin(&["initialise", PASSWORD])?;
        let person = format!("username={PERSON}");
        let password = format!("password={PASSWORD}");
        roundup.admin(&["create", "user", &person, &password, "roles=User", "address=ada@example.net"])?;
        if roundup.is_root()? {
            done(Command::new("chown").args(["-R", "nobody:nogroup"]).arg(roundup.tracker()))?;
        }
        roundup.start_again()?;
        Ok(roundup)
    }

    /// Where the tracker is found.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/t", self.known)
    }

    /// The port on which it listens itself.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A file with the password of `admin`.
    pub fn password_file(&self) -> io::Result<String> {
        let path = self.folder.path().join("password");
        fs::write(&path, PASSWORD)?;
        Ok(path.display().to_string())
    }

    /// Stops it as a power cut would: connections are refused from now on.
    pub fn stop(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().map(drop),
            None => Ok(()),
        }
    }

    /// Starts it on the same port, and returns once it answers.
    pub fn start_again(&mut self) -> io::Result<()> {
        let mut command = Command::new(pypi_python()?.with_file_name("roundup-server"));
        if self.is_root()? {
            command.args(["-u", "nobody", "-g", "nogroup"]);
        }
        command.args(["-n", "127.0.0.1", "-p", &self.port.to_string()]).arg(format!("t={}", self.tracker().display()));
        let mut process = Process::start("roundup", &mut command, self.folder.path())?;
        wait_until(DEADLINE, "Roundup to answer", || !process.runs() || http::get(self.port, "/t/").is_ok())?;
        if !process.runs() {
            return Err(io::Error::other(format!("Roundup ended; it said:\n{}", process.output())));
        }
        self.process = Some(process);
        Ok(())
    }

    /// What the server said of the requests that it got.
    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }

    /// All issues with this in their title: each as its attributes, with its id.
    pub fn issues(&self, title: &str) -> io::Result<Vec<Value>> {
        let list = self.ask("GET", &format!("issue?title={title}&@sort=id"), None)?;
        let ids = list["data"]["collection"].as_array().cloned().unwrap_or_default();
        let one = |found: &Value| {
            let id = found["id"].as_str().unwrap_or_default();
            let mut issue = self.ask("GET", &format!("issue/{id}?@verbose=2"), None)?["data"]["attributes"].take();
            issue["id"] = id.into();
            Ok(issue)
        };
        ids.iter().map(one).collect()
    }

    /// What stands in the messages of an issue, in order.
    pub fn messages(&self, issue: &Value) -> io::Result<Vec<String>> {
        let all = issue["messages"].as_array().cloned().unwrap_or_default();
        let one = |message: &Value| {
            let id = message["id"].as_str().unwrap_or_default();
            let message = self.ask("GET", &format!("msg/{id}?@verbose=3"), None)?;
            Ok(message["data"]["attributes"]["content"].as_str().unwrap_or_default().to_owned())
        };
        all.iter().map(one).collect()
    }

    /// Somebody writes a message to an issue.
    pub fn say(&self, issue: &Value, text: &str) -> io::Result<()> {
        let message = serde_json::json!({ "author": PERSON, "content": text });
        let made = self.ask("POST", "msg", Some(message))?;
        let change = serde_json::json!({ "@op": "add", "messages": [made["data"]["id"]] });
        self.change(issue, &change)
    }

    /// Somebody changes a property of an issue.
    pub fn set(&self, issue: &Value, property: &str, value: &str) -> io::Result<()> {
        self.change(issue, &serde_json::json!({ "@op": "replace", property: value }))
    }

    fn change(&self, issue: &Value, change: &Value) -> io::Result<()> {
        let path = format!("issue/{}", issue["id"].as_str().unwrap_or_default());
        // Whoever writes at the same time changes the tag.
        for _ in 0..20 {
            let tag = self.ask("GET", &path, None)?["data"]["@etag"].as_str().unwrap_or_default().to_owned();
            let mut change = change.clone();
            change["@etag"] = tag.into();
            let answer = self.ask("PATCH", &path, Some(change))?;
            if answer["error"].is_null() {
                return Ok(());
            }
        }
        Err(io::Error::other(format!("{path} could not be changed")))
    }

    /// Asks as the person, who is not who we are, where the tracker is known: it looks at what it is called.
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> io::Result<Value> {
        let (origin, user) = (format!("http://127.0.0.1:{}", self.known), credentials());
        let headers = [
            ("Authorization", user.as_str()),
            ("X-Requested-With", "test"),
            ("Origin", &origin),
            ("Referer", &origin),
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
        ];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        http::send(self.known, method, &format!("/t/rest/data/{path}"), &headers, body.as_bytes())?.json()
    }

    /// Whether this runs as root, whose folder it is then.
    fn is_root(&self) -> io::Result<bool> {
        Ok(fs::metadata(self.folder.path())?.uid() == 0)
    }

    fn tracker(&self) -> std::path::PathBuf {
        self.folder.path().join("tracker")
    }

    fn admin(&self, args: &[&str]) -> io::Result<()> {
        let mut command = Command::new(pypi_python()?.with_file_name("roundup-admin"));
        done(command.arg("-i").arg(self.tracker()).args(args))
    }

    fn configure(&self, throttle: Option<(u32, u32)>) -> io::Result<()> {
        let path = self.tracker().join("config.ini");
        let (calls, seconds) = throttle.unwrap_or((0, 60));
        let web = format!("{}/", self.url());
        let mail = self.tracker().join("mail.log").display().to_string();
        set(
            &path,
            &[
                ("[tracker]", "web", &web),
                ("[web]", "api_calls_per_interval", &calls.to_string()),
                ("[web]", "api_interval_in_sec", &seconds.to_string()),
                ("[mail]", "domain", "example.net"),
                ("[mail]", "host", "localhost"),
                ("[mail]", "debug", &mail),
            ],
        )
    }
}

/// `ada` with her password, in base 64.
fn credentials() -> String {
    "Basic YWRhOm9mLXRoZS1hZG1pbg==".to_owned()
}

/// Sets values in a file of sections; a line that is commented out counts as there.
fn set(path: &Path, values: &[(&str, &str, &str)]) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    let (mut section, mut lines) = (String::new(), Vec::new());
    for line in text.lines() {
        if line.starts_with('[') {
            line.trim().clone_into(&mut section);
        }
        let key = line.trim_start_matches('#').split('=').next().unwrap_or_default().trim();
        let value = values.iter().find(|(of, name, _)| *of == section && *name == key && line.contains('='));
        lines.push(value.map_or_else(|| line.to_owned(), |(_, name, value)| format!("{name} = {value}")));
    }
    fs::write(path, lines.join("\n") + "\n")
}

fn done(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Err(io::Error::other(format!("{command:?} ended with {}: {said}", output.status)))
}
