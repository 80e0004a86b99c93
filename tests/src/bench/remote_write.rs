//! The load in the peer's format: Prometheus' remote write 0.1.0, protobuf in a snappy block.
//!
//! Three messages of two fields each are written by hand; a code generator would be more than they are.
//!
//! ```text
//! WriteRequest { 1: repeated TimeSeries }
//! TimeSeries   { 1: repeated Label, 2: repeated Sample }
//! Label        { 1: string name, 2: string value }
//! Sample       { 1: double value, 2: int64 timestamp in ms }
//! ```

use std::collections::HashMap;
use std::io;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{Phases, ResourceId};
use uphold_common::wire::columns::Rows;

use super::estate::{VALUES_PER_ATTEMPT, values};

/// Field 1 or 2 as bytes with their length, field 1 as eight bytes, field 2 as a varint.
const FIRST_BYTES: u8 = 0x0A;
const SECOND_BYTES: u8 = 0x12;
const FIRST_DOUBLE: u8 = 0x09;
const SECOND_VARINT: u8 = 0x10;

/// Encodes pushes of agents; it remembers the labels of their streams.
pub(super) struct RemoteWrite {
    /// The labels of each agent's series, in the order of its streams and their values.
    labels: HashMap<Id, Vec<Vec<u8>>>,
    snappy: snap::raw::Encoder,
    message: Vec<u8>,
}

impl RemoteWrite {
    /// One that knows no agent yet.
    pub(super) fn new() -> Self {
        Self { labels: HashMap::new(), snappy: snap::raw::Encoder::new(), message: Vec::new() }
    }

    /// What an agent saw, as the body of a request. An agent's streams come in the same order each time.
    pub(super) fn body(&mut self, agent: &Id, streams: &[Rows]) -> io::Result<Vec<u8>> {
        let Self { labels, snappy, message } = self;
        if !labels.contains_key(agent) {
            labels.insert(agent.clone(), streams.iter().flat_map(|rows| labels_of(agent, rows)).collect());
        }
        let mut labels = labels.get(agent).into_iter().flatten();
        let mut labels = || labels.next().ok_or_else(|| io::Error::other("an agent has more streams than before"));
        message.clear();
        for rows in streams {
            match rows {
                Rows::Probe(_, rows) => {
                    for place in 0..VALUES_PER_ATTEMPT {
                        let samples = rows.iter().map(|row| (row.at.as_ms(), values(row)[place]));
                        series(message, labels()?, samples);
                    }
                }
                Rows::Capacity(_, rows) => {
                    series(message, labels()?, rows.iter().map(|row| (row.at.as_ms(), row.used as f64)));
                }
                Rows::Volume(..) => return Err(io::Error::other("the load has no volumes")),
            }
        }
        snappy.compress_vec(message).map_err(io::Error::other)
    }
}

/// The labels of the series that a stream makes, each as the fields of a message.
fn labels_of(agent: &Id, rows: &Rows) -> Vec<Vec<u8>> {
    match rows {
        Rows::Probe(probe, _) => labels_of_probe(agent, probe),
        Rows::Capacity(resource, _) => vec![labels_of_gauge(resource)],
        Rows::Volume(..) => Vec::new(),
    }
}

fn labels_of_probe(agent: &Id, probe: &ProbeId) -> Vec<Vec<u8>> {
    let (service, probe) = (probe.parent.as_str(), probe.child.as_str());
    let target = format!("https://{service}.example.test/{probe}");
    let of = |name: &str, phase: Option<&str>| {
        let mut fields = Vec::new();
        label(&mut fields, "__name__", name);
        label(&mut fields, "agent", agent.as_str());
        if let Some(phase) = phase {
            label(&mut fields, "phase", phase);
        }
        label(&mut fields, "probe", probe);
        label(&mut fields, "service", service);
        label(&mut fields, "target", &target);
        fields
    };
    let phases = Phases::NAMES.iter().take(VALUES_PER_ATTEMPT - 2).map(|phase| of("probe_phase_seconds", Some(phase)));
    [of("probe_success", None), of("probe_duration_seconds", None)].into_iter().chain(phases).collect()
}

fn labels_of_gauge(resource: &ResourceId) -> Vec<u8> {
    let mut fields = Vec::new();
    label(&mut fields, "__name__", &format!("host_{}", resource.resource.as_str()));
    label(&mut fields, "host", resource.host.as_str());
    label(&mut fields, "of", &resource.of);
    fields
}

fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    let mut fields = Vec::with_capacity(name.len() + value.len() + 4);
    bytes(&mut fields, FIRST_BYTES, name.as_bytes());
    bytes(&mut fields, SECOND_BYTES, value.as_bytes());
    bytes(out, FIRST_BYTES, &fields);
}

fn series(out: &mut Vec<u8>, labels: &[u8], samples: impl Iterator<Item = (i64, f64)> + Clone) {
    let length = |ms: i64| 10 + varint_length(ms.cast_unsigned());
    let whole: usize = samples.clone().map(|(ms, _)| 2 + length(ms)).sum();
    out.push(FIRST_BYTES);
    varint(out, (labels.len() + whole) as u64);
    out.extend_from_slice(labels);
    for (ms, value) in samples {
        out.push(SECOND_BYTES);
        varint(out, length(ms) as u64);
        out.push(FIRST_DOUBLE);
        out.extend_from_slice(&value.to_le_bytes());
        out.push(SECOND_VARINT);
        varint(out, ms.cast_unsigned());
    }
}

fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint_length(number: u64) -> usize {
    (u64::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_is_as_long_as_is_said() {
        for number in [0, 1, 127, 128, 16_383, 16_384, 1_763_800_000_000, u64::MAX] {
            let mut out = Vec::new();
            varint(&mut out, number);
            assert_eq!(out.len(), varint_length(number), "{number}");
        }
    }

    #[test]
    fn the_bytes_of_a_series_are_these() {
        let (mut labels, mut out) = (Vec::new(), Vec::new());
        label(&mut labels, "a", "b");
        series(&mut out, &labels, [(1, 1.0)].into_iter());
        let expected = [
            [0x0A, 21].as_slice(),
            &[0x0A, 6, 0x0A, 1, b'a', 0x12, 1, b'b'],
            &[0x12, 11, 0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 1],
        ];
        assert_eq!(out, expected.concat());
    }
}
