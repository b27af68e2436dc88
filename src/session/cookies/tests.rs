use http::{HeaderMap, header};
use proptest::prelude::*;

use super::*;
use crate::session::{CookieDomain, PublicUrl};

fn site(origin: &str) -> PublicUrls {
    PublicUrl::parse(origin).unwrap().into()
}

fn secure() -> Cookies {
    Cookies::new(&SessionCookieName::default(), &site("https://wiki.shop.example"))
}

fn plain(name: &str) -> Cookies {
    Cookies::new(&SessionCookieName::parse(name).unwrap(), &site("http://localhost"))
}

fn shared() -> Cookies {
    let domain = "shop.example".parse::<CookieDomain>().unwrap();
    let urls = site("https://wiki.shop.example").share_sessions(domain).unwrap();
    Cookies::new(&SessionCookieName::default(), &urls)
}

fn headers(lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect()
}

#[test]
fn a_cookie_is_found_in_any_line_and_only_once() {
    for (lines, found) in [
        (&[][..], CookieValue::Absent),
        (&["a=1"], CookieValue::Absent),
        (&["__host-truegate=x"], CookieValue::Absent),
        (&["truegate=x; __Host-truegate-login=y"], CookieValue::Absent),
        (&["__Host-truegate"], CookieValue::Absent),
        (&["__Host-truegate=x"], CookieValue::One(b"x")),
        (&["a=1;__Host-truegate=x"], CookieValue::One(b"x")),
        (&["a=1", "b=2;\t__Host-truegate = x ;c=3"], CookieValue::One(b"x")),
        (&["__Host-truegate=a=b"], CookieValue::One(b"a=b")),
        (&["__Host-truegate=\"x\""], CookieValue::One(b"\"x\"")),
        (&["__Host-truegate="], CookieValue::One(b"")),
        (&["__Host-truegate=x; __Host-truegate=x"], CookieValue::Several),
        (&["__Host-truegate=x", "__Host-truegate=y"], CookieValue::Several),
    ] {
        assert_eq!(secure().find(OwnCookie::Session, &headers(lines)), found, "{lines:?}");
    }
}

proptest! {
    #[test]
    fn no_pair_that_an_app_could_take_for_ours_is_passed_by(
        pair in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(&b"= \t,;.[+_%\"\0\xc3\xa9aZ"[..]).prop_map(|byte| vec![byte]),
                proptest::sample::select(
                    &["__Host-truegate", "TRUEGATE", "true", "ruegate", "%74ruegate", "tru\u{e9}egate", "gate", "-login", "__Secure-truegate-of-", "%74", "%5f%5F"][..],
                )
                .prop_map(|text| text.as_bytes().to_vec()),
            ],
            0..8,
        ),
    ) {
        let pair = pair.concat();
        for cookies in [secure(), plain("truegate"), plain("true.gate"), plain("_"), plain("+a")] {
            let is_read = cookies.claims(&pair)
                || cookies.names().any(|name| loose::is_read_in(&pair, name, false))
                || loose::is_read_in(&pair, &cookies.companion, true);
            prop_assert_eq!(cookies.are_read_in(&pair), is_read);
            for name in cookies.names().map(str::as_bytes) {
                let found = Some(&pair[..]).filter(|pair| key(pair) == name).and_then(value);
                prop_assert_eq!(value_of(&pair, name), found);
            }
        }
    }
}

#[test]
fn ours_are_taken_out_and_the_others_stay_byte_for_byte() {
    for (line, rest) in [
        ("a=1; b=2", None),
        ("", None),
        ("truegate=x", None),
        ("__Host-truegate=x", Some("")),
        ("__Host-truegate=x;", Some("")),
        ("a=1;__Host-truegate=x", Some("a=1")),
        ("__Host-truegate=x; a=1", Some("a=1")),
        ("a=1; __Host-truegate=x; b=\"2 3\";c", Some("a=1; b=\"2 3\";c")),
        ("a=1;__Host-truegate-login=x ;\tb=2", Some("a=1;\tb=2")),
        ("a=1; __HOST-Truegate=x", Some("a=1")),
        ("a=1; __Host-truegate", Some("a=1")),
        ("a=1; __Secure-truegate=x", Some("a=1")),
        ("a=\"1; __Host-truegate=x; 2\"", Some("a=\"1; 2\"")),
        ("__secure-Truegate-of-sid=x; sid=1", Some("sid=1")),
        ("a=1; __Host-truegate=x;", Some("a=1;")),
        ("a=1;; b=2; __Host-truegate=x; ;c=3;", Some("a=1;; b=2; ;c=3;")),
        ("__Host-truegate=x; a=1; __Host-truegate-login=y; b=2; __Host-truegate=z", Some("a=1; b=2")),
    ] {
        let stripped = without(line.as_bytes(), |pair| secure().claims(pair));
        assert_eq!(stripped.as_deref(), rest.map(str::as_bytes), "{line}");
    }
}

#[test]
fn what_sets_ours_is_known_by_its_name() {
    for (line, ours) in [
        ("__Host-truegate=evil; Path=/; Secure", true),
        ("\t__host-TRUEGATE-login =; Secure", true),
        ("__Host-truegate", true),
        ("=__Host-truegate=evil", true),
        (" = __Host-truegate-login=evil", true),
        ("a=__Host-truegate=x", false),
        ("truegate2=x", false),
        ("__Secure-truegate-of-sid=x", true),
        ("", false),
    ] {
        assert_eq!(secure().is_set_by(line.as_bytes()), ours, "{line}");
    }
}

