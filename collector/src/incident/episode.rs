//! Episodes: stretches of trouble, each of which belongs to one incident. Here, from a service's timeline to its outages.
//!
//! An outage begins with the first failed observation of a confirmed outage and ends where the service is first seen
//! to work again. Silence in between does not end it: nobody saw a recovery. How long the service was *down* is the
//! measurement's to say; an episode only tells which incident a stretch belongs to.

use uphold_common::measure::timeline::Timeline;
use uphold_common::observation::State;
use uphold_common::time::{Instant, Interval};

/// One stretch of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Its first observation.
    pub started: Instant,
    /// Where it is first seen to be over; none if it was not yet.
    pub ended: Option<Instant>,
    /// Whether it is enough to open an incident; else it only keeps one that is open.
    pub is_enough: bool,
}

impl Episode {
    /// From its beginning to its end, or to the end of time.
    pub fn interval(&self) -> Interval {
        Interval::new(self.started, self.ended.unwrap_or(Instant::MAX))
    }
}

/// The outages of a timeline, in order.
pub fn episodes(timeline: &Timeline) -> Vec<Episode> {
    let mut found: Vec<Episode> = Vec::new();
    for stretch in timeline.stretches() {
        let running = found.last_mut().filter(|episode| episode.ended.is_none());
        match (stretch.state, running) {
            (State::Down, None) => {
                found.push(Episode { started: stretch.interval.start, ended: None, is_enough: true });
            }
            (State::Up | State::Degraded, Some(episode)) => episode.ended = Some(stretch.interval.start),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_does_not_end_an_outage() {
        let mut timeline = Timeline::default();
        for (i, c) in "uD.DgD.uu..D.".chars().enumerate() {
            let start = Instant::from_ms(i64::try_from(i).unwrap());
            let state = match c {
                'u' => State::Up,
                'g' => State::Degraded,
                'D' => State::Down,
                _ => State::Unmeasured,
            };
            timeline.push(Interval::new(start, start.plus_ms(1)), state);
        }
        let found: Vec<_> =
            episodes(&timeline).iter().map(|e| (e.started.as_ms(), e.ended.map(Instant::as_ms))).collect();
        assert_eq!(found, [(1, Some(4)), (5, Some(7)), (11, None)]);
    }
}
