//! Chunks: the bytes are fixed, what is written is read, and bytes that are not sound give an error.

use super::*;

const DAY: i32 = 20_454;

fn at(ms: i64) -> Instant {
    Instant::from_ms(i64::from(DAY) * DAY_MS + ms)
}

fn probe(rows: i64) -> Block {
    let row = |n: i64| {
        let noise = u64::try_from(n * 7919 % 1013).unwrap();
        let down = n % 97 == 3;
        Observation {
            at: at(n * 5_000 + n % 3),
            outcome: if down { Outcome::Down } else { Outcome::Up },
            cause: if down { Cause::Timeout } else { Cause::None },
            code: if down { 0 } else { 200 },
            total: Micros::new(20_000 + noise),
            phases: Phases {
                connect: Micros::new(300 + noise % 40),
                first_byte: Micros::new(noise),
                ..Phases::default()
            },
        }
    };
    Block::Probe((0..rows).map(row).collect())
}

fn capacity() -> Block {
    Block::Capacity(
        (0..40).map(|n| Reading { at: at(n * 15_000), used: n.unsigned_abs() << 30, limit: 1 << 40 }).collect(),
    )
}

fn volume() -> Block {
    let row = |n: i64| Volume { at: at(n * 15_000), over_ms: 15_000, amount: (n * n).unsigned_abs() };
    Block::Volume((0..40).map(row).collect())
}

fn of(block: &Block) -> Of {
    Of { day: DAY, stream: 7, kind: block.kind() }
}

fn hex(bytes: &[u8]) -> String {
    uphold_common::bytes::Hex(bytes).to_string()
}

#[test]
fn a_chunk_is_read_as_it_was_written() {
    for block in [probe(1), probe(17), probe(4096), capacity(), volume()] {
        let bytes = encode(of(&block), &block).unwrap();
        assert_eq!(decode(of(&block), &bytes).unwrap(), block);
    }
}

#[test]
fn the_bytes_of_a_chunk_without_packed_columns_are_these() {
    let block = Block::Capacity(vec![Reading { at: at(1), used: 0, limit: 0x0102 }]);
    let header = "55504863000200000000002005e5a0f8";
    let time = format!("01{:016x}", at(1).as_ms());
    let content = format!("0100004fe60000000700000001{time}00010000000000000102");
    let bytes = encode(of(&block), &block).unwrap();
    assert_eq!(hex(&bytes), format!("{header}{content}"));
}

#[test]
fn chunks_of_version_1_are_read_for_good() {
    let golden = include_str!("chunk_v1.hex").trim();
    let bytes: Vec<u8> =
        (0..golden.len() / 2).map(|i| u8::from_str_radix(&golden[2 * i..2 * i + 2], 16).unwrap()).collect();
    assert_eq!(decode_version_1(DAY, StreamKind::Probe, &bytes).unwrap(), probe(120));
}

#[test]
fn every_flipped_bit_and_every_cut_gives_an_error() {
    for block in [probe(120), capacity(), volume()] {
        let bytes = encode(of(&block), &block).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(of(&block), &flipped).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(decode(of(&block), &bytes[..end]).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn bytes_with_a_right_checksum_and_wrong_content_never_panic() {
    let mut refused = 0;
    for block in [probe(120), capacity(), volume()] {
        let bytes = encode(of(&block), &block).unwrap();
        let content = frame::open(CHUNK, VERSION, CHUNK_BYTES_MAX, &bytes).unwrap();
        for place in 0..content.len() {
            for value in [0x00, 0x01, 0x02, 0x0f, 0x7f, 0x80, 0xf0, 0xff] {
                let mut hostile = content.clone();
                hostile[place] = value;
                let framed = frame::seal(CHUNK, VERSION, Compression::Plain, &hostile).unwrap();
                refused += u32::from(decode(of(&block), &framed).is_err());
            }
            let cut = frame::seal(CHUNK, VERSION, Compression::Plain, &content[..place]).unwrap();
            assert!(decode(of(&block), &cut).is_err(), "cut at {place}");
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn a_chunk_of_another_day_stream_or_kind_is_refused() {
    let block = probe(5);
    let (bytes, of) = (encode(of(&block), &block).unwrap(), of(&block));
    let other = Err(ChunkError::Content("rows of another stream or day"));
    assert_eq!(decode(Of { day: DAY + 1, ..of }, &bytes), other);
    assert_eq!(decode(Of { stream: 8, ..of }, &bytes), other);
    assert_eq!(decode(Of { kind: StreamKind::Volume, ..of }, &bytes), other);
    assert!(encode(Of { day: DAY + 1, ..of }, &block).is_err());
    let unsorted = Block::Volume(vec![Volume { at: at(1), over_ms: 1, amount: 1 }; 2]);
    let of = Of { kind: StreamKind::Volume, ..of };
    assert_eq!(encode(of, &unsorted), Err(ChunkError::Content("rows out of order")));
}

#[test]
fn a_long_day_is_cut_into_pieces() {
    let day = Block::Probe((0..70_000).map(|n| Observation { at: at(n), ..one() }).collect());
    let chunks = encode_day(of(&day), &day).unwrap();
    assert_eq!(chunks.iter().map(|(rows, _)| *rows).collect::<Vec<_>>(), [65_536, 4_464]);
    let mut rows = Block::empty(StreamKind::Probe);
    for (_, chunk) in &chunks {
        rows.append(&decode(of(&day), chunk).unwrap());
    }
    assert_eq!(rows, day);
}

fn one() -> Observation {
    match probe(1) {
        Block::Probe(rows) => rows[0],
        _ => unreachable!(),
    }
}
