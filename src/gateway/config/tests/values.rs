//! What the keys may say.

use super::{
    UPSTREAM, mistakes, parse,
    refused::{assert_refused, assert_refused_beside_upstream},
};

#[test]
fn a_value_is_one_that_can_work() {
    assert_refused(&[
        ("upstream: 127.0.0.1:3000", "1:11: upstream: must start with http:// or https://"),
        ("upstream: http://app/api", "1:11: upstream: must not have a path"),
        ("upstream: http://u:p@app", "1:11: upstream: must not have a user name"),
        ("upstream: http://127.0.0.1:8080", "1:11: upstream: must not be an address of `listen`"),
        ("upstream: { url: http://app, port: 80 }", "1:30: upstream.port: unknown key"),
        ("upstream: [http://a]", "1:11: upstream: must be a single value"),
    ]);
    assert_refused(&[
        (
            "upstream: {}",
            "1:11: upstream.servers: missing (write servers: [http://127.0.0.1:3000], the app's addresses)",
        ),
        ("upstream: { url: app }", "1:18: upstream.url: must start with http:// or https://"),
        ("upstream: { url: http://127.0.0.1:8080 }", "1:18: upstream.url: must not be an address of `listen`"),
        ("upstream: { url: http://app, headers: { Host: a } }", "1:41: upstream.headers.Host: this header may not be"),
        ("upstream: { url: http://app, headers: { Cookie: a } }", "1:41: upstream.headers.Cookie: this header may not"),
        ("upstream: { url: http://app, headers: { x_y: a } }", "1:41: upstream.headers.x_y: a header name has letters"),
        (
            "upstream: { url: http://app, headers: { X-Truecaller-Phone: a } }",
            "1:41: upstream.headers.X-Truecaller-Phone: the same header is injected twice",
        ),
        (
            "upstream: { url: http://app, headers: { X-Truecaller-Assertion: a } }",
            "1:41: upstream.headers.X-Truecaller-Assertion: this header may not be injected: signed assertions",
        ),
        (
            "upstream: { url: http://app, headers: { A-B: a, a.b: c } }",
            "1:49: upstream.headers.a.b: the same header is injected twice",
        ),
        (
            "upstream: { url: http://app, headers: { Remote-User: a } }\nidentity: { presets: [remote-user] }",
            "1:41: upstream.headers.Remote-User: the same header is injected twice",
        ),
        (
            "upstream: { url: http://app, headers: { A-B: ' a' } }",
            "1:46: upstream.headers.A-B: must not begin or end with white",
        ),
        (
            "upstream: { url: http://app, headers: { A-B: '' } }",
            "1:46: upstream.headers.A-B: must not be empty (write a value",
        ),
        (
            "upstream: { url: http://app, headers: { A-B: \"a\\nb\" } }",
            "1:46: upstream.headers.A-B: has a character that a header cannot carry, such as a line break",
        ),
        (
            "upstream: { url: http://app, headers: { A-B: '${MISSING}' } }",
            "1:46: upstream.headers.A-B: `${MISSING}` is not",
        ),
    ]);
    assert_refused_beside_upstream(&[
        ("listen: 8080", "2:9: listen: not a valid IP address with a port"),
        ("listen: []", "2:9: listen: must not be empty"),
        ("listen: [localhost:80]", "2:10: listen[0]: not a valid IP address with a port"),
        ("listen: [{}]", "2:10: listen[0].address: missing"),
        ("listen:\n- 127.0.0.1:80\n- 127.0.0.1:80", "4:3: listen[1]: already used"),
        ("listen:\n- 127.0.0.1:80\n- address: 127.0.0.1:80", "4:12: listen[1].address: already used"),
        ("listen: 127.0.0.1:9090", "2:9: listen: already used"),
        ("admin: { listen: 127.0.0.1:8080 }", "2:18: admin.listen: already used"),
        ("admin: { listen: 0.0.0.0:8080, token: '${TRUEGATE_ADMIN_TOKEN}' }", "2:18: admin.listen: already used"),
        ("admin: { listen: 9090 }", "2:18: admin.listen: not a valid IP address"),
        ("callback: { path: callback }", "2:19: callback.path: must start with a slash"),
        ("callback: { path: '' }", "2:19: callback.path: must start with a slash"),
        ("callback: { path: / }", "2:19: callback.path: must have at least one segment"),
        ("callback: { path: '/a%20' }", "2:19: callback.path: must be visible ASCII"),
        ("callback: { path: /a;b }", "2:19: callback.path: must be visible ASCII"),
        ("callback: { path: /a//b }", "2:19: callback.path: must not end in a slash"),
        ("callback: { path: /a/../b }", "2:19: callback.path: must not end in a slash"),
        ("callback: { path: /a/ }", "2:19: callback.path: must not end in a slash"),
        ("callback: { deadline: 2500 }", "2:23: callback.deadline: needs a unit (write 2500ms, 1s or 2m)"),
        ("callback: { deadline: 99ms }", "2:23: callback.deadline: must be from 100ms to 1m"),
        ("callback: { deadline: 61s }", "2:23: callback.deadline: must be from 100ms to 1m"),
        ("callback: { body_limit: 16KB }", "2:25: callback.body_limit: not a valid size (write 16KiB,"),
        ("callback: { body_limit: 65537 }", "2:25: callback.body_limit: must be from 1B to 64KiB"),
        ("callback: { body_limit: 0 }", "2:25: callback.body_limit: must be from 1B to 64KiB"),
        ("limits: 300", "2:9: limits: must be a mapping"),
        (
            "limits: { logins_per_minute: 0 }",
            "2:30: limits.logins_per_minute: must be a number from 1 to 1000000, or off",
        ),
        ("limits: { logins_per_minute: 5/m }", "2:30: limits.logins_per_minute: must be a number from 1 to 1000000"),
        ("limits: { logins_per_minute: '5' }", "2:30: limits.logins_per_minute: must be a number from 1 to 1000000"),
        ("limits: { logins_per_minute: none }", "2:30: limits.logins_per_minute: must be a number from 1 to 1000000"),
        ("limits: { callbacks_per_second: 1000001 }", "2:33: limits.callbacks_per_second: must be a number from 1 to"),
        ("limits: { logins_per_second: 5 }", "2:11: limits.logins_per_second: unknown key"),
        ("truecaller: { endpoints: [] }", "2:26: truecaller.endpoints: must not be empty"),
        ("truecaller: { endpoints: [http://a.example/] }", "2:27: truecaller.endpoints[0]: not a valid endpoint"),
        ("truecaller: { attempts: 0 }", "2:25: truecaller.attempts: must be a number from 1 to 10"),
        ("truecaller: { attempts: 11 }", "2:25: truecaller.attempts: must be from 1 to 10"),
        ("truecaller: { connect_timeout: 0s }", "2:32: truecaller.connect_timeout: must be from 10ms to 1m"),
        ("truecaller: { profile_limit: 2MiB }", "2:30: truecaller.profile_limit: must be from 1B to 1MiB"),
        (
            "truecaller: { resolve: { a.example: 127.0.0.1:1 } }",
            "2:26: truecaller.resolve.a.example: not the host of an",
        ),
        (
            "truecaller: { resolve: { profile4.truecaller.com: 443 } }",
            "2:51: truecaller.resolve.profile4.truecaller.com: not a valid IP",
        ),
        (
            "truecaller: { resolve: { profile4.truecaller.com: 127.0.0.1:0 } }",
            "2:51: truecaller.resolve.profile4.truecaller.com: port 0",
        ),
        (
            "truecaller: { endpoints: ['https://a.example:8443/'], resolve: { a.example: 127.0.0.1:443 } }",
            "2:77: truecaller.resolve.a.example: the endpoint's URL has another port",
        ),
        (
            "truecaller: { endpoints: ['http://127.0.0.1:1/'], resolve: { 127.0.0.1: 127.0.0.1:1 } }",
            "2:62: truecaller.resolve.127.0.0.1: an IP address",
        ),
        ("identity: { prefix: X-Truecaller }", "2:21: identity.prefix: a prefix ends in `-`"),
        ("identity: { headers: { Connection: phone } }", "2:24: identity.headers.Connection: this header may not be"),
        ("identity: { headers: { Content-Type: phone } }", "2:24: identity.headers.Content-Type: this header may not"),
        ("identity: { headers: { x_y: phone } }", "2:24: identity.headers.x_y: a header name has letters"),
        ("identity: { headers: { bad name: phone } }", "2:24: identity.headers.bad name: a header name has"),
        ("identity: { headers: { A-B: phone, a.b: name } }", "2:36: identity.headers.a.b: the same header is injected"),
        ("identity: { headers: { A-B: telephone } }", "2:29: identity.headers.A-B: not a known value"),
        ("identity: { headers: { A-B: { encoding: utf8 } } }", "2:29: identity.headers.A-B.field: missing"),
        (
            "identity: { headers: { A-B: { field: name, encoding: rot13 } } }",
            "2:54: identity.headers.A-B.encoding: not a known",
        ),
        ("identity: { presets: [remote_user] }", "2:23: identity.presets[0]: not a known value (write one"),
        ("identity: { presets: [{ encoding: utf8 }] }", "2:23: identity.presets[0].preset: missing (write preset:"),
        (
            "identity: { presets: [{ preset: grafana, encoding: rot13 }] }",
            "2:52: identity.presets[0].encoding: not a known value",
        ),
        (
            "identity: { presets: [grafana, { preset: grafana }] }",
            "2:32: identity.presets[1]: the same header is injected",
        ),
        ("identity: { presets: [grafana, grafana] }", "2:32: identity.presets[1]: the same header is injected twice"),
        (
            "identity: { headers: { remote.name: phone }, presets: [remote-user] }",
            "2:24: identity.headers.remote.name: the same header is injected twice",
        ),
        ("identity: { strip: [Host] }", "2:21: identity.strip[0]: this header may not be stripped: HTTP, proxies"),
        ("identity: { strip: [X-My-Role, Cookie] }", "2:32: identity.strip[1]: this header may not be stripped"),
        (
            "identity: { strip: ['X-*'] }",
            "2:21: identity.strip[0]: this family may not be stripped: HTTP, proxies or sessions depend on a header in it (",
        ),
        (
            "identity: { strip: ['*'] }",
            "2:21: identity.strip[0]: a family of headers is the start of their names, a hyphen and `*` (write one such as",
        ),
        ("identity: { strip: ['X-Corp*'] }", "2:21: identity.strip[0]: a family of headers is the start"),
        ("identity: { strip: [x_role] }", "2:21: identity.strip[0]: a header name has letters, digits and hyphens"),
        ("identity: { max_value_length: 0 }", "2:31: identity.max_value_length: must be from 1B to 16KiB"),
        (
            "trusted_proxies: [proxy.example]",
            "2:19: trusted_proxies[0]: is not an IP address or network (write 10.0.0.9,",
        ),
        ("trusted_proxies: [10.0.0.0/33]", "2:19: trusted_proxies[0]: is not an IP address or network"),
        ("trusted_proxies: ['::ffff:10.0.0.9']", "2:19: trusted_proxies[0]: is an IPv4 address in IPv6 form"),
        ("trusted_proxies: [10.0.0.9/8]", "2:19: trusted_proxies[0]: has an address beyond its network"),
        (
            "trusted_proxies: [10.0.0.9, 0.0.0.0/0]",
            "2:29: trusted_proxies[1]: trusts everyone, so any client could claim any address (list the addresses of",
        ),
        ("trusted_proxies: ['::/0']", "2:19: trusted_proxies[0]: trusts everyone"),
        ("timeouts: { connect: 5 }", "2:22: timeouts.connect: needs a unit (write 2500ms, 1s or 2m, or 0s for"),
        ("timeouts: { read: 1ms }", "2:19: timeouts.read: must be from 10ms to 1d (write 2500ms, 1s or 2m, or 0s"),
        (
            "timeouts: { write: never }",
            "2:20: timeouts.write: not a valid duration (write 2500ms, 1s or 2m, or 0s for no",
        ),
        ("timeouts: { idle: 500ms }", "2:19: timeouts.idle: must be from 1s to 1d (write 2500ms, 1s or 2m, or 0s"),
        ("timeouts: { idel: 1s }", "2:13: timeouts.idel: unknown key (did you mean `idle`?)"),
        ("timeouts: 5s", "2:11: timeouts: must be a mapping"),
        ("shutdown_grace: 2h", "2:17: shutdown_grace: must be from 0s to 1h"),
        ("log: { level: loud }", "2:15: log.level: not a known value (write one of off, error,"),
        ("log: { format: xml }", "2:16: log.format: not a known value (write one of auto, text, json)"),
        ("log: { access: stderr }", "2:16: log.access: must be a mapping"),
        (
            "log: { access: { to: stdout } }",
            "2:22: log.access.to: not a known destination (write stderr, a file such as",
        ),
        ("log: { access: { to: '' } }", "2:22: log.access.to: not a known destination"),
        ("log: { access: { to: / } }", "2:22: log.access.to: is a folder (write stderr, a file such as"),
        ("log: { access: { to: no-such/a.log } }", "2:22: log.access.to: is in a place that is not a folder"),
        ("log: { access: { to: 'unix:' } }", "2:22: log.access.to: must name a file (write stderr"),
        ("log: { access: { format: auto } }", "2:26: log.access.format: not a known value (write one of text, json)"),
        (
            "log: { access: { path: query } }",
            "2:24: log.access.path: not a known value (write one of none, rule, full)",
        ),
        ("request_id: yes", "2:13: request_id: must be true or false"),
        ("log: { audit: stderr }", "2:15: log.audit: must be a mapping"),
        ("log: { audit: { to: stdout } }", "2:21: log.audit.to: not a known destination (write stderr, a file such as"),
        ("log: { audit: { format: json } }", "2:17: log.audit.format: unknown key"),
        ("log: { user_key: hunter2 }", "2:18: log.user_key: is not base64 (make one with `truegate keys secret`)"),
        ("log: { user_key: AAAA }", "2:18: log.user_key: must be at least 32 random bytes"),
    ]);
}

#[test]
fn a_time_limit_of_zero_is_none() {
    let config = parse(&format!("{UPSTREAM}timeouts: {{ connect: 0s, read: 0s, write: 0s, idle: 0s }}")).unwrap();
    let timeouts = config.timeouts;
    assert_eq!([timeouts.connect, timeouts.read, timeouts.write, timeouts.idle], [None; 4]);
}

#[test]
fn a_reference_that_gives_nothing_is_refused() {
    assert_refused_beside_upstream(&[
        ("log: { level: '${MISSING}' }", "2:15: log.level: `${MISSING}` is not set"),
        ("log: { level: '${EMPTY}' }", "2:15: log.level: `${EMPTY}` is empty"),
        ("log: { level: '${LEVEL' }", "2:15: log.level: a reference is not closed"),
        ("log: { level: '${file:no-such-file}' }", "2:15: log.level: `${file:no-such-file}` cannot be read"),
    ]);
    assert_eq!(mistakes(&format!("{UPSTREAM}log: {{ level: '${{MISSING}}${{EMPTY}}' }}")).len(), 2);
}