#[test]
fn clearing_says_what_setting_said() {
    let set = secure().set(OwnCookie::Session, "sealed", Duration::from_hours(2));
    assert!(set.is_sensitive());
    assert_eq!(set, "__Host-truegate=sealed; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7200");
    assert_eq!(
        secure().clear(OwnCookie::Session),
        "__Host-truegate=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
    );
    let plain = plain("truegate").set(OwnCookie::Browser, "sealed", Duration::from_mins(3));
    assert_eq!(plain, "truegate-login=sealed; HttpOnly; SameSite=Lax; Path=/; Max-Age=180");
}

#[test]
fn a_shared_session_is_for_the_domain_and_a_login_for_its_host() {
    let line = |kind| shared().set(kind, "sealed", Duration::from_hours(2));
    assert_eq!(
        line(OwnCookie::Session),
        "__Secure-truegate=sealed; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=shop.example; Max-Age=7200"
    );
    assert_eq!(
        line(OwnCookie::Browser),
        "__Host-truegate-login=sealed; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7200"
    );
    // Neither name is ever the app's, whether sessions are shared or not: a browser may have both.
    for cookies in [secure(), shared()] {
        for name in ["__Host-truegate", "__Secure-truegate", "__secure-TRUEGATE"] {
            let pair = format!("{name}=x");
            assert!(cookies.claims(pair.as_bytes()) && cookies.is_set_by(pair.as_bytes()), "{name}");
        }
    }
}

#[test]
fn whatever_could_hide_a_shared_session_is_cleared_with_it() {
    let cleared = shared().clear_session("wiki.shop.example", "/a/b");
    let lines: Vec<_> = cleared.iter().map(|line| line.to_str().unwrap()).collect();
    for expected in [
        "__Secure-truegate=; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=shop.example; Max-Age=0",
        "__Host-truegate=; Secure; Path=/; Max-Age=0",
        "__Secure-truegate=; Secure; Path=/; Max-Age=0",
        "__Secure-truegate=; Secure; Path=/; Domain=wiki.shop.example; Max-Age=0",
        "__Secure-truegate=; Secure; Path=/a; Max-Age=0",
        "__Secure-truegate=; Secure; Path=/a/b; Domain=shop.example; Max-Age=0",
        "__Secure-truegate=; Secure; Path=/a/b/; Domain=wiki.shop.example; Max-Age=0",
    ] {
        assert!(lines.contains(&expected), "{expected} is not in {lines:#?}");
    }
    assert!(lines.iter().all(|line| !line.contains("Domain=example")), "no browser takes it");
    assert!(shared().clear_session("wiki.shop.example", &"/a".repeat(1000)).len() < 30);
    assert_eq!(secure().clear_session("shop.example", "/a/b"), [secure().clear(OwnCookie::Session)]);
}

#[test]
fn a_session_goes_with_the_requests_that_its_setting_allows() {
    let attribute = |cookies: Cookies, same_site, kind| {
        let line = cookies.same_site(same_site).set(kind, "", Duration::ZERO);
        let line = line.to_str().unwrap().to_owned();
        line.split("; ").find_map(|part| part.strip_prefix("SameSite=")).unwrap().to_owned()
    };
    for (same_site, session, login, plain_session) in [
        (SameSite::Lax, "Lax", "Lax", "Lax"),
        (SameSite::Strict, "Strict", "Strict", "Strict"),
        (SameSite::None, "None", "Lax", "Lax"),
    ] {
        assert_eq!(attribute(secure(), same_site, OwnCookie::Session), session);
        assert_eq!(attribute(secure(), same_site, OwnCookie::Browser), login);
        assert_eq!(attribute(plain("truegate"), same_site, OwnCookie::Session), plain_session);
    }
}

#[test]
fn each_site_of_a_host_has_names_of_its_own() {
    let shop = plain("shop");
    assert_eq!((shop.name(OwnCookie::Session), shop.name(OwnCookie::Browser)), ("shop", "shop-login"));
    assert!(shop.claims(b"shop-of-sid=x") && !shop.claims(b"truegate=x"));
    for name in ["", "a b", "__Host-a", "a=b", &"a".repeat(65)] {
        assert_eq!(SessionCookieName::parse(name), Err(SessionCookieNameError), "{name}");
    }
}

#[test]
fn a_companion_has_the_attributes_of_its_cookie() {
    let companion = |line: &str| secure().companion("sid", "sealed", line.as_bytes());
    assert_eq!(companion("sid=1"), "__Secure-truegate-of-sid=sealed; HttpOnly; Secure");
    assert_eq!(
        companion("sid=1; Path=/hub/; Max-Age=0"),
        "__Secure-truegate-of-sid=sealed; Path=/hub/; Max-Age=0; HttpOnly; Secure"
    );
    assert_eq!(plain("shop").companion("sid", "sealed", b"sid=1"), "shop-of-sid=sealed; HttpOnly");
}

#[test]
fn the_name_of_a_cookie_is_a_token() {
    assert_eq!("PHPSESSID".parse::<UpstreamCookie>().unwrap().name(), "PHPSESSID");
    for name in ["", "a b", "a=b", "a;b", "a\r\nb", "नाम", &"a".repeat(257)] {
        assert_eq!(name.parse::<UpstreamCookie>(), Err(UpstreamCookieError::Name), "{name}");
    }
}
