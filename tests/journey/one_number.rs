//! Page, metrics, API, socket, both command lines and the store itself: for the same instant, the same number.

use serde_json::Value;
use uphold_tests::process::http;

use crate::figures::Figures;
use crate::world::{World, run, sample};

const LABELS: &str = r#"{agreement="shop-sla",service="shop",target="availability",window="month"}"#;

/// Good and counted time, and the instant they are as of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number {
    as_of: i64,
    good: i64,
    counted: i64,
}

impl Number {
    fn of_figures(figures: &Figures) -> Self {
        let (counted, lost) = (figures.number("N"), figures.number("L"));
        Self { as_of: figures.as_of(), good: counted - lost, counted }
    }

    fn of_page(world: &World) -> Self {
        let page = http::get(world.collector_port, "/").unwrap().text();
        let availability = r#"data-service="shop" data-target="shop-sla/availability""#;
        let (_, behind) = page.split_once(availability).unwrap_or_else(|| panic!("no {availability} in\n{page}"));
        let number = |text: &str, attribute: &str| {
            let (_, value) = text.split_once(&format!("{attribute}=\"")).unwrap();
            value.split_once('"').unwrap().0.parse().unwrap()
        };
        Self {
            as_of: number(&page, "data-as-of-ms"),
            good: number(behind, "data-good-ms"),
            counted: number(behind, "data-counted-ms"),
        }
    }

    fn of_metrics(world: &World) -> Self {
        let text = http::get(world.collector_port, "/metrics").unwrap().text();
        let ms = |series: &str| {
            let seconds = sample(&text, series).unwrap_or_else(|| panic!("no {series} in\n{text}"));
            format!("{:.0}", seconds * 1_000.0).parse().unwrap()
        };
        Self {
            as_of: ms("uphold_snapshot_timestamp_seconds"),
            good: ms(&format!("uphold_availability_good_seconds{LABELS}")),
            counted: ms(&format!("uphold_availability_counted_seconds{LABELS}")),
        }
    }
}

fn by_api(world: &World, as_of: i64) -> Figures {
    Figures(world.ask(&format!("/api/v1/services/shop/figures?as_of={as_of}")))
}

/// What `uphold-collector report` prints: through the socket, or out of the store when no collector runs.
fn by_report(world: &World, as_of: i64) -> Figures {
    let (as_of, data) = (as_of.to_string(), world.collector_data());
    printed("uphold-collector", &["report", "shop", "--format", "json", "--as-of", &as_of, "--data", &data])
}

/// What `uphold-collector incidents` lists, oldest first.
fn listed(world: &World) -> Vec<Value> {
    let output =
        run("uphold-collector", &["incidents", "--all", "--format", "json", "--data", &world.collector_data()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    list["incidents"].as_array().unwrap().iter().rev().cloned().collect()
}

fn by_agent(world: &World, as_of: i64) -> Figures {
    let (as_of, url) = (as_of.to_string(), world.collector_url());
    printed("uphold-agent", &["figures", "shop", "--format", "json", "--as-of", &as_of, "--collector", &url])
}

fn printed(program: &str, args: &[&str]) -> Figures {
    let output = run(program, args);
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    Figures(figures)
}

#[test]
fn page_metrics_api_reports_and_the_store_give_the_same_number() {
    let mut world = World::watched();
    world.stop_shop();
    world.wait_for_state("down");
    world.start_shop();
    world.wait_for_state("up");
    // Nothing arrives any more, so that what is asked for later is still what the page showed.
    let ended = world.stop_agent();
    world.figures_after(ended);

    let page = Number::of_page(&world);
    let metrics = Number::of_metrics(&world);
    assert!(page.good > 0 && page.good < page.counted, "there is something to agree about: {page:?}");
    for (whose, shown) in [("the page", page), ("the metrics", metrics)] {
        let api = by_api(&world, shown.as_of);
        assert_eq!(Number::of_figures(&api), shown, "the API says what {whose} showed");
        assert_eq!(by_report(&world, shown.as_of), api, "a report says what the API says");
        assert_eq!(by_agent(&world, shown.as_of), api, "the agent's command line says what the API says");
    }

    let text = run("uphold-collector", &["report", "shop", "--data", &world.collector_data()]);
    let percent = by_api(&world, page.as_of).contractual()["A_percent"].as_str().unwrap().to_owned();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains(&percent), "{percent} is not in\n{text}");
    let incidents = world.incidents();
    assert_eq!(listed(&world), incidents);

    let api = [page, metrics].map(|shown| by_api(&world, shown.as_of));
    world.stop_collector();
    assert_eq!(by_report(&world, page.as_of), api[0], "the store says what the collector said");
    assert_eq!(by_report(&world, metrics.as_of), api[1]);
    assert_eq!(listed(&world), incidents);
    world.start_collector();
    assert_eq!(by_api(&world, page.as_of), api[0], "and so does the next collector");
    world.kill_collector();
    assert_eq!(by_report(&world, page.as_of), api[0], "and the store after a kill, whose socket is still there");
    assert_eq!(listed(&world), incidents);
}
