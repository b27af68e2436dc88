//! Any text that a user typed comes through a header exactly, and never out of it.

use serde_json::json;

use crate::{
    claims::claims,
    support::{edge::Kind, raw::Message, scene::Scene},
};

const NAMES: [&str; 18] = [
    "Rajat",
    "O'Brien \u{1f600}",
    "A\r\nX-Truecaller-Phone: +1",
    "A\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a",
    "A\nB\rC",
    "A\u{0}B",
    "A\u{7f}B\u{1b}[31m",
    "A\tB",
    "राम कुमार",
    "张三",
    "محمد",
    "\u{202e}gnp.exe",
    "e\u{301}\u{301}\u{301}",
    "100%",
    "%41%0d%0a",
    "a=b; c=\"d\", e",
    "=?utf-8?q?=41?=",
    "\u{10ffff}\u{fffd}",
];

#[tokio::test]
async fn a_name_comes_through_exactly() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for name in NAMES {
            let profile = json!({ "phoneNumbers": ["919999999999"], "name": { "first": name, "last": "L" } });
            assert_eq!(scene.callback(scene.grant(profile.to_string())).await.status(), 200, "{name:?}");
            let request = scene.reached_once().await;
            assert_eq!(said(&request, "x-truecaller-given-name"), name);
            assert_eq!(said(&request, "x-truecaller-name"), format!("{name} L"));
            let names: Vec<_> = claims(&request).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, NAMED, "{name:?}");
        }
    }
}

#[tokio::test]
async fn a_long_name_is_cut_between_two_characters() {
    let long = "क".repeat(8 * 1024 / 3);
    let profile = json!({ "phoneNumbers": ["919999999999"], "name": { "first": long } }).to_string();
    for kind in Kind::ALL {
        for (limit, characters) in [(1024, 341), (1022, 340), (16 * 1024, 2730)] {
            let scene = Scene::with(kind, |settings| settings.max_value_length = limit).await;
            assert_eq!(scene.callback(scene.grant(profile.clone())).await.status(), 200);
            let name = said(&scene.reached_once().await, "x-truecaller-name");
            assert_eq!(name, "क".repeat(characters));
        }
    }
}

#[tokio::test]
async fn a_text_of_nothing_but_white_space_is_no_header() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let name = json!({ "first": " \r\n\t", "last": " \u{a0}Kapoor\u{2003}" });
        let profile = json!({ "phoneNumbers": ["919999999999"], "name": name }).to_string();
        assert_eq!(scene.callback(scene.grant(profile)).await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!(request.one("x-truecaller-given-name"), None);
        assert_eq!(said(&request, "x-truecaller-name"), "Kapoor");
    }
}

#[tokio::test]
async fn several_badges_stay_several() {
    let profile = json!({ "phoneNumbers": ["919999999999"], "badges": ["a,b", "c", "\u{1f600}\""] }).to_string();
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.headers = vec![("X-Truecaller-Badges", "badges")]).await;
        assert_eq!(scene.callback(scene.grant(profile.clone())).await.status(), 200);
        let badges = said(&scene.reached_once().await, "x-truecaller-badges");
        assert_eq!(serde_json::from_str::<Vec<String>>(&badges).unwrap(), ["a,b", "c", "\u{1f600}\""]);
    }
}

/// What the one header of this name says, its percent-encoding undone as `decodeURIComponent` does.
fn said(request: &Message, name: &str) -> String {
    decode(request.one(name).unwrap_or_else(|| panic!("no {name} in {request:#?}")), b'%')
}

/// Undoes an encoding that writes a byte as a mark and two hexadecimal digits.
pub fn decode(value: &str, mark: u8) -> String {
    assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value:?}");
    let mut decoded = Vec::new();
    let mut rest = value.as_bytes();
    while let [byte, after @ ..] = rest {
        let escape = (*byte == mark).then(|| std::str::from_utf8(&after[..2]).unwrap());
        decoded.push(escape.map_or(*byte, |hex| u8::from_str_radix(hex, 16).unwrap()));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(decoded).unwrap()
}

const NAMED: [&str; 7] = [
    "x-truecaller-family-name", "x-truecaller-given-name", "x-truecaller-method", "x-truecaller-name",
    "x-truecaller-phone", "x-truecaller-request-id", "x-truecaller-status",
];
