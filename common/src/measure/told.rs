//! A part of a document that may stand in it more than once: it is written out once, and copied.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A part, written out already if it stands there more than once.
#[derive(Debug)]
pub(super) enum Told<T> {
    /// As it is.
    Part(Arc<T>),
    /// As JSON.
    Written(Arc<RawValue>),
}

impl<T> Clone for Told<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Part(part) => Self::Part(Arc::clone(part)),
            Self::Written(written) => Self::Written(Arc::clone(written)),
        }
    }
}

impl<T: Serialize> Serialize for Told<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Part(part) => part.serialize(to),
            Self::Written(written) => written.serialize(to),
        }
    }
}

impl<T: Serialize> Told<T> {
    /// A part that stands there more than once if it `is_shared`.
    pub(super) fn shared(part: T, is_shared: bool) -> Self {
        let written = if is_shared { serde_json::value::to_raw_value(&part).ok() } else { None };
        written.map_or_else(|| Self::Part(Arc::new(part)), |written| Self::Written(written.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_once_reads_as_what_is_not() {
        let part = [("a", 1), ("b", 2)];
        let told = |is_shared| {
            let one = Told::shared(part, is_shared);
            (serde_json::to_string(&[&one, &one]).unwrap(), serde_json::to_value([&one, &one]).unwrap())
        };
        assert_eq!(told(true), told(false));
        assert!(matches!(Told::shared(part, true), Told::Written(_)));
    }
}
