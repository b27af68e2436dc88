//! The hosts of a site, and which requests carry a session: `session.public_url`, `cookie_domain`, `same_site` and
//! `websocket_origins`.

use std::{net::IpAddr, str::FromStr};

use crate::{
    gateway::config::{
        reader::{Item, Section},
        value,
    },
    session::{CookieDomain, PublicUrl, PublicUrls, PublicUrlsError, SameSite},
};

/// Reads `public_url` and `cookie_domain`. Returns none if one of them is wrong.
pub(super) fn public_urls(section: &mut Section<'_>) -> Option<PublicUrls> {
    let urls = section.require("public_url", "write public_url: https://shop.example").and_then(origins);
    let domain = section.take("cookie_domain").map(|item| {
        let domain = item.parse(|text| match text.parse::<IpAddr>() {
            Ok(_) => Err("an IP address has no domain to share (remove the key)".to_owned()),
            Err(_) => value::text(CookieDomain::from_str, "write example.com to share sessions below it")(text),
        })?;
        Some((item, domain))
    });
    match domain {
        None => urls,
        Some(domain) => {
            let ((item, domain), urls) = domain.zip(urls)?;
            item.accept(urls.share_sessions(domain).map_err(|_| {
                "not the domain of every origin in `public_url` (write a domain that has all of them, or remove the key)"
            }))
        }
    }
}

/// Reads one origin or several, of which the first is the default.
fn origins<'a>(item: Item<'a>) -> Option<PublicUrls> {
    let mut is_sound = true;
    let read = |item: Item<'a>| {
        let url = item.parse(value::text(PublicUrl::parse, "write https://shop.example"));
        is_sound &= url.is_some();
        Some((item, url?))
    };
    let mut urls: Option<PublicUrls> = None;
    for (item, url) in item.one_or_more("list an origin", read) {
        let grown = match &urls {
            None => Ok(url.into()),
            Some(urls) => PublicUrls::new(urls.default_url().clone(), urls.iter().skip(1).cloned().chain([url])),
        };
        match item.accept(grown.map_err(|error| format!("{error} ({})", advice(error)))) {
            Some(grown) => urls = Some(grown),
            None => is_sound = false,
        }
    }
    urls.filter(|_| is_sound)
}

fn advice(error: PublicUrlsError) -> &'static str {
    match error {
        PublicUrlsError::Repeated => "remove one of them",
        _ => "write https for all of them",
    }
}

/// Reads `same_site`.
pub(super) fn same_site(section: &mut Section<'_>, urls: &PublicUrls) -> SameSite {
    let words = [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];
    let read = |text: &_| match value::choice(words)(text)? {
        SameSite::None if !urls.is_secure() => {
            Err("only for a `public_url` of https, because browsers refuse it otherwise (write lax)".to_owned())
        }
        same_site => Ok(same_site),
    };
    section.read("same_site", read).unwrap_or_default()
}

/// Reads `websocket_origins`.
pub(super) fn websocket_origins(section: &mut Section<'_>) -> Vec<PublicUrl> {
    let origin = value::text(PublicUrl::parse, "write an origin such as https://app.example");
    section.list("websocket_origins").into_iter().filter_map(|item| item.parse(&origin)).collect()
}
