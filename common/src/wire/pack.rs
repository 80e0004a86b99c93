//! MessagePack, in the one place that names it.
//!
//! Structs are written as maps with their names, so that a reader of another version can tell a key it does not know
//! from one that is missing. Callers put a [`super::frame`] around the bytes.

use std::io::Cursor;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a value could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The value has no form in MessagePack.
    #[error("could not write it: {0}")]
    Write(#[from] rmp_serde::encode::Error),
    /// The bytes are not the value asked for.
    #[error("could not read it: {0}")]
    Read(#[from] rmp_serde::decode::Error),
    /// The value ends before the bytes do.
    #[error("{0} bytes follow its end")]
    Trailing(usize),
}

/// Deepest nesting that is read: ours is six, and a stack has an end.
const DEPTH_MAX: usize = 32;

/// The bytes of `value`.
pub fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, PackError> {
    Ok(rmp_serde::to_vec_named(value)?)
}

/// The value in `bytes`, which must end with it.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PackError> {
    let mut reader = rmp_serde::Deserializer::new(Cursor::new(bytes));
    reader.set_max_depth(DEPTH_MAX);
    let value = T::deserialize(&mut reader)?;
    let end = usize::try_from(reader.position()).unwrap_or(usize::MAX);
    match bytes.len().saturating_sub(end) {
        0 => Ok(value),
        rest => Err(PackError::Trailing(rest)),
    }
}
