//! The values of a configuration that operators may see again, noted while they are read.
//!
//! A value is shown only if the parser that has taken it says so: see [`ValueParser::open`]. Of all others, nothing is kept.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, hash_map::Entry},
};

use serde::Serialize;

use super::{
    Scalar, Shape, ValueParser,
    tree::{Node, Value},
};
use crate::gateway::config::error::Position;

/// A value that may be shown, as YAML reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum ShownValue {
    Boolean(bool),
    Number(u64),
    Text(String),
    /// Several values; only a default is noted so.
    List(Vec<ShownValue>),
}

/// A value of the file, of which only what may be shown is left.
#[derive(Default)]
pub(crate) enum ShownNode {
    /// A value that may not be shown.
    #[default]
    Masked,
    Single(ShownValue),
    List(Vec<ShownNode>),
    Mapping(Vec<(String, ShownNode)>),
}

/// The values that a file may be shown with, and what the keys that it does not have stand for.
#[derive(Default)]
pub(crate) struct ShownFile {
    pub(crate) root: ShownNode,
    /// By the path of the key.
    pub(crate) defaults: BTreeMap<String, ShownValue>,
}

/// What was noted so far.
#[derive(Default)]
pub(super) struct ShownValues {
    /// By the path and the position, because names that are not shown have one path. A value that several parsers have read may be
    /// a secret to one of them.
    read: RefCell<HashMap<(String, Position), Visibility>>,
    defaults: RefCell<BTreeMap<String, ShownValue>>,
}

enum Visibility {
    Secret,
    Open(ShownValue),
}

impl ShownValues {
    /// Notes a single value that a parser has taken.
    pub(super) fn note<T>(&self, node: &Node, text: &Scalar, parser: &ValueParser<'_, T>) {
        let visibility = match ShownValue::of(text, parser) {
            _ if parser.is_secret && !is_word(text, &parser.shapes) => Visibility::Secret,
            Some(value) => Visibility::Open(value),
            None => return,
        };
        self.insert(node, visibility);
    }

    /// Notes a single value that is one of a closed list, or the name of another key.
    pub(super) fn note_name(&self, node: &Node, text: &Scalar) {
        if is_open(text) {
            self.insert(node, Visibility::Open(ShownValue::Text(text.to_string())));
        }
    }

    /// Notes what an absent key stands for.
    pub(super) fn note_default(&self, path: String, value: ShownValue) {
        self.defaults.borrow_mut().insert(path, value);
    }

    /// What is left of a file when all of it was read.
    pub(super) fn finish(&self, root: &Node) -> ShownFile {
        ShownFile { root: self.node(root), defaults: self.defaults.take() }
    }

    fn insert(&self, node: &Node, visibility: Visibility) {
        match self.read.borrow_mut().entry((node.path.clone(), node.position)) {
            Entry::Occupied(known) if matches!(known.get(), Visibility::Secret) => {}
            Entry::Occupied(mut known) => drop(known.insert(visibility)),
            Entry::Vacant(free) => drop(free.insert(visibility)),
        }
    }

    fn node(&self, node: &Node) -> ShownNode {
        match &node.value {
            Value::List(elements) => ShownNode::List(elements.iter().map(|element| self.node(element)).collect()),
            Value::Mapping(entries) => {
                ShownNode::Mapping(entries.iter().map(|(name, node)| (name.clone(), self.node(node))).collect())
            }
            Value::Null if node.path.is_empty() => ShownNode::Mapping(Vec::new()),
            _ => match self.read.borrow().get(&(node.path.clone(), node.position)) {
                Some(Visibility::Open(value)) => ShownNode::Single(value.clone()),
                _ => ShownNode::Masked,
            },
        }
    }
}

impl ShownNode {
    /// Masks each text that tells a secret of another key.
    pub(crate) fn mask(&mut self, tells: &impl Fn(&str) -> bool) {
        match self {
            Self::Single(ShownValue::Text(text)) if tells(text) => *self = Self::Masked,
            Self::Masked | Self::Single(_) => {}
            Self::List(nodes) => nodes.iter_mut().for_each(|node| node.mask(tells)),
            Self::Mapping(entries) => entries.iter_mut().for_each(|(_, node)| node.mask(tells)),
        }
    }
}

impl ShownValue {
    /// A text that a parser takes, if it may be shown.
    pub(super) fn of<T>(text: &str, parser: &ValueParser<'_, T>) -> Option<Self> {
        let shapes = &parser.shapes;
        if is_word(text, shapes) {
            return Some(Self::Text(text.to_owned()));
        }
        if parser.is_secret {
            return None;
        }
        let is_one = |is_meant: fn(&Shape) -> bool| shapes.iter().any(is_meant);
        match (text.parse(), text.parse()) {
            (Ok(boolean), _) if is_one(|shape| matches!(shape, Shape::Boolean)) => Some(Self::Boolean(boolean)),
            (_, Ok(number)) if is_one(|shape| matches!(shape, Shape::Number { .. })) => Some(Self::Number(number)),
            _ if shapes.iter().all(Shape::is_harmless) || parser.is_open && is_open(text) => {
                Some(Self::Text(text.to_owned()))
            }
            _ => None,
        }
    }
}

impl From<&str> for ShownValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for ShownValue {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<u64> for ShownValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<'a> FromIterator<&'a str> for ShownValue {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        Self::List(texts.into_iter().map(Self::from).collect())
    }
}

/// Whether a text is one of the words of a closed list, which are no secret even where another text would be.
fn is_word(text: &str, shapes: &[Shape]) -> bool {
    shapes.iter().any(|shape| matches!(shape, Shape::Word(words) if words.contains(&text)))
}

/// Whether a text has nothing that a credential may hide in: a user of a URL, a query, or many letters and digits in a row.
fn is_open(text: &str) -> bool {
    let is_long = |word: &str| word.len() > LONGEST_WORD;
    !text.contains(['@', '?']) && !text.split(|character: char| !character.is_ascii_alphanumeric()).any(is_long)
}

/// The most letters and digits in a row that no secret has: those of 128 bits have 22 at least, and the documented URLs fewer.
const LONGEST_WORD: usize = 21;
