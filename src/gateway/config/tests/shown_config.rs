//! What operators may see of a configuration: every key, and no secret.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};

use super::{
    ADMIN_TOKEN, CALLBACK_PATH, Folder, SESSION_SECRET, UPSTREAM, environment, every_key, folder_of_every_key, parse,
    schema::show_path,
};
use crate::gateway::config::{Config, reader::Description, schema::description};

/// Secrets of configurations with every key, and what else may lead to a person or to another service.
const CANARIES: [&str; 12] = [
    SESSION_SECRET, ADMIN_TOKEN, CALLBACK_PATH, "a-secret", "a-password", "canary", "BEGIN PRIVATE KEY", "+9199",
    "+9180", "+9197", "ops@shop.example", "x7Kq2vNf9TzR4mWb6pLd",
];

fn shown(config: &Config) -> Value {
    serde_json::to_value(&config.shown).unwrap()
}

/// Configurations that have every key together, some of which exclude each other.
fn full() -> (Folder, Vec<Config>) {
    let folder = folder_of_every_key();
    folder.write("staff.txt", b"+919700000000\n");
    let text = every_key();
    let store = "  store: rediss://:${REDIS_PASSWORD}@redis.internal:6379\n";
    let others = [
        (
            "  store: { sentinel: { servers: ['rediss://canary:${REDIS_PASSWORD}@a'], master: 'rediss://:canary@m' } }\n",
            store,
        ),
        ("  store: { cluster: ['rediss://canary:${REDIS_PASSWORD}@a'] }\n", store),
        ("  secret: ['${TRUEGATE_SESSION_SECRET}']\n", "  secret: ${TRUEGATE_SESSION_SECRET}\n"),
        ("  key: ['${file:assertion.pem}']\n", "  key: ${file:assertion.pem}\n"),
        ("\nupstream: { url: http://127.0.0.1:3000, headers: { X-B: canary } }\n", "\nupstream: shop\n"),
        ("  fallback_url: /login?canary\n", "  fallback_url: /login\n"),
        ("  same_site: lax\n  cookie_domain: shop.example\n", "  same_site: lax\n"),
        ("  websocket_origins: ['https://app.shop.example']\n", "  websocket_origins: []\n"),
        ("  presets: [{ preset: x-auth-request, encoding: utf8 }]\n", "  presets: []\n"),
    ];
    let texts = others.iter().map(|(other, written)| {
        assert_eq!(text.matches(written).count(), 1, "{written}");
        text.replacen(written, other, 1)
    });
    let parse = |text: String| {
        Config::parse(&text, &folder.path("config.yaml"), environment).unwrap_or_else(|errors| panic!("{errors}"))
    };
    let configs = [text.clone()].into_iter().chain(texts).map(parse).collect();
    (folder, configs)
}

/// Every value within one, with the names of its keys as the schema has them.
fn values(known: &Description, value: &Value, path: &str, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let step = if known.keys.iter().flatten().any(|(key, _)| key == name) { name } else { "*" };
                values(known.within(name).unwrap(), value, &format!("{path}.{step}"), found);
            }
        }
        Value::Array(elements) => {
            let known = known.elements.as_ref().unwrap();
            elements.iter().for_each(|element| values(known, element, &format!("{path}[]"), found));
        }
        value => drop(found.insert((path.trim_start_matches('.').to_owned(), value.to_string()))),
    }
}

#[test]
fn no_secret_is_shown_whatever_the_configuration_has() {
    let (_folder, configs) = full();
    for config in &configs {
        let text = shown(config).to_string();
        for canary in CANARIES {
            assert!(!text.contains(canary), "{canary} is in {text}");
        }
    }
}

