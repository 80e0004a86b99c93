//! Any batch comes back as it was; what is counted is held against its bound before anything is allocated.

use proptest::prelude::*;

use super::super::frame::{self, Compression};
use super::super::{BATCH_RAW_BYTES_MAX, BATCH_VERSION};
use super::*;
use crate::observation::{Cause, Micros, Observation, Outcome, Phases, Reading, Volume};

fn name() -> impl Strategy<Value = Id> {
    // Few of them, so that neighbours share.
    prop_oneof![Just("a".to_owned()), Just("x".repeat(64)), "[a-z0-9][-a-z0-9_.]{0,63}"]
        .prop_map(|text| Id::new(&text).unwrap())
}

fn of() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("/".to_owned()), Just("ü".repeat(OF_BYTES_MAX / 2)), "\\PC{0,60}"]
}

/// Instants that ascend, near each other or at the ends of what there is.
fn instants() -> impl Strategy<Value = Vec<Instant>> {
    let any = prop_oneof![
        Instant::MIN.as_ms()..=Instant::MAX.as_ms(),
        1_767_225_600_000_i64..1_767_225_700_000,
        Just(Instant::MIN.as_ms()),
        Just(Instant::MAX.as_ms()),
    ];
    prop::collection::btree_set(any, 0..6).prop_map(|all| all.into_iter().map(Instant::from_ms).collect())
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..300_u64, Just(u64::MAX)]
}

fn observation(at: Instant) -> impl Strategy<Value = Observation> {
    let micros = prop_oneof![Just(0), any::<u32>(), Just(u32::MAX)].prop_map(Micros::from_code);
    (0..4_u8, 0..11_u8, any::<u16>(), micros.clone(), prop::array::uniform5(micros)).prop_map(
        move |(outcome, cause, code, total, phases)| Observation {
            at,
            outcome: Outcome::from_code(outcome).unwrap(),
            cause: Cause::from_code(cause).unwrap(),
            code,
            total,
            phases: Phases::from_array(phases),
        },
    )
}

fn stream() -> impl Strategy<Value = Rows> {
    let each = |what: u8| {
        (name(), name(), of(), instants()).prop_flat_map(move |(parent, child, of, instants)| {
            let pairs = prop::collection::vec((number(), number(), any::<u32>()), instants.len());
            let observed: Vec<_> = instants.iter().map(|at| observation(*at)).collect();
            (pairs, observed).prop_map(move |(values, observed)| {
                let rows = instants.iter().zip(values);
                let (host, of) = (parent.clone(), of.clone());
                match What::from_code(what).unwrap() {
                    What::Probe => Rows::Probe(PathId::new(host, child.clone()), observed),
                    What::Capacity(resource) => {
                        let reading = |(at, (used, limit, _)): (&Instant, (u64, u64, u32))| Reading {
                            at: *at,
                            used,
                            limit: limit.max(1),
                        };
                        Rows::Capacity(ResourceId { host, resource, of }, rows.map(reading).collect())
                    }
                    What::Volume(flow) => {
                        let volume = |(at, (amount, _, over_ms)): (&Instant, (u64, u64, u32))| Volume {
                            at: *at,
                            over_ms,
                            amount,
                        };
                        Rows::Volume(FlowId { host, flow, of }, rows.map(volume).collect())
                    }
                }
            })
        })
    };
    (0..7_u8).prop_flat_map(each)
}

