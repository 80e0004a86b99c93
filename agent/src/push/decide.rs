//! What becomes of a batch after a push: decided from what was heard, without touching anything.
//!
//! | heard | decision |
//! |---|---|
//! | 200 that acknowledges this seq | done |
//! | no answer, 5xx, an answer that makes no sense | the same again, at the next collector |
//! | 415 to a push of the newest version | the same batch at once, in a push of version 1 |
//! | 408, 415 (a wire version that it does not know yet), 425 (rows in its future), 429 | the same again, here, later |
//! | 401, 403, 404, 405, 407, 421, 431, 3xx: a wrong token, name or address, not a wrong batch | held: the same again, here, at intervals that grow to a minute |
//! | 409: the key is known with other content | aside, and a new epoch |
//! | any other 4xx | aside, and on with the next |
//!
//! One that a collector asked for again is put aside at a 409 as well, without a new epoch, and waits at no other place
//! than its own: what is new goes on.
//!
//! `Retry-After` is obeyed with every refusal that is tried again, up to a bound, and a little later than asked: agents
//! that were sent away together do not come back together.

use uphold_common::wire::push::PushAnswer;

use crate::refusal::Refusal;

/// The longest that a collector may tell an agent to wait.
pub const RETRY_AFTER_MS_MAX: i64 = 5 * 60_000;
/// The first wait after a failure is up to this.
const BACKOFF_MS_BASE: u64 = 500;
/// The longest wait after a failure is up to this.
const BACKOFF_MS_MAX: u64 = 30_000;
/// The first wait of an agent that is refused is up to this.
const HELD_MS_BASE: u64 = 1_000;
/// The longest wait of an agent that is refused: so soon is it noticed that somebody put it right.
const HELD_MS_MAX: u64 = 60_000;
/// By how much more than was asked for an agent waits at least, at most.
const SPREAD_MS_MIN: u64 = 500;

/// What was heard after a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer that acknowledges.
    Answer(PushAnswer),
    /// A refusal.
    Refusal {
        /// Which one.
        refusal: Refusal,
        /// How long the collector asks to wait.
        retry_after_ms: Option<i64>,
    },
    /// No answer, or none that can be understood.
    Nothing(String),
}

/// What becomes of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is delivered.
    Done,
    /// It is pushed again.
    Retry {
        /// Not before this has passed, whatever the backoff says.
        at_least_ms: i64,
        /// At the next collector, if there is one.
        next_collector: bool,
    },
    /// The agent is refused and not the batch, which is pushed again, seldom, until somebody has put it right.
    Hold {
        /// Not before this has passed.
        at_least_ms: i64,
    },
    /// It is pushed again at once, as version 1 has it.
    Older,
    /// It is put aside, and the next one is pushed.
    Quarantine,
    /// It is put aside, and a new epoch begins.
    NewEpoch,
}

impl Decision {
    /// A word for the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry { .. } | Self::Older => "retry",
            Self::Hold { .. } => "hold",
            Self::Quarantine => "quarantine",
            Self::NewEpoch => "new_epoch",
        }
    }
}

/// What becomes of the batch `seq` after this was heard; `older` is whether its push was of version 1.
pub fn decide(heard: &Heard, seq: u64, older: bool) -> Decision {
    match heard {
        Heard::Answer(answer) if answer.acknowledged == seq => Decision::Done,
        Heard::Answer(_) | Heard::Nothing(_) => Decision::Retry { at_least_ms: 0, next_collector: true },
        Heard::Refusal { refusal, retry_after_ms } => {
            let at_least_ms = retry_after_ms.unwrap_or_default();
            match refusal.status {
                _ if refusal.is_of_the_agent() => Decision::Hold { at_least_ms },
                409 => Decision::NewEpoch,
                415 if !older => Decision::Older,
                408 | 415 | 425 | 429 => Decision::Retry { at_least_ms, next_collector: false },
                400..=499 => Decision::Quarantine,
                _ => Decision::Retry { at_least_ms, next_collector: true },
            }
        }
    }
}

/// How long to wait after `failures` in a row, when a collector asked for at least `asked_ms`; `random` is any number.
pub fn wait_ms(failures: u32, asked_ms: u64, random: u64) -> u64 {
    backoff_ms(failures, random).max(obeyed_ms(asked_ms, random))
}

/// How long an agent that is refused waits after `failures` in a row: between the half and the whole of a bound that
/// doubles, since nothing changes until somebody changes it, and the collector is to be left in peace until then.
pub fn held_ms(failures: u32, asked_ms: u64, random: u64) -> u64 {
    let half = doubled_ms(HELD_MS_BASE, failures).min(HELD_MS_MAX) / 2;
    (half + random % (half + 1)).max(obeyed_ms(asked_ms, random))
}

