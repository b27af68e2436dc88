//! Certificates and keys are looked at before anything listens.

use super::{Folder, UPSTREAM, parse_in};

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
        assert_eq!(errors.lines.len(), 1, "{errors}");
    }
    for (file, expected) in
        [("no.pem", "cannot be read"), ("empty.pem", "no certificate"), ("junk.pem", "cannot be read")]
    {
        let text = format!("{UPSTREAM}truecaller: {{ ca_file: {file} }}");
        let errors = parse_in(&folder, &text).unwrap_err().to_string();
        assert!(errors.contains(":2:24: truecaller.ca_file: ") && errors.contains(expected), "{errors}");
    }
}
