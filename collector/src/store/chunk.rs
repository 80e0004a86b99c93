//! A chunk: up to [`CHUNK_ROWS_MAX`] rows of one stream on one UTC day, in columns.
//!
//! ```text
//! table    day-DDDDDD-NNNNNNNNNNNN (see `table`); from and to are the first and the last part that went into it
//! key      stream:u32 piece:u32
//! frame    magic UPHc, version 2, checksum (uphold_common::wire::frame), then
//!   0   1  kind of stream: 0 probe, 1 capacity, 2 volume
//!   1   4  the day, big endian as all of these
//!   5   4  number of the stream
//!   9   4  number of rows, 1 to 65536
//!  13   …  the columns, each as `column` draws it; nothing follows the last one
//!
//! probe     at:i64  outcome:u32 cause:u32 code:u32 total:u32  resolve:u32 connect:u32 tls:u32 first_byte:u32 transfer:u32
//! capacity  at:i64  used:u64 limit:u64
//! volume    at:i64  over_ms:u32 amount:u64
//! ```
//!
//! Rows are in strictly ascending order of time and lie in the chunk's day; both are checked when a chunk is written
//! and when it is read. A chunk that is not sound gives an error, never other rows: its reader counts it, says so once,
//! and leaves it out. An unused column costs one byte, one that repeats a value nine.
//!
//! Version 1 stood in the database, had kind and number of rows (1 to 4096) only, and is read when such a store is
//! opened.

use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, Reading, Volume};
use uphold_common::time::{DAY_MS, Instant};
use uphold_common::wire::frame::{self, Compression, FrameError, Magic};

use super::column::{Column, Like, read, write};
use super::rows::{Block, Row};
use super::stream::StreamKind;

/// Most rows in one chunk.
pub(super) const CHUNK_ROWS_MAX: usize = 65_536;
/// Most bytes of a chunk that are looked at.
const CHUNK_BYTES_MAX: usize = 16 * 1024 * 1024;
const CHUNK: Magic = Magic(*b"UPHc");
const VERSION: u16 = 2;
const VERSION_1: u16 = 1;
const ROWS_MAX_OF_VERSION_1: usize = 4096;

/// Why rows are no chunk, or bytes no rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkError {
    /// The frame is not sound.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A column could not be packed or unpacked.
    #[error("{0}")]
    Pack(String),
    /// The content is no chunk.
    #[error("it holds {0}")]
    Content(&'static str),
}

/// Which rows a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Of {
    /// The day.
    pub(super) day: i32,
    /// The number of the stream.
    pub(super) stream: u32,
    /// Its kind.
    pub(super) kind: StreamKind,
}

/// The key of a piece of a stream in a day's table.
pub(super) fn key(stream: u32, piece: u32) -> u64 {
    u64::from(stream) << 32 | u64::from(piece)
}

/// The stream in a key.
pub(super) fn stream_of(key: u64) -> u32 {
    u32::try_from(key >> 32).unwrap_or_default()
}

/// The name of the file of a day's table.
pub(super) fn name(day: i32, made: u64) -> String {
    format!("day-{day:06}-{made:012}")
}

/// The settled rows of a stream's day as chunks, each with its number of rows.
pub(super) fn encode_day(of: Of, block: &Block) -> Result<Vec<(u32, Vec<u8>)>, ChunkError> {
    let rows = |piece: &Block| u32::try_from(piece.len()).unwrap_or_default();
    if block.len() <= CHUNK_ROWS_MAX {
        return Ok(vec![(rows(block), encode(of, block)?)]);
    }
    block.pieces(CHUNK_ROWS_MAX).iter().map(|piece| Ok((rows(piece), encode(of, piece)?))).collect()
}

