//! Messages by every channel, each to a program that is not ours.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use uphold_tests::process::mailserver::{Letter, MailServer, USER};
use uphold_tests::process::verifier::Verifier;

use crate::outage::{DOWN, OPENED, RESOLVED};
use crate::world::{World, run, until};

/// A world whose receiver `duty` is told in this way.
fn told(way: &str) -> World {
    World::watched_under(|world, text| {
        let usual = format!("webhook: {{ url: \"{}\" }}", world.inbox.url());
        assert!(text.contains(&usual));
        text.replace(&usual, way)
    })
}

#[test]
fn a_signed_message_is_verified_and_one_under_another_key_is_refused_until_the_key_is_right() {
    let (key, other) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let verifier = Verifier::start(key).unwrap();
    let keys = tempfile::NamedTempFile::new().unwrap();
    // The old key and the new one, as while keys are changed.
    fs::write(keys.path(), format!("{other}\n{key}\n")).unwrap();
    let file = keys.path().display();
    let mut world = told(&format!("webhook: {{ url: \"{}\", secret_file: {file} }}", verifier.url()));
    world.stop_shop();
    let is = |kind: &str, found: &Value| found["event"]["type"] == kind && found["event"]["data"]["cause"] == DOWN;
    let opened = until("a verified message", || verifier.found().unwrap().into_iter().find(|one| is(OPENED, one)));
    assert_eq!(opened["id"], opened["event"]["id"], "a receiver knows it again by its header");

    fs::write(keys.path(), other).unwrap();
    world.start_shop();
    let refused =
        until("a message to be refused", || verifier.found().unwrap().into_iter().find(|one| one["why"].is_string()));
    assert_eq!(refused["why"], "No matching signature found");
    let dead = "uphold_receiver_dead_letters{receiver=\"duty\"}";
    until("a dead letter", || world.collector_metric(dead).filter(|dead| *dead > 0.5));
    assert!(!verifier.found().unwrap().iter().any(|one| is(RESOLVED, one)), "401 is never tried again");
}

/// A mail server whose certificate is vouched for by the authority in the file.
fn mail_server(authority: &std::path::Path, tls: &str) -> MailServer {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut of_authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    of_authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = of_authority.self_signed(&key).unwrap();
    fs::write(authority, certificate.pem()).unwrap();
    let issuer = rcgen::Issuer::new(of_authority, key);
    let server_key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&server_key, &issuer).unwrap();
    MailServer::start(&server.pem(), &server_key.serialize_pem(), tls).unwrap()
}

/// The letters about the outage.
fn about_the_outage(server: &MailServer) -> Vec<Letter> {
    server.letters().unwrap().into_iter().filter(|letter| letter.body().contains(DOWN)).collect()
}

#[test]
fn an_incident_is_a_thread_of_letters_in_a_mailbox() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let server = mail_server(&authority, "starttls");
    let mail = format!(
        "mail: {{ server: \"{}\", ca_file: {}, user: {USER}, password_file: {}, from: uphold@example.com, \
         to: [duty@later.example, lead@example.com] }}",
        server.address(),
        authority.display(),
        server.password().display()
    );
    let mut world = World::watched_under(|world, text| {
        let usual = format!("webhook: {{ url: \"{}\" }}", world.inbox.url());
        // A name that wants to be a header.
        text.replace(&usual, &mail).replace("name: Web shop", "name: \"Shöp Bcc: x@evil.example\"")
    });
    world.stop_shop();
    // The first attempt is told to come back later.
    let opened = until("the first letter", || about_the_outage(&server).pop());
    assert_eq!(opened.header("From"), ["uphold@example.com"]);
    assert_eq!(opened.header("To"), ["duty@later.example, lead@example.com"]);
    assert_eq!(opened.header("X-RcptTo"), ["duty@later.example, lead@example.com"]);
    assert_eq!(opened.header("Auto-Submitted"), ["auto-generated"]);
    assert_eq!((opened.header("Bcc").len(), opened.defects()), (0, 0));
    let subject = opened.header("Subject")[0].to_owned();
    assert!(subject.ends_with(" P1 Shöp Bcc: x@evil.example: opened"), "{subject}");
    let failed = || world.collector_metric("uphold_receiver_failed_attempts_total{receiver=\"duty\"}");
    until("451 to be tried again", || failed().filter(|failed| *failed > 0.5));

    world.start_shop();
    let letters = until("the letter about its end", || Some(about_the_outage(&server)).filter(|all| all.len() > 1));
    let resolved = letters.iter().find(|letter| letter.header("Subject")[0].ends_with(": resolved")).unwrap();
    let thread = opened.header("Message-ID");
    assert_eq!((resolved.header("In-Reply-To"), resolved.header("References")), (thread.clone(), thread.clone()));
    assert_ne!(resolved.header("Message-ID"), thread);
    assert!(resolved.body().contains("Resolution:      the service works again"), "{}", resolved.body());
}

