//! A value at its place in the file, and how it is made into what it means.

use std::fmt;

use super::{
    context::Context,
    error::Place,
    key_path::KeyPath,
    section::Section,
    tree::{Entry, Node, Scalar, Value},
};

/// A value that stands somewhere in the file.
pub(super) struct Item<'a> {
    context: &'a Context<'a>,
    node: &'a Node,
    path: KeyPath,
    /// Where its key is, or itself where it has none.
    name_place: Place,
}

impl<'a> Item<'a> {
    /// The whole file.
    pub(super) fn root(node: &'a Node, context: &'a Context<'a>) -> Self {
        Self { context, node, path: KeyPath::default(), name_place: node.place }
    }

    /// A member of the mapping at `path`.
    pub(super) fn member(entry: &'a Entry, context: &'a Context<'a>, path: &KeyPath) -> Self {
        Self { context, node: &entry.node, path: path.member(&entry.name), name_place: entry.place }
    }

    pub(super) fn context(&self) -> &'a Context<'a> {
        self.context
    }

    pub(super) fn place(&self) -> Place {
        self.node.place
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.node.value, Value::Mapping(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// Reports that the value is wrong. The message must not repeat it.
    pub(super) fn complain(&self, message: impl fmt::Display) {
        self.context.complain(self.node.place, &self.path, message);
    }

    /// Reports that the key is wrong.
    pub(super) fn complain_of_name(&self, message: impl fmt::Display) {
        self.context.complain(self.name_place, &self.path, message);
    }

    /// Makes a value of a scalar.
    pub(super) fn parse<T, E: fmt::Display>(&self, parse: impl FnOnce(&Scalar) -> Result<T, E>) -> Option<T> {
        let Value::Scalar(scalar) = &self.node.value else {
            return self.expected("a single value (write it after the key)");
        };
        parse(scalar).map_err(|error| self.complain(error)).ok()
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Option<Vec<Item<'a>>> {
        let Value::List(nodes) = &self.node.value else {
            return self.expected("a list (write `[a, b]`, or `- a` lines)");
        };
        let element = |(index, node): (usize, &'a Node)| Item {
            context: self.context,
            node,
            path: self.path.element(index),
            name_place: node.place,
        };
        Some(nodes.iter().enumerate().map(element).collect())
    }

    /// The members of a mapping whose keys are the operator's own.
    pub(super) fn members(&self) -> Option<impl Iterator<Item = (&'a str, Item<'a>)>> {
        let entries = self.entries()?;
        Some(entries.iter().map(|entry| (entry.name.as_str(), Self::member(entry, self.context, &self.path))))
    }

    /// Reads a mapping of known keys.
    pub(super) fn section<T>(&self, read: impl FnOnce(&mut Section<'a>) -> T) -> Option<T> {
        let entries = self.entries()?;
        Some(Section::new(entries, self.context, self.path.clone(), self.node.place).read_whole(read))
    }

    /// The entries of a mapping.
    pub(super) fn entries(&self) -> Option<&'a [Entry]> {
        let Value::Mapping(entries) = &self.node.value else {
            return self.expected("a mapping (write its keys below it, indented)");
        };
        Some(entries)
    }

    fn expected<T>(&self, what: &str) -> Option<T> {
        match self.node.value {
            Value::Null => self.complain("has no value (give it one, or remove the key)"),
            Value::Refused => {}
            _ => self.complain(format!("must be {what}")),
        }
        None
    }
}
