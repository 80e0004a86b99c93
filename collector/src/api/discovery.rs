//! HTTP service discovery: where Prometheus finds the agents.
//!
//! The list is what the catalogue's section `agents` says of where they are, and nothing else: an agent that is silent, or was never seen, is exactly
//! what Prometheus is to notice.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use uphold_common::catalogue::model::{Agent, Catalogue};
use uphold_common::ids::Id;
use utoipa::ToSchema;

use crate::engine::handle::EngineHandle;

/// A group of targets, as Prometheus takes it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscoveredGroup)]
pub(super) struct Group {
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 1)]
    targets: [String; 1],
    labels: Labels,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiscoveredLabels)]
struct Labels {
    agent: Id,
}

/// The agents, in order of their names; an empty list if the catalogue says of none where it is.
pub(super) async fn agents(State(engine): State<EngineHandle>) -> Json<Vec<Group>> {
    Json(groups(&engine.snapshot().catalogue))
}

fn groups(catalogue: &Catalogue) -> Vec<Group> {
    let group = |agent: &Agent| {
        let metrics = agent.metrics.clone()?;
        Some(Group { targets: [metrics], labels: Labels { agent: agent.id.clone() } })
    };
    catalogue.agents.values().filter_map(group).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::page::fixture;

    #[test]
    fn the_list_is_as_prometheus_wants_it() {
        let mut catalogue = fixture::catalogue("", "");
        let json = |catalogue: &Catalogue| serde_json::to_string(&groups(catalogue)).unwrap();
        assert_eq!(json(&catalogue), "[]");
        let found =
            [("zurich-1", Some("[2001:db8::1]:9417")), ("basel-1", None), ("geneva-1", Some("web-2.example:9417"))];
        for (name, metrics) in found {
            let (id, metrics) = (fixture::id(name), metrics.map(str::to_owned));
            catalogue.agents.insert(id.clone(), Agent { id, labels: BTreeMap::new(), metrics });
        }
        assert_eq!(
            json(&catalogue),
            r#"[{"targets":["web-2.example:9417"],"labels":{"agent":"geneva-1"}},{"targets":["[2001:db8::1]:9417"],"labels":{"agent":"zurich-1"}}]"#
        );
    }
}
