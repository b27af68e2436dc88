//! The builder of sessions.

use std::{sync::Arc, time::Duration};

use super::{
    Delivery, SessionMemory, SessionPath, Sessions, SharedSessions, fallback_page::FallbackPage,
    opened::OpenedSessions, store_clock::StoreClock,
};
use crate::{
    access::{Groups, Rules},
    headers::ResponseEdits,
    random::Random,
    session::{
        LinkBase, LogoutUrl, Partner, PublicUrl, PublicUrls, ReturnUrl, SameSite, Sealer,
        cookies::{Cookies, SessionCookieName, UpstreamCookie},
        link::DeepLinks,
        page::{Brand, Pages},
    },
    store::Store,
    tasks::{TaskTracker, Tasks},
};

/// Builds [`Sessions`]. Every setting has a safe default.
#[must_use = "a builder does nothing until it builds"]
pub struct SessionsBuilder {
    sessions: SharedSessions,
    /// With the partner and the time that a login may take, it makes the links.
    link_base: LinkBase,
    /// With the partner, it is what the pages show.
    brand: Brand,
    /// Whether requests for the app's other way to log in carry login tickets.
    has_tickets: bool,
}

impl SessionsBuilder {
    /// The default of [`login_timeout`](Self::login_timeout).
    pub const LOGIN_TIMEOUT: Duration = Duration::from_mins(3);

    /// The default of [`lifetime`](Self::lifetime).
    pub const LIFETIME: Duration = Duration::from_hours(12);

    /// The default of [`idle`](Self::idle).
    pub const IDLE: Duration = Duration::from_hours(2);

    /// The default of [`revocation_grace`](Self::revocation_grace).
    pub const REVOCATION_GRACE: Duration = Duration::from_mins(1);

    pub(super) fn new(public_urls: PublicUrls, sealer: Sealer, partner: Partner, store: impl Store) -> Self {
        let link_base = LinkBase::default();
        let sessions = SharedSessions {
            cookies: Cookies::new(&SessionCookieName::default(), &public_urls),
            links: DeepLinks::new(link_base.clone(), &partner, Self::LOGIN_TIMEOUT),
            public_urls,
            websocket_origins: Vec::new(),
            same_site: SameSite::default(),
            sealer,
            random: Random::system(),
            partner,
            store: Box::new(store),
            path: SessionPath::default(),
            login_timeout: Self::LOGIN_TIMEOUT,
            lifetime: Self::LIFETIME,
            idle: Self::IDLE,
            revocation_grace: Self::REVOCATION_GRACE,
            fallback: None,
            fallback_page: None,
            logout_url: LogoutUrl::default(),
            upstream_cookies: Vec::new(),
            personal: Arc::new(ResponseEdits { personal: true, ..ResponseEdits::default() }),
            rules: Rules::default(),
            refuses_hosts: false,
            groups: Groups::default(),
            pages: Pages::default(),
            tasks: Box::new(TaskTracker::new()),
            delivery: None,
            opened: OpenedSessions::default(),
            store_clock: StoreClock::default(),
            memory: Arc::default(),
        };
        Self { sessions, link_base, brand: Brand::default(), has_tickets: false }
    }

    /// Sets the prefix of truegate's own routes. Defaults to `/.truegate`.
    pub fn path(mut self, path: SessionPath) -> Self {
        self.sessions.path = path;
        self
    }

    /// Sets the start of links to Truecaller's dialog. Defaults to the app.
    pub fn link_base(mut self, base: LinkBase) -> Self {
        self.link_base = base;
        self
    }

