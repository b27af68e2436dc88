//! The hosts of a site, and the cookies that they share.

use super::{assert_one_mistake, with};
use crate::{
    gateway::config::tests::parse,
    session::{CookieDomain, PublicUrl, SameSite},
};

#[test]
fn a_host_is_one_that_cookies_and_logins_can_work_on() {
    for (keys, expected) in [
        ("public_url: shop.example", "session.public_url: not an absolute URL (write https://shop.example)"),
        ("public_url: http://shop.example", "session.public_url: must be https, or http to a loopback host"),
        ("public_url: https://shop.example/app", "session.public_url: must be scheme, host and port alone"),
        ("public_url: []", "session.public_url: must not be empty (list an origin)"),
        (
            "public_url: [https://shop.example, shop.example]",
            "session.public_url[1]: not an absolute URL (write https://shop.example)",
        ),
        (
            "public_url: [https://shop.example, https://wiki.example, https://SHOP.example]",
            "session.public_url[2]: an origin is listed twice (remove one of them)",
        ),
        (
            "public_url: [https://shop.example, http://localhost]",
            "session.public_url[1]: https and http cannot be mixed, because the names of cookies depend on the scheme (write",
        ),
        ("cookie_domain: example", "session.cookie_domain: must have two labels at least, because browsers keep no"),
        ("cookie_domain: 127.0.0.1", "session.cookie_domain: an IP address has no domain to share (remove the key)"),
        ("cookie_domain: .shop.example", "session.cookie_domain: must be the name of a domain alone, without a"),
        ("cookie_domain: wiki.shop.example", "session.cookie_domain: not the domain of every origin in `public_url`"),
        (
            "public_url: [https://a.shop.example, https://b.example], cookie_domain: shop.example",
            "session.cookie_domain: not the domain of every origin in `public_url` (write a domain that has all of them",
        ),
        ("same_site: Lax", "session.same_site: not a known value (write one of lax, strict, none)"),
        (
            "public_url: http://localhost, same_site: none",
            "session.same_site: only for a `public_url` of https, because browsers refuse it otherwise (write lax)",
        ),
        (
            "websocket_origins: ['*']",
            "session.websocket_origins[0]: not an absolute URL (write an origin such as https://app.example)",
        ),
        (
            "websocket_origins: [http://app.example]",
            "session.websocket_origins[0]: must be https, or http to a loopback",
        ),
        ("websocket_origins: https://app.example", "session.websocket_origins: must be a list"),
        (
            "public_url: [https://shop.example, https://wiki.example], fallback_url: https://evil.example/",
            "session.fallback_url: neither a path of this site nor a page of an origin in `public_url` (write one such",
        ),
        (
            "public_url: [https://a.example, https://b.example], fallback_url: https://b.example/.truegate/login",
            "session.fallback_url: leads to truegate's own",
        ),
    ] {
        assert_one_mistake(&with(keys), expected);
    }
}

#[test]
fn a_site_may_have_several_hosts() {
    let text = with(
        "public_url: [https://login.shop.example, https://wiki.shop.example], cookie_domain: shop.example, same_site: strict, \
         websocket_origins: [https://app.example], fallback_url: https://login.shop.example/sms",
    );
    let config = parse(&format!("{text}\nroutes: [{{ path: /, access: optional }}]")).unwrap();
    let session = config.session.as_ref().unwrap();
    let origins: Vec<_> = session.public_urls.iter().map(PublicUrl::origin).collect();
    assert_eq!(origins, ["https://login.shop.example", "https://wiki.shop.example"]);
    assert_eq!(session.public_urls.domain().map(CookieDomain::as_str), Some("shop.example"));
    assert_eq!(session.same_site, SameSite::Strict);
    assert_eq!(session.websocket_origins, [PublicUrl::parse("https://app.example").unwrap()]);
    assert_eq!(session.fallback_url.as_ref().unwrap().as_str(), "https://login.shop.example/sms");
}
