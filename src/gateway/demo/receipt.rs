//! A request as the sample app received it.

use std::fmt::Write;

use axum::extract::{FromRequest, Request, rejection::BytesRejection};
use bytes::Bytes;
use clap::builder::styling::Style;
use http::request::Parts;

use crate::headers::HeaderNames;

/// A request as the sample app received it.
pub(super) struct Receipt {
    head: Parts,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Receipt {
    type Rejection = BytesRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, BytesRejection> {
        let (head, body) = request.into_parts();
        let body = Bytes::from_request(Request::new(body), state).await?;
        Ok(Self { head, body })
    }
}

impl Receipt {
    pub(super) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// Whether it carries the identity of the documented profile, and each header of it once.
    pub(super) fn is_verified(&self) -> bool {
        let says = |name: &str, value: &str| self.head.headers.get_all(name).iter().eq([value]);
        says("x-truecaller-status", "verified") && says("x-truecaller-phone", DOCUMENTED_PHONE)
    }

    /// The request in lines, those that truegate injected last in their part, marked by a `+` and in `style`.
    ///
    /// What bears truegate's names was injected by it, for nobody else's passes.
    pub(super) fn text(&self, style: Style) -> String {
        let Parts { method, uri, version, headers, .. } = &self.head;
        let names = HeaderNames::default();
        let (injected, others): (Vec<_>, Vec<_>) = headers.iter().partition(|(name, _)| names.claims(name));
        let mut text = format!("  {method} {uri} {version:?}\n");
        // Writing to a string cannot fail.
        for (name, value) in others {
            let _ = writeln!(text, "  {name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
        for (name, value) in injected {
            let _ = writeln!(text, "{style}+ {name}: {}{style:#}", String::from_utf8_lossy(value.as_bytes()));
        }
        if !self.body.is_empty() {
            let _ = writeln!(text, "\n  {}", String::from_utf8_lossy(&self.body));
        }
        text
    }
}

/// What the documented profile gives.
const DOCUMENTED_PHONE: &str = "+919999999999";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_identity_is_verified_and_only_once() {
        let (status, phone) = (("x-truecaller-status", "verified"), ("x-truecaller-phone", "+919999999999"));
        for (headers, verified) in [
            (&[status, phone][..], true),
            (&[status], false),
            (&[phone], false),
            (&[status, phone, phone], false),
            (&[status, ("x-truecaller-phone", "+910000000000")], false),
            (&[("x-truecaller-status", "user_rejected"), phone], false),
        ] {
            let request =
                headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(Receipt { head, body: Bytes::new() }.is_verified(), verified, "{headers:?}");
        }
    }
}
