//! Which records of an agent go when there are more than are kept: the oldest, those that only come among them.

use std::collections::BTreeSet;

use super::RECORDS_MAX;
use super::key::Key;

/// What becomes of new records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounded {
    /// Those that are put on record.
    pub put: BTreeSet<Key>,
    /// Those on record that go.
    pub gone: BTreeSet<Key>,
}

/// How many have to go of so many on record once so many come.
pub const fn excess(on_record: usize, new: usize) -> usize {
    on_record.saturating_add(new).saturating_sub(RECORDS_MAX)
}

/// What becomes of `new` records, when `excess` of them and of the `oldest` on record have to go. As many of the oldest are
/// needed as have to go, if there are so many.
pub fn bounded(oldest: &BTreeSet<Key>, new: &BTreeSet<Key>, excess: usize) -> Bounded {
    let all: BTreeSet<&Key> = oldest.iter().chain(new).collect();
    let going: BTreeSet<Key> = all.into_iter().take(excess).cloned().collect();
    let put = new.difference(&going).cloned().collect();
    let gone = oldest.intersection(&going).cloned().collect();
    Bounded { put, gone }
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;
    use uphold_common::time::Instant;
    use uphold_common::wire::batch::Epoch;

    use super::*;

    fn keys(all: &[i64]) -> BTreeSet<Key> {
        let key = |ms: &i64| Key {
            agent: Id::new("a").unwrap(),
            closed_at: Instant::from_ms(*ms),
            epoch: Epoch([1; 16]),
            seq: 1,
        };
        all.iter().map(key).collect()
    }

    #[test]
    fn the_oldest_go_also_where_they_only_come() {
        for (oldest, new, excess, put, gone) in [
            (&[][..], &[5][..], 0, &[5][..], &[][..]),
            (&[1], &[5], 1, &[5], &[1]),
            (&[3], &[2], 1, &[], &[]),
            (&[3, 4], &[2, 9], 2, &[9], &[3]),
            (&[3], &[1, 2], 1, &[2], &[]),
        ] {
            let expected = Bounded { put: keys(put), gone: keys(gone) };
            assert_eq!(bounded(&keys(oldest), &keys(new), excess), expected, "{oldest:?} {new:?}");
        }
    }

    #[test]
    fn as_many_go_as_are_too_many() {
        for (on_record, new, expected) in
            [(0, 1, 0), (RECORDS_MAX - 1, 1, 0), (RECORDS_MAX, 1, 1), (RECORDS_MAX, 64, 64)]
        {
            assert_eq!(excess(on_record, new), expected, "{on_record} {new}");
        }
    }
}
