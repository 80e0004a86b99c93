//! `uphold-agent check`: would an agent with these flags work here and now?

use std::io::Write as _;
use std::sync::Arc;

use anstyle::AnsiColor;

use super::Exit;
use super::table::{self, Cell};
use crate::assignment::{self, Heard};
use crate::blackbox::Blackbox;
use crate::config::{Config, shown};
use crate::remote::Remote;
use crate::serve;
use crate::spool::durable;

/// Checks everything, prints each finding as a line, and fails if one is wrong.
pub(super) async fn run(config: Config) -> Exit {
    let problems = config.check();
    if !problems.is_empty() {
        for problem in &problems {
            super::complain(problem);
        }
        return Exit::Usage;
    }
    let remote = match Remote::new(&config.access) {
        Ok(remote) => remote,
        Err(error) => return super::usage(&error),
    };
    let mut findings = vec![data_dir(&config)];
    if let Some(listen) = config.listen {
        findings.push(match serve::bind(listen).await {
            Ok(_) => Ok(format!("{listen} can be bound")),
            Err(error) => Err(format!("{listen} cannot be bound: {error}")),
        });
    }
    if let Some(modules) = &config.modules {
        let problems = Blackbox::new(Arc::clone(modules), Arc::new(config.accept.clone())).problems();
        if problems.is_empty() {
            findings.push(Ok(format!("{} modules can be probed with", modules.names().count())));
        }
        findings.extend(problems.into_iter().map(|problem| Err(format!("the module {problem}"))));
    }
    findings.extend(collectors(&config, &remote).await);
    let mut out = anstream::stdout();
    let rows: Vec<Vec<Cell>> = findings.iter().map(row).collect();
    let printed = table::write(&mut out, &rows).and_then(|()| out.flush());
    if printed.is_ok() && findings.iter().all(Result::is_ok) { Exit::Fine } else { Exit::Failed }
}

/// A finding as a line of the table.
pub(super) fn row(finding: &Result<String, String>) -> Vec<Cell> {
    match finding {
        Ok(text) => vec![Cell::text("ok").styled(AnsiColor::Green.on_default()), Cell::text(text)],
        Err(text) => vec![Cell::text("wrong").styled(AnsiColor::Red.on_default().bold()), Cell::text(text)],
    }
}

fn data_dir(config: &Config) -> Result<String, String> {
    let (directory, trial) = (&config.data_dir, config.data_dir.join("trial"));
    let tried = std::fs::create_dir_all(directory)
        .and_then(|()| durable::write(&trial, b"can this be written?"))
        .and_then(|()| std::fs::remove_file(&trial));
    match tried {
        Ok(()) => Ok(format!("{} can be written", directory.display())),
        Err(error) => Err(format!("{} cannot be written: {error}", directory.display())),
    }
}

async fn collectors(config: &Config, remote: &Remote) -> Vec<Result<String, String>> {
    let mut findings = Vec::new();
    for collector in &config.collectors {
        let name = shown(collector);
        findings.push(match assignment::fetch(remote, collector, &config.name, None).await {
            Ok(Heard::New(_, assignment)) => {
                let (probes, hosts) = (assignment.probes.len(), assignment.hosts.len());
                Ok(format!("{name} assigns {probes} probes and {hosts} hosts to {}", config.name))
            }
            Ok(Heard::Same) => Ok(format!("{name} answers")),
            Err(error) => Err(format!("{name} assigns nothing to {}: {error}", config.name)),
        });
    }
    findings
}
