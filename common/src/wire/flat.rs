//! Rows as flat columns of small numbers: quick to write, quick to read, and what repeats stands together.
//!
//! ```text
//! number        LEB128: seven bits a byte, the lowest first, the top bit set while more follow; at most ten bytes
//! signed        zigzag, then as a number: 0, -1, 1, -2, …
//! observations  at: signed, the difference to the row before, the first one to `base`
//!               outcome: a byte each   cause: a byte each   code: numbers   total: numbers
//!               which phases follow: one byte, bit 0 for the first;  each of those: numbers
//! readings      at: as above   used: signed, the difference to the row before, wrapping   limit: the same
//! volumes       at: as above   over_ms: numbers   amount: numbers
//! ```
//!
//! How many rows there are stands elsewhere. Reading trusts nothing: a code that is not known, an instant that is not
//! after the one before it or out of range, a limit of zero and a column that ends early are errors.

use super::columns::ColumnsError;
use crate::observation::{Cause, Micros, Observation, Outcome, Phases, Reading, Volume};
use crate::time::Instant;

/// Writes a number.
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

/// Reads a number from the front of `bytes`, and moves past it.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    // Most numbers are one byte.
    match bytes.split_first() {
        Some((byte, rest)) if *byte < 0x80 => {
            *bytes = rest;
            Some(u64::from(*byte))
        }
        _ => take_long(bytes),
    }
}

fn take_long(bytes: &mut &[u8]) -> Option<u64> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

/// Writes a signed number.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}

/// Reads a signed number from the front of `bytes`, and moves past it.
#[inline]
pub fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let zigzag = take(bytes)?;
    Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

/// Writes observations, whose instants ascend.
pub fn put_observations(out: &mut Vec<u8>, base: Instant, rows: &[Observation]) {
    put_instants(out, base, rows.iter().map(|row| row.at));
    out.extend(rows.iter().map(|row| row.outcome as u8));
    out.extend(rows.iter().map(|row| row.cause as u8));
    for row in rows {
        put(out, u64::from(row.code));
    }
    for row in rows {
        put(out, u64::from(row.total.code()));
    }
    let present = rows.iter().fold([false; 5], |mut present, row| {
        for (seen, phase) in present.iter_mut().zip(row.phases.to_array()) {
            *seen |= phase.code() != 0;
        }
        present
    });
    out.push(present.iter().rev().fold(0, |bits, seen| bits << 1 | u8::from(*seen)));
    for (phase, _) in present.iter().enumerate().filter(|(_, seen)| **seen) {
        for row in rows {
            put(out, row.phases.to_array().get(phase).map_or(0, |micros| u64::from(micros.code())));
        }
    }
}

/// Reads so many observations from the front of `bytes` to the end of `out`, and moves past them. What stands in `out`
/// after an error is worth nothing; so it is with all that are read here.
pub fn take_observations(
    bytes: &mut &[u8],
    base: Instant,
    rows: usize,
    out: &mut Vec<Observation>,
) -> Result<(), ColumnsError> {
    let (outcome, cause, code) = (Outcome::Up, Cause::None, 0);
    let (total, phases) = (Micros::default(), Phases::default());
    let begun = |at| Observation { at, outcome, cause, code, total, phases };
    let found = take_instants(bytes, base, rows, out, begun)?;
    let (outcomes, causes) = (take_bytes(bytes, rows)?, take_bytes(bytes, rows)?);
    for (place, ((row, outcome), cause)) in found.iter_mut().zip(outcomes).zip(causes).enumerate() {
        let known = Outcome::from_code(*outcome).zip(Cause::from_code(*cause));
        (row.outcome, row.cause) = known.ok_or(ColumnsError::Code(place))?;
        let code = take(bytes).ok_or(ColumnsError::Lengths)?;
        row.code = u16::try_from(code).map_err(|_| ColumnsError::Code(place))?;
    }
    for row in found.iter_mut() {
        row.total = take_micros(bytes)?;
    }
    let (present, rest) = bytes.split_first().ok_or(ColumnsError::Lengths)?;
    *bytes = rest;
    if *present >= 1 << 5 {
        return Err(ColumnsError::Lengths);
    }
    for phase in (0..5).filter(|phase| present >> phase & 1 == 1) {
        for row in found.iter_mut() {
            let place = match phase {
                0 => &mut row.phases.resolve,
                1 => &mut row.phases.connect,
                2 => &mut row.phases.tls,
                3 => &mut row.phases.first_byte,
                _ => &mut row.phases.transfer,
            };
            *place = take_micros(bytes)?;
        }
    }
    Ok(())
}

