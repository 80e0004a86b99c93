//! Batches: what is encoded is decoded, the bytes are fixed, and hostile bytes are refused.

use super::*;
use crate::ids::PathId;
use crate::observation::{
    Cause, Flow, FlowId, Micros, Observation, Outcome, Phases, Reading, Resource, ResourceId, Volume,
};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(crate) fn sample() -> Batch {
    let at = |ms: i64| Instant::from_ms(1_767_225_600_000 + ms);
    let phases = Phases { resolve: Micros::new(150), connect: Micros::new(300), ..Phases::default() };
    let up = Observation {
        at: at(0),
        outcome: Outcome::Up,
        cause: Cause::None,
        code: 200,
        total: Micros::new(1_234),
        phases,
    };
    let down = Observation {
        at: at(5_000),
        outcome: Outcome::Down,
        cause: Cause::Refused,
        code: 0,
        total: Micros::new(90),
        phases: Phases::default(),
    };
    let disk = ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: "/var".to_owned() };
    let net = FlowId { host: id("web-1"), flow: Flow::NetworkSent, of: "eth0".to_owned() };
    Batch {
        key: BatchKey { agent: id("zurich-1"), epoch: Epoch([0xab; 16]), seq: 7 },
        closed_at: at(6_000),
        streams: vec![
            Rows::Probe(PathId::new(id("webshop"), id("front-page")), vec![up, down]),
            Rows::Capacity(disk, vec![Reading { at: at(1), used: 40, limit: 100 }]),
            Rows::Volume(net, vec![Volume { at: at(1), over_ms: 15_000, amount: 77 }]),
        ],
        facts: vec![AgentFact::ClockStep { at: at(2), by_ms: -1_500 }, AgentFact::Skipped { attempts: 3 }],
    }
}

#[test]
fn a_batch_is_decoded_to_what_was_encoded() {
    let batch = sample();
    assert_eq!(Batch::decode(&batch.encode().unwrap()).unwrap(), batch);
    assert_eq!(batch.rows(), 4);
}

#[test]
fn the_content_of_a_batch_has_these_bytes() {
    let framed = sample().encode().unwrap();
    let content = frame::open(frame::BATCH, BATCH_VERSION, BATCH_RAW_BYTES_MAX, &framed).unwrap();
    assert_eq!(Hex(&content).to_string(), include_str!("batch_v1.hex").trim());
}

#[test]
fn every_flipped_byte_of_a_batch_is_refused() {
    let framed = sample().encode().unwrap();
    for place in 0..framed.len() {
        let mut flipped = framed.clone();
        flipped[place] ^= 0x55;
        assert!(Batch::decode(&flipped).is_err(), "byte {place}");
    }
}

#[test]
fn bytes_with_a_right_checksum_and_wrong_content_are_refused() {
    let framed = sample().encode().unwrap();
    let content = frame::open(frame::BATCH, BATCH_VERSION, BATCH_RAW_BYTES_MAX, &framed).unwrap();
    let mut refused = 0;
    for place in 0..content.len() {
        for value in [0x00, 0x7f, 0x80, 0xc0, 0xdf, 0xff] {
            let mut hostile = content.clone();
            hostile[place] = value;
            let framed = frame::seal(frame::BATCH, BATCH_VERSION, Compression::Zstd, &hostile).unwrap();
            refused += u32::from(Batch::decode(&framed).is_err());
        }
        let cut = frame::seal(frame::BATCH, BATCH_VERSION, Compression::Plain, &content[..place]).unwrap();
        assert!(Batch::decode(&cut).is_err(), "cut at {place}");
    }
    assert!(refused > 100, "most changed bytes change the meaning: {refused}");
}

#[test]
fn rows_that_go_back_in_time_and_limits_of_zero_are_refused() {
    let mut batch = sample();
    if let Rows::Probe(_, rows) = &mut batch.streams[0] {
        rows.swap(0, 1);
    }
    let refused = Batch::decode(&batch.encode().unwrap()).unwrap_err();
    assert!(matches!(refused, BatchError::Columns { stream: 0, source: ColumnsError::Order(1) }), "{refused}");

    let mut batch = sample();
    if let Rows::Capacity(_, rows) = &mut batch.streams[1] {
        rows[0].limit = 0;
    }
    let refused = Batch::decode(&batch.encode().unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), "stream 1 of the batch is not sound: row 0 has a limit of 0");
}

#[test]
fn an_epoch_is_read_from_its_text() {
    let epoch = Epoch([0xab; 16]);
    assert_eq!(Epoch::try_from(epoch.to_string()), Ok(epoch));
    assert!(Epoch::try_from("+bababababababababababababababab".to_owned()).is_err());
}
