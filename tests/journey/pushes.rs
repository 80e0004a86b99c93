//! Pushes made by hand, for what no agent of ours sends: in its own order, damaged, or with a backlog that lasts.

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Push};
use uphold_tests::process::http::{self, Answer};
use uphold_tests::process::wait::wall_ms;

use crate::world::World;

/// A batch of the shop's agent, with attempts at these instants.
pub(crate) fn batch(seq: u64, attempts: &[(i64, Outcome)]) -> Batch {
    let row = |(at, outcome): &(i64, Outcome)| Observation {
        at: Instant::from_ms(*at),
        outcome: *outcome,
        cause: Cause::None,
        code: 200,
        total: Micros::new(1_000),
        phases: Phases::default(),
    };
    let probe = ProbeId::new(Id::new("shop").unwrap(), Id::new("front").unwrap());
    let key = BatchKey { agent: Id::new("zurich-1").unwrap(), epoch: Epoch([7; 16]), seq };
    let rows = attempts.iter().map(row).collect();
    Batch { key, closed_at: Instant::from_ms(wall_ms()), streams: vec![Rows::Probe(probe, rows)], facts: Vec::new() }
}

/// The push of a batch behind which nothing waits.
pub(crate) fn push(batch: &Batch) -> Push {
    Push {
        agent: batch.key.agent.clone(),
        epoch: batch.key.epoch,
        acknowledged: 0,
        kept_from: None,
        absent: None,
        backlog_batches: 0,
        backlog_oldest: None,
        sent_at: Instant::from_ms(wall_ms()),
        batch: batch.encode().unwrap(),
    }
}

/// Posts the body of a push.
pub(crate) fn post(world: &World, body: &[u8]) -> Answer {
    http::post(world.collector_port, "/api/v1/push", PUSH_CONTENT_TYPE, body).unwrap()
}
