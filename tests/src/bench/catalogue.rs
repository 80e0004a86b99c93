//! The catalogue of the load: nothing of it, so that only intake is measured, or all of it, so that everything is.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::estate::{self, Shape};

/// How many services stand in one file; a file has an upper bound.
const SERVICES_PER_FILE: usize = 200;

const HEAD: &str = "organisation: { name: Load, time_zone: UTC }\ncustomers:\n  - { id: everybody, name: Everybody }\n";

/// A service that nobody watches.
const NOTHING: &str = "services:
  - id: nothing
    name: Nothing
    outcome: Nobody waits for anything
    customers: [everybody]
    criticality: low
    probes:
      - { id: door, agents: [nobody], interval: 30s, timeout: 5s, tcp: { address: \"127.0.0.1:9\" } }
";

/// Writes the catalogue into a folder: every service of this shape with a target, or one that has nothing to do with
/// the load.
pub(super) fn write(folder: &Path, measured: Option<Shape>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let Some(shape) = measured else { return fs::write(folder.join("0.yaml"), format!("{HEAD}{NOTHING}")) };
    let agents: Vec<usize> = (0..shape.agents).collect();
    for (number, agents) in agents.chunks(SERVICES_PER_FILE).enumerate() {
        let head = if number == 0 { HEAD } else { "" };
        let (services, agreements) = text(agents, shape.probes).map_err(io::Error::other)?;
        let text = format!("{head}services:\n{services}agreements:\n{agreements}");
        fs::write(folder.join(format!("{number:04}.yaml")), text)?;
    }
    Ok(())
}

fn text(agents: &[usize], probes: usize) -> Result<(String, String), std::fmt::Error> {
    let (mut services, mut agreements) = (String::new(), String::new());
    for number in agents {
        let (service, agent) = (estate::service(*number), estate::agent(*number));
        write!(
            services,
            "  - id: {service}\n    name: Service {number}\n    outcome: It works\n    customers: [everybody]\n    \
             criticality: medium\n    since: 2020-01-01T00:00:00Z\n    probes:\n"
        )?;
        for probe in (0..probes).map(estate::probe) {
            writeln!(
                services,
                "      - {{ id: {probe}, agents: [{agent}], interval: 30s, timeout: 5s, fall: 2, tcp: {{ address: \
                 \"127.0.0.1:9\" }} }}"
            )?;
        }
        writeln!(
            agreements,
            "  - id: sla-{number}\n    kind: sla\n    party: everybody\n    targets:\n      - {{ id: availability, \
             service: {service}, window: month, availability: \"99.9%\" }}"
        )?;
    }
    Ok((services, agreements))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_catalogues_are_read_by_the_collectors_own_reader() {
        let shape = Shape { agents: 201, probes: 3, gauges: true };
        for (measured, services) in [(None, 1), (Some(shape), 201)] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), measured).unwrap();
            let files = uphold_collector::config::catalogue_files(folder.path()).unwrap();
            let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            let catalogue = uphold_common::catalogue::read(&files).unwrap();
            assert_eq!(catalogue.services.len(), services);
        }
    }
}
