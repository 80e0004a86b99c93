//! What the agent is assigned: a catalogue of so many probes, all alike.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::target::Scheme;

/// What the agent is called, and its host.
pub(super) const NAME: &str = "racer";
/// How many probes a service has.
const PROBES_PER_SERVICE: usize = 100;
/// How many services stand in one file; a file has an upper bound.
const SERVICES_PER_FILE: usize = 20;

const HEAD: &str = "organisation: { name: Race, time_zone: UTC }\n";

/// Probes of one agent.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    /// How many.
    pub(super) count: usize,
    /// Milliseconds from one attempt to the next.
    pub(super) interval_ms: u64,
    /// Whether the host's capacity is read as well.
    pub(super) host: bool,
    /// What is asked.
    pub(super) asks: Asks,
}

/// What probes ask.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// All of them the same.
    Url(Scheme, String),
    /// Each its own: over HTTP, this and its number.
    Numbered(String),
}

impl Probes {
    /// So many that a second of them comes to this rate.
    pub(super) fn at(rate: u32, interval_s: u32, asks: Asks) -> Self {
        let count = rate as usize * interval_s as usize;
        Self { count, interval_ms: u64::from(interval_s) * 1_000, host: false, asks }
    }

    /// Attempts a second.
    pub(super) fn rate(&self) -> f64 {
        self.count as f64 * 1e3 / self.interval_ms as f64
    }

    /// Writes the catalogue into a folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let numbers: Vec<usize> = (0..self.count).collect();
        let services: Vec<&[usize]> = numbers.chunks(PROBES_PER_SERVICE).collect();
        for (file, services) in services.chunks(SERVICES_PER_FILE).enumerate() {
            let mut text = if file == 0 { self.head() } else { String::new() };
            text += "services:\n";
            for probes in services {
                self.service(&mut text, probes).map_err(io::Error::other)?;
            }
            fs::write(folder.join(format!("{file:04}.yaml")), text)?;
        }
        Ok(())
    }

    fn head(&self) -> String {
        let hosts = format!("hosts:\n  - {{ id: {NAME}, agent: {NAME} }}\n");
        format!("{HEAD}{}", if self.host { hosts } else { String::new() })
    }

    fn service(&self, text: &mut String, probes: &[usize]) -> std::fmt::Result {
        let number = probes.first().copied().unwrap_or_default() / PROBES_PER_SERVICE;
        writeln!(text, "  - id: service-{number}\n    name: Service {number}\n    probes:")?;
        // The longest deadline there may be, up to what is usual.
        let (interval, timeout) = (self.interval_ms, self.interval_ms.min(5_000));
        for probe in probes {
            let check = match &self.asks {
                Asks::Url(scheme, url) => check(*scheme, url),
                Asks::Numbered(url) => check(Scheme::Http, &format!("{url}{probe}")),
            };
            writeln!(
                text,
                "      - {{ id: p{probe}, agents: [{NAME}], interval: {interval}ms, timeout: {timeout}ms, {check} }}"
            )?;
        }
        Ok(())
    }
}

/// What is asked, in the words of the catalogue. The peer is told not to check certificates either.
fn check(scheme: Scheme, url: &str) -> String {
    match scheme {
        Scheme::Http => format!("http: {{ url: \"{url}\" }}"),
        Scheme::Https => format!("http: {{ url: \"{url}\", tls: {{ verify: false }} }}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_read_by_the_collectors_own_reader_and_has_the_rate_that_was_asked_for() {
        let url = "http://127.0.0.1:1/".to_owned();
        for (asks, host) in [
            (Asks::Url(Scheme::Http, url.clone()), true),
            (Asks::Url(Scheme::Https, url.replace("http", "https")), false),
            (Asks::Numbered(url), false),
        ] {
            let probes = Probes { host, ..Probes::at(500, 5, asks) };
            assert!((probes.rate() - 500.0).abs() < 1e-9);
            let folder = tempfile::tempdir().unwrap();
            probes.write(folder.path()).unwrap();
            let files = uphold_collector::config::catalogue_files(folder.path()).unwrap();
            let catalogue = uphold_common::catalogue::read(&files).unwrap();
            assert_eq!(catalogue.services.len(), 25);
            let each = catalogue.services.values().map(|service| service.probes.len()).sum::<usize>();
            assert_eq!((each, catalogue.hosts.len()), (2_500, usize::from(host)));
        }
    }
}
