//! The systemd probe: the state of one unit of this host, as `systemctl show` tells it.
//!
//! It starts one program, at one of two places where systems have it, without a shell, with an empty environment and a unit's
//! name that was checked; what it says is read up to a bound. A bus library would be a large part of the agent for the same
//! four lines. If systemd does not answer, nothing was seen of the unit: that is `unknown`, and not `down`.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use uphold_common::observation::Cause;
use uphold_common::wire::check::{ActiveState, SystemdCheck};

use super::{Answer, Happened, Judged, Run, Seen, said};

/// Where systems have it.
const PROGRAMS: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];
/// Most bytes that are read of what it says; what it is asked for takes about a hundred.
const OUTPUT_BYTES_MAX: u64 = 8 * 1024;

/// A systemd probe made ready.
#[derive(Debug)]
pub struct SystemdProbe {
    unit: String,
    active: Vec<ActiveState>,
    sub: Vec<String>,
}

/// The state of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitSeen {
    /// Whether systemd has it.
    pub load: String,
    /// The state that units of every kind have.
    pub active: String,
    /// The state in the words of its kind.
    pub sub: String,
}

impl SystemdProbe {
    /// Takes over what is asked, as far as it is a unit's name.
    pub fn new(check: &SystemdCheck) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.' | b'\\' | b'@');
        if check.unit.starts_with('-') || !check.unit.bytes().all(plain) || !check.unit.contains('.') {
            return Err(format!("{:?} is no name of a unit", said(&check.unit)));
        }
        Ok(Self { unit: check.unit.clone(), active: check.active.clone(), sub: check.sub.clone() })
    }

    /// Whom it asks.
    pub fn target(&self) -> &'static str {
        "systemd on this host"
    }

    /// Asks, and says what was answered or what happened instead.
    pub async fn run(&self, run: &mut Run) -> Result<Answer, Happened> {
        let found = PROGRAMS.iter().map(Path::new).find(|program| program.is_file());
        let program = found.ok_or_else(|| Happened::NotTried("there is no systemctl on this host".to_owned()))?;
        self.ask(run, program.to_owned()).await
    }

    async fn ask(&self, run: &mut Run, program: PathBuf) -> Result<Answer, Happened> {
        run.overdue = Some(Happened::NotTried("systemctl did not answer in time".to_owned()));
        let (status, output, complaint) = show(&program, &self.unit)
            .await
            .map_err(|error| Happened::NotTried(format!("{} could not be asked: {error}", program.display())))?;
        if !status.success() {
            let first = complaint.lines().next().unwrap_or("it does not say why");
            return Err(Happened::NotTried(format!("systemctl could not tell the state: {}", said(first))));
        }
        let seen = UnitSeen::read(&output)
            .ok_or_else(|| Happened::NotTried("what systemctl says is not understood".to_owned()))?;
        Ok(Answer { code: 0, judged: self.judged(&seen), seen: Seen::Unit(seen) })
    }

    fn judged(&self, seen: &UnitSeen) -> Judged {
        let active = self.active.iter().any(|state| state.as_str() == seen.active);
        let sub = self.sub.is_empty() || self.sub.contains(&seen.sub);
        if active && sub { Judged::Expected } else { Judged::Unexpected(Cause::Body) }
    }
}

impl UnitSeen {
    /// Out of lines such as `ActiveState=active`.
    fn read(output: &str) -> Option<Self> {
        let value = |name: &str| {
            let found = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            found.filter(|value| !value.is_empty()).map(said)
        };
        Some(Self { load: value("LoadState")?, active: value("ActiveState")?, sub: value("SubState")? })
    }

    /// What was seen, for people.
    pub fn detail(&self) -> String {
        let load = if self.load == "loaded" { String::new() } else { format!("{}, ", self.load) };
        format!("{load}{} ({})", self.active, self.sub)
    }
}

/// How the program ended, what it said and what it complained of.
async fn show(program: &Path, unit: &str) -> std::io::Result<(ExitStatus, String, String)> {
    let mut command = Command::new(program);
    command.args(["--no-pager", "--no-ask-password", "--property=LoadState,ActiveState,SubState", "show", "--", unit]);
    command.env_clear().current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Whoever drops the attempt at its deadline ends the program too.
    let mut child = command.kill_on_drop(true).spawn()?;
    let (output, complaint) = tokio::join!(bounded(child.stdout.take()), bounded(child.stderr.take()));
    // Both ends are closed by now: a program that says more cannot go on.
    let status = child.wait().await?;
    Ok((status, output?, complaint?))
}

