//! The plan of the rooms against the folders, and routes against the routers: both ways.

use std::collections::BTreeSet;
use std::fs;

use uphold_collector::access::routes::ROUTES;

use super::pages::{Page, root};

/// The sources of a crate: its folder, and what lies directly in it.
pub(crate) struct Sources {
    folder: String,
    entries: BTreeSet<String>,
}

/// The crates that have rooms.
pub(crate) fn crates() -> Vec<Sources> {
    let of = |name: &str| {
        let folder = format!("{name}/src");
        let entries = fs::read_dir(root().join(&folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        Sources { folder, entries: names.collect() }
    };
    ["common", "manual", "agent", "collector"].map(of).into()
}

/// Where the plan and the folders differ: rooms that are not there, and modules that no line of the plan names.
pub(crate) fn rooms(page: &Page, crates: &[Sources]) -> Vec<String> {
    let blocks = page.blocks();
    let Some(plan) = blocks.iter().find(|block| block.text.lines().any(|line| line == "common/src")) else {
        return vec![format!("{}: there is no plan of the rooms", page.path)];
    };
    let mut refusals = Vec::new();
    for Sources { folder, entries } in crates {
        let names = named(&plan.text, folder);
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                refusals.push(format!("{}: the plan names `{name}` of {folder} twice", page.path));
            }
            let there = entries.contains(&format!("{name}.rs")) || entries.contains(name.trim_end_matches('/'));
            if !there {
                refusals.push(format!("{}: there is no room `{name}` in {folder}", page.path));
            }
        }
        for entry in entries {
            let module = entry.trim_end_matches(".rs");
            let beside = module == "lib" || module.ends_with("_tests") || module.starts_with("fake_");
            if !beside && !names.iter().any(|name| name.trim_end_matches('/') == module) {
                refusals.push(format!("{}: the plan does not name `{module}` of {folder}", page.path));
            }
        }
    }
    refusals
}

/// The rooms that the plan has in a folder: the first column below it. Deeper lines go on with what a room is for.
fn named<'a>(plan: &'a str, folder: &str) -> Vec<&'a str> {
    let lines = plan.lines().skip_while(|line| *line != folder).skip(1).take_while(|line| line.starts_with(' '));
    let firsts = lines.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    firsts.flat_map(|rest| rest.split("  ").next().unwrap_or_default().split(' ')).collect()
}

/// What the programs serve: method and path, as their routers have them.
pub(crate) struct Routes {
    collector: BTreeSet<String>,
    agent: BTreeSet<String>,
}

/// The files of the agent's routers.
const AGENT: [&str; 3] = ["agent/src/serve.rs", "agent/src/serve/heartbeat.rs", "agent/src/serve/probe.rs"];
/// What files of the system begin with; no route does.
const SYSTEM: [&str; 7] = ["/etc/", "/var/", "/usr/", "/tmp/", "/run/", "/proc/", "/sys/"];

impl Routes {
    /// From the collector's table, without which nothing is served to anybody, and from the source of the agent's router.
    pub(crate) fn read() -> Self {
        let collector = ROUTES.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
        Self {
            collector,
            agent: AGENT.iter().flat_map(|file| routes(&fs::read_to_string(root().join(file)).unwrap())).collect(),
        }
    }

    /// Routes that the page names in backticks and nobody serves.
    pub(crate) fn unknown(&self, page: &Page) -> Vec<String> {
        let is_route = |span: &str| {
            let path = ["GET ", "POST ", "DELETE "].iter().find_map(|method| span.strip_prefix(method)).unwrap_or(span);
            path.starts_with('/') && !SYSTEM.iter().any(|folder| path.starts_with(folder))
        };
        let served = |span: &str| {
            let mut all = self.collector.union(&self.agent);
            all.any(|route| route == span || route.split_once(' ').is_some_and(|(_, path)| path == span))
        };
        let spans = page.spans().into_iter().filter(|(_, span)| is_route(span) && !served(span));
        spans.map(|(number, span)| format!("{}:{number}: nothing is served at `{span}`", page.path)).collect()
    }

    /// Routes of the collector that the page does not name; what pages load is part of them.
    pub(crate) fn undocumented(&self, page: &Page) -> Vec<String> {
        let spans: BTreeSet<&str> = page.spans().into_iter().map(|(_, span)| span).collect();
        let missing = self.collector.iter().filter(|route| !route.contains('.') && !spans.contains(route.as_str()));
        missing.map(|route| format!("{}: `{route}` is served and not named", page.path)).collect()
    }
}

/// `GET /path` for each `.route("/path", get(` of a router.
fn routes(source: &str) -> BTreeSet<String> {
    let of = |rest: &str| {
        let (path, method) = rest.split_once("\", ")?;
        Some(format!("{} {path}", method.split('(').next()?.rsplit("::").next()?.to_uppercase()))
    };
    source.split(".route(\"").skip(1).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_differs_from_the_folders_is_refused() {
        let source = |entries: &[&str]| {
            let entries = entries.iter().map(|entry| (*entry).to_owned()).collect();
            [Sources { folder: "common/src".to_owned(), entries }]
        };
        let text = "```text\ncommon/src\n  time ids      the vocabulary\n  wire/  frames\n         more\nagent/src\n  a\n```\n";
        let page = Page::of("a.md", text);
        assert_eq!(rooms(&page, &source(&["time.rs", "ids.rs", "wire", "lib.rs", "ids_tests.rs"])), [""; 0]);
        assert_eq!(rooms(&page, &source(&["time.rs", "ids.rs"])).len(), 1, "a room is gone");
        assert_eq!(rooms(&page, &source(&["time.rs", "ids.rs", "wire", "new.rs"])).len(), 1, "a room is new");
        let twice = Page::of("a.md", &text.replace("  wire/", "  time\n  wire/"));
        assert_eq!(rooms(&twice, &source(&["time.rs", "ids.rs", "wire"])).len(), 1, "a room stands twice");
        assert_eq!(rooms(&Page::of("a.md", ""), &[]).len(), 1, "the plan is gone");
    }

    #[test]
    fn routes_are_held_against_the_routers() {
        let collector = routes("Router::new()\n.route(\"/\", get(a)).route(\"/api/v1/push\", post(push::push))");
        let served = Routes { collector, agent: routes(".route(\"/readyz\", axum::routing::get(a))") };
        let unknown = |text: &str| served.unknown(&Page::of("a.md", text)).len();
        assert_eq!(unknown("`GET /` `/readyz` `POST /api/v1/push` `/etc/uphold/a.yaml` `a/b`"), 0);
        assert_eq!(unknown("`/ready` and `GET /api/v1/push`"), 2);
        assert_eq!(served.undocumented(&Page::of("a.md", "`GET /`")).len(), 1);
        assert_eq!(served.undocumented(&Page::of("a.md", "`GET /` `POST /api/v1/push`")).len(), 0);
    }
}
