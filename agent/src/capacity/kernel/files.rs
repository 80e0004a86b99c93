//! Files of the kernel that are read again and again: opened once, read from their beginning each time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// Most bytes of a file that are read; thousands of mounts take one or two million.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// How much is made room for at a time.
const STEP_BYTES: usize = 4 * 1024;
/// What of the buffer is kept until the next file.
const KEPT_BYTES: usize = 64 * 1024;

/// A file that stays open.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    file: Option<File>,
}

impl Kept {
    /// The file at this path, which need not be there yet.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None }
    }

    /// The file at this path, if it is there.
    pub(super) fn existing(path: PathBuf) -> Option<Self> {
        path.exists().then(|| Self::new(path))
    }

    /// What `parse` makes of what is in it now; `buffer` is where that is put meanwhile.
    pub(super) fn read<T>(&mut self, buffer: &mut Vec<u8>, parse: impl FnOnce(&str) -> Option<T>) -> io::Result<T> {
        let read = self.fill(buffer);
        // A file that could not be read may have been replaced: it is looked for anew the next time.
        if read.is_err() {
            self.file = None;
        }
        read?;
        let parsed = parse(&String::from_utf8_lossy(buffer));
        buffer.clear();
        buffer.shrink_to(KEPT_BYTES);
        parsed.ok_or_else(|| io::Error::other("what is in it is not understood"))
    }

    fn fill(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        let file = self.file.insert(file);
        let mut filled = 0;
        loop {
            if buffer.len() < filled + STEP_BYTES {
                buffer.resize(filled + 4 * STEP_BYTES, 0);
            }
            let free = buffer.get_mut(filled..).unwrap_or_default();
            match file.read_at(free, filled as u64)? {
                0 => break,
                more => filled += more,
            }
            if filled > BYTES_MAX {
                return Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")));
            }
        }
        buffer.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_from_its_beginning_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (mut kept, mut buffer) = (Kept::new(&path), Vec::new());
        let own = |text: &str| Some(text.to_owned());
        assert_eq!(kept.read(&mut buffer, own).unwrap_err().kind(), io::ErrorKind::NotFound);
        for text in ["first\n".to_owned(), String::new(), "x".repeat(100_000), "last\n".to_owned()] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(kept.read(&mut buffer, own).unwrap(), text);
        }
        assert!(kept.read(&mut buffer, |_| None::<()>).is_err());
        std::fs::write(&path, vec![b'x'; BYTES_MAX + 1]).unwrap();
        assert!(kept.read(&mut buffer, own).unwrap_err().to_string().contains("more than"));
    }
}
