//! How a collector can be reached: over TLS with the certificate that lies there, and from nowhere that would be insecure.

use std::fs;
use std::path::Path;
use std::process::Command;

use uphold_tests::process::child::system_program;

use crate::world::{World, run, until};

/// Puts a new certificate for the loopback address and its key into these files.
fn certify(certificate: &Path, key: &Path) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(key, made.signing_key.serialize_pem()).unwrap();
    fs::write(certificate, made.cert.pem()).unwrap();
}

/// What is answered to somebody who trusts only this certificate; none when that is not the one in force.
fn ask(world: &World, certificate: &Path) -> Option<String> {
    let mut curl = Command::new(system_program("curl").unwrap());
    curl.args(["--silent", "--fail", "--max-time", "10", "--cacert"]).arg(certificate);
    let answer = curl.arg(format!("https://127.0.0.1:{}/healthz", world.collector_port)).output().unwrap();
    answer.status.success().then(|| String::from_utf8(answer.stdout).unwrap())
}

#[test]
fn it_is_reached_over_tls_and_takes_up_a_new_certificate() {
    let mut world = World::without_agent();
    world.stop_collector();
    let (certificate, key, trusted) = (world.path("tls.crt"), world.path("tls.key"), world.path("trusted.crt"));
    certify(&certificate, &key);
    fs::copy(&certificate, &trusted).unwrap();
    let config = format!("tls: {{ certificate: {}, key: {} }}\n", certificate.display(), key.display());
    world.launch_collector(&config);
    until("the collector to answer over TLS", || ask(&world, &trusted));
    let said = world.collector.as_ref().unwrap().output();
    assert!(said.contains(&format!("at https://127.0.0.1:{}/", world.collector_port)), "{said}");
    assert!(said.contains("warning: the private key"), "the test's key can be read by everybody: {said}");

    certify(&certificate, &key);
    until("the new certificate to be in force", || ask(&world, &certificate));
    assert_eq!(ask(&world, &trusted), None, "the old one is not");
    world.stop_collector();
}

#[test]
fn where_it_would_be_insecure_it_does_not_start_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("catalogue.yaml"), "").unwrap();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    certify(Path::new(&certificate), Path::new(&key));
    let tls = format!("tls: {{ certificate: {certificate}, key: {key} }}");
    let unfit = format!("tls: {{ certificate: {key}, key: {key} }}");
    for (said, expected) in [
        ("listen: 0.0.0.0:18080", "without TLS. Give `tls: "),
        (&*format!("listen: 0.0.0.0:18080\n{tls}\ntokens: optional"), "without tokens. Say `tokens: required`"),
        (&*format!("listen: 127.0.0.1:18080\n{unfit}"), "there is no certificate in"),
    ] {
        let config = path("collector.yaml");
        let text = format!("{said}\ndata_dir: {}\ncatalogue: {}\n", path("data"), path("catalogue.yaml"));
        fs::write(&config, text).unwrap();
        let ended = run("uphold-collector", &["serve", "--config", &config]);
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
        assert!(!Path::new(&path("data")).exists(), "nothing was begun");
    }
}
