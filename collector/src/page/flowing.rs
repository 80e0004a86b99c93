//! How the page names what flows and writes how much, each in its unit: `1.2 MiB/s`, `0.25`, `3 in 15s`.
//!
//! Bytes are told as a rate. Time is told as what runs at once: a second of processor time in each second is 1 processor.
//! What is counted is rare, and is told as a count.

use uphold_common::observation::{Flow, FlowId, FlowUnit, Volume};

use super::plot::{round_binary, round_decimal};
use super::text::{brief, bytes};

const HOUR_MS: u64 = 3_600_000;

/// `In eth0`, `Errors of sda`, `Load`.
pub(super) fn name(id: &FlowId) -> String {
    format!("{} {}", kind(id.flow), id.of).trim_end().to_owned()
}

/// What flows, without through what.
pub(super) const fn kind(flow: Flow) -> &'static str {
    match flow {
        Flow::NetworkReceived => "In",
        Flow::NetworkSent => "Out",
        Flow::NetworkReceiveErrors => "Errors in",
        Flow::NetworkSendErrors => "Errors out",
        Flow::NetworkReceiveDrops => "Dropped in",
        Flow::NetworkSendDrops => "Dropped out",
        Flow::DiskRead => "Read",
        Flow::DiskWritten => "Written",
        Flow::DiskErrors | Flow::FilesystemErrors => "Errors of",
        Flow::CpuTime => "Processors",
        Flow::Load => "Load",
    }
}

/// Whether a card leaves it out: nothing went wrong, and nothing was withheld.
pub(super) fn goes_without_saying(id: &FlowId, volume: &Volume) -> bool {
    match id.flow.unit() {
        FlowUnit::Bytes => false,
        FlowUnit::Count => volume.amount == 0,
        // The reading of the processors says the rest.
        FlowUnit::Milliseconds => id.flow == Flow::CpuTime && (id.of != "steal" || volume.amount == 0),
    }
}

/// How much flowed over the stretch that was read.
pub(super) fn over(flow: Flow, volume: &Volume) -> String {
    match flow.unit() {
        FlowUnit::Count => format!("{} in {}", volume.amount, brief(i64::from(volume.over_ms))),
        FlowUnit::Bytes | FlowUnit::Milliseconds => pace(flow, rate(flow, volume.amount, u64::from(volume.over_ms))),
    }
}

/// On which scale hours are drawn: bytes a second, thousandths of what runs at once, a count for each hour.
pub(super) fn rate(flow: Flow, amount: u64, over_ms: u64) -> u64 {
    let each_ms = if flow.unit() == FlowUnit::Count { HOUR_MS } else { 1_000 };
    let rate = (u128::from(amount) * u128::from(each_ms)).checked_div(u128::from(over_ms)).unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// A round end of that scale.
pub(super) fn round(flow: Flow) -> fn(u64) -> u64 {
    if flow.unit() == FlowUnit::Bytes { round_binary } else { round_decimal }
}

/// A place on that scale, in words.
pub(super) fn pace(flow: Flow, rate: u64) -> String {
    match flow.unit() {
        FlowUnit::Bytes => format!("{}/s", bytes(rate)),
        FlowUnit::Milliseconds => format!("{}.{:02}", rate / 1_000, rate % 1_000 / 10),
        FlowUnit::Count => format!("{rate}/h"),
    }
}

/// A sum of what flowed: `7 GiB`, `3h 20m`, `12`.
pub(super) fn amount(flow: Flow, amount: u64) -> String {
    match flow.unit() {
        FlowUnit::Bytes => bytes(amount),
        FlowUnit::Milliseconds => brief(i64::try_from(amount).unwrap_or(i64::MAX)),
        FlowUnit::Count => amount.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::time::Instant;

    use super::*;

    #[test]
    fn each_flow_is_told_in_its_unit() {
        for (flow, of, amount, expected) in [
            (Flow::NetworkReceived, "eth0", 15 << 20, "In eth0: 1 MiB/s"),
            (Flow::DiskErrors, "sda", 3, "Errors of sda: 3 in 15s"),
            (Flow::CpuTime, "steal", 3_750, "Processors steal: 0.25"),
            (Flow::Load, "", 30_000, "Load: 2.00"),
        ] {
            let volume = Volume { at: Instant::from_ms(0), over_ms: 15_000, amount };
            let id = FlowId { host: super::super::fixture::id("web-1"), flow, of: of.to_owned() };
            assert_eq!(format!("{}: {}", name(&id), over(flow, &volume)), expected);
            assert!(!goes_without_saying(&id, &volume));
        }
        for (flow, amount, over_ms, expected) in [
            (Flow::NetworkSent, 60_000, 600_000, 100),
            (Flow::NetworkSent, 7, 0, 0),
            (Flow::NetworkSent, u64::MAX, 1, u64::MAX),
            (Flow::DiskErrors, 2, 1_800_000, 4),
        ] {
            assert_eq!(rate(flow, amount, over_ms), expected);
        }
    }
}
