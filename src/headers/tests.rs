use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::*;
use crate::{
    callback::{Callback, Endpoints},
    identity::Identity,
    profile::Profile,
};

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    lines.iter().map(line).collect()
}

fn identity(profile: &str) -> Identity {
    let grant = r#"{"requestId":"12345678","accessToken":"t","endpoint":"https://profile4.truecaller.com/v1/default"}"#;
    let Ok(Callback::Grant(grant)) = Callback::parse(grant.as_bytes(), &Endpoints::default()) else { panic!() };
    Identity::vouch(Some(grant.request_id().clone()), Profile::parse(profile.as_bytes()).unwrap())
}

fn inject(names: HeaderNames, profile: &str, mut into: HeaderMap) -> HeaderMap {
    let _ = Edits::verified(Arc::new(names), identity(profile), None).apply(&mut into);
    into
}

#[test]
fn the_namespace_is_reserved_in_every_spelling() {
    let names = HeaderNames::default();
    for separator in "!#$%&'*+-.^_`|~".chars() {
        for name in [format!("X{separator}Truecaller{separator}Phone"), format!("x-TRUECALLER{separator}anything")] {
            assert!(names.is_reserved(&name), "{name}");
        }
    }
    for name in ["x-truecaller-", "X_TRUECALLER_ADMIN"] {
        assert!(names.is_reserved(name), "{name}");
    }
    for name in ["x-truecaller", "x-truecallers-phone", "xtruecaller-phone", "truecaller-phone", "proxy", ""] {
        assert!(!names.is_reserved(name), "{name}");
    }
}

#[test]
fn names_outside_the_prefix_are_reserved_whole() {
    let mut builder = HeaderNames::builder("X-Id-").unwrap();
    builder.inject("Remote-User", Field::Phone, None).unwrap();
    let names = builder.build();
    for (name, reserved) in [
        ("remote-user", true),
        ("REMOTE_USER", true),
        ("remote.user", true),
        ("remote-user-agent", false),
        ("remote", false),
    ] {
        assert_eq!(names.is_reserved(name), reserved, "{name}");
    }
}

#[test]
fn stripping_takes_names_out_of_lists_and_leaves_the_rest() {
    let names = HeaderNames::default();
    for (connection, left) in [
        (&["close, X-Truecaller-Phone"][..], Some("close")),
        (&["x-truecaller-phone"], None),
        (&["keep-alive", " x_truecaller_phone , upgrade"], Some("keep-alive, upgrade")),
        (&["X-Truecaller-Phone,X-Other"], Some("X-Other")),
    ] {
        let lines: Vec<_> = connection.iter().map(|value| ("connection", *value)).collect();
        let mut headers = headers(&lines);
        assert_eq!(names.strip(&mut headers), Spoofs { connection: true, ..Spoofs::default() });
        assert_eq!(headers.get(header::CONNECTION).map(HeaderValue::as_bytes), left.map(str::as_bytes));
    }
    let mut trailer = headers(&[("trailer", "X-Truecaller-Phone"), ("proxy-connection", "X-Truecaller-Phone")]);
    assert_eq!(names.strip(&mut trailer), Spoofs { trailer: true, connection: true, header: false });
    assert!(trailer.is_empty());
}

#[test]
fn stripping_leaves_ordinary_headers_as_they_came() {
    let lines = [
        ("accept", "a"),
        ("accept", "b"),
        ("connection", "close, x"),
        ("trailer", "expires"),
        ("x-forwarded-for", "c"),
    ];
    let mut stripped = headers(&lines);
    assert_eq!(HeaderNames::default().strip(&mut stripped), Spoofs::default());
    assert_eq!(stripped, headers(&lines));
}

#[test]
fn what_could_speak_unseen_is_taken_away() {
    let websocket = [("connection", "upgrade"), ("upgrade", "websocket")];
    for (lines, left) in [
        (&[("proxy", "http://evil.example")][..], &[][..]),
        (
            &[("connection", "upgrade, http2-settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABk")],
            &[("connection", "upgrade, http2-settings")],
        ),
        (&[("upgrade", "websocket, H2C")], &[]),
        (&[("upgrade", "TLS/1.0, HTTP/1.1")], &[]),
        (&websocket, &websocket),
        (&[("upgrade", "chat/2")], &[("upgrade", "chat/2")]),
    ] {
        let mut stripped = headers(lines);
        assert_eq!(HeaderNames::default().strip_request(&mut stripped), Spoofs::default());
        assert_eq!(stripped, headers(left), "{lines:?}");
    }
}

