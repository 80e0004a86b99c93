//! An agent that is enrolled against a real collector: what is wrong is told and nothing is left of it; what is right is
//! what the agent then runs with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use uphold_tests::process::child::{Process, program};
use uphold_tests::process::{free_port, http};

use crate::callers::GUARDED;
use crate::world::{World, metric, run, until};

/// Enrols into the world's folder; the exit code, and everything that was said.
fn enrol(world: &World, more: &[&str]) -> (Option<i32>, String) {
    let (config, data) = (world.path("etc/agent.yaml"), world.path("agent"));
    let mut args = vec!["enrol", "--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()];
    args.extend(more);
    let done = run("uphold-agent", &args);
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
    (done.status.code(), said.concat())
}

/// Lays a token into a file, and says which.
fn hand_over(world: &World, name: &str, token: &str) -> String {
    let path = world.path(name);
    fs::write(&path, token).unwrap();
    path.display().to_string()
}

#[test]
fn an_agent_is_enrolled_once_everything_is_right_and_then_works() {
    let world = World::configured(GUARDED);
    let url = world.collector_url();
    let right = hand_over(&world, "right", &world.give_token("zurich-1", "agent", &[]));
    let revoked = hand_over(&world, "revoked", &world.give_token("old", "agent", &["--agent", "zurich-1"]));
    assert!(run("uphold-collector", &["token", "revoke", "old", "--data", &world.collector_data()]).status.success());
    let viewer = hand_over(&world, "viewer", &world.give_token("duty", "viewer", &[]));
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    for (args, words) in [
        (&["--collector", &nobody, "--token-file", &right, "--name", "zurich-1"][..], "nobody listens"),
        (&["--collector", &url, "--name", "zurich-1"], "give --token-file"),
        (&["--collector", &url, "--token-file", &revoked, "--name", "zurich-1"], "refuses the token"),
        (&["--collector", &url, "--token-file", &right, "--name", "zurich-2"], "another agent's"),
        (&["--collector", &url, "--token-file", &viewer, "--name", "zurich-2"], "knows no agent zurich-2"),
        (&["--collector", &url.replace("http:", "https:"), "--token-file", &right, "--name", "zurich-1"], "http://"),
    ] {
        let (code, said) = enrol(&world, args);
        assert!(code == Some(1) && said.contains(words), "{words}: {code:?} {said}");
        assert!(!world.path("etc").exists(), "{words}: nothing is left behind");
    }
    let args = ["--collector", &url, "--token-file", &right, "--name", "zurich-1"];
    let (code, said) = enrol(&world, &args);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("assigns 1 probes") && said.contains("next: uphold-agent run"), "{said}");
    let mode = fs::metadata(world.path("etc/agent.token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, said) = enrol(&world, &args);
    assert!(code == Some(0) && said.contains("stays as it is"), "{said}");
    // What was handed over is not needed any more.
    fs::remove_file(&right).unwrap();

    let (config, listen) = (world.path("etc/agent.yaml"), format!("127.0.0.1:{}", world.agent_port));
    let mut command = Command::new(program("uphold-agent").unwrap());
    command.args(["run", "--listen", &listen, "--config"]).arg(config);
    let _agent = Process::start("uphold-agent", &mut command, &world.path("")).unwrap();
    until("the agent to deliver what it saw", || {
        let answers = http::get(world.agent_port, "/healthz").is_ok();
        answers.then(|| metric(world.agent_port, "uphold_agent_acknowledged_seq"))?.filter(|seq| *seq >= 1.0)
    });
}
