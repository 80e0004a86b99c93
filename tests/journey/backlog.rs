//! An agent whose way to the collector was closed for five hours delivers what waited: nobody is alarmed by what is long
//! over, and the record says when it was.

use uphold_common::observation::Outcome;
use uphold_common::time::Instant;
use uphold_common::wire::push::Push;
use uphold_tests::process::wait::wall_ms;

use crate::outage::{DOWN, RECORDED};
use crate::pushes::{batch, post, push};
use crate::world::{INTERVAL_MS, World, until};

const MINUTE_MS: i64 = 60_000;
/// For how long the way was closed.
const CLOSED_MS: i64 = 5 * 60 * MINUTE_MS;
/// The outages meanwhile: how long after the beginning each began, and how long it lasted.
const OUTAGES: [(i64, i64); 2] = [(60 * MINUTE_MS, 10 * MINUTE_MS), (200 * MINUTE_MS, 3 * MINUTE_MS)];

/// The attempts of a minute of the backlog.
fn minute(from: i64, start: i64) -> Vec<(i64, Outcome)> {
    let step = usize::try_from(INTERVAL_MS).unwrap();
    let failed = |at: i64| OUTAGES.iter().any(|(after, length)| (0..*length).contains(&(at - from - after)));
    let attempt = |at: i64| (at, if failed(at) { Outcome::Down } else { Outcome::Up });
    (start..start + MINUTE_MS).step_by(step).map(attempt).collect()
}

/// The catalogue as it was in force all the time, without a target: a target that cannot be met any more is no false alarm.
fn in_force(since: i64, text: &str) -> String {
    let since = Instant::from_ms(since);
    let (services, after) = text.split_once("agreements:").unwrap();
    let (_, receivers) = after.split_once("receivers:").unwrap();
    let services = services.replace("    probes:\n", &format!("    since: {since}\n    probes:\n"));
    format!("effective_from: {since}\n{services}receivers:{receivers}")
}

#[test]
fn a_backlog_of_five_hours_raises_no_false_alarm_and_its_outages_are_on_record_at_their_times() {
    let from = wall_ms() - CLOSED_MS;
    let limits = "limits: { requests_per_second: 100000 }\n";
    let world = World::under(limits, |_, text| in_force(from, &text));
    let minutes = CLOSED_MS / MINUTE_MS;
    for number in 0..minutes {
        let rows = minute(from, from + number * MINUTE_MS);
        let (seq, waiting) = (u64::try_from(number + 1).unwrap(), u64::try_from(minutes - 1 - number).unwrap());
        let body = Push { backlog_batches: waiting, ..push(&batch(seq, &rows)) };
        let answer = post(&world, &body.encode().unwrap());
        assert_eq!(answer.code, 200, "{}", answer.text());
        // In the middle of either outage, the newest that is known is a failure: for a while that is how it stands.
        if OUTAGES.iter().any(|(after, _)| (number - 1) * MINUTE_MS == *after) {
            let known = wall_ms();
            until("figures of what came so far", || {
                world.ask("/api/v1/services")["as_of_ms"].as_i64().filter(|as_of| *as_of > known)
            });
            assert_eq!(world.incidents(), Vec::<serde_json::Value>::new(), "nothing is concluded meanwhile");
        }
    }
    until("both outages to be told", || (world.inbox.payloads().unwrap().len() >= OUTAGES.len()).then_some(()));

    let messages = world.messages();
    let kinds: Vec<_> = messages.iter().map(|message| (message["type"].as_str().unwrap(), &message["data"])).collect();
    assert_eq!(kinds.len(), OUTAGES.len(), "nothing else is told: {messages:?}");
    let mut times: Vec<_> = Vec::new();
    for (kind, data) in kinds {
        assert_eq!((kind, data["cause"].as_str()), (RECORDED, Some(DOWN)), "it is over as it becomes known");
        times.push((data["started_ms"].as_i64().unwrap(), data["duration_ms"].as_i64().unwrap()));
    }
    times.sort_unstable();
    assert_eq!(times, OUTAGES.map(|(after, length)| (from + after, length)));
    let incidents = world.incidents();
    assert_eq!(incidents.len(), OUTAGES.len());
    assert!(incidents.iter().all(|one| one["resolved"]["ended"].is_i64()), "{incidents:?}");
}
