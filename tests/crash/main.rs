//! Whatever happens to a collector or its disk: nothing that was acknowledged is lost, and no figure is silently wrong.
//!
//! Real collectors, killed, traced, their files damaged, their disks full or read-only. What they kept is held against
//! what was acknowledged, and their figures against those of a collector that nothing happened to.
//!
//! | module | what it proves |
//! |---|---|
//! | `site` | one collector and its folder |
//! | `load` | batches made up from numbers, and agents that push them |
//! | `kept` | what a store holds, held against what was delivered |
//! | `sizes` | how much is tried, in the usual run and on request |
//! | `order` | written, synced, and only then acknowledged, as strace sees it |
//! | `kills` | killed at any moment: all there once, figures as those of an undisturbed twin |
//! | `delivery` | killed between the commit of incidents and their delivery: nothing lost, nothing out of order |
//! | `small` | a store with one of each, to be damaged |
//! | `looked_at` | a collector over a damaged store, and how what it says is judged |
//! | `damage` | bits flipped, files cut or gone: refused, said, or nothing differs |
//! | `disk` | a small disk of the test's own |
//! | `full` | a disk that is full or read-only: refused, not lost, and on it goes |

#![expect(clippy::unwrap_used, reason = "what a test of real processes cannot do, fails it")]
#![expect(clippy::panic, reason = "a failed expectation says what was there instead")]

mod damage;
mod delivery;
mod disk;
mod full;
mod kept;
mod kills;
mod load;
mod looked_at;
mod order;
mod site;
mod sizes;
mod small;
