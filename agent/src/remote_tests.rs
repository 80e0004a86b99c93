//! Collectors over TLS and with tokens, as the agent's requests meet them.

use super::*;
use crate::fake_authority::Authority;
use crate::fake_collector::Collector;
use std::path::PathBuf;

#[test]
fn endpoints_lie_below_the_path_of_their_collector() {
    for (base, expected) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v1/a%2Fb"),
        ("https://example.org/uphold/", "https://example.org/uphold/api/v1/a%2Fb"),
        ("https://example.org/uphold", "https://example.org/uphold/api/v1/a%2Fb"),
    ] {
        assert_eq!(endpoint(&Url::parse(base).unwrap(), &["api", "v1", "a/b"]).as_str(), expected);
    }
}

/// What a collector behind this certificate answers an agent that trusts this file.
async fn asked(tls: tokio_rustls::TlsAcceptor, ca_file: Option<PathBuf>) -> Result<u16, String> {
    let (_, address, _heard) = Collector::serve_tls(tls).await;
    let remote = Remote::new(&Access { ca_file, ..Access::default() }).unwrap();
    let url = Url::parse(&format!("https://{address}/api/v1/services/shop/figures")).unwrap();
    remote.get(url, None, 1_000).await.map(|reply| reply.status).map_err(|error| error.to_string())
}

#[tokio::test]
async fn only_certificates_of_the_given_authority_and_name_are_accepted() {
    let (ours, other) = (Authority::new(), Authority::new());
    let here = "IP:127.0.0.1";
    assert_eq!(asked(ours.server(here), Some(ours.ca_file())).await, Ok(200));
    let (tls, its_own) = ours.self_signed(here);
    assert_eq!(asked(tls, Some(its_own)).await, Ok(200), "a certificate can be its own authority");
    for (tls, ca_file, why) in [
        (ours.server(here), None, "signed by no authority that this agent trusts"),
        (other.server(here), Some(ours.ca_file()), "signed by no authority that this agent trusts"),
        (ours.server("DNS:elsewhere.example"), Some(ours.ca_file()), "elsewhere.example"),
        (ours.itself(), Some(ours.ca_file()), "of an authority and not of a server"),
    ] {
        let error = asked(tls, ca_file).await.unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn roots_that_are_given_stand_in_place_of_the_systems() {
    let ours = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let both = folder.path().join("both.pem");
    let pem = |authority: &Authority| std::fs::read_to_string(authority.ca_file()).unwrap();
    std::fs::write(&both, pem(&Authority::new()) + &pem(&ours)).unwrap();
    assert_eq!(asked(ours.server("IP:127.0.0.1"), Some(both)).await, Ok(200), "one of several");
    let access = Access { ca_file: Some(folder.path().join("none.pem")), ..Access::default() };
    assert!(matches!(Remote::new(&access), Err(AccessError::Ca(CaError::Read { .. }))));
}

/// The part of the way that fails when this is asked for.
async fn trouble(url: &str) -> Trouble {
    let remote = Remote::new(&Access::default()).unwrap();
    match remote.get(Url::parse(url).unwrap(), None, 1_000).await {
        Err(RemoteError::NoAnswer { trouble, .. }) => trouble,
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn the_part_of_the_way_that_fails_is_known() {
    let ours = Authority::new();
    let (_, over_tls, _heard) = Collector::serve_tls(ours.server("IP:127.0.0.1")).await;
    let (_, plain, _heard) = Collector::serve().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, expected) in [
        (format!("http://{nobody}"), Trouble::Refused),
        (format!("https://{over_tls}"), Trouble::Certificate),
        (format!("https://{plain}"), Trouble::NoTls),
        (format!("http://{over_tls}"), Trouble::NoHttp),
    ] {
        assert_eq!(trouble(&url).await, expected, "{url}");
    }
}
