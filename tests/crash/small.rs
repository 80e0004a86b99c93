//! A small store with one of each: chunks of a merged day, parts that wait to be merged, a journal, stretches, a
//! catalogue, incidents and what was said to one, tokens and deeds, deliveries; stopped in order, and left alone.

use std::fs;
use std::sync::atomic::AtomicBool;

use uphold_common::time::DAY_MS;
use uphold_common::wire::batch::Batch;

use crate::load::{Delivered, Expected, batch_of, deliver, key};
use crate::site::{AGENTS, Site, until};

/// The file beside the data that holds the token of an administrator.
pub(crate) const TOKEN: &str = "token";
/// What it is served with: everything is sealed at once, until told otherwise.
const SEALS: &str = "store: { cache: 8MiB, head: 64KiB, journal: 64KiB, rest: 1s }\n";
/// What it is left and looked at with: nothing is sealed any more.
pub(crate) const KEEPS: &str = "store: { cache: 8MiB }\n";
/// How much an agent says in one batch.
const LENGTH_MS: i64 = 40 * 60_000;

/// Delivers each agent's batch with this number.
fn seen_by_all(site: &Site, seq: u64, present: i64) {
    for agent in 0..AGENTS.len() {
        let batch = delivered(agent, seq, present);
        let mut done = Delivered { batches: seq - 1, ..Delivered::default() };
        assert!(deliver(site.port, &batch, &mut done, &AtomicBool::new(false)));
    }
}

/// How many batches each agent has delivered.
pub(crate) const DELIVERED: u64 = 5;

/// Where in the past each of these batches begins, counted back from the present, in the order of delivery: twice a day
/// that is merged, then what remains in parts of today, then what remains in the journal, some of it late.
const BEGINS: [i64; 5] = [2 * DAY_MS, 2 * DAY_MS - 2_000, 2 * LENGTH_MS, LENGTH_MS, DAY_MS + 6 * LENGTH_MS];

/// A batch that was delivered into the store.
pub(crate) fn delivered(agent: usize, seq: u64, present: i64) -> Batch {
    let begins = BEGINS[usize::try_from(seq - 1).unwrap()];
    batch_of(key(agent, seq), present - begins, LENGTH_MS)
}

/// How the last collector that had the store ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was asked to, and so was one after it that wrote nothing: the database wrote down where everything lies when it
    /// was opened last.
    Settled,
    /// It was killed: where that lies which it wrote is known from the end of the database's log alone. So it is after a
    /// collector that was asked to end.
    Killed,
}

/// Makes the store. No collector runs in the site any more, and its configuration is the one to look at it with.
pub(crate) fn store(present: i64, ending: Ending) -> Site {
    let mut site = Site::started(present, SEALS);
    let counted = |site: &Site, series: &str, least: f64| {
        until(series, || site.metric(series).filter(|value| *value >= least));
    };
    seen_by_all(&site, 1, present);
    counted(&site, "uphold_store_seals_total", 1.0);
    let seals = |site: &Site| site.metric("uphold_store_seals_total").unwrap();
    let before = seals(&site);
    seen_by_all(&site, 2, present);
    counted(&site, "uphold_store_seals_total", before + 1.0);
    counted(&site, "uphold_store_merged_streams_total", 1.0);
    let before = seals(&site);
    seen_by_all(&site, 3, present);
    counted(&site, "uphold_store_seals_total", before + 1.0);
    site.measured();
    site.stop();

    site.configure(KEEPS);
    site.start();
    site.command(&["token", "add", "bob", "--role", "viewer"]);
    let secret = site.command(&["token", "add", "ann", "--role", "administrator"]);
    fs::write(site.path(TOKEN), secret.trim()).unwrap();
    seen_by_all(&site, 4, present);
    seen_by_all(&site, 5, present);
    site.measured();
    // Last of all what no agent would notice if it were gone.
    site.command(&["incidents", "comment", "1", "seen and understood"]);
    site.command(&["token", "revoke", "bob"]);
    match ending {
        Ending::Settled => {
            site.stop();
            site.start();
            site.stop();
        }
        Ending::Killed => site.kill(),
    }
    site
}

/// Everything that was delivered into it.
pub(crate) fn expected(present: i64) -> Expected {
    let mut expected = Expected::default();
    for agent in 0..AGENTS.len() {
        (1..=DELIVERED).for_each(|seq| expected.add(delivered(agent, seq, present)));
    }
    expected
}
