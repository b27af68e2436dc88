//! The two kinds of responses: the inner service's, and truegate's own.

use http::{HeaderValue, Response, Version, header};

use super::ResponseBody;
use crate::{
    gate::{Connection, Gate, Reply},
    headers::ResponseEdits,
};

/// The inner service's response, less the namespace.
pub(super) fn guard<R>(
    mut response: Response<R>,
    gate: &Gate,
    edits: Option<&ResponseEdits>,
) -> Response<ResponseBody<R>> {
    gate.apply_response(edits, response.headers_mut());
    let lease = edits.and_then(|edits| edits.lease.as_ref());
    response.map(|body| ResponseBody::of_response(body, gate.clone()).leased(lease))
}

/// The reply as a response; HTTP/1 is told when the connection must close.
pub(super) fn answer<R>(reply: Reply, version: Version) -> Response<ResponseBody<R>> {
    let mut response = reply.response;
    if reply.connection == Connection::Close && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| ResponseBody::whole(body, None))
}
