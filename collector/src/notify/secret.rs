//! What is secret, out of files: URLs, passwords, keys. Read anew at each attempt, so that it can be changed in place.
//!
//! Errors name the file and what is wrong with it, and quote nothing of it.

use std::fs::File;
use std::io::Read as _;

/// Longest file with a secret that is read.
const FILE_BYTES_MAX: u64 = 8 * 1024;

/// The first line of the file, without the white space around it. `what` it is stands in errors, as "the URL".
pub async fn first_line(what: &'static str, path: &str) -> Result<String, String> {
    let text = text(what, path, FILE_BYTES_MAX).await?;
    match text.lines().next().map(str::trim) {
        None | Some("") => Err(format!("the first line of {path} is empty")),
        Some(line) => Ok(line.to_owned()),
    }
}

/// The lines of the file that are not empty, without the white space around them; there is at least one.
pub async fn lines(what: &'static str, path: &str) -> Result<Vec<String>, String> {
    let text = text(what, path, FILE_BYTES_MAX).await?;
    let lines: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.is_empty() { Err(format!("{path} is empty")) } else { Ok(lines) }
}

/// All of the file, if it is no longer than this.
pub async fn text(what: &'static str, path: &str, bytes_max: u64) -> Result<String, String> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || whole(what, &path, bytes_max));
    read.await.unwrap_or_else(|_| Err(format!("the file with {what} could not be read")))
}

fn whole(what: &str, path: &str, bytes_max: u64) -> Result<String, String> {
    let could_not = |error: std::io::Error| format!("could not read {what} from {path}: {error}");
    // Opening anything else, a pipe say, might never return.
    if !std::fs::metadata(path).map_err(could_not)?.is_file() {
        return Err(format!("could not read {what} from {path}: it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(could_not)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(could_not)?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("{path} is longer than {bytes_max} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| format!("{path} is no text"))
}
