//! Certificates that the gateway obtains itself.

use std::path::Path;

use super::{CertificateSource, Config, Folder, UPSTREAM, parse, parse_in, refused::mistakes};

const LISTEN: &str =
    "listen: [{ address: 127.0.0.1:1, redirect: https }, { address: 127.0.0.1:2, certificates: acme }]\n";
const SESSION: &str = "session:\n  public_url: [https://shop.example, 'https://Wiki.example:8443', 'https://192.0.2.1']\n  \
                       secret: ${TRUEGATE_SESSION_SECRET}\n  partner: { key: a, name: b }\n\
                       callback: { path: '${TRUEGATE_CALLBACK_PATH}' }\n";

fn acme(keys: &str) -> String {
    format!("{UPSTREAM}{LISTEN}acme: {{ {keys} }}\n")
}

const REQUIRED: &str = "folder: acme, terms_of_service_agreed: true";

#[test]
fn a_certificate_is_obtained_for_each_host() {
    let files = |config: &Config| match &config.listen[1].tls.as_ref().unwrap().certificates {
        CertificateSource::Acme(files) => files.iter().map(|files| files.certificate.clone()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let config =
        parse(&acme(&format!("{REQUIRED}, hosts: [shop.example, WIKI.example], contact: ops@shop.example"))).unwrap();
    let read = config.acme.as_ref().unwrap();
    assert_eq!(read.hosts, ["shop.example", "wiki.example"]);
    assert_eq!(read.directory, "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!((read.contact.as_deref(), read.trusted.len()), (Some("mailto:ops@shop.example"), 0));
    assert_eq!(read.folder, Path::new("acme/acme-v02.api.letsencrypt.org"));
    assert_eq!(files(&config), [read.folder.join("shop.example.pem"), read.folder.join("wiki.example.pem")]);

    // Each server has a folder of its own.
    let directory = "directory: 'https://[::1]:14000/dir', hosts: shop.example";
    let config = parse(&acme(&format!("{REQUIRED}, {directory}"))).unwrap();
    assert_eq!(config.acme.unwrap().folder, Path::new("acme/[::1]:14000"));
    assert!(parse(UPSTREAM).unwrap().acme.is_none());
}

#[test]
fn the_hosts_of_the_site_are_the_default() {
    let config = parse(&format!("{}{SESSION}", acme(REQUIRED))).unwrap();
    assert_eq!(config.acme.unwrap().hosts, ["shop.example", "wiki.example"]);
}

#[test]
fn each_key_is_refused_unless_it_would_work() {
    let folder = Folder::new();
    folder.write("file", b"");
    folder.write("junk.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    let hosts = "hosts: [shop.example]";
    for (keys, expected) in [
        (format!("terms_of_service_agreed: true, {hosts}"), "acme.folder: missing (name a folder"),
        (format!("folder: file, terms_of_service_agreed: true, {hosts}"), "acme.folder: is not a folder (name a"),
        (format!("folder: acme, {hosts}"), "acme.terms_of_service_agreed: missing (read the terms"),
        (
            format!("folder: acme, terms_of_service_agreed: false, {hosts}"),
            "acme.terms_of_service_agreed: must be true",
        ),
        (
            format!("folder: acme, terms_of_service_agreed: 'true', {hosts}"),
            "acme.terms_of_service_agreed: must be true",
        ),
        (REQUIRED.to_owned(), "acme.hosts: missing (list the hosts, such as shop.example, or add a"),
        (format!("{REQUIRED}, hosts: []"), "acme.hosts: must not be empty (list a host"),
        (format!("{REQUIRED}, hosts: ['*.shop.example']"), "acme.hosts[0]: needs the challenge dns-01, which"),
        (format!("{REQUIRED}, hosts: [a.example, a.example]"), "acme.hosts[1]: is listed twice (remove one"),
        (format!("{REQUIRED}, hosts: [a.example, A.example]"), "acme.hosts[1]: is listed twice (remove one"),
        (format!("{REQUIRED}, {hosts}, contact: ops"), "acme.contact: not an email address (write"),
        (format!("{REQUIRED}, {hosts}, contact: 'mailto:ops@shop.example'"), "acme.contact: not an email address"),
        (format!("{REQUIRED}, {hosts}, contact: 'a@b.example,c@d.example'"), "acme.contact: not an email address"),
        (format!("{REQUIRED}, {hosts}, directory: 'http://acme.example/dir'"), "acme.directory: must be the URL"),
        (format!("{REQUIRED}, {hosts}, directory: acme.example"), "acme.directory: must be the URL of a directory"),
        (format!("{REQUIRED}, {hosts}, directory: 'https://a:b@acme.example/'"), "acme.directory: must be the URL"),
        (format!("{REQUIRED}, {hosts}, ca_file: none.pem"), "acme.ca_file: the file cannot be read"),
        (format!("{REQUIRED}, {hosts}, ca_file: junk.pem"), "acme.ca_file: the file has a certificate that cannot"),
        (format!("{REQUIRED}, {hosts}, email: a"), "acme.email: unknown key"),
    ] {
        let errors = parse_in(&folder, &acme(&keys)).expect_err(&keys);
        assert!(errors.lines().len() == 1 && errors.lines()[0].contains(expected), "{keys}: {errors}");
        assert!(errors.lines()[0].ends_with(')'), "tells what to do: {errors}");
    }
    for host in
        ["192.0.2.1", "'[::1]'", "shop.example.", "shop.example:443", "'https://shop.example'", "a..b", "../a", "''"]
    {
        let errors = parse_in(&folder, &acme(&format!("{REQUIRED}, hosts: [{host}]"))).expect_err(host);
        assert!(errors.to_string().contains("acme.hosts[0]: not the name of a host (write shop.example)"), "{errors}");
    }
}

#[test]
fn the_section_and_its_listeners_go_together() {
    let acme = format!("acme: {{ {REQUIRED}, hosts: [shop.example] }}\n");
    for (text, expected) in [
        (LISTEN.to_owned(), "2:91: listen[1].certificates: needs the section `acme` (add it, or write ./acme for"),
        (acme.clone(), "2:1: acme: only used by a listener with `certificates: acme` (add it to one, or remove"),
        (
            format!("listen: {{ address: 127.0.0.1:1, certificates: acme }}\n{acme}"),
            "3:1: acme: needs a listener where the ACME server can ask for challenges by http (add { address:",
        ),
        (format!("{LISTEN}acme: true\n"), "3:7: acme: must be a mapping"),
        // A mistake in a section is told once.
        (
            format!("{LISTEN}acme: {{ {REQUIRED} }}\n{}", SESSION.replace("${TRUEGATE_SESSION_SECRET}", "short")),
            "6:11: session.secret: ",
        ),
    ] {
        let found = mistakes(&format!("{UPSTREAM}{text}"));
        assert!(found[0].starts_with(expected), "{text}: {found:#?}");
        assert!(!found.iter().skip(1).any(|line| line.contains("acme")), "{found:#?}");
    }
}