fn fact() -> impl Strategy<Value = AgentFact> {
    prop_oneof![
        (number(), number()).prop_map(|(batches, rows)| AgentFact::SpoolOverflow { batches, rows }),
        number().prop_map(|batches| AgentFact::SpoolCorrupt { batches }),
        number().prop_map(|batches| AgentFact::Quarantined { batches }),
        (any::<i64>(), any::<i64>()).prop_map(|(at, by_ms)| AgentFact::ClockStep { at: Instant::from_ms(at), by_ms }),
        number().prop_map(|attempts| AgentFact::Skipped { attempts }),
    ]
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let key = (name(), any::<[u8; 16]>(), number());
    let streams = prop::collection::vec(stream(), 0..12);
    let facts = prop_oneof![Just(Vec::new()), prop::collection::vec(fact(), 0..=BATCH_FACTS_MAX)];
    (key, any::<i64>(), streams, facts).prop_map(|((agent, epoch, seq), closed_at, streams, facts)| Batch {
        key: BatchKey { agent, epoch: Epoch(epoch), seq },
        closed_at: Instant::from_ms(closed_at),
        streams,
        facts,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_batch_comes_back(batch in any_batch()) {
        let content = write(&batch).unwrap();
        prop_assert_eq!(Batch::from(read(&content, None).unwrap()), batch.clone());
        prop_assert_eq!(Batch::decode(&batch.encode().unwrap()).unwrap(), batch);
        for end in [content.len() / 3, content.len() / 2, content.len() - 1] {
            prop_assert!(read(&content[..end], None).is_err(), "cut at {}", end);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let framed = frame::seal(frame::BATCH, BATCH_VERSION, Compression::Plain, &bytes).unwrap();
        if let Ok(batch) = Batch::decode(&framed) {
            prop_assert_eq!(Batch::decode(&batch.encode().unwrap()).unwrap(), batch);
        }
    }
}

/// Content up to and with the number of streams.
fn head(streams: u64) -> Vec<u8> {
    let mut out = b"\x01a................\x01\x00\x00".to_vec();
    flat::put(&mut out, streams);
    out
}

/// A stream of one byte for `what`, and so many rows.
fn definition(out: &mut Vec<u8>, what: u8, names: &[u8], rows: u64) {
    out.push(what);
    out.extend_from_slice(names);
    flat::put(out, rows);
}

#[test]
fn what_is_announced_is_held_against_its_bound_first() {
    let told = |content: &[u8]| read(content, None).unwrap_err().to_string();
    for rows in [1 << 60, u64::MAX, BATCH_ROWS_MAX as u64 + 1] {
        let mut content = head(1);
        definition(&mut content, 1, b"\x01h\x00", rows);
        assert_eq!(told(&content), format!("the batch holds {rows} rows, and at most 50000 are taken"));
    }
    // Two streams whose rows are too many together only, and more than a word can count.
    for (first, second) in [(BATCH_ROWS_MAX as u64, 1), (BATCH_ROWS_MAX as u64, u64::MAX)] {
        let mut content = head(2);
        definition(&mut content, 1, b"\x01h\x00", first);
        definition(&mut content, 2 | SAME, b"\x00", second);
        assert!(told(&content).ends_with("rows, and at most 50000 are taken"));
    }
    assert_eq!(told(&head(1 << 60)), format!("the batch holds {} streams, and at most 20000 are taken", 1_u64 << 60));
    // As many as are taken, and no byte for any of them.
    assert_eq!(told(&head(BATCH_STREAMS_MAX as u64)), "the batch is not understood: a stream is expected");
    let mut content = head(1);
    definition(&mut content, 0, b"\x01s\x01p", BATCH_ROWS_MAX as u64);
    assert_eq!(told(&content), "stream 0 of the batch is not sound: its columns differ in length");
    let mut content = b"\x01a................\x01\x00".to_vec();
    flat::put(&mut content, 1 << 60);
    assert!(told(&content).ends_with("bytes of facts, and at most 8192 are taken"));
}

#[test]
fn names_and_kinds_are_checked() {
    let with = |what: u8, names: &[u8]| {
        let mut content = head(1);
        definition(&mut content, what, names, 0);
        // Attempts say which phases they have, also where there is none.
        content.extend((what == 0).then_some(0));
        read(&content, None).map_err(|refused| refused.to_string())
    };
    assert!(with(0, b"\x01s\x01p").is_ok() && with(4, b"\x01h\x01/").is_ok());
    for (what, names, told) in [
        (0x7f, &b"\x01h\x01/"[..], "a stream of a kind that is known is expected"),
        (SAME, b"\x01p", "a service or host of the first stream is expected"),
        (0, b"\x01S\x01p", "a service or host has an id of 1 to 64 characters"),
        (0, b"\x01s\x00", "a probe has an id of 1 to 64 characters"),
        (0, b"\x01s\x01\xff", "a probe is expected"),
        (4, b"\x01h\x01\xff", "the name of what was read is longer than 256 bytes"),
        (4, &[&b"\x01h\x81\x02"[..], &[b'/'; 257]].concat(), "the name of what was read is longer than 256 bytes"),
        (0, &[&b"\x41"[..], &[b's'; 65], b"\x01p"].concat(), "a service or host is expected"),
    ] {
        let refused = with(what, names).unwrap_err();
        assert!(refused.contains(told), "{refused}");
    }
    let mut closed_never = b"\x01a................\x01".to_vec();
    flat::put_signed(&mut closed_never, Instant::MAX.as_ms() + 1);
    closed_never.extend_from_slice(&[0, 0]);
    assert!(read(&closed_never, None).unwrap_err().to_string().contains("when it was closed is expected"));
}

/// Rows of the longest numbers take no more than the builder reckons with, and as many as are taken fit.
#[test]
fn the_largest_rows_fit() {
    let phases = Phases::from_array([Micros::new(u64::MAX); 5]);
    let (outcome, cause, total) = (Outcome::Down, Cause::Agent, Micros::new(u64::MAX));
    let row = |at| Observation { at: Instant::from_ms(at), outcome, cause, code: u16::MAX, total, phases };
    let rows: Vec<Observation> = (0..50_000).map(|at| row(at * 1_000_000_000)).collect();
    let (agent, epoch) = (Id::own(), Epoch([0; 16]));
    let streams = vec![Rows::Probe(PathId::new(Id::own(), Id::own()), rows)];
    let key = BatchKey { agent, epoch, seq: 1 };
    let batch = Batch { key, closed_at: Instant::MIN, streams, facts: Vec::new() };
    let content = write(&batch).unwrap();
    assert!(content.len() <= 50_000 * 44 && content.len() <= BATCH_RAW_BYTES_MAX, "{}", content.len());
    assert_eq!(Batch::from(read(&content, None).unwrap()), batch);
}
