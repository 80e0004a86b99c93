//! `tls`: an address, and for how long its certificates must still hold.

use std::ops::RangeInclusive;

use super::options;
use super::{Asking, Check, Read};
use crate::time::DAY_MS;
use crate::wire::check::TlsCheck;
use crate::yaml::walk::At;

const EXPIRES_AFTER_MS: RangeInclusive<i64> = 0..=3_650 * DAY_MS;
/// Two weeks are time to renew a certificate by hand, and less than what is left when programs renew theirs.
const EXPIRES_AFTER_MS_DEFAULT: i64 = 14 * DAY_MS;

/// `{ address: "shop.example:443", expires_after: 14d, min_version: "1.3" }`
pub(super) fn read(at: &At<'_>, _: &Asking) -> Read<Check> {
    at.mapping(|keys| {
        let address = keys.required("address", At::host_and_port);
        let expires_after = keys.or("expires_after", EXPIRES_AFTER_MS_DEFAULT, |at| at.duration_ms(EXPIRES_AFTER_MS));
        let (starttls, ip) = (options::starttls(keys), options::ip(keys));
        let tls = options::tls_keys(keys);
        let (address, expires_after_ms, starttls) = (address?, expires_after?, starttls?);
        Ok(Check::Tls(TlsCheck { address, expires_after_ms, starttls, ip: ip?, tls: tls? }))
    })
}
