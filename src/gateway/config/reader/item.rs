//! A value of the configuration, which the code that reads its section turns into a value of its own.

use std::{convert::Infallible, fmt, path::PathBuf};

use super::{
    Scalar, Section, Shape, ValueParser,
    syntax::{COMMENT, CUT},
    tree::{Context, Node, Value},
};
use crate::gateway::config::error::{ConfigPlace, Position};

/// A value that stands somewhere in the file.
#[derive(Clone, Copy)]
pub(in crate::gateway::config) struct Item<'a> {
    context: &'a Context<'a>,
    node: &'a Node,
}

impl<'a> Item<'a> {
    pub(super) fn new(context: &'a Context<'a>, node: &'a Node) -> Self {
        Self { context, node }
    }

    pub(in crate::gateway::config) fn position(self) -> Position {
        self.node.position
    }

    pub(in crate::gateway::config) fn is_mapping(self) -> bool {
        matches!(self.node.value, Value::Mapping(_))
    }

    pub(in crate::gateway::config) fn is_single(self) -> bool {
        matches!(self.node.value, Value::Scalar(_))
    }

    pub(in crate::gateway::config) fn is_list(self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// The place of the key in the file, such as `upstreams.shop`.
    pub(in crate::gateway::config) fn place(self) -> &'a str {
        &self.node.path
    }

    /// The place of the value, for a mistake that shows only when the value is used.
    pub(in crate::gateway::config) fn config_place(self) -> ConfigPlace {
        let Node { position, path, .. } = self.node;
        ConfigPlace { file: self.context.file.to_owned(), position: *position, key: path.clone() }
    }

