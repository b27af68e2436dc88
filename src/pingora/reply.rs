//! Sending an answer of the gate's.

use http::{Method, StatusCode, header};
use pingora_core::Result;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::{
    TruegateModule,
    drain::{drain, is_withheld},
};
use crate::gate::{Connection, Reply};

/// Answers the request, then reads what the client still sends of it, so that the client gets to the answer.
///
/// # Errors
///
/// When the client broke off.
pub async fn respond(session: &mut Session, reply: Reply) -> Result<()> {
    if reply.connection == Connection::Close || (is_withheld(session) && !session.is_body_done()) {
        session.set_keepalive(None);
    }
    let (head, body) = reply.response.into_parts();
    let mut response = ResponseHeader::build(head.status, Some(head.headers.len() + 1))?;
    for (name, value) in &head.headers {
        response.append_header(name, value)?;
    }
    // RFC 9110 §8.6 forbids it there.
    if head.status != StatusCode::NO_CONTENT {
        response.insert_header(header::CONTENT_LENGTH, body.len())?;
    }
    let wants_body = session.req_header().method != Method::HEAD && !body.is_empty();
    if let Some(module) = session.downstream_modules_ctx.get_mut::<TruegateModule>() {
        module.answer();
    }
    session.write_response_header(Box::new(response), !wants_body).await?;
    if wants_body {
        session.write_response_body(Some(body), true).await?;
    }
    if !session.is_body_done() {
        session.finish_body().await?;
        drain(session).await;
    }
    Ok(())
}
