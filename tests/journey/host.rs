//! A host that its agent really reads: what is told of it beyond the first kinds goes over the wire, into the store, and out
//! again in the metrics, the hours and an export, everywhere with the agent's own numbers.

use uphold_tests::process::http;

use crate::world::{World, metric, run, until};

fn world() -> World {
    World::watched_under(|_, text| {
        text.replace("receivers:\n", "hosts: [{ id: web-1, agent: zurich-1 }]\nreceivers:\n")
    })
}

#[test]
fn what_an_agent_reads_of_its_host_is_kept_and_told_as_it_was_read() {
    let world = world();
    for resource in ["memory", "open_files", "threads"] {
        let series = format!(r#"uphold_capacity_limit{{host="web-1",of="",resource="{resource}"}}"#);
        let read = until(&format!("the agent to read {resource}"), || metric(world.agent_port, &series));
        let kept = until(&format!("the collector to know {resource}"), || metric(world.collector_port, &series));
        assert!(read > 0.0 && (read - kept).abs() < 0.5, "{resource}: {read} and {kept}");
    }
    let flow = r#"uphold_flow_per_second{flow="load",host="web-1",of=""}"#;
    until("the load, which comes with the second reading", || metric(world.collector_port, flow));
    for of in ["user", "system", "steal"] {
        let series = format!(r#"uphold_flow_total{{flow="cpu_time",host="web-1",of="{of}"}}"#);
        assert!(metric(world.agent_port, &series).is_some(), "{series}");
    }
    for query in ["resource=threads", "resource=cpu", "flow=load", "flow=cpu_time&of=user"] {
        let hours = world.ask(&format!("/api/v1/rollups?host=web-1&{query}"));
        assert!(hours["hours"].as_array().is_some_and(|hours| !hours.is_empty()), "{query}: {hours}");
    }
    let page = http::get(world.collector_port, "/hosts/web-1").unwrap().text();
    assert!(page.contains("Threads") && page.contains("Processors steal"), "{page}");
    let exported = run("uphold-collector", &["export", "--data", &world.collector_data()]);
    let lines = String::from_utf8_lossy(&exported.stdout).into_owned();
    for said in [r#""resource":"threads""#, r#""flow":"cpu_time","of":"steal""#] {
        assert!(lines.contains(said), "{said} in {} bytes", lines.len());
    }
}
