//! The store: whether pushes are taken, how soon they are durable, how much room there is, since when it is damaged.

use maud::{Markup, html};
use uphold_common::observation::{Micros, State};
use uphold_common::time::Instant;

use super::text::{Clock, bar, bytes, bytes_of, counted, shape, share, took};
use crate::histogram::Histogram;
use crate::reserve::DiskSpace;
use crate::retention::RetentionSnapshot;
use crate::snapshot::{Health, Snapshot};
use crate::store::StoreStats;

pub(super) fn section(snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    let health = &snapshot.health;
    html! {
        section.store {
            h2 { "Store" }
            article.card data-takes-pushes=(health.room.takes_pushes()) data-damaged=(health.store.damaged()) {
                (standing(health, clock))
                @if let Some(space) = health.room.space { (disk(space, health.room.reserve)) }
                (head(&health.store))
                (facts(health, clock))
            }
        }
    }
}

/// What is wrong with it, or that nothing is.
fn standing(health: &Health, clock: &Clock<'_>) -> Markup {
    let (room, store) = (&health.room, &health.store);
    let (state, says) = match (room.takes_pushes(), store.damaged()) {
        (false, _) => (State::Down, "Pushes are refused"),
        (true, 0) => (State::Up, "Pushes are taken"),
        (true, _) => (State::Degraded, "Pushes are taken, and some of what was kept is damaged"),
    };
    html! {
        p.now.(state.as_str()) {
            (shape(state)) strong { (says) }
            @if let Some(since) = room.since { span.since { "since " (clock.moment(since)) } }
        }
        @if let Some(warning) = room.warning() { p.refusal { (warning) " What agents hold back comes later." } }
        @if health.retention.stuck_since.is_some() {
            p.refusal {
                "The store takes " (bytes(store.disk_bytes)) ", more than the "
                (bytes(health.retention.bytes_max.unwrap_or_default())) " it may, and nothing of it may go any more."
            }
        }
        @if let Some(since) = health.damaged_since {
            p.refusal { "Damage is known since " (clock.moment(since)) ": " (damage(store)) ". The log names the places." }
        }
    }
}

fn damage(store: &StoreStats) -> String {
    let kinds = [
        (store.corrupt_chunks, "chunk", "chunks"),
        (store.corrupt_journal, "entry of the journal", "entries of the journal"),
        (store.corrupt_records, "record", "records"),
        (store.missing_files, "file that is missing", "files that are missing"),
        (store.older, "database older than its files", "databases older than their files"),
    ];
    let met = kinds.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| amount(count, one, many));
    met.collect::<Vec<_>>().join(", ")
}

fn disk(DiskSpace { free, total }: DiskSpace, reserve: u64) -> Markup {
    let used = total.saturating_sub(free);
    let shown = format!("{} free, {} kept free", bytes_of(free, total), bytes(reserve));
    meter("Disk", &shown, used, total, if free < reserve { "over" } else { "use" })
}

fn head(store: &StoreStats) -> Markup {
    let (held, most) = (store.head_bytes as u64, store.head_bytes_max as u64);
    meter("In memory until it is sealed", &bytes_of(held, most), held, most, "use")
}

fn meter(label: &str, shown: &str, part: u64, of: u64, class: &str) -> Markup {
    let whole = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    html! {
        div.resource role="meter" aria-label=(label) aria-valuemin="0" aria-valuemax=(of) aria-valuenow=(part)
            aria-valuetext=(shown) {
            p { span.label { (label) } span.value { (shown) } }
            (bar(class, &share(whole(part), whole(of))))
        }
    }
}

fn facts(health: &Health, clock: &Clock<'_>) -> Markup {
    let (store, durable) = (&health.store, &health.durable);
    let newest = durable.newest.map_or_else(|| "none since the start".to_owned(), |at| clock.ago(at));
    let oldest = store.journal_oldest.map(|at| format!(", the oldest {}", clock.ago(at))).unwrap_or_default();
    let journal =
        format!("{}, {}{oldest}", amount(store.journal_batches, "batch", "batches"), bytes(store.journal_bytes));
    let holds = [
        counted(store.days, "date", "dates"),
        counted(store.streams, "stream", "streams"),
        counted(store.agents, "agent", "agents"),
    ];
    let facts = [
        ("Newest durable push", newest),
        ("Pushes are durable", within(&durable.lag)),
        ("Flushes take", within(&store.flushes)),
        ("Journal", journal),
        ("On disk", on_disk(store)),
        ("Holds", holds.join(", ")),
        ("Keeps", keeps(&health.retention, clock)),
    ];
    html! { dl { @for (what, says) in facts { div { dt { (what) } dd { (says) } } } } }
}

/// The whole, and each kind.
fn on_disk(store: &StoreStats) -> String {
    // Damaged files are rare: only where there are any is there a word about them.
    let told = store.bytes_by_kind().into_iter().filter(|(kind, amount)| *kind != "damaged" || *amount > 0);
    let kinds: Vec<String> = told.map(|(kind, amount)| format!("{kind} {}", bytes(amount))).collect();
    format!("{}: {}", bytes(store.disk_bytes), kinds.join(", "))
}

/// From when on what is kept, and how much of it.
fn keeps(retention: &RetentionSnapshot, clock: &Clock<'_>) -> String {
    let kinds = ["rows", "states", "incidents", "records"].into_iter().zip(retention.before);
    let from = |(kind, before): (&str, Option<Instant>)| Some(format!("{kind} since {}", clock.date(before?)));
    let most = retention.bytes_max.map(|most| format!("at most {} in all", bytes(most)));
    let kept: Vec<String> = kinds.filter_map(from).chain(most).collect();
    if kept.is_empty() { "everything".to_owned() } else { kept.join(", ") }
}

/// What is wrong with it in a few words, each with the state it is shown as.
pub(super) fn troubles(health: &Health) -> impl Iterator<Item = (State, &'static str)> {
    let refuses = (!health.room.takes_pushes()).then_some((State::Down, "pushes refused"));
    let damaged = (health.store.damaged() > 0).then_some((State::Degraded, "store damaged"));
    let stuck = health.retention.stuck_since.is_some().then_some((State::Degraded, "store too large"));
    refuses.into_iter().chain(damaged).chain(stuck)
}

/// `half within 2.5 ms, 99 % within 10 ms`: bounds of the buckets that they were counted in.
fn within(histogram: &Histogram) -> String {
    if histogram.count() == 0 {
        return "none since the start".to_owned();
    }
    let bound = |percent| {
        let kept_to = histogram.kept_to(percent).and_then(|us| took(Micros::new(us)));
        kept_to.map_or_else(|| "longer than is counted".to_owned(), |bound| format!("within {bound}"))
    };
    let (half, most) = (bound(50), bound(99));
    if half == most { format!("99 % {most}") } else { format!("half {half}, 99 % {most}") }
}

fn amount(count: u64, one: &str, many: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), one, many)
}
