//! The fields of an identity that a header can carry, and how their texts are written into a header value.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::{callback::VERIFIED, closed_list::closed_list, identity::Identity, profile::Profile};

closed_list! {
    /// A field of a verified identity.
    #[allow(missing_docs, reason = "each is the member of Profile of that name, or said here")]
    pub enum Field {
        /// `verified`, or the status in the callback. This field and the request id are sent for every callback.
        Status = "status",
        /// The request id of the login.
        RequestId = "request_id",
        /// The phone number in E.164 form.
        Phone = "phone",
        /// The word of the [`VerificationMethod`](crate::VerificationMethod), such as `web`.
        Method = "method",
        UserId = "user_id",
        /// First and last name.
        Name = "name",
        GivenName = "given_name",
        FamilyName = "family_name",
        Country = "country",
        Email = "email",
        City = "city",
        Street = "street",
        Zipcode = "zipcode",
        Gender = "gender",
        AvatarUrl = "avatar_url",
        Company = "company",
        JobTitle = "job_title",
        /// One JSON array of texts.
        Badges = "badges",
        About = "about",
        CreatedAt = "created_at",
        /// The names of the groups that the user is in, with a comma between them, in the order of the site's groups. Only
        /// sessions know groups.
        Groups = "groups",
        /// The whole profile as JSON.
        Profile = "profile",
    }
}

impl Field {
    /// Returns the encoding of the field if none was chosen.
    pub(super) fn default_encoding(self) -> Encoding {
        if self == Self::Profile { Encoding::Base64Url } else { Encoding::Percent }
    }

    /// Returns the field's text, if the identity has it.
    pub(super) fn text(self, identity: &Identity) -> Option<FieldText<'_>> {
        let profile = identity.profile();
        let text = match self {
            Self::Status => VERIFIED,
            Self::RequestId => identity.request_id()?.expose(),
            Self::Phone => profile.phone.as_str(),
            Self::Method => identity.method().code(),
            Self::Name => return profile.name().map(|name| FieldText::Owned(name.into())),
            Self::Badges => return badges(profile),
            Self::UserId => profile.user_id.as_deref()?,
            Self::GivenName => profile.given_name.as_deref()?,
            Self::FamilyName => profile.family_name.as_deref()?,
            Self::Country => profile.country.as_deref()?,
            Self::Email => profile.email.as_deref()?,
            Self::City => profile.city.as_deref()?,
            Self::Street => profile.street.as_deref()?,
            Self::Zipcode => profile.zipcode.as_deref()?,
            Self::Gender => profile.gender.as_deref()?,
            Self::AvatarUrl => profile.avatar_url.as_deref()?,
            Self::Company => profile.company.as_deref()?,
            Self::JobTitle => profile.job_title.as_deref()?,
            Self::About => profile.about.as_deref()?,
            Self::CreatedAt => profile.created_at.as_deref()?,
            Self::Groups => identity.group_names().text()?,
            Self::Profile => &profile.json,
        };
        Some(FieldText::Borrowed(text))
    }

    /// Returns what becomes of a text that is longer than a header may be.
    pub(super) fn too_long(self) -> TooLong {
        match self {
            // Truegate names the methods. Without a group that keeps a user out, the user would get in; and it is the operator who names the groups.
            Self::Status | Self::RequestId | Self::Phone | Self::Method | Self::Groups => TooLong::Send,
            Self::UserId | Self::Email | Self::AvatarUrl | Self::Badges | Self::Profile => TooLong::LeaveOut,
            _ => TooLong::Cut,
        }
    }
}

/// The text of a field. One that was made for the header is zeroized after it.
pub(super) enum FieldText<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl FieldText<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

/// The treatment of a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLong {
    /// No user chooses how long it is, so the limit does not apply to it.
    Send,
    /// A part of it still means the same.
    Cut,
    /// A part of it would mean something else: another user's id, or broken JSON.
    LeaveOut,
}

closed_list! {
    /// The encoding of a text in a header. All encodings but [`Encoding::Utf8`] can be decoded to exactly the same text.
    pub enum Encoding {
        /// Printable ASCII except `%` stays unchanged; every other byte of the UTF-8 text becomes `%XX` (`decodeURIComponent`).
        Percent = "percent",
        /// Raw UTF-8. A control character becomes U+FFFD, because HTTP cannot carry it.
        Utf8 = "utf8",
        /// RFC 4648 §5 without padding.
        Base64Url = "base64url",
        /// Printable ASCII except `=` stays unchanged; every other byte becomes `=XX` (RFC 2045 §6.7). Grafana reads this.
        QuotedPrintable = "quoted-printable",
    }
}

impl Encoding {
    /// Encodes a text into a sensitive header value, which is zeroized when its last clone is dropped.
    pub(super) fn encode(self, text: &str) -> HeaderValue {
        let encoded = Zeroizing::new(match self {
            Self::Percent => escape(text, b'%'),
            Self::Utf8 => without_controls(text),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(text),
            Self::QuotedPrintable => escape(text, b'='),
        });
        let encoded = Bytes::from_owner(encoded);
        let mut value = HeaderValue::from_maybe_shared(encoded).expect("no encoding leaves a control character");
        value.set_sensitive(true);
        value
    }
}

