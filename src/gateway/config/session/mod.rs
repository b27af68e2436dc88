//! `session`: how browsers log in, and how they are known from then on.

mod hosts;
mod site;
mod store;

use std::{num::NonZero, ops::RangeInclusive, str::FromStr, time::Duration};

pub(crate) use self::store::StoreConfig;
use super::{
    reader::{Item, Section, Shape, ValueParser},
    value,
};
use crate::{
    access::{Access, Rules},
    session::{
        Brand, Cookies, LinkBase, LogoutUrl, OwnCookie, Pages, Partner, PublicUrl, PublicUrls, ReturnUrl, SameSite,
        Sealer, Secret, SessionCookieName, SessionPath, SessionsBuilder, UpstreamCookie,
    },
};

/// How browsers log in, and how they are known from then on.
pub(crate) struct SessionConfig {
    /// The origins that browsers see.
    pub(crate) public_urls: PublicUrls,
    /// Which requests of other sites' pages carry the session.
    pub(crate) same_site: SameSite,
    /// The other sites whose pages may open WebSockets with a session.
    pub(crate) websocket_origins: Vec<PublicUrl>,
    /// Seals and opens sessions with the secrets.
    pub(crate) sealer: Sealer,
    /// The path below which truegate's own routes are.
    pub(crate) path: SessionPath,
    /// How long a login may take.
    pub(crate) login_timeout: Duration,
    /// How long a session lives, however often it is used.
    pub(crate) lifetime: Duration,
    /// How long a session lives after it was last used; never longer than `lifetime`.
    pub(crate) idle: Duration,
    /// How many logins may run at once.
    pub(crate) max_pending: usize,
    /// How long sessions go on without the store.
    pub(crate) revocation_grace: Duration,
    /// The site as Truecaller knows it.
    pub(crate) partner: Partner,
    /// The start of links to Truecaller's dialog.
    pub(crate) link_base: LinkBase,
    /// The page for a user who refused or does not have the app. `None` shows the login page instead.
    pub(crate) fallback_url: Option<ReturnUrl>,
    /// The page after a logout.
    pub(crate) logout_url: LogoutUrl,
    /// How the pages show the site.
    pub(crate) brand: Brand,
    /// The start of the names of truegate's own cookies.
    pub(crate) cookie_name: SessionCookieName,
    /// The app's cookies that must not outlive their user; `None` if the configuration does not list them.
    pub(crate) upstream_cookies: Option<Vec<UpstreamCookie>>,
    /// The store of logins and revocations.
    pub(crate) store: StoreConfig,
    /// The pages that people see.
    pub(crate) pages: Pages,
}

impl SessionConfig {
    /// Reads the section. Returns none if a required key is missing or wrong.
    pub(super) fn read(section: &mut Section<'_>, routes: &Rules) -> Option<Self> {
        let public_urls = hosts::public_urls(section);
        // The other keys are checked even if the origins are wrong.
        let site = public_urls
            .clone()
            .unwrap_or_else(|| PublicUrl::parse("https://site.invalid").expect("it is an origin").into());
        let sealer = section.require("secret", "write secret: ${TRUEGATE_SESSION_SECRET}").and_then(sealer);
        let parser = value::path(SessionPath::from_str, "write one such as /.truegate");
        let path =
            section.read_or("path", SessionPath::default(), &parser.shown(|path| Some(path.as_str().to_owned())));
        let fallback_url = section.take("fallback_url").and_then(|item| fallback(item, &site, &path, routes));
        let logout_url = section.take("logout_url").and_then(|item| logout(item, &path));

        let lifetime = section.read_or("lifetime", SessionsBuilder::LIFETIME, &value::duration(LIFETIMES));
        let is_possible = |idle: &Duration| match *idle > lifetime {
            true => Err("must not be longer than `lifetime` (write a shorter one)"),
            false => Ok(()),
        };
        let idle = value::duration(LIFETIMES).check(is_possible);
        let idle = section.read_or("idle", SessionsBuilder::IDLE.min(lifetime), &idle);
        let login_timeout = value::duration(LOGIN_TIMEOUTS);
        let grace = value::duration(REVOCATION_GRACES);
        let max_pending = value::count(NonZero::<u32>::MIN..=MAX_PENDING);
        let link_base =
            section.read("link_base", &value::url(LinkBase::parse, "write truecallersdk://truesdk/web_verify").open());

        section.note_default("link_base", LinkBase::default().as_str());
        section.note_default("logout_url", LogoutUrl::default().as_str());
        let partner = section.require("partner", "write partner: { key: …, name: … }, as Truecaller's portal has them");
        let partner = partner.and_then(|item| item.section(site::partner));
        let parser = value::text(SessionCookieName::parse, "write one such as truegate-shop");
        let parser = parser.shown(|name| Some(name.as_str().to_owned())).open();
        let cookie_name = section.read_or("cookie_name", SessionCookieName::default(), &parser);
        let ours = Cookies::new(&cookie_name, &site);
        let upstream_cookies = section.take("upstream_cookies").map(|item| {
            let items = item.list().unwrap_or_default();
            items.into_iter().filter_map(|item| upstream_cookie(item, &ours)).collect()
        });
        let (store, pages) = (store::read(section), section.take("templates").map(site::pages));
        // A `?` comes after every key has been read, so that no mistake is missed.
        Some(Self {
            login_timeout: section.read_or("login_timeout", SessionsBuilder::LOGIN_TIMEOUT, &login_timeout),
            lifetime,
            idle,
            max_pending: section.read_or("max_pending", DEFAULT_MAX_PENDING, &max_pending).get() as usize,
            revocation_grace: section.read_or("revocation_grace", SessionsBuilder::REVOCATION_GRACE, &grace),
            link_base: link_base.unwrap_or_default(),
            brand: site::brand(section),
            fallback_url,
            logout_url: logout_url.unwrap_or_default(),
            cookie_name,
            upstream_cookies,
            same_site: hosts::same_site(section, &site),
            websocket_origins: hosts::websocket_origins(section),
            public_urls: public_urls?,
            sealer: sealer?,
            path,
            partner: partner?,
            store: store?,
            pages: pages.unwrap_or_else(|| Some(Pages::default()))?,
        })
    }
}

