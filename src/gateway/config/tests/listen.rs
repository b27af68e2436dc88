//! The addresses of listeners, and how a listener learns of its clients.

use super::{
    Folder, ListenAddress, UPSTREAM, parse, parse_in,
    refused::{assert_refused_beside_upstream, mistakes},
};

#[test]
fn a_unix_socket_has_a_path_beside_the_configuration_and_permissions() {
    let folder = Folder::new();
    for (listen, path, mode) in [
        ("unix:/run/truegate.sock", "/run/truegate.sock".into(), 0o660),
        ("{ address: 'unix:a.sock' }", folder.path("a.sock"), 0o660),
        ("{ address: unix:run/a.sock, mode: 0666 }", folder.path("run/a.sock"), 0o666),
        ("{ address: unix:/run/a, mode: '0600' }", "/run/a".into(), 0o600),
        ("{ mode: 660, address: unix:/run/a }", "/run/a".into(), 0o660),
    ] {
        let config = parse_in(&folder, &format!("{UPSTREAM}listen: {listen}")).unwrap();
        assert_eq!(config.listen[0].address, ListenAddress::Unix { path, mode }, "{listen}");
    }
    let ports = format!("{UPSTREAM}listen: [unix:/run/a, 127.0.0.1:81, unix:/run/b]");
    assert_eq!(format!("{:?}", parse(&ports).unwrap().listen[0].address), "unix:/run/a");
}

#[test]
fn an_address_is_refused_unless_it_can_be_listened_on() {
    let long = format!("listen: unix:/{}", "a".repeat(107));
    assert_refused_beside_upstream(&[
        ("listen: 'unix:'", "2:9: listen: must name a file (write unix:/run/truegate.sock)"),
        ("listen: unix:/run/..", "2:9: listen: must name a file"),
        (&long, "2:9: listen: is longer than the 107 bytes of a Unix socket's path (use a shorter folder)"),
        ("listen: [unix:/run/a, unix:/run/a]", "2:23: listen[1]: already used by `listen` or `admin.listen` (choose"),
        ("listen: Unix:/run/a", "2:9: listen: not a valid IP address with a port"),
        (
            "listen: { address: 127.0.0.1:1, mode: 0660 }",
            "2:33: listen.mode: only used with a Unix socket (write address: unix:",
        ),
    ]);
    for mode in ["rw-rw----", "0o660", "1777", "0668", "66", "", "00660"] {
        let text = format!("{UPSTREAM}listen: {{ address: unix:/run/a, mode: '{mode}' }}");
        let expected = "2:39: listen.mode: not valid permissions (write three octal digits, such as 0660)";
        assert!(mistakes(&text)[0].starts_with(expected), "{mode}: {:?}", mistakes(&text));
    }
}

#[test]
fn a_second_process_needs_room_beside_the_path_of_a_socket() {
    let with = |length: usize| {
        format!("listen: [127.0.0.1:81, unix:/{}]\nserver: {{ reuse_port: true }}", "a".repeat(length - 1))
    };
    assert!(parse(&format!("{UPSTREAM}{}", with(99))).unwrap().server.reuse_port);
    assert_refused_beside_upstream(&[
        (
            &with(100),
            "2:24: listen[1]: is longer than the 99 bytes that it may have with `server.reuse_port` (use a shorter",
        ),
        ("server: { reuse_port: yes }", "2:23: server.reuse_port: must be true or false"),
    ]);
}

#[test]
fn a_proxy_header_comes_from_a_trusted_proxy_alone() {
    for (listen, trusted) in [("127.0.0.1:81", "10.0.0.9"), ("unix:/run/a", "unix")] {
        let text =
            format!("{UPSTREAM}listen: {{ address: {listen}, proxy_protocol: true }}\ntrusted_proxies: [{trusted}]");
        assert!(parse(&text).unwrap().listen[0].proxy_protocol);
    }
    assert_refused_beside_upstream(&[
        (
            "listen: { address: 127.0.0.1:81, proxy_protocol: true }",
            "2:20: listen.address: has `proxy_protocol`, but no proxy of it is trusted (add the addresses of the proxies to",
        ),
        (
            "listen: [{ address: 127.0.0.1:81, proxy_protocol: true }, unix:/run/a]\ntrusted_proxies: [unix]",
            "2:21: listen[0].address: has `proxy_protocol`, but no proxy of it is trusted (add the addresses",
        ),
        (
            "listen: { address: unix:/run/a, proxy_protocol: true }\ntrusted_proxies: [10.0.0.9]",
            "2:20: listen.address: has `proxy_protocol`, but no proxy of it is trusted (add `unix` to trusted_proxies)",
        ),
        ("listen: { address: 127.0.0.1:81, proxy_protocol: v2 }", "2:50: listen.proxy_protocol: must be true or false"),
        (
            "trusted_proxies: [unix]",
            "2:18: trusted_proxies: has `unix`, but no listener is a Unix socket (remove it, or listen on unix:",
        ),
    ]);
}

