//! Entries come back in their order; what is torn at the end is told from what is damaged in the middle.

use super::*;
use crate::store::journal_read::{Read, read};
use crate::store::testing::Dice;
use crate::store::twin::Twin;

fn begun(twin: &Twin) -> Journal {
    Journal::begin(twin, Epoch([7; 16]), 1, 0).unwrap()
}

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

fn all(twin: &Twin) -> (Vec<(u64, usize)>, Read) {
    let mut found = Vec::new();
    let read = read(twin, &mut |entry| {
        found.push((entry.number, entry.content.len()));
        Ok(())
    });
    (found, read.unwrap())
}

#[test]
fn what_was_committed_is_read_and_what_was_not_is_gone() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    for len in [0, 1, 5_000, 3_000_000] {
        journal.add(EntryKind::Batch, at(5), &vec![7; len]).unwrap();
    }
    journal.commit(&twin).unwrap();
    journal.add(EntryKind::Records, at(4), b"x").unwrap();
    assert_eq!((journal.batches, journal.oldest, journal.next), (4, Some(at(5)), 5));
    let (found, read) = all(&twin);
    assert_eq!(found, [(1, 0), (2, 1), (3, 5_000), (4, 3_000_000)]);
    assert_eq!((read.highest, read.torn_bytes, read.damaged), (4, 0, vec![]));
    assert!(journal.add(EntryKind::Batch, at(0), &vec![0; CONTENT_BYTES_MAX + 1]).is_err());
}

#[test]
fn the_bytes_of_an_entry_are_these() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    let from = twin.bytes_of_files();
    journal.add(EntryKind::Records, at(0x0102), b"ab").unwrap();
    journal.commit(&twin).unwrap();
    let bytes = Files::read(&twin, "journal-000000000001", from as u64, 100).unwrap();
    let text = uphold_common::bytes::Hex(&bytes).to_string();
    assert_eq!(text, "5550486a0200000000000000000000010000000000000102000000021fe995d76162");
}

#[test]
fn a_torn_end_is_no_damage_and_a_hole_in_the_middle_is() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    let head = twin.bytes_of_files();
    for _ in 0..3 {
        journal.add(EntryKind::Batch, at(0), &[1; 100]).unwrap();
        journal.commit(&twin).unwrap();
    }
    twin.flip("journal-000000000001", head + 132 + 50);
    let (found, read) = all(&twin);
    assert_eq!(found, [(1, 100), (3, 100)]);
    assert_eq!((read.damaged.len(), read.torn_bytes), (1, 0));
    twin.flip("journal-000000000001", head + 132 + 50);
    twin.flip("journal-000000000001", head + 2 * 132 + 10);
    let (found, read) = all(&twin);
    assert_eq!((found.len(), read.damaged.len(), read.torn_bytes), (2, 0, 132));
    // The next start gives the number again: nothing is missing. Had it gone on after it, something would be.
    Journal::begin(&twin, Epoch([7; 16]), 3, 0).unwrap();
    let (_, read) = all(&twin);
    assert_eq!((read.damaged.len(), read.torn_bytes), (0, 132));
    let twin_of_four = Twin::default();
    let mut journal = begun(&twin_of_four);
    journal.add(EntryKind::Batch, at(0), &[1; 100]).unwrap();
    journal.add(EntryKind::Batch, at(0), &[1; 100]).unwrap();
    journal.commit(&twin_of_four).unwrap();
    twin_of_four.flip("journal-000000000001", head + 132 + 10);
    Journal::begin(&twin_of_four, Epoch([7; 16]), 3, 0).unwrap();
    assert_eq!(all(&twin_of_four).1.damaged.len(), 1);
}

#[test]
fn of_two_seals_the_last_file_stays() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    for round in 1..=3 {
        journal.add(EntryKind::Batch, at(0), &[1; 10]).unwrap();
        journal.commit(&twin).unwrap();
        let before = journal.file();
        journal.rotate(&twin, Epoch([7; 16])).unwrap();
        journal.let_go(&twin, before).unwrap();
        assert_eq!(twin.names().len(), 2, "after {round}");
    }
    let (found, read) = all(&twin);
    assert_eq!(found, [(3, 10)]);
    assert_eq!(read.heads.iter().map(|head| (head.first, head.sealed)).collect::<Vec<_>>(), [(3, 2), (4, 3)]);
    twin.crash(&mut Dice(1));
    assert_eq!(all(&twin).0, [(3, 10)]);
}
