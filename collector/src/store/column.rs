//! One column of a chunk.
//!
//! ```text
//! 00                          every value is 0
//! 01 value:u64                every value is this one
//! 02 length:u32 bytes         pco, standalone format
//! ```
//!
//! How pco looks at a column is said for each, since finding that out costs it twenty times as much as packing does: of
//! instants it packs the steps, of durations the values, and of counts and levels whichever of the two is smaller.
//!
//! Reading trusts nothing: the number of rows comes from the chunk's header and is bounded there, memory is taken for
//! that many values and no more, and pco must fill exactly that many and end.

use pco::data_types::Number;
use pco::{ChunkConfig, DeltaSpec, ModeSpec};

use super::chunk::ChunkError;

const ZERO: u8 = 0;
const CONSTANT: u8 = 1;
const PCO: u8 = 2;

/// How many groups of values pco tells apart, as a power of two: with 8, its default, a column is as small and takes longer.
const LEVEL: usize = 6;

/// What a column is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Like {
    /// Values that rise in steps of about the same size.
    Steps,
    /// Values around something, each for itself.
    Noise,
    /// Counters or levels; perhaps all of them are multiples of something.
    Levels,
}

/// A number that stands in a column.
pub(super) trait Value: Number + PartialEq + Default {
    /// Its bits, as wide as the widest.
    fn to_bits(self) -> u64;
    /// Back from [`Self::to_bits`], if it fits.
    fn from_bits(bits: u64) -> Option<Self>;
}

impl Value for i64 {
    fn to_bits(self) -> u64 {
        self.cast_unsigned()
    }

    fn from_bits(bits: u64) -> Option<Self> {
        Some(bits.cast_signed())
    }
}

impl Value for u64 {
    fn to_bits(self) -> u64 {
        self
    }

    fn from_bits(bits: u64) -> Option<Self> {
        Some(bits)
    }
}

impl Value for u32 {
    fn to_bits(self) -> u64 {
        u64::from(self)
    }

    fn from_bits(bits: u64) -> Option<Self> {
        Self::try_from(bits).ok()
    }
}

/// Writes a column behind what stands in `out`.
pub(super) fn write<T: Value>(out: &mut Vec<u8>, values: &[T], like: Like) -> Result<(), ChunkError> {
    let first = values.first().copied().unwrap_or_default();
    if values.iter().all(|value| *value == first) {
        if first == T::default() {
            out.push(ZERO);
        } else {
            out.push(CONSTANT);
            out.extend_from_slice(&first.to_bits().to_be_bytes());
        }
        return Ok(());
    }
    let packed = pco::standalone::simple_compress(values, &config(values, like))
        .map_err(|why| ChunkError::Pack(why.to_string()))?;
    let length = u32::try_from(packed.len()).map_err(|_| ChunkError::Content("a column too long"))?;
    out.push(PCO);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&packed);
    Ok(())
}

fn config<T: Value>(values: &[T], like: Like) -> ChunkConfig {
    let (mode, delta) = match like {
        Like::Steps => (ModeSpec::Classic, DeltaSpec::TryConsecutive(1)),
        Like::Noise => (ModeSpec::Classic, DeltaSpec::NoOp),
        Like::Levels if steps_are_smaller(values) => (ModeSpec::Auto, DeltaSpec::TryConsecutive(1)),
        Like::Levels => (ModeSpec::Auto, DeltaSpec::NoOp),
    };
    ChunkConfig::default().with_compression_level(LEVEL).with_mode_spec(mode).with_delta_spec(delta)
}

/// Whether the steps from value to value take fewer bits than how far each value lies above the least.
fn steps_are_smaller<T: Value>(values: &[T]) -> bool {
    let least = values.iter().map(|value| value.to_bits()).min().unwrap_or_default();
    let bits = |value: u64| u64::from(u64::BITS - value.leading_zeros());
    let above: u64 = values.iter().map(|value| bits(value.to_bits() - least)).sum();
    let step = |before: &T, after: &T| bits(after.to_bits().abs_diff(before.to_bits())) + 1;
    let steps: u64 = values.windows(2).filter_map(|pair| Some(step(pair.first()?, pair.last()?))).sum();
    steps < above
}

/// A column that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column<T> {
    /// Every value is this one.
    Same(T),
    /// Each value.
    Each(Vec<T>),
}

impl<T: Value> Column<T> {
    /// Puts each value in the row that it is of.
    pub(super) fn put<R>(&self, rows: &mut [R], put: impl Fn(&mut R, T)) {
        match self {
            Self::Same(value) => rows.iter_mut().for_each(|row| put(row, *value)),
            Self::Each(values) => rows.iter_mut().zip(values).for_each(|(row, value)| put(row, *value)),
        }
    }

    /// As [`Self::put`], of values that may be none; the first that is none is an error.
    pub(super) fn try_put<R>(&self, rows: &mut [R], put: impl Fn(&mut R, T) -> Option<()>) -> Option<()> {
        match self {
            Self::Same(value) => rows.iter_mut().try_for_each(|row| put(row, *value)),
            Self::Each(values) => rows.iter_mut().zip(values).try_for_each(|(row, value)| put(row, *value)),
        }
    }

    /// The values of `rows` rows.
    pub(super) fn values(self, rows: usize) -> Vec<T> {
        match self {
            Self::Same(value) => vec![value; rows],
            Self::Each(values) => values,
        }
    }
}

/// Reads a column of `rows` values from the front of `bytes`, and moves past it.
pub(super) fn read<T: Value>(bytes: &mut &[u8], rows: usize) -> Result<Column<T>, ChunkError> {
    const CUT: ChunkError = ChunkError::Content("a column that ends early");
    let (tag, rest) = bytes.split_first().ok_or(CUT)?;
    *bytes = rest;
    match *tag {
        ZERO => Ok(Column::Same(T::default())),
        CONSTANT => {
            let (value, rest) = bytes.split_first_chunk::<8>().ok_or(CUT)?;
            *bytes = rest;
            let value = T::from_bits(u64::from_be_bytes(*value)).ok_or(ChunkError::Content("a value out of range"))?;
            Ok(Column::Same(value))
        }
        PCO => {
            let (length, rest) = bytes.split_first_chunk::<4>().ok_or(CUT)?;
            let (packed, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(CUT)?;
            *bytes = rest;
            unpack(packed, rows).map(Column::Each)
        }
        _ => Err(ChunkError::Content("a column of an unknown form")),
    }
}

fn unpack<T: Value>(packed: &[u8], rows: usize) -> Result<Vec<T>, ChunkError> {
    let mut values = vec![T::default(); rows];
    let progress = pco::standalone::simple_decompress_into(packed, &mut values)
        .map_err(|why| ChunkError::Pack(why.to_string()))?;
    if progress.finished && progress.n_processed == rows {
        Ok(values)
    } else {
        Err(ChunkError::Content("a column with another number of rows"))
    }
}