#[test]
fn a_verified_request_carries_one_value_per_name() {
    let spoofed = headers(&[
        ("x-truecaller-phone", "+1"),
        ("x-truecaller-phone", "+2"),
        ("x_truecaller_name", "Eve"),
        ("expect", "100-continue"),
    ]);
    let sample = include_str!("../../tests/corpus/documented/profile.json");
    assert_eq!(
        inject(HeaderNames::default(), sample, spoofed),
        headers(&[
            ("x-truecaller-status", "verified"),
            ("x-truecaller-request-id", "12345678"),
            ("x-truecaller-phone", "+919999999999"),
            ("x-truecaller-user-id", "1319413476"),
            ("x-truecaller-name", "Rajat Kapoor"),
            ("x-truecaller-given-name", "Rajat"),
            ("x-truecaller-family-name", "Kapoor"),
            ("x-truecaller-country", "IN"),
        ])
    );
}

#[test]
fn a_decline_carries_its_status_and_id_alone() {
    let body = br#"{"requestId":"12345678","status":"user_rejected"}"#;
    let Ok(Callback::Decline(decline)) = Callback::parse(body, &Endpoints::default()) else { panic!() };
    let mut target = headers(&[("x-truecaller-phone", "+1"), ("accept", "a")]);
    assert!(Edits::declined(Arc::default(), decline).apply(&mut target).header);
    assert_eq!(
        target,
        headers(&[("accept", "a"), ("x-truecaller-status", "user_rejected"), ("x-truecaller-request-id", "12345678")])
    );
}

#[test]
fn more_fields_go_where_they_are_wanted() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    builder.inject("x-TrueCaller-PHONE", Field::Phone, Some(Encoding::Base64Url)).unwrap();
    builder.inject("X-Truecaller-Badges", Field::Badges, None).unwrap();
    builder.inject("X-Profile", Field::Profile, None).unwrap();
    builder.inject("X-Email", Field::Email, None).unwrap();
    let profile = r#"{"phoneNumbers":["919999999999"],"badges":["a,b","c"]}"#;
    let injected = inject(builder.build(), profile, headers(&[("x-email", "ceo@corp.example")]));
    assert_eq!(injected["x-truecaller-phone"], "KzkxOTk5OTk5OTk5OQ");
    assert_eq!(injected["x-truecaller-badges"], r#"["a,b","c"]"#);
    assert!(injected["x-profile"].as_bytes().starts_with(b"eyJwaG9uZU51bWJlcnMi"));
    assert!(!injected.contains_key("x-email"));
}

#[test]
fn a_long_text_is_cut_and_what_cannot_be_cut_is_left_out() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    builder.inject("X-Badges", Field::Badges, None).unwrap();
    builder.max_value_length(4);
    let profile = r#"{"phoneNumbers":["919999999999"],"badges":["gold"],"userId":"12345","name":{"first":"ककक"}}"#;
    let injected = inject(builder.build(), profile, HeaderMap::new());
    assert_eq!(injected["x-truecaller-name"], "%E0%A4%95");
    assert_eq!(injected["x-truecaller-phone"], "+919999999999");
    assert_eq!(injected["x-truecaller-status"], "verified");
    for left_out in ["x-badges", "x-truecaller-user-id"] {
        assert!(!injected.contains_key(left_out), "{left_out}");
    }
}

#[test]
fn a_header_that_would_break_http_cannot_be_injected() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    for (name, error) in [
        ("Connection", HeaderNameError::Essential),
        ("Host", HeaderNameError::Essential),
        ("transfer-encoding", HeaderNameError::Essential),
        ("Content-Length", HeaderNameError::Essential),
        ("Content.Type", HeaderNameError::Essential),
        ("Cookie", HeaderNameError::Essential),
        ("X-Forwarded-For", HeaderNameError::Essential),
        ("If-None-Match", HeaderNameError::Essential),
        ("Sec-WebSocket-Key", HeaderNameError::Essential),
        ("X-Truecaller-Assertion", HeaderNameError::Assertion),
        ("x.truecaller.ASSERTION", HeaderNameError::Assertion),
        ("x_y", HeaderNameError::NotAName),
        ("bad name", HeaderNameError::NotAName),
        ("", HeaderNameError::NotAName),
        ("X-Truecaller.Phone", HeaderNameError::Twice),
    ] {
        assert_eq!(builder.inject(name, Field::Phone, None), Err(error), "{name}");
    }
    builder.inject("Remote-User", Field::Phone, None).unwrap();
    for again in ["remote-user", "Remote.User"] {
        assert_eq!(builder.inject(again, Field::Name, None), Err(HeaderNameError::Twice), "{again}");
    }
}

