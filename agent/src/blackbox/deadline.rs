//! How long a probe may take: what the module says, and less than the one who asks waits; pure.

use std::time::Duration;

/// How much earlier a probe ends than the one who asks stops waiting.
const EARLIER_S: f64 = 0.5;
/// How long somebody is taken to wait who does not say.
const WAITS_S_DEFAULT: f64 = 120.0;
/// The longest that a probe may take.
pub const DEADLINE_MAX: Duration = Duration::from_mins(1);

/// How long a probe may take for somebody who waits so many seconds.
pub(super) fn deadline(waits_s: Option<&str>, module_ms: Option<i64>) -> Result<Duration, String> {
    let waits_s = match waits_s.filter(|text| !text.is_empty()) {
        None => 0.0,
        Some(text) => text.parse::<f64>().map_err(|_| {
            let parsing = format!("strconv.ParseFloat: parsing {text:?}: invalid syntax");
            format!("Failed to parse timeout from Prometheus header: {parsing}")
        })?,
    };
    let waits_s = if waits_s == 0.0 { WAITS_S_DEFAULT } else { waits_s };
    let bound_s = module_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default()).as_secs_f64());
    let most_s = waits_s - EARLIER_S;
    let seconds = match bound_s {
        Some(bound_s) if bound_s < most_s || most_s < 0.0 => bound_s,
        _ => most_s.max(0.0),
    };
    // What is no number of seconds is longer than any.
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(DEADLINE_MAX).min(DEADLINE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_ends_before_nobody_waits_any_more() {
        for (waits_s, module_ms, ms) in [
            (None, None, Some(60_000)),
            (None, Some(5_000), Some(5_000)),
            (Some(""), Some(5_000), Some(5_000)),
            (Some("10"), Some(5_000), Some(5_000)),
            (Some("10"), None, Some(9_500)),
            (Some("5"), Some(5_000), Some(4_500)),
            (Some("2.25"), Some(5_000), Some(1_750)),
            (Some("0.25"), Some(5_000), Some(5_000)),
            (Some("0.25"), None, Some(0)),
            (Some("0"), Some(5_000), Some(5_000)),
            (Some("1e300"), None, Some(60_000)),
            (Some("NaN"), None, Some(0)),
            (Some("soon"), Some(5_000), None),
        ] {
            let expected = ms.map(Duration::from_millis);
            assert_eq!(deadline(waits_s, module_ms).ok(), expected, "{waits_s:?} {module_ms:?}");
        }
    }
}
