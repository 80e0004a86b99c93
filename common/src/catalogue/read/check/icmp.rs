//! `icmp`: a host, and how many echo requests may be lost.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use url::Host;

use super::{Asking, Check, Read};
use crate::percent::{BILLION, Ppb};
use crate::wire::check::{IcmpCheck, IpVersion};
use crate::yaml::scalars::exact_duration;
use crate::yaml::walk::At;

const PACKETS: RangeInclusive<u32> = 1..=100;
const GAP_MS: RangeInclusive<i64> = 10..=60_000;
const GAP_MS_DEFAULT: i64 = 200;
/// Longest name of a host.
const HOST_BYTES_MAX: usize = 253;

/// `{ host: gate.example, packets: 5, gap: 200ms, loss_at_most: "20%" }`
pub(super) fn read(at: &At<'_>, asking: &Asking) -> Read<Check> {
    at.mapping(|keys| {
        let host = keys.required("host", host);
        let ip = keys.optional("ip", |at| at.word(&[("4", IpVersion::Four), ("6", IpVersion::Six)]));
        let packets = keys.or("packets", 1, |at| at.small_count(PACKETS));
        let gap = keys.or("gap", GAP_MS_DEFAULT, |at| at.duration_ms(GAP_MS));
        let loss_at_most = keys.or("loss_at_most", 0, loss);
        let (packets, gap_ms) = (packets?, gap?);
        let lasts_ms = i64::from(packets - 1) * gap_ms;
        if let Some(timeout_ms) = asking.timeout_ms.filter(|timeout_ms| lasts_ms >= *timeout_ms) {
            let (lasts, timeout) = (exact_duration(lasts_ms), exact_duration(timeout_ms));
            return Err(at.problem(format!("the last packet goes out after {lasts}, and the timeout is {timeout}")));
        }
        let loss_at_most_ppb = loss_at_most?;
        Ok(Check::Icmp(IcmpCheck { host: host?, ip: ip?, packets, gap_ms, loss_at_most_ppb }))
    })
}

/// Less than all of them: a probe that is up without any answer says nothing.
fn loss(at: &At<'_>) -> Read<i64> {
    let parts = at.percentage().map(Ppb::parts)?;
    if parts < BILLION { Ok(parts) } else { Err(at.expected("less than 100%")) }
}

fn host(at: &At<'_>) -> Read<String> {
    let wanted = "a name or an address such as \"gate.example\" or \"2001:db8::1\"";
    let text = at.scalar(wanted)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let name = text.len() <= HOST_BYTES_MAX && text.bytes().all(plain) && Host::parse(text).is_ok();
    let sound = name || text.parse::<IpAddr>().is_ok();
    sound.then(|| text.to_owned()).ok_or_else(|| at.expected(wanted))
}
