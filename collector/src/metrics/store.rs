//! What the metrics page says of the store: what it holds, how pushes become durable, what room there is.

use super::operation::whole;
use super::{MetricsError, Sheet, names, number};
use crate::reserve::RoomSnapshot;
use crate::retention::{Forgotten, RetentionSnapshot};
use crate::snapshot::{Health, UpkeepCounts};
use crate::store::StoreStats;

/// Times are counted in microseconds.
const TO_SECONDS: f64 = 1_000_000.0;

pub(super) fn write(sheet: &mut Sheet, health: &Health) -> Result<(), MetricsError> {
    let durable = &health.durable;
    sheet.histogram(&names::PUSH_DURABLE, &durable.lag, TO_SECONDS);
    sheet.histogram(&names::PUSH_GROUP, &durable.groups, 1.0);
    sheet.histogram(&names::STORE_FLUSH, &health.store.flushes, TO_SECONDS);
    for (metric, at) in [
        (&names::PUSH_DURABLE_TIME, durable.newest),
        (&names::STORE_JOURNAL_OLDEST, health.store.journal_oldest),
        (&names::STORE_DAMAGED_SINCE, health.damaged_since),
    ] {
        if let Some(at) = at {
            sheet.seconds(metric, &[], at.as_ms())?;
        }
    }
    of_room(sheet, &health.room)?;
    sheet.count(&names::STORE_POSTPONED, &[], health.postponed)?;
    of_retention(sheet, &health.retention)?;
    of_upkeep(sheet, &health.upkeep)?;
    of_stats(sheet, &health.store)
}

fn of_room(sheet: &mut Sheet, room: &RoomSnapshot) -> Result<(), MetricsError> {
    if let Some(space) = room.space {
        sheet.count(&names::STORE_DISK_FREE, &[], space.free)?;
        sheet.count(&names::STORE_DISK_TOTAL, &[], space.total)?;
    }
    for (what, bound, taken) in
        [("pushes", room.reserve, room.takes_pushes()), ("changes", room.last_reserve(), room.takes_changes())]
    {
        sheet.count(&names::STORE_RESERVE, &[what], bound)?;
        sheet.count(&names::STORE_TAKES, &[what], u64::from(taken))?;
    }
    Ok(())
}

fn of_retention(sheet: &mut Sheet, retention: &RetentionSnapshot) -> Result<(), MetricsError> {
    let Forgotten { raw, states, incidents, records } = retention.forgotten;
    let kinds = [("raw", raw), ("states", states), ("incidents", incidents), ("records", records)];
    for ((kind, forgotten), before) in kinds.into_iter().zip(retention.before) {
        sheet.count(&names::STORE_FORGOTTEN, &[kind], forgotten)?;
        if let Some(before) = before {
            sheet.seconds(&names::STORE_KEPT_FROM, &[kind], before.as_ms())?;
        }
    }
    if let Some(most) = retention.bytes_max {
        sheet.count(&names::STORE_BYTES_LIMIT, &[], most)?;
    }
    sheet.count(&names::STORE_STUCK, &[], u64::from(retention.stuck_since.is_some()))
}

fn of_upkeep(sheet: &mut Sheet, upkeep: &UpkeepCounts) -> Result<(), MetricsError> {
    sheet.count(&names::STORE_SEALED_ROWS, &[], upkeep.sealed_rows)?;
    sheet.put(&names::STORE_SEAL_TIME, &[], number(upkeep.seal_us) / TO_SECONDS)?;
    sheet.put(&names::STORE_MERGE_TIME, &[], number(upkeep.merge_us) / TO_SECONDS)
}

fn of_stats(sheet: &mut Sheet, store: &StoreStats) -> Result<(), MetricsError> {
    for (metric, value) in [
        (&names::STORE_DISK, store.disk_bytes),
        (&names::STORE_JOURNAL, store.journal_bytes),
        (&names::STORE_JOURNAL_BATCHES, store.journal_batches),
        (&names::STORE_HEAD, whole(store.head_bytes)),
        (&names::STORE_HEAD_LIMIT, whole(store.head_bytes_max)),
        (&names::STORE_HEAD_ROWS, whole(store.head_rows)),
        (&names::STORE_STREAMS, whole(store.streams)),
        (&names::STORE_AGENTS, whole(store.agents)),
        (&names::STORE_DAYS, whole(store.days)),
        (&names::STORE_DAYS_UNMERGED, whole(store.days_unmerged)),
        (&names::STORE_PARTS, whole(store.parts)),
        (&names::STORE_BATCHES, store.appended_batches),
        (&names::STORE_ROWS, store.appended_rows),
        (&names::STORE_DUPLICATES, store.duplicate_batches),
        (&names::STORE_SEALS, store.seals),
        (&names::STORE_CHUNKS, store.chunks_written),
        (&names::STORE_MERGED, store.merged_streams),
        (&names::STORE_CORRUPT_CHUNKS, store.corrupt_chunks),
        (&names::STORE_CORRUPT_JOURNAL, store.corrupt_journal),
        (&names::STORE_CORRUPT_RECORDS, store.corrupt_records),
        (&names::STORE_MISSING_FILES, store.missing_files),
        (&names::STORE_OLDER, store.older),
        (&names::STORE_TORN, store.journal_torn_bytes),
    ] {
        sheet.count(metric, &[], value)?;
    }
    let by_kind = store.bytes_by_kind();
    by_kind.into_iter().try_for_each(|(kind, bytes)| sheet.count(&names::STORE_BYTES, &[kind], bytes))
}
