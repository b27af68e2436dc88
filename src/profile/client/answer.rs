//! The meaning of Truecaller's answer to a fetch, or of a missing answer.

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::EndpointRequest;
use crate::{
    cause::{Cause, Failure, find},
    profile::FetchError,
};

/// An answer that is worth reading: its status and its whole body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Reads an answer, and no more of it than the limit.
pub(super) async fn read(
    response: Response<Incoming>,
    request: &EndpointRequest<'_>,
    limit: usize,
) -> Result<Answer, FetchError> {
    let status = response.status();
    (request.judge)(status)?;
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(FetchError::Unusable);
    }
    Ok(Answer { status, body: read_body(response.into_body(), limit).await? })
}

/// What a status means to every endpoint that does not say more of it.
pub(crate) fn judge(status: StatusCode) -> Result<(), FetchError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(Cause::ServerError.into()),
        status if status.is_server_error() => Err(Cause::ServerError.into()),
        _ => Err(FetchError::Unusable),
    }
}

/// Reads a body. One that arrives in one piece is not copied.
async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, FetchError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(FetchError::Unusable);
    }
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(failed)?.into_data() else { continue };
        match first.len() + more.len() + data.len() {
            length if length > limit => return Err(FetchError::Unusable),
            _ if first.is_empty() => first = data,
            _ => more.extend_from_slice(&data),
        }
    }
    Ok(if more.is_empty() { first } else { [first, more.freeze()].concat().into() })
}

/// Returns what it means that a request failed, or that its answer broke off.
pub(super) fn failed(error: hyper::Error) -> FetchError {
    Failure::new(cause(&error), error).into()
}

fn cause(error: &hyper::Error) -> Cause {
    if error.is_timeout() {
        return Cause::Timeout;
    }
    find(error).unwrap_or_else(|| {
        let is_closed = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
        if is_closed { Cause::Closed } else { Cause::Protocol }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        let unable = || Err(Cause::ServerError.into());
        for (status, meaning) in [
            (200, Ok(())),
            (204, Err(FetchError::Unusable)),
            (302, Err(FetchError::Unusable)),
            (400, Err(FetchError::Unusable)),
            (404, Err(FetchError::Unusable)),
            (408, unable()),
            (429, unable()),
            (500, unable()),
            (503, unable()),
            (599, unable()),
        ] {
            assert_eq!(judge(StatusCode::from_u16(status).unwrap()), meaning, "{status}");
        }
    }
}