/// Anything up to a bound that doubles, so that agents that failed together do not come back together.
fn backoff_ms(failures: u32, random: u64) -> u64 {
    random % (doubled_ms(BACKOFF_MS_BASE, failures).min(BACKOFF_MS_MAX) + 1)
}

/// At least what was asked for, and up to a quarter more.
fn obeyed_ms(asked_ms: u64, random: u64) -> u64 {
    let spread = if asked_ms == 0 { 0 } else { (asked_ms / 4).max(SPREAD_MS_MIN) };
    asked_ms.saturating_add(random % (spread + 1))
}

fn doubled_ms(base_ms: u64, failures: u32) -> u64 {
    base_ms.saturating_mul(1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uphold_common::time::Instant;
    use uphold_common::wire::batch::Epoch;

    fn refusal(status: u16, retry_after_ms: Option<i64>) -> Heard {
        Heard::Refusal { refusal: Refusal { status, ..Refusal::default() }, retry_after_ms }
    }

    #[test]
    fn every_answer_has_its_decision() {
        let retry = |at_least_ms, next_collector| Decision::Retry { at_least_ms, next_collector };
        let hold = Decision::Hold { at_least_ms: 0 };
        for (status, decision) in [
            (201, retry(0, true)),
            (302, hold),
            (400, Decision::Quarantine),
            (401, hold),
            (403, hold),
            (404, hold),
            (405, hold),
            (407, hold),
            (408, retry(0, false)),
            (409, Decision::NewEpoch),
            (413, Decision::Quarantine),
            (415, retry(0, false)),
            (421, hold),
            (422, Decision::Quarantine),
            (425, retry(0, false)),
            (429, retry(0, false)),
            (431, hold),
            (451, Decision::Quarantine),
            (500, retry(0, true)),
            (503, retry(0, true)),
            (999, retry(0, true)),
        ] {
            assert_eq!(decide(&refusal(status, None), 7, true), decision, "{status}");
        }
        assert_eq!(decide(&refusal(415, Some(9)), 7, false), Decision::Older);
        assert_eq!(decide(&refusal(503, Some(9)), 7, true), retry(9, true));
        assert_eq!(decide(&refusal(429, Some(9)), 7, true), retry(9, false));
        assert_eq!(decide(&refusal(408, Some(9)), 7, true), retry(9, false));
        assert_eq!(decide(&refusal(401, Some(9)), 7, true), Decision::Hold { at_least_ms: 9 });
        assert_eq!(decide(&Heard::Nothing(String::new()), 7, true), retry(0, true));
        let answer = |acknowledged| {
            Heard::Answer(PushAnswer {
                store: Epoch([0; 16]),
                acknowledged,
                replay_from: None,
                now: Instant::from_ms(0),
            })
        };
        assert_eq!(decide(&answer(7), 7, true), Decision::Done);
        assert_eq!(decide(&answer(6), 7, true), retry(0, true), "an answer to something else acknowledges nothing");
    }

    #[test]
    fn who_is_refused_comes_back_seldom_and_within_a_minute() {
        for (failures, least_ms, most_ms) in [
            (0, 500, 1_000),
            (1, 500, 1_000),
            (2, 1_000, 2_000),
            (6, 16_000, 32_000),
            (7, 30_000, 60_000),
            (u32::MAX, 30_000, 60_000),
        ] {
            let waits: Vec<u64> = (0..=60_000).map(|random| held_ms(failures, 0, random)).collect();
            let bounds = (waits.iter().min(), waits.iter().max());
            assert_eq!(bounds, (Some(&least_ms), Some(&most_ms)), "{failures}");
        }
    }

    #[test]
    fn what_was_asked_for_is_obeyed_and_spread() {
        for (asked_ms, most_ms) in [(1, 501), (2_000, 2_500), (8_000, 10_000), (300_000, 375_000)] {
            for wait in [wait_ms, held_ms] {
                let waits: Vec<u64> = (0..=75_000).map(|random| wait(1, asked_ms, random)).collect();
                assert!(waits.iter().all(|ms| *ms >= asked_ms), "{asked_ms}");
                assert_eq!(waits.iter().max(), Some(&most_ms.max(wait(1, 0, 500))), "{asked_ms}");
            }
        }
        assert_eq!(wait_ms(1, u64::MAX, 500), u64::MAX);
        assert_eq!(wait_ms(7, 1, 30_000), 30_000, "a collector that asks for little does not hasten");
    }

    #[test]
    fn waits_grow_up_to_their_bound() {
        for (failures, bound_ms) in [(1, 500), (2, 1_000), (5, 8_000), (7, 30_000), (64, 30_000), (u32::MAX, 30_000)] {
            let longest = (0..=40_000).map(|random| backoff_ms(failures, random)).max();
            assert_eq!(longest, Some(bound_ms), "{failures}");
        }
        assert!(backoff_ms(0, u64::MAX) <= 500);
    }
}
