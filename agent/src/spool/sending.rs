//! What is sent out of the spool: the oldest batch that waits, or one that a collector asked for again.
//!
//! A batch is read from its file when it is sent, and held against its checksum and, when it is sent again, its key. One
//! that is not sound is put aside and counted, and the next one is looked at.

use std::fs;
use std::io;
use std::path::Path;

use uphold_common::wire::batch::{Batch, BatchKey};
use uphold_common::wire::push::SeqRange;

use super::{Parcel, Spool, SpoolError};

/// How many batches are looked at for the oldest row: they lie in order but for attempts that took long, so the oldest
/// row is among the first, and a long backlog is not walked for every push.
const LOOK_AHEAD: usize = 1_000;
/// How many kept files that are not sound are put aside in one go.
const UNSOUND_AT_ONCE: usize = 16;

impl Spool {
    /// The oldest batch that waits; it also answers a collector that `asked` for everything from a seq on, when nothing
    /// of that is kept. What turns out not to be sound is put aside on the way.
    pub fn front(&mut self, asked: Option<u64>) -> Option<Parcel> {
        loop {
            let seq = self.waiting.front()?.seq;
            match read(&self.path_of(seq)) {
                Found::Batch(framed, _) => {
                    let unkept = asked.filter(|from| self.kept.at_or_after(*from).is_none());
                    let absent = unkept.and_then(|from| range(from, self.cursor.acknowledged_seq));
                    return Some(self.parcel(seq, framed, absent, 1));
                }
                Found::Later => return None,
                Found::Unsound => {
                    self.ledger.losses.corrupt_files += 1;
                    self.put_aside(seq);
                }
            }
        }
    }

    /// The first batch that was acknowledged and is kept, from a seq on.
    pub fn again(&mut self, from: u64) -> Option<Parcel> {
        for _ in 0..UNSOUND_AT_ONCE {
            let seq = self.kept.at_or_after(from)?;
            match read(&self.kept.path_of(seq)) {
                Found::Batch(framed, key) if self.is_ours(&key, seq) => {
                    return Some(self.parcel(seq, framed, range(from, seq.saturating_sub(1)), 0));
                }
                Found::Later => return None,
                Found::Batch(..) | Found::Unsound => {
                    self.ledger.losses.corrupt_files += 1;
                    self.put_kept_aside(seq);
                }
            }
        }
        None
    }

    /// A collector refused for good what it was sent again: it is put aside.
    pub fn refuse_again(&mut self, seq: u64) -> Result<(), SpoolError> {
        if self.kept.at_or_after(seq) == Some(seq) {
            self.ledger.losses.refused_batches += 1;
            self.put_kept_aside(seq);
            self.ledger.keep();
        }
        Ok(())
    }

    fn parcel(&self, seq: u64, framed: Vec<u8>, absent: Option<SeqRange>, own: usize) -> Parcel {
        let behind = self.waiting.iter().skip(own);
        Parcel {
            epoch: self.cursor.epoch,
            seq,
            framed,
            acknowledged_seq: self.cursor.acknowledged_seq,
            kept_from: self.kept.lowest(),
            absent,
            backlog_batches: (self.waiting.len() - own) as u64,
            backlog_oldest: behind.take(LOOK_AHEAD).filter_map(|waiting| waiting.span.map(|(oldest, _)| oldest)).min(),
            store: self.cursor.store,
        }
    }

    fn put_kept_aside(&mut self, seq: u64) {
        let path = self.kept.path_of(seq);
        self.kept.forget(seq);
        self.quarantine_file(&path, seq);
    }
}

/// What lies in a file.
enum Found {
    Batch(Vec<u8>, Box<BatchKey>),
    /// It cannot be read now: the agent may be out of handles for a moment, and that makes no batch a bad one.
    Later,
    Unsound,
}

fn read(path: &Path) -> Found {
    match fs::read(path) {
        Ok(framed) => match Batch::decode(&framed) {
            Ok(batch) => Found::Batch(framed, Box::new(batch.key)),
            Err(_) => Found::Unsound,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Unsound,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a batch could not be read, and waits");
            Found::Later
        }
    }
}

/// The seqs from the first to the last, if there are any.
fn range(first: u64, last: u64) -> Option<SeqRange> {
    (first <= last).then_some(SeqRange { first, last })
}
