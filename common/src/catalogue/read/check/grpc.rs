//! `grpc`: an address, and the service whose health is asked for.

use super::options;
use super::{Asking, Check, Read};
use crate::wire::check::GrpcCheck;
use crate::yaml::walk::At;

/// `{ address: "192.0.2.1:50051", service: shop.v1.Orders, tls: {} }`
pub(super) fn read(at: &At<'_>, _: &Asking) -> Read<Check> {
    at.mapping(|keys| {
        let address = keys.required("address", At::host_and_port);
        let service = keys.or("service", String::new(), At::text);
        let ip = options::ip(keys);
        let tls = keys.optional("tls", options::tls);
        Ok(Check::Grpc(GrpcCheck { address: address?, service: service?, ip: ip?, tls: tls? }))
    })
}
