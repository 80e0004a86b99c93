//! What Linux says of its network: `/proc/net/dev`, and which interfaces count. Pure.
//!
//! An interface counts when hardware, or what a virtual machine takes for hardware, stands behind it; bridges, bonds,
//! VLANs, tunnels and the ends of containers carry what has passed or will pass one of those, and would tell it twice. Where
//! no interface has any, as in a container, each counts but the loopback. One that the configuration names counts always.

use std::collections::BTreeMap;

use uphold_common::observation::Flow;

/// Most interfaces that are read.
pub(super) const INTERFACES_MAX: usize = 64;

/// What is told of each interface, in the order of [`Interface::counts`].
pub(super) const FLOWS: [Flow; 6] = [
    Flow::NetworkReceived,
    Flow::NetworkSent,
    Flow::NetworkReceiveErrors,
    Flow::NetworkSendErrors,
    Flow::NetworkReceiveDrops,
    Flow::NetworkSendDrops,
];

/// One line of `/proc/net/dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Bytes, errors and drops, as [`FLOWS`] has them.
    pub(super) counts: [u64; 6],
}

/// Reads `/proc/net/dev`.
pub(super) fn interfaces(text: &str) -> impl Iterator<Item = Interface<'_>> {
    text.lines().filter_map(|line| {
        let (name, rest) = line.rsplit_once(':')?;
        let mut numbers = [0_u64; 12];
        let mut words = rest.split_ascii_whitespace();
        for number in &mut numbers {
            *number = words.next()?.parse().ok()?;
        }
        let [received, _, receive_errors, receive_drops, _, _, _, _, sent, _, send_errors, send_drops] = numbers;
        let counts = [received, sent, receive_errors, send_errors, receive_drops, send_drops];
        Some(Interface { name: name.trim(), counts })
    })
}

/// Which of these count, given of which of them it is known that hardware stands behind, and which are named.
pub(super) fn chosen<'a>(
    all: impl Iterator<Item = Interface<'a>>,
    hardware: &BTreeMap<String, bool>,
    named: impl Fn(&str) -> bool,
) -> Vec<Interface<'a>> {
    let any = hardware.values().any(|hardware| *hardware);
    let counts = |interface: &Interface<'_>| {
        let hardware = hardware.get(interface.name).copied().unwrap_or(false);
        named(interface.name) || if any { hardware } else { interface.name != "lo" }
    };
    all.filter(counts).take(INTERFACES_MAX).collect()
}

/// Reads `/sys/class/net/…/speed`, in megabits a second, as bytes a second; a link that is down or virtual knows none.
pub(super) fn speed(text: &str) -> Option<u64> {
    let megabits: i64 = text.trim().parse().ok()?;
    let known = megabits > 0 && megabits < i64::from(u32::MAX);
    known.then(|| megabits.unsigned_abs() * 125_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 57196026028 46366087    0    0    0     0          0         0 57196026028 46366087    0    0    0     0       0          0
  eth0:1510317168   83391    1    2    0     0          0         0  5870375   55376    3    4    0     0       0          0
eth0:1: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0
 veth7: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0
  torn: 5 1 0
";

    #[test]
    fn bytes_errors_and_drops_stand_by_direction() {
        let all: Vec<_> = interfaces(TEXT).collect();
        assert_eq!(all.iter().map(|i| i.name).collect::<Vec<_>>(), ["lo", "eth0", "eth0:1", "veth7"]);
        assert_eq!(all[1].counts, [1_510_317_168, 5_870_375, 1, 3, 2, 4]);
    }

    #[test]
    fn hardware_counts_and_whatever_is_named() {
        let names = |hardware: &[&str], named: &str| {
            let known = |name: &str| (name.to_owned(), hardware.contains(&name));
            let hardware: BTreeMap<String, bool> = ["lo", "eth0", "eth0:1", "veth7"].map(known).into();
            chosen(interfaces(TEXT), &hardware, |name| name == named).iter().map(|i| i.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["eth0"], ""), ["eth0"]);
        assert_eq!(names(&["eth0"], "veth7"), ["eth0", "veth7"]);
        assert_eq!(names(&[], ""), ["eth0", "eth0:1", "veth7"], "in a container nothing is hardware");
        let many: String = (0..100).map(|n| format!("e{n}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n")).collect();
        assert_eq!(chosen(interfaces(&many), &BTreeMap::new(), |_| false).len(), INTERFACES_MAX);
    }

    #[test]
    fn a_link_knows_its_speed_or_none() {
        for (text, expected) in [
            ("1000\n", Some(125_000_000)),
            ("10\n", Some(1_250_000)),
            ("-1\n", None),
            ("0\n", None),
            ("4294967295\n", None),
            ("", None),
        ] {
            assert_eq!(speed(text), expected, "{text:?}");
        }
    }
}
