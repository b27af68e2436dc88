//! The state that clones of sessions share.

use std::{sync::Arc, time::Duration};

use super::{
    Delivery, LogoutUrl, Partner, PublicUrl, PublicUrls, ReturnUrl, SameSite, Sealer, SessionMemory, SessionPath,
    cookies::{Cookies, UpstreamCookie},
    fallback_page::FallbackPage,
    link::DeepLinks,
    opened::OpenedSessions,
    page::Pages,
    store_clock::StoreClock,
};
use crate::{
    access::{Groups, Rules},
    headers::ResponseEdits,
    random::Random,
    store::Store,
    tasks::Tasks,
};

/// The state that the clones of [`Sessions`](super::Sessions) share: the settings, and the memory of this gateway.
pub(super) struct SharedSessions {
    pub(super) public_urls: PublicUrls,
    /// Other sites whose pages may open WebSockets with a session.
    pub(super) websocket_origins: Vec<PublicUrl>,
    pub(super) same_site: SameSite,
    pub(super) cookies: Cookies,
    pub(super) sealer: Sealer,
    pub(super) random: Random,
    pub(super) partner: Partner,
    pub(super) links: DeepLinks,
    pub(super) store: Box<dyn Store>,
    pub(super) path: SessionPath,
    pub(super) login_timeout: Duration,
    pub(super) lifetime: Duration,
    pub(super) idle: Duration,
    pub(super) revocation_grace: Duration,
    pub(super) fallback: Option<ReturnUrl>,
    /// The page whose requests carry login tickets, if any do.
    pub(super) fallback_page: Option<FallbackPage>,
    pub(super) logout_url: LogoutUrl,
    /// The app's own cookies that must not outlive their user.
    pub(super) upstream_cookies: Vec<UpstreamCookie>,
    /// The edits for most responses.
    pub(super) personal: Arc<ResponseEdits>,
    pub(super) rules: Rules,
    /// Whether requests for other hosts than those of the site are refused.
    pub(super) refuses_hosts: bool,
    pub(super) groups: Groups,
    pub(super) pages: Pages,
    pub(super) tasks: Box<dyn Tasks>,
    pub(super) delivery: Option<Box<dyn Delivery>>,
    pub(super) opened: OpenedSessions,
    pub(super) store_clock: StoreClock,
    pub(super) memory: Arc<SessionMemory>,
}
