//! The lines of a configuration, as they may be shown under a mistake: without what may be secret.
//!
//! A line is masked at first. Then it shows its indentation, its keys, and the values that are known to be no secret: those of known
//! keys that take none, written where the key has its value. A value with a part that nobody could guess stays masked, because the
//! callback path may be written at other keys too. Brackets, commas and dashes are shown where the line has nothing else.
//! A comment is left out. Of a file that is not YAML, only the known keys at the starts of lines are shown.

use std::path::Path;

use super::{
    error::Position,
    reader::{self, Context, Node, Value, is_showable},
    schema,
};
use crate::gate::CallbackPath;

/// The lines of a configuration.
pub(crate) struct SourceLines<'a> {
    lines: Vec<&'a str>,
    root: Option<Node>,
}

/// A line with a place in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ShownLine {
    /// The number of the line, counted from 1.
    pub(crate) number: usize,
    /// What of the line may be shown. `…` stands for what may not.
    pub(crate) text: String,
    /// The characters before the place.
    pub(crate) start: usize,
    /// The characters of the place; at least one.
    pub(crate) length: usize,
}

impl<'a> SourceLines<'a> {
    /// Reads the lines of a configuration, which may have mistakes.
    pub(crate) fn read(text: &'a str) -> Self {
        // References are not followed: what they stand for is never shown.
        let root = reader::read_yaml(text, &Context::new(Path::new(""), &|_| None));
        Self { lines: text.lines().collect(), root }
    }

    /// Shows the line of a place.
    pub(crate) fn show(&self, place: Position) -> Option<ShownLine> {
        let line: Vec<char> = self.lines.get(place.line.checked_sub(1)?)?.chars().collect();
        let mut mask = Mask::new(&line);
        mask.reveal_first_key();
        let mut length = 1;
        for (name, node) in self.root.iter().flat_map(Node::all) {
            let key =
                name.filter(|_| node.key_position.line == place.line).map(|name| (node.key_position.column - 1, name));
            if let Some((start, name)) = key.filter(|(start, name)| mask.has(*start, name)) {
                mask.cover(start, name.chars().count(), is_showable(name));
                mask.cover_colon(start + name.chars().count());
                if start + 1 == place.column {
                    length = name.chars().count();
                }
            }
            if let Some((start, end)) = node.extent(place.line, line.len()) {
                mask.cover(start, end - start, self.is_harmless(node));
                if node.position == place {
                    length = (end - start).max(1);
                }
            }
        }
        mask.finish();
        Some(mask.show(place, length)).filter(|shown| !shown.text.is_empty())
    }

    /// Whether a single value is surely no secret.
    fn is_harmless(&self, node: &Node) -> bool {
        let takes_this =
            schema::description().find(&node.path).is_some_and(|key| !key.shapes.is_empty() && !key.is_secret);
        // A user name or a password stands before this character in a URL. The callback path itself may come from a reference, which
        // is not followed here, so its random part is told by how it looks.
        let is_harmless = |text: &str| !text.contains('@') && !CallbackPath::may_be_told_by(text);
        takes_this
            && matches!(&node.value, Value::Scalar(text) if is_harmless(text))
            && node.position.line == node.end.line
    }
}

/// Which characters of a line are shown.
struct Mask<'a> {
    line: &'a [char],
    is_shown: Vec<bool>,
    /// Which characters belong to a key or a value.
    is_covered: Vec<bool>,
}

impl<'a> Mask<'a> {
    fn new(line: &'a [char]) -> Self {
        let is_shown = line.iter().map(|character| *character == ' ').collect();
        Self { line, is_shown, is_covered: vec![false; line.len()] }
    }

    fn has(&self, start: usize, name: &str) -> bool {
        let name: Vec<_> = name.chars().collect();
        self.line.get(start..start + name.len()) == Some(&name)
    }

    fn cover(&mut self, start: usize, length: usize, is_shown: bool) {
        let end = (start + length).min(self.line.len());
        self.is_covered[start.min(end)..end].fill(true);
        self.is_shown[start.min(end)..end].fill(is_shown);
    }

    fn cover_colon(&mut self, index: usize) {
        if self.line.get(index) == Some(&':') {
            self.cover(index, 1, true);
        }
    }

    /// Shows a known key at the start of the line.
    fn reveal_first_key(&mut self) {
        let start = self.line.iter().take_while(|character| " -".contains(**character)).count();
        let name: String = self.line[start..].iter().take_while(|character| **character != ':').collect();
        let end = start + name.chars().count();
        if schema::is_key(&name) && end < self.line.len() {
            self.is_shown[..=end].fill(true);
        }
    }

    /// Cuts the comment off, and shows what is neither a key nor a value if it is only punctuation.
    fn finish(&mut self) {
        let begins_comment = |index: &usize| {
            self.line[*index] == '#'
                && !self.is_covered[*index]
                && (*index == 0 || self.line[*index - 1].is_whitespace())
        };
        let end = (0..self.line.len()).find(begins_comment).unwrap_or(self.line.len());
        self.line = &self.line[..end];
        let rest = (0..end).filter(|index| !self.is_covered[*index]);
        let rest: Vec<_> = rest.filter(|index| !self.line[*index].is_whitespace()).collect();
        let is_punctuation = |index: &usize| "[]{},:-".contains(self.line[*index]);
        if rest.iter().all(is_punctuation) {
            rest.into_iter().for_each(|index| self.is_shown[index] = true);
        }
        // Between two characters that are masked, a space is masked too.
        let mut after_mask = false;
        for index in 0..end {
            let next = (index..end).find(|next| !self.line[*next].is_whitespace());
            if self.line[index].is_whitespace() && after_mask && next.is_some_and(|next| !self.is_shown[next]) {
                self.is_shown[index] = false;
            }
            after_mask = !self.is_shown[index];
        }
    }

    fn show(&self, place: Position, length: usize) -> ShownLine {
        let mut text = String::new();
        let mut columns = Vec::new();
        for (index, character) in self.line.iter().enumerate() {
            columns.push(text.chars().count());
            match (character, self.is_shown[index]) {
                ('\t', _) => text.push('→'),
                (character, true) => text.push(*character),
                (_, false) if text.ends_with('…') => {
                    *columns.last_mut().expect("it was pushed") -= 1;
                }
                (_, false) => text.push('…'),
            }
        }
        columns.push(text.trim_end().chars().count());
        let column = |index: usize| columns[index.min(columns.len() - 1)];
        let (start, end) = (column(place.column - 1), column(place.column - 1 + length));
        let text = text.trim_end().to_owned();
        ShownLine { number: place.line, text, start, length: end.saturating_sub(start).max(1) }
    }
}
