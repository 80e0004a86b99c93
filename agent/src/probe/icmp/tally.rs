//! How many requests came back, how soon, and whether that is enough; pure.

use uphold_common::observation::Cause;
use uphold_common::percent::BILLION;

use super::super::{Happened, Judged, Trouble};

/// What became of each request so far.
#[derive(Debug)]
pub(super) struct Tally {
    packets: u16,
    /// When each was sent, in order.
    sent_us: Vec<u64>,
    /// How long each took, as far as it came back.
    round_trips_us: Vec<Option<u64>>,
    /// How many were said to be undeliverable, and what was said first.
    refused: u16,
    trouble: Option<Trouble>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpSeen {
    /// How many requests there were.
    pub packets: u16,
    /// How many of them came back.
    pub received: u16,
    /// The shortest round trip.
    pub shortest_us: u64,
    /// The middle one; of an even number the longer of the two.
    pub middle_us: u64,
    /// The longest.
    pub longest_us: u64,
}

impl Tally {
    /// Of so many requests.
    pub(super) fn new(packets: u16) -> Self {
        let round_trips_us = vec![None; usize::from(packets)];
        Self { packets, sent_us: Vec::new(), round_trips_us, refused: 0, trouble: None }
    }

    /// How many were sent.
    pub(super) fn sent(&self) -> u16 {
        u16::try_from(self.sent_us.len()).unwrap_or(u16::MAX)
    }

    /// The next one went out.
    pub(super) fn was_sent(&mut self, at_us: u64) {
        self.sent_us.push(at_us);
    }

    /// A reply arrived to this request, if to any; what was never sent, or came back already, is another's.
    pub(super) fn came_back(&mut self, sequence: Option<u16>, at_us: u64) {
        let Some(place) = sequence.map(usize::from) else { return };
        if let (Some(sent_us), Some(round_trip @ None)) = (self.sent_us.get(place), self.round_trips_us.get_mut(place))
        {
            *round_trip = Some(at_us.saturating_sub(*sent_us));
        }
    }

    /// The network said that one cannot be delivered; which one, it does not say.
    pub(super) fn was_refused(&mut self, trouble: Trouble) {
        self.refused = self.refused.saturating_add(1);
        self.trouble.get_or_insert(trouble);
    }

    fn received(&self) -> u16 {
        u16::try_from(self.round_trips_us.iter().flatten().count()).unwrap_or(u16::MAX)
    }

    /// Whether there is nothing more to wait for.
    pub(super) fn is_complete(&self) -> bool {
        self.sent() >= self.packets && self.received().saturating_add(self.refused) >= self.packets
    }

    /// What came back; or what happened when nothing did.
    pub(super) fn seen(&self) -> Result<IcmpSeen, Happened> {
        let mut round_trips: Vec<u64> = self.round_trips_us.iter().flatten().copied().collect();
        round_trips.sort_unstable();
        let (Some(shortest_us), Some(longest_us)) = (round_trips.first(), round_trips.last()) else {
            return Err(self.trouble.clone().map_or(Happened::TimedOut, Happened::NotConnected));
        };
        let middle_us = round_trips.get(round_trips.len() / 2).unwrap_or(longest_us);
        Ok(IcmpSeen {
            packets: self.packets,
            received: self.received(),
            shortest_us: *shortest_us,
            middle_us: *middle_us,
            longest_us: *longest_us,
        })
    }
}

impl IcmpSeen {
    /// Whether enough came back: what is lost did not come in time.
    pub(super) fn judged(&self, loss_at_most_ppb: i64) -> Judged {
        let lost = i64::from(self.packets.saturating_sub(self.received));
        if lost * BILLION <= loss_at_most_ppb.saturating_mul(i64::from(self.packets)) {
            Judged::Expected
        } else {
            Judged::Unexpected(Cause::Timeout)
        }
    }

    /// What was seen, for people.
    pub fn detail(&self) -> String {
        let ms = |us: u64| format!("{}.{:02}", us / 1_000, us % 1_000 / 10);
        let trips = if self.shortest_us == self.longest_us {
            format!("{} ms", ms(self.longest_us))
        } else {
            format!("{} to {} ms", ms(self.shortest_us), ms(self.longest_us))
        };
        format!("{} of {} packets came back, in {trips}", self.received, self.packets)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::TroubleKind;
    use super::*;

    fn tally(packets: u16) -> Tally {
        let mut tally = Tally::new(packets);
        (0..packets).for_each(|nth| tally.was_sent(u64::from(nth) * 1_000));
        tally
    }

    #[test]
    fn replies_are_counted_once_and_only_to_what_was_sent() {
        let mut three = tally(3);
        for (sequence, at_us) in
            [(Some(1), 1_250), (Some(1), 9_000), (None, 9_000), (Some(3), 9_000), (Some(0), 1_400), (Some(999), 1)]
        {
            assert!(!three.is_complete());
            three.came_back(sequence, at_us);
        }
        let seen = three.seen().unwrap();
        assert_eq!((seen.received, seen.shortest_us, seen.middle_us, seen.longest_us), (2, 250, 1_400, 1_400));
        assert_eq!(seen.detail(), "2 of 3 packets came back, in 0.25 to 1.40 ms");
        three.came_back(Some(2), 2_300);
        assert!(three.is_complete());
        let seen = three.seen().unwrap();
        assert_eq!((seen.received, seen.shortest_us, seen.middle_us, seen.longest_us), (3, 250, 300, 1_400));
        let mut early = Tally::new(2);
        early.came_back(Some(0), 1);
        assert_eq!(early.seen(), Err(Happened::TimedOut), "nothing was asked yet");
    }

    #[test]
    fn what_the_network_says_counts_as_lost() {
        let mut two = tally(2);
        let said = |text: &str| Trouble { kind: TroubleKind::Other, text: text.to_owned() };
        two.was_refused(said("no route to host"));
        assert!(!two.is_complete());
        assert_eq!(two.seen(), Err(Happened::NotConnected(said("no route to host"))));
        two.came_back(Some(1), 1_100);
        assert!(two.is_complete());
        assert_eq!(two.seen().unwrap().judged(0), Judged::Unexpected(Cause::Timeout));
    }

    #[test]
    fn loss_is_held_against_what_may_be_lost_to_the_packet() {
        for (packets, received, percent, up) in [
            (1, 1, 0, true),
            (3, 3, 0, true),
            (3, 2, 0, false),
            (3, 2, 33, false),
            (3, 2, 34, true),
            (5, 4, 20, true),
            (5, 3, 20, false),
            (100, 1, 99, true),
        ] {
            let seen = IcmpSeen { packets, received, shortest_us: 0, middle_us: 0, longest_us: 0 };
            let judged = seen.judged(percent * BILLION / 100);
            assert_eq!(judged == Judged::Expected, up, "{received} of {packets}, {percent}% may be lost");
        }
    }
}
