//! The profile: the data that Truecaller has of the user who agreed.
//!
//! ```
//! use truegate::profile::Profile;
//!
//! let body = br#"{"phoneNumbers":[919999999999],"name":{"first":"Rajat","last":"Kapoor"}}"#;
//! let profile = Profile::parse(body)?;
//! assert_eq!(profile.phone.as_str(), "+919999999999");
//! assert_eq!(profile.name().as_deref(), Some("Rajat Kapoor"));
//! # Ok::<_, truegate::profile::FetchError>(())
//! ```

#[cfg(feature = "client")]
pub(crate) mod client;
mod missed_call;
mod phone;
mod source;
mod userinfo;
mod wire;

use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroize;

#[cfg(feature = "client")]
pub use self::client::{ClientError, ProfileClient, ProfileClientBuilder};
pub(crate) use self::phone::PhoneDigits;
use self::wire::{JsonScalar, Object, ProfileWire};
pub use self::{
    phone::PhoneNumber,
    source::{FetchError, ProfileFuture, ProfileSource},
};
use crate::json;

/// A profile with a valid phone number, the only member that Truecaller verifies.
///
/// The user typed everything else. Texts have no white space at their ends and are never empty.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The first of `phoneNumbers`.
    pub phone: PhoneNumber,
    /// `userId`, else `id`, with all its digits.
    pub user_id: Option<String>,
    /// `name.first`.
    pub given_name: Option<String>,
    /// `name.last`.
    pub family_name: Option<String>,
    /// The e-mail address of `onlineIdentities`, if it looks like an e-mail address. It is not verified.
    pub email: Option<String>,
    /// The ISO 3166-1 code of the first address, in upper case.
    pub country: Option<String>,
    /// The city of the first address.
    pub city: Option<String>,
    /// The street of the first address.
    pub street: Option<String>,
    /// The zip code of the first address.
    pub zipcode: Option<String>,
    /// `Male`, `Female` or `NotSet`, as far as it is documented.
    pub gender: Option<String>,
    /// The picture's URL, if it is `http` or `https`.
    pub avatar_url: Option<String>,
    /// `companyName`.
    pub company: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// The names of the badges.
    pub badges: Vec<String>,
    /// `aboutMe`.
    pub about: Option<String>,
    /// The time when the account was created, in milliseconds since the Unix epoch.
    pub created_at: Option<String>,
    /// False if Truecaller says so, otherwise true.
    pub is_active: bool,
    /// The whole profile as it was read: one JSON object.
    pub json: String,
}

impl Profile {
    /// Reads the JSON body of a profile.
    ///
    /// A comma after the last member is accepted, because the sample in Truecaller's documentation has one. An optional member
    /// of the wrong type is dropped.
    ///
    /// # Errors
    ///
    /// [`FetchError::Unusable`] when the body is not a JSON object, has a member twice, or has a number that no `f64` holds in the
    /// place of an object or array. [`FetchError::NoPhoneNumber`] when its first phone number is not an E.164 number.
    pub fn parse(body: &[u8]) -> Result<Self, FetchError> {
        let (wire, json) = read(body)?;
        Self::of(wire, json)
    }

    /// Returns a profile of which only the phone number is known.
    pub(crate) fn of_phone(phone: PhoneNumber) -> Self {
        Self {
            phone,
            user_id: None,
            given_name: None,
            family_name: None,
            email: None,
            country: None,
            city: None,
            street: None,
            zipcode: None,
            gender: None,
            avatar_url: None,
            company: None,
            job_title: None,
            badges: Vec::new(),
            about: None,
            created_at: None,
            is_active: true,
            json: String::new(),
        }
    }

    /// Returns first and last name, joined by one space.
    pub fn name(&self) -> Option<String> {
        match (&self.given_name, &self.family_name) {
            (Some(given), Some(family)) => Some([given, " ", family].concat()),
            (given, family) => given.as_ref().or(family.as_ref()).cloned(),
        }
    }

    /// Overwrites every text. The phone number overwrites itself when its last clone is dropped.
    pub(crate) fn wipe(&mut self) {
        let Self {
            phone: _,
            user_id,
            given_name,
            family_name,
            email,
            country,
            city,
            street,
            zipcode,
            gender,
            avatar_url,
            company,
            job_title,
            badges,
            about,
            created_at,
            is_active: _,
            json,
        } = self;
        let optional = [
            user_id, given_name, family_name, email, country, city, street, zipcode, gender, avatar_url, company,
            job_title, about, created_at,
        ];
        optional.into_iter().flatten().chain(badges).chain([json]).for_each(Zeroize::zeroize);
    }

    fn of(wire: ProfileWire, json: String) -> Result<Self, FetchError> {
        let phone = wire.phone_numbers.into_first().as_phone().ok_or(FetchError::NoPhoneNumber)?;
        let Object(name) = wire.name;
        let Object(address) = wire.addresses.into_first();
        let email = wire.online_identities.0.email.into_text().or(wire.online_identity.0.email.into_text());
        Ok(Self {
            phone,
            user_id: wire.user_id.into_text().or(wire.id.into_text()),
            given_name: name.first.into_text(),
            family_name: name.last.into_text(),
            email: email.filter(|email| is_email(email)),
            country: address.country_code.into_text().filter(|code| is_country(code)).map(|code| code.to_uppercase()),
            city: address.city.into_text(),
            street: address.street.into_text(),
            zipcode: address.zipcode.into_text(),
            gender: wire.gender.into_text(),
            avatar_url: wire.avatar_url.into_text().filter(|url| is_web(url)),
            company: wire.company_name.into_text(),
            job_title: wire.job_title.into_text(),
            badges: wire.badges.0.into_iter().filter_map(JsonScalar::into_text).collect(),
            about: wire.about_me.into_text(),
            created_at: wire.created_time.into_text(),
            is_active: !wire.is_active.says_false(),
            json,
        })
    }
}

redacted!(Profile);

/// Reads the members of a JSON object, and returns them with its text.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<(T, String), FetchError> {
    let text = json::object(body).ok_or(FetchError::Unusable)?;
    let text = json::without_trailing_commas(text);
    // A message of serde quotes the profile, which must reach no log.
    let wire = serde_json::from_str(&text).map_err(|_| FetchError::Unusable)?;
    Ok((wire, text.into_owned()))
}

/// One `@` between two texts without white space: enough to keep nonsense out, never a verification.
fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_web(text: &str) -> bool {
    is_plainly_web(text) || Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether a text is a URL as nearly all are, which costs far less to see than to parse: `https`, a host of plain names that is
/// no IP address, and a path.
fn is_plainly_web(text: &str) -> bool {
    let Some((host, _)) = text.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else { return false };
    let is_plain = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_alphanumeric =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    host.rsplit_once('.').is_some_and(|(labels, last)| is_plain(last) && labels.split(['.', '-']).all(is_alphanumeric))
}

#[cfg(test)]
mod tests;
