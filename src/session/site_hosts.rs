//! The hosts that a site has: those of its rules, and those of its public URLs.

use http::{HeaderValue, request::Parts};

use super::{SharedSessions, route::Route};
use crate::{
    gate::{
        Rejection,
        plugin::{check_asked_host, check_host},
    },
    host::{Host, TrustedProxy},
};

impl SharedSessions {
    /// Refuses a request for a host that the site does not have.
    ///
    /// A proxy that asks about a request may use any name for truegate itself: [`asked_host`](Self::asked_host) counts then.
    pub(super) fn check_host(&self, head: &Parts) -> Result<(), Rejection> {
        let is_asked = || {
            let is_by_proxy = head.extensions.get::<TrustedProxy>().is_some();
            is_by_proxy && matches!(Route::of(&self.path, head.uri.path()), Some(Route::Auth(_)))
        };
        if !self.refuses_hosts || is_asked() { Ok(()) } else { check_host(head, |host| self.knows(host)) }
    }

    /// Returns the host that a proxy asks about, if the site knows its hosts. A proxy that names none asks about its own request's.
    pub(super) fn asked_host<'a>(
        &self,
        asked: &'a [HeaderValue],
        head: &'a Parts,
    ) -> Result<Option<Host<'a>>, Rejection> {
        if !self.refuses_hosts {
            return Ok(None);
        }
        let is_known = |host: &Host<'_>| self.knows(host);
        if asked.is_empty() {
            return check_host(head, is_known).map(|()| Host::of(head));
        }
        check_asked_host(asked, head, is_known).map(Some)
    }

    fn knows(&self, host: &Host<'_>) -> bool {
        self.rules.know_host(host) || self.public_urls.iter().any(|url| url.host_name() == host.as_str())
    }
}
