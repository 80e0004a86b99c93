//! The store's bounds, and what they are unless the configuration says otherwise.

/// The store's bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bytes of the database's page cache.
    pub cache_bytes: u64,
    /// The head is sealed at this size, and appends are refused at twice this size.
    pub head_bytes_max: usize,
    /// The head is sealed when the journal has this many bytes.
    pub journal_bytes_max: u64,
    /// The head is sealed when the oldest entry of the journal is this old.
    pub journal_age_max_ms: i64,
    /// Most streams that are known.
    pub streams_max: usize,
    /// Most streams that one agent brings.
    pub streams_per_agent_max: usize,
    /// Most agents that are known.
    pub agents_max: usize,
    /// How long a day rests after its end, and after rows of it were sealed, before it is merged.
    pub merge_after_ms: i64,
    /// About how many rows a merge holds in memory at once; of one stream it holds a day.
    pub merge_rows_max: u64,
    /// About how many rows of a stream are kept of a day; see `crowded`.
    pub rows_of_a_day_max: u64,
    /// How many parts may wait: beyond it some are folded into one or, where that cannot be or twice as many wait, the day
    /// that most of them wait for is merged, whether it rests or not.
    pub parts_max: usize,
    /// How long opening waits for a lock that a killed process still holds.
    pub open_retry_ms: u64,
    /// Bytes of the disk that are kept free, which is seen to before the store is asked; none: the default.
    pub reserve_bytes: Option<u64>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 * 1024 * 1024,
            head_bytes_max: 24 * 1024 * 1024,
            journal_bytes_max: 64 * 1024 * 1024,
            journal_age_max_ms: 3_600_000,
            streams_max: 400_000,
            streams_per_agent_max: 10_000,
            agents_max: 10_000,
            merge_after_ms: 3_600_000,
            merge_rows_max: 500_000,
            rows_of_a_day_max: 1 << 20,
            parts_max: 96,
            open_retry_ms: 5_000,
            reserve_bytes: None,
        }
    }
}
