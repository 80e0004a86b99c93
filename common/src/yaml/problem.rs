//! What is wrong with a file, said to the person who wrote it.
//!
//! A reader that cannot give its value returns [`Told`], which only [`Report::add`] makes: so a reading that failed
//! without a problem on record cannot be written. Problems are kept up to a bound, counted beyond it, and printed in
//! order of their places. A *remark* is about what is sound and yet was hardly meant; it fails nothing.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Most problems kept and shown; those beyond are counted.
pub const PROBLEMS_SHOWN_MAX: usize = 200;

/// A place in a file; lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named when it was read.
    pub file: Arc<str>,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong, where it is, and what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// The keys that lead there, such as `services.webshop.probes.front-page.interval`; empty at the top.
    pub path: String,
    /// What is wrong, for people.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "{}: {}", self.place, self.message)
        } else {
            write!(f, "{}: {}: {}", self.place, self.path, self.message)
        }
    }
}

/// Everything that is wrong, in order of place; never empty once it is returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    shown: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// The problems that were kept, in order of place.
    pub fn shown(&self) -> &[Problem] {
        &self.shown
    }

    /// How many there are, shown or not.
    pub fn count(&self) -> usize {
        self.shown.len().saturating_add(self.more)
    }

    fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = self.shown.iter().map(|problem| &*problem.place.file).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

impl fmt::Display for Problems {
    /// One line a problem, then a line that counts them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.shown {
            writeln!(f, "{problem}")?;
        }
        let noun = if self.count() == 1 { "problem" } else { "problems" };
        match self.files().as_slice() {
            [file] => write!(f, "{} {noun} in {file}", self.count())?,
            files => write!(f, "{} {noun} in {} files", self.count(), files.len())?,
        }
        if self.more > 0 {
            write!(f, ", of which {} are shown", self.shown.len())?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The proof that a problem was put on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told(());

/// What a reader gives: its value, or the proof that it told why there is none.
pub type Read<T> = Result<T, Told>;

/// Where readers put the problems they find.
#[derive(Debug, Default)]
pub struct Report {
    found: RefCell<Problems>,
    remarks: RefCell<Vec<Problem>>,
}

impl Report {
    /// Puts a problem on record.
    pub fn add(&self, place: &Place, path: &str, message: impl Into<String>) -> Told {
        let mut found = self.found.borrow_mut();
        if found.shown.len() < PROBLEMS_SHOWN_MAX {
            found.shown.push(Problem { place: place.clone(), path: path.to_owned(), message: message.into() });
        } else {
            found.more = found.more.saturating_add(1);
        }
        Told(())
    }

    /// Puts on record what is sound and yet was hardly meant; what is beyond [`PROBLEMS_SHOWN_MAX`] is left out.
    pub fn remark(&self, place: &Place, path: &str, message: impl Into<String>) {
        let mut remarks = self.remarks.borrow_mut();
        if remarks.len() < PROBLEMS_SHOWN_MAX {
            remarks.push(Problem { place: place.clone(), path: path.to_owned(), message: message.into() });
        }
    }

    /// The remarks so far, in order of place.
    pub fn remarks(&self) -> Vec<Problem> {
        let mut remarks = self.remarks.borrow().clone();
        remarks.sort_by(|a, b| a.place.cmp(&b.place));
        remarks
    }

    /// Whether further problems are only counted, so that nobody need word them.
    pub(crate) fn is_full(&self) -> bool {
        self.found.borrow().shown.len() >= PROBLEMS_SHOWN_MAX
    }

    /// The value, unless anything was put on record.
    pub fn finish<T>(self, value: Read<T>) -> Result<T, Problems> {
        let mut found = self.found.into_inner();
        match value {
            Ok(value) if found.shown.is_empty() => Ok(value),
            _ => {
                found.shown.sort_by(|a, b| a.place.cmp(&b.place));
                Err(found)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str, line: usize) -> Place {
        Place { file: Arc::from(file), line, column: 1 }
    }

    #[test]
    fn problems_are_printed_in_order_of_place_and_counted() {
        let report = Report::default();
        report.add(&place("b.yaml", 1), "", "third");
        report.add(&place("a.yaml", 9), "x.y", "second");
        let told = report.add(&place("a.yaml", 2), "x", "first");
        let problems = report.finish::<()>(Err(told)).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "a.yaml:2:1: x: first\na.yaml:9:1: x.y: second\nb.yaml:1:1: third\n3 problems in 2 files"
        );
    }

    #[test]
    fn problems_beyond_the_bound_are_counted() {
        let report = Report::default();
        for line in 1..=PROBLEMS_SHOWN_MAX + 14 {
            report.add(&place("a.yaml", line), "", "wrong");
        }
        let problems = report.finish(Ok(())).unwrap_err();
        assert_eq!((problems.shown().len(), problems.count()), (200, 214));
        assert!(problems.to_string().ends_with("\n214 problems in a.yaml, of which 200 are shown"));
    }
}