#[test]
fn a_redirect_leads_from_http_to_hosts_of_the_site() {
    let folder = Folder::new();
    folder.write_pair("a.pem", "a-key.pem");
    let site = "{ address: 127.0.0.1:1, certificate: a.pem, key: a-key.pem }";
    for (redirect, port) in [("redirect: https", 443), ("redirect: 'https', redirect_port: 8443", 8443)] {
        let text = format!("{UPSTREAM}listen: [{site}, {{ address: 127.0.0.1:2, {redirect} }}]");
        let config = parse_in(&folder, &text).unwrap();
        assert_eq!(config.listen[0].redirect, None);
        assert_eq!(config.listen[1].redirect.as_ref().unwrap().port, port);
    }
    for (keys, expected) in [
        ("redirect: true", "listen[1].redirect: not a known value (write one of https)"),
        ("redirect: http", "listen[1].redirect: not a known value (write one of https)"),
        ("redirect_port: 443", "listen[1].redirect_port: only used with `redirect: https` (add it,"),
        ("acme_webroot: .", "listen[1].acme_webroot: only used with `redirect: https` (add it,"),
        ("redirect: https, acme_webroot: none", "listen[1].acme_webroot: is not a folder (make it,"),
        ("redirect: https, acme_webroot: a.pem", "listen[1].acme_webroot: is not a folder (make it,"),
        ("redirect: https, redirect_port: 0", "listen[1].redirect_port: must be a port from 1 to 65535 (write 8443"),
        ("redirect: https, redirect_port: '443'", "listen[1].redirect_port: must be a port from 1 to 65535"),
        ("redirect: https, redirect_port: 65536", "listen[1].redirect_port: must be a port from 1 to 65535"),
        (
            "redirect: https, certificate: a.pem, key: a-key.pem",
            "listen[1].redirect: must not come with a certificate, because it redirects from http (give it",
        ),
    ] {
        let text = format!("{UPSTREAM}listen: [{site}, {{ address: 127.0.0.1:2, {keys} }}]");
        let errors = parse_in(&folder, &text).expect_err(keys);
        assert!(errors.lines().len() == 1 && errors.lines()[0].contains(expected), "{keys}: {errors}");
    }
    let sole = "{ address: 127.0.0.1:2, redirect: https, certificate: a.pem, key: a-key.pem }";
    let errors = parse_in(&folder, &format!("{UPSTREAM}listen: {sole}")).unwrap_err();
    assert!(
        errors.lines().len() == 1 && errors.lines()[0].contains("listen.redirect: must not come"),
        "told once: {errors}"
    );
    assert_refused_beside_upstream(&[
        (
            "listen: [127.0.0.1:1, { address: 127.0.0.1:2, redirect: https }]",
            "2:34: listen[1].address: redirects, but no host of the site is known (name a certificate, or add",
        ),
        (
            "listen: { address: 127.0.0.1:2, redirect: https }",
            "2:20: listen.address: every listener redirects, so nothing serves the site (add a listener with a certificate)",
        ),
    ]);
}

#[test]
fn hsts_is_sent_over_https_alone() {
    let value = |hsts: &str| {
        let config = parse(&format!("{UPSTREAM}trusted_proxies: [10.0.0.9]\nhsts: {hsts}")).unwrap();
        config.hsts.unwrap().to_str().unwrap().to_owned()
    };
    for (hsts, expected) in [
        ("{}", "max-age=31536000"),
        ("{ max_age: 1h }", "max-age=3600"),
        ("{ max_age: 0s }", "max-age=0"),
        ("{ max_age: 365d, include_subdomains: true }", "max-age=31536000; includeSubDomains"),
        ("{ max_age: 730d, include_subdomains: true, preload: true }", "max-age=63072000; includeSubDomains; preload"),
        ("{ include_subdomains: true, preload: true }", "max-age=31536000; includeSubDomains; preload"),
    ] {
        assert_eq!(value(hsts), expected, "{hsts}");
    }
    assert!(parse(UPSTREAM).unwrap().hsts.is_none());
    let preload = "2:18: hsts.preload: needs include_subdomains: true and a max_age of 365d or more (write both,";
    let proxies = "\ntrusted_proxies: [10.0.0.9]";
    assert_refused_beside_upstream(&[
        ("hsts: {}", "2:1: hsts: only sent over https (name a certificate, or the proxy that speaks https in trusted"),
        ("hsts: {}\ntrusted_proxies: []", "2:1: hsts: only sent over https"),
        (&format!("hsts: true{proxies}"), "2:7: hsts: must be a mapping"),
        (&format!("hsts: {{ max_age: 731d }}{proxies}"), "2:18: hsts.max_age: must be at most 730d (write 365d)"),
        (&format!("hsts: {{ max_age: 31536000 }}{proxies}"), "2:18: hsts.max_age: needs a unit (write 365d)"),
        (&format!("hsts: {{ preload: true }}{proxies}"), preload),
        (&format!("hsts: {{ preload: true, include_subdomains: true, max_age: 364d }}{proxies}"), preload),
        (
            &format!("hsts: {{ include_subdomains: yes }}{proxies}"),
            "2:29: hsts.include_subdomains: must be true or false",
        ),
    ]);
}
