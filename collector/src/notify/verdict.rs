//! What an attempt saw → what becomes of the message. Pure.
//!
//! | the receiver answered | then |
//! |---|---|
//! | 2xx | it is delivered, whatever the body says |
//! | 408, 425, 429, 5xx, or nothing | it is tried again, not before what `Retry-After` asks for (at most an hour) |
//! | 3xx | never again: redirects are not followed, since they would carry the message to somebody nobody chose |
//! | 410 and everything else | never again: the same message would be refused again |
//!
//! | the mail server answered | then |
//! |---|---|
//! | 2xx | it is delivered: the server has taken it on |
//! | 4xx, or nothing | it is tried again |
//! | everything else | never again |
//!
//! | the program ended | then |
//! |---|---|
//! | with 0 | it is delivered |
//! | with 75, by a signal, or at its deadline; or could not be run | it is tried again |
//! | with any other code | never again |

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
    /// The mail server answered with this code.
    Replied {
        /// The code of SMTP.
        code: u16,
    },
    /// The program that was given it ended.
    Ended {
        /// With what.
        end: ProgramEnd,
        /// What it complained of, on one line.
        said: String,
    },
    /// It cannot be sent to this receiver at all.
    Refused {
        /// Why, for people.
        error: String,
    },
    /// There was no answer, or nobody to ask.
    Unanswered {
        /// Why, for people.
        error: String,
    },
}

/// With what a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramEnd {
    /// With a code of its own.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It took too long, and was ended.
    Deadline,
}

/// With this code of sysexits.h a program says that it may work later.
const TEMPORARY: i32 = 75;

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
        Attempt::Answered { status: 200..=299, .. }
        | Attempt::Replied { code: 200..=299 }
        | Attempt::Ended { end: ProgramEnd::Code(0), .. } => Outcome::Delivered,
        Attempt::Replied { code } => {
            let error = format!("the mail server answered {code}");
            Outcome::Failed { retryable: (400..=499).contains(code), retry_after_ms: None, error }
        }
        Attempt::Ended { end, said } => {
            let retryable = !matches!(end, ProgramEnd::Code(code) if *code != TEMPORARY);
            Outcome::Failed { retryable, retry_after_ms: None, error: ended(*end, said) }
        }
        Attempt::Refused { error } => Outcome::Failed { retryable: false, retry_after_ms: None, error: error.clone() },
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

fn ended(end: ProgramEnd, said: &str) -> String {
    let how = match end {
        ProgramEnd::Code(code) => format!("the program ended with {code}"),
        ProgramEnd::Signal(signal) => format!("the program was ended by signal {signal}"),
        ProgramEnd::Deadline => "the program took too long, and was ended".to_owned(),
    };
    if said.is_empty() { how } else { format!("{how}: {said}") }
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
    fn every_code_of_a_mail_server_has_its_verdict() {
        for code in 200..=599 {
            let found = match judge(&Attempt::Replied { code }, Instant::from_ms(NOW_MS)) {
                Outcome::Delivered => None,
                Outcome::Failed { retryable, error, .. } => {
                    assert_eq!(error, format!("the mail server answered {code}"));
                    Some(retryable)
                }
            };
            let expected = match code {
                200..=299 => None,
                400..=499 => Some(true),
                _ => Some(false),
            };
            assert_eq!(found, expected, "{code}");
        }
    }

    #[test]
    fn every_end_of_a_program_has_its_verdict() {
        let failed =
            |retryable, error: &str| Outcome::Failed { retryable, retry_after_ms: None, error: error.to_owned() };
        for (end, said, expected) in [
            (ProgramEnd::Code(0), "done", Outcome::Delivered),
            (ProgramEnd::Code(75), "", failed(true, "the program ended with 75")),
            (ProgramEnd::Code(1), "no queue", failed(false, "the program ended with 1: no queue")),
            (ProgramEnd::Signal(11), "", failed(true, "the program was ended by signal 11")),
            (ProgramEnd::Deadline, "", failed(true, "the program took too long, and was ended")),
        ] {
            let attempt = Attempt::Ended { end, said: said.to_owned() };
            assert_eq!(judge(&attempt, Instant::from_ms(NOW_MS)), expected, "{end:?}");
        }
    }

    #[test]
    fn what_cannot_be_sent_at_all_is_not_tried_again() {
        let error = "no address".to_owned();
        let outcome = judge(&Attempt::Refused { error: error.clone() }, Instant::from_ms(NOW_MS));
        assert_eq!(outcome, Outcome::Failed { retryable: false, retry_after_ms: None, error });
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
