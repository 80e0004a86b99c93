//! Entries come back in their order; what is torn at the end is told from what is damaged in the middle; nothing that an
//! agent sends is taken for an entry, and searching for the next one takes linear time.

use super::journal_entry::{CONTENT_BYTES_MAX, put};
use super::*;
use crate::store::journal_read::{Read, heads, read};
use crate::store::testing::Dice;
use crate::store::twin::Twin;
use uphold_common::bytes::Hex;

const SALT: Salt = Salt(serde_bytes::ByteArray::new([3; 16]));
const STORE: Epoch = Epoch([7; 16]);
const FIRST: &str = "journal-000000000001";

fn begun_at(twin: &Twin, next: u64) -> Journal {
    let mut journal = Journal::after(twin, (STORE, SALT), next, 0).unwrap();
    journal.begin(twin).unwrap();
    journal
}

fn begun(twin: &Twin) -> Journal {
    begun_at(twin, 1)
}

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

fn all(twin: &Twin) -> (Vec<(u64, usize)>, Read) {
    let mut found = Vec::new();
    let read = read(twin, Some(SALT), &mut |entry| {
        found.push((entry.number, entry.content.len()));
        Ok(())
    });
    (found, read.unwrap())
}

fn from_hex(line: &str) -> Vec<u8> {
    (0..line.len() / 2).map(|n| u8::from_str_radix(&line[2 * n..2 * n + 2], 16).unwrap()).collect()
}

fn entry(salt: Salt, number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, salt, (EntryKind::Records, number, at(9)), content).unwrap();
    bytes
}

/// An entry as in a file of version 1.
fn untagged(number: u64, content: &[u8]) -> Vec<u8> {
    let tagged = entry(SALT, number, content);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&tagged[..28]);
    crc.update(content);
    [&tagged[..28], &crc.finalize().to_be_bytes(), content].concat()
}

/// A file that begins with the head of a journal and goes on with `bytes`.
fn file_with(bytes: &[u8]) -> (Twin, usize) {
    let twin = Twin::default();
    begun(&twin);
    let head = twin.bytes_of_files();
    Files::append(&twin, FIRST, bytes).unwrap();
    Files::sync(&twin, FIRST).unwrap();
    (twin, head)
}

fn numbers_of(found: &[(u64, usize)]) -> Vec<u64> {
    found.iter().map(|(number, _)| *number).collect()
}

#[test]
fn what_was_committed_is_read_and_what_was_not_is_gone() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    for len in [0, 1, 5_000, 3_000_000] {
        journal.add(EntryKind::Batch, at(5), &vec![7; len]).unwrap();
    }
    journal.commit(&twin).unwrap();
    journal.add(EntryKind::Batch, at(4), b"x").unwrap();
    assert_eq!((journal.batches, journal.oldest, journal.next), (4, Some(at(5)), 5));
    let (found, read) = all(&twin);
    assert_eq!(found, [(1, 0), (2, 1), (3, 5_000), (4, 3_000_000)]);
    assert_eq!((read.highest, read.torn_bytes, read.damaged), (4, 0, vec![]));
    assert!(journal.add(EntryKind::Batch, at(0), &vec![0; CONTENT_BYTES_MAX + 1]).is_err());
}

#[test]
fn the_bytes_of_a_file_are_these() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    let head = twin.bytes_of_files();
    journal.add(EntryKind::Batch, at(0x0102), b"ab").unwrap();
    journal.add(EntryKind::Records, at(0x0103), b"cd").unwrap();
    journal.commit(&twin).unwrap();
    let bytes = Files::read(&twin, FIRST, 0, 1_000).unwrap();
    let (head, entries) = bytes.split_at(head);
    let golden = include_str!("fixtures/journal-2.hex");
    assert_eq!(format!("{}\n{}\n{}\n", Hex(head), Hex(&entries[..42]), Hex(&entries[42..])), golden);
}

