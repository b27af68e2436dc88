//! The answer of the userinfo endpoint (OpenID Connect Core 1.0 §5.3), which the app's users are read from.

use serde::Deserialize;

use super::{
    FetchError, Profile, is_country, is_email, is_web, read,
    wire::{JsonScalar, Object},
};

impl Profile {
    /// Reads the JSON body of an answer of Truecaller's userinfo endpoint.
    ///
    /// `sub` is the user id, `phone_number_country_code` the country, `picture` the picture, `address.locality` the city and
    /// `address.postal_code` the zip code. What the app has not asked for by its scopes is absent. The body is read as tolerantly as
    /// [`parse`](Self::parse) does, but for the phone number and `phone_number_verified`.
    ///
    /// # Errors
    ///
    /// [`FetchError::Unusable`] when [`parse`](Self::parse) would return it. [`FetchError::NoPhoneNumber`] when `phone_number` is not
    /// an E.164 number, with or without the plus. [`FetchError::NumberNotVerified`] when `phone_number_verified` is not `true`.
    pub fn parse_userinfo(body: &[u8]) -> Result<Self, FetchError> {
        let (wire, json): (UserinfoWire, _) = read(body)?;
        let phone = wire.phone_number.as_phone().ok_or(FetchError::NoPhoneNumber)?;
        if !matches!(wire.phone_number_verified, JsonScalar::Bool(true)) {
            return Err(FetchError::NumberNotVerified);
        }
        let Object(address) = wire.address;
        let country = wire.phone_number_country_code.into_text().filter(|code| is_country(code));
        Ok(Self {
            user_id: wire.sub.into_text(),
            given_name: wire.given_name.into_text(),
            family_name: wire.family_name.into_text(),
            email: wire.email.into_text().filter(|email| is_email(email)),
            country: country.map(|code| code.to_uppercase()),
            city: address.locality.into_text(),
            zipcode: address.postal_code.into_text(),
            gender: wire.gender.into_text(),
            avatar_url: wire.picture.into_text().filter(|url| is_web(url)),
            json,
            ..Self::of_phone(phone)
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct UserinfoWire {
    sub: JsonScalar,
    given_name: JsonScalar,
    family_name: JsonScalar,
    phone_number: JsonScalar,
    phone_number_country_code: JsonScalar,
    phone_number_verified: JsonScalar,
    email: JsonScalar,
    picture: JsonScalar,
    gender: JsonScalar,
    address: Object<AddressWire>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AddressWire {
    locality: JsonScalar,
    postal_code: JsonScalar,
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERINFO: &str = r#"{
        "sub": "1319413476",
        "given_name": "Rajat",
        "family_name": " Kapoor ",
        "phone_number": "919999999999",
        "email": "rajat@example.com",
        "picture": "https://images.example/1.png",
        "gender": "Male",
        "phone_number_country_code": "IN",
        "phone_number_verified": true,
        "address": {"locality": "Mumbai", "postal_code": "400001"}
    }"#;

    #[test]
    fn every_documented_member_has_its_place() {
        let profile = Profile::parse_userinfo(USERINFO.as_bytes()).unwrap();
        assert_eq!(profile.phone.as_str(), "+919999999999");
        assert_eq!(profile.name().as_deref(), Some("Rajat Kapoor"));
        for (read, expected) in [
            (&profile.user_id, "1319413476"),
            (&profile.email, "rajat@example.com"),
            (&profile.avatar_url, "https://images.example/1.png"),
            (&profile.gender, "Male"),
            (&profile.country, "IN"),
            (&profile.city, "Mumbai"),
            (&profile.zipcode, "400001"),
        ] {
            assert_eq!(read.as_deref(), Some(expected));
        }
        assert!(profile.is_active);
        assert_eq!(profile.json, USERINFO);
    }

    #[test]
    fn only_a_number_that_truecaller_calls_verified_is_a_profile() {
        for (verified, expected) in [
            (r#","phone_number_verified":true"#, Ok("+919999999999")),
            (r#","phone_number_verified":false"#, Err(FetchError::NumberNotVerified)),
            (r#","phone_number_verified":"true""#, Err(FetchError::NumberNotVerified)),
            (r#","phone_number_verified":1"#, Err(FetchError::NumberNotVerified)),
            (r#","phone_number_verified":null"#, Err(FetchError::NumberNotVerified)),
            (r#","phone_number_verified":[true]"#, Err(FetchError::NumberNotVerified)),
            (r#","Phone_Number_Verified":true"#, Err(FetchError::NumberNotVerified)),
            ("", Err(FetchError::NumberNotVerified)),
            (r#","phone_number_verified":false,"phone_number_verified":true"#, Err(FetchError::Unusable)),
        ] {
            let body = format!(r#"{{"phone_number":"919999999999"{verified}}}"#);
            let read = Profile::parse_userinfo(body.as_bytes());
            assert_eq!(read.as_ref().map(|profile| profile.phone.as_str()).map_err(Clone::clone), expected, "{body}");
        }
    }

    #[test]
    fn a_number_is_read_strictly_and_the_rest_is_not() {
        let with = |members: &str| format!(r#"{{"phone_number_verified":true,{members}}}"#);
        for (members, expected) in [
            (r#""phone_number":"+919999999999""#, Ok(())),
            (r#""phone_number":919999999999"#, Ok(())),
            (r#""phone_number":"919999999999","sub":{},"address":7,"email":"@","picture":"javascript:x","#, Ok(())),
            (r#""phone_number":"91 99999 99999""#, Err(FetchError::NoPhoneNumber)),
            (r#""phone_number":["919999999999"]"#, Err(FetchError::NoPhoneNumber)),
            (r#""phone_number":9.19999999999e11"#, Err(FetchError::NoPhoneNumber)),
            (r#""phone_number":"""#, Err(FetchError::NoPhoneNumber)),
            (r#""phone_numbers":["919999999999"]"#, Err(FetchError::NoPhoneNumber)),
            (r#""phone_number":"919999999999","phone_number":"910000000000""#, Err(FetchError::Unusable)),
            (r#""phone_number":"919999999999","address":{"locality":"A","locality":"B"}"#, Err(FetchError::Unusable)),
        ] {
            assert_eq!(Profile::parse_userinfo(with(members).as_bytes()).map(drop), expected, "{members}");
        }
        for body in ["", "[]", "null", r#"["919999999999",true]"#, "<html>"] {
            assert_eq!(Profile::parse_userinfo(body.as_bytes()), Err(FetchError::Unusable), "{body}");
        }
    }
}
