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