/// The chunk of these rows.
pub(super) fn encode(of: Of, block: &Block) -> Result<Vec<u8>, ChunkError> {
    let rows = u32::try_from(block.len()).map_err(|_| ChunkError::Content("too many rows"))?;
    if block.len() > CHUNK_ROWS_MAX || rows == 0 {
        return Err(ChunkError::Content("no rows or too many"));
    }
    if block.kind() != of.kind {
        return Err(ChunkError::Content("rows of another kind"));
    }
    let day = of.day;
    let mut out = vec![of.kind as u8];
    out.extend_from_slice(&day.to_be_bytes());
    out.extend_from_slice(&of.stream.to_be_bytes());
    out.extend_from_slice(&rows.to_be_bytes());
    match block {
        Block::Probe(rows) => {
            write_times(&mut out, day, rows)?;
            write(&mut out, &column(rows, |r| r.outcome as u32), Like::Noise)?;
            write(&mut out, &column(rows, |r| r.cause as u32), Like::Noise)?;
            write(&mut out, &column(rows, |r| u32::from(r.code)), Like::Noise)?;
            write(&mut out, &column(rows, |r| r.total.code()), Like::Noise)?;
            for phase in 0..Phases::NAMES.len() {
                let code = |r: &Observation| r.phases.to_array().get(phase).map_or(0, |p| p.code());
                write(&mut out, &column(rows, code), Like::Noise)?;
            }
        }
        Block::Capacity(rows) => {
            write_times(&mut out, day, rows)?;
            write(&mut out, &column(rows, |r| r.used), Like::Levels)?;
            write(&mut out, &column(rows, |r| r.limit), Like::Levels)?;
        }
        Block::Volume(rows) => {
            write_times(&mut out, day, rows)?;
            write(&mut out, &column(rows, |r| r.over_ms), Like::Noise)?;
            write(&mut out, &column(rows, |r| r.amount), Like::Levels)?;
        }
    }
    Ok(frame::seal(CHUNK, VERSION, Compression::Plain, &out)?)
}

/// The rows of a chunk, which must be these.
pub(super) fn decode(of: Of, bytes: &[u8]) -> Result<Block, ChunkError> {
    let content = frame::open(CHUNK, VERSION, CHUNK_BYTES_MAX, bytes)?;
    let (kind, rest) = content.split_first().ok_or(ChunkError::Content("no header"))?;
    let (day, rest) = rest.split_first_chunk::<4>().ok_or(ChunkError::Content("no header"))?;
    let (stream, rest) = rest.split_first_chunk::<4>().ok_or(ChunkError::Content("no header"))?;
    let (rows, rest) = rest.split_first_chunk::<4>().ok_or(ChunkError::Content("no header"))?;
    if *kind != of.kind as u8 || i32::from_be_bytes(*day) != of.day || u32::from_be_bytes(*stream) != of.stream {
        return Err(ChunkError::Content("rows of another stream or day"));
    }
    decode_rows(of.day, of.kind, u32::from_be_bytes(*rows) as usize, CHUNK_ROWS_MAX, rest)
}

/// The rows of a chunk of version 1, of `kind` on `day`.
pub(super) fn decode_version_1(day: i32, kind: StreamKind, bytes: &[u8]) -> Result<Block, ChunkError> {
    let content = frame::open(CHUNK, VERSION_1, CHUNK_BYTES_MAX, bytes)?;
    let (found, rest) = content.split_first().ok_or(ChunkError::Content("no header"))?;
    let (rows, rest) = rest.split_first_chunk::<4>().ok_or(ChunkError::Content("no header"))?;
    if *found != kind as u8 {
        return Err(ChunkError::Content("rows of another kind"));
    }
    decode_rows(day, kind, u32::from_be_bytes(*rows) as usize, ROWS_MAX_OF_VERSION_1, rest)
}

