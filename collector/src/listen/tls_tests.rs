//! Certificates from files: what is refused at the start, and what a changed file does later.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

/// A folder with a certificate for `localhost` and its key.
struct Pair {
    folder: TempDir,
}

impl Pair {
    fn new() -> Self {
        let pair = Self { folder: tempfile::tempdir().unwrap() };
        let (certificate, key) = made();
        pair.write(&certificate, &key);
        pair
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.folder.path().join("tls.crt"), key: self.folder.path().join("tls.key") }
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(self.files().certificate, certificate).unwrap();
        fs::write(self.files().key, key).unwrap();
    }
}

/// A new certificate and its key.
pub(crate) fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn in_force(tls: &Tls) -> Vec<u8> {
    tls.in_force.read().unwrap().cert[0].to_vec()
}

#[test]
fn what_cannot_be_used_is_told_clearly() {
    let (certificate, key) = made();
    let cut = certificate.replace("-----END CERTIFICATE-----", "");
    let large = "x".repeat(1024 * 1024 + 1);
    for (certificate, key, expected) in [
        ("nothing", &*key, "there is no certificate in"),
        (&*certificate, "nothing", "there is no private key in"),
        (&*key, &*key, "there is no certificate in"),
        (&*certificate, &*certificate, "there is no private key in"),
        (&*cut, &*key, "tls.crt is damaged: a section has no end"),
        (&*certificate, &*made().1, "the key is that of another certificate"),
        (&*certificate, &*large, "tls.key has more than 1048576 bytes"),
    ] {
        let pair = Pair::new();
        pair.write(certificate, key);
        let told = Tls::open(pair.files()).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    }
    let missing = TlsFiles { certificate: "/nowhere/tls.crt".into(), key: "/nowhere/tls.key".into() };
    let told = Tls::open(missing).unwrap_err().to_string();
    assert!(told.starts_with("could not read /nowhere/tls.crt: No such file"), "{told}");
}

#[test]
fn changed_files_are_taken_up_and_unsound_ones_are_not() {
    let pair = Pair::new();
    let tls = Tls::open(pair.files()).unwrap();
    let first = in_force(&tls);
    assert!(tls.look_again().is_none(), "nothing changed");

    let (certificate, key) = made();
    fs::write(pair.files().certificate, &certificate).unwrap();
    assert!(tls.look_again().unwrap().is_err(), "its key is not there yet");
    assert_eq!(in_force(&tls), first);
    assert!(tls.look_again().is_none(), "that was told");
    fs::write(pair.files().key, &key).unwrap();
    tls.look_again().unwrap().unwrap();
    let second = in_force(&tls);
    assert_ne!(second, first);

    fs::remove_file(pair.files().key).unwrap();
    assert!(tls.look_again().unwrap().is_err());
    assert_eq!(in_force(&tls), second);
    assert_eq!(tls.reloads(), Reloads { taken: 1, refused: 2 });
}

#[test]
fn a_key_that_everybody_can_read_is_worth_a_word() {
    let pair = Pair::new();
    let tls = Tls::open(pair.files()).unwrap();
    for (mode, warned) in [(0o600, false), (0o640, false), (0o644, true)] {
        fs::set_permissions(pair.files().key, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(tls.warning().is_some(), warned, "{mode:o}");
    }
}
