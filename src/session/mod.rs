//! Sessions: truegate starts logins itself, and sends the identity with each request of a browser that has logged in.
//!
//! Use them if truegate should do the whole login. Without them, the app starts each login and gets the callbacks. [`Sessions`] plug
//! into a [`Gate`] with `GateBuilder::sessions`, and answer these routes:
//!
//! | route under the [`SessionPath`] | what it does |
//! |---|---|
//! | `GET login?next=/path` | shows the login page |
//! | `POST login` | starts a login for a script, such as the login page's |
//! | `GET status?request_id=…&since=…&wait=…` | returns the state of a login, to the browser that started it |
//! | `GET me` | returns the user |
//! | `POST logout` | ends the session; with `?everywhere=true` all of the user's; `GET` asks first, unless a page of the site leads there |
//! | `auth` | forward-auth: answers a proxy that asks about a request |
//! | `GET jwks.json` | returns the keys of assertions |
//! | `GET truegate.js` | returns the script of the login button, for pages of the app |
//!
//! A site can have several hosts, each with its own sessions, or with sessions that all of them share: see [`PublicUrls`].
//!
//! A request of a browser with a session passes with its identity. If a request needs an identity and has none, the
//! [`Rules`](crate::access::Rules) decide: a person is sent to the login, and any other request is refused.
//!
//! ```
//! use truegate::session::{PublicUrl, ReturnPath};
//!
//! let site = PublicUrl::parse("https://Shop.example:443")?;
//! assert_eq!(site.origin(), "https://shop.example");
//!
//! assert_eq!(ReturnPath::parse("/cart?item=7").expect("a path of the site").as_str(), "/cart?item=7");
//! assert_eq!(ReturnPath::parse("//evil.example"), None);
//! # Ok::<_, truegate::session::PublicUrlError>(())
//! ```

mod admission;
mod auth;
mod builder;
mod carrier;
mod cookie_domain;
mod cookie_owners;
mod cookies;
mod delivery;
mod fallback_page;
mod fetch_metadata;
mod grants_in_flight;
mod hand_over;
mod handler;
mod id;
mod link;
mod login;
mod login_ticket;
mod logout;
mod logout_url;
mod me;
mod memory;
mod opened;
mod overrides;
mod own_host;
mod page;
mod page_answers;
mod partner;
mod plugin;
mod public_url;
mod public_urls;
mod reply;
mod return_path;
mod return_url;
mod revocations;
mod route;
mod seal;
#[cfg(feature = "gateway")]
mod sent_session;
mod session_cookie;
mod session_record;
mod shared_sessions;
mod site_hosts;
mod site_login;
mod state;
mod status_route;
mod store_clock;
mod token;
mod user_end;
mod verification;
mod waiting;

use std::sync::Arc;

use http::request::Parts;

pub use self::{
    builder::SessionsBuilder,
    cookie_domain::{CookieDomain, CookieDomainError},
    cookies::{SameSite, SessionCookieName, SessionCookieNameError, UpstreamCookie, UpstreamCookieError},
    delivery::Delivery,
    id::BrowserId,
    link::{LinkBase, LinkBaseError},
    logout_url::LogoutUrl,
    page::{Brand, Logo, LogoError, Pages, PagesError},
    partner::{Color, DialogOption, Partner, PartnerError},
    public_url::{PublicUrl, PublicUrlError},
    public_urls::{PublicUrls, PublicUrlsError},
    return_path::ReturnPath,
    return_url::ReturnUrl,
    seal::{Sealer, Secret, SecretError},
    site_login::{FinishLoginError, SiteUser},
};
pub(crate) use self::{
    cookies::{Cookies, OwnCookie},
    id::{SessionId, request_id},
    login_ticket::LoginTicket,
    memory::SessionMemory,
    seal::SealPurpose,
    session_record::Session,
};
use self::{handler::Handler, public_urls::OriginIndex, shared_sessions::SharedSessions};
#[cfg(feature = "gateway")]
pub(crate) use self::{memory::StoreReading, sent_session::SentSession};
use crate::{
    gate::{Gate, GateBuilder, GuessableCallbackPath},
    store::Store,
};
pub use crate::{
    path::SessionPath,
    tasks::{TaskTracker, Tasks},
};

/// The sessions of a site, which plug into its gate. Clones share their state.
#[derive(Clone)]
pub struct Sessions(Arc<SharedSessions>);

impl Sessions {
    /// Starts a builder with the settings that have no default. A site with one origin takes a [`PublicUrl`].
    pub fn builder(
        public_urls: impl Into<PublicUrls>,
        sealer: Sealer,
        partner: Partner,
        store: impl Store,
    ) -> SessionsBuilder {
        SessionsBuilder::new(public_urls.into(), sealer, partner, store)
    }

    /// Reads a store that earlier sessions with the same memory did not follow, or could not open.
    #[cfg(feature = "gateway")]
    pub(crate) async fn read_ahead(&self, gate: &Gate) -> StoreReading {
        self.handler(gate).read_ahead().await
    }

    /// Follows the store from now on, in place of earlier sessions with the same memory.
    #[cfg(feature = "gateway")]
    pub(crate) fn follow_store(&self, gate: &Gate, reading: StoreReading) {
        self.0.memory.set_latest(gate, &self.0);
        self.handler(gate).replace_follower(reading);
    }

    /// Forgets which sessions it has opened. Others have taken the place of these sessions, and only requests that are under way
    /// still use them.
    #[cfg(feature = "gateway")]
    pub(crate) fn retire(&self) {
        self.0.opened.clear();
    }

    /// Returns a handler for what no request of a browser asks for.
    fn handler<'a>(&'a self, gate: &'a Gate) -> Handler<'a> {
        Handler { gate, sessions: &self.0, origin: OriginIndex::default() }
    }

    fn handler_of<'a>(&'a self, gate: &'a Gate, head: &Parts) -> Handler<'a> {
        Handler { gate, sessions: &self.0, origin: self.0.origin_of(head) }
    }
}

impl GateBuilder {
    /// Adds sessions. The gate then answers callbacks itself, and each request of a browser that has logged in carries its identity.
    /// Defaults to no sessions.
    ///
    /// # Errors
    ///
    /// When the path of the gate [can be guessed](crate::gate::CallbackPath::is_guessable). The path is the only secret between
    /// Truecaller and the site: an attacker who knows it can post a token that a user gave to another site. Also when the gate has a
    /// [route for the site's own app](crate::native) below the path of the sessions.
    pub fn sessions(self, sessions: Sessions) -> Result<Self, SessionsError> {
        if self.callback_path().is_guessable() {
            return Err(GuessableCallbackPath.into());
        }
        if self.exact_paths().any(|path| sessions.0.path.covers(path.as_str())) {
            return Err(SessionsError::NativePath);
        }
        Ok(self.plug_in(sessions))
    }
}

/// The reason why a gate cannot have sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionsError {
    /// The callback path can be guessed.
    #[error(transparent)]
    GuessableCallbackPath(#[from] GuessableCallbackPath),
    /// The route for the site's own app is below the path of the sessions, where all routes are truegate's own.
    #[error("the path for the site's own app is at or below the prefix of truegate's own routes")]
    NativePath,
}

redacted!(Sessions);

#[cfg(test)]
mod tests;
