//! Which names are reserved, and which can be chosen.

use super::*;

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
        ("X-Truecaller-Token", HeaderNameError::Token),
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
    let injected = inject(&Arc::new(names), r#"{"phoneNumbers":["919999999999"]}"#, spoofed);
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
fn a_prefix_fences_off_names_that_nobody_else_needs() {
    for prefix in [
        "", "-", "X-", "X-Truecaller", "X_Truecaller-", "x-forwarded-", "Content-", "Content-Ty-", "P-\r\n-", "Proxy-",
        "Sec-", "Access-", "Strict-",
    ] {
        assert!(HeaderNames::builder(prefix).is_err(), "{prefix:?}");
    }
    assert!(HeaderNames::builder("Verified-").is_ok());
}
