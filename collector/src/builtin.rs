//! What `up` brings along: an agent inside the collector's process, and a first catalogue.
//!
//! The agent is the same agent as on any host, with its own spool, pushing over HTTP like the others. The catalogue is
//! text like any other and comes in through the same door; it watches the collector's own page and port, this host's
//! capacity, and whatever `--watch` names.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use uphold_agent::accept::Accept;
use uphold_agent::config::{Access, Config as AgentConfig, SpoolConfig};
use uphold_common::ids::Id;
use url::Url;

use crate::inforce::CatalogueFile;

/// The name of the built-in agent.
pub const AGENT: &str = "built-in";
/// The name the built-in catalogue is told with.
pub const CATALOGUE_NAME: &str = "built-in.yaml";

/// A URL that `--watch` names, as a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    id: Id,
    url: Url,
}

impl Watched {
    /// The service's id: made from the URL's host, port and path, so that another URL is another service.
    pub fn new(url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"))?;
        let port = url.port().map(|port| format!("-{port}")).unwrap_or_default();
        let full = format!("{host}{port}{}", url.path());
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
        let mut text: String = full.chars().map(plain).take(uphold_common::ids::ID_BYTES_MAX - 6).collect();
        text = format!("watch-{}", text.trim_matches('-'));
        Some(Self { id: Id::new(&text).ok()?, url: url.clone() })
    }

    /// The service's id.
    pub const fn id(&self) -> &Id {
        &self.id
    }
}

/// The first catalogue: the collector at `address`, this host, and what is watched.
pub fn first_catalogue(address: SocketAddr, watched: &[Watched]) -> CatalogueFile {
    let mut services = String::new();
    let mut targets = String::from(TARGET_OF_ITSELF);
    for Watched { id, url } in watched {
        // JSON's strings are YAML's, so a URL cannot end its quotes.
        let url = serde_json::Value::from(url.as_str());
        let id = id.as_str();
        // Writing to a string does not fail.
        let _ = writeln!(
            services,
            "  - id: {id}\n    name: {url}\n    customers: [everyone]\n    probes:\n      - {{ id: page, agents: \
             [{AGENT}], interval: 10s, timeout: 5s, http: {{ url: {url} }} }}"
        );
        let _ = writeln!(targets, "      - {{ id: {id}, service: {id}, window: month, availability: \"99.9%\" }}");
    }
    let text = FIRST_CATALOGUE
        .replace("{address}", &address.to_string())
        .replace("{agent}", AGENT)
        .replace("{services}\n", &services)
        .replace("{targets}\n", &targets);
    (CATALOGUE_NAME.to_owned(), text)
}

const FIRST_CATALOGUE: &str = r#"organisation: { name: This machine, time_zone: UTC }
customers:
  - { id: everyone, name: Everyone who uses this machine }
components:
  - { id: collector, name: Uphold's collector, host: this-host }
hosts:
  - { id: this-host, agent: {agent} }
services:
  - id: uphold
    name: Uphold
    outcome: Services are measured, and this page shows how they do
    customers: [everyone]
    criticality: low
    probes:
      - id: page
        component: collector
        agents: [{agent}]
        interval: 5s
        timeout: 2s
        http: { url: "http://{address}/", expect: { code: [200], body_matches: "Uphold" } }
      - id: port
        component: collector
        agents: [{agent}]
        interval: 5s
        timeout: 2s
        tcp: { address: "{address}" }
{services}
agreements:
  - id: first
    kind: sla
    party: everyone
    targets:
{targets}
"#;

const TARGET_OF_ITSELF: &str = "      - { id: uphold, service: uphold, window: month, availability: \"99.9%\" }\n";

/// The built-in agent's configuration.
pub fn agent_config(address: SocketAddr, data_dir: &Path) -> Option<AgentConfig> {
    Some(AgentConfig {
        name: Id::new(AGENT).ok()?,
        collectors: vec![Url::parse(&format!("http://{address}")).ok()?],
        data_dir: data_dir.join("agent"),
        listen: None,
        spool: SpoolConfig::default(),
        access: Access::default(),
        accept: Accept::default(),
        links: Vec::new(),
        modules: None,
    })
}

/// Runs the built-in agent until `stop` resolves.
pub async fn run_agent(config: AgentConfig, stop: impl Future<Output = ()>) -> Result<(), String> {
    uphold_agent::run(config, stop).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(url: &str) -> Option<Watched> {
        Watched::new(&Url::parse(url).unwrap())
    }

    #[test]
    fn the_first_catalogue_is_sound_whatever_is_watched() {
        let urls = ["https://example.org/shop?a=\"b\"#x", "http://[::1]:81/", "http://ÜBER.example/a b"];
        let watched: Vec<Watched> = urls.iter().map(|url| watched(url).unwrap()).collect();
        let file = first_catalogue("127.0.0.1:8080".parse().unwrap(), &watched);
        let catalogue = uphold_common::catalogue::read(&[file]).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(catalogue.services.len(), 4);
        assert_eq!(catalogue.targets.len(), 4);
        assert_eq!(watched[0].id().as_str(), "watch-example.org-shop");
    }

    #[test]
    fn only_what_can_be_fetched_is_watched() {
        assert!(watched("ftp://example.org/").is_none());
        assert!(watched("mailto:a@example.org").is_none());
        assert_ne!(watched("http://a.example/").unwrap().id(), watched("http://a.example:81/").unwrap().id());
    }
}
