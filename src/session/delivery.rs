//! The delivery of verified callbacks to the app.

use std::pin::Pin;

use bytes::Bytes;
use http::Request;

use super::handler::Handler;
use crate::{
    callback::RequestId,
    headers::{EditKind, Edits, IdentityHeaders},
    identity::{Identity, VerificationMethod},
    profile::Profile,
};

/// Sends verified callbacks to the app.
///
/// An implementor must change only what the connection to the app needs. Otherwise the app gets a callback that was not verified.
/// It must log failures itself, because truegate ignores the result.
pub trait Delivery: Send + Sync + 'static {
    /// Sends a verified callback: its original body, with the identity headers.
    fn deliver(&self, request: Request<Bytes>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl Handler<'_> {
    /// Sends a verified callback to the app, if it has asked for verified callbacks.
    pub(super) async fn deliver(&self, request_id: &RequestId, profile: Profile, mut request: Request<Bytes>) {
        let Some(delivery) = &self.sessions.delivery else { return };
        let identity = Identity::vouch(Some(request_id.clone()), profile, VerificationMethod::Web);
        let groups = self.sessions.groups.of(&identity);
        let identity = identity.in_groups(groups);
        let assertion = self.gate.assert(&identity, None);
        let headers = IdentityHeaders::of(self.gate.names(), None, &identity);
        let edits = Edits::new(EditKind::Verified { identity, headers, assertion });
        self.gate.apply(&edits, request.headers_mut());
        delivery.deliver(request).await;
    }
}
