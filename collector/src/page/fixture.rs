//! A snapshot as a collector has it after some months: what the tests of everything shown start from.
//!
//! Nothing in it is typed in as a figure: states are, and the figures come from the rules as always.

mod incidents;
mod promised;

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::model::{Catalogue, Probe, Promise, Service};
use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::measure::capacity::CapacityFigures;
use uphold_common::measure::committed::Committed;
use uphold_common::measure::figures::{Figures, Measured};
use uphold_common::measure::kinds::Account;
use uphold_common::measure::response::{self, ResponseFigures};
use uphold_common::measure::service::service_timeline;
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::window::{Window, local_days};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, State};
use uphold_common::time::{Instant, Interval, parse_duration_ms};
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::push::SeqRange;

use crate::engine::reload::CatalogueReloads;
use crate::histogram::{Histogram, Scale};
use crate::incident::tally::Held;
use crate::limits::Limit;
use crate::listen::tls::Reloads;
use crate::problem::view::ProblemsHeld;
use crate::reserve::{DiskSpace, Room, RoomSnapshot};
use crate::retention::{Forgotten, RetentionSnapshot};
use crate::snapshot::{
    AgentSnapshot, Durable, FactCounts, Health, ImportCounts, LimitSnapshot, ListeningSnapshot, LooksSnapshot,
    ProbeSnapshot, ReceiverSnapshot, RevisionsSnapshot, STRIP_DAYS, ServiceSnapshot, Snapshot, StateReceiverSnapshot,
    StripDay, UpkeepCounts,
};
use crate::store::{Gaps, StoreStats};

use incidents::{incidents, tallied};
use promised::{answers, burning, filling, readings, volumes};

/// Sunday, 22 November 2026, a little after two in Zurich.
pub(crate) const AS_OF: &str = "2026-11-22T14:03:22+01:00";

/// The catalogue of the fixture, with `from` replaced by `to` in its text.
pub(crate) fn catalogue(from: &str, to: &str) -> Catalogue {
    let text = include_str!("fixture.yaml").replace(from, to);
    uphold_common::catalogue::read(&[("fixture.yaml", text)]).unwrap()
}

