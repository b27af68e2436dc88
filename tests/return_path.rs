//! Where a browser goes after a login: never to another site, whatever the link to the login said.
//!
//! Each line of the corpus is a JSON string. The attacks combine what is known to be dropped, decoded or folded by
//! browsers and servers with the places where that matters; the harmless ones look like them and are not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use truegate::session::ReturnPath;
use url::Url;

const ATTACKS: &str = include_str!("return_path/attacks.jsonl");
const HARMLESS: &str = include_str!("return_path/harmless.jsonl");
const SITES: [&str; 2] = ["https://app.example/x/y", "http://127.0.0.1:1/"];

fn texts(corpus: &str) -> Vec<String> {
    corpus.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Follows a redirect as a browser would, and fails when it leads elsewhere.
fn assert_stays(text: &str, path: &ReturnPath) {
    let location = path.as_str();
    assert!(location.starts_with('/') && !location.starts_with("//"), "{text:?} became {location:?}");
    assert!(location.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{text:?} became {location:?}");
    for site in SITES {
        let site = Url::parse(site).unwrap();
        let reached = site.join(location).unwrap();
        assert_eq!(reached.origin(), site.origin(), "{text:?} became {location:?}");
        assert!(!reached.path().starts_with("//"), "{text:?} became {location:?}");
    }
}

#[test]
fn no_attack_leads_elsewhere() {
    let attacks = texts(ATTACKS);
    assert!(attacks.len() >= 500, "the corpus is not what it was");
    let taken: Vec<_> = attacks.iter().filter(|text| ReturnPath::parse(text).is_some()).collect();
    assert!(taken.is_empty(), "{} are taken: {taken:#?}", taken.len());
    for text in &attacks {
        let path = ReturnPath::or_root(Some(text));
        assert_stays(text, &path);
        assert_eq!(path.as_str(), "/", "{text:?}");
    }
}

#[test]
fn the_corpus_holds_what_leads_elsewhere() {
    let site = Url::parse(SITES[0]).unwrap();
    let elsewhere = |text: &String| {
        site.join(text).is_ok_and(|reached| reached.origin() != site.origin() || reached.path().starts_with("//"))
    };
    let leading = texts(ATTACKS).iter().filter(|text| elsewhere(text)).count();
    assert!(leading >= 200, "only {leading} attacks would work on a site that checks nothing");
    assert!(!texts(HARMLESS).iter().any(elsewhere));
}

#[test]
fn what_is_harmless_is_taken_as_it_stands() {
    let harmless = texts(HARMLESS);
    assert!(harmless.len() >= 80, "the corpus is not what it was");
    for text in &harmless {
        let path = ReturnPath::parse(text).unwrap_or_else(|| panic!("{text:?} is refused"));
        assert_eq!(path.as_str(), text);
        assert_stays(text, &path);
    }
}
