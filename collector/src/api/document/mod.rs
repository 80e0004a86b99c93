//! `GET /openapi.json`: the API said as an OpenAPI document, for programs that make clients, checks and pages of it.
//!
//! | file | what it holds |
//! |---|---|
//! | `operations` | each operation: what it takes, what it answers, why it refuses |
//! | `governed` | those on governed records, of all three sorts alike |
//! | `incidents` | those on incidents: what is listed, and what people do |
//! | `problems` | those on problems |
//! | `deliveries` | those on messages to receivers |
//! | `revised` | the one on revisions of closed windows |
//! | `quality` | the one on what agents told of their own measuring |
//! | `told` | the words in which an operation is told, and what the guard adds to every one |
//! | `schemas` | the shapes of bodies, from the very types that are sent |
//! | `words` | the texts that people write about incidents |
//!
//! Who may do what comes from [`crate::access::routes`] and from nowhere else. The text is `docs/openapi.json` as well.

mod beside;
mod deliveries;
mod governed;
mod incidents;
mod operations;
mod problems;
mod quality;
mod revised;
mod schemas;
#[cfg(test)]
mod tests;
mod told;
mod words;

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::{PathItemBuilder, PathsBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem};

use told::TOKEN_SCHEME;

pub(super) use schemas::{flow, resource};
pub(super) use words::{comment, comment_or_none, expected_events, link_to, review, who};

/// What the document says of itself.
const DESCRIPTION: &str = "\
What a collector of Uphold does over HTTP. The pages, and the forms on them, are for browsers and are not in here.

Whoever asks sends a token as `Authorization: Bearer uphold_…`; each operation names the roles whose tokens it takes, \
for programs as `x-roles`. A collector whose tokens are optional lets those without one read and push. Somebody on the \
collector's own host who reaches the socket in the data directory may do everything.

Every refusal is a problem as in RFC 9457, whose `type` is `urn:uphold:problem:` and a word. Instants are whole \
milliseconds since 1970 where they are answered; where they are asked for, RFC 3339 is taken as well.";

/// The document as text, ending with a line feed.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
});

pub(super) async fn show() -> Response {
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Uphold collector")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let mut paths = PathsBuilder::new();
    for told in operations::all() {
        let path = told.path();
        let (method, operation) = told.operation();
        let item: PathItem = PathItemBuilder::new().operation(method, operation).build();
        paths = paths.path(path, item);
    }
    let mut components = schemas::components();
    components.add_security_scheme(TOKEN_SCHEME, token_scheme());
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}

fn token_scheme() -> SecurityScheme {
    let says = "A token, as `uphold-collector token add` or an administrator through `POST /api/v1/tokens` gives it.";
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("uphold_ and 64 hexadecimal digits");
    SecurityScheme::Http(bearer.description(Some(says)).build())
}
