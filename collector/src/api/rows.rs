//! The rows as they are kept: `GET /api/v1/streams` lists of what there are any, `GET /api/v1/rows` gives those of one
//! stream as lines of JSON, a page at a time; the header `Link` says where the next page is.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::observation::{Flow, FlowId, Resource, ResourceId};
use uphold_common::time::{Instant, Interval};
use url::form_urlencoded;
use utoipa::ToSchema;

use super::lists::leading_to;
use super::problem::{problem, unanswered};
use super::query::Asked;
use super::rollups;
use crate::engine::handle::EngineHandle;
use crate::history;
use crate::store::StreamId;

/// The content type of lines of JSON.
pub(super) const LINES_CONTENT_TYPE: &str = "application/x-ndjson";

/// A stream, with what it is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum StreamView {
    /// A probe, as an agent saw it.
    #[schema(title = "StreamOfProbe")]
    Probe {
        /// The probe in its service.
        probe: ProbeId,
        /// The agent.
        agent: Id,
    },
    /// A resource of a host.
    #[schema(title = "StreamOfResource")]
    Resource {
        /// The host.
        host: Id,
        /// The resource.
        #[schema(schema_with = super::document::resource)]
        resource: Resource,
        /// Which one of its kind; empty where there is one only.
        of: String,
    },
    /// A flow of a host.
    #[schema(title = "StreamOfFlow")]
    Flow {
        /// The host.
        host: Id,
        /// The flow.
        #[schema(schema_with = super::document::flow)]
        flow: Flow,
        /// Through which interface.
        of: String,
    },
}

/// The streams that there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamList {
    /// Probes, resources, flows, each in order.
    pub streams: Vec<StreamView>,
}

impl From<StreamId> for StreamView {
    fn from(of: StreamId) -> Self {
        match of {
            StreamId::Probe(VantagePoint { probe, agent }) => Self::Probe { probe, agent },
            StreamId::Capacity(ResourceId { host, resource, of }) => Self::Resource { host, resource, of },
            StreamId::Volume(FlowId { host, flow, of }) => Self::Flow { host, flow, of },
        }
    }
}

impl From<StreamView> for StreamId {
    fn from(view: StreamView) -> Self {
        match view {
            StreamView::Probe { probe, agent } => Self::Probe(VantagePoint { probe, agent }),
            StreamView::Resource { host, resource, of } => Self::Capacity(ResourceId { host, resource, of }),
            StreamView::Flow { host, flow, of } => Self::Volume(FlowId { host, flow, of }),
        }
    }
}

/// All of them.
pub(super) async fn streams(State(engine): State<EngineHandle>) -> Response {
    match engine.streams().await {
        Ok(all) => Json(StreamList { streams: all.into_iter().map(Into::into).collect() }).into_response(),
        Err(why) => unanswered(why),
    }
}

/// A page of the rows of one: as for `/api/v1/rollups`, with `&from=INSTANT&to=INSTANT`.
pub(super) async fn rows(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    let (of, span) = match asked(query.as_deref()) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let page = match engine.page(of.clone(), span).await {
        Ok(Ok(page)) => page,
        Ok(Err(error)) => {
            tracing::error!(%error, "rows could not be read");
            let detail = "The rows could not be read; the log of the collector says why.";
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "rows", detail, None);
        }
        Err(why) => return unanswered(why),
    };
    let mut lines = Vec::new();
    if let Err(error) = history::write::write(&of, &page.rows, &mut lines) {
        tracing::error!(%error, "rows could not be written");
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "rows", "The rows could not be written.", None);
    }
    let next = page.next.map(|next| path(&of, Interval::new(next, span.end)));
    leading_to(next, ([(CONTENT_TYPE, LINES_CONTENT_TYPE)], lines))
}

/// Where the rows of a stream in `span` are asked for.
pub fn path(of: &StreamId, span: Interval) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    match of {
        StreamId::Probe(point) => {
            query.append_pair("probe", &point.probe.to_string()).append_pair("agent", point.agent.as_str());
        }
        StreamId::Capacity(id) => {
            query.append_pair("host", id.host.as_str()).append_pair("resource", id.resource.as_str());
            query.append_pair("of", &id.of);
        }
        StreamId::Volume(id) => {
            query.append_pair("host", id.host.as_str()).append_pair("flow", id.flow.as_str());
            query.append_pair("of", &id.of);
        }
    }
    query.append_pair("from", &span.start.as_ms().to_string()).append_pair("to", &span.end.as_ms().to_string());
    format!("/api/v1/rows?{}", query.finish())
}

fn asked(query: Option<&str>) -> Result<(StreamId, Interval), Box<Response>> {
    let asked = Asked::read(query, &["probe", "agent", "host", "resource", "flow", "of", "from", "to"])?;
    let of = rollups::stream(&asked)?;
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let start = asked.get("from", instant, Instant::parse)?.unwrap_or(Instant::MIN);
    let end = asked.get("to", instant, Instant::parse)?.unwrap_or(Instant::MAX);
    Ok((of, Interval::new(start, end)))
}
