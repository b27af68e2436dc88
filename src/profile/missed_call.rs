//! The answer of the missed-call endpoint: a number, and nothing else of its user.

use serde::Deserialize;

use super::{FetchError, Profile, is_country, read, wire::JsonScalar};

impl Profile {
    /// Reads the JSON body of an answer of Truecaller's missed-call endpoint: `{"phoneNumber", "countryCode"}`.
    ///
    /// The profile has a phone number, and a country if there is one.
    ///
    /// # Errors
    ///
    /// [`FetchError::Unusable`] when [`parse`](Self::parse) would return it. [`FetchError::NoPhoneNumber`] when `phoneNumber` is not an
    /// E.164 number, as an integer or as text with or without the plus.
    pub fn parse_missed_call(body: &[u8]) -> Result<Self, FetchError> {
        let (wire, json): (MissedCallWire, _) = read(body)?;
        let phone = wire.phone_number.as_phone().ok_or(FetchError::NoPhoneNumber)?;
        let country = wire.country_code.into_text().filter(|code| is_country(code)).map(|code| code.to_uppercase());
        Ok(Self { country, json, ..Self::of_phone(phone) })
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct MissedCallWire {
    phone_number: JsonScalar,
    country_code: JsonScalar,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_call_tells_a_number_and_a_country() {
        for (body, expected) in [
            (r#"{"phoneNumber": 919999999999, "countryCode": "IN"}"#, Ok(("+919999999999", Some("IN")))),
            (r#"{"phoneNumber":"+919999999999","countryCode":"in","name":"Rajat"}"#, Ok(("+919999999999", Some("IN")))),
            (r#"{"phoneNumber":919999999999,"countryCode":"INDIA"}"#, Ok(("+919999999999", None))),
            (r#"{"phoneNumber":919999999999,}"#, Ok(("+919999999999", None))),
            (r#"{"phoneNumber":919999999999.0}"#, Err(FetchError::NoPhoneNumber)),
            (r#"{"phoneNumber":-919999999999}"#, Err(FetchError::NoPhoneNumber)),
            (r#"{"phoneNumber":null,"countryCode":"IN"}"#, Err(FetchError::NoPhoneNumber)),
            (r#"{"phoneNumbers":["919999999999"]}"#, Err(FetchError::NoPhoneNumber)),
            (r#"{"phoneNumber":919999999999,"phoneNumber":910000000000}"#, Err(FetchError::Unusable)),
            ("[919999999999]", Err(FetchError::Unusable)),
        ] {
            let read = Profile::parse_missed_call(body.as_bytes());
            let told = read.as_ref().map(|profile| (profile.phone.as_str(), profile.country.as_deref()));
            assert_eq!(told.map_err(Clone::clone), expected, "{body}");
        }
    }

    #[test]
    fn nothing_else_is_told() {
        let body = br#"{"phoneNumber":919999999999,"userId":"1","name":{"first":"Rajat"},"isActive":"False"}"#;
        let profile = Profile::parse_missed_call(body).unwrap();
        let expected = Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).unwrap();
        assert_eq!(profile, Profile { json: profile.json.clone(), ..expected });
    }
}
