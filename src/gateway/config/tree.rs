//! The file as a tree of values, each with its place.

use std::{fmt, ops::Deref};

use zeroize::Zeroizing;

use super::error::Place;

/// A value and where it starts.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What a configuration is made of.
#[derive(Debug)]
pub(super) enum Value {
    /// Nothing at all, or `~`, or `null`.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
    /// A mistake that was reported already, so that nobody needs to say more of it.
    Refused,
}

/// A key of a mapping with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// A text in which every reference was replaced by what it stands for.
///
/// # Security
///
/// It may be a secret, so `Debug` does not show it and its memory is wiped.
pub(super) struct Scalar {
    text: Zeroizing<String>,
    style: Style,
}

/// Whether a scalar is a text for certain, or may be a number or a boolean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Quoted,
}

impl Scalar {
    pub(super) fn new(text: Zeroizing<String>, style: Style) -> Self {
        Self { text, style }
    }

    /// The text, unless quotes say that it is neither number nor boolean.
    pub(super) fn plain(&self) -> Option<&str> {
        (self.style == Style::Plain).then_some(&self.text)
    }
}

impl Deref for Scalar {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalar(redacted, {:?})", self.style)
    }
}
