//! Why Truecaller could not be asked.

use std::error::Error;

use crate::{
    cause::{Cause, Fault, find},
    profile::FetchError,
};

/// What it means that a request failed, or its answer broke off. The URL is not kept.
pub(super) fn of(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    FetchError::Unavailable(Fault::new(cause(&error), error))
}

fn cause(error: &reqwest::Error) -> Cause {
    if error.is_timeout() {
        return Cause::Timeout;
    }
    find(error).unwrap_or_else(|| match hyper(error) {
        Some(error) if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => Cause::Closed,
        Some(_) => Cause::Protocol,
        None if error.is_connect() => Cause::Connect,
        None => Cause::Other,
    })
}

fn hyper<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a hyper::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        next = error.source();
    }
    None
}
