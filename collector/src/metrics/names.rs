//! Every metric of the collector: its name, type, labels and what it says.
//!
//! One table: `docs/metrics.md` says the same, and a test compares the two. Names begin with `uphold_`, units are
//! seconds, bytes, cores and ratios, and what only grows ends in `_total`.

/// What a value may do from scrape to scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Rise and fall.
    Gauge,
    /// Rise, and start again from zero with the collector.
    Counter,
    /// Be one of many, which are counted in buckets since the collector started.
    Histogram,
}

impl Type {
    /// As the text format writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// The names of its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($key:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $key: Metric =
                Metric { name: $name, kind: Type::$kind, labels: &[$($label),*], help: $help };
        )*
        /// All of them, as they are documented.
        pub const ALL: &[Metric] = &[$($key),*];
    };
}

metrics! {
    BUILD_INFO = Gauge "uphold_build_info" ["version"]
        "1, with the version of the program as a label.";
    START_TIME = Gauge "uphold_start_timestamp_seconds" []
        "When the collector started.";
    SNAPSHOT_TIME = Gauge "uphold_snapshot_timestamp_seconds" []
        "The instant that everything on this page is as of.";
    TICK_DURATION = Gauge "uphold_tick_duration_seconds" []
        "How long it took to make the snapshot before this one.";
    DERIVING = Gauge "uphold_collector_deriving" []
        "Services and targets on capacity that are left out because their history is still being read.";
    TIMELINE_BYTES = Gauge "uphold_collector_timeline_bytes" []
        "Memory that timelines of vantage points hold.";
    DAYS_DERIVED = Counter "uphold_collector_day_timelines_derived_total" []
        "Days of vantage points that were over and derived from their observations: at first, and again after late data.";
    REVISIONS_WAITING = Gauge "uphold_collector_revisions_waiting" []
        "Closed windows that are still to be looked at, of which a revision may be issued.";
    REVISIONS = Counter "uphold_collector_revisions_total" ["cause"]
        "Revisions of closed windows that were issued: the window had settled, late data, a record, the catalogue, or found at a start.";
    CATALOGUE_RELOAD_SUCCESSFUL = Gauge "uphold_catalogue_last_reload_successful" []
        "1 when what the catalogue's files say is in force, 0 while it is refused.";
    CATALOGUE_RELOADS = Counter "uphold_catalogue_reloads_total" ["result"]
        "Changes of the catalogue's files: taken up, or refused because they were not sound or would change the past.";
    CATALOGUE_VERSION = Gauge "uphold_catalogue_version" []
        "The version of the service catalogue in force, counted from 1.";

    SERVICE_STATE = Gauge "uphold_service_state" ["service", "state"]
        "1 for the state the service is in, 0 for the others.";
    SERVICE_STATE_SINCE = Gauge "uphold_service_state_since_timestamp_seconds" ["service"]
        "Since when the service has been in its state, as far back as its windows reach.";
    SERVICE_MAINTENANCE = Gauge "uphold_service_maintenance" ["service"]
        "How many planned maintenances of the service are taking place.";
    SERVICE_OVERRUN = Gauge "uphold_service_maintenance_overrun" ["service"]
        "How many planned maintenances of the service are over while it is still down.";

    AVAILABILITY = Gauge "uphold_availability_ratio" ["service", "agreement", "target", "window"]
        "Availability in the window so far; absent while nothing counts.";
    AVAILABILITY_GOOD = Gauge "uphold_availability_good_seconds" ["service", "agreement", "target", "window"]
        "Numerator of the availability: counted time that was not lost.";
    AVAILABILITY_COUNTED = Gauge "uphold_availability_counted_seconds" ["service", "agreement", "target", "window"]
        "Denominator of the availability: time that counts.";
    AVAILABILITY_TARGET = Gauge "uphold_availability_target_ratio" ["service", "agreement", "target", "window"]
        "The availability that was promised.";
    AVAILABILITY_MIN = Gauge "uphold_availability_min_ratio" ["service", "agreement", "target", "window"]
        "Availability had all unmeasured time been down; absent while nothing is committed.";
    AVAILABILITY_MAX = Gauge "uphold_availability_max_ratio" ["service", "agreement", "target", "window"]
        "Availability had no unmeasured time been down; absent while nothing is committed.";
    COVERAGE = Gauge "uphold_coverage_ratio" ["service", "agreement", "target", "window"]
        "Measured share of the committed time; absent while nothing is committed.";
    BREACHED = Gauge "uphold_target_breached" ["service", "agreement", "target", "window"]
        "1 when the availability, a target on breaks or a response time is breached, else 0.";
    NOT_PROVEN = Gauge "uphold_target_not_proven" ["service", "agreement", "target", "window"]
        "1 when unmeasured time could have changed the verdict on the availability, else 0.";
    BUDGET = Gauge "uphold_error_budget_seconds" ["service", "agreement", "target", "window"]
        "What may be lost in the whole window.";
    BUDGET_SPENT = Gauge "uphold_error_budget_spent_seconds" ["service", "agreement", "target", "window"]
        "What was lost in the window so far.";
    BUDGET_REMAINING = Gauge "uphold_error_budget_remaining_seconds" ["service", "agreement", "target", "window"]
        "What may still be lost; below zero the target can no longer be met.";
    DOWNTIME = Gauge "uphold_downtime_seconds" ["service", "agreement", "target", "window"]
        "Committed time in the window that was down.";
    DEGRADED = Gauge "uphold_degraded_seconds" ["service", "agreement", "target", "window"]
        "Committed time in the window that was degraded.";
    UNMEASURED = Gauge "uphold_unmeasured_seconds" ["service", "agreement", "target", "window"]
        "Committed time in the window that was not measured.";
    BREAKS = Gauge "uphold_breaks" ["service", "agreement", "target", "window"]
        "Breaks in the window so far.";

    BURN_RATE = Gauge "uphold_burn_rate_ratio" ["service", "agreement", "target", "window", "alert", "look_back"]
        "How fast the error budget burned over a look-back of an alert, numbered as in the figures: 1 uses it up in the window; absent while nothing counts.";
    BURN_ALERTING = Gauge "uphold_burn_rate_alerting" ["service", "agreement", "target", "window", "alert", "factor", "urgent"]
        "1 while both look-backs burn at the factor and enough observations failed, else 0.";
    BURN_FAILED = Gauge "uphold_burn_rate_failed_observations" ["service", "agreement", "target", "window", "alert"]
        "Observations that failed in committed time of the short look-back.";

    RESPONSE_TIME = Gauge "uphold_response_time_seconds" ["service", "agreement", "target", "window"]
        "How long the observation of the promised percentile took; absent while there is none, and where a share is promised.";
    RESPONSE_TARGET = Gauge "uphold_response_time_target_seconds" ["service", "agreement", "target", "window"]
        "The longest that is quick enough.";
    RESPONSE_SHARE = Gauge "uphold_response_time_target_ratio" ["service", "agreement", "target", "window"]
        "The share of the observations that must be quick enough, as promised or as the percentile says.";
    RESPONSE_OBSERVATIONS = Gauge "uphold_response_time_observations" ["service", "agreement", "target", "window", "result"]
        "Observations in committed time of the window so far: within the promise, beyond it, failed, unknown, or without a duration.";

    PROBE_STATE = Gauge "uphold_probe_state" ["service", "probe", "state"]
        "1 for the state the probe is in, 0 for the others.";
    PROBE_SUCCESS = Gauge "uphold_probe_success" ["service", "probe", "agent"]
        "1 when the newest attempt was up or degraded, 0 when it was down; absent when the agent could not measure.";
    PROBE_TIME = Gauge "uphold_probe_timestamp_seconds" ["service", "probe", "agent"]
        "When the newest attempt began.";
    PROBE_DURATION = Gauge "uphold_probe_duration_seconds" ["service", "probe", "agent"]
        "How long the newest attempt took in all.";
    PROBE_PHASE = Gauge "uphold_probe_phase_seconds" ["service", "probe", "agent", "phase"]
        "How long a phase of the newest attempt took; absent when it was not reached.";

    CAPACITY_USED = Gauge "uphold_capacity_used" ["host", "resource", "of"]
        "How much of a resource is in use, in its unit: cores, bytes, bytes a second, a share of the time or a count.";
    CAPACITY_LIMIT = Gauge "uphold_capacity_limit" ["host", "resource", "of"]
        "How much of a resource there is, in the same unit.";
    CAPACITY_PERCENTILE = Gauge "uphold_capacity_percentile_ratio" ["service", "agreement", "target", "window"]
        "The percentile of the readings in the window so far, as a share of what there is; absent while there are none.";
    CAPACITY_THRESHOLD = Gauge "uphold_capacity_threshold_ratio" ["service", "agreement", "target", "window", "threshold"]
        "The share at which a threshold is reached.";
    CAPACITY_STATE = Gauge "uphold_capacity_state" ["service", "agreement", "target", "window", "state"]
        "1 for what the percentile says, 0 for the others.";
    CAPACITY_ABOVE = Gauge "uphold_capacity_above_seconds" ["service", "agreement", "target", "window", "threshold"]
        "Committed time in the window that was at or above a threshold.";
    CAPACITY_UNMEASURED = Gauge "uphold_capacity_unmeasured_seconds" ["service", "agreement", "target", "window"]
        "Committed time in the window for which no reading speaks.";
    CAPACITY_READINGS = Gauge "uphold_capacity_readings" ["service", "agreement", "target", "window"]
        "Readings made in the committed time of the window so far.";
    FLOW = Gauge "uphold_flow_per_second" ["host", "flow", "of"]
        "Rate of a flow over the newest reading, in its unit: bytes, seconds of processor time and load, else a count.";

    INCIDENTS_OPEN = Gauge "uphold_incidents_open" ["priority"]
        "Open incidents.";
    INCIDENTS = Gauge "uphold_incidents" ["state", "priority", "cause"]
        "Incidents that are at hand, by where they stand; absent where there are none. Of the resolved ones the newest are.";
    INCIDENT_OLDEST = Gauge "uphold_incidents_oldest_open_seconds" ["priority"]
        "How long the oldest open incident has lasted, from its measured beginning; absent while none is open.";
    INCIDENTS_OPENED = Counter "uphold_incidents_opened_total" ["cause"]
        "Incidents that were opened.";
    INCIDENTS_RESOLVED = Counter "uphold_incidents_resolved_total" ["cause"]
        "How often incidents were resolved, by the figures or by hand.";
    INCIDENTS_ACKNOWLEDGED = Counter "uphold_incidents_acknowledged_total" ["priority"]
        "Incidents that somebody took on.";
    INCIDENTS_ACKNOWLEDGED_TIME = Counter "uphold_incidents_acknowledged_seconds_total" ["priority"]
        "Time from their measured beginning until they were taken on.";
    INCIDENTS_RESTORED = Counter "uphold_incidents_restored_total" ["priority"]
        "Incidents whose trouble ended; one that was opened again counts once.";
    INCIDENTS_RESTORED_TIME = Counter "uphold_incidents_restored_seconds_total" ["priority"]
        "Time from their measured beginning until the trouble ended, as measured or as somebody said.";

    PROBLEMS = Gauge "uphold_problems" ["state"]
        "Problems on record, by where they stand; there are at most 2,000.";
    PROBLEMS_KNOWN = Gauge "uphold_problems_known_errors" []
        "Problems that are not closed and of which a workaround is known.";
    PROBLEMS_CAME_BACK = Gauge "uphold_problems_came_back" []
        "Problems that are not closed and came back after their fix.";
    PROBLEMS_SINCE_FIX = Gauge "uphold_problems_incidents_since_fix" []
        "Incidents that began after the fix of their problem, of problems that are not closed.";
    PROBLEMS_WAITING = Gauge "uphold_problems_waiting" []
        "Problems that would open by themselves and find no place on record, or open at the next look.";

    AGENT_LAST_PUSH = Gauge "uphold_agent_last_push_timestamp_seconds" ["agent"]
        "When the agent pushed last; absent when it has not since the collector started.";
    AGENT_BACKLOG = Gauge "uphold_agent_backlog_batches" ["agent"]
        "Batches that waited on the agent behind its last push.";
    AGENT_CLOCK_OFFSET = Gauge "uphold_agent_clock_offset_seconds" ["agent"]
        "The agent's clock less the collector's at the last push.";
    AGENT_SPOOL_OVERFLOW = Counter "uphold_agent_spool_overflow_batches_total" ["agent"]
        "Batches that the agent's full spool let go, as reported.";
    AGENT_SPOOL_CORRUPT = Counter "uphold_agent_spool_corrupt_total" ["agent"]
        "Spool files the agent could not read, as reported.";
    AGENT_QUARANTINED = Counter "uphold_agent_quarantined_total" ["agent"]
        "Batches of the agent that were refused for good, as reported.";
    AGENT_CLOCK_STEPS = Counter "uphold_agent_clock_steps_total" ["agent"]
        "Steps of the agent's clock, as reported.";
    AGENT_SKIPPED = Counter "uphold_agent_skipped_attempts_total" ["agent"]
        "Attempts due on the agent and not made, as reported.";
    AGENT_ABRUPT_ENDS = Counter "uphold_agent_abrupt_ends_total" ["agent"]
        "Starts of the agent after an end that was not in order, as reported.";
    AGENT_MISSING = Gauge "uphold_agent_missing_batches" ["agent"]
        "Batches of the agent that were acknowledged, are not in the store, and are asked for again.";
    AGENT_LOST = Counter "uphold_agent_lost_batches_total" ["agent"]
        "Batches of the agent that were acknowledged once, are not in the store, and cannot be sent again.";

    RECEIVER_WAITING = Gauge "uphold_receiver_waiting" ["receiver"]
        "Messages that wait for delivery.";
    RECEIVER_DEAD = Gauge "uphold_receiver_dead_letters" ["receiver"]
        "Messages given up and kept to be looked at.";
    RECEIVER_DELIVERED = Counter "uphold_receiver_delivered_total" ["receiver"]
        "Messages delivered; for an Alertmanager, how often it was told the state.";
    RECEIVER_FAILED = Counter "uphold_receiver_failed_attempts_total" ["receiver"]
        "Deliveries that failed and were or will be tried again.";
    RECEIVER_BREAKER = Gauge "uphold_receiver_breaker_open" ["receiver"]
        "Whether the receiver failed so often in a row that what waits is held back and it is only probed: 1, else 0.";
    RECEIVER_LOOKS = Counter "uphold_receiver_looks_total" ["receiver"]
        "Rounds in which the open tickets at the receiver were looked at, also when there were none; absent where none are looked at.";
    RECEIVER_LOOKS_FAILED = Counter "uphold_receiver_looks_failed_total" ["receiver"]
        "Those of them that failed.";
    RECEIVER_LOOKED = Gauge "uphold_receiver_looked_timestamp_seconds" ["receiver"]
        "When the last round ended that did not fail; absent before the first.";
    RECEIVER_ALERTS = Gauge "uphold_receiver_alerts" ["receiver"]
        "Alerts in the state that the Alertmanager was told last; absent before the first.";
    RECEIVER_TOLD = Gauge "uphold_receiver_told_timestamp_seconds" ["receiver"]
        "When the Alertmanager was told the state last; absent when it was not since the collector started.";

    LETTERS_DROPPED = Counter "uphold_dead_letters_dropped_total" []
        "Dead letters that made room for newer ones.";

    PUSHES = Counter "uphold_pushes_total" ["result"]
        "Pushes of agents by what became of them.";
    REQUESTS_REFUSED = Counter "uphold_requests_refused_total" ["reason"]
        "Requests that were refused before anything of them was read, by the word of the problem.";
    PUSH_DURABLE = Histogram "uphold_push_durable_seconds" []
        "How long pushes took from the engine's queue until they were durable.";
    PUSH_DURABLE_TIME = Gauge "uphold_push_durable_timestamp_seconds" []
        "When pushes became durable last; absent before the first.";
    PUSH_GROUP = Histogram "uphold_push_group_batches" []
        "Batches that became durable together.";
    ROWS = Counter "uphold_rows_total" []
        "Rows taken in.";
    IMPORT_BATCHES = Counter "uphold_import_batches_total" ["result"]
        "Batches of imports, by whether they were taken or refused.";
    IMPORT_ROWS = Counter "uphold_import_rows_total" []
        "Rows of the batches of imports that were taken; some may have been there before.";
    RECORDS = Gauge "uphold_records" ["sort"]
        "What people put on record and is in force, by sort.";

    LIMIT = Gauge "uphold_collector_limit" ["limit"]
        "What a limit is: seconds, bytes, or a number.";
    LIMIT_REACHED = Counter "uphold_collector_limit_reached_total" ["limit"]
        "How often a limit was reached.";
    CONNECTIONS = Gauge "uphold_collector_connections" []
        "Connections to the port that are open.";
    BODY_BYTES = Gauge "uphold_collector_body_bytes" []
        "Memory held by bodies that are received or being answered.";
    CERTIFICATE_RELOADS = Counter "uphold_collector_certificate_reloads_total" ["result"]
        "Changes of the certificate's files: taken up, or refused because they were not sound; absent without TLS.";

    STORE_DISK = Gauge "uphold_store_disk_bytes" []
        "What the store takes on disk.";
    STORE_BYTES = Gauge "uphold_store_bytes" ["kind"]
        "What the store takes on disk, by kind: the journal, parts, the tables of days, roll-ups, the database, and damaged files that are put aside.";
    STORE_DISK_FREE = Gauge "uphold_store_disk_free_bytes" []
        "What the disk of the data directory has free; absent while the system does not say.";
    STORE_DISK_TOTAL = Gauge "uphold_store_disk_total_bytes" []
        "The size of the disk of the data directory; absent while the system does not say.";
    STORE_RESERVE = Gauge "uphold_store_reserve_bytes" ["refused"]
        "Below how much free disk pushes, and changes by people, are refused.";
    STORE_TAKES = Gauge "uphold_store_takes" ["what"]
        "1 while there is disk enough to take pushes, or changes by people, else 0.";
    STORE_POSTPONED = Counter "uphold_store_postponed_total" []
        "How often incidents, messages or what became of them found the disk full and were left to a later tick.";
    STORE_BYTES_LIMIT = Gauge "uphold_store_limit_bytes" []
        "How much the store may take on disk before its oldest rows go; absent without a bound.";
    STORE_STUCK = Gauge "uphold_store_over_limit" []
        "1 while the store takes more than it may and nothing of it may go any more, else 0.";
    STORE_KEPT_FROM = Gauge "uphold_store_kept_from_timestamp_seconds" ["kind"]
        "What is older than this is forgotten: rows, states of days, resolved incidents, records of deeds and of dead letters.";
    STORE_FORGOTTEN = Counter "uphold_store_forgotten_total" ["kind"]
        "What was forgotten: days of rows, days of states for each vantage point, incidents, records.";
    STORE_FLUSH = Histogram "uphold_store_flush_seconds" []
        "How long it took to make durable what was written.";
    STORE_JOURNAL = Gauge "uphold_store_journal_bytes" []
        "What waits in the journal to be sealed.";
    STORE_JOURNAL_BATCHES = Gauge "uphold_store_journal_batches" []
        "Batches in the journal.";
    STORE_JOURNAL_OLDEST = Gauge "uphold_store_journal_oldest_timestamp_seconds" []
        "Since when the oldest batch in the journal waits, or records that came before it; absent while there is no batch.";
    STORE_HEAD = Gauge "uphold_store_head_bytes" []
        "What the head holds in memory.";
    STORE_HEAD_LIMIT = Gauge "uphold_store_head_limit_bytes" []
        "At what size of the head pushes are refused until it is sealed.";
    STORE_HEAD_ROWS = Gauge "uphold_store_head_rows" []
        "Rows in the head.";
    STORE_STREAMS = Gauge "uphold_store_streams" []
        "Streams that are known.";
    STORE_AGENTS = Gauge "uphold_store_agents" []
        "Agents that are known.";
    STORE_DAYS = Gauge "uphold_store_dates" []
        "Dates that were merged.";
    STORE_DAYS_UNMERGED = Gauge "uphold_store_dates_unmerged" []
        "Dates that have parts to merge, today among them.";
    STORE_PARTS = Gauge "uphold_store_parts" []
        "Parts that wait to be merged.";
    STORE_BATCHES = Counter "uphold_store_appended_batches_total" []
        "Batches appended.";
    STORE_ROWS = Counter "uphold_store_appended_rows_total" []
        "Rows appended.";
    STORE_DUPLICATES = Counter "uphold_store_duplicate_batches_total" []
        "Batches that had arrived before.";
    STORE_SEALS = Counter "uphold_store_seals_total" []
        "Seals of the head into parts.";
    STORE_SEALED_ROWS = Counter "uphold_store_sealed_rows_total" []
        "Rows sealed into parts.";
    STORE_SEAL_TIME = Counter "uphold_store_seal_seconds_total" []
        "How long seals took in all.";
    STORE_MERGE_TIME = Counter "uphold_store_merge_seconds_total" []
        "How long merges took in all.";
    STORE_CHUNKS = Counter "uphold_store_chunks_written_total" []
        "Chunks written by seals and merges.";
    STORE_MERGED = Counter "uphold_store_merged_streams_total" []
        "Streams merged into one chunk a day.";
    STORE_CORRUPT_CHUNKS = Counter "uphold_store_corrupt_chunks_total" []
        "Damaged chunks met.";
    STORE_CORRUPT_JOURNAL = Counter "uphold_store_corrupt_journal_total" []
        "Damaged entries of the journal met.";
    STORE_CORRUPT_RECORDS = Counter "uphold_store_corrupt_records_total" []
        "Damaged derived records and dictionary entries met.";
    STORE_MISSING_FILES = Gauge "uphold_store_missing_files" []
        "Files of the store that are missing, or are not what they were.";
    STORE_OLDER = Gauge "uphold_store_older" []
        "1 when the database came up older than the files beside it, else 0.";
    STORE_TORN = Gauge "uphold_store_journal_torn_bytes" []
        "Bytes at the end of the journal that made no entry when the collector started.";
    STORE_DAMAGED_SINCE = Gauge "uphold_store_damaged_since_timestamp_seconds" []
        "Since when the running collector has known of damage; absent while there is none.";
}
