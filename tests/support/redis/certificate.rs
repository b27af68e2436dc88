//! A certificate of an authority that nobody knows.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Writes `certificate.pem` and `key.pem` for a name, and `authority.pem`; gives the authority.
pub fn for_name(name: &str, folder: &Path) -> String {
    let (authority_key, key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let mut authority = CertificateParams::default();
    // With the name that a certificate has by default, it would pass for its own authority.
    authority.distinguished_name.push(DnType::CommonName, "an authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).expect("an authority").pem();
    let issuer = Issuer::new(authority, authority_key);
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    std::fs::write(folder.join("certificate.pem"), certificate.pem()).expect("the folder can be written to");
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("the folder can be written to");
    std::fs::write(folder.join("authority.pem"), &pem).expect("the folder can be written to");
    pem
}
