//! The schema: it has the keys that the reader knows, and agrees with it about what may be written.

use std::{collections::BTreeSet, env, fs, process::Command};

use serde_json::Value;

use super::{Folder, SHIPPED, UPSTREAM, documentation::examples, every_key, mistakes};
use crate::gateway::config::{
    reader::Step,
    schema::{description, schema},
};

#[test]
fn the_schema_has_the_keys_that_the_reader_knows() {
    let mut count = 0;
    for (path, value) in description().all() {
        let Some(keys) = &value.keys else { continue };
        let text = path.iter().rfold("{ zzzzzzzzz: 1 }".to_owned(), |inner, step| match step {
            Step::Key(name) => format!("{{ {name}: {inner} }}"),
            Step::Member => format!("{{ a: {inner} }}"),
            Step::Element => format!("[{inner}]"),
        });
        // Rules have access only with sessions.
        let text = if text.contains("routes") { format!("{{ session: {{}}, {}", &text[1..]) } else { text };
        let unknown = mistakes(&text).into_iter().find(|line| line.contains("zzzzzzzzz: unknown key (known keys: "));
        let unknown = unknown.unwrap_or_else(|| panic!("{text}: {:#?}", mistakes(&text)));
        let (_, known) = unknown.split_once("known keys: ").unwrap();
        let known: BTreeSet<_> = known.trim_end_matches(')').split(", ").collect();
        assert_eq!(known, keys.iter().map(|(name, _)| name.as_str()).collect(), "{}", show_path(&path));
        count += 1;
    }
    assert!(count > 25, "{count} sections");
}

#[test]
fn every_key_says_what_it_takes_and_what_it_is_for() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    for (path, key) in description().all() {
        let Some(Step::Key(name)) = path.last() else { continue };
        let shown = show_path(&path);
        let takes = [key.keys.is_some(), key.members.is_some(), key.elements.is_some(), !key.shapes.is_empty()];
        assert!(
            takes.contains(&true),
            "no sample has shown what {shown} takes: does its section ask for it each time?"
        );
        let in_schema = at(&schema, &path).unwrap_or_else(|| panic!("{shown} is not in the schema"));
        let comment = in_schema["description"].as_str().unwrap_or_default();
        assert!(comment.ends_with(['.', ':', ')']) || comment.contains('\n'), "{shown}: {comment:?}");
        assert!(SHIPPED.contains(&format!("{name}: ")) || SHIPPED.contains(&format!("{name}:\n")), "{shown}");
    }
}

#[test]
fn a_comment_stands_at_its_own_key() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let comment = |path: &str| {
        let steps: Vec<_> = path.split('.').map(step).collect();
        at(&schema, &steps).unwrap()["description"].as_str().unwrap().to_owned()
    };
    for (path, start) in [
        ("callback.deadline", "The time from the first byte"),
        ("upstreams.*.url", "The short form of `servers`"),
        ("upstream.url", "The short form of `servers`"),
        ("upstreams.*.timeouts.connect", "For a connection to the app"),
        ("upstream.identity.presets", "Headers that many apps already read."),
        ("upstreams.*.identity.headers", "More headers, or other fields"),
        ("session.upstream_cookies.[].path", "The cookies by which the app itself"),
        ("admin.listen", "Health and metrics"),
        ("session.partner.cta_text_color", "The colours of the button and of its text"),
        ("session.cookie_domain", "The domain whose hosts share one session"),
        ("session.store", "The store of logins and logouts."),
        ("log.level", "off, error, warn,"),
    ] {
        assert!(comment(path).starts_with(start), "{path}: {}", comment(path));
    }
}

#[test]
fn a_default_is_the_documented_one() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let mut count = 0;
    for (path, key) in description().all() {
        let Some(default) = &key.default else { continue };
        let Some(Step::Key(name)) = path.last() else { continue };
        // An app has its timeouts from the top level.
        if show_path(&path).contains(".timeouts.") || show_path(&path).starts_with("upstream.") {
            continue;
        }
        let comment = at(&schema, &path).unwrap()["description"].as_str().unwrap().to_owned();
        let told = comment.split("efaults to ").skip(1).filter_map(|rest| rest.split([' ', ',', ';']).next());
        let shown = SHIPPED.lines().filter_map(|line| line.trim_start().strip_prefix(&format!("{name}: ")));
        let is_same = |text: &str| {
            text == default
                || humantime::parse_duration(text)
                    .is_ok_and(|duration| humantime::parse_duration(default) == Ok(duration))
        };
        assert!(
            told.map(|text| text.trim_end_matches('.')).chain(shown).any(is_same),
            "config.yaml does not say that {} defaults to {default}",
            show_path(&path)
        );
        count += 1;
    }
    assert!(count > 30, "{count} defaults");
}

