use super::*;

fn parse(members: &str) -> Result<Profile, FetchError> {
    Profile::parse(format!(r#"{{"phoneNumbers":["919999999999"]{members}}}"#).as_bytes())
}

#[test]
fn the_documented_sample_is_read_whole() {
    let sample = include_bytes!("../../tests/corpus/documented/profile.json");
    let profile = Profile::parse(sample).unwrap();
    assert_eq!(profile.phone.as_str(), "+919999999999");
    assert_eq!(profile.user_id.as_deref(), Some("1319413476"));
    assert_eq!(profile.name().as_deref(), Some("Rajat Kapoor"));
    assert_eq!(profile.email.as_deref(), Some("y.s@truecaller.com"));
    assert_eq!(profile.country.as_deref(), Some("IN"));
    assert_eq!(profile.created_at.as_deref(), Some("1379314068000"));
    assert_eq!(profile.badges, ["verified", "premium"]);
    assert!(profile.is_active);
    assert!(serde_json::from_str::<serde::de::IgnoredAny>(&profile.json).is_ok());
}

#[test]
fn only_the_first_phone_number_counts() {
    for (numbers, phone) in [
        (r#"["919999999999"]"#, Some("+919999999999")),
        ("[919999999999]", Some("+919999999999")),
        (r#"["+919999999999", "bad"]"#, Some("+919999999999")),
        (r#"[null, "919999999999"]"#, None),
        (r#"["", "919999999999"]"#, None),
        ("[9.19999999999e11]", None),
        ("[919999999999.0]", None),
        ("[-919999999999]", None),
        ("[true]", None),
        ("[[919999999999]]", None),
        ("[]", None),
        ("null", None),
        (r#""919999999999""#, None),
        ("919999999999", None),
        (r#"{"0":"919999999999"}"#, None),
    ] {
        let profile = Profile::parse(format!(r#"{{"phoneNumbers":{numbers}}}"#).as_bytes());
        assert_eq!(profile.as_ref().ok().map(|profile| profile.phone.as_str()), phone, "{numbers}");
    }
    assert_eq!(Profile::parse(b"{}"), Err(FetchError::NoPhoneNumber));
}

#[test]
fn ids_keep_their_digits() {
    for (members, id) in [
        (r#","id":"9007199254740993""#, Some("9007199254740993")),
        (r#","id":1,"userId":95720720383357761230000"#, Some("95720720383357761230000")),
        (r#","id":1,"userId":null"#, Some("1")),
        (r#","id":1,"userId":"""#, Some("1")),
        (r#","id":1.5"#, None),
    ] {
        assert_eq!(parse(members).unwrap().user_id.as_deref(), id, "{members}");
    }
}

#[test]
fn optional_members_of_the_wrong_type_are_dropped() {
    let members =
        r#","name":"Asha","addresses":{"city":"x"},"badges":"b","gender":[1],"onlineIdentities":[],"avatarUrl":{}"#;
    let profile = parse(members).unwrap();
    assert_eq!((profile.name(), &profile.city, &profile.gender), (None, &None, &None));
    assert!(profile.badges.is_empty() && profile.avatar_url.is_none() && profile.email.is_none());
    for other in ["null", "true", "-1", "1.5", "18446744073709551616", "[{}]", "{\"a\":[1]}", "\"\\n\""] {
        let members = format!(r#","name":{other},"badges":{other},"onlineIdentities":{other},"addresses":[{other}]"#);
        let profile = parse(&members).unwrap();
        assert_eq!((profile.name(), &profile.city, &profile.email), (None, &None, &None), "{other}");
    }
    assert_eq!(parse(r#","name":1e999"#), Err(FetchError::Unusable));
    assert_eq!(parse(r#","gender":1e999"#).unwrap().gender, None);
}

#[test]
fn a_duplicate_member_is_refused_at_its_own_level() {
    for members in [
        r#","phoneNumbers":["919999999998"]"#,
        r#","userId":1,"userId":2"#,
        r#","name":{"first":"a","first":"b"}"#,
        r#","addresses":[{"city":"a","city":"b"}]"#,
    ] {
        assert_eq!(parse(members), Err(FetchError::Unusable), "{members}");
    }
    assert!(parse(r#","unknown":1,"unknown":2"#).is_ok());
}

#[test]
fn an_inactive_profile_says_so_in_any_spelling() {
    for (value, active) in
        [("true", true), ("false", false), (r#""True""#, true), (r#""FALSE""#, false), ("null", true), ("0", true)]
    {
        assert_eq!(parse(&format!(r#","isActive":{value}"#)).unwrap().is_active, active, "{value}");
    }
}

#[test]
fn nonsense_in_optional_texts_is_dropped() {
    for email in ["none", "a@b@c", "@b", "a@", "a b@c", "a@c\\r\\nBcc: x@y"] {
        assert_eq!(parse(&format!(r#","onlineIdentities":{{"email":"{email}"}}"#)).unwrap().email, None, "{email}");
    }
    assert_eq!(parse(r#","avatarUrl":"javascript:alert(1)""#).unwrap().avatar_url, None);
    assert_eq!(parse(r#","addresses":[{"countryCode":"india"}]"#).unwrap().country, None);
    assert_eq!(parse(r#","name":{"first":"  ","last":" Kapoor "}"#).unwrap().name().as_deref(), Some("Kapoor"));
}

#[test]
fn debug_shows_nothing_of_a_profile() {
    assert_eq!(format!("{:?}", parse("").unwrap()), "Profile(redacted)");
}

#[test]
fn a_profile_that_is_wiped_has_no_text() {
    let mut profile = Profile {
        phone: PhoneNumber::parse("919999999999").unwrap(),
        badges: vec!["verified".to_owned()],
        is_active: true,
        json: "{}".to_owned(),
        user_id: Some("1".to_owned()),
        given_name: Some("Rajat".to_owned()),
        family_name: Some("Kapoor".to_owned()),
        email: Some("a@b".to_owned()),
        country: Some("IN".to_owned()),
        city: Some("Pune".to_owned()),
        street: Some("a street".to_owned()),
        zipcode: Some("411001".to_owned()),
        gender: Some("Male".to_owned()),
        avatar_url: Some("https://a.example/".to_owned()),
        company: Some("a company".to_owned()),
        job_title: Some("a title".to_owned()),
        about: Some("me".to_owned()),
        created_at: Some("1".to_owned()),
    };
    profile.wipe();
    let Profile { phone: _, is_active: _, badges, json, .. } = &profile;
    assert!(badges.iter().chain([json]).all(String::is_empty));
    let texts = [
        &profile.user_id, &profile.given_name, &profile.family_name, &profile.email, &profile.country, &profile.city,
        &profile.street, &profile.zipcode, &profile.gender, &profile.avatar_url, &profile.company, &profile.job_title,
        &profile.about, &profile.created_at,
    ];
    assert!(texts.into_iter().all(|text| text.as_deref().is_none_or(str::is_empty)));
}

#[test]
fn a_text_is_read_with_and_without_escapes() {
    for (gender, expected) in [
        (r#""Male""#, Some("Male")),
        (r#"" Male\t""#, Some("Male")),
        (r#""M\u0061l\u00e9 \"""#, Some("Malé \"")),
        (r#""\\""#, Some("\\")),
        (r#""   ""#, None),
        (r#""""#, None),
    ] {
        assert_eq!(parse(&format!(r#","gender":{gender}"#)).unwrap().gender.as_deref(), expected, "{gender}");
    }
    for broken in ["\"a\nb\"", r#""\x""#, r#""\ud800""#] {
        assert_eq!(parse(&format!(r#","gender":{broken}"#)), Err(FetchError::Unusable), "{broken}");
    }
}

#[test]
fn a_plain_url_is_a_url() {
    for (text, is_plain) in [
        ("https://s3.amazonaws.com/1/a b", true),
        ("https://a-1.example.org/", true),
        ("https://a.example", false),
        ("http://a.example/", false),
        ("https://A.example/", false),
        ("https://127.0.0.1/", false),
        ("https://1.2.3.0x4/", false),
        ("https://a..example/", false),
        ("https://-a.example/", false),
        ("https://xn--a.example/", false),
        ("https://u@a.example/", false),
        ("https://a.example:99999/", false),
        ("https:///a", false),
        ("https://é.example/", false),
    ] {
        assert_eq!(is_plainly_web(text), is_plain, "{text}");
        assert!(!is_plain || Url::parse(text).is_ok(), "{text}");
    }
}
