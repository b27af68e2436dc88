//! The headers that carry one identity, encoded once for as many requests as it has.

use std::sync::Arc;

use http::HeaderValue;

use super::{
    CasedName, Field, HeaderNames, HeaderTarget, Injection,
    field::{FieldText, TooLong, cut},
};
use crate::{callback::Decline, identity::Identity};

/// The headers of one identity, or of a callback without one, as they are set on a request. Clones share them.
///
/// # Security
///
/// They tell who a user is, so `Debug` does not show them. The values are zeroized when the last request with them and the last
/// clone are dropped.
#[derive(Clone)]
pub(crate) struct IdentityHeaders(Arc<[(CasedName, HeaderValue)]>);

impl IdentityHeaders {
    /// Encodes the headers of a verified user.
    pub(crate) fn of(names: &HeaderNames, identity: &Identity) -> Self {
        Self::encode(names, |field| field.text(identity))
    }

    /// Encodes the headers of a callback without a token: its status and request id.
    pub(crate) fn of_decline(names: &HeaderNames, decline: &Decline) -> Self {
        Self::encode(names, |field| match field {
            Field::Status => Some(FieldText::Borrowed(decline.status.as_str())),
            Field::RequestId => Some(FieldText::Borrowed(decline.request_id.expose())),
            _ => None,
        })
    }

    /// Sets the headers, one value for each name.
    pub(crate) fn set(&self, target: &mut (impl HeaderTarget + ?Sized)) {
        self.0.iter().for_each(|(name, value)| target.insert(name, value.clone()));
    }

    /// About how many bytes they take.
    #[cfg(feature = "session")]
    pub(crate) fn size(&self) -> usize {
        // About what a value takes beside its text: itself, and the counter of its clones.
        const COUNT: usize = 64;
        size_of_val(&*self.0) + self.0.iter().map(|(_, value)| value.len() + COUNT).sum::<usize>()
    }

    fn encode<'a>(names: &HeaderNames, text: impl Fn(Field) -> Option<FieldText<'a>>) -> Self {
        let header = |injection: &Injection| {
            let value = names.value(injection, text(injection.field)?.as_str())?;
            Some((injection.name.clone(), value))
        };
        Self(names.injections.iter().filter_map(header).collect())
    }
}

redacted!(IdentityHeaders);

impl HeaderNames {
    fn value(&self, injection: &Injection, text: &str) -> Option<HeaderValue> {
        let text = match injection.field.too_long() {
            TooLong::LeaveOut if text.len() > self.max_value_length => return None,
            TooLong::Cut => cut(text, self.max_value_length),
            TooLong::Send | TooLong::LeaveOut => text,
        };
        (!text.is_empty()).then(|| injection.encoding.encode(text))
    }
}