/// Whatever is in this list is masked wherever a configuration is shown.
#[test]
fn what_is_secret_is_marked_so() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let all = description().all();
    let secret: Vec<_> = all.iter().filter(|(_, value)| value.is_secret).map(|(path, _)| show_path(path)).collect();
    assert_eq!(
        secret,
        [
            "upstreams.*.headers.*", "upstream.headers.*", "session.secret", "session.secret[]", "session.store",
            "session.store.sentinel.servers[]", "session.store.sentinel.master", "session.store.cluster[]",
            "groups.*.phones[]", "routes[].allow.phones[]", "callback.path", "assertion.key", "assertion.key[]",
            "admin.token", "admin.metrics_token", "log.user_key", "telemetry.otlp_headers.*",
        ]
    );
    for (path, value) in &all {
        let marked = at(&schema, path).is_some_and(|value| value["writeOnly"] == true);
        assert_eq!(marked, value.is_secret, "{}", show_path(path));
    }
}

/// The validator is check-jsonschema, which shares no code with truegate.
#[test]
fn a_foreign_validator_takes_what_the_reader_takes_and_refuses_what_is_wrong_by_shape() {
    let folder = Folder::new();
    folder.write("schema.json", schema().as_bytes());
    let right: Vec<_> = [SHIPPED.to_owned(), every_key()].into_iter().chain(examples()).chain(taken()).collect();
    let wrong: Vec<_> = REFUSED.iter().map(|text| format!("{UPSTREAM}{text}\n")).collect();
    for (index, text) in right.iter().enumerate() {
        folder.write(&format!("right-{index}.yaml"), text.as_bytes());
    }
    for (index, text) in wrong.iter().enumerate() {
        folder.write(&format!("wrong-{index}.yaml"), text.as_bytes());
        mistakes(text);
    }

    let mut validate = validator();
    validate.arg("--schemafile").arg(folder.path("schema.json")).args(["--output-format", "json"]);
    for (kind, count) in [("right", right.len()), ("wrong", wrong.len())] {
        validate.args((0..count).map(|index| folder.path(&format!("{kind}-{index}.yaml"))));
    }
    let output = validate.output().unwrap();

    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let errors = report["errors"].as_array().unwrap();
    let of = |name: &str| errors.iter().find(|error| error["filename"].as_str().unwrap().ends_with(name));
    // The documentation leaves keys out.
    let is_complete = |error: &&Value| !error["message"].as_str().unwrap().ends_with("is a required property");
    for (index, text) in right.iter().enumerate() {
        let error = of(&format!("/right-{index}.yaml")).filter(is_complete);
        assert!(error.is_none(), "{error:#?}\n{text}");
    }
    for (index, text) in wrong.iter().enumerate() {
        assert!(of(&format!("/wrong-{index}.yaml")).is_some(), "the schema takes {text}");
    }
    let metaschema = validator().arg("--check-metaschema").arg(folder.path("schema.json")).output().unwrap();
    assert!(metaschema.status.success(), "{}", String::from_utf8_lossy(&metaschema.stdout));
}

/// Texts whose shape is at the edge of what the reader takes.
fn taken() -> Vec<String> {
    let texts = [
        "callback: { deadline: 1s 5ms }",
        "callback: { deadline: 0.5s }",
        "callback: { deadline: '100ms' }",
        "callback: { deadline: 60s, body_limit: 65536 }",
        "callback: { body_limit: 64KiB }",
        "callback: { deadline: '${DEADLINE}', body_limit: '${LIMIT}' }",
        "truecaller: { attempts: '${TWO}', require_active: '${YES}' }",
        "timeouts: { read: 0s, write: 0, connect: 1day, idle: 1h 30m }",
        "limits: { logins_per_minute: off, callbacks_per_second: 1000000 }",
        "trusted_proxies: ['::1', 10.0.0.0/8]",
        "log: { level: off }",
        "log:\n  level: ${LEVEL}",
        "listen: [{ address: unix:/run/a.sock, mode: 0660 }, { address: '[::1]:0', min_version: 1.2 }, '127.0.0.1:0']",
        "listen: [{ address: 127.0.0.1:0, certificates: acme, min_version: '1.3' }]",
        "session: { public_url: [https://a.example], secret: [a, b], partner: { key: 12, name: 3.5 }, store: memory }",
        "groups: { staff: { phones: [+919999900001, '+919999900002'], phone_prefixes: [+91] } }",
        "identity: { presets: [grafana, { preset: remote-user, encoding: utf8 }], headers: { A-B: { field: name } } }",
        "shutdown_grace: 0",
    ];
    texts.map(|text| format!("{UPSTREAM}{text}\n")).into()
}

