//! What the digest of a revision is made from, so that only a change of what is measured makes another one.
//!
//! A program that comes later says more in the block of a target: it has further keys. Was the digest that of the text, then
//! every upgrade would revise all windows that it looks at. So the keys have a **form**: a number that grows with each set of
//! keys that is added. A revision names the form in which it was issued, and a window that was measured again is held against
//! it in that form: with the keys that there were then, and no others. One whose values are the same stays as it is, of
//! whichever form; one whose values are not is issued anew, in the newest.
//!
//! The digest is the SHA-256 of the block as compact JSON, its keys in order of their bytes, without those that came with a
//! later form. Keys are only added: one that is renamed, gone, or means something else is a change of what is measured.
//! Nobody knows what a form that is newer than this program was made from; what was issued in one stays as it is.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uphold_common::bytes::Hex;

/// The keys that each form beyond the first has added, by their paths, such as `contractual.breaks`.
const ADDED: [&[&str]; 0] = [];

/// The newest form, counted from 1.
#[expect(clippy::cast_possible_truncation, reason = "nobody adds keys so often")]
pub const FORM: u32 = 1 + ADDED.len() as u32;

/// The digest of a target's block in the figures, given as JSON, in a form; 64 hexadecimal digits.
pub fn digest(block: &[u8], form: u32) -> Result<String, serde_json::Error> {
    digest_among(block, form, &ADDED)
}

fn digest_among(block: &[u8], form: u32, added: &[&[&str]]) -> Result<String, serde_json::Error> {
    let known = usize::try_from(form.saturating_sub(1)).unwrap_or(usize::MAX);
    let later: BTreeSet<&str> = added.iter().skip(known).flat_map(|keys| keys.iter().copied()).collect();
    let block: Value = serde_json::from_slice(block)?;
    let mut text = Vec::new();
    write(&block, &mut String::new(), &later, &mut text)?;
    Ok(Hex(&Sha256::digest(&text)).to_string())
}

/// Writes a value that stands at `path`. What is in a list stands at the path of the list.
fn write(value: &Value, path: &mut String, later: &BTreeSet<&str>, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match value {
        Value::Object(object) => {
            let mut keys: Vec<(&String, &Value)> = object.iter().collect();
            keys.sort_unstable_by_key(|(key, _)| *key);
            let (begin, mut separator) = (path.len(), b'{');
            for (key, value) in keys {
                if begin > 0 {
                    path.push('.');
                }
                path.push_str(key);
                if !later.contains(path.as_str()) {
                    out.push(std::mem::replace(&mut separator, b','));
                    serde_json::to_writer(&mut *out, key)?;
                    out.push(b':');
                    write(value, path, later, out)?;
                }
                path.truncate(begin);
            }
            out.extend_from_slice(if separator == b'{' { b"{}" } else { b"}" });
        }
        Value::Array(list) => {
            out.push(b'[');
            for (place, value) in list.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(value, path, later, out)?;
            }
            out.push(b']');
        }
        scalar => serde_json::to_writer(&mut *out, scalar)?,
    }
    Ok(())
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
