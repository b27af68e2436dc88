//! `identity` and `assertion`: the headers that tell the app who calls, and how they are signed.

use std::{sync::Arc, time::Duration};

use super::{
    reader::{Item, Section, Shape, ValueParser},
    value,
};
use crate::{
    assertion::{Assertions, KeyError, Principal, SigningKey, SigningKeys},
    headers::{
        CasedName, Encoding, Field, HeaderNameError, HeaderNames, HeaderNamesBuilder, HeaderSet, HeaderSetBuilder,
        Preset, fold,
    },
};

/// The names of headers while they are read, and where each of them is written.
#[derive(Default)]
pub(super) struct InjectedHeaders {
    pub(super) names: HeaderNamesBuilder,
    /// The headers that carry an identity.
    identity: Places,
    /// The headers that have the same value on every request to an app.
    fixed: Places,
}

/// Headers with the places of their keys.
#[derive(Default)]
struct Places(Vec<(String, String)>);

impl InjectedHeaders {
    /// Reads `identity`.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let prefix = section.read("prefix", &header_prefix());
        section.note_default("prefix", "X-Truecaller-");
        let mut headers = Self { names: prefix.unwrap_or_default(), ..Self::default() };
        fill(&mut headers.names.own_set(), section, &mut headers.identity, &headers.fixed);
        for item in section.list("strip") {
            if let Some(name) =
                item.parse(&ValueParser::new(Shape::Text, |name| Ok::<_, &str>(name.to_string())).open())
            {
                item.accept(headers.names.strip(&name).map_err(explain));
            }
        }
        section.note_default("max_value_length", "1KiB");
        if let Some(bytes) = section.read("max_value_length", &value::size(1..=MAX_VALUE_LENGTH)) {
            headers.names.max_value_length(bytes);
        }
        headers
    }

    /// Reads the `identity` of an app, which takes the place of the presets and headers of the top level.
    pub(super) fn read_set(&mut self, item: Item<'_>) -> HeaderSet {
        let mut set = self.names.new_set();
        item.section(|section| {
            fill(&mut set, section, &mut self.identity, &self.fixed);
            Some(())
        });
        set.build()
    }

    /// Takes the name of a header that an app gets with a fixed value, beside its siblings.
    pub(super) fn fix(&mut self, name: &str, item: Item<'_>, siblings: &[CasedName]) -> Option<CasedName> {
        match self.names.fix(name, siblings) {
            Ok(fixed) => {
                self.fixed.note(&[name], item);
                Some(fixed)
            }
            Err(error) => {
                item.complain_of_key(self.identity.explain(error, &[name]));
                None
            }
        }
    }
}

impl Places {
    fn note(&mut self, names: &[&str], item: Item<'_>) {
        self.0.extend(names.iter().map(|name| (fold(name), item.place().to_owned())));
    }

    /// Explains why headers cannot be injected. If one of these is the reason, the explanation names both places.
    fn explain(&self, error: HeaderNameError, names: &[&str]) -> String {
        let same = |name: &&str| {
            let (_, place) = self.0.iter().find(|(known, _)| *known == fold(name))?;
            Some(format!("the same header is injected twice: `{name}`, also by `{place}` (keep one)"))
        };
        let twice = names.iter().filter(|_| error == HeaderNameError::Twice).find_map(same);
        twice.unwrap_or_else(|| explain(error))
    }
}

/// Reads `presets` and `headers`.
fn fill(set: &mut HeaderSetBuilder<'_>, section: &mut Section<'_>, identity: &mut Places, fixed: &Places) {
    for item in section.list("presets") {
        let words = Preset::ALL.iter().map(|preset| (preset.code(), *preset));
        if let Some((preset, encoding)) = encoded(item, "preset", "write preset: remote-user", words) {
            match set.preset(preset, encoding) {
                Ok(()) => identity.note(&preset.names(), item),
                Err(error) => item.complain(fixed.explain(error, &preset.names())),
            }
        }
    }
    for (name, item) in section.members("headers") {
        // The name is checked even if the field is wrong.
        let words = Field::ALL.iter().map(|field| (field.code(), *field));
        let injected = encoded(item, "field", "write field: phone, or another field", words);
        let (field, encoding) = injected.unwrap_or((Field::Status, None));
        match set.inject(name, field, encoding) {
            Ok(()) => identity.note(&[name], item),
            Err(error) => item.complain_of_key(fixed.explain(error, &[name])),
        }
    }
}

