//! What each route needs: one table. A route that is not in it is refused to everybody but this host.

use axum::http::Method;

use crate::identity::role::Right;

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it tells nothing about anybody.
    Open,
    /// A right, and a problem is answered without it.
    Right(Right),
    /// A right, and a browser without it is sent to sign in.
    Page(Right),
}

/// A route: its method, its path, what it needs.
pub type Route = (Method, &'static str, Need);

/// Every route.
pub const ROUTES: &[Route] = &[
    (Method::GET, "/page.css", Need::Open),
    (Method::GET, "/page.js", Need::Open),
    (Method::GET, "/icon.svg", Need::Open),
    (Method::GET, "/healthz", Need::Open),
    (Method::GET, "/readyz", Need::Open),
    (Method::GET, "/openapi.json", Need::Open),
    (Method::GET, "/sign-in", Need::Open),
    (Method::POST, "/sign-in", Need::Open),
    (Method::POST, "/sign-out", Need::Open),
    (Method::GET, "/", Need::Page(Right::Read)),
    (Method::GET, "/services/{id}", Need::Page(Right::Read)),
    (Method::GET, "/hosts/{id}", Need::Page(Right::Read)),
    (Method::GET, "/agents/{name}", Need::Page(Right::Read)),
    (Method::GET, "/incidents", Need::Page(Right::Read)),
    (Method::GET, "/incidents/{number}", Need::Page(Right::Read)),
    (Method::POST, "/incidents/{number}/acknowledge", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/comments", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/assign", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/resolve", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/close", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/reopen", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/links", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/unlink", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/major", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/notice", Need::Page(Right::Act)),
    (Method::POST, "/incidents/{number}/review", Need::Page(Right::Act)),
    (Method::GET, "/problems", Need::Page(Right::Read)),
    (Method::GET, "/api/v1/sd", Need::Right(Right::Read)),
    (Method::GET, "/metrics", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/push", Need::Right(Right::Push)),
    (Method::GET, "/api/v1/agents/{name}/assignment", Need::Right(Right::Assignment)),
    (Method::GET, "/api/v1/agents/{name}/facts", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/services", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/services/{id}/figures", Need::Right(Right::Figures)),
    (Method::GET, "/api/v1/services/{id}/alignment", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/availability", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/services/{id}/explanation", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/services/{id}/revisions", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/rollups", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/incidents", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/incidents/{number}", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/incidents/{number}/acknowledge", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/comments", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/assign", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/resolve", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/close", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/reopen", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/links", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/unlink", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/major", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/notice", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/incidents/{number}/review", Need::Right(Right::Act)),
    (Method::GET, "/api/v1/problems", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/problems", Need::Right(Right::Act)),
    (Method::GET, "/api/v1/problems/pareto", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/problems/{number}", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/problems/{number}/known-error", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/problems/{number}/fix", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/problems/{number}/close", Need::Right(Right::Act)),
    (Method::GET, "/api/v1/dead-letters", Need::Right(Right::Read)),
    (Method::DELETE, "/api/v1/dead-letters/{receiver}/{number}", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/dead-letters/{receiver}/{number}/resend", Need::Right(Right::Act)),
    (Method::POST, "/api/v1/receivers/{id}/test", Need::Right(Right::Act)),
    (Method::GET, "/api/v1/maintenances", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/maintenances", Need::Right(Right::Record)),
    (Method::GET, "/api/v1/maintenances/{id}", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/maintenances/{id}/revoke", Need::Right(Right::Record)),
    (Method::GET, "/api/v1/maintenances.ics", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/exclusions", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/exclusions", Need::Right(Right::Approve)),
    (Method::GET, "/api/v1/exclusions/{id}", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/exclusions/{id}/revoke", Need::Right(Right::Approve)),
    (Method::GET, "/api/v1/records", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/records", Need::Right(Right::Record)),
    (Method::GET, "/api/v1/records/{id}", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/records/{id}/revoke", Need::Right(Right::Record)),
    (Method::GET, "/api/v1/whoami", Need::Right(Right::Assignment)),
    (Method::GET, "/api/v1/tokens", Need::Right(Right::Administer)),
    (Method::POST, "/api/v1/tokens", Need::Right(Right::Administer)),
    (Method::DELETE, "/api/v1/tokens/{name}", Need::Right(Right::Administer)),
    (Method::GET, "/api/v1/deeds", Need::Right(Right::Administer)),
    (Method::GET, "/api/v1/catalogue/versions", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/catalogue/restatements", Need::Right(Right::Administer)),
    (Method::POST, "/api/v1/imports", Need::Right(Right::Administer)),
    (Method::POST, "/api/v1/imports/batches", Need::Right(Right::Administer)),
    (Method::POST, "/api/v1/imports/end", Need::Right(Right::Administer)),
    (Method::GET, "/api/v1/streams", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/rows", Need::Right(Right::Read)),
    (Method::GET, "/api/v1/store/compaction", Need::Right(Right::Read)),
    (Method::POST, "/api/v1/store/compaction", Need::Right(Right::Administer)),
];

/// What the route of this path needs; what is read may be asked for its head alone. A path that is there, but not for
/// this method, is answered with that, whoever asks.
pub fn need(method: &Method, path: &str) -> Need {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut routes = ROUTES.iter().filter(|(_, known, _)| *known == path).peekable();
    if routes.peek().is_none() {
        return Need::Right(Right::Administer);
    }
    routes.find(|(known, _, _)| known == method).map_or(Need::Open, |(_, _, need)| *need)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_table_needs_the_most() {
        assert_eq!(need(&Method::HEAD, "/"), Need::Page(Right::Read));
        assert_eq!(need(&Method::POST, "/"), Need::Open, "which is answered 405");
        assert_eq!(need(&Method::GET, "/api/v1/secret"), Need::Right(Right::Administer));
    }

    #[test]
    fn whatever_changes_something_needs_more_than_reading_does() {
        for (method, path, need) in ROUTES.iter().filter(|(method, _, _)| *method != Method::GET) {
            let signing = matches!(*path, "/sign-in" | "/sign-out");
            let reading = matches!(need, Need::Open | Need::Right(Right::Read) | Need::Page(Right::Read));
            assert!(signing || !reading, "{method} {path}");
        }
    }
}
