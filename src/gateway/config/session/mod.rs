//! `session`: how browsers log in, and how they are known from then on.

mod pages;
mod partner;
mod read;
mod secrets;
mod store;

use std::time::Duration;

pub use self::{
    secrets::Secrets,
    store::{RedisServer, Store},
};
use crate::{
    session::cookies::{SessionCookieName, UpstreamCookie},
    session::page::{Brand, Pages},
    session::{LinkBase, LogoutUrl, Partner, PublicUrl, ReturnPath, SessionPath},
};

/// How browsers log in, and how they are known from then on.
#[derive(Clone)]
#[non_exhaustive]
pub struct Session {
    /// The origin that browsers see.
    pub public_url: PublicUrl,
    /// What sessions are sealed with.
    pub secrets: Secrets,
    /// Where truegate's own routes live.
    pub path: SessionPath,
    /// How long a login may take.
    pub login_timeout: Duration,
    /// How long a session lives, however often it is used.
    pub lifetime: Duration,
    /// How long a session lives that nobody uses; never longer than `lifetime`.
    pub idle: Duration,
    /// How many logins may run at once.
    pub max_pending: usize,
    /// How long sessions go on without the store.
    pub revocation_grace: Duration,
    /// The site as Truecaller knows it.
    pub partner: Partner,
    /// What links to Truecaller's dialog begin with.
    pub link_base: LinkBase,
    /// Where a user without the app, or who refused, goes on; none for the login page itself.
    pub fallback_url: Option<ReturnPath>,
    /// Where a browser goes after a logout.
    pub logout_url: LogoutUrl,
    /// How the pages show the site.
    pub brand: Brand,
    /// What the names of truegate's own cookies are made of.
    pub cookie_name: SessionCookieName,
    /// The app's cookies that must not outlive their user; none if the configuration does not say.
    pub upstream_cookies: Option<Vec<UpstreamCookie>>,
    /// What keeps logins and revocations.
    pub store: Store,
    /// The pages that people see.
    pub pages: Pages,
}

impl Session {
    /// The default of `max_pending`.
    pub const MAX_PENDING: usize = 100_000;
}
