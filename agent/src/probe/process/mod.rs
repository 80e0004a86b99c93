//! The process probe: how many processes of this host are those that are meant.
//!
//! All such probes look at one listing, which is at most a second old. A process that has ended and was not reaped yet does not
//! count, nor does the agent itself. On a host that hides others' processes from its agent nothing can be counted:
//! that is `unknown`, and not `down`.

mod listing;

use regex::Regex;
use uphold_common::catalogue::body_pattern;
use uphold_common::observation::Cause;
use uphold_common::wire::check::ProcessCheck;

use super::{Answer, Happened, Judged, Seen};
use listing::{Listing, Process};

/// How much of a name the kernel keeps.
const KERNEL_NAME_BYTES: usize = 15;

/// A process probe made ready.
#[derive(Debug)]
pub struct ProcessProbe {
    name: Option<String>,
    command: Option<Regex>,
    user: Option<String>,
    at_least: usize,
    at_most: usize,
}

/// How many there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSeen {
    /// How many of them are meant.
    pub found: usize,
}

impl ProcessProbe {
    /// Compiles the expression.
    pub fn new(check: &ProcessCheck) -> Result<Self, String> {
        let command = check.command.as_deref().map(body_pattern).transpose();
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Self {
            name: check.name.clone(),
            command: command.map_err(|why| format!("the expression for the command is not understood: {why}"))?,
            user: check.user.clone(),
            at_least: count(check.at_least),
            at_most: check.at_most.map_or(usize::MAX, count),
        })
    }

    /// Whom it asks.
    pub fn target(&self) -> &'static str {
        "the processes of this host"
    }

    /// Counts, and says how many there were or why that could not be told.
    pub async fn run(&self) -> Result<Answer, Happened> {
        let listing = listing::current().await.map_err(Happened::NotTried)?;
        let seen = self.count(&listing).map_err(Happened::NotTried)?;
        Ok(Answer { code: 0, judged: self.judged(&seen), seen: Seen::Processes(seen) })
    }

    fn count(&self, listing: &Listing) -> Result<ProcessSeen, String> {
        let user_id = self.user.as_deref().map(|user| {
            listing.user_id(user).ok_or_else(|| format!("{user:?} is no user of this host: /etc/passwd has none"))
        });
        let user_id = user_id.transpose()?;
        let meant = |process: &&Process| {
            user_id.is_none_or(|id| process.user_id == id)
                && self.name.as_deref().is_none_or(|name| is_named(process, name))
                && self.command.as_ref().is_none_or(|command| command.is_match(&process.command))
        };
        Ok(ProcessSeen { found: listing.processes.iter().filter(meant).count() })
    }

    fn judged(&self, seen: &ProcessSeen) -> Judged {
        if (self.at_least..=self.at_most).contains(&seen.found) {
            Judged::Expected
        } else {
            Judged::Unexpected(Cause::Body)
        }
    }
}

/// Whether the kernel calls a process so, or its first argument does. A longer name than the kernel keeps has to be that of the
/// argument.
fn is_named(process: &Process, name: &str) -> bool {
    let first = process.command.split(' ').next().unwrap_or_default();
    let file = first.rsplit('/').next().unwrap_or_default();
    file == name || (process.name == name && name.len() <= KERNEL_NAME_BYTES)
}

impl ProcessSeen {
    /// What was seen, for people.
    pub fn detail(&self) -> String {
        match self.found {
            0 => "no process".to_owned(),
            1 => "one process".to_owned(),
            found => format!("{found} processes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, command: &str, user_id: u32) -> Process {
        Process { name: name.to_owned(), command: command.to_owned(), user_id }
    }

    fn listing() -> Listing {
        let processes = vec![
            process("nginx", "nginx: master process /usr/sbin/nginx", 0),
            process("nginx", "nginx: worker process", 33),
            process("prometheus-node", "/usr/bin/prometheus-node-exporter --web", 7),
            process("prometheus-node", "/usr/bin/prometheus-node-something", 7),
            process("java", "/opt/java/bin/java -jar shop.jar", 33),
            process("kworker/0:1", "", 0),
        ];
        Listing { processes, users: "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n".to_owned() }
    }

    fn probe(name: Option<&str>, command: Option<&str>, user: Option<&str>) -> ProcessProbe {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (name, command, user) = (owned(name), owned(command), owned(user));
        ProcessProbe::new(&ProcessCheck { name, command, user, at_least: 1, at_most: None }).unwrap()
    }

    #[test]
    fn those_that_are_meant_are_counted() {
        for (name, command, user, found) in [
            (Some("nginx"), None, None, 2),
            (Some("nginx"), None, Some("www-data"), 1),
            (Some("nginx"), None, Some("33"), 1),
            (Some("nginx"), Some("worker"), None, 1),
            (Some("ngin"), None, None, 0),
            (Some("prometheus-node-exporter"), None, None, 1),
            (Some("prometheus-node"), None, None, 2),
            (None, Some("-jar shop\\.jar$"), None, 1),
            (None, Some("shop.war"), None, 0),
            (Some("kworker/0:1"), None, None, 1),
        ] {
            let seen = probe(name, command, user).count(&listing()).unwrap();
            assert_eq!(seen.found, found, "{name:?} {command:?} {user:?}");
        }
        let unknown = probe(Some("nginx"), None, Some("nobody-here")).count(&listing());
        assert!(unknown.is_err_and(|why| why.contains("nobody-here")));
    }

    #[test]
    fn counts_are_held_against_both_bounds() {
        for (at_least, at_most, found, up) in [
            (1, None, 0, false),
            (1, None, 1, true),
            (1, None, 9_999, true),
            (2, Some(3), 1, false),
            (2, Some(3), 3, true),
            (2, Some(3), 4, false),
            (0, Some(0), 0, true),
            (0, Some(0), 1, false),
        ] {
            let check = ProcessCheck { name: Some("x".to_owned()), command: None, user: None, at_least, at_most };
            let judged = ProcessProbe::new(&check).unwrap().judged(&ProcessSeen { found });
            assert_eq!(judged == Judged::Expected, up, "{at_least} to {at_most:?}: {found}");
        }
    }
}
