//! A file or standard input → its lines, counted and digested.
//!
//! The digest is of everything read so far: a file is known again by it up to where it was read, and may have grown since.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use uphold_common::bytes::Hex;

use super::mark::{Brought, Mark};
use crate::history::told::BadLine;

/// Longest line.
const LINE_BYTES_MAX: usize = 16 * 1024;
const BUFFER_BYTES: usize = 1 << 20;
/// By how many bytes at its beginning a file is told from others.
const HEAD_BYTES: usize = 4 * 1024;

/// The lines of something, from where it is read.
pub(super) struct Lines {
    from: Box<dyn BufRead>,
    /// The bytes of the whole; 0 where nobody knows.
    in_all: u64,
    head: Option<[u8; 32]>,
    digest: Sha256,
    bytes: u64,
    number: u64,
    /// The same after the last line that has an end: what comes after it may still be written.
    whole: (Sha256, u64, u64),
    line: Vec<u8>,
}

/// One line.
pub(super) enum Line<'a> {
    /// With something in it.
    Text(&'a [u8]),
    /// With nothing in it.
    Blank,
    /// Longer than is read.
    TooLong,
}

/// Why a line of [`Line::TooLong`] is refused.
pub(super) fn too_long() -> BadLine {
    BadLine::whole(format!("expected at most {LINE_BYTES_MAX} bytes"))
}

impl Lines {
    /// Those of a file, or of standard input for `-`.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        let (from, in_all, head): (Box<dyn BufRead>, u64, _) = if file == Path::new("-") {
            (Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin())), 0, None)
        } else {
            let opened = File::open(file)?;
            let known = opened.metadata()?;
            // A pipe gives its bytes once, so nothing of it is read ahead.
            let (in_all, head) = if known.is_file() { (known.len(), Some(head(file)?)) } else { (0, None) };
            (Box::new(BufReader::with_capacity(BUFFER_BYTES, opened)), in_all, head)
        };
        let whole = (Sha256::new(), 0, 0);
        Ok(Self { from, in_all, head, digest: Sha256::new(), bytes: 0, number: 0, whole, line: Vec::new() })
    }

    /// Stands for how it begins; none for what cannot be read again.
    pub(super) fn head(&self) -> Option<String> {
        self.head.map(|head| Hex(head.get(..16).unwrap_or_default()).to_string())
    }

    /// How many bytes there are, as far as is known.
    pub(super) const fn bytes_in_all(&self) -> u64 {
        self.in_all
    }

    /// The number of the line read last.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether the line read last has an end.
    pub(super) const fn is_whole(&self) -> bool {
        self.bytes == self.whole.1
    }

    /// How far it has been read, up to the end of a line.
    pub(super) fn mark(&self, (taken, refused): (u64, u64), last: Option<Brought>) -> Mark {
        let (digest, bytes, lines) = &self.whole;
        Mark { bytes: *bytes, lines: *lines, taken, refused, digest: Hex(&digest.clone().finalize()).to_string(), last }
    }

    /// Skips what was read up to a mark, if it is still the same; if not, it has to be opened anew. Call it first.
    pub(super) fn skip_to(&mut self, mark: &Mark) -> io::Result<bool> {
        if mark.bytes > self.in_all {
            return Ok(false);
        }
        let (mut digest, mut left) = (Sha256::new(), mark.bytes);
        while left > 0 {
            let read = self.from.fill_buf()?;
            let count = read.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if count == 0 {
                break;
            }
            digest.update(read.get(..count).unwrap_or_default());
            self.from.consume(count);
            left -= count as u64;
        }
        let same = left == 0 && Hex(&digest.clone().finalize()).to_string() == mark.digest;
        if same {
            (self.digest, self.bytes, self.number) = (digest, mark.bytes, mark.lines);
            self.whole = (self.digest.clone(), mark.bytes, mark.lines);
        }
        Ok(same)
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let most = LINE_BYTES_MAX as u64 + 1;
        (&mut self.from).take(most).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        self.took_line();
        if self.line.len() > LINE_BYTES_MAX && self.line.last() != Some(&b'\n') {
            self.skip_line()?;
            return Ok(Some(Line::TooLong));
        }
        let text = self.line.trim_ascii();
        Ok(Some(if text.is_empty() { Line::Blank } else { Line::Text(text) }))
    }

    fn took_line(&mut self) {
        self.digest.update(&self.line);
        self.bytes += self.line.len() as u64;
        if self.line.last() == Some(&b'\n') {
            self.whole = (self.digest.clone(), self.bytes, self.number);
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            self.line.clear();
            (&mut self.from).take(BUFFER_BYTES as u64).read_until(b'\n', &mut self.line)?;
            self.took_line();
            if self.line.is_empty() || self.line.last() == Some(&b'\n') {
                return Ok(());
            }
        }
    }
}

/// The digest of how a file begins.
fn head(file: &Path) -> io::Result<[u8; 32]> {
    let mut head = Vec::new();
    File::open(file)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(Sha256::digest(&head).into())
}
