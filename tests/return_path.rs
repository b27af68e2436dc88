//! Where a browser goes after a login: never to another site, whatever the link to the login said.
//!
//! Each line of the corpus is a JSON string. The attacks combine what is known to be dropped, decoded or folded by
//! browsers and servers with the places where that matters; the harmless ones look like them and are not.
//! `tests/browser/return_path.rs` asks a real Chromium about all of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use proptest::prelude::*;
use truegate::session::{PublicUrl, PublicUrls, ReturnPath, ReturnUrl};
use url::Url;

const ATTACKS: &str = include_str!("return_path/attacks.jsonl");
const HARMLESS: &str = include_str!("return_path/harmless.jsonl");
/// Attacks on a site with several hosts, whose pages may be named by their whole URLs.
const OTHER_HOSTS: &str = include_str!("return_path/other_hosts.jsonl");
const HOSTS: [&str; 3] = ["https://shop.example", "https://wiki.example", "https://wiki.example:8443"];
const SITES: [&str; 2] = ["https://app.example/x/y", "http://127.0.0.1:1/"];

fn texts(corpus: &str) -> Vec<String> {
    corpus.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a browser lands on the site that sends it to a path, and no server on the way takes the path for another site's.
fn stays(path: &ReturnPath) -> bool {
    let lands = |site: &&str| {
        let site = Url::parse(site).unwrap();
        site.join(path.as_str()).is_ok_and(|url| url.origin() == site.origin())
    };
    SITES.iter().all(lands) && !leaves(path.as_str())
}

/// Whether a browser that is sent there leaves the site, by the URL standard or by any way that browsers and servers are
/// known to differ from it.
fn leaves(location: &str) -> bool {
    let by_the_standard = |site: &&str| {
        let site = Url::parse(site).unwrap();
        let leads_away = |url: &Url| url.origin() != site.origin() || url.path().starts_with("//");
        // What cannot be parsed leads nowhere.
        site.join(location).is_ok_and(|url| leads_away(&url))
    };
    SITES.iter().any(by_the_standard) || by_hand(location) || by_hand(&unescaped(location))
}

/// The same without any library: Chromium drops what is below a space at both ends, and tabs and line breaks everywhere, and
/// reads `\` as `/` before a query; servers resolve dot segments, then send what is left once more.
fn by_hand(location: &str) -> bool {
    let text = location.trim_matches(|character: char| character <= ' ').replace(['\t', '\r', '\n'], "");
    let path = text.split(['?', '#']).next().unwrap().replace('\\', "/");
    if !path.starts_with('/') {
        // A scheme, or a path relative to wherever the login is.
        return path.contains(':');
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path[1..].split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    path.starts_with("//") || segments.len() > 1 && segments[0].is_empty()
}

/// The path as a server reads it that decodes it before it redirects.
fn unescaped(location: &str) -> String {
    let (path, rest) = location.split_at(location.find(['?', '#']).unwrap_or(location.len()));
    let mut bytes = Vec::new();
    let mut left = path.as_bytes();
    while let Some((first, after)) = left.split_first() {
        let digits = after.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let (byte, skipped) = if *first == b'%' { digits.map_or((b'%', 0), |byte| (byte, 2)) } else { (*first, 0) };
        bytes.push(byte);
        left = &after[skipped..];
    }
    String::from_utf8_lossy(&bytes).into_owned() + rest
}

#[test]
fn no_attack_leads_elsewhere() {
    let attacks = texts(ATTACKS);
    assert!(attacks.len() >= 1000, "the corpus is not what it was");
    for text in &attacks {
        let path = ReturnPath::parse(text).unwrap_or_default();
        assert!(stays(&path), "{text:?} became {:?}", path.as_str());
        assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{text:?} became {:?}", path.as_str());
        if leaves(text) {
            assert_eq!(path.as_str(), "/", "{text:?}");
        }
    }
    let taken = attacks.iter().filter(|text| ReturnPath::parse(text).is_some()).count();
    assert!(taken < 100, "{taken} attacks are taken");
}

#[test]
fn the_corpus_holds_what_leads_elsewhere() {
    let leading = texts(ATTACKS).iter().filter(|text| leaves(text)).count();
    assert!(leading >= 300, "only {leading} attacks would work on a site that checks nothing");
    for known in [
        "//evil", "/\\evil", "\\/evil", "/\t/evil", "https:evil", "javascript:a", "/.//evil", "/a/..//evil", "/%2fevil",
    ] {
        assert!(leaves(known), "{known:?}");
    }
}

#[test]
fn what_is_harmless_is_taken_as_it_stands() {
    let harmless = texts(HARMLESS);
    assert!(harmless.len() >= 80, "the corpus is not what it was");
    for text in &harmless {
        let path = ReturnPath::parse(text).unwrap_or_else(|| panic!("{text:?} is refused"));
        assert_eq!(path.as_str(), text);
        assert!(stays(&path), "{text:?}");
    }
}

fn several_hosts() -> PublicUrls {
    let [default, others @ ..] = HOSTS.map(|origin| PublicUrl::parse(origin).unwrap());
    PublicUrls::new(default, others).unwrap()
}

/// Whether a browser on any of the hosts lands on one of them, and no server on the way takes the path for another site's.
fn stays_among_hosts(url: &ReturnUrl) -> bool {
    let lands = |from: &str| {
        let target = Url::parse(from).unwrap().join(url.as_str()).unwrap();
        HOSTS.contains(&&*target.origin().ascii_serialization()) && target.username().is_empty()
    };
    let path = HOSTS.iter().filter_map(|origin| url.as_str().strip_prefix(origin)).find(|path| path.starts_with('/'));
    HOSTS.iter().all(|from| lands(from)) && !leaves(path.unwrap_or(url.as_str()))
}

#[test]
fn no_attack_leads_from_several_hosts_to_another() {
    let (site, attacks) = (several_hosts(), [texts(ATTACKS), texts(OTHER_HOSTS)].concat());
    assert!(attacks.len() >= 2000, "the corpus is not what it was");
    for text in &attacks {
        let url = ReturnUrl::parse(text, &site).unwrap_or_default();
        assert!(stays_among_hosts(&url), "{text:?} became {:?}", url.as_str());
        assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{text:?} became {:?}", url.as_str());
        let is_exact = |origin: &&str| text.strip_prefix(*origin).is_some_and(|path| path.starts_with('/'));
        if !text.starts_with('/') && !HOSTS.iter().any(is_exact) {
            assert_eq!(url.as_str(), "/", "{text:?}");
        }
    }
}

#[test]
fn a_site_with_one_host_has_no_urls_to_return_to() {
    let site = PublicUrls::from(PublicUrl::parse(HOSTS[1]).unwrap());
    for text in [texts(OTHER_HOSTS), HOSTS.map(str::to_owned).to_vec()].concat() {
        let path = ReturnPath::parse(&text).unwrap_or_default();
        assert_eq!(ReturnUrl::parse(&text, &site).unwrap_or_default().as_str(), path.as_str(), "{text:?}");
    }
}

#[test]
fn harmless_pages_of_other_hosts_are_taken_as_they_stand() {
    for text in texts(HARMLESS).iter().flat_map(|path| HOSTS.map(|origin| format!("{origin}{path}"))) {
        let url = ReturnUrl::parse(&text, &several_hosts()).unwrap_or_else(|| panic!("{text:?} is refused"));
        assert!(url.as_str() == text && stays_among_hosts(&url), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn nothing_that_is_taken_leads_elsewhere(text in r"(/|[/\\.%?#:@;\t\r\n \x00\x7f]|%2[eEfF]|%5[cC]|%25|evil|https|a|é|／){0,12}") {
        if let Some(path) = ReturnPath::parse(&text) {
            prop_assert!(stays(&path), "{text:?} became {:?}", path.as_str());
        }
    }

    #[test]
    fn no_url_that_is_taken_leads_to_another_host(
        text in r"(https:|https://wiki\.example|https://shop\.example|[/\\.%?#:@;\t\r\n \x00\x7f]|%2[eEfF]|%5[cC]|:8443|evil|wiki\.example|a|é|／){0,12}",
    ) {
        if let Some(url) = ReturnUrl::parse(&text, &several_hosts()) {
            prop_assert!(stays_among_hosts(&url), "{text:?} became {:?}", url.as_str());
        }
    }

    #[test]
    fn whatever_is_a_target_of_http_is_taken_unless_its_path_leads_elsewhere(rest in r"[!-~é]{0,40}") {
        let target = format!("/{rest}");
        let is_target = target.parse::<http::uri::PathAndQuery>().is_ok_and(|parsed| parsed.as_str() == target);
        let plain = target.split('?').next().unwrap().chars().all(|c| c != '\\' && c != '%' && c != '.');
        if is_target && plain && !leaves(&target) {
            prop_assert!(ReturnPath::parse(&target).is_some(), "{target:?}");
        }
    }
}
