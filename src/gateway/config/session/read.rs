//! How the section is read.

use std::{num::NonZero, ops::RangeInclusive, time::Duration};

use super::{
    super::{
        reader::{Item, Section},
        value,
    },
    Secrets, Session, Store, pages, partner,
};
use crate::{
    access::{Access, Rules},
    session::cookies::{Cookies, Kind, SessionCookieName, UpstreamCookie},
    session::page::{Brand, Logo, LogoError, Pages},
    session::{LinkBase, LinkBaseError, LogoutUrl, PublicUrl, ReturnPath, SessionPath, SessionsBuilder},
};

impl Session {
    /// Reads the section; none if anything that it must have is missing or wrong.
    pub(in super::super) fn read(section: &mut Section<'_>, routes: &Rules) -> Option<Self> {
        let public_url = section.require("public_url", "write public_url: https://shop.example");
        let public_url = public_url.and_then(|item| item.parse(|text| parse_public_url(text)));
        let secrets = section.require("secret", "write secret: ${TRUEGATE_SESSION_SECRET}");
        let secrets = secrets.and_then(|item| Secrets::read(&item));
        let (path, fallback_url, logout_url) = ways(section, routes);
        let times = Times::read(section);
        let max_pending = section.read("max_pending", value::count(MAX_PENDING));
        let partner = section.require("partner", "write partner: { key: …, name: … }, as Truecaller's portal has them");
        let partner = partner.and_then(|item| item.section(partner::read)?);
        let link_base = section.read("link_base", |text| LinkBase::parse(text).map_err(explain_link_base));
        let cookie_name = section.read("cookie_name", |text| cookie_name(text)).unwrap_or_default();
        let upstream_cookies = upstream_cookies(section, public_url.as_ref(), &cookie_name);
        let store = Store::read(section);
        let brand = brand(section);
        let pages = section.take("templates").map_or_else(|| Some(Pages::default()), |item| pages::read(&item));
        Some(Self {
            public_url: public_url?,
            secrets: secrets?,
            path: path?,
            login_timeout: times.login_timeout,
            lifetime: times.lifetime,
            idle: times.idle,
            max_pending: max_pending.map_or(Self::MAX_PENDING, |count| count.get() as usize),
            revocation_grace: times.revocation_grace,
            partner: partner?,
            link_base: link_base.unwrap_or_default(),
            fallback_url,
            cookie_name,
            logout_url,
            brand,
            upstream_cookies,
            store: store?,
            pages: pages?,
        })
    }
}

/// How long things last.
struct Times {
    login_timeout: Duration,
    lifetime: Duration,
    idle: Duration,
    revocation_grace: Duration,
}

impl Times {
    fn read(section: &mut Section<'_>) -> Self {
        let login_timeout = section.read("login_timeout", value::duration(LOGIN_TIMEOUTS));
        let lifetime = section.read("lifetime", value::duration(LIFETIMES)).unwrap_or(SessionsBuilder::LIFETIME);
        let idle = section.take("idle").and_then(|item| idle(&item, lifetime));
        let revocation_grace = section.read("revocation_grace", value::duration(GRACES));
        Self {
            login_timeout: login_timeout.unwrap_or(SessionsBuilder::LOGIN_TIMEOUT),
            lifetime,
            idle: idle.unwrap_or(SessionsBuilder::IDLE.min(lifetime)),
            revocation_grace: revocation_grace.unwrap_or(SessionsBuilder::REVOCATION_GRACE),
        }
    }
}

/// Where truegate's own routes are, where users go on who could not log in, and where after a logout.
fn ways(section: &mut Section<'_>, routes: &Rules) -> (Option<SessionPath>, Option<ReturnPath>, LogoutUrl) {
    let path_item = section.take("path");
    let path = path_item.as_ref().map_or_else(|| Some(SessionPath::default()), |item| item.parse(|text| path(text)));
    let fallback_item = section.take("fallback_url");
    let fallback_url = fallback_item.as_ref().and_then(|item| item.parse(|text| fallback(text)));
    if let (Some(path), Some(item), Some(fallback)) = (&path, &fallback_item, &fallback_url) {
        refuse_loop(path, fallback, item);
        refuse_closed(path, routes, fallback, item);
    }
    let logout_item = section.take("logout_url");
    let logout_url = logout_item.as_ref().and_then(|item| item.parse(|text| logout_url(text)));
    if let (Some(path), Some(item), Some(url)) = (&path, &logout_item, &logout_url)
        && url.as_str().split(['?', '#']).next() == Some(&format!("{}/logout", path.as_str()))
    {
        item.complain("leads from the logout to the logout (write a page of the app)");
    }
    (path, fallback_url, logout_url.unwrap_or_default())
}

/// How the pages show the site.
fn brand(section: &mut Section<'_>) -> Brand {
    let logo = section.take("logo").and_then(|item| {
        item.parse(|file| Logo::read(&item.context().locate(file)).map_err(|error| explain_logo(&error)))
    });
    let color =
        section.read("color", |text| text.parse().map_err(|_| "is not a colour (write \"#0087ff\", in quotes)"));
    Brand::new(logo, color)
}