#[test]
fn a_mail_that_is_refused_is_a_dead_letter_that_can_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let server = mail_server(&authority, "starttls");
    let mail = |to: &str| {
        format!(
            "mail: {{ server: \"{}\", ca_file: {}, user: {USER}, password_file: {}, from: u@example.com, to: [{to}] }}",
            server.address(),
            authority.display(),
            server.password().display()
        )
    };
    let (never, somebody) = (mail("duty@never.example"), mail("duty@example.com"));
    let mut world = told(&never);
    let data = world.collector_data();
    let tried = run("uphold-collector", &["notify", "test", "duty", "--data", &data]);
    assert_eq!(tried.status.code(), Some(1));
    let said = String::from_utf8(tried.stderr).unwrap();
    assert!(said.contains("duty was not told: the mail server answered 550"), "{said}");

    world.stop_shop();
    let letter =
        until("a dead letter", || world.ask("/api/v1/dead-letters")["dead_letters"].as_array()?.first().cloned());
    assert_eq!((&letter["receiver"], &letter["reason"]), (&"duty".into(), &"the mail server answered 550".into()));
    assert!(server.letters().unwrap().is_empty());
    let text = fs::read_to_string(world.catalogue()).unwrap();
    fs::write(world.catalogue(), text.replace(&never, &somebody)).unwrap();
    let tried = until("the test to be delivered", || {
        let tried = run("uphold-collector", &["notify", "test", "duty", "--data", &data]);
        (tried.status.code() == Some(0)).then_some(tried)
    });
    assert_eq!(String::from_utf8(tried.stdout).unwrap(), "duty was told: the mail server answered 250.\n");
    let number = letter["number"].to_string();
    let sent = run("uphold-collector", &["notify", "resend", "duty", &number, "--data", &data]);
    assert_eq!(sent.status.code(), Some(0), "{sent:?}");
    until("the letter", || about_the_outage(&server).pop());
    let again = run("uphold-collector", &["notify", "resend", "duty", &number, "--data", &data]);
    assert_eq!(again.status.code(), Some(1), "it is no dead letter any more");
    let deeds = run("uphold-collector", &["deeds", "--data", &data]);
    assert!(String::from_utf8(deeds.stdout).unwrap().contains("sent to duty again"));
}

#[test]
fn a_program_is_given_each_event_and_asked_again_when_it_wants() {
    let folder = tempfile::tempdir().unwrap();
    let (program, seen) = (folder.path().join("page"), folder.path().join("seen"));
    let once = folder.path().join("once");
    // The first time it asks for patience, as sysexits.h has it.
    let script = format!(
        "#!/bin/sh\nif [ ! -e {once} ]; then : >{once}; exit 75; fi\n{{ cat; echo; }} >>{seen}\n",
        once = once.display(),
        seen = seen.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut world = told(&format!("exec: {{ command: [{}], timeout: 10s }}", program.display()));
    world.stop_shop();
    let events = || -> Vec<Value> {
        let text = fs::read_to_string(&seen).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    until("the event", || events().into_iter().find(|one| one["type"] == OPENED && one["data"]["cause"] == DOWN));
    let failed = || world.collector_metric("uphold_receiver_failed_attempts_total{receiver=\"duty\"}");
    until("the first attempt among those that failed", || failed().filter(|failed| *failed > 0.5));
}

#[test]
fn a_server_that_speaks_tls_from_the_beginning_gets_letters_and_nobody_in_between_does() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (folder.path().join("ca.pem"), folder.path().join("other.pem"));
    let server = mail_server(&authority, "implicit");
    drop(mail_server(&other, "implicit"));
    let mail = |tls: &str, authority: &std::path::Path| {
        format!(
            "mail: {{ server: \"{}\", tls: {tls}, ca_file: {}, user: {USER}, password_file: {}, from: u@example.com, to: [d@example.com] }}",
            server.address(),
            authority.display(),
            server.password().display()
        )
    };
    let sound = mail("implicit", &authority);
    let mut world = told(&sound);
    let data = world.collector_data();
    let test = || run("uphold-collector", &["notify", "test", "duty", "--data", &data]);
    assert_eq!(String::from_utf8(test().stdout).unwrap(), "duty was told: the mail server answered 250.\n");
    world.stop_shop();
    let letter = until("the letter", || about_the_outage(&server).pop());
    assert!(letter.header("Subject")[0].ends_with(": opened"), "{letter:?}");

    let written = fs::read_to_string(world.catalogue()).unwrap();
    for (wrong, why) in [
        // Nobody vouches for the server; and whoever waits for a greeting in the clear waits in vain.
        (mail("implicit", &other), "could not reach the mail server: "),
        (mail("starttls", &authority), "the mail server "),
    ] {
        fs::write(world.catalogue(), written.replace(&sound, &wrong)).unwrap();
        let said = format!("duty was not told: {why}");
        // Until the changed file is taken up, it is tried as before.
        until(&said, || {
            let tried = test();
            (tried.status.code() == Some(1) && String::from_utf8(tried.stderr).unwrap().contains(&said)).then_some(())
        });
    }
}
