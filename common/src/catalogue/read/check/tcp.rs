//! `tcp`: an address.

use super::{Asking, Check, Read};
use crate::wire::check::TcpCheck;
use crate::yaml::walk::At;

/// `{ address: "192.0.2.1:443" }`
pub(super) fn read(at: &At<'_>, _: &Asking<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let address = keys.required("address", At::host_and_port);
        Ok(Check::Tcp(TcpCheck { address: address? }))
    })
}
