//! The bodies of requests for admin routes: small, and read in a short time.

use std::time::Duration;

use axum::extract::{
    FromRequest as _, Request,
    rejection::{BytesRejection, FailedToBufferBody},
};
use bytes::Bytes;
use tokio::time::timeout;

use crate::profile::PhoneNumber;

/// The reason why a body could not be read.
pub(super) enum BodyError {
    TooLarge,
    TooSlow,
    BrokenOff,
}

/// Reads the body of a request. The route has the limit [`BODY_LIMIT`].
pub(super) async fn read(request: Request) -> Result<Bytes, BodyError> {
    let body = timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await;
    body.map_err(|_| BodyError::TooSlow)?.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => BodyError::TooLarge,
        _ => BodyError::BrokenOff,
    })
}

/// A number that a person or a server names. It has its plus: a number without one may lack the code of its country too, and would be
/// read as that of somebody in another country.
pub(in crate::gateway) fn named_number(text: &str) -> Option<PhoneNumber> {
    if text.starts_with('+') { PhoneNumber::parse(text) } else { None }
}

/// Far more than a ticket, a number and a long name take.
pub(super) const BODY_LIMIT: usize = 16 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
