//! The headers that carry one identity, encoded once for as many requests as it has.

use std::sync::Arc;

use http::HeaderValue;

use super::{
    EncodedField, Encoding, Field, HeaderNames, HeaderSet, HeaderTarget, Injection,
    field::{FieldText, TooLong, cut},
};
use crate::{callback::Decline, identity::Identity};

/// The headers of one identity, or of a callback without one, as they are set on a request: those of one set. Clones share the
/// values.
///
/// # Security
///
/// They tell who a user is, so `Debug` does not show them. Only the gate that closes their names may insert them.
#[derive(Clone)]
pub(crate) struct IdentityHeaders {
    /// The place of the set; none if it belongs to other names.
    set: Option<usize>,
    values: IdentityValues,
}

/// What headers say of one identity, encoded for all sets of the names. Clones share it.
///
/// # Security
///
/// As [`IdentityHeaders`]. The values are zeroized when the last request with them and the last clone are dropped.
#[derive(Clone)]
pub(crate) struct IdentityValues(
    /// In the order of the names' values; none where the identity has nothing to say.
    Arc<[Option<HeaderValue>]>,
);

impl IdentityHeaders {
    /// Encodes the headers of a verified user: those of a set, or of the default one.
    pub(crate) fn of(names: &HeaderNames, set: Option<&HeaderSet>, identity: &Identity) -> Self {
        Self::new(names, set, IdentityValues::of(names, identity))
    }

    /// The headers of a set, or of the default one, with values that were encoded for these names.
    pub(crate) fn new(names: &HeaderNames, set: Option<&HeaderSet>, values: IdentityValues) -> Self {
        Self { set: names.place(set), values }
    }

    /// Encodes the headers of a callback without a token: its status and request id.
    pub(crate) fn of_decline(names: &HeaderNames, set: Option<&HeaderSet>, decline: &Decline) -> Self {
        let values = IdentityValues::encode(names, |field| match field {
            Field::Status => Some(FieldText::Borrowed(decline.status.as_str())),
            Field::RequestId => Some(FieldText::Borrowed(decline.request_id.expose())),
            _ => None,
        });
        Self::new(names, set, values)
    }

    /// Sets the headers, one value for each name. The names are those that they were made with.
    pub(crate) fn insert_into(&self, names: &HeaderNames, target: &mut impl HeaderTarget) {
        let Some(set) = self.set else { return };
        let headers = &names.sets[set];
        // Room for all of them: to count those with a value would cost more than the room to spare.
        target.reserve(headers.len());
        for Injection { name, value } in headers {
            if let Some(value) = &self.values.0[*value] {
                target.insert(name, value.clone());
            }
        }
    }
}

impl IdentityValues {
    /// Encodes what headers with these names say of a verified user.
    pub(crate) fn of(names: &HeaderNames, identity: &Identity) -> Self {
        Self::encode(names, |field| field.text(identity))
    }

    /// About how many bytes they take.
    #[cfg(feature = "session")]
    pub(crate) fn size(&self) -> usize {
        // About what a value takes beside its text: the counter of its clones.
        const COUNT: usize = 64;
        size_of_val(&*self.0) + self.0.iter().flatten().map(|value| value.len() + COUNT).sum::<usize>()
    }

    fn encode<'a>(names: &HeaderNames, text: impl Fn(Field) -> Option<FieldText<'a>>) -> Self {
        let value = |(field, encoding): &EncodedField| names.value(*field, *encoding, text(*field)?.as_str());
        Self(names.values.iter().map(value).collect())
    }
}

redacted!(IdentityHeaders, IdentityValues);

impl HeaderNames {
    fn value(&self, field: Field, encoding: Encoding, text: &str) -> Option<HeaderValue> {
        let text = match field.too_long() {
            TooLong::LeaveOut if text.len() > self.max_value_length => return None,
            TooLong::Cut => cut(text, self.max_value_length),
            TooLong::Send | TooLong::LeaveOut => text,
        };
        (!text.is_empty()).then(|| encoding.encode(text))
    }
}
