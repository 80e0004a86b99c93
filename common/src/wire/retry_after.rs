//! The header `Retry-After`: how long a refusal asks to wait.

use jiff::fmt::rfc2822;

use crate::time::Instant;

/// Reads whole seconds, or a date as HTTP writes it today: milliseconds from `now`, from none to `most_ms`. Anything
/// else asks for nothing.
///
/// ```
/// use uphold_common::{time::Instant, wire::retry_after::wait_ms};
/// assert_eq!(wait_ms("120", Instant::from_ms(0), 60_000), Some(60_000));
/// ```
pub fn wait_ms(text: &str, now: Instant, most_ms: i64) -> Option<i64> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // So many digits that they do not fit ask for longer than is given.
        text.parse().unwrap_or(i64::MAX).saturating_mul(1_000)
    } else {
        Instant::from(rfc2822::parse(text).ok()?.timestamp()).since_ms(now)
    };
    Some(asked.clamp(0, most_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seconds_or_a_date_within_the_bound() {
        const MOST_MS: i64 = 3_600_000;
        let now = Instant::parse("1994-11-06T08:49:37Z").unwrap();
        for (text, expected) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("7200", Some(MOST_MS)),
            ("99999999999999999999999", Some(MOST_MS)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Mon, 06 Nov 1995 08:50:07 GMT", Some(MOST_MS)),
            ("Tue, 06 Nov 1995 08:50:07 GMT", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(wait_ms(text, now, MOST_MS), expected, "{text:?}");
        }
    }
}
