//! Several sets of headers over one closed namespace.

use super::*;

/// Names with a default set, and one further set for each preset.
fn names() -> (Arc<HeaderNames>, Vec<HeaderSet>) {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    builder.inject("X-Shop-User", Field::Phone, None).unwrap();
    let sets = Preset::ALL.iter().map(|preset| {
        let mut set = builder.new_set();
        set.preset(*preset, None).unwrap();
        set.build()
    });
    let sets = sets.collect();
    (Arc::new(builder.build()), sets)
}

/// The headers besides the default ones with which a spoofed request leaves.
fn sent(names: &Arc<HeaderNames>, set: Option<&HeaderSet>) -> Vec<String> {
    let identity = identity(r#"{"phoneNumbers":["919999999999"],"name":{"first":"Rajat"}}"#);
    let mut target: HeaderMap = headers(
        &["x-shop-user", "remote_user", "x-forwarded-user", "x.auth.request.user", "x-webauth-role", "remote-groups"]
            .map(|name| (name, "admin")),
    );
    let headers = IdentityHeaders::of(names, set, &identity);
    let known = EditKind::Known { identity, headers, assertion: None };
    let _ = Edits::new(known).apply(names, names.survey(&target).suspects, &mut target);
    assert!(target.values().all(|value| value != "admin"), "{target:?}");
    let mut sent: Vec<_> = target.keys().map(|name| name.as_str().to_owned()).collect();
    sent.retain(|name| !name.starts_with("x-truecaller-"));
    sent.sort();
    sent
}

#[test]
fn a_request_carries_the_headers_of_its_set_and_of_no_other() {
    let (names, sets) = names();
    assert_eq!(sent(&names, None), ["x-shop-user"]);
    for (set, expected) in sets.iter().zip([
        ["remote-name", "remote-user"],
        ["x-forwarded-preferred-username", "x-forwarded-user"],
        ["x-auth-request-preferred-username", "x-auth-request-user"],
        ["x-webauth-name", "x-webauth-user"],
    ]) {
        assert_eq!(sent(&names, Some(set)), expected);
    }
}

#[test]
fn every_set_has_the_default_headers_unless_it_replaces_them() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    let mut set = builder.new_set();
    set.inject("X-Truecaller-Name", Field::GivenName, Some(Encoding::Base64Url)).unwrap();
    let set = set.build();
    let names = Arc::new(builder.build());
    let identity = identity(r#"{"phoneNumbers":["919999999999"],"name":{"first":"Rajat","last":"Kapoor"}}"#);
    for (set, name) in [(None, "Rajat Kapoor"), (Some(&set), "UmFqYXQ")] {
        let mut target = HeaderMap::new();
        IdentityHeaders::of(&names, set, &identity).insert_into(&names, &mut target);
        assert_eq!(
            (&target["x-truecaller-name"], &target["x-truecaller-phone"]),
            (&HeaderValue::from_static(name), &HeaderValue::from_static("+919999999999"))
        );
    }
}

#[test]
fn the_names_of_all_sets_are_closed_and_declared() {
    let (names, sets) = names();
    for name in [
        "x_shop_user", "Remote-User", "remote.anything", "X_Forwarded_Groups", "x-auth-request-email", "X-WEBAUTH-ROLE",
    ] {
        assert!(names.is_reserved(name), "{name}");
    }
    let identity = identity(r#"{"phoneNumbers":["919999999999"]}"#);
    let mut declared = HeaderMap::new();
    names.declare(&mut declared, Some(&IdentityHeaders::of(&names, Some(&sets[0]), &identity)));
    for (name, value) in [
        ("remote-user", "+919999999999"),
        ("x-truecaller-phone", "+919999999999"),
        ("remote-email", ""),
        ("x-shop-user", ""),
        ("x-webauth-user", ""),
        ("x-webauth-role", ""),
        ("x-forwarded-user", ""),
    ] {
        assert_eq!(declared[name], value, "{name}");
        assert_eq!(declared.get_all(name).iter().count(), 1, "{name}");
    }
}

#[test]
fn a_set_of_other_names_has_no_headers() {
    let (names, _) = names();
    let (others, foreign) = self::names();
    for set in &foreign {
        let mut target = HeaderMap::new();
        let identity = identity(r#"{"phoneNumbers":["919999999999"]}"#);
        IdentityHeaders::of(&names, Some(set), &identity).insert_into(&names, &mut target);
        assert!(target.is_empty(), "{target:?}");
        IdentityHeaders::of(&others, Some(set), &identity).insert_into(&others, &mut target);
        assert!(!target.is_empty());
    }
}

#[test]
fn sets_may_share_names_and_a_name_that_is_fixed_is_in_none() {
    let mut builder = HeaderNames::builder("X-Truecaller-").unwrap();
    builder.preset(Preset::RemoteUser, None).unwrap();
    let mut set = builder.new_set();
    set.preset(Preset::RemoteUser, Some(Encoding::Percent)).unwrap();
    assert_eq!(set.preset(Preset::RemoteUser, None), Err(HeaderNameError::Twice));
    for (name, error) in [
        ("Remote.User", HeaderNameError::Twice),
        ("X-Truecaller.Phone", HeaderNameError::Twice),
        ("X-Truecaller-Assertion", HeaderNameError::Assertion),
        ("Cookie", HeaderNameError::Essential),
        ("X_User", HeaderNameError::NotAName),
    ] {
        assert_eq!(set.inject(name, Field::Phone, None), Err(error), "{name}");
    }
    set.inject("X-Role", Field::JobTitle, None).unwrap();
    drop(set.build());
    assert_eq!(builder.fix("x.role", &[]), Err(HeaderNameError::Twice));
    builder.fix("X-Secret", &[]).unwrap();
    assert_eq!(builder.new_set().inject("x.secret", Field::Phone, None), Err(HeaderNameError::Twice));
    let names = builder.build();
    assert!(names.carries(Field::JobTitle) && !names.carries(Field::Company), "a session keeps what any set carries");
}

#[test]
fn what_several_headers_say_is_encoded_once() {
    let (names, _) = names();
    // Ten default headers, and the name of presets in another encoding.
    assert_eq!(names.values.len(), 11);
}
