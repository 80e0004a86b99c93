//! What an attempt saw → what becomes of the message. Pure.
//!
//! | the receiver answered | then |
//! |---|---|
//! | 2xx | it is delivered, whatever the body says |
//! | 408, 425, 429, 5xx, or nothing | it is tried again, not before what `Retry-After` asks for (at most an hour) |
//! | 3xx | never again: redirects are not followed, since they would carry the message to somebody nobody chose |
//! | 410 and everything else | never again: the same message would be refused again |

use uphold_common::time::Instant;
use uphold_common::wire::retry_after;

use super::retry::RETRY_AFTER_MAX_MS;

/// What an attempt saw. No URL stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The receiver answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The header `Retry-After`, as it came.
        retry_after: Option<String>,
    },
    /// There was no answer, or nobody to ask.
    Unanswered {
        /// Why, for people.
        error: String,
    },
}

/// What becomes of a message after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// The receiver does not have it.
    Failed {
        /// Whether trying again can help.
        retryable: bool,
        /// How long the receiver asked to wait.
        retry_after_ms: Option<i64>,
        /// Why, for people.
        error: String,
    },
}

/// Judges an attempt that was made just before `now`.
pub fn judge(attempt: &Attempt, now: Instant) -> Outcome {
    match attempt {
        Attempt::Answered { status: 200..=299, .. } => Outcome::Delivered,
        Attempt::Answered { status: status @ (408 | 425 | 429 | 500..=599), retry_after } => {
            let retry_after_ms =
                retry_after.as_deref().and_then(|text| retry_after::wait_ms(text, now, RETRY_AFTER_MAX_MS));
            Outcome::Failed { retryable: true, retry_after_ms, error: answered(*status) }
        }
        Attempt::Answered { status, .. } => {
            Outcome::Failed { retryable: false, retry_after_ms: None, error: answered(*status) }
        }
        Attempt::Unanswered { error } => {
            Outcome::Failed { retryable: true, retry_after_ms: None, error: error.clone() }
        }
    }
}

fn answered(status: u16) -> String {
    match status {
        300..=399 => format!("the receiver answered {status}, and redirects are not followed"),
        410 => "the receiver answered 410: it is gone for good".to_owned(),
        _ => format!("the receiver answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z.
    const NOW_MS: i64 = 784_111_777_000;

    fn judged(status: u16, retry_after: Option<&str>) -> Outcome {
        let retry_after = retry_after.map(str::to_owned);
        judge(&Attempt::Answered { status, retry_after }, Instant::from_ms(NOW_MS))
    }

    #[test]
    fn every_status_has_its_verdict() {
        for status in 100..=999 {
            let expected = match status {
                200..=299 => None,
                408 | 425 | 429 | 500..=599 => Some(true),
                _ => Some(false),
            };
            let found = match judged(status, None) {
                Outcome::Delivered => None,
                Outcome::Failed { retryable, retry_after_ms, error } => {
                    assert_eq!(retry_after_ms, None);
                    assert!(error.contains(&status.to_string()), "{error}");
                    Some(retryable)
                }
            };
            assert_eq!(found, expected, "{status}");
        }
    }

    #[test]
    fn no_answer_is_tried_again() {
        let attempt = Attempt::Unanswered { error: "no answer in time".to_owned() };
        let error = "no answer in time".to_owned();
        let expected = Outcome::Failed { retryable: true, retry_after_ms: None, error };
        assert_eq!(judge(&attempt, Instant::from_ms(NOW_MS)), expected);
    }

    #[test]
    fn retry_after_is_heard_up_to_an_hour_where_trying_again_can_help() {
        for (status, text, expected) in [
            (429, "120", Some(120_000)),
            (503, "Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            (429, "7200", Some(RETRY_AFTER_MAX_MS)),
            (429, "soon", None),
            (400, "120", None),
        ] {
            let Outcome::Failed { retry_after_ms, .. } = judged(status, Some(text)) else { panic!("{text}") };
            assert_eq!(retry_after_ms, expected, "{status} {text:?}");
        }
    }
}
