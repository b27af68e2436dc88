//! The store of logins and revocations.

use super::{assert_one_mistake, with};
use crate::gateway::config::tests::{Folder, parse_in};

#[test]
fn a_store_is_memory_or_one_way_to_run_redis() {
    for (keys, expected) in [
        (
            "store: redis",
            "session.store: the URL is not that of a Redis server (write memory, or redis://127.0.0.1:6379)",
        ),
        ("store: http://a.example", "session.store: the URL must begin with redis://, rediss:// or unix:"),
        ("store: 'rediss://a.example#insecure'", "session.store: the URL must have no fragment"),
        ("store_ca_file: a.pem", "session.store_ca_file: only used with a rediss:// URL in `store`"),
        ("store: redis://a, store_ca_file: a.pem", "session.store_ca_file: only used with a rediss:// URL"),
        ("store: rediss://a, store_ca_file: a.pem", "session.store_ca_file: the file cannot be read"),
        (
            "store: { sentinel: { servers: [redis://a], master: m }, cluster: [redis://a] }",
            "session.store.cluster: must not be used together with `sentinel` (remove one of them)",
        ),
        ("store: {}", "session.store: has neither `sentinel` nor `cluster` (write one of them, or a URL"),
        ("store: { url: redis://a, cluster: [redis://a] }", "session.store.url: unknown key"),
        ("store: [redis://a]", "session.store: must be a single value"),
        ("store: unix:/", "session.store: the URL is not that of a Redis server"),
        ("store: redis+sentinel://a/b", "session.store: the URL must begin with redis://, rediss:// or unix:"),
        ("store: { cluster: redis://a }", "session.store.cluster: must be a list"),
        ("store: { cluster: [] }", "session.store.cluster: at least one server must be named"),
        ("store: { cluster: [redis://a, a] }", "session.store.cluster[1]: the URL is not that of a Redis server"),
        (
            "store: { cluster: [redis://a/1] }",
            "session.store.cluster[0]: a server of a cluster has no databases (remove",
        ),
        (
            "store: { cluster: ['redis://:s3cr3t@a', 'redis://:0ther@b'] }",
            "session.store.cluster: the servers of a cluster must have the same user, password and scheme",
        ),
        (
            "store: { cluster: [redis://a, rediss://b] }",
            "session.store.cluster: the servers of a cluster must have the same user, password and scheme",
        ),
        (
            "store: { cluster: ['unix:///run/redis.sock'] }",
            "session.store.cluster[0]: a cluster cannot be reached through a Unix socket",
        ),
        ("store: { sentinel: mymaster }", "session.store.sentinel: must be a mapping"),
        ("store: { sentinel: { master: m } }", "session.store.sentinel.servers: missing (list the Sentinels, such as"),
        ("store: { sentinel: { servers: [redis://a] } }", "session.store.sentinel.master: missing (write the name"),
        (
            "store: { sentinel: { servers: [], master: m } }",
            "session.store.sentinel: at least one server must be named",
        ),
        (
            "store: { sentinel: { servers: [a], master: m } }",
            "session.store.sentinel.servers[0]: the URL is not that of a Redis server",
        ),
        (
            "store: { sentinel: { servers: [redis://a/2], master: m } }",
            "session.store.sentinel.servers[0]: a Sentinel has no databases (remove",
        ),
        (
            "store: { sentinel: { servers: [redis://a], master: 'my master' } }",
            "session.store.sentinel.master: the master must have a name of letters, digits, `.`, `-` and `_` (write mymaster",
        ),
        (
            "store: { sentinel: { servers: [redis://a], master: 'http://m' } }",
            "session.store.sentinel.master: the URL must begin with redis://, rediss:// or unix:",
        ),
        (
            "store: { sentinel: { servers: [redis://a], master: m, mastr: m } }",
            "session.store.sentinel.mastr: unknown key (did you mean `master`?)",
        ),
        (
            "store: { sentinel: { servers: [redis://a], master: m } }, store_ca_file: a.pem",
            "session.store_ca_file: only used with a rediss:// URL",
        ),
        (
            "store: { sentinel: { servers: [redis://a], master: 'rediss://m' } }, store_ca_file: a.pem",
            "session.store_ca_file: the file cannot be read",
        ),
        ("store: { cluster: [rediss://a] }, store_ca_file: a.pem", "session.store_ca_file: the file cannot be read"),
    ] {
        assert_one_mistake(&with(keys), expected);
    }
}

#[test]
fn a_password_in_a_url_may_hold_any_character() {
    let folder = Folder::new();
    folder.write("password", b"p/a#s?s%@: \xc3\xa9\n");
    assert!(parse_in(&folder, &with("store: 'redis://:${file:password}@127.0.0.1:6379/1'")).is_ok());
    assert!(parse_in(&folder, &with("store: 'rediss://user:${file:password}@localhost'")).is_ok());
    for store in [
        "'unix:///run/redis.sock?pass=${file:password}&db=1'",
        "{ sentinel: { servers: ['redis://:${file:password}@a:26379'], master: 'redis://:${file:password}@mymaster' } }",
        "{ cluster: ['redis://:${file:password}@a', 'redis://:${file:password}@b'] }",
    ] {
        assert!(parse_in(&folder, &with(&format!("store: {store}"))).is_ok(), "{store}");
    }
    // A reference that would change the host is escaped, so it does not make a valid host.
    folder.write("host", b"evil.example/\n");
    for text in [with("public_url: 'https://${file:host}'"), with("").replace("127.0.0.1:3000", "${file:host}")] {
        assert!(parse_in(&folder, &text).is_err(), "{text}");
    }
    folder.write("host", b"shop.example:8443\n");
    let config = parse_in(&folder, &with("public_url: 'https://${file:host}'")).unwrap();
    assert_eq!(config.session.as_ref().unwrap().public_urls.default_url().origin(), "https://shop.example:8443");
    folder.write("url", b"redis://:p%2Fss@127.0.0.1:6379\n");
    assert!(parse_in(&folder, &with("store: '${file:url}'")).is_ok(), "a whole URL is taken as it is");
}
