//! How sessions are put together.

use std::{sync::Arc, time::Duration};

use super::{Delivery, Mode, SessionPath, Sessions};
use crate::{
    access::Rules,
    headers::ResponseEdits,
    session::{
        DeepLinks, LinkBase, Partner, PublicUrl, ReturnPath, Sealer,
        cookies::{CookieName, Cookies},
        page::Pages,
    },
    store::Store,
    tasks::{TaskTracker, Tasks},
};

/// Puts [`Sessions`] together; every setting has a safe default.
#[must_use = "a builder does nothing until it builds"]
pub struct SessionsBuilder {
    public_url: PublicUrl,
    sealer: Sealer,
    partner: Partner,
    store: Box<dyn Store>,
    link_base: LinkBase,
    path: SessionPath,
    login_timeout: Duration,
    lifetime: Duration,
    idle: Duration,
    revocation_grace: Duration,
    fallback: ReturnPath,
    upstream_cookies: Vec<CookieName>,
    rules: Rules,
    pages: Pages,
    tasks: Box<dyn Tasks>,
    delivery: Option<Box<dyn Delivery>>,
}

impl SessionsBuilder {
    /// How long a login may take, if not said.
    pub const LOGIN_TIMEOUT: Duration = Duration::from_mins(3);

    /// How long a session lives, if not said.
    pub const LIFETIME: Duration = Duration::from_hours(12);

    /// How long a session lives that nobody uses, if not said.
    pub const IDLE: Duration = Duration::from_hours(2);

    /// How long sessions go on without the store, if not said.
    pub const REVOCATION_GRACE: Duration = Duration::from_mins(1);

    pub(super) fn new(public_url: PublicUrl, sealer: Sealer, partner: Partner, store: impl Store) -> Self {
        Self {
            public_url,
            sealer,
            partner,
            store: Box::new(store),
            link_base: LinkBase::default(),
            path: SessionPath::default(),
            login_timeout: Self::LOGIN_TIMEOUT,
            lifetime: Self::LIFETIME,
            idle: Self::IDLE,
            revocation_grace: Self::REVOCATION_GRACE,
            fallback: ReturnPath::or_root(Some("/login")),
            upstream_cookies: Vec::new(),
            rules: Rules::default(),
            pages: Pages::default(),
            tasks: Box::new(TaskTracker::new()),
            delivery: None,
        }
    }

    /// Where truegate's own routes live; `/.truegate` if not said.
    pub fn path(mut self, path: SessionPath) -> Self {
        self.path = path;
        self
    }

    /// What links to Truecaller's dialog begin with.
    pub fn link_base(mut self, base: LinkBase) -> Self {
        self.link_base = base;
        self
    }

    /// How long a login may take, from its nonce to its end; 3 min if not said.
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.login_timeout = timeout;
        self
    }

    /// How long a session lives, however often it is used; 12 h if not said.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long a session lives since it was used last; 2 h if not said.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// How long sessions go on while the store cannot be asked who was logged out; 1 min if not said.
    pub fn revocation_grace(mut self, grace: Duration) -> Self {
        self.revocation_grace = grace;
        self
    }

    /// Where a user goes on who refused or has not got the app; `/login` if not said.
    pub fn fallback(mut self, path: ReturnPath) -> Self {
        self.fallback = path;
        self
    }

    /// The app's own cookies, which are expired when a browser's identity changes; none if not said.
    pub fn upstream_cookies(mut self, names: impl IntoIterator<Item = CookieName>) -> Self {
        self.upstream_cookies = names.into_iter().collect();
        self
    }

    /// Which paths need an identity, and whose; none does if not said.
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The pages that people see; built-in ones if not said.
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// Who runs the verifications of callbacks, and can be waited for; a tracker that nobody waits for if not said.
    pub fn tasks(mut self, tasks: impl Tasks) -> Self {
        self.tasks = Box::new(tasks);
        self
    }

    /// Sends verified callbacks to the app as well, after they were answered; to nobody if not said.
    pub fn deliver(mut self, delivery: impl Delivery) -> Self {
        self.delivery = Some(Box::new(delivery));
        self
    }

    /// Closes the settings.
    pub fn build(self) -> Sessions {
        let cookies = if self.public_url.is_secure() { Cookies::Secure } else { Cookies::Plain };
        Sessions(Arc::new(Mode {
            links: DeepLinks::new(self.link_base, &self.partner, self.login_timeout),
            public_url: self.public_url,
            cookies,
            sealer: self.sealer,
            partner: self.partner,
            store: self.store,
            path: self.path,
            login_timeout: self.login_timeout,
            lifetime: self.lifetime,
            idle: self.idle,
            revocation_grace: self.revocation_grace,
            fallback: self.fallback,
            upstream_cookies: self.upstream_cookies.iter().map(CookieName::expired).collect(),
            personal: Arc::new(ResponseEdits { cookies: Vec::new(), personal: true }),
            rules: self.rules,
            pages: self.pages,
            tasks: self.tasks,
            delivery: self.delivery,
            revocations: super::revocations::Revocations::default(),
            verifications: super::running::Verifications::default(),
            waiting: super::status::Waiting::default(),
        }))
    }
}

impl std::fmt::Debug for SessionsBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionsBuilder").finish_non_exhaustive()
    }
}
