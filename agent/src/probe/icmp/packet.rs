//! Echo requests and replies as bytes; pure.
//!
//! A request carries a number that nobody else knows, so that a reply to another's request, or one made up, is told apart.

use super::socket::Kind;

/// The bytes in front of what a request carries.
const HEADER_BYTES: usize = 8;
/// What a request carries: as much as everybody's `ping` sends.
const PAYLOAD_BYTES: usize = 56;

/// The requests of one attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo {
    /// Where and how they are sent.
    pub kind: Kind,
    /// Tells them apart from those of others, where the system does not.
    pub id: u16,
    /// What they carry, again and again.
    pub nonce: [u8; 8],
}

impl Echo {
    /// The request with this number.
    pub(super) fn request(&self, sequence: u16) -> Vec<u8> {
        let mut bytes = vec![if self.kind.is_v6() { 128 } else { 8 }, 0, 0, 0];
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend(self.nonce.iter().cycle().take(PAYLOAD_BYTES));
        // Over IPv6 the system fills the checksum in, since addresses take part in it.
        if !self.kind.is_v6() {
            let sum = checksum(&bytes).to_be_bytes();
            bytes.splice(2..4, sum);
        }
        bytes
    }

    /// The number of the request that these bytes reply to; nothing when they reply to none of ours.
    pub(super) fn replied(&self, bytes: &[u8]) -> Option<u16> {
        let bytes = if self.kind == Kind::RawV4 { without_ip_header(bytes)? } else { bytes };
        let (header, payload) = bytes.split_at_checked(HEADER_BYTES)?;
        let [kind, code, _, _, id_high, id_low, high, low] = header else { return None };
        let reply = if self.kind.is_v6() { 129 } else { 0 };
        // On a socket for datagrams the system chooses the id and keeps those of others away.
        let ours = !self.kind.is_raw() || u16::from_be_bytes([*id_high, *id_low]) == self.id;
        let carried = payload.iter().copied().eq(self.nonce.iter().copied().cycle().take(PAYLOAD_BYTES));
        (*kind == reply && *code == 0 && ours && carried).then(|| u16::from_be_bytes([*high, *low]))
    }
}

/// What follows the header of IPv4.
fn without_ip_header(bytes: &[u8]) -> Option<&[u8]> {
    let first = bytes.first().filter(|first| *first >> 4 == 4)?;
    bytes.get(usize::from(first & 0x0f) * 4..)
}

/// The complement of the sum of all pairs of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let pairs = bytes.chunks(2).map(|pair| {
        let [high, low] = [pair.first(), pair.get(1)].map(|byte| u32::from(byte.copied().unwrap_or_default()));
        high << 8 | low
    });
    let sum: u32 = pairs.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(kind: Kind) -> Echo {
        Echo { kind, id: 0x1234, nonce: *b"uphold!?" }
    }

    /// The reply that a host makes of a request.
    fn reply(kind: Kind, sequence: u16) -> Vec<u8> {
        let mut bytes = echo(kind).request(sequence);
        bytes[0] = if kind.is_v6() { 129 } else { 0 };
        if kind == Kind::RawV4 {
            let mut header = vec![0; 24];
            header[0] = 0x46;
            bytes.splice(0..0, header);
        }
        bytes
    }

    #[test]
    fn only_replies_to_our_own_requests_count() {
        for kind in [Kind::DatagramV4, Kind::DatagramV6, Kind::RawV4, Kind::RawV6] {
            let sound = reply(kind, 0x0102);
            let at = sound.len() - HEADER_BYTES - PAYLOAD_BYTES;
            assert_eq!(echo(kind).replied(&sound), Some(0x0102), "{kind:?}");
            for (what, place) in [("type", at), ("code", at + 1), ("first", at + 8), ("last", sound.len() - 1)] {
                let mut other = sound.clone();
                other[place] ^= 0x40;
                assert_eq!(echo(kind).replied(&other), None, "{kind:?}: another {what}");
            }
            let mut other = sound.clone();
            other[at + 5] ^= 1;
            assert_eq!(echo(kind).replied(&other).is_none(), kind.is_raw(), "{kind:?}: another id");
            assert_eq!(echo(kind).replied(&echo(kind).request(1)), None, "{kind:?}: a request");
            for length in 0..sound.len() {
                assert_eq!(echo(kind).replied(&sound[..length]), None, "{kind:?}: {length} bytes");
            }
        }
    }

    #[test]
    fn the_sum_of_a_request_with_its_checksum_is_full() {
        let request = echo(Kind::DatagramV4).request(7);
        assert_eq!((request.len(), checksum(&request)), (HEADER_BYTES + PAYLOAD_BYTES, 0));
        // The example of RFC 1071.
        assert_eq!(!checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
        assert_eq!(!checksum(&[0x01]), 0x0100);
    }
}
