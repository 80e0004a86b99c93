//! For tests: which keys the walk asked for, mapping by mapping, so that what is written about a format elsewhere can be
//! held against its reader.

use std::cell::RefCell;

use super::problem::Place;
use super::walk::Asked;

/// A mapping that was read: its place, and how each of its keys was asked for.
pub(crate) type Mapping = (Place, Vec<(&'static str, Asked)>);

thread_local! {
    static NOTED: RefCell<Vec<Mapping>> = const { RefCell::new(Vec::new()) };
}

/// The walk is done with a mapping.
pub(super) fn note(place: &Place, asked: &[(&'static str, Asked)]) {
    NOTED.with_borrow_mut(|noted| noted.push((place.clone(), asked.to_vec())));
}

/// The mappings that this thread has read since the last time.
pub(crate) fn taken() -> Vec<Mapping> {
    NOTED.take()
}
