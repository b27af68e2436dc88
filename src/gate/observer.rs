//! The observer of a gate, and what it is told with an event.

use http::Extensions;

use super::{Event, LoginEvent};
use crate::{identity::VerificationMethod, profile::PhoneNumber};

/// Receives the events of a gate, for metrics and logs.
///
/// An implementor must return at once, because the request waits for it.
pub trait Observer: Send + Sync + 'static {
    /// Handles an event.
    fn observe(&self, event: Event);

    /// Handles an event whose request or user is known: that of a login, a callback, a logout or a revocation. Defaults to
    /// [`observe`](Self::observe).
    fn observe_in(&self, event: Event, context: &EventContext<'_>) {
        let _ = context;
        self.observe(event);
    }
}

/// Ignores all events.
impl Observer for () {
    fn observe(&self, _: Event) {}
}

/// The request and the user of an event, as far as they are known.
///
/// # Security
///
/// It has personal data, so an observer must not log it as it is. It has no `Debug`.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct EventContext<'a> {
    /// The extensions of the request, such as [`ClientInfo`](super::ClientInfo) and what other layers know of it; `None` if there is no
    /// request.
    pub request: Option<&'a Extensions>,
    /// The user.
    pub user: Option<&'a PhoneNumber>,
    /// How the number of the user is verified, or would have been.
    pub method: Option<VerificationMethod>,
    /// The change that a callback without a token tells of, if it goes on to the upstream.
    pub change: Option<LoginEvent>,
}

redacted!(EventContext<'_>);

impl<'a> EventContext<'a> {
    /// An event of a request with these extensions.
    pub(crate) fn of(request: &'a Extensions) -> Self {
        Self { request: Some(request), ..Self::default() }
    }
}
