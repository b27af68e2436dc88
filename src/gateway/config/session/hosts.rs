//! The hosts of a site, and which requests carry a session: `session.public_url`, `cookie_domain`, `same_site` and
//! `websocket_origins`.

use std::{net::IpAddr, str::FromStr};

use crate::{
    gateway::config::{
        reader::{Item, Section, Shape, ValueParser},
        value,
    },
    session::{CookieDomain, PublicUrl, PublicUrls, PublicUrlsError, SameSite},
};

/// Reads `public_url` and `cookie_domain`. Returns none if one of them is wrong.
pub(super) fn public_urls(section: &mut Section<'_>) -> Option<PublicUrls> {
    let urls = section.require("public_url", "write public_url: https://shop.example").and_then(origins);
    let domain = section.take("cookie_domain").map(|item| {
        let domain = item.parse(
            &ValueParser::new(Shape::Text, |text| match text.parse::<IpAddr>() {
                Ok(_) => Err("an IP address has no domain to share (remove the key)".to_owned()),
                Err(_) => CookieDomain::from_str(text)
                    .map_err(|error| format!("{error} (write example.com to share sessions below it)")),
            })
            .open(),
        )?;
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
        let url = item.parse(&origin("write https://shop.example"));
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
    let is_possible = |same_site: &SameSite| match *same_site == SameSite::None && !urls.is_secure() {
        true => Err("only for a `public_url` of https, because browsers refuse it otherwise (write lax)"),
        false => Ok(()),
    };
    section.read_or("same_site", SameSite::default(), &value::choice(words).check(is_possible))
}

fn origin(advice: &str) -> ValueParser<'_, PublicUrl> {
    value::url(PublicUrl::parse, advice).open()
}

/// Reads `websocket_origins`.
pub(super) fn websocket_origins(section: &mut Section<'_>) -> Vec<PublicUrl> {
    let origin = origin("write an origin such as https://app.example");
    section.list("websocket_origins").into_iter().filter_map(|item| item.parse(&origin)).collect()
}
