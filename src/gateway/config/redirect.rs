//! `redirect`: a listener that sends clients from http to https.

use std::{num::NonZero, path::PathBuf};

use super::{
    reader::{Item, Section, Shape, ValueParser},
    value,
};

/// A redirect to https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedirectConfig {
    /// The port of https.
    pub(crate) port: u16,
    /// The folder into which an ACME client writes its challenges, if it does.
    pub(crate) acme_webroot: Option<PathBuf>,
}

impl RedirectConfig {
    /// Reads the keys of a listener that concern a redirect. Returns none if the listener serves the site, or if a key is wrong.
    pub(super) fn read(listener: &mut Section<'_>, speaks_tls: bool) -> Option<Self> {
        let redirect = listener.take("redirect");
        for name in ["certificate", "certificates"] {
            listener.note_alternatives([name, "redirect"]);
        }
        let (port, acme_webroot) = (listener.take("redirect_port"), listener.take("acme_webroot"));
        let Some(item) = redirect else {
            for item in [port, acme_webroot].into_iter().flatten() {
                item.complain_of_key("only used with `redirect: https` (add it, or remove the key)");
            }
            return None;
        };
        let port = port.map_or(Some(HTTPS), |item| item.parse(&https_port()));
        let acme_webroot = acme_webroot.and_then(webroot);
        item.parse(&value::choice([("https", ())]))?;
        if speaks_tls {
            item.complain_of_key(
                "must not come with a certificate, because it redirects from http (give it a listener of its own)",
            );
        }
        let redirect = Self { port: port?, acme_webroot };
        (!speaks_tls).then_some(redirect)
    }
}

fn webroot(item: Item<'_>) -> Option<PathBuf> {
    let path = item.path()?;
    if !path.is_dir() {
        item.complain("is not a folder (make it, and let the ACME client write its challenges there)");
    }
    Some(path)
}

fn https_port() -> ValueParser<'static, u16> {
    ValueParser::new(Shape::Number { least: 1, most: 65535 }, |text| {
        let number = text.plain().and_then(|text| text.parse::<NonZero<u16>>().ok());
        number.map(NonZero::get).ok_or("must be a port from 1 to 65535 (write 8443, without quotes)")
    })
}

/// The port that a URL with https need not name.
const HTTPS: u16 = 443;
