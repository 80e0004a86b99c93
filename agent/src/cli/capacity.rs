//! `uphold-agent capacity`: this host, read twice and shown as it would be told to a collector.

use std::io::{self, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use uphold_common::ids::Id;
use uphold_common::observation::{FlowId, FlowUnit, Reading, ResourceId, ResourceUnit, Volume};
use uphold_common::wire::builder::Row;

use super::table::{self, Cell, DIM};
use super::{CapacityArgs, Exit, Format, complain, usage};
use crate::capacity::{Host, millis};
use crate::clock::Clock;
use crate::config_file::FileConfig;

/// From how many hundredths on what is in use stands out, and from how many it alarms.
const FULL: [(u128, AnsiColor); 2] = [(95, AnsiColor::Red), (80, AnsiColor::Yellow)];
const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Reads this host, and shows it.
pub(super) async fn run(args: CapacityArgs) -> Exit {
    let file = match args.config.as_deref().map(FileConfig::read).transpose() {
        Ok(file) => file.unwrap_or_default(),
        Err(error) => return usage(&error),
    };
    let rows = match read(file, Duration::from_millis(args.over.unsigned_abs())).await {
        Ok(rows) => rows,
        Err(problem) => {
            complain(&problem);
            return Exit::Failed;
        }
    };
    let shown = match args.format {
        Format::Text => show(&mut anstream::stdout(), &rows),
        Format::Json => writeln!(io::stdout(), "{}", Value::Array(rows.iter().filter_map(told).collect())),
    };
    if shown.is_ok() { Exit::Fine } else { Exit::Failed }
}

async fn read(file: FileConfig, over: Duration) -> Result<Vec<Row>, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("this host cannot be read: {why}");
    let own = match file.name {
        Some(name) => name,
        None => Id::new("here").map_err(|error| cannot(&error))?,
    };
    let begun = || Clock::stopwatch();
    let first = tokio::task::spawn_blocking(move || {
        let mut host = Host::new(file.links).map_err(|error| error.to_string())?;
        let watch = begun();
        let snapshot = host.read();
        Ok::<_, String>((host, watch, snapshot))
    });
    let (mut host, watch, before) = first.await.map_err(|error| cannot(&error))?.map_err(|error| cannot(&error))?;
    tokio::time::sleep(over).await;
    let second = tokio::task::spawn_blocking(move || {
        let over_ms = millis(watch.elapsed());
        let snapshot = host.read();
        snapshot.rows(&[own], Clock::new().now(), Some((over_ms, &before)))
    });
    second.await.map_err(|error| cannot(&error))
}

fn show(out: &mut impl io::Write, rows: &[Row]) -> io::Result<()> {
    let head = |names: [&str; 2], numbers: &[&str]| -> Vec<Cell> {
        let texts = names.iter().map(Cell::text);
        texts.chain(numbers.iter().map(Cell::number)).map(|cell| cell.styled(DIM)).collect()
    };
    let mut readings = vec![head(["resource", "of"], &["used", "limit", "in use"])];
    let mut volumes = vec![head(["flow", "of"], &["in a second"])];
    for row in rows {
        match row {
            Row::Capacity(id, reading) => readings.push(reading_cells(id, reading)),
            Row::Volume(id, volume) => volumes.push(volume_cells(id, volume)),
            Row::Probe(..) => {}
        }
    }
    table::write(out, &readings)?;
    writeln!(out)?;
    table::write(out, &volumes)
}

fn reading_cells(id: &ResourceId, reading: &Reading) -> Vec<Cell> {
    let unit = id.resource.unit();
    let share = u128::from(reading.used) * 10_000 / u128::from(reading.limit.max(1));
    let colour = FULL.iter().find(|(from, _)| share >= from * 100).map(|(_, colour)| colour.on_default().bold());
    let style = colour.unwrap_or(Style::new());
    vec![
        Cell::text(id.resource.as_str()),
        Cell::text(&id.of),
        Cell::number(amount(unit, reading.used)),
        Cell::number(amount(unit, reading.limit)),
        Cell::number(format!("{}.{:02} %", share / 100, share % 100)).styled(style),
    ]
}

fn volume_cells(id: &FlowId, volume: &Volume) -> Vec<Cell> {
    let thousandths = u128::from(volume.amount) * 1_000_000 / u128::from(volume.over_ms.max(1));
    let shown = match id.flow.unit() {
        FlowUnit::Bytes => bytes(u64::try_from(thousandths / 1_000).unwrap_or(u64::MAX)),
        FlowUnit::Milliseconds => hundredths(thousandths / 1_000),
        FlowUnit::Count => hundredths(thousandths),
    };
    vec![Cell::text(id.flow.as_str()), Cell::text(&id.of), Cell::number(shown)]
}

