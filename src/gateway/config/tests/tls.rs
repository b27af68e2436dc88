//! Certificates and keys are looked at before anything listens.

use super::{CertificateSource, Folder, UPSTREAM, parse_in};
use crate::gateway::config::TlsVersion;

#[test]
fn tls_files_are_refused_unless_they_would_serve() {
    let folder = Folder::new();
    folder.write_pair("a.pem", "a-key.pem");
    folder.write_pair("b.pem", "b-key.pem");
    folder.write("empty.pem", b"");
    folder.write("cut.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n");
    folder.write("junk.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    folder.write("junk-key.pem", b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");
    for (files, expected) in [
        ("certificate: a.pem", "2:33: listen.certificate: must come with `key`"),
        ("key: a-key.pem", "2:33: listen.key: must come with `certificate`"),
        ("certificate: no.pem, key: a-key.pem", "2:46: listen.certificate: the file cannot be read"),
        ("certificate: a.pem, key: no.pem", "2:58: listen.key: the file cannot be read"),
        ("certificate: empty.pem, key: a-key.pem", "2:46: listen.certificate: the file has no certificate"),
        ("certificate: cut.pem, key: a-key.pem", "2:46: listen.certificate: the file is not a complete PEM file"),
        (
            "certificate: junk.pem, key: a-key.pem",
            "2:46: listen.certificate: the file has a certificate that cannot be read",
        ),
        ("certificate: a.pem, key: a.pem", "2:58: listen.key: the file has no private key"),
        ("certificate: a.pem, key: junk-key.pem", "2:58: listen.key: the kind of this private key is not supported"),
        ("certificate: a.pem, key: b-key.pem", "2:58: listen.key: does not belong to the first certificate"),
    ] {
        let text = format!("{UPSTREAM}listen: {{ address: 127.0.0.1:1, {files} }}");
        let errors = parse_in(&folder, &text).unwrap_err();
        let expected = format!("{}:{expected}", folder.path("config.yaml").display());
        assert!(errors.to_string().starts_with(&expected), "{files}: {errors}");
        assert_eq!(errors.lines().len(), 1, "{errors}");
    }
    for (file, expected) in
        [("no.pem", "cannot be read"), ("empty.pem", "no certificate"), ("junk.pem", "cannot be read")]
    {
        let text = format!("{UPSTREAM}truecaller: {{ ca_file: {file} }}");
        let errors = parse_in(&folder, &text).unwrap_err().to_string();
        assert!(errors.contains(":2:24: truecaller.ca_file: ") && errors.contains(expected), "{errors}");
    }
}

/// The mistakes of a listener with these keys.
fn mistakes(folder: &Folder, keys: &str) -> Vec<String> {
    let text = format!("{UPSTREAM}listen: {{ address: 127.0.0.1:1, {keys} }}");
    let errors = parse_in(folder, &text).expect_err(keys);
    let place = format!("{}:", folder.path("config.yaml").display());
    errors.lines().iter().map(|line| line.strip_prefix(&place).expect(line).to_owned()).collect()
}

#[test]
fn several_certificates_are_a_list_of_pairs_or_a_folder() {
    let folder = Folder::new();
    folder.write_pair("a.pem", "a-key.pem");
    folder.write_pair("tls/b.crt", "tls/b.key");
    for (certificates, count) in [
        ("[{ certificate: a.pem, key: a-key.pem }, { certificate: tls/b.crt, key: tls/b.key }]", 2),
        ("tls", 0),
        ("'tls/'", 0),
    ] {
        let text = format!("{UPSTREAM}listen: {{ address: 127.0.0.1:1, certificates: {certificates} }}");
        let config = parse_in(&folder, &text).unwrap();
        let found = match &config.listen[0].tls.as_ref().unwrap().certificates {
            CertificateSource::Pairs(pairs) => pairs.len(),
            CertificateSource::Folder(_) | CertificateSource::Acme(_) => 0,
        };
        assert_eq!(found, count, "{certificates}");
    }
}

