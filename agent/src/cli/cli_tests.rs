//! The command line: flags become a configuration, and every answer its exit code.

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

async fn exit(line: &str) -> ExitCode {
    parse(line).unwrap().execute(std::future::pending()).await
}

#[test]
fn the_command_line_is_consistent_and_explains_itself() {
    Cli::command().debug_assert();
    let help = Cli::command().render_long_help().to_string();
    for word in ["run", "probe", "check", "capacity", "figures", "Examples:", "Exit codes:"] {
        assert!(help.contains(word), "{word} in\n{help}");
    }
}

#[test]
fn flags_become_a_configuration() {
    let line = "uphold-agent run --name a --collector http://x:1 --collector https://y --data d --spool-bytes 1GiB";
    let Command::Run(args) = parse(line).unwrap().command else { panic!("run") };
    let config = args.config().unwrap();
    assert_eq!((config.name.as_str(), config.collectors.len()), ("a", 2));
    assert_eq!(config.listen, Some(LISTEN_DEFAULT));
    assert_eq!((config.spool.bytes_max, config.check()), (1 << 30, vec![]));
    for wrong in [
        "uphold-agent run --name A --collector http://x",
        "uphold-agent run --name a --collector x",
        "uphold-agent run --name a --collector http://x --spool-bytes much",
        "uphold-agent probe http://x --timeout 0s",
        "uphold-agent figures webshop --collector http://x --as-of yesterday",
    ] {
        assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
    }
}

#[test]
fn flags_override_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.yaml");
    std::fs::write(&file, "name: a\ncollectors: [http://x:1]\nlisten: 127.0.0.1:1\nspool: { bytes_max: 16MiB }\n")
        .unwrap();
    let line = format!("uphold-agent run --config {} --name b", file.display());
    let Command::Run(args) = parse(&line).unwrap().command else { panic!("run") };
    let config = args.config().unwrap();
    assert_eq!((config.name.as_str(), config.collectors.len(), config.spool.bytes_max), ("b", 1, 16 << 20));
    assert_eq!(config.listen.unwrap().port(), 1);

    let Command::Run(args) = parse("uphold-agent run --collector http://x").unwrap().command else { panic!("run") };
    assert_eq!(args.config().unwrap_err(), Exit::Usage, "a name is needed");
    let Command::Run(args) = parse("uphold-agent run --name a").unwrap().command else { panic!("run") };
    assert_eq!(args.config().unwrap().check().len(), 1, "a collector is needed");
}

#[tokio::test]
async fn every_answer_has_its_exit_code() {
    let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let open_at = open.local_addr().unwrap();
    let closed_at = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display();
    let flags = format!("--name a --collector http://{closed_at} --data {data}");
    for (line, code) in [
        (format!("probe tcp://{open_at}"), 0),
        (format!("probe tcp://{open_at}/ --format json"), 0),
        (format!("probe tcp://{closed_at}"), 1),
        (format!("probe http://{closed_at}"), 1),
        ("probe ftp://x".to_owned(), 2),
        ("probe tcp://x".to_owned(), 2),
        (format!("probe tcp://{open_at} --code 200"), 2),
        (format!("check {flags} --listen {open_at}"), 1),
        (format!("check {flags} --spool-bytes 1KiB"), 2),
        (format!("run {flags} --spool-bytes 1KiB"), 2),
        (format!("run {flags} --listen {open_at}"), 1),
        (format!("figures webshop --collector http://{closed_at}"), 1),
    ] {
        assert_eq!(exit(&format!("uphold-agent {line}")).await, ExitCode::from(code), "{line}");
    }
}

#[tokio::test]
async fn a_token_and_roots_are_wanted_whole_before_anything_starts() {
    let (collector, address, _heard) = crate::fake_collector::Collector::serve().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let token = format!("uphold_{}", "0".repeat(64));
    for (name, content) in [("token", token.as_str()), ("empty", ""), ("other", "hunter2")] {
        std::fs::write(path(name), content).unwrap();
    }
    collector.demand(&token);
    let figures = |more: &str| format!("figures webshop --collector http://{address} {more}");
    let run = |more: &str| format!("run --name a --collector http://{address} --data {} {more}", path("data"));
    for (line, code) in [
        (figures(&format!("--token-file {}", path("token"))), 0),
        (format!("figures webshop --collector http://{address}"), 1),
        (figures(&format!("--token-file {}", path("none"))), 2),
        (figures(&format!("--token-file {}", path("empty"))), 2),
        (figures(&format!("--ca-file {}", path("other"))), 2),
        (format!("figures webshop --collector http://collector.example --token-file {}", path("token")), 2),
        (run(&format!("--token-file {}", path("none"))), 2),
        (run(&format!("--token-file {}", path("other"))), 2),
        (run(&format!("--ca-file {}", path("none"))), 2),
        (run(&format!("--ca-file {}", path("none"))).replace("run", "check"), 2),
        (run(&format!("--ca-file {}", path("empty"))), 2),
        (format!("run --name a --collector http://collector.example --token-file {}", path("token")), 2),
    ] {
        assert_eq!(exit(&format!("uphold-agent {line}")).await, ExitCode::from(code), "{line}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was started");
}

#[test]
fn the_file_says_what_collectors_are_shown_and_flags_override_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.yaml");
    std::fs::write(&file, "name: a\ncollectors: [http://x:1]\ntoken_file: t\nca_file: c\ninsecure: true\n").unwrap();
    let line = format!("uphold-agent run --config {} --token-file u", file.display());
    let Command::Run(args) = parse(&line).unwrap().command else { panic!("run") };
    let access = args.config().unwrap().access;
    assert_eq!((access.token_file, access.ca_file), (Some("u".into()), Some("c".into())));
    assert!(access.insecure);
}

#[tokio::test]
async fn everything_but_the_agent_itself_ends_when_it_is_told_to() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = format!("uphold-agent probe http://{} --timeout 1h", silent.local_addr().unwrap());
    let ended = parse(&line).unwrap().execute(async { drop(silent.accept().await) });
    assert_eq!(ended.await, ExitCode::from(CUT_SHORT));
}

#[tokio::test]
async fn check_is_content_with_a_collector_that_assigns() {
    let (collector, address, _heard) = crate::fake_collector::Collector::serve().await;
    collector.assign(uphold_common::wire::assignment::Assignment::default());
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display();
    let line = format!("uphold-agent check --name a --collector http://{address} --data {data} --listen 127.0.0.1:0");
    assert_eq!(exit(&line).await, ExitCode::SUCCESS);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}
