//! How a configuration is read: the file as a tree of values, each with its place, and every mistake in it.
//!
//! The reader is our own, because serde stops at the first mistake: here an operator hears of every mistake at once, each
//! with its line and column. [`yaml`](super::yaml) makes the tree, and the sections of the configuration take their
//! values from it: a key needs one line where its section is read, such as `section.read("deadline", duration(..))`.
//! A key that no section asks for is unknown.

use std::{
    cell::RefCell,
    fmt,
    fs::File,
    io::{self, Read as _},
    ops::Deref,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::error::{Mistake, Place};

/// A mapping of known keys.
pub(super) struct Section<'a> {
    context: &'a Context<'a>,
    entries: &'a [Entry],
    path: KeyPath,
    place: Place,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A section from the top of the file; an empty one if there is nothing.
    pub(super) fn root(node: &'a Node, context: &'a Context<'a>) -> Option<Self> {
        let entries = match node.value {
            Value::Null => &[],
            _ => Item::root(node, context).entries()?,
        };
        Some(Self::new(entries, context, KeyPath::default(), node.place))
    }

    pub(super) fn new(entries: &'a [Entry], context: &'a Context<'a>, path: KeyPath, place: Place) -> Self {
        Self { context, entries, path, place, asked: Vec::new() }
    }

    /// Reads the section, then reports the keys that nobody asked for.
    pub(super) fn read_whole<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let value = read(&mut self);
        let unknown = self.entries.iter().filter(|entry| !self.asked.contains(&entry.name.as_str()));
        for entry in unknown {
            let item = Item::member(entry, self.context, &self.path);
            item.complain_of_name(format!("unknown key ({})", advice(&entry.name, &self.asked)));
        }
        value
    }

    /// The value of a key, if the file has it.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Item<'a>> {
        self.asked.push(name);
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(Item::member(entry, self.context, &self.path))
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
        self.context.complain(self.place, &self.path.member(name), format!("is missing ({advice})"));
    }

    /// Makes a value of a scalar; none if it is absent, or wrong and reported.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Scalar) -> Result<T, E>,
    ) -> Option<T> {
        self.take(name)?.parse(parse)
    }

    /// Reads a section within; an empty one if it is absent, or wrong and reported.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let item = self.take(name);
        let entries = item.as_ref().and_then(Item::entries).unwrap_or_default();
        let place = item.map_or(self.place, |item| item.place());
        Section::new(entries, self.context, self.path.member(name), place).read_whole(read)
    }
}

fn advice(name: &str, known: &[&str]) -> String {
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let nearest = known.iter().filter(|_| name.len() <= 64).min_by_key(|known| distance(known));
    match nearest {
        Some(nearest) if distance(nearest) <= nearest.len().div_ceil(3) => format!("did you mean `{nearest}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}

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

/// A path such as `listen[1].address`.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyPath(String);

impl KeyPath {
    /// The path of a member of the mapping here.
    ///
    /// A name that is no likely key is shown as `?`: a value that slipped into the place of a key, such as a
    /// callback path, is not repeated.
    pub(super) fn member(&self, name: &str) -> Self {
        let name = if is_showable(name) { name } else { "?" };
        Self(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    /// The path of an element of the list here, counted from 0.
    pub(super) fn element(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_showable(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte == b' ' || (byte.is_ascii_graphic() && !b"/$".contains(&byte)));
    plain && (1..=64).contains(&name.len())
}

/// Reads what a configuration refers to, and gathers what is wrong.
pub(super) struct Context<'a> {
    folder: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(path: &'a Path, environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        Self { folder, environment, mistakes: RefCell::default() }
    }

    pub(super) fn complain(&self, place: Place, path: &KeyPath, message: impl fmt::Display) {
        self.mistakes.borrow_mut().push(Mistake::new(Some(place), path.as_str(), message));
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }

    /// A variable of the environment.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// Where a file is that was named relative to the folder of the configuration.
    pub(super) fn locate(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Reads a file that was named relative to the folder of the configuration.
    pub(super) fn read(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        read(&self.locate(path))
    }
}

/// Reads a small file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    // One byte more than may be, so that a longer file is told from a whole one.
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > SIZE_LIMIT { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is larger than 1 MiB")]
    TooLarge,
}

/// How large the configuration, and every file that it names, may be.
pub(super) const SIZE_LIMIT: usize = 1 << 20;

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
            ("timeout", "known here: path, deadline, body_limit"),
        ] {
            assert_eq!(advice(name, &["path", "deadline", "body_limit"]), expected, "{name}");
        }
    }

    #[test]
    fn a_path_shows_keys_and_nothing_else() {
        for (name, path) in [
            ("address", "listen[1].address"),
            ("bad name", "listen[1].bad name"),
            ("/truecaller/secret", "listen[1].?"),
            ("${SECRET}", "listen[1].?"),
            ("a\nb", "listen[1].?"),
            ("\u{1b}[31m", "listen[1].?"),
            ("", "listen[1].?"),
        ] {
            assert_eq!(KeyPath::default().member("listen").element(1).member(name).as_str(), path);
        }
    }
}
