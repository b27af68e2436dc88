//! The address of the admin listener, its tokens, and what commands read of them.

use super::{ADMIN_TOKEN, Folder, UPSTREAM, mistakes, parse};
use crate::gateway::config::{AdminClientConfig, ConfigSource, read_admin_address};

/// A configuration with sessions, and a token.
fn config(token: &str, session: &str) -> String {
    format!(
        "{UPSTREAM}admin: {{ token: {token} }}\ncallback: {{ path: '${{TRUEGATE_CALLBACK_PATH}}' }}\n\
         routes: [{{ path: /, access: optional }}]\n\
         session: {{ public_url: https://a.example, secret: '${{TRUEGATE_SESSION_SECRET}}', partner: {{ key: a, name: b }}{session} }}\n"
    )
}

#[test]
fn a_site_with_a_page_of_its_own_has_a_token() {
    let text = config("'${TRUEGATE_ADMIN_TOKEN}'", ", fallback_url: /login");
    assert!(parse(&text).unwrap().admin.token.is_some_and(|token| token.is(ADMIN_TOKEN.as_bytes())));
}

#[test]
fn a_token_that_could_be_guessed_or_sent_wrongly_is_refused_at_its_place() {
    for (token, expected) in [
        ("short", "must be at least 32 random characters (make one with `truegate keys secret`)"),
        ("''", "must have letters, digits and `-._~+/` alone, with `=` at its end at most (make one with"),
        ("'a token of more than 32 characters with spaces'", "must have letters, digits"),
        ("\"${TRUEGATE_ADMIN_TOKEN}\\n\"", "must have letters, digits"),
        ("[a]", "must be a single value (write it after the key)"),
    ] {
        let found = mistakes(&config(token, ", fallback_url: /login"));
        assert_eq!(found.len(), 1, "{token}: {found:#?}");
        assert!(found[0].starts_with(&format!("2:17: admin.token: {expected}")), "{}", found[0]);
    }
}

#[test]
fn a_token_without_a_page_is_for_operators() {
    let token = "'${TRUEGATE_ADMIN_TOKEN}'";
    for (text, finishes) in [
        (config(token, ""), false),
        (format!("{UPSTREAM}admin: {{ token: {token} }}\n"), false),
        (config(token, ", fallback_url: /login"), true),
    ] {
        let config = parse(&text).unwrap();
        assert!(config.admin.token.is_some());
        assert_eq!(config.finishes_site_logins(), finishes, "{text}");
    }
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let admin = |address: &str, token: &str| format!("{UPSTREAM}admin: {{ listen: '{address}'{token} }}\n");
    let token = ", token: '${TRUEGATE_ADMIN_TOKEN}'";
    for address in ["0.0.0.0:9090", "[::]:9090", "10.0.0.7:9090", "[::ffff:10.0.0.7]:9090", "[fe80::1]:9090"] {
        assert!(parse(&admin(address, token)).is_ok(), "{address}");
        for without in ["", ", metrics_token: '${TRUEGATE_ADMIN_TOKEN}'"] {
            let found = mistakes(&admin(address, without));
            assert_eq!(found.len(), 1, "{address}: {found:#?}");
            let expected = "2:18: admin.listen: not a loopback address, so `admin.token` must say who may use it (make";
            assert!(found[0].starts_with(expected), "{}", found[0]);
        }
        let found = mistakes(&admin(address, ", token: short"));
        assert_eq!(found.len(), 1, "a token that is wrong is told once: {found:#?}");
        assert!(found[0].contains("admin.token: must be at least"), "{}", found[0]);
    }
    for address in ["127.0.0.1:9090", "127.1.2.3:0", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
        assert!(parse(&admin(address, "")).is_ok(), "{address}");
    }
}

#[test]
fn a_token_for_metrics_is_another_one() {
    let found = mistakes(&format!("{UPSTREAM}admin: {{ token: {ADMIN_TOKEN}, metrics_token: {ADMIN_TOKEN} }}\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("2:78: admin.metrics_token: must differ from `admin.token`"), "{}", found[0]);
}

#[test]
fn a_command_reads_the_section_alone() {
    let folder = Folder::new();
    let load = |text: &str| {
        folder.write("config.yaml", text.as_bytes());
        let source = ConfigSource::File(folder.path("config.yaml"));
        let client = AdminClientConfig::load(&source).map_err(|errors| errors.to_string());
        (client, read_admin_address(&source).map_err(|errors| errors.to_string()))
    };
    folder.write("token", format!("{ADMIN_TOKEN}\n").as_bytes());
    for (text, address) in [
        ("", "127.0.0.1:9090"),
        ("upstream: '${NOT_SET_ANYWHERE}'\nsession: { secret: '${file:none}' }\nunknown: !tag x\n", "127.0.0.1:9090"),
        ("admin: { listen: 127.0.0.1:9999 }\nlisten: [1, 2\n ]\nlog: nonsense\n", "127.0.0.1:9999"),
        ("admin: { listen: 0.0.0.0:9999, token: '${file:token}' }\n", "127.0.0.1:9999"),
        ("admin: { listen: '[::]:9999', token: '${file:token}' }\n", "[::1]:9999"),
        ("admin: { listen: 10.0.0.7:9999, token: '${file:token}', metrics_token: '${NOT_SET}' }\n", "10.0.0.7:9999"),
    ] {
        let (client, read) = load(text);
        if text.contains("NOT_SET}") {
            assert!(client.err().unwrap().contains("admin.metrics_token: `${NOT_SET}` is not set"), "{text}");
        } else {
            let client = client.unwrap();
            assert_eq!(client.address.to_string(), address, "{text}");
            let sent = text.contains("token").then(|| format!("Bearer {ADMIN_TOKEN}"));
            assert_eq!(client.authorization.map(|value| value.to_str().unwrap().to_owned()), sent, "{text}");
        }
        assert_eq!(read.unwrap().to_string(), address, "{text}");
    }
    for (text, mistake, of_health) in [
        ("admin: { listen: 127.0.0.1:0 }\n", ":1:18: admin.listen: the system chooses another port at each", true),
        ("admin: { listen: nonsense }\n", ":1:18: admin.listen: not a valid IP address", true),
        ("admin: nonsense\n", ":1:8: admin: must be a mapping", true),
        ("admin: { token: '${NOT_SET}' }\n", ":1:17: admin.token: `${NOT_SET}` is not set", false),
        ("admin: { token: short }\n", ":1:17: admin.token: must be at least 32", false),
        ("admin: { tokn: a }\n", ":1:10: admin.tokn: unknown key", false),
        ("upstream: [\n", "", true),
    ] {
        let (client, read) = load(text);
        let told = client.err().unwrap();
        assert!(told.contains(mistake) && told.lines().count() == 1, "{text}: {told}");
        assert_eq!(read.is_err(), of_health, "{text}");
    }
}
