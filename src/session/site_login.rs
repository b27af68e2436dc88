//! The end of a login in the site's own way: its server tells which number it has verified, and for which ticket.

use zeroize::Zeroizing;

use super::{LoginTicket, Sessions, handler::Handler};
use crate::{
    gate::{EventContext, Gate},
    identity::VerificationMethod,
    profile::{PhoneNumber, Profile},
    session::SealPurpose,
    store::{LoginState, StoreError},
};

/// A user whose number the site has verified in its own way, such as by a code in an SMS.
///
/// # Security
///
/// truegate believes the site. It tells apps how the number was verified, so that they can tell these users from others.
#[derive(Clone)]
pub struct SiteUser {
    phone: PhoneNumber,
    name: Option<Zeroizing<String>>,
}

impl SiteUser {
    /// A user with a verified number, whose name is not known.
    pub fn new(phone: PhoneNumber) -> Self {
        Self { phone, name: None }
    }

    /// Sets the name of the user, which may be any text. Apps get it as the name and as the given name.
    pub fn name(mut self, name: &str) -> Self {
        let name = name.trim();
        self.name = (!name.is_empty()).then(|| Zeroizing::new(name.to_owned()));
        self
    }

    pub(crate) fn profile(&self) -> Profile {
        let given_name = self.name.as_ref().map(|name| name.to_string());
        Profile { given_name, ..Profile::of_phone(self.phone.clone()) }
    }
}

redacted!(SiteUser);

impl Sessions {
    /// Finishes a login with a user whose number the site itself has verified. The browser of the ticket then gets its session: the
    /// login page goes on, and so does `GET login`, to which the site leads the browser.
    ///
    /// The ticket is the value of the header `X-Truecaller-Login` in the very request with which the user proved the number. `gate` is
    /// the gate of these sessions, or another one of the same site.
    ///
    /// # Errors
    ///
    /// [`LoginOver`](FinishLoginError::LoginOver) for each ticket that finishes no login, whatever the reason is: a ticket works
    /// once. [`Store`](FinishLoginError::Store) when the store cannot be asked. The login may be finished all the same, so a site
    /// that tries again and hears that the login is over leads the browser to `GET login`, which knows.
    ///
    /// # Security
    ///
    /// A ticket belongs to one browser. Never put it into a URL, and never keep it for a later request: a user who proves a number for
    /// the ticket of another person's browser logs that person in.
    pub async fn finish_login(&self, gate: &Gate, ticket: &str, user: SiteUser) -> Result<(), FinishLoginError> {
        self.handler(gate).finish_login(ticket, &user).await
    }
}

impl Handler<'_> {
    async fn finish_login(&self, ticket: &str, user: &SiteUser) -> Result<(), FinishLoginError> {
        let (sessions, now, arrived) = (self.sessions, self.gate.clock().wall(), self.gate.clock().now());
        let ticket = LoginTicket::open(ticket, &sessions.sealer).filter(|ticket| ticket.expires > now);
        let LoginTicket { request_id, browser, .. } = ticket.ok_or(FinishLoginError::LoginOver)?;
        // Whatever the store says, the login must be one that this browser started.
        let login = self.login_of(&browser, Some(&request_id)).await?;
        if login.is_none_or(|login| login.state.is_end()) {
            return Err(FinishLoginError::LoginOver);
        }
        let proven_at = self.date_proof(arrived).await?;
        let session = self.session(&user.profile(), VerificationMethod::Site, proven_at);
        let (user, method) = (Some(&user.phone), Some(VerificationMethod::Site));
        let context = EventContext { user, method, ..EventContext::default() };
        let sealed = sessions.sealer.seal(SealPurpose::Login(&request_id), &session.to_bytes(), &sessions.random);
        let has_moved = self.advance(&request_id, LoginState::Verified(sealed.into()), &context).await?;
        if has_moved { Ok(()) } else { Err(FinishLoginError::LoginOver) }
    }
}

/// The reason why a login was not finished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FinishLoginError {
    /// The login has ended or expired, or the ticket is not one of this site.
    #[error("the login is over")]
    LoginOver,
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}
