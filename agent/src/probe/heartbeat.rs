//! The heartbeat probe: what a job last said to this agent, held against its schedule.
//!
//! | what was heard | outcome |
//! |---|---|
//! | nothing yet, and `every` and `grace` have not passed since the agent listens | `unknown` |
//! | nothing for longer than `every` and `grace` | `down` |
//! | that it began, longer than `grace` ago | `down`: it hangs, or died |
//! | that it did well | `up` |
//! | that it did, but not well | `degraded` |
//! | that it failed | `down`, until it says otherwise |

use std::sync::Arc;

use uphold_common::ids::ProbeId;
use uphold_common::observation::{Cause, Outcome};
use uphold_common::time::Instant;
use uphold_common::wire::check::HeartbeatCheck;

use super::{Answer, Happened, Judged, Run, Seen};
use crate::heartbeats::{End, Heard, Heartbeats};

/// What was heard of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatSeen {
    /// What was heard last.
    pub heard: Heard,
    /// Before when something had to be heard, if that has passed.
    pub missed: Option<Instant>,
}

impl HeartbeatSeen {
    fn at(heard: Heard, check: HeartbeatCheck, now: Instant) -> Self {
        let due = heard.ended.map_or(heard.since_ms, |end| end.at_ms).saturating_add(check.every_ms);
        let done = heard.began_ms.map_or(due, |began| began.min(due));
        let by = Instant::from_ms(done.saturating_add(check.grace_ms));
        Self { heard, missed: Some(by).filter(|by| now > *by) }
    }

    fn judged(&self) -> Judged {
        match (self.missed, self.heard.ended.map(|end| end.outcome)) {
            (Some(_), _) => Judged::Unexpected(Cause::Timeout),
            (None, None | Some(Outcome::Unknown)) => Judged::NotKnown,
            (None, Some(Outcome::Up)) => Judged::Expected,
            (None, Some(Outcome::Degraded)) => Judged::Degraded(Cause::Code),
            (None, Some(Outcome::Down)) => Judged::Unexpected(Cause::Code),
        }
    }

    /// What was heard, for people.
    pub fn detail(&self) -> String {
        let late = self.missed.map(|by| format!("nothing was heard by {by}; ")).unwrap_or_default();
        let last = match self.heard.ended {
            None => "no end was ever heard".to_owned(),
            Some(End { at_ms, code, took_ms, .. }) => {
                let took = took_ms.map(|ms| format!(" after {ms} ms")).unwrap_or_default();
                format!("it last ended at {}{took} with {code}", Instant::from_ms(at_ms))
            }
        };
        format!("{late}{last}")
    }
}

/// A heartbeat probe made ready.
#[derive(Debug)]
pub struct HeartbeatProbe {
    check: HeartbeatCheck,
    /// Where it is heard; nowhere in a program that has no port for jobs.
    heard: Option<(ProbeId, Arc<Heartbeats>)>,
}

impl HeartbeatProbe {
    /// One that is heard nowhere yet.
    pub const fn new(check: HeartbeatCheck) -> Self {
        Self { check, heard: None }
    }

    /// Listens for it here.
    pub fn listen(&mut self, id: &ProbeId, heartbeats: &Arc<Heartbeats>) {
        self.heard = Some((id.clone(), Arc::clone(heartbeats)));
    }

    /// Looks at what was heard.
    pub fn run(&self, run: &Run) -> Result<Answer, Happened> {
        let nowhere = || Happened::NotTried("jobs can report only to an agent that runs and has a port".to_owned());
        let (id, heartbeats) = self.heard.as_ref().ok_or_else(nowhere)?;
        let too_many = || Happened::NotTried("this agent listens for as many heartbeats as it can".to_owned());
        let seen = HeartbeatSeen::at(heartbeats.of(id).ok_or_else(too_many)?, self.check, run.at);
        let code = seen.heard.ended.map_or(0, |end| u16::from(end.code));
        Ok(Answer { code, judged: seen.judged(), seen: Seen::Heartbeat(seen) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heartbeats::Said;

    #[test]
    fn silence_past_the_schedule_is_down_and_before_the_first_beat_unknown() {
        let check = HeartbeatCheck { every_ms: 1_000, grace_ms: 100 };
        let well = Said::Ended(Outcome::Up, 0);
        let failed = Said::Ended(Outcome::Down, 7);
        let poor = Said::Ended(Outcome::Degraded, 0);
        let late = Judged::Unexpected(Cause::Timeout);
        for (name, said, now, judged) in [
            ("never heard, not due yet", &[][..], 1_100, Judged::NotKnown),
            ("never heard and due", &[], 1_101, late.clone()),
            ("heard", &[(5_000, well)], 6_100, Judged::Expected),
            ("heard, and then silence", &[(5_000, well)], 6_101, late.clone()),
            ("failed", &[(5_000, failed)], 6_100, Judged::Unexpected(Cause::Code)),
            ("failed, and then silence", &[(5_000, failed)], 6_101, late.clone()),
            ("did not do well", &[(5_000, poor)], 6_100, Judged::Degraded(Cause::Code)),
            ("failed, then well", &[(5_000, failed), (5_500, well)], 6_600, Judged::Expected),
            ("runs", &[(5_000, well), (5_900, Said::Begun)], 6_000, Judged::Expected),
            ("began and hangs", &[(5_000, well), (5_500, Said::Begun)], 5_601, late.clone()),
            ("began late", &[(5_000, well), (6_090, Said::Begun)], 6_101, late.clone()),
            ("began for the first time", &[(500, Said::Begun)], 600, Judged::NotKnown),
            ("began for the first time and hangs", &[(500, Said::Begun)], 601, late),
            (
                "failed, and runs again",
                &[(5_000, failed), (5_900, Said::Begun)],
                6_000,
                Judged::Unexpected(Cause::Code),
            ),
            ("the clock was set back", &[(5_000, well)], 10, Judged::Expected),
        ] {
            let heard = Heard { since_ms: 0, began_ms: None, ended: None };
            let after = |heard: Heard, (at, said): &(i64, Said)| heard.after(*said, Instant::from_ms(*at));
            let heard = said.iter().fold(heard, after);
            let seen = HeartbeatSeen::at(heard, check, Instant::from_ms(now));
            assert_eq!(seen.judged(), judged, "{name}");
        }
    }
}