fn decode_rows(day: i32, kind: StreamKind, rows: usize, rows_max: usize, mut rest: &[u8]) -> Result<Block, ChunkError> {
    if rows == 0 || rows > rows_max {
        return Err(ChunkError::Content("no rows or too many"));
    }
    let times = read_times(&mut rest, day, rows)?;
    let block = match kind {
        StreamKind::Probe => Block::Probe(read_observations(&mut rest, &times)?),
        StreamKind::Capacity => Block::Capacity(read_readings(&mut rest, &times)?),
        StreamKind::Volume => Block::Volume(read_volumes(&mut rest, &times)?),
    };
    if rest.is_empty() { Ok(block) } else { Err(ChunkError::Content("more than its columns")) }
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn write_times<R: Row>(out: &mut Vec<u8>, day: i32, rows: &[R]) -> Result<(), ChunkError> {
    let times = column(rows, |r| r.at().as_ms());
    check_times(day, &times)?;
    write(out, &times, Like::Steps)
}

fn read_times(bytes: &mut &[u8], day: i32, rows: usize) -> Result<Vec<Instant>, ChunkError> {
    let times = read::<i64>(bytes, rows)?.values(rows);
    check_times(day, &times)?;
    Ok(times.into_iter().map(Instant::from_ms).collect())
}

fn check_times(day: i32, times: &[i64]) -> Result<(), ChunkError> {
    if !times.is_sorted_by(|a, b| a < b) {
        return Err(ChunkError::Content("rows out of order"));
    }
    let in_day = |ms: &i64| ms.div_euclid(DAY_MS) == i64::from(day);
    let inside = times.first().is_some_and(in_day) && times.last().is_some_and(in_day);
    if inside { Ok(()) } else { Err(ChunkError::Content("rows of another day")) }
}

fn read_observations(bytes: &mut &[u8], times: &[Instant]) -> Result<Vec<Observation>, ChunkError> {
    const UNKNOWN: ChunkError = ChunkError::Content("a code that is not known");
    let n = times.len();
    let (total, phases) = (Micros::default(), Phases::default());
    let begun =
        |at: &Instant| Observation { at: *at, outcome: Outcome::Up, cause: Cause::None, code: 0, total, phases };
    let mut rows: Vec<Observation> = times.iter().map(begun).collect();
    let put = |row: &mut Observation, code: u32| {
        row.outcome = Outcome::from_code(u8::try_from(code).ok()?)?;
        Some(())
    };
    read::<u32>(bytes, n)?.try_put(&mut rows, put).ok_or(UNKNOWN)?;
    let put = |row: &mut Observation, code: u32| {
        row.cause = Cause::from_code(u8::try_from(code).ok()?)?;
        Some(())
    };
    read::<u32>(bytes, n)?.try_put(&mut rows, put).ok_or(UNKNOWN)?;
    let put = |row: &mut Observation, code: u32| {
        row.code = u16::try_from(code).ok()?;
        Some(())
    };
    read::<u32>(bytes, n)?.try_put(&mut rows, put).ok_or(UNKNOWN)?;
    read::<u32>(bytes, n)?.put(&mut rows, |row, code| row.total = Micros::from_code(code));
    let phases: [fn(&mut Phases) -> &mut Micros; 5] =
        [|p| &mut p.resolve, |p| &mut p.connect, |p| &mut p.tls, |p| &mut p.first_byte, |p| &mut p.transfer];
    for phase in phases {
        match read::<u32>(bytes, n)? {
            Column::Same(0) => {}
            column => column.put(&mut rows, |row, code| *phase(&mut row.phases) = Micros::from_code(code)),
        }
    }
    Ok(rows)
}

fn read_readings(bytes: &mut &[u8], times: &[Instant]) -> Result<Vec<Reading>, ChunkError> {
    let mut rows: Vec<Reading> = times.iter().map(|at| Reading { at: *at, used: 0, limit: 0 }).collect();
    read::<u64>(bytes, times.len())?.put(&mut rows, |row, used| row.used = used);
    read::<u64>(bytes, times.len())?.put(&mut rows, |row, limit| row.limit = limit);
    if rows.iter().any(|row| row.limit == 0) { Err(ChunkError::Content("a limit of 0")) } else { Ok(rows) }
}

fn read_volumes(bytes: &mut &[u8], times: &[Instant]) -> Result<Vec<Volume>, ChunkError> {
    let mut rows: Vec<Volume> = times.iter().map(|at| Volume { at: *at, over_ms: 0, amount: 0 }).collect();
    read::<u32>(bytes, times.len())?.put(&mut rows, |row, over_ms| row.over_ms = over_ms);
    read::<u64>(bytes, times.len())?.put(&mut rows, |row, amount| row.amount = amount);
    Ok(rows)
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
