//! A request as the sample app received it.

use std::{borrow::Cow, fmt::Write};

use axum::extract::{FromRequest, Request, rejection::BytesRejection};
use bytes::Bytes;
use clap::builder::styling::Style;
use http::{HeaderName, request::Parts};

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
        Ok(Self::new(head, body))
    }
}

impl Receipt {
    pub(super) fn new(head: Parts, body: Bytes) -> Self {
        Self { head, body }
    }

    pub(super) fn path(&self) -> &str {
        self.head.uri.path()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Whether it carries the identity of a user, and each header of it once.
    pub(super) fn is_verified(&self, phone: &str) -> bool {
        let says = |name: &str, value: &str| self.head.headers.get_all(name).iter().eq([value]);
        says("x-truecaller-status", "verified") && says("x-truecaller-phone", phone)
    }

    /// The request in lines, those that truegate injected last in their part, marked by a `+` and in `style`.
    pub(super) fn text(&self, style: Style) -> String {
        let Parts { method, uri, version, .. } = &self.head;
        let mut text = format!("  {method} {uri} {version:?}\n");
        // Writing to a string cannot fail.
        for (name, value) in self.headers(Whose::Others) {
            let _ = writeln!(text, "  {name}: {value}");
        }
        text += &self.injected(style);
        if !self.body.is_empty() {
            let _ = writeln!(text, "\n  {}", String::from_utf8_lossy(&self.body));
        }
        text
    }

    /// The lines that truegate injected.
    pub(super) fn injected(&self, style: Style) -> String {
        self.headers(Whose::Truegate).map(|(name, value)| format!("{style}+ {name}: {value}{style:#}\n")).collect()
    }

    /// What bears truegate's names was injected by it, for nobody else's passes.
    fn headers(&self, whose: Whose) -> impl Iterator<Item = (&HeaderName, Cow<'_, str>)> {
        let names = HeaderNames::default();
        let theirs = move |name: &HeaderName| if names.claims(name) { Whose::Truegate } else { Whose::Others };
        let wanted = self.head.headers.iter().filter(move |(name, _)| theirs(name) == whose);
        wanted.map(|(name, value)| (name, String::from_utf8_lossy(value.as_bytes())))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Truegate,
    Others,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_identity_of_the_user_is_verified_and_only_once() {
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
            assert_eq!(Receipt::new(head, Bytes::new()).is_verified("+919999999999"), verified, "{headers:?}");
        }
    }
}
