//! The file as a tree of values, each with its position, and the surroundings of the file.

use std::{
    cell::RefCell,
    fmt,
    fs::File,
    io::{self, Read as _},
    ops::Deref,
    path::Path,
};

use zeroize::Zeroizing;

use super::{
    shown::ShownValues,
    survey::{Description, Survey},
};
use crate::gateway::config::error::{ConfigError, Position};

/// A value and where it is.
pub(crate) struct Node {
    /// The dotted path of its key, such as `listen[1].address`.
    pub(crate) path: String,
    /// The position of the key, or of the value itself if it has no key.
    pub(crate) key_position: Position,
    /// Where the value starts, or its key where the value is missing.
    pub(crate) position: Position,
    /// Where a single value ends; elsewhere the same as `position`.
    pub(crate) end: Position,
    pub(crate) value: Value,
}

impl Node {
    /// The value and all values in it, each with the name of its key if it has one.
    pub(crate) fn all(&self) -> Vec<(Option<&str>, &Self)> {
        fn collect<'n>(name: Option<&'n str>, node: &'n Node, nodes: &mut Vec<(Option<&'n str>, &'n Node)>) {
            nodes.push((name, node));
            match &node.value {
                Value::List(elements) => elements.iter().for_each(|element| collect(None, element, nodes)),
                Value::Mapping(entries) => entries.iter().for_each(|(name, node)| collect(Some(name), node, nodes)),
                _ => {}
            }
        }
        let mut nodes = Vec::new();
        collect(None, self, &mut nodes);
        nodes
    }

    /// The columns of a line of so many characters that a single value takes, counted from 0.
    pub(crate) fn extent(&self, line: usize, length: usize) -> Option<(usize, usize)> {
        let Self { position, end, .. } = self;
        let start = if line == position.line { position.column - 1 } else { 0 };
        let end_column = if line == end.line { end.column - 1 } else { length };
        (position.line..=end.line)
            .contains(&line)
            .then_some((start, end_column.min(length)))
            .filter(|(start, end)| start < end)
    }
}

/// The kinds of values.
pub(crate) enum Value {
    /// Nothing at all, or `~`, or `null`.
    Null,
    /// Nothing, because a `#` begins a comment where the value should be.
    Comment,
    Scalar(Scalar),
    List(Vec<Node>),
    Mapping(Vec<(String, Node)>),
    /// Any single value, of which a survey notes what it may be.
    Sample,
    /// A mistake that was reported already.
    Refused,
}

/// A text in which every reference was replaced with its value.
///
/// # Security
///
/// It may be a secret, so it has no `Debug` and its memory is wiped.
pub(crate) struct Scalar {
    pub(crate) text: Zeroizing<String>,
    /// Whether it was written in quotes: then it is neither a number nor a boolean.
    pub(crate) is_quoted: bool,
    /// The text together with a comment behind it that may be meant as a part of it.
    pub(crate) with_comment: Option<Zeroizing<String>>,
}

impl Scalar {
    /// The text if it was written without quotes, so that it may be a number or a boolean.
    pub(crate) fn plain(&self) -> Option<&str> {
        (!self.is_quoted).then_some(&self.text)
    }
}

impl Deref for Scalar {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// The path of a member of the mapping at `path`.
///
/// A name that is not likely to be a key is shown as `?`: a value that slipped into the place of a key, such as a callback path,
/// is not repeated. Of `key:value`, only the key is shown.
pub(crate) fn member(path: &str, name: &str) -> String {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let name = if is_showable(name) { name } else { "?" };
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a name looks like a key, and not like a secret: those have many letters and digits in a row.
pub(crate) fn is_showable(name: &str) -> bool {
    let is_plain = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && !b"/$:=+".contains(&byte));
    let words = name.split(|character: char| !character.is_ascii_alphanumeric());
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain) && words.map(str::len).max() <= Some(24)
}

/// The surroundings of a configuration: its file, the folder of the file, the environment, and the mistakes found so far.
pub(crate) struct Context<'a> {
    pub(crate) file: &'a Path,
    pub(crate) folder: &'a Path,
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) mistakes: RefCell<Vec<ConfigError>>,
    /// What is right, and most likely not meant.
    pub(crate) warnings: RefCell<Vec<ConfigError>>,
    /// What notes which keys are asked for, if this is a sample and no file.
    pub(super) survey: Option<&'a Survey>,
    /// What a configuration may be, to say where a key belongs.
    pub(super) description: Option<fn() -> &'static Description>,
    /// The only key that is read, with all below it; none if the whole is.
    pub(super) only: Option<&'static str>,
    /// What may be shown of the values that were read.
    pub(super) shown: ShownValues,
}

impl<'a> Context<'a> {
    pub(crate) fn new(path: &'a Path, environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mistakes, warnings, shown) = (RefCell::default(), RefCell::default(), ShownValues::default());
        Self { file: path, folder, environment, mistakes, warnings, survey: None, description: None, only: None, shown }
    }

    /// Adds what a configuration may be, so that mistakes say where a key belongs.
    pub(crate) fn describing(self, description: fn() -> &'static Description) -> Self {
        Self { description: Some(description), ..self }
    }

    /// Reads one key alone, with all below it. References elsewhere are not followed, and mistakes elsewhere are no mistakes.
    pub(crate) fn only(self, key: &'static str) -> Self {
        Self { only: Some(key), ..self }
    }

    /// Whether a value at a path is read: one of the key itself, below it, or around it.
    pub(super) fn reads(&self, path: &str) -> bool {
        let is_within = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.only.is_none_or(|key| is_within(path, key) || is_within(key, path))
    }

    pub(crate) fn complain(&self, position: Position, path: &str, message: impl fmt::Display) {
        if self.survey.is_some() || !self.reads(path) {
            return;
        }
        self.mistakes.borrow_mut().push(ConfigError::new(Some(position), path, message));
    }

    /// Reports what is most likely not meant. The message must not repeat the value.
    pub(super) fn warn(&self, position: Position, path: &str, message: &str) {
        self.warnings.borrow_mut().push(ConfigError::new(Some(position), path, message));
    }

    /// Reads a file whose path is relative to the folder of the configuration.
    pub(crate) fn read(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        load(&self.folder.join(path))
    }
}

/// Reads a small file.
pub(crate) fn load(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    read_small(File::open(path)?)
}

/// Reads what has a small end.
pub(crate) fn read_small(input: impl io::Read) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    // One byte more than allowed, so that a longer file is told from a whole one.
    let mut bytes = Zeroizing::new(Vec::new());
    input.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > SIZE_LIMIT { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// The reason why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is larger than 1 MiB")]
    TooLarge,
}

/// The largest size of the configuration, and of every file that it names.
pub(crate) const SIZE_LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

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
            ("address:127.0.0.1", "listen[1].address"),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "listen[1].?"),
            ("0123456789abcdef0123456789abcdef", "listen[1].?"),
        ] {
            assert_eq!(member("listen[1]", name), path);
        }
    }
}
