//! A JSON Schema, as it is written.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::comments::Comments;
use crate::gateway::config::reader::{Description, Shape, Step};

/// A schema, of which every keyword that is empty is left out.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonSchema {
    #[serde(rename = "$schema", skip_serializing_if = "str::is_empty")]
    dialect: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(rename = "type", skip_serializing_if = "Types::is_empty")]
    types: Types,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    words: Vec<Word>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pattern: String,
    /// What editors say in place of the pattern; yaml-language-server knows the keyword, and others ignore it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pattern_error_message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Box<JsonSchema>>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "in_order")]
    properties: Vec<(String, JsonSchema)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<Additional>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    any_of: Vec<JsonSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not: Option<Box<JsonSchema>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Word>,
    /// The keyword for what must not be shown once it is set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    write_only: bool,
}

/// The types of a value; any if there is none.
#[derive(Serialize, Default)]
#[serde(untagged)]
enum Types {
    #[default]
    Any,
    One(&'static str),
    Several(&'static [&'static str]),
}

impl Types {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Any)
    }
}

/// A value as YAML reads it.
#[derive(Serialize, Clone)]
#[serde(untagged)]
enum Word {
    Boolean(bool),
    Integer(u64),
    Number(f64),
    Text(String),
}

/// What keys there may be beside the known ones.
#[derive(Serialize)]
#[serde(untagged)]
enum Additional {
    None(bool),
    Any(Box<JsonSchema>),
}

impl JsonSchema {
    /// The schema of a whole configuration.
    pub(super) fn document(description: &Description, comments: &Comments) -> Self {
        Self {
            dialect: "http://json-schema.org/draft-07/schema#",
            title: concat!("The configuration of truegate ", env!("CARGO_PKG_VERSION")),
            ..Self::value(description, &[], comments)
        }
    }

    fn value(description: &Description, path: &[Step], comments: &Comments) -> Self {
        let mut kinds: Vec<_> = description.shapes.iter().flat_map(Self::single).collect();
        if let Some(elements) = &description.elements {
            let items = Self::value(elements, &[path, &[Step::Element]].concat(), comments);
            kinds.push(Self { types: Types::One("array"), items: Some(items.into()), ..Self::default() });
        }
        if let Some(members) = &description.members {
            let member = Self::value(members, &[path, &[Step::Member]].concat(), comments);
            let additional_properties = Some(Additional::Any(member.into()));
            kinds.push(Self { types: Types::One("object"), additional_properties, ..Self::default() });
        }
        if let Some(keys) = &description.keys {
            let not = Self::having_both(&description.alternatives);
            kinds.push(Self { not, ..Self::section(keys, path, comments) });
        }
        let kind = match <[_; 1]>::try_from(kinds) {
            Ok([kind]) => kind,
            Err(any_of) => Self { any_of, ..Self::default() },
        };
        let default = description.default.as_ref().map(|default| Word::of(default, &description.shapes));
        Self { description: comments.of(path), default, write_only: description.is_secret, ..kind }
    }

    fn section(keys: &[(String, Description)], path: &[Step], comments: &Comments) -> Self {
        let mut keys: Vec<_> =
            keys.iter().map(|(name, key)| (name, key, [path, &[Step::Key(name.clone())]].concat())).collect();
        keys.sort_by_key(|(_, _, path)| comments.line(path));
        let required = keys.iter().filter(|(_, key, _)| !key.is_optional).map(|(name, ..)| (*name).clone()).collect();
        let properties = keys.iter().map(|(name, key, path)| ((*name).clone(), Self::value(key, path, comments)));
        Self {
            types: Types::One("object"),
            properties: properties.collect(),
            required,
            additional_properties: Some(Additional::None(false)),
            ..Self::default()
        }
    }

    /// The mappings that have both keys of a pair, if there is any pair.
    fn having_both(pairs: &[[&'static str; 2]]) -> Option<Box<Self>> {
        let both = |pair: &[&str; 2]| Self { required: pair.map(str::to_owned).into(), ..Self::default() };
        let any_of: Vec<_> = pairs.iter().map(both).collect();
        (!any_of.is_empty()).then(|| Self { any_of, ..Self::default() }.into())
    }

    /// The schemas of a single value, or of a text with a reference, whose value is not known.
    fn single(shape: &Shape) -> Vec<Self> {
        let of = |types| Self {
            types,
            pattern: match shape.pattern() {
                pattern if pattern.is_empty() => REFERENCE.to_owned(),
                pattern => format!("{pattern}|{REFERENCE}"),
            },
            pattern_error_message: format!("must be {shape}"),
            ..Self::default()
        };
        let (text, text_or_number) = (Types::One("string"), Types::Several(&["string", "integer"]));
        vec![match shape {
            Shape::Text | Shape::Path => {
                Self { types: Types::Several(&["string", "number", "boolean"]), ..Self::default() }
            }
            Shape::Pattern { .. } => of(text),
            Shape::Digits { .. } => of(text_or_number),
            Shape::Word(words) => {
                let words = words.iter().flat_map(|word| Word::all(word)).collect();
                return vec![Self { words, ..Self::default() }, of(text)];
            }
            Shape::Boolean => of(Types::Several(&["boolean", "string"])),
            Shape::Number { least, most } => Self { minimum: Some(*least), maximum: Some(*most), ..of(text_or_number) },
            Shape::Fraction => Self { minimum: Some(0), maximum: Some(1), ..of(Types::Several(&["string", "number"])) },
            Shape::Size { least, most } => {
                Self { minimum: Some(*least as u64), maximum: Some(*most as u64), ..of(text_or_number) }
            }
            // A zero needs no unit, and YAML takes it for a number.
            Shape::Duration { least, or_none, .. } if least.is_zero() || *or_none => {
                Self { minimum: Some(0), maximum: Some(0), ..of(text_or_number) }
            }
            Shape::Duration { .. } => of(text),
        }]
    }
}

impl Word {
    /// A value that the configuration writes so.
    fn of(text: &str, shapes: &[Shape]) -> Self {
        match (text.parse(), text.parse()) {
            (Ok(boolean), _) if shapes.contains(&Shape::Boolean) => Self::Boolean(boolean),
            (_, Ok(number)) if shapes.iter().any(|shape| matches!(shape, Shape::Number { .. })) => {
                Self::Integer(number)
            }
            _ => Self::Text(text.to_owned()),
        }
    }

    /// A word as a text, and as the number for which YAML takes it without quotes.
    fn all(word: &str) -> Vec<Self> {
        let number = word.parse().ok().map(Self::Number);
        [Self::Text(word.to_owned())].into_iter().chain(number).collect()
    }
}

fn in_order<S: Serializer>(properties: &[(String, JsonSchema)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(properties.len()))?;
    properties.iter().try_for_each(|(name, schema)| map.serialize_entry(name, schema))?;
    map.end()
}

/// The pattern of a text that has a reference.
const REFERENCE: &str = r"\$\{";
