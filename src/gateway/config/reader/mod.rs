//! Reads a configuration: the file as a tree of values, each with its position, and every mistake in it.
//!
//! The reader is our own, because serde stops at the first mistake: here an operator sees every mistake at once, each
//! with its line and column. `yaml` makes the tree, and the sections of the configuration take their values from it. A key
//! needs one line where its section is read, such as `section.read("deadline", value::duration(..))`. What is read is
//! `None` if it is absent, or if it is wrong and was reported. A key that no section asks for is unknown.

mod references;
mod tree;
mod yaml;

use std::{convert::Infallible, fmt, io, path::PathBuf};

pub(super) use self::tree::{Context, ReadError, SIZE_LIMIT, Scalar, load, read_small};
use self::tree::{Node, Value, member};
use super::error::{ConfigPlace, Position};

/// Reads a text of YAML, which may be empty.
pub(super) fn read<T>(
    text: &str,
    context: &Context<'_>,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Option<T> {
    let root = yaml::read(text, context)?;
    let entries = match root.value {
        Value::Null => &[],
        _ => Item { context, node: &root }.entries()?,
    };
    Section { context, position: root.position, path: String::new(), entries, asked: Vec::new() }.read_whole(read)
}

/// A mapping of known keys.
pub(super) struct Section<'a> {
    context: &'a Context<'a>,
    /// The position of the value, or of the mapping around it if the file has no such value.
    position: Position,
    path: String,
    entries: &'a [(String, Node)],
    asked: Vec<&'static str>,
}

/// A value that stands somewhere in the file.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    context: &'a Context<'a>,
    node: &'a Node,
}

impl<'a> Section<'a> {
    /// Reads the mapping, then reports the keys that no section asked for.
    fn read_whole<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let value = read(&mut self);
        for (name, node) in self.entries.iter().filter(|(name, _)| !self.asked.contains(&name.as_str())) {
            let advice = advice(name, &self.asked);
            Item { context: self.context, node }.complain_of_key(format!("unknown key ({advice})"));
        }
        value
    }

    /// The value of a key, if the file has it.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Item<'a>> {
        self.asked.push(name);
        let (_, node) = self.entries.iter().find(|(known, _)| known == name)?;
        Some(Item { context: self.context, node })
    }

    /// The value of a key that has no default.
    pub(super) fn require(&mut self, name: &'static str, advice: &str) -> Option<Item<'a>> {
        let item = self.take(name);
        if item.is_none() {
            self.miss(name, advice);
        }
        item
    }

    /// Reports that a key is missing.
    pub(super) fn miss(&self, name: &str, advice: &str) {
        self.context.complain(self.position, &member(&self.path, name), format!("missing ({advice})"));
    }

    /// Reads a single value.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Scalar) -> Result<T, E>,
    ) -> Option<T> {
        self.take(name)?.parse(parse)
    }

    /// Reads a single value that has a default.
    pub(super) fn read_or<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&Scalar) -> Result<T, E>,
    ) -> T {
        self.read(name, parse).unwrap_or(default)
    }

    /// Reads a single value that has no default.
    pub(super) fn read_required<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        advice: &str,
        parse: impl FnOnce(&Scalar) -> Result<T, E>,
    ) -> Option<T> {
        self.require(name, advice)?.parse(parse)
    }

    /// The elements of a list.
    pub(super) fn list(&mut self, name: &'static str) -> Vec<Item<'a>> {
        self.take(name).and_then(Item::list).unwrap_or_default()
    }

    /// The members of a mapping whose keys the operator chooses.
    pub(super) fn members(&mut self, name: &'static str) -> impl Iterator<Item = (&'a str, Item<'a>)> + use<'a> {
        self.take(name).into_iter().flat_map(Item::members)
    }

    /// Reads a section within, which is empty if it is absent or wrong.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let item = self.take(name);
        let position = item.map_or(self.position, Item::position);
        let entries = item.and_then(Item::entries).unwrap_or_default();
        let path = member(&self.path, name);
        Section { context: self.context, position, path, entries, asked: Vec::new() }.read_whole(read)
    }
}

impl<'a> Item<'a> {
    pub(super) fn position(self) -> Position {
        self.node.position
    }

    pub(super) fn is_mapping(self) -> bool {
        matches!(self.node.value, Value::Mapping(_))
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// The place of the key in the file, such as `upstreams.shop`.
    pub(super) fn place(self) -> &'a str {
        &self.node.path
    }

    /// The place of the value, for a mistake that shows only when the value is used.
    pub(super) fn config_place(self) -> ConfigPlace {
        let Node { position, path, .. } = self.node;
        ConfigPlace { file: self.context.file.to_owned(), position: *position, key: path.clone() }
    }

