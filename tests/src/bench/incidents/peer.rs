//! The peer: Debian's `blackbox_exporter`, Prometheus and Alertmanager, as quick as they can be set to be with these
//! intervals. Each service has a job and a group of rules of its own: the phase of both comes from a hash of their names.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::EVERY_S;
use crate::bench::daemon::Daemon;
use crate::process::child::system_program;
use crate::process::wait::wait_until;
use crate::process::{free_port, http};

/// How long it may take until each service was seen up.
const FIRST_WITHIN: Duration = Duration::from_mins(1);

const MODULES: &str =
    "modules:\n  http_2xx:\n    prober: http\n    timeout: 1s\n    http: { preferred_ip_protocol: ip4 }\n";

/// The three programs.
pub(super) struct Peer {
    daemons: [Daemon; 3],
}

impl Peer {
    /// Starts them in a folder, and waits until each of these URLs was seen up.
    pub(super) fn start(folder: &Path, urls: &[String], receiver: &str) -> io::Result<Self> {
        let ports = (free_port()?, free_port()?, free_port()?);
        let path = |name: &str| folder.join(name).display().to_string();
        fs::write(path("blackbox.yml"), MODULES)?;
        fs::write(path("alertmanager.yml"), alertmanager(receiver))?;
        fs::write(path("rules.yml"), rules(urls.len()).map_err(io::Error::other)?)?;
        fs::write(path("prometheus.yml"), prometheus(urls, ports.0, ports.2).map_err(io::Error::other)?)?;
        let start = |name: &str, port: u16, ready: &str, more: &[String]| {
            let mut command = Command::new(system_program(name)?);
            command.args(more).arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--log.level=error");
            Daemon::start(name, &mut command, folder, port, ready)
        };
        let exporter = [format!("--config.file={}", path("blackbox.yml"))];
        let exporter = start("prometheus-blackbox-exporter", ports.0, "/-/healthy", &exporter)?;
        let words = [
            format!("--config.file={}", path("alertmanager.yml")),
            format!("--storage.path={}", path("alertmanager")),
            "--cluster.listen-address=".to_owned(),
        ];
        let manager = start("prometheus-alertmanager", ports.2, "/-/ready", &words)?;
        let words = [
            format!("--config.file={}", path("prometheus.yml")),
            format!("--storage.tsdb.path={}", path("prometheus")),
        ];
        let reader = start("prometheus", ports.1, "/-/ready", &words)?;
        let wanted = format!("\"{}\"", urls.len());
        wait_until(FIRST_WITHIN, "the peer to have seen each service up", || {
            let answer = http::get(ports.1, "/api/v1/query?query=count(probe_success%3D%3D1)");
            answer.is_ok_and(|answer| answer.text().contains(&wanted))
        })?;
        Ok(Self { daemons: [exporter, reader, manager] })
    }

    /// What they have taken: processor time in seconds.
    pub(super) fn processor_s(&self) -> io::Result<f64> {
        let spent: io::Result<Vec<f64>> =
            self.daemons.iter().map(|daemon| Ok(daemon.spent()?.processor.as_secs_f64())).collect();
        Ok(spent?.iter().sum())
    }
}

fn alertmanager(receiver: &str) -> String {
    format!(
        "route: {{ receiver: bench, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 24h }}\n\
         receivers: [{{ name: bench, webhook_configs: [{{ url: '{receiver}' }}] }}]\n"
    )
}

fn rules(services: usize) -> Result<String, std::fmt::Error> {
    let mut text = "groups:\n".to_owned();
    for number in 0..services {
        writeln!(
            text,
            "  - name: group-{number}\n    rules: [{{ alert: Down, expr: 'probe_success{{job=\"service-{number}\"}} == 0' }}]"
        )?;
    }
    Ok(text)
}

fn prometheus(urls: &[String], exporter: u16, manager: u16) -> Result<String, std::fmt::Error> {
    let mut text = format!(
        "global: {{ scrape_interval: {EVERY_S}s, evaluation_interval: {EVERY_S}s }}\nrule_files: [rules.yml]\nalerting: {{ \
         alertmanagers: [{{ static_configs: [{{ targets: ['127.0.0.1:{manager}'] }}] }}] }}\nscrape_configs:\n"
    );
    for (number, url) in urls.iter().enumerate() {
        writeln!(
            text,
            "  - {{ job_name: service-{number}, metrics_path: /probe, params: {{ module: [http_2xx], target: ['{url}'] }}, \
             static_configs: [{{ targets: ['127.0.0.1:{exporter}'] }}] }}"
        )?;
    }
    Ok(text)
}