#[test]
fn certificates_are_refused_unless_each_pair_would_serve() {
    let folder = Folder::new();
    folder.write_pair("a.pem", "a-key.pem");
    folder.write_pair("b.pem", "b-key.pem");
    folder.write("empty/README", b"");
    folder.write_pair("lone/a.crt", "lone/a.key");
    folder.write("lone/b.key", b"");
    folder.write_pair("twice/a.crt", "twice/a.key");
    folder.write_pair("twice/a.pem", "twice/a.key");
    folder.write_pair("spoilt/a.crt", "spoilt/a.key");
    folder.write("spoilt/a.key", b"no PEM");
    folder.write_pair("mixed/a.crt", "mixed/b.key");
    folder.write_pair("mixed/b.crt", "mixed/a.key");
    for (keys, expected) in [
        ("certificates: []", &["2:47: listen.certificates: must not be empty (list a pair"][..]),
        ("certificates: {}", &["2:47: listen.certificates: must be a single value"]),
        ("certificates: [a.pem]", &["2:48: listen.certificates[0]: must be a mapping"]),
        ("certificates: [{}]", &["2:48: listen.certificates[0]: must be a mapping (write certificate: and key:)"]),
        ("certificates: [{ certificate: a.pem }]", &["2:50: listen.certificates[0].certificate: must come with `key`"]),
        (
            "certificates: [{ certificate: a.pem, key: a-key.pem }, { certificate: a.pem, key: b-key.pem }]",
            &["2:115: listen.certificates[1].key: does not belong to the first certificate"],
        ),
        ("certificates: no", &["2:47: listen.certificates: the folder cannot be read"]),
        ("certificates: a.pem", &["2:47: listen.certificates: the folder cannot be read"]),
        ("certificates: empty", &["2:47: listen.certificates: the folder has no pair (add NAME.crt and"]),
        ("certificates: lone", &["2:47: listen.certificates: the key `b.key` has no certificate (add"]),
        ("certificates: twice", &["2:47: listen.certificates: the name `a` has two certificates (keep"]),
        ("certificates: spoilt", &["2:47: listen.certificates: the pair `a`: the file has no private key (use"]),
        (
            "certificates: mixed",
            &[
                "2:47: listen.certificates: the pair `a`: does not belong to the first certificate",
                "2:47: listen.certificates: the pair `b`: does not belong to the first certificate",
            ],
        ),
        (
            "certificate: a.pem, key: a-key.pem, certificates: empty",
            &["2:69: listen.certificates: must not come with `certificate` and `key` (list that pair"],
        ),
    ] {
        let found = mistakes(&folder, keys);
        assert_eq!(found.len(), expected.len(), "{keys}: {found:?}");
        assert!(found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{keys}: {found:?}");
    }
}

#[test]
fn a_minimum_version_may_be_in_quotes() {
    let folder = Folder::new();
    folder.write_pair("a.pem", "a-key.pem");
    for (word, expected) in [
        ("1.2", TlsVersion::V1_2),
        ("'1.2'", TlsVersion::V1_2),
        ("1.3", TlsVersion::V1_3),
        ("\"1.3\"", TlsVersion::V1_3),
    ] {
        let keys = format!("certificate: a.pem, key: a-key.pem, min_version: {word}");
        let config = parse_in(&folder, &format!("{UPSTREAM}listen: {{ address: 127.0.0.1:1, {keys} }}")).unwrap();
        assert_eq!(config.listen[0].tls.as_ref().unwrap().min_version, expected, "{word}");
    }
}

#[test]
fn keys_of_tls_are_refused_unless_they_have_an_effect() {
    let folder = Folder::new();
    folder.write_pair("a.pem", "a-key.pem");
    folder.write("junk.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    for (keys, expected) in [
        ("min_version: 1.3", "2:33: listen.min_version: only used with TLS (name a `certificate`"),
        ("client_ca: a.pem", "2:33: listen.client_ca: only used with TLS (name a `certificate`"),
        (
            "certificate: a.pem, key: a-key.pem, min_version: 1.1",
            "2:82: listen.min_version: not a known value (write one of 1.2, 1.3)",
        ),
        (
            "certificate: a.pem, key: a-key.pem, min_version: TLSv1.3",
            "2:82: listen.min_version: not a known value (write one of 1.2, 1.3)",
        ),
        ("certificate: a.pem, key: a-key.pem, client_ca: no.pem", "2:80: listen.client_ca: the file cannot be read"),
        (
            "certificate: a.pem, key: a-key.pem, client_ca: a-key.pem",
            "2:80: listen.client_ca: the file has no certificate",
        ),
        (
            "certificate: a.pem, key: a-key.pem, client_ca: junk.pem",
            "2:80: listen.client_ca: the file has a certificate that cannot be read",
        ),
    ] {
        let found = mistakes(&folder, keys);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{keys}: {found:?}");
    }
}
