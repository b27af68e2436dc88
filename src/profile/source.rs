//! The source of profiles: the only way from the engine to the network.

use std::{pin::Pin, time::Instant};

use super::Profile;
use crate::{
    callback::Grant,
    cause::{Cause, Failure},
};

/// Fetches the profile that a grant gives access to.
///
/// An implementor must ask the grant's own endpoint and no other, follow no redirect and verify TLS. Otherwise a forged callback
/// can choose the service that confirms it. When the future is dropped, nothing may be left half done.
pub trait ProfileSource: Send + Sync + 'static {
    /// Fetches the profile.
    ///
    /// The future is dropped at `deadline`, so no try should begin that cannot end before.
    fn fetch<'a>(&'a self, grant: &'a Grant, deadline: Instant) -> ProfileFuture<'a>;
}

/// The future of a profile, as a [`ProfileSource`] returns it.
pub type ProfileFuture<'a> = Pin<Box<dyn Future<Output = Result<Profile, FetchError>> + Send + 'a>>;

/// The reason why a profile could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Truecaller does not accept the token or the code.
    #[error("the access token or the code was refused")]
    Refused,
    /// Truecaller could not be reached or could not answer, and trying again may help.
    #[error("the profile endpoint is unavailable")]
    Unavailable(#[from] Failure),
    /// The deadline passed first.
    #[error("the profile did not arrive in time")]
    TimedOut,
    /// Truecaller's answer is not a profile.
    #[error("the answer is not a profile")]
    Unusable,
    /// Truecaller's answer is a profile without a valid phone number.
    #[error("the profile has no valid phone number")]
    NoPhoneNumber,
    /// Truecaller does not say that the phone number is verified.
    #[error("the phone number is not verified")]
    NumberNotVerified,
    /// Truecaller does not know the app, or the app asks for too little: nobody can log in until that is changed.
    #[error("the app or its client id is not set up as Truecaller requires")]
    Misconfigured,
}

impl From<Cause> for FetchError {
    fn from(cause: Cause) -> Self {
        Self::Unavailable(cause.into())
    }
}
