//! Stands in for the store, which is built elsewhere at the same time: only what it counts.

/// What the store holds and has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Batches in the journal.
    pub journal_batches: u64,
    /// Their bytes.
    pub journal_bytes: u64,
    /// Rows in the head.
    pub head_rows: usize,
    /// Their bytes in memory.
    pub head_bytes: usize,
    /// Streams that are known.
    pub streams: usize,
    /// Agents that are known.
    pub agents: usize,
    /// Days that have chunks.
    pub days: usize,
    /// Days that have parts to merge, today among them.
    pub days_unmerged: usize,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Batches appended.
    pub appended_batches: u64,
    /// Rows appended.
    pub appended_rows: u64,
    /// Batches that had arrived before.
    pub duplicate_batches: u64,
    /// Seals.
    pub seals: u64,
    /// Chunks written, by seals and merges.
    pub chunks_written: u64,
    /// Streams merged, once for each day.
    pub merged_streams: u64,
    /// Damaged chunks met.
    pub corrupt_chunks: u64,
    /// Damaged entries of the journal met.
    pub corrupt_journal: u64,
    /// Damaged derived records and entries of the store's own dictionaries met.
    pub corrupt_records: u64,
}