#[test]
fn each_key_that_is_not_surely_harmless_is_masked() {
    let (_folder, configs) = full();
    let mut found = BTreeSet::new();
    configs.iter().for_each(|config| values(description(), &shown(config), "", &mut found));
    let of = |value: &str| {
        let with = found.iter().filter(|(_, shown)| shown == value).map(|(path, _)| path.as_str());
        with.collect::<BTreeSet<_>>()
    };
    let masked = of(r#""(masked)""#);
    assert_eq!(
        masked.iter().copied().collect::<Vec<_>>(),
        [
            "acme.contact", "admin.metrics_token", "admin.token", "assertion.key", "assertion.key[]", "callback.path",
            "groups.*.phone_prefixes[]", "groups.*.phones[]", "log.user_key", "native.client_id",
            "routes[].allow.phone_prefixes[]", "routes[].allow.phones[]", "session.fallback_url", "session.secret",
            "session.secret[]", "session.store", "session.store.cluster[]", "session.store.sentinel.master",
            "session.store.sentinel.servers[]", "telemetry.otlp_headers.*", "upstream.headers.*",
            "upstreams.*.headers.*",
        ]
    );
    for (path, key) in description().all() {
        let path = show_path(&path);
        if key.is_secret {
            assert!(masked.contains(&*path), "no configuration of this test has {path}");
            let shown: Vec<_> =
                found.iter().filter(|(known, shown)| *known == path && shown != r#""(masked)""#).collect();
            assert!(shown.is_empty() || path == "session.store", "{shown:?}");
        }
    }
    // One value may be written where a list may, and an app has the same keys wherever it is described.
    let alike = |path: &str| {
        let path = path.replace("[]", "");
        let path = path.strip_prefix("upstream.").map_or(path.clone(), |rest| format!("upstreams.*.{rest}"));
        path.strip_prefix("upstreams.*.identity").map_or(path.clone(), |rest| format!("identity{rest}"))
    };
    let with_values = found.iter().filter(|(_, shown)| shown != "null").map(|(path, _)| alike(path));
    let with_values: BTreeSet<_> = with_values.collect();
    let all = description().all();
    let singles = all.iter().filter(|(_, key)| key.keys.is_none() && key.elements.is_none() && key.members.is_none());
    let missing = singles.map(|(path, _)| show_path(path)).filter(|path| !with_values.contains(&alike(path)));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<String>::new(), "a configuration of this test should have them");
}

#[test]
fn each_key_has_the_value_in_force() {
    let text = format!(
        "{UPSTREAM}timeouts: {{ read: 90s }}\nroutes:\n  - {{ path: /a, upstream: wiki }}\n\
         upstreams: {{ wiki: {{ url: 'http://wiki:${{TWO}}000', timeouts: {{ write: 1m }} }} }}\nlog: {{ level: '${{LEVEL}}' }}\n"
    );
    let shown = shown(&parse(&text).unwrap());
    for (pointer, value) in [
        ("/listen", json!("127.0.0.1:8080")),
        ("/upstream", json!("http://127.0.0.1:3000")),
        ("/upstreams/wiki/url", json!("http://wiki:2000")),
        ("/upstreams/wiki/balance", json!("round_robin")),
        ("/upstreams/wiki/timeouts", json!({ "connect": "5s", "read": "90s", "write": "1m", "idle": "1500ms" })),
        ("/upstreams/wiki/health", json!(null)),
        ("/timeouts", json!({ "connect": "5s", "read": "90s", "write": "5m", "idle": "75s" })),
        (
            "/callback",
            json!({ "path": "/truecaller/callback", "forward": true, "deadline": "2500ms", "body_limit": "16KiB" }),
        ),
        ("/truecaller/attempts", json!(2)),
        ("/truecaller/connect_at_start", json!(false)),
        ("/identity/prefix", json!("X-Truecaller-")),
        ("/identity/max_value_length", json!("1KiB")),
        ("/routes/0/path", json!("/a")),
        ("/routes/0/access", json!(null)),
        ("/limits/logins_per_minute", json!(300)),
        ("/trusted_proxies", json!([])),
        ("/session", json!(null)),
        ("/admin", json!({ "listen": "127.0.0.1:9090", "token": null, "metrics_token": null })),
        ("/request_id", json!(false)),
        ("/log/level", json!("debug")),
        ("/shutdown_grace", json!("10s")),
    ] {
        assert_eq!(shown.pointer(pointer), Some(&value), "{pointer} of {shown:#}");
    }
    let session = "session: { public_url: https://shop.example, secret: '${TRUEGATE_SESSION_SECRET}', lifetime: 1h, \
                   partner: { key: k, name: n } }\ncallback: { path: '${TRUEGATE_CALLBACK_PATH}' }\n";
    let shown = self::shown(&parse(&format!("{UPSTREAM}{session}")).unwrap());
    for (pointer, value) in [
        ("/session/public_url", json!("https://shop.example")),
        ("/session/idle", json!("1h")),
        ("/session/path", json!("/.truegate")),
        ("/session/store", json!("memory")),
        ("/session/link_base", json!("truecallersdk://truesdk/web_verify")),
        ("/session/logout_url", json!("/")),
        ("/session/secret", json!("(masked)")),
        ("/callback/forward", json!(false)),
        ("/callback/path", json!("(masked)")),
    ] {
        assert_eq!(shown.pointer(pointer), Some(&value), "{pointer} of {shown:#}");
    }
}

#[test]
fn a_text_with_a_place_for_a_credential_is_masked() {
    for (text, pointer) in [
        ("assertion: { key: '${file:Cargo.toml}', issuer: 'https://u:p@a', audience: b }", ""),
        ("routes: [{ path: /hooks/0123456789abcdef0123456789abcdef }]", "/routes/0/path"),
        ("truecaller: { endpoints: ['https://a.example/v1?key=hunter2'] }", "/truecaller/endpoints/0"),
        ("truecaller: { endpoints: ['https://a.example/0123456789abcdef012345'] }", "/truecaller/endpoints/0"),
    ] {
        let text = format!("{UPSTREAM}{text}");
        let Ok(config) = Config::parse(&text, Path::new("config.yaml"), environment) else { continue };
        assert_eq!(shown(&config).pointer(pointer), Some(&json!("(masked)")), "{text}");
    }
}
