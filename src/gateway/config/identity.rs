//! `identity`: the headers that tell the app who calls.

use super::{
    reader::{Item, Section},
    value,
};
use crate::headers::{Encoding, Field, HeaderNameError, HeaderNames, HeaderNamesBuilder, Preset};

/// Reads the headers to inject.
pub(super) fn read(section: &mut Section<'_>) -> HeaderNamesBuilder {
    let prefix = section.read("prefix", |text| HeaderNames::builder(text).map_err(explain));
    let mut builder = prefix.unwrap_or_default();
    for item in section.take("presets").and_then(|presets| presets.list()).unwrap_or_default() {
        let added = preset(&item).map(|(preset, encoding)| match encoding {
            None => builder.preset(preset),
            Some(encoding) => builder.preset_encoded(preset, encoding),
        });
        if let Some(Err(error)) = added {
            item.complain(explain(error));
        }
    }
    if let Some(headers) = section.take("headers") {
        for (name, item) in headers.members().into_iter().flatten() {
            // A wrong field leaves the name to be looked at.
            let (field, encoding) = injection(&item).unwrap_or((Field::Status, None));
            if let Err(error) = builder.inject(name, field, encoding) {
                item.complain_of_name(explain(error));
            }
        }
    }
    for item in section.take("strip").and_then(|names| names.list()).unwrap_or_default() {
        item.parse(|name| builder.strip(name).map_err(explain));
    }
    if let Some(bytes) = section.read("max_value_length", value::size(1..=MAX_VALUE_LENGTH)) {
        builder.max_value_length(bytes);
    }
    builder
}

/// Reads a preset, or `{preset, encoding}`.
fn preset(item: &Item<'_>) -> Option<(Preset, Option<Encoding>)> {
    if !item.is_mapping() {
        return Some((item.parse(value::choice(&Preset::NAMES))?, None));
    }
    item.section(|section| {
        let preset = section.require("preset", "write preset: remote-user, or another preset");
        let preset = preset.and_then(|item| item.parse(value::choice(&Preset::NAMES)));
        let encoding = section.read("encoding", value::choice(&Encoding::NAMES));
        preset.map(|preset| (preset, encoding))
    })?
}

/// Reads a field, or `{field, encoding}`.
fn injection(item: &Item<'_>) -> Option<(Field, Option<Encoding>)> {
    if !item.is_mapping() {
        return Some((item.parse(value::choice(&Field::NAMES))?, None));
    }
    item.section(|header| {
        let field = header.require("field", "write field: phone, or another field");
        let field = field.and_then(|item| item.parse(value::choice(&Field::NAMES)));
        let encoding = header.read("encoding", value::choice(&Encoding::NAMES));
        field.map(|field| (field, encoding))
    })?
}

pub(super) fn explain(error: HeaderNameError) -> String {
    let advice = match error {
        HeaderNameError::Prefix => "write one such as X-Truecaller-",
        HeaderNameError::NotAName => "write one such as Remote-User",
        HeaderNameError::Reserved | HeaderNameError::Assertion => "choose another name",
        HeaderNameError::Family => "write one such as X-Corp-*",
        HeaderNameError::Needed | HeaderNameError::NeededFamily => "name the headers that your app believes",
        _ => "keep one; those of `presets` count",
    };
    format!("{error} ({advice})")
}

/// What servers commonly take as the whole of a request's headers.
const MAX_VALUE_LENGTH: usize = 16 << 10;