#[test]
fn a_file_of_either_version_is_read_for_good() {
    for (version, golden) in [(1, include_str!("fixtures/journal-1.hex")), (2, include_str!("fixtures/journal-2.hex"))]
    {
        let twin = Twin::default();
        let bytes: Vec<u8> = golden.lines().flat_map(from_hex).collect();
        twin.put_file(FIRST, &bytes);
        let head = heads(&twin).unwrap()[0];
        assert_eq!((head.store, head.first, head.sealed), (STORE, 1, 0));
        assert_eq!(head.salt, (version == 2).then_some(SALT));
        let mut found = Vec::new();
        let read = read(&twin, None, &mut |entry| {
            found.push((entry.kind, entry.number, entry.received_at, entry.content));
            Ok(())
        });
        let expected =
            [(EntryKind::Batch, 1, at(0x0102), b"ab".to_vec()), (EntryKind::Records, 2, at(0x0103), b"cd".to_vec())];
        assert_eq!(found, expected, "version {version}");
        let read = read.unwrap();
        assert_eq!((read.highest, read.torn_bytes, read.in_vain, read.damaged), (2, 0, 0, vec![]));
    }
}

#[test]
fn what_an_agent_sends_is_never_taken_for_an_entry() {
    let another = Salt(serde_bytes::ByteArray::new([4; 16]));
    for number in 1..5 {
        let forged = [untagged(number, b"tokens"), entry(another, number, b"tokens"), vec![0; 99]].concat();
        let batch = [b"UPHb".as_slice(), &forged, &forged].concat();
        let whole = [entry(SALT, 1, b"one"), entry(SALT, 2, &batch), entry(SALT, 3, b"three")].concat();
        let (twin, head) = file_with(&whole);
        let damaged = head + entry(SALT, 1, b"one").len() + 40 + 1;
        twin.flip(FIRST, damaged);
        let (found, read) = all(&twin);
        assert_eq!(found, [(1, 3), (3, 5)]);
        assert_eq!((read.damaged.len(), read.torn_bytes), (1, 0));
        // Nor when the head is damaged too, and the salt is known from elsewhere.
        twin.flip(FIRST, 40);
        assert_eq!(all(&twin).0, [(1, 3), (3, 5)]);
    }
}

#[test]
fn numbers_ascend_and_go_forward_no_further_than_what_was_skipped() {
    let gap = |bytes: usize| vec![0; bytes];
    for (file, expected) in [
        (vec![entry(SALT, 1, b"a"), entry(SALT, 2, b"b"), entry(SALT, 2, b"c"), entry(SALT, 1, b"d")], vec![1, 2]),
        (vec![entry(SALT, 1, b"a"), entry(SALT, 3, b"b")], vec![1]),
        (vec![entry(SALT, 2, b"a")], vec![]),
        (vec![entry(SALT, 1, b"a"), gap(39), entry(SALT, 3, b"b")], vec![1]),
        (vec![entry(SALT, 1, b"a"), gap(40), entry(SALT, 3, b"b"), entry(SALT, 4, b"b")], vec![1, 3, 4]),
        (vec![entry(SALT, 1, b"a"), gap(400), entry(SALT, 12, b"b")], vec![1, 12]),
        (vec![entry(SALT, 1, b"a"), gap(400), entry(SALT, 13, b"b")], vec![1]),
        (vec![entry(SALT, 1, b"a"), gap(400), entry(SALT, u64::MAX, b"b")], vec![1]),
    ] {
        let (twin, _) = file_with(&file.concat());
        assert_eq!(numbers_of(&all(&twin).0), expected);
    }
}

#[test]
fn searching_after_damage_takes_linear_time_whatever_is_there() {
    // Headers that announce 19 MiB each, in the content of one entry whose header is ours and in a file of version 1.
    let mut hostile = Vec::new();
    for number in 0..500_000_u64 {
        hostile.extend_from_slice(b"UPHj\x02\0\0\0");
        hostile.extend_from_slice(&(2 + number % 1_000).to_be_bytes());
        hostile.extend_from_slice(&[0; 8]);
        hostile.extend_from_slice(&(19_u32 << 20).to_be_bytes());
        hostile.extend_from_slice(&[0; 12]);
    }
    let (one, two) = hostile.split_at(hostile.len() / 2);
    let contents = [b"x".as_slice(), one, two, b"y"];
    let numbered = || (1_u64..).zip(contents);
    let tagged: Vec<u8> = numbered().flat_map(|(number, content)| entry(SALT, number, content)).collect();
    let (twin, head) = file_with(&tagged);
    twin.flip(FIRST, head + 41 + 40 + 5);
    let (found, read) = all(&twin);
    assert_eq!(numbers_of(&found), [1, 3, 4]);
    assert!(read.in_vain <= twin.bytes_of_files() as u64, "{}", read.in_vain);

    let twin = Twin::default();
    let version_1: Vec<u8> = from_hex(include_str!("fixtures/journal-1.hex").lines().next().unwrap());
    let plain: Vec<u8> = numbered().flat_map(|(number, content)| untagged(number, content)).collect();
    let file = [version_1.clone(), plain].concat();
    twin.put_file(FIRST, &file);
    twin.flip(FIRST, version_1.len() + 33 + 32 + 5);
    let (found, read) = all(&twin);
    assert_eq!(found[0], (1, 1));
    assert!(read.in_vain <= 16 * file.len() as u64, "{}", read.in_vain);
}

