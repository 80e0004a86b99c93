//! Requests that are wrong, refused or too many.

use super::*;

const MODULES: &str = "modules: { http_2xx: { prober: http, timeout: 2s }, tcp: { prober: tcp, timeout: 2s }, \
    file: { prober: tcp, tcp: { tls: true, tls_config: { ca_file: /srv/ca.pem } } } }\n";

fn blackbox(accept: Accept) -> Blackbox {
    Blackbox::new(Arc::new(Modules::parse("blackbox.yml", MODULES).unwrap()), Arc::new(accept))
}

fn request(module: &str, target: &str) -> Request {
    Request { target: target.to_owned(), module: module.to_owned(), ..Request::default() }
}

async fn asked(blackbox: &Blackbox, module: &str, target: &str) -> Result<String, Refusal> {
    blackbox.answer(&request(module, target), Instant::from_ms(1)).await
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_words_that_are_known() {
    let blackbox = blackbox(Accept::default());
    let wrong = |text: &str| Err(Refusal::Wrong(text.to_owned()));
    assert_eq!(asked(&blackbox, "foo", "x").await, wrong("Unknown module \"foo\""));
    assert_eq!(asked(&blackbox, "", "").await, wrong("Target parameter is missing"));
    let long = asked(&blackbox, "tcp", &"x".repeat(TARGET_BYTES_MAX + 1)).await.unwrap_err();
    assert!(matches!(long, Refusal::Wrong(why) if why.contains("at most 2000 bytes")));
    let hurried = Request { waits_s: Some("soon".to_owned()), ..request("tcp", "127.0.0.1:1") };
    let told = blackbox.answer(&hurried, Instant::from_ms(1)).await.unwrap_err();
    assert!(matches!(told, Refusal::NotUnderstood(why) if why.contains("parsing \"soon\"")));
    let answered = asked(&blackbox, "tcp", "no port").await.unwrap();
    assert!(answered.contains("\nprobe_success 0\n") && !answered.contains("probe_ip_protocol"), "{answered}");
}

#[tokio::test]
async fn nobody_is_spoken_to_whom_the_host_does_not_let_the_agent_speak_to() {
    let kinds = Accept { kinds: Some(["http".to_owned()].into()), ..Accept::default() };
    for (accept, module, target, told) in [
        (Accept::default(), "http_2xx", "http://169.254.169.254/latest", "169.254.169.254"),
        (Accept::default(), "tcp", "169.254.169.254:80", "169.254.169.254"),
        (Accept::default(), "file", "127.0.0.1:1", "/srv/ca.pem"),
        (kinds, "tcp", "127.0.0.1:1", "no probes of the kind tcp"),
    ] {
        let refused = asked(&blackbox(accept), module, target).await.unwrap_err();
        assert!(matches!(&refused, Refusal::NotTried(why) if why.contains(told)), "{target}: {refused:?}");
    }
    let problems = blackbox(Accept::default()).problems();
    assert!(problems.len() == 1 && problems[0].starts_with("file: "), "{problems:?}");
}

#[tokio::test]
async fn too_many_at_once_are_refused_and_what_is_ready_is_bounded() {
    let blackbox = blackbox(Accept::default());
    let all = u32::try_from(PROBES_MAX).unwrap();
    let places = blackbox.room.acquire_many(all).await.unwrap();
    assert_eq!(asked(&blackbox, "tcp", "127.0.0.1:1").await, Err(Refusal::Busy));
    drop(places);
    for port in 1..=READY_MAX + 1 {
        let (module, target) = (blackbox.modules.get("tcp").unwrap(), format!("127.0.0.1:{port}"));
        blackbox.probe("tcp", module, &request("tcp", &target)).unwrap().unwrap();
    }
    assert_eq!(blackbox.ready.lock().unwrap().len(), 1);
    assert!(asked(&blackbox, "tcp", "127.0.0.1:1").await.unwrap().contains("\nprobe_success 0\n"));
}
