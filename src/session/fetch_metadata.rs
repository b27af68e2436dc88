//! The browser's statements about the origin of a request (Fetch Metadata, `Origin` and the like).

use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};

/// Whether a person looks at the answer: a browser goes to the page.
pub(super) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    reads(method) && loads_page(headers)
}

/// Whether a method changes nothing, so that a browser may go to the same page again.
pub(super) fn reads(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Whether a person looks at the answer: a browser goes to a page, or sends a form.
pub(super) fn loads_page(headers: &HeaderMap) -> bool {
    match headers.get(SEC_FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => headers.get(header::ACCEPT).is_some_and(|accept| names(accept, "text/html")),
    }
}

/// Whether a link, a script or a redirect of a page of ours leads the whole tab here, now and not ahead of time.
///
/// Unlike [`is_ours`] it says nothing if the browser does not: whatever changes something then has to be confirmed.
pub(super) fn is_led_by_us(headers: &HeaderMap) -> bool {
    let says = |name: HeaderName, word: &str| headers.get(name).is_some_and(|value| value == word);
    let ahead_of_time = [SEC_PURPOSE, PURPOSE, X_PURPOSE, X_MOZ].iter().any(|name| headers.contains_key(name));
    says(SEC_FETCH_SITE, "same-origin") && says(SEC_FETCH_MODE, "navigate") && is_whole_tab(headers) && !ahead_of_time
}

/// Whether a page is for a whole tab and not for a frame, as far as the browser says.
pub(super) fn is_whole_tab(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_DEST).is_none_or(|dest| dest == "document")
}

/// Whether a request opens a WebSocket, over HTTP/1.1 or by RFC 8441.
///
/// A proxy that asks about one keeps `Upgrade` to itself, as headers of one hop are; `Sec-WebSocket-*` it passes on, and no
/// script can send them with anything else.
pub(super) fn is_web_socket(head: &Parts) -> bool {
    let upgrades = head.headers.get_all(header::UPGRADE).iter().any(|upgrade| names(upgrade, "websocket"));
    let negotiates = [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];
    upgrades || head.method == Method::CONNECT || negotiates.iter().any(|name| head.headers.contains_key(name))
}

/// Whether a request comes from another site's page, as far as its browser says where it comes from.
pub(super) fn is_foreign(headers: &HeaderMap, origin: &str) -> bool {
    let ours = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    !headers.get_all(header::ORIGIN).iter().all(ours)
}

/// Whether a request that changes something comes from a page of ours: it must say so.
pub(super) fn is_ours(headers: &HeaderMap, origin: &str) -> bool {
    let opaque = headers.get_all(header::ORIGIN).iter().all(|value| value == "null");
    let same_origin = headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin");
    if opaque { same_origin } else { !is_foreign(headers, origin) }
}

/// Whether a browser says that another site's page is behind a request.
pub(super) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

fn names(list: &HeaderValue, item: &str) -> bool {
    let name = |item: &[u8]| item.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_owned();
    list.as_bytes().split(|byte| *byte == b',').any(|listed| name(listed).eq_ignore_ascii_case(item.as_bytes()))
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
pub(super) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// The header by which browsers mark a prefetch: a page that the user may never see.
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
const X_MOZ: HeaderName = HeaderName::from_static("x-moz");

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_navigation_is_known_by_its_mode_or_by_what_it_accepts() {
        for (method, lines, navigation) in [
            ("GET", &[("sec-fetch-mode", "navigate")][..], true),
            ("HEAD", &[("accept", "text/html")], true),
            ("GET", &[("accept", "application/xhtml+xml, TEXT/HTML;q=0.9")], true),
            ("GET", &[("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
            ("GET", &[("accept", "*/*")], false),
            ("GET", &[("accept", "text/html2")], false),
            ("GET", &[], false),
            ("POST", &[("sec-fetch-mode", "navigate")], false),
            ("get", &[("sec-fetch-mode", "navigate")], false),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(is_navigation(&method, &headers(lines)), navigation, "{method} {lines:?}");
        }
    }

    #[test]
    fn a_form_loads_a_page_and_a_script_does_not() {
        for (lines, page) in [
            (&[("sec-fetch-mode", "navigate")][..], true),
            (&[("accept", "text/html,application/xhtml+xml")], true),
            (&[("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
            (&[("sec-fetch-mode", "websocket")], false),
            (&[("accept", "application/json")], false),
            (&[], false),
        ] {
            assert_eq!(loads_page(&headers(lines)), page, "{lines:?}");
        }
    }

    #[test]
    fn only_a_tab_that_a_page_of_ours_leads_counts_as_led_by_us() {
        let led = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")];
        assert!(is_led_by_us(&headers(&led)));
        assert!(is_led_by_us(&headers(&[&led[..], &[("sec-fetch-dest", "document")]].concat())));
        for lines in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-mode", "navigate"), ("referer", "https://shop.example/")],
            &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
            &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors")],
            &[led[0], led[1], ("sec-fetch-dest", "iframe")],
            &[led[0], led[1], ("sec-purpose", "prefetch;prerender")],
            &[led[0], led[1], ("purpose", "prefetch")],
            &[led[0], led[1], ("x-moz", "prefetch")],
        ] {
            assert!(!is_led_by_us(&headers(lines)), "{lines:?}");
        }
    }

    #[test]
    fn what_changes_something_must_say_that_it_is_ours() {
        for (lines, ours) in [
            (&[("origin", "https://shop.example")][..], true),
            (&[("origin", "https://SHOP.example")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://shop.example")], false),
            (&[("origin", "https://shop.example.evil")], false),
            (&[("origin", "https://evil.shop.example"), ("sec-fetch-site", "same-origin")], false),
            (&[("origin", "https://shop.example"), ("origin", "https://evil.example")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("referer", "https://shop.example/")], false),
        ] {
            assert_eq!(is_ours(&headers(lines), "https://shop.example"), ours, "{lines:?}");
        }
    }
}
