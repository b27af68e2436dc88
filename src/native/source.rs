//! The source of the profiles of the app's users.

use std::time::Instant;

use super::Credential;
use crate::profile::ProfileFuture;

/// Fetches the profile of the user whom a credential of the app belongs to.
///
/// It is what a [`ProfileSource`](crate::profile::ProfileSource) is for callbacks.
///
/// An implementor must ask Truecaller alone, follow no redirect and verify TLS. Otherwise a forged credential can choose the
/// service that confirms it. It must also ask as the site's own app, by its [`ClientId`](super::ClientId): a code that a user gave to
/// another site's app is then refused. It must refuse a number that Truecaller does not call verified. It must not send an
/// authorization code again that Truecaller may have seen. When the future is dropped, nothing may be left half done.
pub trait NativeSource: Send + Sync + 'static {
    /// Fetches the profile.
    ///
    /// The future is dropped at `deadline`, so no try should begin that cannot end before.
    fn fetch<'a>(&'a self, credential: &'a Credential, deadline: Instant) -> ProfileFuture<'a>;
}
