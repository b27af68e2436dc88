//! Which requests of other sites' pages carry the session.

use super::OwnCookie;

/// Which requests that a page of another site causes carry the session. Hosts of one registrable domain are one site.
///
/// ```
/// use truegate::{
///     session::{Partner, PublicUrl, SameSite, Sealer, Secret, Sessions},
///     store::MemoryStore,
/// };
///
/// let site = PublicUrl::parse("https://shop.example.com")?;
/// let (sealer, partner) = (Sealer::new(&Secret::generate(), &[]), Partner::new("a-key", "A Shop")?);
/// let sessions = Sessions::builder(site, sealer, partner, MemoryStore::new(100_000)).same_site(SameSite::Strict);
/// # drop(sessions.build());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Only links, and other `GET` requests for a whole page.
    #[default]
    Lax,
    /// None. A person who follows a link to the site is known from the second request on.
    ///
    /// # Security
    ///
    /// This does not protect `GET` requests for pages that need a login. The login page opens once more as a page of the site
    /// itself, and leads on to the page with the session, as after a login.
    Strict,
    /// All of them: forms, scripts and frames, too.
    ///
    /// # Security
    ///
    /// A page of any site can then send requests in the name of a user, so the app itself must refuse those that it does not
    /// want. truegate protects its own routes and WebSockets. Browsers ignore `None` without `https`, so plain `http` uses `Lax`.
    None,
}

impl SameSite {
    /// Returns the attribute of a cookie. Other sites never need the cookie of a login.
    pub(super) fn of(self, kind: OwnCookie, is_secure: bool) -> cookie::SameSite {
        match (self, kind) {
            (Self::Strict, _) => cookie::SameSite::Strict,
            (Self::None, OwnCookie::Session) if is_secure => cookie::SameSite::None,
            (Self::Lax | Self::None, _) => cookie::SameSite::Lax,
        }
    }
}