#[test]
fn heads_are_read_without_what_follows_them() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    for _ in 0..3 {
        journal.add(EntryKind::Batch, at(5), &vec![7; 1_000_000]).unwrap();
        journal.commit(&twin).unwrap();
        journal.rotate(&twin).unwrap();
    }
    let before = twin.bytes_read();
    assert_eq!(heads(&twin).unwrap().iter().map(|head| head.first).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(twin.bytes_read() - before <= 4 * 1024, "{}", twin.bytes_read() - before);
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
    twin.flip(FIRST, head + 140 + 50);
    let (found, read) = all(&twin);
    assert_eq!(found, [(1, 100), (3, 100)]);
    assert_eq!((read.damaged.len(), read.torn_bytes), (1, 0));
    twin.flip(FIRST, head + 140 + 50);
    twin.flip(FIRST, head + 2 * 140 + 10);
    let (found, read) = all(&twin);
    assert_eq!((found.len(), read.damaged.len(), read.torn_bytes), (2, 0, 140));
    // The next start gives the number again: nothing is missing. Had it gone on after it, something would be.
    begun_at(&twin, 3);
    let (_, read) = all(&twin);
    assert_eq!((read.damaged.len(), read.torn_bytes), (0, 140));
    for damaged in [10, 50] {
        let twin = Twin::default();
        let mut journal = begun(&twin);
        journal.add(EntryKind::Batch, at(0), &[1; 100]).unwrap();
        journal.add(EntryKind::Batch, at(0), &[1; 100]).unwrap();
        journal.commit(&twin).unwrap();
        twin.flip(FIRST, head + 140 + damaged);
        begun_at(&twin, 3);
        assert_eq!(all(&twin).1.damaged.len(), 1);
    }
}

#[test]
fn of_two_seals_the_last_file_stays() {
    let twin = Twin::default();
    let mut journal = begun(&twin);
    for round in 1..=3 {
        journal.add(EntryKind::Batch, at(0), &[1; 10]).unwrap();
        journal.commit(&twin).unwrap();
        let before = journal.file();
        journal.rotate(&twin).unwrap();
        journal.let_go(&twin, before).unwrap();
        assert_eq!(twin.names().len(), 2, "after {round}");
    }
    assert_eq!(all(&twin).0, [(3, 10)]);
    let heads: Vec<_> = heads(&twin).unwrap().iter().map(|head| (head.first, head.sealed)).collect();
    assert_eq!(heads, [(3, 2), (4, 3)]);
    twin.crash(&mut Dice(1));
    assert_eq!(all(&twin).0, [(3, 10)]);
}

#[test]
fn a_full_disk_puts_off_the_file_and_not_the_journal() {
    let twin = Twin::default();
    twin.fill_at(Some(50));
    let mut journal = Journal::after(&twin, (STORE, SALT), 8, 7).unwrap();
    for _ in 0..2 {
        journal.add(EntryKind::Batch, at(0), b"refused").unwrap();
        assert!(matches!(journal.commit(&twin), Err(StoreError::NoSpace { .. })));
        assert_eq!((journal.next, journal.batches, journal.oldest, twin.names().len()), (8, 0, None, 0));
    }
    twin.fill_at(None);
    journal.add(EntryKind::Batch, at(0), b"taken").unwrap();
    journal.commit(&twin).unwrap();
    assert_eq!(all(&twin).0, [(8, 5)]);
    assert_eq!(heads(&twin).unwrap()[0].sealed, 7);
    assert_eq!(journal.bytes_of_files(), twin.bytes_of_files() as u64);
}