/// The whole snapshot.
pub(crate) fn snapshot() -> Snapshot {
    of(catalogue("", ""))
}

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn when(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// What went wrong where, as `probe`, its state, how long before now it began, and for how long.
const TROUBLE: [(&str, State, &str, &str); 11] = [
    ("front-page", State::Down, "8d2h", "11m4s"),
    ("front-page", State::Down, "30d1h", "47m"),
    ("front-page", State::Degraded, "1d5h", "3h20m"),
    ("front-page", State::Unmeasured, "15d", "7h"),
    ("uplink", State::Down, "8d1h55m", "4m30s"),
    ("uplink", State::Down, "3d4h", "2m15s"),
    ("smtp", State::Down, "12d7h", "3h40m"),
    ("smtp", State::Down, "41d", "1h12m"),
    ("smtp", State::Down, "18m42s", "18m42s"),
    ("search", State::Unmeasured, "2d", "9h30m"),
    ("search", State::Degraded, "52m", "52m"),
];

fn probe_timeline(probe: &str, span: Interval) -> Timeline {
    if probe == "door" {
        return Timeline::constant(span, State::Unmeasured);
    }
    let ms = |text| parse_duration_ms(text).unwrap();
    let mut trouble: Vec<_> = TROUBLE.iter().filter(|t| t.0 == probe).collect();
    trouble.sort_by_key(|t| std::cmp::Reverse(ms(t.2)));
    let (mut timeline, mut at) = (Timeline::default(), span.start);
    for (_, state, ago, length) in trouble {
        let start = span.end.minus_ms(ms(ago));
        timeline.push(Interval::new(at, start), State::Up);
        at = start.plus_ms(ms(length));
        timeline.push(Interval::new(start, at), *state);
    }
    timeline.push(Interval::new(at, span.end), State::Up);
    timeline
}

/// The fixture's world under another catalogue with the same ids.
pub(crate) fn of(catalogue: Catalogue) -> Snapshot {
    let as_of = when(AS_OF);
    let services = catalogue.services.keys().map(|id| (id.clone(), service(&catalogue, id, as_of))).collect();
    let (open_incidents, recent_incidents) = incidents(as_of);
    let looks = LooksSnapshot { made: 1_440, failed: 3, last: Some(as_of.minus_ms(17_000)) };
    let duty =
        ReceiverSnapshot { waiting: 1, delivered: 7, failed_attempts: 2, looks: Some(looks), ..Default::default() };
    Snapshot {
        as_of,
        store: Epoch([0x5e; 16]),
        catalogue: Arc::new(catalogue),
        catalogue_version: 3,
        services,
        readings: readings(as_of),
        volumes: volumes(as_of),
        governed: Arc::default(),
        overruns: Vec::new(),
        problems_held: ProblemsHeld { states: [2, 1, 1, 4], known_errors: 2, came_back: 1, since_fix: 3, waiting: 0 },
        incidents_held: Held::of(open_incidents.iter().chain(&recent_incidents)),
        incidents_counted: tallied(&recent_incidents),
        open_incidents,
        lately_resolved: recent_incidents.clone(),
        recent_incidents,
        agents: agents(as_of),
        receivers: [(id("duty"), duty)].into(),
        state_receivers: [(
            id("alerts"),
            StateReceiverSnapshot {
                told: Some(as_of.minus_ms(42_000)),
                alerts: 2,
                delivered: 1_440,
                failed_attempts: 1,
                last_error: None,
            },
        )]
        .into(),
        health: health(),
    }
}

fn span(as_of: Instant) -> Interval {
    Interval::new(as_of.minus_ms(parse_duration_ms("95d").unwrap()), as_of)
}

fn timelines(service: &Service, span: Interval) -> BTreeMap<ProbeId, Timeline> {
    service.looks_at().map(|probe| (probe.id.clone(), probe_timeline(probe.id.child.as_str(), span))).collect()
}

/// The figures of a service, as the API writes them.
pub(crate) fn figures(service: &str) -> String {
    let snapshot = snapshot();
    let service = &snapshot.catalogue.services[&id(service)];
    let span = span(snapshot.as_of);
    let seen = service_timeline(&service.structure.formula, &timelines(service, span), span);
    let courses = Courses::of(&snapshot.catalogue);
    let course = courses.service(&service.id).unwrap();
    let of_service = &snapshot.services[&service.id];
    let availability = of_service.targets.iter();
    let availability = availability.map(|(target, figures)| Measured::Availability {
        target: &snapshot.catalogue.targets[target],
        figures,
        seen: &seen,
        alerts: &of_service.alerts[target],
    });
    let response = of_service.response.iter().map(|(target, figures)| Measured::Response { target, figures });
    let capacity = of_service.capacity.iter().map(|(target, figures)| Measured::Capacity { target, figures });
    let measured: Vec<Measured<'_>> = availability.chain(capacity).chain(response).collect();
    let figures = Figures::of((service, course), snapshot.catalogue_version, snapshot.as_of, &measured);
    serde_json::to_string(&figures).unwrap()
}

fn service(catalogue: &Catalogue, id: &Id, as_of: Instant) -> ServiceSnapshot {
    let service = &catalogue.services[id];
    let entry = service.since.unwrap_or(as_of.minus_ms(95_000));
    let span = span(as_of);
    let timelines = timelines(service, span);
    let seen = service_timeline(&service.structure.formula, &timelines, span);
    let courses = Courses::of(catalogue);
    let course = courses.service(id).unwrap();
    let (mut targets, mut capacity) = (BTreeMap::new(), BTreeMap::new());
    let (mut response, mut alerts) = (BTreeMap::new(), BTreeMap::new());
    for target in catalogue.targets.values().filter(|target| target.service == *id) {
        let (id, window) = (target.id.clone(), Window::holding(target.window, &service.time_zone, as_of, as_of));
        let committed = Committed::always(window.interval, entry);
        match &target.promise {
            Promise::Availability(promise) => {
                alerts.insert(id.clone(), burning(service, target, window, entry, &seen));
                targets.insert(id, TargetFigures::measure(*promise, course, window, &committed, &seen));
            }
            Promise::Capacity(promise) => {
                let (over, read) = (committed.contractual.committed(window.elapsed()), filling(window.elapsed()));
                capacity.insert(id, CapacityFigures::measure(promise, entry, window, &over, &read));
            }
            Promise::Response(promise) => {
                let asked = response::Asked { promise, window, settled: false, entry };
                let committed = [Interval::new(window.elapsed().start.max(entry), window.elapsed().end)];
                response.insert(id, ResponseFigures::measure(&asked, &committed, &answers(window.elapsed())));
            }
        }
    }
    let days = local_days(&service.time_zone, Interval::new(span.start.max(entry), as_of));
    let account = Account::of(span, entry, &seen.states);
    let strip: Vec<StripDay> =
        days.iter().map(|(date, part)| StripDay { date: *date, kinds: account.kinds_within(*part) }).collect();
    let own = timelines.iter().filter(|(probe, _)| probe.parent == *id);
    let probes = own.map(|(probe, timeline)| {
        let state = timeline.last().unwrap().state;
        let of_probe = &service.probes[&probe.child];
        let newest = |(place, agent): (usize, &Id)| newest(of_probe, agent, place, state, as_of);
        let newest = if probe.child.as_str() == "door" {
            Vec::new()
        } else {
            of_probe.agents.iter().enumerate().map(newest).collect()
        };
        (probe.child.clone(), ProbeSnapshot { state, newest })
    });
    let last = *seen.states.last().unwrap();
    ServiceSnapshot {
        state: last.state,
        since: last.interval.start.max(entry),
        entry,
        probes: probes.collect(),
        targets,
        capacity,
        response,
        alerts,
        strip: strip[strip.len().saturating_sub(STRIP_DAYS)..].to_vec(),
    }
}

fn newest(probe: &Probe, agent: &Id, place: usize, state: State, as_of: Instant) -> (VantagePoint, Observation) {
    let (outcome, cause) = match state {
        State::Down => (Outcome::Down, Cause::Refused),
        State::Degraded => (Outcome::Degraded, Cause::Slow),
        State::Up | State::Unmeasured => (Outcome::Up, Cause::None),
    };
    let http = probe.check.kind() == "http";
    let place = u64::try_from(place).unwrap();
    let connect = Micros::new(11_250 + 7_000 * place);
    let phases =
        Phases { connect, first_byte: if http { Micros::new(64_500) } else { Micros::NONE }, ..Phases::default() };
    let total = if outcome == Outcome::Degraded { 941_300 } else { 76_250 + 18_400 * place };
    let at = as_of.minus_ms(8_000 + 5_000 * i64::try_from(place).unwrap());
    let code = if http { 200 } else { 0 };
    let observation = Observation { at, outcome, cause, code, total: Micros::new(total), phases };
    (VantagePoint { probe: probe.id.clone(), agent: agent.clone() }, observation)
}

fn agents(as_of: Instant) -> BTreeMap<Id, AgentSnapshot> {
    let facts = FactCounts { skipped_attempts: 3, clock_steps: 1, ..FactCounts::default() };
    let zurich = AgentSnapshot { last_push: Some(as_of.minus_ms(2_000)), ..AgentSnapshot::default() };
    let geneva = AgentSnapshot {
        last_push: Some(as_of.minus_ms(9_000)),
        backlog_batches: 12,
        backlog_since: None,
        clock_offset_ms: -1_730,
        stopped_at: None,
        facts,
        gaps: Gaps {
            missing_batches: 40,
            lost_batches: 399,
            lost: vec![(Epoch([0xab; 16]), SeqRange { first: 1, last: 399 })],
        },
    };
    [(id("geneva-1"), geneva), (id("lugano-1"), AgentSnapshot::default()), (id("zurich-1"), zurich)].into()
}

fn health() -> Health {
    let store = StoreStats {
        journal_batches: 40,
        journal_bytes: 51_200,
        journal_oldest: Some(when("2026-11-22T13:41:00+01:00")),
        head_rows: 9_000,
        head_bytes: 262_144,
        head_bytes_max: 67_108_864,
        flushes: counted(Scale::Times, &[(1_100, 3_000), (7_400, 31), (320_000, 2)]),
        streams: 5,
        agents: 2,
        days: 95,
        days_unmerged: 1,
        parts: 3,
        disk_bytes: 74_448_896,
        part_bytes: 4_194_304,
        day_bytes: 62_914_560,
        rollup_bytes: 1_048_576,
        database_bytes: 5_242_880,
        appended_batches: 1_200,
        appended_rows: 36_000,
        seals: 24,
        chunks_written: 120,
        merged_streams: 5,
        ..StoreStats::default()
    };
    Health {
        damaged_since: None,
        durable: Durable {
            lag: counted(Scale::Times, &[(1_900, 1_180), (8_000, 18), (320_500, 6)]),
            groups: counted(Scale::Sizes, &[(1, 900), (2, 120), (9, 12)]),
            newest: Some(when("2026-11-22T14:03:20+01:00")),
        },
        upkeep: UpkeepCounts { sealed_rows: 27_000, seal_us: 1_350_000, merge_us: 240_000 },
        letters_dropped: 0,
        postponed: 2,
        catalogue_is_older: false,
        reloads: CatalogueReloads { taken: 1, refused: 2, wrong: None },
        room: RoomSnapshot {
            room: Room::Pushes,
            since: None,
            space: Some(DiskSpace { free: 31 << 30, total: 80 << 30 }),
            reserve: 512 << 20,
            full: false,
        },
        retention: retention(),
        started_ms: when("2026-11-21T06:00:00+01:00").as_ms(),
        store,
        tick_us: 1_840,
        requests_refused: BTreeMap::new(),
        pushes: [("accepted", 1_200), ("duplicate", 4)].into(),
        deriving: 0,
        timeline_bytes: 4_194_304,
        days_derived: 720,
        revisions: RevisionsSnapshot { waiting: 2, issued: [("settled", 14), ("late_data", 1)].into() },
        rows: 36_000,
        imports: ImportCounts { taken: 12, refused: 1, rows: 90_000 },
        listening: listening(),
    }
}

fn retention() -> RetentionSnapshot {
    let before = ["2025-10-17T02:00:00+02:00", "2021-11-18T14:04:00+01:00", "2021-11-18T14:04:00+01:00"];
    let [raw, states, incidents] = before.map(|at| Some(when(at)));
    let forgotten = Forgotten { raw: 2, states: 3, incidents: 1, records: 4 };
    RetentionSnapshot {
        before: [raw, states, incidents, incidents],
        forgotten,
        bytes_max: Some(20 << 30),
        stuck_since: None,
    }
}

fn counted(scale: Scale, values: &[(u64, usize)]) -> Histogram {
    let mut histogram = Histogram::new(scale);
    for (value, times) in values {
        (0..*times).for_each(|_| histogram.observe(*value));
    }
    histogram
}

fn listening() -> ListeningSnapshot {
    let reached = |limit| match limit {
        Limit::Connections => 12,
        Limit::HeadTime => 3,
        _ => 0,
    };
    let limit = |limit: Limit| LimitSnapshot { limit, value: limit.default(), reached: reached(limit) };
    ListeningSnapshot {
        limits: Limit::ALL.map(limit).to_vec(),
        connections: 9,
        body_bytes: 4_096,
        certificate_reloads: Some(Reloads { taken: 2, refused: 1 }),
        insecure: None,
    }
}
