//! What the links of the network can carry, as the configuration says it, where the kernel does not know.

use uphold_common::wire::OF_BYTES_MAX;
use uphold_common::yaml::problem::Read;
use uphold_common::yaml::walk::At;

/// Most links that are said.
pub const LINKS_MAX: usize = 64;
const UNITS: [(&str, u64); 3] = [("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];
/// The most that a link is said to carry: a terabit a second.
const BITS_MAX: u64 = 1_000_000_000_000;

/// What one link can carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The interface.
    pub interface: String,
    /// Bytes a second that it can receive, if it was said.
    pub received: Option<u64>,
    /// Bytes a second that it can send, if it was said.
    pub sent: Option<u64>,
}

/// `{ interface: eth0, received: 100Mbit/s, sent: 20Mbit/s }`
pub(crate) fn link(at: &At<'_>) -> Read<Link> {
    at.mapping(|keys| {
        let interface = keys.required("interface", |at| {
            let name = at.text()?;
            let bounded = !name.is_empty() && name.len() <= OF_BYTES_MAX;
            if bounded { Ok(name) } else { Err(at.expected("the name of an interface, such as eth0")) }
        });
        let (received, sent) = (keys.optional("received", pace), keys.optional("sent", pace));
        Ok(Link { interface: interface?, received: received?, sent: sent? })
    })
}

fn pace(at: &At<'_>) -> Read<u64> {
    bytes_per_second(&at.text()?).ok_or_else(|| at.expected("what a link carries, such as \"100Mbit/s\""))
}

/// Reads `64kbit/s`, `100Mbit/s` or `1Gbit/s` as bytes a second.
fn bytes_per_second(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(digits)?;
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    let bits = count.parse::<u64>().ok()?.checked_mul(*factor)?;
    (8..=BITS_MAX).contains(&bits).then_some(bits / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_in_bits_as_they_are_sold() {
        for (text, expected) in [
            ("64kbit/s", Some(8_000)),
            ("100Mbit/s", Some(12_500_000)),
            ("10 Gbit/s", Some(1_250_000_000)),
            ("0Mbit/s", None),
            ("100", None),
            ("100MB/s", None),
            ("100mbit/s", None),
            ("-1Mbit/s", None),
            ("2000Gbit/s", None),
            ("99999999999999999999Gbit/s", None),
            ("Mbit/s", None),
            ("", None),
        ] {
            assert_eq!(bytes_per_second(text), expected, "{text}");
        }
    }
}
