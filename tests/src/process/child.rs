//! A process whose output goes to files, that can be asked to end or be killed, and is killed when dropped.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::could_not;
use super::wait::{wait_for, wait_until};

/// A running process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`; its output and its complaints go to `NAME.log` in `folder`, after what is there already.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> io::Result<Self> {
        let output = folder.join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(&output)?;
        let started = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        let child = started.map_err(|e| could_not(&format!("start {name} (run bash tests/run)"), &e))?;
        Ok(Self { name: name.to_owned(), child, output, ended: None })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has said.
    pub fn output(&self) -> String {
        fs::read(&self.output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_none()
    }

    /// Waits for the first line that holds `text`. A process that ends without saying it is an error with all it said.
    pub fn wait_for_line(&mut self, deadline: Duration, text: &str) -> io::Result<String> {
        let what = format!("{} to say {text:?}", self.name);
        let found = wait_for(deadline, &what, || {
            let ended = !self.runs();
            let line = self.output().lines().find(|l| l.contains(text)).map(str::to_owned);
            if line.is_some() || ended { Some(line) } else { None }
        });
        match found {
            Ok(Some(line)) => Ok(line),
            Ok(None) => {
                Err(io::Error::other(format!("{} ended without {text:?}; it said:\n{}", self.name, self.output())))
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("{error}; it said:\n{}", self.output()))),
        }
    }

    /// Sends a signal by its name, such as `TERM` or `KILL`.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).stderr(Stdio::null()).status()?;
        if sent.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("{} is not there to be signalled", self.name)))
        }
    }

    /// Asks it to end and waits for it.
    pub fn stop(&mut self, deadline: Duration) -> io::Result<ExitStatus> {
        if self.runs() {
            self.signal("TERM")?;
        }
        self.wait_for_end(deadline)
    }

    /// Kills it, as a power cut would, and reaps it.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        self.child.kill()?;
        let status = self.child.wait()?;
        self.ended = Some(status);
        Ok(status)
    }

    /// Waits until it has ended by itself.
    pub fn wait_for_end(&mut self, deadline: Duration) -> io::Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        wait_until(deadline, &what, || !self.runs())?;
        self.ended.ok_or_else(|| io::Error::other("ended without a status"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; nothing is left to do then.
        let _ = self.kill();
    }
}

/// The built program of this name, which lies beside the folder of the running test.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("{name} is not built beside {}: run bash tests/run", here.display()),
        )
    })
}

/// The Python of the virtual environment that tests/pypi/install makes, beside the programs that are built.
pub fn pypi_python() -> io::Result<PathBuf> {
    let built = program("uphold-collector")?;
    let python = built.ancestors().map(|folder| folder.join("pypi/venv/bin/python")).find(|path| path.is_file());
    let missing = || io::Error::new(io::ErrorKind::NotFound, "target/pypi/venv is not there: run bash tests/run");
    python.ok_or_else(missing)
}

/// A file of tests/pypi.
pub fn pypi_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pypi").join(name)
}

/// A program of the system, searched for on the path and where administrators' programs are.
pub fn system_program(name: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].into_iter().map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{name} is not installed: run bash tests/run")))
}
