//! A profile as it is written: optional members of the wrong type are dropped, duplicate ones are refused.

use std::{fmt, marker::PhantomData};

use memchr::memchr;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::value::RawValue;

use super::PhoneNumber;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ProfileWire {
    pub(super) phone_numbers: List<JsonScalar>,
    pub(super) id: JsonScalar,
    pub(super) user_id: JsonScalar,
    pub(super) is_active: JsonScalar,
    pub(super) name: Object<NameWire>,
    pub(super) addresses: List<Object<AddressWire>>,
    pub(super) online_identities: Object<OnlineIdentities>,
    pub(super) online_identity: Object<OnlineIdentities>,
    pub(super) gender: JsonScalar,
    pub(super) avatar_url: JsonScalar,
    pub(super) company_name: JsonScalar,
    pub(super) job_title: JsonScalar,
    pub(super) badges: List<JsonScalar>,
    pub(super) about_me: JsonScalar,
    pub(super) created_time: JsonScalar,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct NameWire {
    pub(super) first: JsonScalar,
    pub(super) last: JsonScalar,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AddressWire {
    pub(super) country_code: JsonScalar,
    pub(super) city: JsonScalar,
    pub(super) street: JsonScalar,
    pub(super) zipcode: JsonScalar,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct OnlineIdentities {
    pub(super) email: JsonScalar,
}

/// A string, the digits of a whole number exactly as they were written, a boolean, or nothing.
#[derive(Default)]
pub(super) enum JsonScalar {
    Text(String),
    Digits(String),
    Bool(bool),
    #[default]
    Other,
}

impl JsonScalar {
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Digits(text) => match text.trim() {
                "" => None,
                trimmed if trimmed.len() == text.len() => Some(text),
                trimmed => Some(trimmed.to_owned()),
            },
            Self::Bool(_) | Self::Other => None,
        }
    }

    pub(super) fn as_phone(&self) -> Option<PhoneNumber> {
        match self {
            Self::Text(text) | Self::Digits(text) => PhoneNumber::parse(text),
            Self::Bool(_) | Self::Other => None,
        }
    }

    pub(super) fn says_false(&self) -> bool {
        match self {
            Self::Bool(flag) => !flag,
            Self::Text(text) => text.trim().eq_ignore_ascii_case("false"),
            Self::Digits(_) | Self::Other => false,
        }
    }
}

/// An object, or nothing where something else stands.
#[derive(Default)]
pub(super) struct Object<T>(pub(super) T);

/// The items of an array, or none where something else stands.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T: Default> List<T> {
    pub(super) fn into_first(self) -> T {
        self.0.into_iter().next().unwrap_or_default()
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de> Deserialize<'de> for JsonScalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        Ok(match raw {
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            _ if raw.starts_with('"') => Self::Text(match unquoted(raw) {
                Some(text) => text.to_owned(),
                None => parse(raw)?,
            }),
            _ if raw.bytes().all(|byte| byte.is_ascii_digit()) => Self::Digits(raw.to_owned()),
            _ => Self::Other,
        })
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContainerVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContainerVisitor(PhantomData))
    }
}

/// A value that is read from an object or from an array, and is the default where something else stands.
trait Container<'de>: Default {
    fn of_object<A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        IgnoredAny.visit_map(members).map(|_| Self::default())
    }

    fn of_array<A: SeqAccess<'de>>(items: A) -> Result<Self, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| Self::default())
    }
}

impl<'de, T: Deserialize<'de> + Default> Container<'de> for Object<T> {
    fn of_object<A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Container<'de> for List<T> {
    fn of_array<A: SeqAccess<'de>>(items: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(Self)
    }
}

/// Reads a container in one go. A value that is kept raw first, as a scalar is, would be read twice.
struct ContainerVisitor<C>(PhantomData<C>);

impl<'de, C: Container<'de>> Visitor<'de> for ContainerVisitor<C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<C, A::Error> {
        C::of_object(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<C, A::Error> {
        C::of_array(items)
    }

    fn visit_bool<E>(self, _: bool) -> Result<C, E> {
        Ok(C::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<C, E> {
        Ok(C::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<C, E> {
        Ok(C::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<C, E> {
        Ok(C::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<C, E> {
        Ok(C::default())
    }

    fn visit_unit<E>(self) -> Result<C, E> {
        Ok(C::default())
    }
}

/// Returns the text of a valid JSON string as it stands between the quotes, unless it has escapes.
fn unquoted(raw: &str) -> Option<&str> {
    let text = raw.strip_prefix('"')?.strip_suffix('"')?;
    memchr(b'\\', text.as_bytes()).is_none().then_some(text)
}

/// Reads a part again, now as what it is. serde's own error would quote it, and no log may hold that.
fn parse<'de, T: Deserialize<'de>, E: Error>(raw: &'de str) -> Result<T, E> {
    serde_json::from_str(raw).map_err(|_| E::custom("invalid member"))
}