/// Reads one secret or several. The first one seals, and all of them open.
fn sealer(item: Item<'_>) -> Option<Sealer> {
    let secret = value::text(Secret::parse, "make it with `truegate keys secret`").secret();
    let secrets = item.one_or_more("list a secret", |item| item.parse(&secret));
    let (first, others) = secrets.split_first()?;
    Some(Sealer::new(first, others))
}

/// Reads the page for users who cannot log in. It must be neither a route of truegate nor a page that needs a login.
fn fallback(item: Item<'_>, site: &PublicUrls, own: &SessionPath, routes: &Rules) -> Option<ReturnUrl> {
    let mistake = if site.is_single() {
        "not a path of this site (write one such as /login)"
    } else {
        "neither a path of this site nor a page of an origin in `public_url` (write one such as /login)"
    };
    let parser =
        ValueParser::new(page("a path or a URL of this site"), |text| ReturnUrl::parse(text, site).ok_or(mistake));
    let fallback = item.parse(&parser.open())?;
    let path = fallback.path();
    let mut here = site.iter().filter(|url| fallback.origin().is_none_or(|origin| origin == url.origin()));
    let is_open =
        |url: &PublicUrl| matches!(routes.access_at(url.host_name(), path), Ok(Access::Public | Access::Optional));
    if own.covers(path) {
        item.complain("leads to truegate's own routes (write a page of the app)");
    } else if !here.all(is_open) {
        item.complain(
            "leads to a page that needs a login, but users who cannot log in are sent there (open its path with a rule, or \
             remove the key: truegate then shows a page of its own)",
        );
    }
    Some(fallback)
}

fn logout(item: Item<'_>, own: &SessionPath) -> Option<LogoutUrl> {
    let parser = ValueParser::new(page("a path of this site, or an https:// URL"), |text| {
        let advice = "neither a path of this site nor an https:// URL (write one such as /goodbye)";
        LogoutUrl::parse(text).ok_or(advice)
    });
    let url = item.parse(&parser.open())?;
    if url.as_str().split(['?', '#']).next() == Some(&*format!("{}/logout", own.as_str())) {
        item.complain("leads back to the logout (write a page of the app)");
    }
    Some(url)
}

fn page(words: &'static str) -> Shape {
    Shape::Pattern { pattern: "^/|^[A-Za-z]+:", words }
}

/// Reads a name, or a mapping of a name with the path and the domain that the app sets.
fn upstream_cookie(item: Item<'_>, ours: &Cookies) -> Option<UpstreamCookie> {
    if !item.is_mapping() {
        return cookie(item, ours);
    }
    item.section(|keys| {
        let name = keys.require("name", "write name: PHPSESSID").and_then(|item| cookie(item, ours));
        // Path and domain are checked even if the name is wrong.
        let any = UpstreamCookie::from_str("any").ok()?;
        let path = keys.take("path").map(|item| {
            let parser = value::path(|text| any.clone().path(text).map(|_| text.to_owned()), "write one such as /hub/");
            item.parse(&parser)
        });
        let domain = keys.take("domain").map(|item| {
            let parser =
                value::text(|text| any.clone().domain(text).map(|_| text.to_owned()), "write one such as shop.example");
            item.parse(&parser.open())
        });
        let mut cookie = name?;
        if let Some(path) = path {
            cookie = cookie.path(&path?).ok()?;
        }
        if let Some(domain) = domain {
            cookie = cookie.domain(&domain?).ok()?;
        }
        Some(cookie)
    })
}

/// Reads the name of a cookie, which must not be one of truegate's own.
fn cookie(item: Item<'_>, ours: &Cookies) -> Option<UpstreamCookie> {
    let parser = value::text(str::parse::<UpstreamCookie>, "write one such as PHPSESSID").open();
    item.parse(&parser.check(|cookie| {
        if cookie.name() == "*" {
            return Err("covers every cookie (write the start of the names, such as jupyterhub-user-*)");
        }
        let is_covered = |kind| cookie.covers(ours.name(kind).as_bytes());
        if ours.is_set_by(cookie.name().as_bytes()) || is_covered(OwnCookie::Session) || is_covered(OwnCookie::Browser)
        {
            return Err("one of truegate's own cookies (list only the app's)");
        }
        Ok(())
    }))
}

const DEFAULT_MAX_PENDING: NonZero<u32> = NonZero::new(100_000).expect("it is not zero");
const LOGIN_TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_mins(10);
const LIFETIMES: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(30 * 24);
const REVOCATION_GRACES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
const MAX_PENDING: NonZero<u32> = NonZero::new(10_000_000).expect("ten millions are not zero");