async fn bounded(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;
    use std::time::Duration;

    use uphold_common::time::Instant;

    use super::*;

    fn probe(active: &[ActiveState], sub: &[&str]) -> SystemdProbe {
        let sub = sub.iter().map(|word| (*word).to_owned()).collect();
        SystemdProbe::new(&SystemdCheck { unit: "nginx.service".to_owned(), active: active.to_vec(), sub }).unwrap()
    }

    #[test]
    fn what_systemctl_says_is_read_and_judged() {
        let up = &ActiveState::UP[..];
        // Captured from systemctl 252, 254 and 257.
        for (output, active, sub, expected, detail) in [
            ("LoadState=loaded\nActiveState=active\nSubState=running\n", up, &[][..], true, "active (running)"),
            ("LoadState=loaded\nActiveState=reloading\nSubState=reload\n", up, &[], true, "reloading (reload)"),
            ("LoadState=loaded\nActiveState=active\nSubState=exited\n", up, &["running"], false, "active (exited)"),
            ("LoadState=loaded\nActiveState=failed\nSubState=failed\n", up, &[], false, "failed (failed)"),
            (
                "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\n",
                up,
                &[],
                false,
                "activating (auto-restart)",
            ),
            (
                "LoadState=not-found\nActiveState=inactive\nSubState=dead\n",
                up,
                &[],
                false,
                "not-found, inactive (dead)",
            ),
            ("LoadState=masked\nActiveState=inactive\nSubState=dead\n", up, &[], false, "masked, inactive (dead)"),
            ("SubState=waiting\nActiveState=active\nLoadState=loaded\n", up, &["waiting"], true, "active (waiting)"),
            (
                "LoadState=loaded\nActiveState=inactive\nSubState=dead",
                &[ActiveState::Inactive],
                &[],
                true,
                "inactive (dead)",
            ),
        ] {
            let seen = UnitSeen::read(output).unwrap();
            assert_eq!(probe(active, sub).judged(&seen) == Judged::Expected, expected, "{output}");
            assert_eq!(seen.detail(), detail);
        }
        for output in ["", "ActiveState=active\n", "LoadState=\nActiveState=\nSubState=\n", "\u{0}\u{1}"] {
            assert_eq!(UnitSeen::read(output), None, "{output:?}");
        }
    }

    #[test]
    fn what_is_no_unit_is_never_asked_for() {
        for unit in ["", "--version", "-H.service", "nginx*.service", "nginx service", "nginx", "a;b.service"] {
            let check = SystemdCheck { unit: unit.to_owned(), active: vec![ActiveState::Active], sub: Vec::new() };
            assert!(SystemdProbe::new(&check).is_err(), "{unit}");
        }
    }

    /// What a program of ours in the place of systemctl leads to.
    async fn answered(script: &str) -> (Happened, Duration) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("systemctl");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let mut run = Run::new(Instant::from_ms(0), Arc::default());
        let probe = probe(&ActiveState::UP, &[]);
        let asked = tokio::time::timeout(Duration::from_secs(2), probe.ask(&mut run, program)).await;
        let happened = asked.map(|ended| ended.map_or_else(|happened| happened, Happened::Answered));
        (happened.unwrap_or_else(|_| run.overdue.take().unwrap()), run.watch.elapsed())
    }

    #[tokio::test]
    async fn a_systemctl_that_misbehaves_is_no_fault_of_the_unit() {
        let told = "echo LoadState=loaded; echo ActiveState=active; echo SubState=running";
        for (script, why) in [
            ("echo Failed to connect to bus >&2; exit 1", "Failed to connect to bus"),
            ("exit 4", "does not say why"),
            ("echo nonsense", "not understood"),
            ("exec sleep 600", "in time"),
            ("while :; do echo flood; echo flood >&2; done", "could not tell"),
        ] {
            let (happened, _) = answered(script).await;
            let Happened::NotTried(text) = &happened else { panic!("{script}: {happened:?}") };
            assert!(text.contains(why), "{script}: {text}");
        }
        // The arguments, the environment and the folder are ours alone.
        let checked = "[ \"$*\" = '--no-pager --no-ask-password --property=LoadState,ActiveState,SubState show -- nginx.service' ] \
            && [ -z \"$HOME\" ] && [ \"$(pwd)\" = / ]";
        let (happened, took) = answered(&format!("{checked} && {{ {told}; }}")).await;
        assert!(matches!(&happened, Happened::Answered(answer) if answer.judged == Judged::Expected), "{happened:?}");
        assert!(took < Duration::from_secs(2));
    }
}
