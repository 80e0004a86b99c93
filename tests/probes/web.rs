//! `http` against nginx: as expected, another code, refused.

use uphold_tests::process::nginx::Nginx;

use crate::{probe, verdict};

#[test]
fn a_server_is_up_until_it_is_stopped() {
    let mut server = Nginx::start("location = /gone { return 410; }").unwrap();
    let (well, gone) = (server.url("/health"), server.url("/gone"));
    let seen = probe(&[&well, "--body-matches", "^ok$"]);
    assert_eq!(verdict(&seen), ("up", "none", Some(200)), "{seen}");
    let seen = probe(&[&gone]);
    assert_eq!(verdict(&seen), ("down", "code", Some(410)), "{seen}");
    server.stop().unwrap();
    let seen = probe(&[&well]);
    assert_eq!(verdict(&seen), ("down", "refused", None), "{seen}");
}