fn upstream_cookies(
    section: &mut Section<'_>,
    public_url: Option<&PublicUrl>,
    cookie_name: &SessionCookieName,
) -> Option<Vec<UpstreamCookie>> {
    let ours = public_url.map(|url| Cookies::new(cookie_name, url.is_secure()));
    let items = section.take("upstream_cookies")?.list().unwrap_or_default();
    Some(items.iter().filter_map(|item| upstream_cookie(item, ours.as_ref())).collect())
}

/// A name, or a mapping of a name with the path and the domain that the app sets.
fn upstream_cookie(item: &Item<'_>, ours: Option<&Cookies>) -> Option<UpstreamCookie> {
    if !item.is_mapping() {
        return cookie(item, ours);
    }
    item.section(|keys| {
        let name = keys.require("name", "write name: PHPSESSID").and_then(|item| cookie(&item, ours));
        let (path, domain) = (keys.take("path"), keys.take("domain"));
        let cookie = name?;
        let cookie = path.map_or(Some(cookie.clone()), |item| {
            item.parse(|text| cookie.path(text).map_err(|error| format!("{error} (write one such as /hub/)")))
        })?;
        domain.map_or(Some(cookie.clone()), |item| {
            item.parse(|text| cookie.domain(text).map_err(|error| format!("{error} (write one such as shop.example)")))
        })
    })?
}

fn cookie_name(text: &str) -> Result<SessionCookieName, String> {
    SessionCookieName::parse(text).map_err(|error| format!("{error} (write one such as truegate-shop)"))
}

fn parse_public_url(text: &str) -> Result<PublicUrl, String> {
    PublicUrl::parse(text).map_err(|error| format!("{error} (write https://shop.example)"))
}

fn path(text: &str) -> Result<SessionPath, String> {
    SessionPath::parse(text).map_err(|error| format!("{error} (write one such as /.truegate)"))
}

fn idle(item: &Item<'_>, lifetime: Duration) -> Option<Duration> {
    let idle = item.parse(value::duration(LIFETIMES))?;
    if idle > lifetime {
        item.complain("is longer than `lifetime` (write one as long at most)");
    }
    Some(idle)
}

fn fallback(text: &str) -> Result<ReturnPath, &'static str> {
    ReturnPath::parse(text).ok_or("is not a path of this site (write one such as /login)")
}

/// Refuses to send a user who cannot log in to a page that needs a login.
fn refuse_closed(own: &SessionPath, routes: &Rules, fallback: &ReturnPath, item: &Item<'_>) {
    let path = fallback.as_str().split(['?', '#']).next().unwrap_or_default();
    let is_open = matches!(routes.access(path), Ok(Access::Public | Access::Optional));
    // What is wrong with truegate's own routes is said elsewhere.
    if !is_open && !own.covers(path) {
        item.complain(
            "leads to a page that needs a login, and whoever cannot log in is sent there (open its path by a rule, or \
             remove the key: then truegate shows a page of its own)",
        );
    }
}

/// Refuses to send a user who cannot log in to where logins begin.
fn refuse_loop(path: &SessionPath, fallback: &ReturnPath, item: &Item<'_>) {
    let target = fallback.as_str().split(['?', '#']).next().unwrap_or_default();
    if path.covers(target) {
        item.complain("leads the fallback of a login to truegate's own routes (let `fallback_url` lead to the app)");
    }
}

fn logout_url(text: &str) -> Result<LogoutUrl, &'static str> {
    LogoutUrl::parse(text).ok_or("is neither a path of this site nor an https:// URL (write one such as /goodbye)")
}

fn explain_logo(error: &LogoError) -> String {
    match error {
        LogoError::Read(cause) => {
            format!("names a file that cannot be read: {} (paths are relative to the configuration)", cause.kind())
        }
        LogoError::Large => "names a file that is larger than 64 KiB (make the picture smaller)".to_owned(),
        LogoError::Kind => "names a file that is not a PNG, WebP or SVG picture (convert it)".to_owned(),
    }
}

fn cookie(item: &Item<'_>, ours: Option<&Cookies>) -> Option<UpstreamCookie> {
    item.parse(|text| {
        let cookie =
            text.parse::<UpstreamCookie>().map_err(|error| format!("{error} (write one such as PHPSESSID)"))?;
        if cookie.name() == "*" {
            return Err("covers every cookie (write how the names begin, such as jupyterhub-user-*)".to_owned());
        }
        if ours.is_some_and(|ours| {
            let is_covered = |kind| cookie.covers(ours.name(kind).as_bytes());
            ours.is_set_by(text.as_bytes()) || is_covered(Kind::Session) || is_covered(Kind::Browser)
        }) {
            return Err("is a cookie of truegate's own (list the app's)".to_owned());
        }
        Ok(cookie)
    })
}

fn explain_link_base(error: LinkBaseError) -> String {
    let mistake = match error {
        LinkBaseError::Url => "is not a URL",
        LinkBaseError::Scheme => "begins with neither truecallersdk:// nor https:// nor http://",
        LinkBaseError::Insecure => "is http:// of another machine",
        LinkBaseError::Shape => "is not just scheme, host and path",
    };
    format!("{mistake} (write truecallersdk://truesdk/web_verify)")
}

const LOGIN_TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_mins(10);
const LIFETIMES: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(30 * 24);
const GRACES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
const MAX_PENDING: RangeInclusive<NonZero<u32>> =
    NonZero::<u32>::MIN..=NonZero::new(10_000_000).expect("ten millions are not zero");