    /// The text, if it is a single value of another shape than the one that is read otherwise.
    pub(in crate::gateway::config) fn text_if(
        self,
        shape: Shape,
        is_meant: impl FnOnce(&str) -> bool,
    ) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) => {
                let text = Some(&**scalar).filter(|text| is_meant(text))?;
                self.context.shown.note_name(self.node, scalar);
                Some(text)
            }
            Value::Sample => {
                self.note_single(&[shape], false);
                None
            }
            _ => None,
        }
    }

    fn note_single(self, shapes: &[Shape], is_secret: bool) {
        if let Some(survey) = self.context.survey {
            survey.note_single(&self.node.path, shapes, is_secret);
        }
    }

    /// Reports that the value is wrong. The message must not repeat it.
    pub(in crate::gateway::config) fn complain(self, message: impl fmt::Display) {
        self.context.complain(self.node.position, &self.node.path, message);
    }

    /// Reports that the key is wrong.
    pub(in crate::gateway::config) fn complain_of_key(self, message: impl fmt::Display) {
        self.context.complain(self.node.key_position, &self.node.path, message);
    }

    /// Takes the result of reading the value, or reports its error.
    pub(in crate::gateway::config) fn accept<T, E: fmt::Display>(self, made: Result<T, E>) -> Option<T> {
        made.map_err(|error| self.complain(error)).ok()
    }

    /// Reads a single value.
    pub(in crate::gateway::config) fn parse<T>(self, parser: &ValueParser<'_, T>) -> Option<T> {
        match &self.node.value {
            Value::Scalar(scalar) => {
                self.context.shown.note(self.node, scalar, parser);
                self.warn_of_cut(scalar, parser);
                self.accept(parser.parse(scalar))
            }
            Value::Sample => {
                self.note_single(&parser.shapes, parser.is_secret);
                None
            }
            _ => self.expected("a single value (write it after the key)"),
        }
    }

    /// Warns of a comment that cuts a free text off. A value that could not have the comment in it, such as a number or a host, was never
    /// meant so.
    fn warn_of_cut<T>(self, scalar: &Scalar, parser: &ValueParser<'_, T>) {
        let Some(text) = scalar.with_comment.clone() else { return };
        let whole = Scalar { text, is_quoted: false, with_comment: None };
        if parser.shapes.contains(&Shape::Text) && parser.parse(&whole).is_ok() {
            self.context.warn(self.node.position, &self.node.path, CUT);
        }
    }

    /// Reads the path of a file, which is relative to the folder of the configuration.
    pub(in crate::gateway::config) fn path(self) -> Option<PathBuf> {
        self.path_after("")
    }

    /// Reads the path behind a prefix, which the value has.
    pub(in crate::gateway::config) fn path_after(self, prefix: &str) -> Option<PathBuf> {
        let path = |text: &Scalar| self.context.folder.join(text.strip_prefix(prefix).unwrap_or(text));
        self.parse(&ValueParser::new(Shape::Path, |text| Ok::<_, Infallible>(path(text))))
    }

    /// Reads a file, and makes a value of its content.
    pub(in crate::gateway::config) fn file<T, E: fmt::Display>(
        self,
        make: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Option<T> {
        let content = self.parse(&ValueParser::new(Shape::Path, |path| {
            let content = self.context.read(path);
            content.map_err(|error| format!("the file {error} (paths are relative to the configuration file)"))
        }))?;
        self.accept(make(&content))
    }

    /// The elements of a list.
    pub(in crate::gateway::config) fn list(self) -> Option<Vec<Item<'a>>> {
        let Value::List(nodes) = &self.node.value else {
            return match &self.node.value {
                Value::Scalar(text) if text.starts_with('-') => {
                    self.refuse("must be a list (put a space after the `-`)")
                }
                Value::Mapping(_) => self.refuse("must be a list (begin each element with `- `)"),
                _ => self.expected("a list (write `[a, b]`, or `- a` lines)"),
            };
        };
        if let Some(survey) = self.context.survey {
            survey.note_list(&self.node.path);
        }
        Some(nodes.iter().map(|node| Item { node, ..self }).collect())
    }

    /// The members of a mapping whose keys the operator chooses.
    pub(in crate::gateway::config) fn members(self) -> impl Iterator<Item = (&'a str, Item<'a>)> {
        let entries = self.entries();
        if let (Some(survey), true) = (self.context.survey, entries.is_some()) {
            survey.note_members(&self.node.path);
        }
        entries.unwrap_or_default().iter().map(move |(name, node)| (name.as_str(), Item { node, ..self }))
    }

    /// The keys of a mapping; none if it is none.
    pub(in crate::gateway::config) fn keys(self) -> impl Iterator<Item = &'a str> {
        let entries = if let Value::Mapping(entries) = &self.node.value { &entries[..] } else { &[] };
        entries.iter().map(|(name, _)| name.as_str())
    }

    /// Reads a list of single values. Returns none if any of them is wrong.
    pub(in crate::gateway::config) fn parse_all<T>(self, parser: &ValueParser<'_, T>) -> Option<Vec<T>> {
        // All values are parsed, so that each mistake is reported.
        let parsed: Vec<_> = self.list()?.iter().map(|item| item.parse(parser)).collect();
        parsed.into_iter().collect()
    }

    /// Reads one value, or a list of at least one. Values that are wrong are left out.
    pub(in crate::gateway::config) fn one_or_more<T>(
        self,
        advice: &str,
        read: impl FnMut(Item<'a>) -> Option<T>,
    ) -> Vec<T> {
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
    pub(in crate::gateway::config) fn section<T>(self, read: impl FnOnce(&mut Section<'a>) -> Option<T>) -> Option<T> {
        let Self { context, node: Node { path, position, .. } } = self;
        let entries = self.entries()?;
        Section { context, position: *position, path: path.clone(), entries, asked: Vec::new() }.read_whole(read)
    }

    pub(super) fn entries(self) -> Option<&'a [(String, Node)]> {
        match &self.node.value {
            Value::Mapping(entries) => Some(entries),
            Value::Null => self.refuse("has no value (write its keys below it, indented, or remove the key)"),
            Value::Scalar(text) if is_joined(text) => {
                self.refuse("must be a mapping (put a space after the colon: `key: value`)")
            }
            Value::List(_) => self.refuse("must be a mapping (remove the `-` before its keys)"),
            _ => self.expected("a mapping (write its keys below it, indented)"),
        }
    }

    fn expected<T>(self, what: &str) -> Option<T> {
        match self.node.value {
            Value::Null => self.refuse("has no value (give it one, or remove the key)"),
            Value::Comment => self.refuse(format!("has no value, because {COMMENT}")),
            Value::Refused => None,
            _ => self.refuse(format!("must be {what}")),
        }
    }

    fn refuse<T>(self, message: impl fmt::Display) -> Option<T> {
        self.complain(message);
        None
    }
}

/// Whether a text is `key:value`. YAML reads a mapping only where a space follows the colon.
fn is_joined(text: &str) -> bool {
    let is_key = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    text.split_once(':').is_some_and(|(name, value)| is_key(name) && !value.is_empty() && !value.starts_with("//"))
}