const REFUSED: &[&str] = &[
    "callbak: {}",
    "session: true",
    "callback:",
    "callback: { dedline: 1s }",
    "callback: { path: [] }",
    "callback: { path: no-slash }",
    "callback: { deadline: 99ms }",
    "callback: { deadline: 61s }",
    "callback: { deadline: 2m }",
    "callback: { deadline: 5 }",
    "callback: { deadline: soon }",
    "callback: { body_limit: 0 }",
    "callback: { body_limit: 65537 }",
    "callback: { body_limit: 65KiB }",
    "callback: { body_limit: 16KB }",
    "truecaller: { attempts: 0 }",
    "truecaller: { attempts: 11 }",
    "truecaller: { attempts: '2' }",
    "truecaller: { require_active: yes }",
    "truecaller: { require_active: 1 }",
    "truecaller: { endpoints: https://a.example/ }",
    "timeouts: { read: 25h }",
    "timeouts: 5s",
    "limits: { logins_per_minute: none }",
    "limits: { logins_per_minute: 0 }",
    "log: { level: loud }",
    "log: { format: xml }",
    "listen: [{ address: 127.0.0.1:1, port: 1 }]",
    "listen: [{ certificate: a }]",
    "listen: nowhere",
    "listen: [{ address: 127.0.0.1:1, mode: '999' }]",
    "listen: [{ address: 127.0.0.1:1, min_version: 1.1 }]",
    "identity: { presets: remote-user }",
    "identity: { presets: [remote_user] }",
    "identity: { headers: { A-B: telephone } }",
    "identity: { headers: { A-B: { encoding: utf8 } } }",
    "trusted_proxies: 10.0.0.9",
    "groups: { staff: { phones: ['919999900001'] } }",
    "routes: [{ path: /x, access: open }]",
    "session: { public_url: https://a.example, secret: a, partner: { key: a, name: b, lang: xx } }",
    "session: { public_url: https://a.example, secret: a, partner: { key: a, name: b, cta_color: blue } }",
    "session: { secret: a, partner: { key: a, name: b } }",
    "session: { public_url: https://a.example, secret: a }",
    "admin: { listen: 9090 }",
    "upstreams: { a: { url: http://a, servers: [http://b] } }",
    "routes: [{ path: /x, exact: /x }]",
    "listen: [{ address: 127.0.0.1:1, certificates: acme, certificate: a.pem, key: a.key }]",
    "listen: [{ address: 127.0.0.1:1, certificates: acme, redirect: https }]",
    "listen: [{ address: 127.0.0.1:1, certificate: a.pem, key: a.key, redirect: https }]",
    "session: { public_url: https://a.example, secret: a, partner: { key: a, name: b }, \
     store: { cluster: ['redis://a'], sentinel: { servers: ['redis://a'], master: a } } }",
    "native: {}",
    "shutdown_grace: 2h",
];

/// The schema of the value at a path.
fn at<'a>(schema: &'a Value, path: &[Step]) -> Option<&'a Value> {
    let Some((step, rest)) = path.split_first() else { return Some(schema) };
    let kinds = schema["anyOf"].as_array().into_iter().flatten().chain([schema]);
    let within = |kind: &'a Value| match step {
        Step::Key(name) => kind["properties"].get(name),
        Step::Member => kind.get("additionalProperties").filter(|members| members.is_object()),
        Step::Element => kind.get("items"),
    };
    kinds.filter_map(within).find_map(|value| at(value, rest))
}

fn step(name: &str) -> Step {
    match name {
        "*" => Step::Member,
        "[]" => Step::Element,
        _ => Step::Key(name.to_owned()),
    }
}

/// The validator, as `scripts/setup tests` installs it.
fn validator() -> Command {
    let target = env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let program = target.join("tools/bin/check-jsonschema");
    assert!(fs::exists(&program).unwrap(), "{} is missing: run scripts/setup tests", program.display());
    Command::new(program)
}

/// A path as people write it, such as `upstreams.*.servers[]`.
pub(super) fn show_path(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        if !(shown.is_empty() || *step == Step::Element) {
            shown.push('.');
        }
        shown.push_str(match step {
            Step::Key(name) => name,
            Step::Member => "*",
            Step::Element => "[]",
        });
    }
    shown
}
