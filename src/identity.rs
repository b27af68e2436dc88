//! The identity: the verified user that a request comes from.

mod verification_method;

use std::sync::Arc;

pub use self::verification_method::VerificationMethod;
use crate::{callback::RequestId, profile::Profile};

/// A verified user. An `Identity` exists only for a phone number that was verified, so it is a proof.
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

#[derive(Debug, Clone)]
struct Verified {
    request_id: Option<RequestId>,
    profile: Profile,
    method: VerificationMethod,
    groups: GroupNames,
}

impl Drop for Verified {
    /// Leaves nothing of the user in memory when the last clone of an identity is dropped.
    fn drop(&mut self) {
        self.profile.wipe();
    }
}

impl Identity {
    /// Vouches for a profile whose number was verified by a method, now or when a session began. A callback has the request id of
    /// its grant.
    pub(crate) fn vouch(request_id: Option<RequestId>, profile: Profile, method: VerificationMethod) -> Self {
        Self(Arc::new(Verified { request_id, profile, method, groups: GroupNames::default() }))
    }

    /// A user of whom only the number is known.
    #[cfg(test)]
    pub(crate) fn of_number(phone: &str, method: VerificationMethod) -> Self {
        let profile = format!(r#"{{"phoneNumbers":["{phone}"]}}"#);
        Self::vouch(None, Profile::parse(profile.as_bytes()).expect("a number"), method)
    }

    /// The same user, as a member of these groups.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions know groups"))]
    #[must_use]
    pub(crate) fn in_groups(mut self, groups: GroupNames) -> Self {
        Arc::make_mut(&mut self.0).groups = groups;
        self
    }

    /// Returns the request id of the login if the request is its callback. A session has none.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Returns the user's profile, of which only the phone number is verified.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// Returns how the phone number was verified, which a session remembers.
    pub fn method(&self) -> VerificationMethod {
        self.0.method
    }

    /// Returns the names of the groups that the user is in at the time of the request, in the order of the site's groups.
    ///
    /// Only the `Groups` of sessions have members, so without them there is no name.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.groups.text().into_iter().flat_map(|text| text.split(','))
    }

    /// The groups as one value, to send or to compare.
    pub(crate) fn group_names(&self) -> &GroupNames {
        &self.0.groups
    }
}

/// The names of the groups that a user is in. By default there are none. Clones share the text.
///
/// # Security
///
/// They tell what an operator thinks of a user, so `Debug` does not show them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupNames(
    /// None if there is no name: no text is empty.
    Option<Arc<str>>,
);

impl GroupNames {
    /// Returns the names with a comma between them, or none if the user is in no group.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Takes names in which there is no comma.
impl<'a> FromIterator<&'a str> for GroupNames {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        Self((!names.is_empty()).then(|| names.join(",").into()))
    }
}

redacted!(GroupNames);
