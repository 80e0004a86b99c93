//! The processes of this host, listed once for all probes that look within a second.
//!
//! Read is what everybody may read: names, command lines and owners, each up to a bound. The reading of texts is pure.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::{Clock, Stopwatch};

/// How old a listing may be.
const AGE_MAX: Duration = Duration::from_secs(1);
/// Most processes that are looked at; as many as systems usually allow.
const PROCESSES_MAX: usize = 65_536;
/// Most bytes of a command line that are looked at.
const COMMAND_BYTES_MAX: u64 = 4 * 1024;
/// Most bytes of all command lines together.
const COMMANDS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of `stat`; it has one line.
const STAT_BYTES_MAX: u64 = 4 * 1024;
/// Most bytes of the list of users.
const USERS_BYTES_MAX: u64 = 1024 * 1024;

/// What runs.
#[derive(Debug)]
pub(super) struct Listing {
    /// All of them but the agent and what has ended.
    pub processes: Vec<Process>,
    /// Who the users are, as `/etc/passwd` has them.
    pub users: String,
}

/// A process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// As the kernel calls it.
    pub name: String,
    /// Its arguments with blanks between them.
    pub command: String,
    /// Whose it is.
    pub user_id: u32,
}

impl Listing {
    /// The number of a user, by name or as a number.
    pub(super) fn user_id(&self, user: &str) -> Option<u32> {
        let id = |line: &str| {
            let mut fields = line.split(':');
            fields.next().filter(|name| *name == user).and_then(|_| fields.nth(1))?.parse().ok()
        };
        user.parse().ok().or_else(|| self.users.lines().find_map(id))
    }
}

/// The listing, and since when it stands.
type Latest = Option<(Stopwatch, Arc<Listing>)>;

static LATEST: Mutex<Latest> = Mutex::const_new(None);

/// A listing that is young enough; whoever waits for one that is being made gets it.
pub(super) async fn current() -> Result<Arc<Listing>, String> {
    let mut latest = LATEST.lock().await;
    if let Some((_, listing)) = latest.as_ref().filter(|(since, _)| since.elapsed() < AGE_MAX) {
        return Ok(Arc::clone(listing));
    }
    let since = Clock::stopwatch();
    let made = tokio::task::spawn_blocking(|| list(Path::new("/proc"), Path::new("/etc/passwd"))).await;
    let listing = Arc::new(made.map_err(|error| format!("the processes could not be listed: {error}"))??);
    *latest = Some((since, Arc::clone(&listing)));
    Ok(listing)
}

/// What runs below this folder.
fn list(root: &Path, users: &Path) -> Result<Listing, String> {
    // The first process is always there; where it is hidden, others are too.
    if bounded(&root.join("1/stat"), STAT_BYTES_MAX).is_err() {
        return Err("this host hides the processes of others from its agent (hidepid, ProtectProc)".to_owned());
    }
    let could_not = |error: io::Error| format!("the processes could not be listed: {error}");
    let own = std::process::id().to_string();
    let (mut processes, mut commands_bytes) = (Vec::new(), 0);
    for entry in fs::read_dir(root).map_err(could_not)? {
        let entry = entry.map_err(could_not)?;
        let name = entry.file_name();
        let Some(id) = name.to_str().filter(|id| id.bytes().all(|b| b.is_ascii_digit()) && **id != own) else {
            continue;
        };
        // What ended meanwhile is not there any more.
        let Some(process) = process(&root.join(id)) else { continue };
        commands_bytes += process.command.len();
        processes.push(process);
        if processes.len() > PROCESSES_MAX || commands_bytes > COMMANDS_BYTES_MAX {
            return Err("this host has more processes than are looked at".to_owned());
        }
    }
    let users = bounded(users, USERS_BYTES_MAX).unwrap_or_default();
    Ok(Listing { processes, users: String::from_utf8_lossy(&users).into_owned() })
}

/// The process of this folder, unless it has ended.
fn process(folder: &Path) -> Option<Process> {
    let name = name(&String::from_utf8_lossy(&bounded(&folder.join("stat"), STAT_BYTES_MAX).ok()?))?;
    let command = command(&bounded(&folder.join("cmdline"), COMMAND_BYTES_MAX).ok()?);
    Some(Process { name, command, user_id: fs::metadata(folder).ok()?.uid() })
}

/// The name out of `7 (a name (with) brackets) S 1 …`; nothing for what ended and only waits to be reaped.
fn name(stat: &str) -> Option<String> {
    let (before, after) = stat.rsplit_once(") ")?;
    let ended = after.starts_with(['Z', 'X', 'x']);
    let (_, name) = before.split_once(" (")?;
    (!ended).then(|| name.to_owned())
}

/// Arguments, of which each ends with a zero.
fn command(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').replace('\0', " ")
}

fn bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        for (stat, found) in [
            ("7 (nginx) S 1 7 7 0 -1", Some("nginx")),
            ("7 (a (b) c) R 1", Some("a (b) c")),
            ("7 (a) S) S 1", Some("a) S")),
            ("7 (gone) Z 1 7", None),
            ("7 (gone) X 1 7", None),
            ("7 nginx S", None),
            ("", None),
        ] {
            assert_eq!(name(stat).as_deref(), found, "{stat}");
        }
        assert_eq!(command(b"/bin/sh\0-c\0echo a b\0"), "/bin/sh -c echo a b");
        assert_eq!(command(b""), "");
        assert_eq!(command(b"\xff\0"), "\u{fffd}");
    }

    #[test]
    fn users_have_a_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:/x\nodd\nbad:x:no:1\n".to_owned();
        let listing = Listing { processes: Vec::new(), users };
        for (user, id) in
            [("root", Some(0)), ("www-data", Some(33)), ("1000", Some(1000)), ("odd", None), ("bad", None)]
        {
            assert_eq!(listing.user_id(user), id, "{user}");
        }
    }

    #[test]
    fn a_folder_of_processes_is_listed_and_hidden_ones_are_said() {
        let root = tempfile::tempdir().unwrap();
        let write = |id: &str, stat: &str, cmdline: &str| {
            fs::create_dir(root.path().join(id)).unwrap();
            fs::write(root.path().join(id).join("stat"), stat).unwrap();
            fs::write(root.path().join(id).join("cmdline"), cmdline).unwrap();
        };
        write("70", "70 (web) S 1", "/usr/bin/web\0-x\0");
        let hidden = list(root.path(), Path::new("/nowhere")).unwrap_err();
        assert!(hidden.contains("hidepid"), "{hidden}");
        write("1", "1 (init) S 0", "init\0");
        write("71", "71 (web) Z 1", "");
        write("self", "1 (web) S 1", "web\0");
        write(&std::process::id().to_string(), "1 (web) S 1", "web\0");
        fs::create_dir(root.path().join("72")).unwrap();
        let mut found: Vec<String> =
            list(root.path(), Path::new("/nowhere")).unwrap().processes.into_iter().map(|p| p.command).collect();
        found.sort_unstable();
        assert_eq!(found, ["/usr/bin/web -x", "init"]);
    }

    #[tokio::test]
    async fn all_that_look_within_a_second_see_the_same_listing() {
        let (one, other) = tokio::join!(current(), current());
        let one = one.unwrap();
        assert!(Arc::ptr_eq(&one, &other.unwrap()), "the second waits for the listing of the first");
        assert!(!one.processes.is_empty());
    }
}
