//! What a request carries of an identity.

use super::*;
use crate::callback::{Callback, Endpoints};

#[test]
fn a_verified_request_carries_one_value_per_name() {
    let spoofed = headers(&[
        ("x-truecaller-phone", "+1"),
        ("x-truecaller-phone", "+2"),
        ("x_truecaller_name", "Eve"),
        ("expect", "100-continue"),
    ]);
    let sample = include_str!("../../../tests/corpus/documented/profile.json");
    assert_eq!(
        inject(&Arc::default(), sample, spoofed),
        headers(&[
            ("x-truecaller-status", "verified"),
            ("x-truecaller-request-id", "12345678"),
            ("x-truecaller-phone", "+919999999999"),
            ("x-truecaller-method", "web"),
            ("x-truecaller-user-id", "1319413476"),
            ("x-truecaller-name", "Rajat Kapoor"),
            ("x-truecaller-given-name", "Rajat"),
            ("x-truecaller-family-name", "Kapoor"),
            ("x-truecaller-country", "IN"),
        ])
    );
}

#[test]
fn a_request_tells_how_the_number_was_verified() {
    for method in VerificationMethod::ALL {
        let profile = Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).unwrap();
        let (names, identity) = (Arc::default(), Identity::vouch(None, profile, *method));
        let mut target = headers(&[("x-truecaller-method", "fax"), ("x_truecaller_method", "fax")]);
        let injected = IdentityHeaders::of(&names, None, &identity);
        let known = EditKind::Known { identity, headers: injected, assertion: None };
        let _ = Edits::new(known).apply(&names, names.survey(&target).suspects, &mut target);
        assert_eq!(target["x-truecaller-method"], method.code());
        assert!(!target.contains_key("x_truecaller_method"));
    }
}

#[test]
fn a_decline_carries_its_status_and_id_alone() {
    let body = br#"{"requestId":"12345678","status":"user_rejected"}"#;
    let Ok(Callback::Decline(decline)) = Callback::parse(body, &Endpoints::default()) else { panic!() };
    let mut target = headers(&[("x-truecaller-phone", "+1"), ("accept", "a")]);
    let names = Arc::new(HeaderNames::default());
    let declined = EditKind::Declined(IdentityHeaders::of_decline(&names, None, &decline));
    assert!(Edits::new(declined).apply(&names, names.survey(&target).suspects, &mut target).header);
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
    let injected = inject(&Arc::new(builder.build()), profile, headers(&[("x-email", "ceo@corp.example")]));
    assert_eq!(injected["x-truecaller-phone"], "KzkxOTk5OTk5OTk5OQ");
    assert_eq!(injected["x-truecaller-badges"], r#"["a,b","c"]"#);
    assert!(injected["x-profile"].as_bytes().starts_with(b"eyJwaG9uZU51bWJlcnMi"));
    assert!(!injected.contains_key("x-email"));
}

#[test]
fn groups_are_sent_whole_in_every_encoding_and_only_to_members() {
    for (encoding, sent) in [
        (Encoding::Percent, "staff,Back-Office_2.0"),
        (Encoding::Utf8, "staff,Back-Office_2.0"),
        (Encoding::QuotedPrintable, "staff,Back-Office_2.0"),
        (Encoding::Base64Url, "c3RhZmYsQmFjay1PZmZpY2VfMi4w"),
    ] {
        let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
        builder.inject("X-Roles", Field::Groups, Some(encoding)).unwrap();
        builder.max_value_length(1);
        let (names, nobody) = (Arc::new(builder.build()), identity(r#"{"phoneNumbers":["919999999999"]}"#));
        let member = nobody.clone().in_groups(["staff", "Back-Office_2.0"].into_iter().collect());
        for (identity, expected) in [(&member, Some(sent)), (&nobody, None)] {
            let mut target = headers(&[("x-roles", "boss"), ("x_truecaller_groups", "boss")]);
            let set = IdentityHeaders::of(&names, None, identity);
            let known = EditKind::Known { identity: identity.clone(), headers: set, assertion: None };
            let _ = Edits::new(known).apply(&names, names.survey(&target).suspects, &mut target);
            assert_eq!(target.get("x-roles").map(|value| value.to_str().unwrap()), expected, "{encoding:?}");
            let default = expected.map(|_| "staff,Back-Office_2.0");
            assert_eq!(target.get("x-truecaller-groups").map(|value| value.to_str().unwrap()), default);
            assert!(!target.contains_key("x_truecaller_groups"));
        }
    }
}

#[test]
fn a_long_text_is_cut_and_what_cannot_be_cut_is_left_out() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    builder.inject("X-Badges", Field::Badges, None).unwrap();
    builder.max_value_length(4);
    let profile = r#"{"phoneNumbers":["919999999999"],"badges":["gold"],"userId":"12345","name":{"first":"ककक"}}"#;
    let injected = inject(&Arc::new(builder.build()), profile, HeaderMap::new());
    assert_eq!(injected["x-truecaller-name"], "%E0%A4%95");
    assert_eq!(injected["x-truecaller-phone"], "+919999999999");
    assert_eq!(injected["x-truecaller-status"], "verified");
    for left_out in ["x-badges", "x-truecaller-user-id"] {
        assert!(!injected.contains_key(left_out), "{left_out}");
    }
}

#[test]
fn what_a_proxy_copies_is_declared_whole() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    for preset in Preset::ALL {
        builder.preset(*preset, None).unwrap();
    }
    builder.strip("X-My-Role").unwrap();
    builder.inject("Remote-Email", Field::Email, None).unwrap();
    let names = Arc::new(builder.build());
    for (identity, user) in [(None, ""), (Some(identity(r#"{"phoneNumbers":["919999999999"]}"#)), "+919999999999")] {
        let mut declared = HeaderMap::new();
        let headers = identity.map(|identity| IdentityHeaders::of(&names, None, &identity));
        names.declare(&mut declared, headers.as_ref());
        for name in ["remote-user", "x-forwarded-user", "x-auth-request-user", "x-webauth-user"] {
            assert_eq!(declared[name], user, "{name}");
        }
        for name in [
            "remote-email", "remote-groups", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-access-token",
            "x-auth-request-email", "x-auth-request-groups", "x-auth-request-access-token", "x-webauth-email",
            "x-webauth-groups", "x-webauth-role", "x-my-role",
        ] {
            assert_eq!(declared[name], "", "{name}");
        }
    }
}
