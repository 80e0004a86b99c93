//! Revisions of closed windows: the figures of a window as they were issued once it had settled, and again whenever they
//! changed afterwards, with what changed and why. Pure but for reading the store.
//!
//! ```text
//! Revision   key target 0 start:i64 (sign turned) kind:u8 number:u32   value MessagePack of Revision
//! Touched    key service                                               value MessagePack of Causes
//! ```
//!
//! Numbers are big endian, so records of a target come by the start of their windows and then by number. A revision is
//! written once and never changed; the old ones stay as long as records are kept. What has touched closed windows and was
//! not looked at yet stands on record too, as something derived: it is durable before the rows that it speaks of leave the
//! journal, so that a crash loses no reason.
//!
//! What a revision vouches for is the SHA-256 of the target's block in the figures, with its `alerts` left empty, for they count
//! single observations, which are kept for less long than states are. Nothing else in the block of a settled window depends
//! on when it is asked for. [`form`] says how it is made, so that a program that says more revises nothing.
//!
//! | file | what it holds |
//! |---|---|
//! | [`model`] | a revision, its window and its reasons |
//! | [`form`] | the digest of a block, which keys that came later do not change |
//! | [`headline`] | the figures that a revision names, out of the block |
//! | [`diff`] | what changed between two of them, in words |
//! | [`cause`] | what may have changed closed windows, bounded |
//! | [`closed`] | which windows of a target have closed and settled |
//! | [`key`] | the keys of the records |
//! | [`register`] | the newest revision of each window, in memory and bounded |
//!
//! [`crate::engine`] looks and issues.

pub mod cause;
pub mod closed;
pub mod diff;
pub mod form;
pub mod headline;
pub mod key;
pub mod model;
pub mod register;

/// Of how many windows of a target, the newest, revisions are issued.
pub const WINDOWS_MAX: usize = 400;