/// The text never grows beyond its capacity, so that no copy of it stays behind.
fn badges(profile: &Profile) -> Option<FieldText<'_>> {
    let badges = &profile.badges;
    // JSON writes a byte in six at most (`\u0000`), and each text in quotes with a comma.
    let longest = badges.iter().map(|badge| 6 * badge.len() + 3).sum::<usize>() + 2;
    let mut text = Vec::with_capacity(longest);
    serde_json::to_writer(&mut text, badges).expect("texts are always JSON");
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    (!badges.is_empty()).then(|| FieldText::Owned(text.into()))
}

/// Cuts a text to at most `limit` bytes on a character boundary, and leaves no white space at its end.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit { text } else { text[..text.floor_char_boundary(limit)].trim_end() }
}

/// Replaces each control character by U+FFFD. The text has exact room from the start: growth would leave a copy unwiped.
fn without_controls(text: &str) -> String {
    let controls = text.chars().filter(|character| character.is_control()).count();
    let mut replaced = String::with_capacity(text.len() + controls * char::REPLACEMENT_CHARACTER.len_utf8());
    let kept = |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
    replaced.extend(text.chars().map(kept));
    replaced
}

/// Writes each byte that is not visible ASCII, and the mark itself, as the mark and two hex digits. The text has exact room from
/// the start.
fn escape(text: &str, mark: u8) -> String {
    let is_kept = |byte: u8| (b' '..=b'~').contains(&byte) && byte != mark;
    // Hardly any text has such bytes, and to count them costs more than to look for one.
    if text.bytes().all(is_kept) {
        return text.to_owned();
    }
    let escapes = text.bytes().filter(|byte| !is_kept(*byte)).count();
    let mut escaped = String::with_capacity(text.len() + 2 * escapes);
    for byte in text.bytes() {
        if is_kept(byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "{}{byte:02X}", char::from(mark)).expect("writing into a string cannot fail");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn percent_encoding_gives_back_any_text(text in any::<String>()) {
            let encoded = Encoding::Percent.encode(&text);
            prop_assert_eq!(percent_decode(encoded.as_bytes()).decode_utf8().unwrap(), text);
        }

        #[test]
        fn every_encoding_makes_a_header_value(text in any::<String>()) {
            for encoding in Encoding::ALL {
                let encoded = encoding.encode(&text);
                prop_assert!(encoded.as_bytes().iter().all(|byte| *byte >= b' ' && *byte != 0x7f));
            }
        }
    }

    proptest! {
        #[test]
        fn a_text_that_is_made_for_a_header_leaves_no_copy_behind(texts in vec("[a-c\\PC\0-\u{9f}\"]{0,9}", 1..4)) {
            let controls = texts[0].chars().filter(|character| character.is_control()).count();
            prop_assert_eq!(without_controls(&texts[0]).capacity(), texts[0].len() + 3 * controls);

            let room: usize = texts.iter().map(|text| 6 * text.len() + 3).sum();
            let profile = Profile { badges: texts, ..Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).unwrap() };
            let Some(FieldText::Owned(text)) = badges(&profile) else { panic!("there are badges") };
            prop_assert_eq!(text.capacity(), room + 2);
        }
    }

    #[test]
    fn every_encoding_makes_a_header_value_of_any_text() {
        for (encoding, text, value) in [
            (Encoding::Percent, "Rajat Kapoor", "Rajat Kapoor"),
            (Encoding::Percent, "100%41", "100%2541"),
            (Encoding::Percent, "A\r\nX-Truecaller-Phone: +1", "A%0D%0AX-Truecaller-Phone: +1"),
            (Encoding::Percent, "राम", "%E0%A4%B0%E0%A4%BE%E0%A4%AE"),
            (Encoding::Percent, "\0\u{7f}", "%00%7F"),
            (Encoding::Utf8, "Zoë\r\n\0", "Zoë\u{fffd}\u{fffd}\u{fffd}"),
            (Encoding::Base64Url, "a?>é", "YT8-w6k"),
            (Encoding::QuotedPrintable, "Zoë = 1%", "Zo=C3=AB =3D 1%"),
        ] {
            let encoded = encoding.encode(text);
            assert_eq!(encoded.as_bytes(), value.as_bytes(), "{encoding:?} of {text:?}");
            assert!(encoded.is_sensitive());
        }
    }

    #[test]
    fn a_cut_falls_on_a_character_boundary() {
        for (text, limit, kept) in
            [("abc", 3, "abc"), ("abcd", 3, "abc"), ("क", 2, ""), ("aक", 3, "a"), ("a bc", 2, "a")]
        {
            assert_eq!(cut(text, limit), kept, "{text:?} at {limit}");
        }
    }
}