/// Reads a word, or a mapping of the word and an encoding.
fn encoded<T: Clone + PartialEq>(
    item: Item<'_>,
    key: &'static str,
    advice: &str,
    words: impl IntoIterator<Item = (&'static str, T)>,
) -> Option<(T, Option<Encoding>)> {
    if !item.is_mapping() {
        return Some((item.parse(&value::choice(words))?, None));
    }
    item.section(|section| {
        let word = section.read_required(key, advice, &value::choice(words));
        let encodings = Encoding::ALL.iter().map(|encoding| (encoding.code(), *encoding));
        let encoding = section.read("encoding", &value::choice(encodings));
        Some((word?, encoding))
    })
}

fn header_prefix() -> ValueParser<'static, HeaderNamesBuilder> {
    let shape = Shape::Pattern { pattern: "-$", words: "a text that ends in -" };
    ValueParser::new(shape, |text| HeaderNames::builder(text).map_err(explain)).open()
}

fn explain(error: HeaderNameError) -> String {
    let advice = match error {
        HeaderNameError::Prefix => "write one such as X-Truecaller-",
        HeaderNameError::NotAName => "write one such as Remote-User",
        HeaderNameError::Essential | HeaderNameError::Assertion | HeaderNameError::Login | HeaderNameError::Token => {
            "choose another name"
        }
        HeaderNameError::Family => "write one such as X-Corp-*",
        HeaderNameError::Needed | HeaderNameError::NeededFamily => "list only headers that your app trusts",
        _ => "keep one; the headers of `presets` count, too",
    };
    format!("{error} ({advice})")
}

/// Reads `assertion`. Returns none if a required key is missing or wrong.
pub(super) fn assertions(section: &mut Section<'_>) -> Option<Arc<Assertions>> {
    let keys = section.require("key", "write key: ${file:assertion.pem}").and_then(signing_keys);
    let issuer = section.read_required(
        "issuer",
        "write issuer: https://shop.example",
        &value::text(str::parse::<Principal>, "write a URL or a name").open(),
    );
    let audience = section.read_required(
        "audience",
        "write audience: shop-backend",
        &value::text(str::parse::<Principal>, "write a URL or a name").open(),
    );
    let lifetime = Duration::from_secs(10)..=Duration::from_hours(1);
    let lifetime = section.read_or("lifetime", Assertions::LIFETIME, &value::duration(lifetime));
    Some(Arc::new(Assertions::new(keys?, issuer?, audience?).lifetime(lifetime)))
}

/// Reads one key or a list of them, of which the first signs.
fn signing_keys(item: Item<'_>) -> Option<SigningKeys> {
    let explain = |error| {
        let advice = match error {
            KeyError::NotPem => "write ${file:assertion.pem}, a file that `truegate keys assertion` makes",
            KeyError::NotPkcs8 | KeyError::Encrypted => "convert it with `openssl pkey`",
            KeyError::Twice => "keep one",
            _ => "make one with `truegate keys assertion`",
        };
        format!("{error} ({advice})")
    };
    let parser = ValueParser::new(Shape::Text, |pem| SigningKey::from_pem(pem).map_err(explain)).secret();
    let mut keys: Option<SigningKeys> = None;
    item.one_or_more("list a key", |item| {
        let key = item.parse(&parser)?;
        match &mut keys {
            None => keys = Some(SigningKeys::new(key)),
            Some(keys) => item.accept(keys.publish(key).map_err(explain))?,
        }
        Some(())
    });
    keys
}

/// The size that servers commonly accept for all headers of a request.
const MAX_VALUE_LENGTH: usize = 16 << 10;
