//! The agent's token: read from a file of its own, sent to collectors, shown to nobody.
//!
//! The first line of the file is the token: `uphold_` and 64 hexadecimal digits. It is read at the start, and again when
//! a collector refused it, at most once in five seconds, so that a token that was replaced is taken up without a restart.
//! A file that cannot be used at that moment, as while it is being written, changes nothing: the known token stays.
//!
//! No error holds any of the file's text, and the header that carries the token prints as `Sensitive`.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::Notify;

use crate::clock::{Clock, Stopwatch};

/// What every token begins with.
const PREFIX: &str = "uphold_";
/// The hexadecimal digits behind it.
const DIGITS: usize = 64;
/// Most bytes of the file that are read: the token, and room for what somebody wrote below it.
const FILE_BYTES_MAX: u64 = 4 * 1024;
/// The file is read again at most this often.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The permission bit that lets everybody read.
const READABLE_BY_ALL: u32 = 0o004;

/// A token, as the header that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(HeaderValue);

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It could not be read.
    #[error("the token file {} could not be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is a directory, a pipe or a device, which cannot be read again when the token is replaced.
    #[error("the token file {} is no regular file", .0.display())]
    NoFile(PathBuf),
    /// There is nothing on its first line.
    #[error("the token file {} is empty: its first line is to be the token", .0.display())]
    Empty(PathBuf),
    /// Its first line is something else.
    #[error(
        "the first line of the token file {} is no token: {PREFIX} and {DIGITS} hexadecimal digits are expected",
        .0.display()
    )]
    NoToken(PathBuf),
}

impl Token {
    /// The token that `line` is, if it is one.
    pub fn parse(line: &str) -> Option<Self> {
        let digits = line.trim().strip_prefix(PREFIX)?;
        if digits.len() != DIGITS || !digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
            return None;
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {PREFIX}{digits}")).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }

    /// The header `Authorization` that carries it.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// The file, and the token that was last found in it.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    again_after: Duration,
    known: Mutex<Known>,
    replaced: Notify,
}

#[derive(Debug)]
struct Known {
    token: Token,
    since_read: Stopwatch,
    /// What was last said to be wrong with the file.
    trouble: Option<String>,
}

impl TokenFile {
    /// Reads the file. That everybody on the host may read it as well is said once.
    pub fn open(path: &Path) -> Result<Self, TokenError> {
        Self::open_and_again_after(path, AGAIN_AFTER)
    }

    /// As [`Self::open`], with another wait before the file is read again.
    pub(crate) fn open_and_again_after(path: &Path, again_after: Duration) -> Result<Self, TokenError> {
        let (token, mode) = read(path)?;
        if mode & READABLE_BY_ALL != 0 {
            let path = path.display();
            tracing::warn!(%path, "everybody on this host can read the token file; take that away, as with chmod o-r");
        }
        let known = Mutex::new(Known { token, since_read: Clock::stopwatch(), trouble: None });
        Ok(Self { path: path.to_owned(), again_after, known, replaced: Notify::new() })
    }

    /// The token to show.
    pub fn token(&self) -> Token {
        self.lock().token.clone()
    }

    /// After `refused` was refused: the token that has taken its place, if one has.
    pub fn after_refusal_of(&self, refused: &Token) -> Option<Token> {
        {
            let mut known = self.lock();
            if known.token != *refused {
                return Some(known.token.clone());
            }
            if known.since_read.elapsed() < self.again_after {
                return None;
            }
            known.since_read = Clock::stopwatch();
        }
        let found = read(&self.path);
        let mut known = self.lock();
        match found {
            Ok((token, _)) if token == known.token => {
                known.trouble = None;
                None
            }
            Ok((token, _)) => {
                let path = self.path.display();
                tracing::info!(%path, "the token was replaced, and the new one is used");
                (known.token, known.trouble) = (token.clone(), None);
                self.replaced.notify_waiters();
                Some(token)
            }
            Err(error) => {
                let trouble = error.to_string();
                if known.trouble.as_ref() != Some(&trouble) {
                    tracing::warn!(trouble, "the token file could not be read again; the known token stays");
                    known.trouble = Some(trouble);
                }
                None
            }
        }
    }

    /// Returns when another token is found from now on.
    pub async fn replaced(&self) {
        self.replaced.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token in the file, and who may read the file.
fn read(path: &Path) -> Result<(Token, u32), TokenError> {
    let unreadable = |source| TokenError::Read { path: path.to_owned(), source };
    // Before the file is opened, since opening a pipe would wait for its other end.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(TokenError::NoFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.trim_ascii().is_empty() {
        return Err(TokenError::Empty(path.to_owned()));
    }
    let token = str::from_utf8(line).ok().and_then(Token::parse);
    Ok((token.ok_or_else(|| TokenError::NoToken(path.to_owned()))?, metadata.permissions().mode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(digit: char) -> String {
        format!("{PREFIX}{}", digit.to_string().repeat(DIGITS))
    }

    #[test]
    fn only_a_token_is_one_and_no_error_repeats_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (content, wrong) in [
            (text('a'), ""),
            (format!("{}\n", text('0')), ""),
            (format!("  {} \r\nissued in March\n", text('f')), ""),
            (text('F'), "is no token"),
            (String::new(), "is empty"),
            (" \n".to_owned(), "is empty"),
            (format!("\n{}", text('a')), "is empty"),
            (text('g'), "is no token"),
            (text('a')[1..].to_owned(), "is no token"),
            (format!("{}a", text('a')), "is no token"),
            (format!("Bearer {}", text('a')), "is no token"),
            (text('a').repeat(100), "is no token"),
            ("ä".repeat(DIGITS), "is no token"),
        ] {
            std::fs::write(&path, &content).unwrap();
            let said = read(&path).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(wrong) && said.is_empty() == wrong.is_empty(), "{content:?}: {said}");
            assert!(!said.contains("aaa"), "{said}");
        }
        assert!(read(&folder.path().join("none")).unwrap_err().to_string().contains("could not be read"));
        assert!(matches!(read(folder.path()), Err(TokenError::NoFile(_))));
        let token = Token::parse(&text('a')).unwrap();
        assert!(!format!("{token:?} {:?}", token.header()).contains("aaa"));
    }

    #[test]
    fn a_replaced_token_is_taken_up_and_a_spoilt_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, text('a')).unwrap();
        let [old, new] = ['a', 'b'].map(|digit| Token::parse(&text(digit)).unwrap());
        let file = TokenFile::open_and_again_after(&path, Duration::ZERO).unwrap();
        assert_eq!((file.token(), file.after_refusal_of(&old)), (old.clone(), None));
        std::fs::write(&path, "").unwrap();
        assert_eq!((file.after_refusal_of(&old), file.token()), (None, old.clone()));
        std::fs::write(&path, text('b')).unwrap();
        assert_eq!((file.after_refusal_of(&old), file.token()), (Some(new.clone()), new.clone()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file.after_refusal_of(&old), Some(new.clone()), "the other loop found it already");
        assert_eq!(file.after_refusal_of(&new), None);

        std::fs::write(&path, text('a')).unwrap();
        let file = TokenFile::open(&path).unwrap();
        std::fs::write(&path, text('b')).unwrap();
        assert_eq!(file.after_refusal_of(&old), None, "it was read just now");
    }
}