#[test]
fn more_names_and_families_are_stripped_in_every_spelling() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    for name in ["X-My-Role", "X-Corp-*", "X-Corp-*", "X-A--", "X-A-*", "X-Truecaller-More"] {
        builder.strip(name).unwrap();
    }
    builder.inject("X-Corp-User", Field::Phone, None).unwrap();
    let names = builder.build();
    for (name, reserved) in [
        ("x-my-role", true),
        ("X_MY.Role", true),
        ("x-my-role-2", false),
        ("x-corp-", true),
        ("X_Corp_Groups", true),
        ("x~corp~user", true),
        ("x-corp", false),
        ("x-corporate", false),
        ("x-a-b", true),
    ] {
        assert_eq!(names.is_reserved(name), reserved, "{name}");
    }
    let spoofed =
        headers(&[("x-my-role", "admin"), ("x_corp_groups", "admins"), ("x-corp-user", "+1"), ("accept", "a")]);
    let injected = inject(names, r#"{"phoneNumbers":["919999999999"]}"#, spoofed);
    let kept: Vec<_> = injected.keys().map(HeaderName::as_str).filter(|name| !name.contains("truecaller")).collect();
    assert_eq!(
        (kept, &injected["x-corp-user"]),
        (vec!["accept", "x-corp-user"], &HeaderValue::from_static("+919999999999"))
    );
}

#[test]
fn what_http_needs_cannot_be_stripped() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    for (name, error) in [
        ("Host", HeaderNameError::Needed),
        ("cookie", HeaderNameError::Needed),
        ("Content.Length", HeaderNameError::Needed),
        ("X-Forwarded-For", HeaderNameError::Needed),
        ("Sec-Fetch-Site", HeaderNameError::Needed),
        ("X-*", HeaderNameError::NeededFamily),
        ("Content-*", HeaderNameError::NeededFamily),
        ("X-Forwarded-*", HeaderNameError::NeededFamily),
        ("Accept-*", HeaderNameError::NeededFamily),
        ("Sec-Ch-*", HeaderNameError::NeededFamily),
        ("*", HeaderNameError::Family),
        ("-*", HeaderNameError::Family),
        ("X-Corp*", HeaderNameError::Family),
        ("X-*-Role", HeaderNameError::Family),
        ("X-Corp-**", HeaderNameError::Family),
        ("*-Role", HeaderNameError::Family),
        ("X_My_Role", HeaderNameError::NotAName),
        ("X_Corp-*", HeaderNameError::NotAName),
        ("X My-*", HeaderNameError::NotAName),
        ("", HeaderNameError::NotAName),
    ] {
        assert_eq!(builder.strip(name), Err(error), "{name}");
    }
    assert!(!builder.build().is_reserved("x-corp-role"), "a mistake strips nothing");
}

#[test]
fn what_a_proxy_copies_is_declared_whole() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    for (_, preset) in Preset::NAMES {
        builder.preset(preset).unwrap();
    }
    builder.strip("X-My-Role").unwrap();
    builder.inject("Remote-Email", Field::Email, None).unwrap();
    let names = builder.build();
    for (identity, user) in [(None, ""), (Some(identity(r#"{"phoneNumbers":["919999999999"]}"#)), "+919999999999")] {
        let mut declared = HeaderMap::new();
        names.declare(&mut declared, identity.as_ref());
        for name in ["remote-user", "x-forwarded-user", "x-auth-request-user", "x-webauth-user"] {
            assert_eq!(declared[name], user, "{name}");
        }
        for name in [
            "remote-email",
            "remote-groups",
            "x-forwarded-email",
            "x-forwarded-groups",
            "x-forwarded-access-token",
            "x-auth-request-email",
            "x-auth-request-groups",
            "x-auth-request-access-token",
            "x-webauth-email",
            "x-webauth-groups",
            "x-webauth-role",
            "x-my-role",
        ] {
            assert_eq!(declared[name], "", "{name}");
        }
    }
}

#[test]
fn a_prefix_fences_off_names_that_nobody_else_needs() {
    for prefix in [
        "",
        "-",
        "X-",
        "X-Truecaller",
        "X_Truecaller-",
        "x-forwarded-",
        "Content-",
        "Content-Ty-",
        "P-\r\n-",
        "Proxy-",
        "Sec-",
        "Access-",
        "Strict-",
    ] {
        assert!(HeaderNames::builder(prefix).is_err(), "{prefix:?}");
    }
    assert!(HeaderNames::builder("Verified-").is_ok());
}
