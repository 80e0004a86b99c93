//! What becomes of a batch after a push: decided from what was heard, without touching anything.
//!
//! | heard | decision |
//! |---|---|
//! | 200 that acknowledges this seq | done |
//! | no answer, 5xx, an answer that makes no sense | the same again, at the next collector |
//! | 408, 415 (a wire version that it does not know yet), 425 (rows in its future), 429 | the same again, here, later |
//! | 401, 403, 404, 405, 3xx: a wrong address or name, not a wrong batch | the same again, here, later |
//! | 409: the key is known with other content | aside, and a new epoch |
//! | any other 4xx | aside, and on with the next |

use uphold_common::wire::push::PushAnswer;

/// The longest that a collector may tell an agent to wait.
pub const RETRY_AFTER_MS_MAX: i64 = 5 * 60_000;
/// The first wait after a failure is up to this.
const BACKOFF_MS_BASE: u64 = 500;
/// The longest wait after a failure is up to this.
const BACKOFF_MS_MAX: u64 = 30_000;

/// What was heard after a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer that acknowledges.
    Answer(PushAnswer),
    /// A refusal.
    Refusal {
        /// The HTTP status.
        status: u16,
        /// How long the collector asks to wait.
        retry_after_ms: Option<i64>,
        /// Its words.
        detail: String,
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
            Self::Retry { .. } => "retry",
            Self::Quarantine => "quarantine",
            Self::NewEpoch => "new_epoch",
        }
    }
}

/// What becomes of the batch `seq` after this was heard.
pub fn decide(heard: &Heard, seq: u64) -> Decision {
    match heard {
        Heard::Answer(answer) if answer.acknowledged == seq => Decision::Done,
        Heard::Answer(_) | Heard::Nothing(_) => Decision::Retry { at_least_ms: 0, next_collector: true },
        Heard::Refusal { status, retry_after_ms, .. } => {
            let at_least_ms = retry_after_ms.unwrap_or_default();
            match *status {
                409 => Decision::NewEpoch,
                300..=399 | 401 | 403..=405 | 408 | 415 | 425 | 429 => {
                    Decision::Retry { at_least_ms, next_collector: false }
                }
                400..=499 => Decision::Quarantine,
                _ => Decision::Retry { at_least_ms, next_collector: true },
            }
        }
    }
}

/// How long to wait after `failures` in a row: anything up to a bound that doubles, so that agents that failed together
/// do not come back together. `random` is any number.
pub fn backoff_ms(failures: u32, random: u64) -> u64 {
    let doubled = BACKOFF_MS_BASE.saturating_mul(1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX));
    random % (doubled.min(BACKOFF_MS_MAX) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uphold_common::time::Instant;
    use uphold_common::wire::batch::Epoch;

    fn refusal(status: u16, retry_after_ms: Option<i64>) -> Heard {
        Heard::Refusal { status, retry_after_ms, detail: String::new() }
    }

    #[test]
    fn every_answer_has_its_decision() {
        let retry = |at_least_ms, next_collector| Decision::Retry { at_least_ms, next_collector };
        for (status, decision) in [
            (201, retry(0, true)),
            (302, retry(0, false)),
            (400, Decision::Quarantine),
            (401, retry(0, false)),
            (403, retry(0, false)),
            (404, retry(0, false)),
            (408, retry(0, false)),
            (409, Decision::NewEpoch),
            (413, Decision::Quarantine),
            (415, retry(0, false)),
            (422, Decision::Quarantine),
            (425, retry(0, false)),
            (429, retry(0, false)),
            (500, retry(0, true)),
            (503, retry(0, true)),
            (999, retry(0, true)),
        ] {
            assert_eq!(decide(&refusal(status, None), 7), decision, "{status}");
        }
        assert_eq!(decide(&refusal(503, Some(9)), 7), retry(9, true));
        assert_eq!(decide(&refusal(429, Some(9)), 7), retry(9, false));
        assert_eq!(decide(&Heard::Nothing(String::new()), 7), retry(0, true));
        let answer = |acknowledged| {
            Heard::Answer(PushAnswer {
                store: Epoch([0; 16]),
                acknowledged,
                replay_from: None,
                now: Instant::from_ms(0),
            })
        };
        assert_eq!(decide(&answer(7), 7), Decision::Done);
        assert_eq!(decide(&answer(6), 7), retry(0, true), "an answer to something else acknowledges nothing");
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
