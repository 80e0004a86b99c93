//! What can go wrong with the store, as one type.
//!
//! After [`StoreError::Io`] the store is dead: the embedded database's handle cannot be trusted after a failed read
//! or write, so every later call gives [`StoreError::Dead`], and the program ends with an exit code of its own.

use std::path::PathBuf;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed; nothing of this call may be taken for durable, and the store is dead from here on.
    #[error("the store failed: {0}")]
    Io(String),
    /// The database failed before.
    #[error("the store failed earlier and has to be opened anew")]
    Dead,
    /// Rows wait in memory to be sealed, and there are too many of them.
    #[error("{head_bytes} bytes wait to be sealed, and at most {limit} may")]
    Full {
        /// How many bytes wait.
        head_bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The disk is full. Nothing of this call is kept, and the store goes on.
    #[error("no space is left for {file}")]
    NoSpace {
        /// Which file there is none for.
        file: String,
    },
    /// Something governed or needed at the start is damaged.
    #[error("{place} is damaged: {reason}")]
    Corrupt {
        /// What is damaged.
        place: String,
        /// How that was noticed.
        reason: String,
    },
    /// The store was written by another version of this program.
    #[error("the store is of version {found}, and this program reads version {readable}")]
    Version {
        /// The version of the store.
        found: u16,
        /// The version that is read.
        readable: u16,
    },
    /// Parts wait to be merged, and the store's state cannot name more of them.
    #[error("{waiting} parts wait to be merged or are missing, and at most {limit} may")]
    TooManyParts {
        /// How many there are.
        waiting: usize,
        /// The bound.
        limit: usize,
    },
    /// More than is taken.
    #[error("{what} of {found} bytes, and at most {limit} are taken")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// Another program holds the data directory.
    #[error("the data directory {} is held by {holder}", path.display())]
    Held {
        /// The directory.
        path: PathBuf,
        /// Who holds it, as its lock file says.
        holder: String,
    },
    /// A directory or file beside the database could not be prepared.
    #[error("{} could not be prepared: {source}", path.display())]
    Prepare {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system gave no random bits for the store's id.
    #[error("no random bits for the id of a new store")]
    Random,
}
