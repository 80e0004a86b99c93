//! One column of a chunk.
//!
//! ```text
//! 00                          every value is 0
//! 01 value:u64                every value is this one
//! 02 length:u32 bytes         pco, standalone format
//! ```
//!
//! Reading trusts nothing: the number of rows comes from the chunk's header and is bounded there, memory is taken for
//! that many values and no more, and pco must fill exactly that many and end.

use pco::data_types::Number;

use super::chunk::ChunkError;

const ZERO: u8 = 0;
const CONSTANT: u8 = 1;
const PCO: u8 = 2;

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
pub(super) fn write<T: Value>(out: &mut Vec<u8>, values: &[T]) -> Result<(), ChunkError> {
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
    let packed = pco::standalone::simple_compress(values, &pco::ChunkConfig::default())
        .map_err(|why| ChunkError::Pack(why.to_string()))?;
    let length = u32::try_from(packed.len()).map_err(|_| ChunkError::Content("a column too long"))?;
    out.push(PCO);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&packed);
    Ok(())
}

/// Reads a column of `rows` values from the front of `bytes`, and moves past it.
pub(super) fn read<T: Value>(bytes: &mut &[u8], rows: usize) -> Result<Vec<T>, ChunkError> {
    const CUT: ChunkError = ChunkError::Content("a column that ends early");
    let (tag, rest) = bytes.split_first().ok_or(CUT)?;
    *bytes = rest;
    match *tag {
        ZERO => Ok(vec![T::default(); rows]),
        CONSTANT => {
            let (value, rest) = bytes.split_first_chunk::<8>().ok_or(CUT)?;
            *bytes = rest;
            let value = T::from_bits(u64::from_be_bytes(*value)).ok_or(ChunkError::Content("a value out of range"))?;
            Ok(vec![value; rows])
        }
        PCO => {
            let (length, rest) = bytes.split_first_chunk::<4>().ok_or(CUT)?;
            let (packed, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(CUT)?;
            *bytes = rest;
            unpack(packed, rows)
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
