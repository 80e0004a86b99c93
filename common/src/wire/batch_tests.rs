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

/// Bytes that were written once and are read for ever: spools, stores and older agents hold such.
fn golden(hex: &str) -> Vec<u8> {
    let digits = hex.trim().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn content_of(version: u16, framed: &[u8]) -> Vec<u8> {
    frame::open(frame::BATCH, version, BATCH_RAW_BYTES_MAX, framed).unwrap()
}

/// The same with every fact that came with version 3.
fn sample_of_version_3() -> Batch {
    let at = |ms: i64| Instant::from_ms(1_767_225_600_000 + ms);
    let mut batch = sample();
    batch.facts.extend([
        AgentFact::Dropped { batches: 2, rows: 30, from: at(3), to: at(4) },
        AgentFact::ClockOffset { at: at(5), ahead_ms: -70_000, within_ms: 12 },
        AgentFact::Started { at: at(6), in_order: false },
        AgentFact::Stopped { at: at(7) },
    ]);
    batch
}

/// A stream of each kind that came with version 3.
fn host_of_version_3() -> Batch {
    let at = Instant::from_ms(1_767_225_600_001);
    let host = || id("web-1");
    let readings = |(_, resource): &(&str, Resource)| {
        let id = ResourceId { host: host(), resource: *resource, of: "x".to_owned() };
        Rows::Capacity(id, vec![Reading { at, used: 40, limit: 100 }])
    };
    let volumes = |(_, flow): &(&str, Flow)| {
        let id = FlowId { host: host(), flow: *flow, of: "x".to_owned() };
        Rows::Volume(id, vec![Volume { at, over_ms: 15_000, amount: 77 }])
    };
    let streams = Resource::WORDS[4..13].iter().map(readings).chain(Flow::WORDS[2..].iter().map(volumes)).collect();
    Batch { streams, ..sample() }
}

#[test]
fn kinds_of_streams_keep_their_numbers() {
    let third = golden(include_str!("batch_v3_host_framed.hex"));
    assert_eq!(Batch::decode(&third).unwrap(), host_of_version_3());
    let written = content_of(BATCH_VERSION, &host_of_version_3().encode().unwrap());
    assert_eq!(Hex(&written).to_string(), Hex(&content_of(BATCH_VERSION, &third)).to_string());
}

#[test]
fn batches_of_each_version_are_read_for_ever() {
    let (first, second) = (golden(include_str!("batch_v1_framed.hex")), golden(include_str!("batch_v2_framed.hex")));
    let third = golden(include_str!("batch_v3_framed.hex"));
    assert_eq!(Batch::decode(&first).unwrap(), sample());
    assert_eq!(Batch::decode(&second).unwrap(), sample());
    assert_eq!(Batch::decode(&third).unwrap(), sample_of_version_3());
    assert_eq!(Hex(&content_of(VERSION_1, &first)).to_string(), include_str!("batch_v1.hex").trim());
    let written = content_of(BATCH_VERSION, &sample_of_version_3().encode().unwrap());
    assert_eq!(Hex(&written).to_string(), Hex(&content_of(BATCH_VERSION, &third)).to_string());
    let written = content_of(BATCH_VERSION, &sample().encode().unwrap());
    assert_eq!(Hex(&written).to_string(), Hex(&content_of(VERSION_2, &second)).to_string(), "it is laid out alike");
}

#[test]
fn the_version_is_told_and_not_guessed() {
    let content = content_of(BATCH_VERSION, &sample().encode().unwrap());
    for found in [0, 4, 9, u16::MAX] {
        let framed = frame::seal(frame::BATCH, found, Compression::Plain, &content).unwrap();
        let refused = Batch::decode(&framed).unwrap_err();
        let named = FrameError::Version { found, readable: BATCH_VERSION };
        assert!(matches!(&refused, BatchError::Frame(why) if *why == named), "{refused}");
    }
    let mixed = frame::seal(frame::BATCH, VERSION_1, Compression::Plain, &content).unwrap();
    assert!(matches!(Batch::decode(&mixed), Err(BatchError::Pack(_))));
    let content = content_of(VERSION_1, &golden(include_str!("batch_v1_framed.hex")));
    let mixed = frame::seal(frame::BATCH, BATCH_VERSION, Compression::Plain, &content).unwrap();
    assert!(Batch::decode(&mixed).is_err());
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
    for (version, framed) in
        [(VERSION_1, golden(include_str!("batch_v1_framed.hex"))), (BATCH_VERSION, sample().encode().unwrap())]
    {
        let content = content_of(version, &framed);
        let seal = |content: &[u8]| frame::seal(frame::BATCH, version, Compression::Plain, content).unwrap();
        let mut refused = 0;
        for place in 0..content.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xc0, 0xdf, 0xff, content[place] ^ 0x55] {
                let mut hostile = content.clone();
                hostile[place] = value;
                match Batch::decode(&seal(&hostile)) {
                    // What is understood can be written, and is then the same again.
                    Ok(batch) => assert_eq!(Batch::decode(&batch.encode().unwrap()).unwrap(), batch),
                    Err(_) => refused += 1,
                }
            }
            assert!(Batch::decode(&seal(&content[..place])).is_err(), "version {version}, cut at {place}");
        }
        assert!(refused > content.len() * 2, "many changed bytes have no meaning: {refused} of version {version}");
        let longer = Batch::decode(&seal(&[content.as_slice(), &[0]].concat())).unwrap_err();
        assert!(longer.to_string().contains("1 bytes follow its end"), "{longer}");
    }
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
fn the_same_is_refused_in_version_1() {
    let content = include_str!("batch_v1.hex").trim();
    for (sound, unsound, told) in [
        // The second difference of the instants, 5000; the limit, 100.
        ("cd1388", "cd0000", "stream 0 of the batch is not sound: row 1 is not later than the row before it"),
        ("a56c696d69749164", "a56c696d69749100", "stream 1 of the batch is not sound: row 0 has a limit of 0"),
    ] {
        assert_eq!(content.matches(sound).count(), 1, "{sound}");
        let hostile = golden(&content.replace(sound, unsound));
        let framed = frame::seal(frame::BATCH, VERSION_1, Compression::Zstd, &hostile).unwrap();
        assert_eq!(Batch::decode(&framed).unwrap_err().to_string(), told);
    }
}

#[test]
fn an_epoch_is_read_from_its_text() {
    let epoch = Epoch([0xab; 16]);
    assert_eq!(Epoch::try_from(epoch.to_string()), Ok(epoch));
    assert!(Epoch::try_from("+bababababababababababababababab".to_owned()).is_err());
}