    /// Sets how long a login may take, from its request id to its end. Defaults to 3 minutes.
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.sessions.login_timeout = timeout;
        self
    }

    /// Sets how long a session lives, however often it is used. Defaults to 12 hours.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.sessions.lifetime = lifetime;
        self
    }

    /// Sets how long a session lives after its last use. Defaults to 2 hours.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.sessions.idle = idle;
        self
    }

    /// Sets how long sessions stay valid while the store cannot be asked for logouts. Defaults to 1 minute.
    pub fn revocation_grace(mut self, grace: Duration) -> Self {
        self.sessions.revocation_grace = grace;
        self
    }

    /// Sets the app's other way to log in, for users who refuse, choose another number or do not have Truecaller. The page gets the
    /// return path as the parameter `next`; a page that is given as a URL gets the URL to return to. Defaults to none: the login
    /// page then says what happened.
    pub fn fallback(mut self, page: impl Into<ReturnUrl>) -> Self {
        self.sessions.fallback = Some(page.into());
        self
    }

    /// Gives each request for the page of [`fallback`](Self::fallback), and for the pages below it, a login ticket in the header
    /// `X-Truecaller-Login`. By default no request carries one.
    ///
    /// The page verifies the number of a user in its own way, such as by a code in an SMS. It then finishes the login with
    /// [`Sessions::finish_login`]: the browser gets its session as after a login with Truecaller. A request carries the ticket if its
    /// browser has no session, unless a page of another site sends it with `POST` or loads it into a page. A link or a `GET` form of
    /// another site is a navigation, which carries one: finish logins in a `POST` only. A login is started for a person who opens
    /// the page or sends a form without one.
    pub fn login_tickets(mut self) -> Self {
        self.has_tickets = true;
        self
    }

    /// Sets the page after a logout that names no page itself. Defaults to the root of the site.
    pub fn logout_url(mut self, url: LogoutUrl) -> Self {
        self.sessions.logout_url = url;
        self
    }

    /// Sets the logo and the colour of the pages. The colour defaults to that of the button in Truecaller's dialog.
    pub fn brand(mut self, brand: Brand) -> Self {
        self.brand = brand;
        self
    }

    /// Sets the start of the names of truegate's own cookies. Defaults to `truegate`.
    ///
    /// Sites on one host share their cookies, even if their ports differ: give each site its own name.
    pub fn cookie_name(mut self, name: &SessionCookieName) -> Self {
        self.sessions.cookies = Cookies::new(name, &self.sessions.public_urls);
        self
    }

    /// Sets which requests that pages of other sites cause carry the session. Defaults to [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.sessions.same_site = same_site;
        self
    }

    /// Sets the other sites whose pages may open WebSockets with a user's session. Defaults to none: only pages of the very origin
    /// may.
    ///
    /// Browsers send the session along only if [`same_site`](Self::same_site) lets them. With [`SameSite::Lax`], that is from pages of
    /// the same registrable domain.
    ///
    /// ```
    /// use truegate::{
    ///     session::{Partner, PublicUrl, Sealer, Secret, Sessions},
    ///     store::MemoryStore,
    /// };
    ///
    /// let (shop, app) = (PublicUrl::parse("https://shop.example.com")?, PublicUrl::parse("https://app.example.com")?);
    /// let (sealer, partner) = (Sealer::new(&Secret::generate(), &[]), Partner::new("a-key", "A Shop")?);
    /// let sessions = Sessions::builder(shop, sealer, partner, MemoryStore::new(100_000)).websocket_origins([app]);
    /// # drop(sessions.build());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn websocket_origins(mut self, origins: impl IntoIterator<Item = PublicUrl>) -> Self {
        self.sessions.websocket_origins = origins.into_iter().collect();
        self
    }

    /// Sets the cookies by which the app itself remembers a user. Defaults to none.
    ///
    /// Such a cookie reaches the app only from the user for whom the app set it in a response, or from a browser without a session
    /// if the app set it for such a browser. truegate expires it when the browser's user changes, and when anyone else sends it.
    pub fn upstream_cookies(mut self, cookies: impl IntoIterator<Item = UpstreamCookie>) -> Self {
        self.sessions.upstream_cookies = cookies.into_iter().collect();
        self
    }

    /// Sets which paths need an identity, and which users they let in. By default every path requires an identity.
    pub fn rules(mut self, rules: Rules) -> Self {
        self.sessions.rules = rules;
        self
    }

    /// Sets the groups that apps hear of. Defaults to none.
    ///
    /// Each request carries the groups that its user is in at that time, whenever the session began: in the headers with
    /// [`Field::Groups`](crate::headers::Field::Groups), in the assertion, and in [`Identity::groups`](crate::Identity::groups).
    /// A user in no group gets none of these headers.
    ///
    /// ```
    /// use truegate::{
    ///     access::{AllowEntry, AllowList, Group, Groups},
    ///     profile::PhoneNumber,
    ///     session::{Partner, PublicUrl, Sealer, Secret, Sessions},
    ///     store::MemoryStore,
    /// };
    ///
    /// let chief = PhoneNumber::parse("+919999900001").expect("a number");
    /// let staff = Group::new("staff".parse()?, AllowList::only([AllowEntry::Phone(chief)]));
    ///
    /// let site = PublicUrl::parse("https://shop.example.com")?;
    /// let (sealer, partner) = (Sealer::new(&Secret::generate(), &[]), Partner::new("a-key", "A Shop")?);
    /// let sessions = Sessions::builder(site, sealer, partner, MemoryStore::new(100_000)).groups(Groups::from_iter([staff]));
    /// # drop(sessions.build());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn groups(mut self, groups: Groups) -> Self {
        self.sessions.groups = groups;
        self
    }

    /// Sets the pages that people see. Defaults to truegate's own.
    pub fn pages(mut self, pages: Pages) -> Self {
        self.sessions.pages = pages;
        self
    }

    /// Sets the tracker that runs the work after a request. By default the tasks run, and you cannot wait for them.
    ///
    /// The tasks verify callbacks after they were answered, repeat a logout that the store missed, and follow the revocations while
    /// sessions are used. Before you wait for the tasks, call [`Gate::stop_waiting`](crate::Gate::stop_waiting), which ends the
    /// last one.
    pub fn tasks(mut self, tasks: impl Tasks) -> Self {
        self.sessions.tasks = Box::new(tasks);
        self
    }

    /// Sends verified callbacks to the app as well, after truegate has answered them. By default the app gets no callbacks.
    pub fn deliver(mut self, delivery: impl Delivery) -> Self {
        self.sessions.delivery = Some(Box::new(delivery));
        self
    }

    /// Goes on with a memory that earlier sessions have used. By default the sessions begin with an empty one.
    ///
    /// Call [`Sessions::follow_store`] once these sessions take the place of the earlier ones.
    #[cfg(feature = "gateway")]
    pub(crate) fn memory(mut self, memory: Arc<SessionMemory>) -> Self {
        self.sessions.memory = memory;
        self
    }

    /// Sets what seals, in place of the sealer of the site.
    #[cfg(test)]
    pub(super) fn sealer(mut self, sealer: Sealer) -> Self {
        self.sessions.sealer = sealer;
        self
    }

    /// Sets the source of all random numbers.
    #[cfg(test)]
    pub(super) fn random(mut self, random: Random) -> Self {
        self.sessions.random = random;
        self
    }

    /// Builds the sessions.
    pub fn build(self) -> Sessions {
        let Self { mut sessions, link_base, brand, has_tickets } = self;
        sessions.cookies = sessions.cookies.same_site(sessions.same_site);
        sessions.refuses_hosts = sessions.rules.name_hosts() || sessions.public_urls.exclude_others();
        let color = brand.color.or_else(|| sessions.partner.button_color());
        sessions.pages = sessions.pages.branded(&Brand::new(brand.logo, color));
        sessions.fallback_page = sessions.fallback.as_ref().filter(|_| has_tickets).map(FallbackPage::of);
        sessions.links = DeepLinks::new(link_base, &sessions.partner, sessions.login_timeout);
        Sessions(Arc::new(sessions))
    }
}

redacted!(SessionsBuilder);