    /// The text, if it is a single value.
    pub(super) fn text(self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Reports that the value is wrong. The message must not repeat it.
    pub(super) fn complain(self, message: impl fmt::Display) {
        self.context.complain(self.node.position, &self.node.path, message);
    }

    /// Reports that the key is wrong.
    pub(super) fn complain_of_key(self, message: impl fmt::Display) {
        self.context.complain(self.node.key_position, &self.node.path, message);
    }

    /// Takes the result of reading the value, or reports its error.
    pub(super) fn accept<T, E: fmt::Display>(self, made: Result<T, E>) -> Option<T> {
        made.map_err(|error| self.complain(error)).ok()
    }

    /// Reads a single value.
    pub(super) fn parse<T, E: fmt::Display>(self, parse: impl FnOnce(&Scalar) -> Result<T, E>) -> Option<T> {
        match &self.node.value {
            Value::Scalar(scalar) => self.accept(parse(scalar)),
            _ => self.expected("a single value (write it after the key)"),
        }
    }

    /// Reads the path of a file, which is relative to the folder of the configuration.
    pub(super) fn path(self) -> Option<PathBuf> {
        self.parse(|path| Ok::<_, Infallible>(self.context.folder.join(&**path)))
    }

    /// Reads the path behind a prefix, which the value has.
    pub(super) fn path_after(self, prefix: &str) -> Option<PathBuf> {
        self.parse(|text| Ok::<_, Infallible>(self.context.folder.join(text.strip_prefix(prefix).unwrap_or(text))))
    }

    /// Reads a file, and makes a value of its content.
    pub(super) fn file<T, E: fmt::Display>(self, make: impl FnOnce(&[u8]) -> Result<T, E>) -> Option<T> {
        let content = self.parse(|path| {
            let content = self.context.read(path);
            content.map_err(|error| format!("the file {error} (paths are relative to the configuration file)"))
        })?;
        self.accept(make(&content))
    }

    /// The elements of a list.
    pub(super) fn list(self) -> Option<Vec<Item<'a>>> {
        let Value::List(nodes) = &self.node.value else {
            return self.expected("a list (write `[a, b]`, or `- a` lines)");
        };
        Some(nodes.iter().map(|node| Item { node, ..self }).collect())
    }

    /// The members of a mapping whose keys the operator chooses.
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, Item<'a>)> {
        let entries = self.entries().unwrap_or_default();
        entries.iter().map(move |(name, node)| (name.as_str(), Item { node, ..self }))
    }

    /// Reads a list of single values. Returns none if any of them is wrong.
    pub(super) fn parse_all<T, E: fmt::Display>(self, parse: impl Fn(&Scalar) -> Result<T, E>) -> Option<Vec<T>> {
        // All values are parsed, so that each mistake is reported.
        let parsed: Vec<_> = self.list()?.iter().map(|item| item.parse(&parse)).collect();
        parsed.into_iter().collect()
    }

    /// Reads one value, or a list of at least one. Values that are wrong are left out.
    pub(super) fn one_or_more<T>(self, advice: &str, read: impl FnMut(Item<'a>) -> Option<T>) -> Vec<T> {
        let items = match self.node.value {
            Value::List(_) => self.list().unwrap_or_default(),
            _ => vec![self],
        };
        if items.is_empty() {
            self.complain(format!("must not be empty ({advice})"));
        }
        items.into_iter().filter_map(read).collect()
    }

    /// Reads a mapping of known keys.
    pub(super) fn section<T>(self, read: impl FnOnce(&mut Section<'a>) -> Option<T>) -> Option<T> {
        let Self { context, node: Node { path, position, .. } } = self;
        let entries = self.entries()?;
        Section { context, position: *position, path: path.clone(), entries, asked: Vec::new() }.read_whole(read)
    }

    fn entries(self) -> Option<&'a [(String, Node)]> {
        match &self.node.value {
            Value::Mapping(entries) => Some(entries),
            _ => self.expected("a mapping (write its keys below it, indented)"),
        }
    }

    fn expected<T>(self, what: &str) -> Option<T> {
        match self.node.value {
            Value::Null => self.complain("has no value (give it one, or remove the key)"),
            Value::Refused => {}
            _ => self.complain(format!("must be {what}")),
        }
        None
    }
}

/// The message for a file that cannot be read. It has the words of the system alone, because another error may repeat the content.
pub(super) fn unreadable(cause: &io::Error) -> String {
    let cause = cause.raw_os_error().map_or_else(|| cause.kind().into(), io::Error::from_raw_os_error);
    format!("the file cannot be read: {cause} (paths are relative to the configuration file)")
}

fn advice(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known keys: {}", known.join(", ")),
    }
}

/// The one of these names that a name is most likely meant to be.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let nearest = known.iter().copied().filter(|_| name.len() <= 64).min_by_key(|known| distance(known));
    nearest.filter(|nearest| distance(nearest) <= nearest.len().div_ceil(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_nearly_known_gets_the_known_one() {
        for (name, expected) in [
            ("dedline", "did you mean `deadline`?"),
            ("Path", "did you mean `path`?"),
            ("body-limit", "did you mean `body_limit`?"),
            ("bodylimt", "did you mean `body_limit`?"),
            ("timeout", "known keys: path, deadline, body_limit"),
        ] {
            assert_eq!(advice(name, &["path", "deadline", "body_limit"]), expected, "{name}");
        }
    }
}
