//! `uphold-agent enrol`: an agent's configuration and its token, tried against the collector and put where they belong.
//!
//! Nothing is half done: what does not work is told and not written, unless it is not to be tried. A configuration that
//! says the same stays as it is, one that says something else is replaced only when that is asked for.

mod tried;
mod written;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use uphold_common::ids::Id;
use url::Url;

use self::written::{Put, Wanted};
use super::table;
use super::{AccessArgs, Exit, RunArgs, check, complain, printed, usage};
use crate::clock::Clock;
use crate::remote::Remote;

/// The configuration that the service of the package starts with.
const CONFIG_OF_SERVICE: &str = "/etc/uphold/agent.yaml";
/// Where the kernel tells the host's name; elsewhere than on Linux it has to be given.
const NAME_OF_HOST: &str = "/proc/sys/kernel/hostname";
/// Where the service keeps its data.
const DATA_OF_SERVICE: &str = "/var/lib/uphold-agent";

/// What `enrol` is told.
#[derive(Debug, Args)]
pub(super) struct EnrolArgs {
    /// The collector; several are tried in their order
    #[arg(long = "collector", value_name = "URL", required = true)]
    collectors: Vec<Url>,
    #[command(flatten)]
    access: AccessArgs,
    /// The agent's name, as the catalogue writes it [default: the host's name, without its domain]
    #[arg(long)]
    name: Option<Id>,
    /// The configuration file to write; the token is copied to a file beside it
    #[arg(long, value_name = "FILE", default_value = CONFIG_OF_SERVICE)]
    config: PathBuf,
    /// The directory of the spool; the token is given to its owner
    #[arg(long, value_name = "DIR", default_value = DATA_OF_SERVICE)]
    data: PathBuf,
    /// Replace a configuration that says something else, of which a copy is kept beside it
    #[arg(long)]
    force: bool,
    /// Write it without asking the collector, as before the catalogue names the agent
    #[arg(long)]
    no_try: bool,
}

/// Enrols the agent, and says what comes next.
pub(super) async fn run(args: EnrolArgs) -> Exit {
    let (force, no_try) = (args.force, args.no_try);
    let wanted = match wanted(args) {
        Ok(wanted) => wanted,
        Err(exit) => return exit,
    };
    let there = match written::there(&wanted) {
        Ok(there) => there,
        Err(error) => return usage(&error),
    };
    if let (Put::Replaced(differences), false) = (&there, force) {
        complain(&format!("{} is another configuration; --force replaces it", wanted.path.display()));
        for difference in differences {
            complain(difference);
        }
        return Exit::Usage;
    }
    // This reads the token and the roots, also when nobody is asked.
    let remote = match Remote::new(&wanted.config.access) {
        Ok(remote) => remote,
        Err(error) => return usage(&error),
    };
    let mut findings = Vec::new();
    if !no_try {
        findings = tried(&remote, &wanted).await;
    }
    if findings.iter().any(Result::is_err) {
        let shown = show(&findings, None);
        complain("nothing was written, since it would not work so");
        return if shown.is_ok() { Exit::Failed } else { printed(shown) };
    }
    match written::put(&wanted, &there) {
        Ok(done) => {
            findings.extend(done.into_iter().map(Ok));
            printed(show(&findings, Some(&next(&wanted.path))))
        }
        Err(error) => {
            complain(&error.to_string());
            Exit::Failed
        }
    }
}

async fn tried(remote: &Remote, wanted: &Wanted) -> Vec<Result<String, String>> {
    let (clock, mut findings) = (Clock::new(), Vec::new());
    for collector in &wanted.config.collectors {
        findings.extend(tried::ask(remote, collector, &wanted.config.name, &clock).await);
    }
    findings
}

/// What is to be written, if it can be said from these flags and this host.
fn wanted(args: EnrolArgs) -> Result<Wanted, Exit> {
    let name = match args.name {
        Some(name) => name,
        None => name_of_host(fs::read_to_string(NAME_OF_HOST).ok().as_deref()).map_err(|problem| usage(&problem))?,
    };
    let run = RunArgs {
        config: None,
        name: Some(name),
        collectors: args.collectors,
        data: Some(absolute(&args.data)?),
        listen: None,
        spool_bytes: None,
        access: args.access,
    };
    let mut config = run.config()?;
    if let Some(ca_file) = &config.access.ca_file {
        config.access.ca_file = Some(absolute(ca_file)?);
    }
    let problems = config.check();
    if !problems.is_empty() {
        for problem in &problems {
            complain(problem);
        }
        return Err(Exit::Usage);
    }
    Ok(Wanted { config, path: absolute(&args.config)? })
}

/// The service runs in another folder than whoever enrols it.
fn absolute(path: &Path) -> Result<PathBuf, Exit> {
    std::path::absolute(path).map_err(|error| usage(&format!("{}: {error}", path.display())))
}

/// The name of an agent that goes by its host's, without the domain.
fn name_of_host(host: Option<&str>) -> Result<Id, String> {
    let host = host.unwrap_or_default().trim();
    let short = host.split('.').next().unwrap_or_default().to_ascii_lowercase();
    Id::new(&short).map_err(|bad| format!("this host's name {host:?} is no name for an agent, give --name: {bad}"))
}

fn next(path: &Path) -> String {
    if path == Path::new(CONFIG_OF_SERVICE) {
        "systemctl restart uphold-agent".to_owned()
    } else {
        format!("uphold-agent run --config {}", path.display())
    }
}

fn show(findings: &[Result<String, String>], next: Option<&str>) -> io::Result<()> {
    let mut out = anstream::stdout();
    table::write(&mut out, &findings.iter().map(check::row).collect::<Vec<_>>())?;
    next.map_or(Ok(()), |next| writeln!(out, "next: {next}"))
}

#[cfg(test)]
#[path = "enrol_tests.rs"]
mod tests;
