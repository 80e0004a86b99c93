//! Files of roots that can be used, and those that cannot.

use super::*;
use crate::fake_authority::Authority;

#[test]
fn a_file_of_roots_has_certificates_and_nothing_broken() {
    let authority = Authority::new();
    let one = std::fs::read_to_string(authority.ca_file()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roots.pem");
    for (content, roots, wrong) in [
        (one.clone(), 1, ""),
        (format!("# the first\n{one}\n# and again\n{one}"), 2, ""),
        (String::new(), 0, "is empty"),
        ("\n \n".to_owned(), 0, "is empty"),
        ("not a certificate\n".to_owned(), 0, "has no certificate in it"),
        (one.replace("CERTIFICATE", "PUBLIC KEY"), 0, "has no certificate in it"),
        (one.lines().take(3).collect::<Vec<_>>().join("\n"), 0, "certificate 1 of"),
        (format!("{one}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0, "certificate 2 of"),
        (format!("{one}{}", "#".repeat(1024 * 1024)), 0, "has more than"),
    ] {
        std::fs::write(&path, &content).unwrap();
        match read_roots(&path) {
            Ok(read) => assert_eq!((read.len(), wrong), (roots, ""), "{content}"),
            Err(error) => assert!(error.to_string().contains(wrong) && !wrong.is_empty(), "{error}: {content}"),
        }
    }
    assert!(matches!(read_roots(folder.path()), Err(CaError::Read { .. })));
}
