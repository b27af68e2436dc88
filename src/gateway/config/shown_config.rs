//! The configuration as operators may see it: every key with its value, and no secret.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    reader::{Description, ShownFile, ShownNode, ShownValue, member},
    schema,
};
use crate::gate::CallbackPath;

/// What operators may see of a configuration.
///
/// # Security
///
/// A value is kept only if the reader knows that it is harmless, so `Serialize` cannot show another one. All others are
/// [`MASK`].
#[derive(Default)]
pub(crate) struct ShownConfig(ShownFile);

impl ShownConfig {
    /// What a file shows. The callback path is a secret wherever it stands, such as in the path of a rule.
    pub(super) fn new(mut file: ShownFile, callback: &CallbackPath) -> Self {
        file.root.mask(&|text| callback.is_told_by(text.as_bytes()));
        Self(file)
    }
}

/// Every key in the order of the schema. A key that is absent has the value that it stands for, or is null if that is nothing.
impl Serialize for ShownConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value(schema::description(), Some(&self.0.root), "").serialize(serializer)
    }
}

impl ShownConfig {
    fn value<'a>(&'a self, known: &'a Description, node: Option<&'a ShownNode>, path: &str) -> Shown<'a> {
        match node {
            None => self.absent(known, path),
            Some(ShownNode::Masked) => Shown::Masked,
            Some(ShownNode::Single(value)) => Shown::Value(value),
            Some(ShownNode::List(nodes)) => {
                let Some(known) = &known.elements else { return Shown::Masked };
                let element = |(index, node)| self.value(known, Some(node), &format!("{path}[{index}]"));
                Shown::List(nodes.iter().enumerate().map(element).collect())
            }
            Some(ShownNode::Mapping(entries)) => {
                let mut members = self.keys(known, entries, path);
                if let Some(known) = &known.members {
                    let member = |(name, node): &'a (String, ShownNode)| {
                        (&**name, self.value(known, Some(node), &member(path, name)))
                    };
                    members.extend(entries.iter().map(member));
                }
                Shown::Mapping(members)
            }
        }
    }

    /// The value that an absent key stands for; of an absent section, those of its keys.
    fn absent<'a>(&'a self, known: &'a Description, path: &str) -> Shown<'a> {
        let within = format!("{path}.");
        match self.0.defaults.get(path) {
            Some(value) => Shown::Value(value),
            None if self.0.defaults.keys().any(|key| key.starts_with(&within)) => {
                Shown::Mapping(self.keys(known, &[], path))
            }
            None => Shown::None,
        }
    }

    fn keys<'a>(
        &'a self,
        known: &'a Description,
        entries: &'a [(String, ShownNode)],
        path: &str,
    ) -> Vec<(&'a str, Shown<'a>)> {
        let value = |(name, key): &'a (String, Description)| {
            let node = entries.iter().find(|(known, _)| known == name).map(|(_, node)| node);
            (&**name, self.value(key, node, &member(path, name)))
        };
        known.keys.iter().flatten().map(value).collect()
    }
}

/// A value, as it is written.
enum Shown<'a> {
    None,
    Masked,
    Value(&'a ShownValue),
    List(Vec<Shown<'a>>),
    Mapping(Vec<(&'a str, Shown<'a>)>),
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            Self::Masked => serializer.serialize_str(MASK),
            Self::Value(value) => value.serialize(serializer),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Mapping(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

/// What stands in place of a value that is not shown.
pub(crate) const MASK: &str = "(masked)";
