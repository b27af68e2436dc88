//! The token with which the site's server finishes logins.

use super::{ADMIN_TOKEN, UPSTREAM, mistakes, parse};

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
fn a_token_without_a_page_is_refused_at_its_place() {
    let expected =
        "2:10: admin.token: only used with `session.fallback_url`, because only requests for that page carry login";
    let token = "'${TRUEGATE_ADMIN_TOKEN}'";
    for text in [config(token, ""), format!("{UPSTREAM}admin: {{ token: {token} }}\n")] {
        let found = mistakes(&text);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(expected), "{}", found[0]);
    }
    let wrong_page = mistakes(&config(token, ", fallback_url: https://evil.example/"));
    assert_eq!(wrong_page.len(), 1, "a page that is wrong is told once: {wrong_page:#?}");
    assert!(wrong_page[0].contains("session.fallback_url: "), "{wrong_page:#?}");
}