/// So much in the unit, for people; cut.
fn amount(unit: ResourceUnit, amount: u64) -> String {
    match unit {
        ResourceUnit::Millicores => format!("{} cores", hundredths(amount.into())),
        ResourceUnit::Bytes => bytes(amount),
        ResourceUnit::BytesPerSecond => format!("{}/s", bytes(amount)),
        ResourceUnit::TimePpm => format!("{} ms/s", amount / 1_000),
        ResourceUnit::Count => amount.to_string(),
        ResourceUnit::Thousandths => hundredths(amount.into()),
    }
}

fn hundredths(thousandths: u128) -> String {
    format!("{}.{:02}", thousandths / 1_000, thousandths % 1_000 / 10)
}

fn bytes(amount: u64) -> String {
    let (name, unit) = UNITS.into_iter().find(|(_, unit)| amount >= *unit).unwrap_or(("B", 1));
    let tenths = u128::from(amount) * 10 / u128::from(unit);
    if unit == 1 { format!("{amount} B") } else { format!("{}.{} {name}", tenths / 10, tenths % 10) }
}

/// As a line of an import has it, without the host.
fn told(row: &Row) -> Option<Value> {
    match row {
        Row::Capacity(id, row) => Some(json!({
            "resource": id.resource.as_str(), "of": id.of, "at": row.at.as_ms(), "used": row.used, "limit": row.limit,
        })),
        Row::Volume(id, row) => Some(json!({
            "flow": id.flow.as_str(), "of": id.of, "at": row.at.as_ms(), "over_ms": row.over_ms, "amount": row.amount,
        })),
        Row::Probe(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::observation::{Flow, Resource};
    use uphold_common::time::Instant;

    use super::*;

    fn rows() -> Vec<Row> {
        let (host, at) = (Id::new("web-1").unwrap(), Instant::from_ms(5));
        let reading = |resource, of: &str, used, limit| {
            let id = ResourceId { host: host.clone(), resource, of: of.to_owned() };
            Row::Capacity(id, Reading { at, used, limit })
        };
        let volume = |flow, of: &str, amount| {
            let id = FlowId { host: host.clone(), flow, of: of.to_owned() };
            Row::Volume(id, Volume { at, over_ms: 2_000, amount })
        };
        vec![
            reading(Resource::Cpu, "", 1_355, 4_000),
            reading(Resource::Filesystem, "/var", 98 << 30, 100 << 30),
            reading(Resource::MemoryPressure, "full", 12_000, 1_000_000),
            reading(Resource::NetworkSent, "eth0", 1_536, 125_000_000),
            reading(Resource::OpenFiles, "", 413, 2_466_177),
            volume(Flow::DiskRead, "sda", 4_096),
            volume(Flow::CpuTime, "steal", 250),
            volume(Flow::DiskErrors, "sda", 3),
        ]
    }

    #[test]
    fn readings_and_flows_are_aligned_and_in_units_for_people() {
        let mut out = Vec::new();
        show(&mut anstream::StripStream::new(&mut out), &rows()).unwrap();
        let expected = "\
resource         of          used        limit   in use
cpu                    1.35 cores   4.00 cores  33.87 %
filesystem       /var    98.0 GiB    100.0 GiB  98.00 %
memory_pressure  full     12 ms/s    1000 ms/s   1.20 %
network_sent     eth0   1.5 KiB/s  119.2 MiB/s   0.00 %
open_files                    413      2466177   0.01 %

flow         of     in a second
disk_read    sda        2.0 KiB
cpu_time     steal         0.12
disk_errors  sda           1.50
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut out = Vec::new();
        show(&mut out, &rows()).unwrap();
        let coloured = String::from_utf8(out).unwrap();
        assert!(coloured.contains("\x1b[1m\x1b[31m98.00 %") && !coloured.contains("\x1b[31m33.87"), "{coloured}");
    }

    #[test]
    fn programs_get_whole_numbers() {
        let told: Vec<Value> = rows().iter().filter_map(told).collect();
        assert_eq!(told[0], json!({ "resource": "cpu", "of": "", "at": 5, "used": 1_355, "limit": 4_000 }));
        assert_eq!(told[7], json!({ "flow": "disk_errors", "of": "sda", "at": 5, "over_ms": 2_000, "amount": 3 }));
    }
}
