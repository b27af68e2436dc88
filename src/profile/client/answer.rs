//! The meaning of Truecaller's answer to a fetch, or of a missing answer.

use std::error::Error;

use bytes::BytesMut;
use http::{StatusCode, header};
use reqwest::Response;

use crate::{
    cause::{Cause, Failure, find},
    profile::{FetchError, Profile},
};

/// Reads the profile from an answer, and no more of it than the limit.
pub(super) async fn read(response: Response, limit: usize) -> Result<Profile, FetchError> {
    judge(response.status())?;
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(FetchError::Unusable);
    }
    let body = read_body(response, limit).await?;
    Profile::parse(&body)
}

fn judge(status: StatusCode) -> Result<(), FetchError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(FetchError::Refused),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(unable()),
        status if status.is_server_error() => Err(unable()),
        _ => Err(FetchError::Unusable),
    }
}

/// Truecaller says that it cannot answer now.
fn unable() -> FetchError {
    Cause::ServerError.into()
}

async fn read_body(mut response: Response, limit: usize) -> Result<BytesMut, FetchError> {
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(FetchError::Unusable);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(FetchError::Unusable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Returns what it means that a request failed, or that its answer broke off. The URL is not kept.
pub(super) fn failed(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    Failure::new(cause(&error), error).into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for (status, meaning) in [
            (200, Ok(())),
            (204, Err(FetchError::Unusable)),
            (302, Err(FetchError::Unusable)),
            (400, Err(FetchError::Unusable)),
            (401, Err(FetchError::Refused)),
            (403, Err(FetchError::Refused)),
            (404, Err(FetchError::Unusable)),
            (408, Err(unable())),
            (429, Err(unable())),
            (500, Err(unable())),
            (503, Err(unable())),
            (599, Err(unable())),
        ] {
            assert_eq!(judge(StatusCode::from_u16(status).unwrap()), meaning, "{status}");
        }
    }
}
