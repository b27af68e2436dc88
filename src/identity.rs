//! The identity: the verified user that a request comes from.

use std::sync::Arc;

use crate::{callback::RequestId, profile::Profile};

/// A verified user. An `Identity` exists only for a profile that truegate fetched, so it is a proof.
///
/// An app in the same process finds it in the request's extensions:
///
/// ```
/// use truegate::Identity;
///
/// fn greet(request: &http::Request<()>) -> String {
///     match request.extensions().get::<Identity>() {
///         Some(identity) => format!("hello, {}", identity.profile().phone.as_str()),
///         None => "hello, stranger".to_owned(),
///     }
/// }
/// # assert_eq!(greet(&http::Request::new(())), "hello, stranger");
/// ```
///
/// # Security
///
/// No public function creates an `Identity`. Only a [`Gate`](crate::Gate) does: from the profile of a [`ProfileSource`], or from a
/// session that was started by this gate or by another gate with the same secret.
///
/// [`ProfileSource`]: crate::profile::ProfileSource
#[derive(Debug, Clone)]
pub struct Identity(Arc<Verified>);

#[derive(Debug)]
struct Verified {
    request_id: Option<RequestId>,
    profile: Profile,
}

impl Drop for Verified {
    /// Leaves nothing of the user in memory when the last clone of an identity is dropped.
    fn drop(&mut self) {
        self.profile.wipe();
    }
}

impl Identity {
    /// Vouches for a profile that was fetched with the grant of this request id, now or when a session began.
    pub(crate) fn vouch(request_id: Option<RequestId>, profile: Profile) -> Self {
        Self(Arc::new(Verified { request_id, profile }))
    }

    /// Returns the request id of the login if the request is its callback. A session has none.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Returns the user's profile, of which only the phone number is verified.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }
}