/// Writes readings, whose instants ascend.
pub fn put_readings(out: &mut Vec<u8>, base: Instant, rows: &[Reading]) {
    put_instants(out, base, rows.iter().map(|row| row.at));
    put_differences(out, rows.iter().map(|row| row.used));
    put_differences(out, rows.iter().map(|row| row.limit));
}

/// Reads so many readings from the front of `bytes` to the end of `out`, and moves past them.
pub fn take_readings(
    bytes: &mut &[u8],
    base: Instant,
    rows: usize,
    out: &mut Vec<Reading>,
) -> Result<(), ColumnsError> {
    let found = take_instants(bytes, base, rows, out, |at| Reading { at, used: 0, limit: 0 })?;
    let mut before = 0_u64;
    for row in found.iter_mut() {
        before = before.wrapping_add_signed(take_signed(bytes).ok_or(ColumnsError::Lengths)?);
        row.used = before;
    }
    before = 0;
    for (place, row) in found.iter_mut().enumerate() {
        before = before.wrapping_add_signed(take_signed(bytes).ok_or(ColumnsError::Lengths)?);
        row.limit = before;
        if before == 0 {
            return Err(ColumnsError::Limit(place));
        }
    }
    Ok(())
}

/// Writes volumes, whose instants ascend.
pub fn put_volumes(out: &mut Vec<u8>, base: Instant, rows: &[Volume]) {
    put_instants(out, base, rows.iter().map(|row| row.at));
    for row in rows {
        put(out, u64::from(row.over_ms));
    }
    for row in rows {
        put(out, row.amount);
    }
}

/// Reads so many volumes from the front of `bytes` to the end of `out`, and moves past them.
pub fn take_volumes(bytes: &mut &[u8], base: Instant, rows: usize, out: &mut Vec<Volume>) -> Result<(), ColumnsError> {
    let found = take_instants(bytes, base, rows, out, |at| Volume { at, over_ms: 0, amount: 0 })?;
    for (place, row) in found.iter_mut().enumerate() {
        let over_ms = take(bytes).ok_or(ColumnsError::Lengths)?;
        row.over_ms = u32::try_from(over_ms).map_err(|_| ColumnsError::Code(place))?;
    }
    for row in found.iter_mut() {
        row.amount = take(bytes).ok_or(ColumnsError::Lengths)?;
    }
    Ok(())
}

fn put_instants(out: &mut Vec<u8>, base: Instant, instants: impl Iterator<Item = Instant>) {
    let mut before = base;
    for at in instants {
        put_signed(out, at.as_ms() - before.as_ms());
        before = at;
    }
}

/// Rows of which only the instants are known yet.
fn take_instants<'a, T>(
    bytes: &mut &[u8],
    base: Instant,
    rows: usize,
    out: &'a mut Vec<T>,
    begun: impl Fn(Instant) -> T,
) -> Result<&'a mut [T], ColumnsError> {
    // Each row takes at least this one byte, so a number of rows that was made up costs no memory.
    if rows > bytes.len() {
        return Err(ColumnsError::Lengths);
    }
    let (mut at, before) = (base.as_ms(), out.len());
    out.reserve(rows);
    for row in 0..rows {
        let step = take_signed(bytes).ok_or(ColumnsError::Lengths)?;
        at = at.checked_add(step).ok_or(ColumnsError::Order(row))?;
        let in_range = (Instant::MIN.as_ms()..=Instant::MAX.as_ms()).contains(&at);
        if !in_range || (row > 0 && step <= 0) {
            return Err(ColumnsError::Order(row));
        }
        out.push(begun(Instant::from_ms(at)));
    }
    out.get_mut(before..).ok_or(ColumnsError::Lengths)
}

fn put_differences(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    let mut before = 0_u64;
    for value in values {
        put_signed(out, value.wrapping_sub(before).cast_signed());
        before = value;
    }
}

fn take_bytes<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], ColumnsError> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(ColumnsError::Lengths)?;
    *bytes = rest;
    Ok(taken)
}

fn take_micros(bytes: &mut &[u8]) -> Result<Micros, ColumnsError> {
    let code = take(bytes).and_then(|code| u32::try_from(code).ok());
    code.map(Micros::from_code).ok_or(ColumnsError::Lengths)
}

#[cfg(test)]
#[path = "flat_tests.rs"]
mod tests;
