//! Reads YAML into the tree.
//!
//! It accepts scalars, lists and mappings. It refuses anchors, aliases, tags and further documents: a configuration needs
//! none of them, and without aliases a small file cannot grow large.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use zeroize::Zeroizing;

use super::{
    references, syntax,
    tree::{Context, Node, Scalar, Value, member},
};
use crate::gateway::config::error::Position;

/// Reads the one document of a file; none if it is not YAML. Mistakes go to the context.
pub(in crate::gateway::config) fn read(text: &str, context: &Context<'_>) -> Option<Node> {
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
    };
    let events = Parser::new_from_str_with_options(text, options);
    let lines = (1..).zip(text.lines()).filter(|(_, line)| syntax::is_comment_for_value(line));
    let valueless_lines = lines.map(|(number, _)| number).collect();
    Yaml { events, text, valueless_lines, end: Position { line: 1, column: 1 }, rest: text, context }.document().ok()
}

struct Yaml<'a, 'text> {
    events: Parser<'text, StrInput<'text>>,
    text: &'text str,
    /// The lines in which a comment is where a value should be. They are found once: a file may have one value a line.
    valueless_lines: HashSet<usize>,
    /// Where the last event ended.
    end: Position,
    /// What stands behind it.
    rest: &'text str,
    context: &'a Context<'a>,
}

/// The rest of the file cannot be read. The reason was reported.
struct Stopped;

impl<'text> Yaml<'_, 'text> {
    fn document(&mut self) -> Result<Node, Stopped> {
        let root = loop {
            match self.advance()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, position) => {
                    return Ok(Node {
                        path: String::new(),
                        key_position: position,
                        position,
                        end: position,
                        value: Value::Null,
                    });
                }
                root => break self.node(root, String::new(), None)?,
            }
        };
        loop {
            match self.advance()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(..), position) => {
                    self.context.complain(position, "", "a second document starts here (keep one)");
                    return Ok(root);
                }
                _ => {}
            }
        }
    }

    /// Reads the value that an event begins; a member of a mapping has a key.
    fn node(
        &mut self,
        (event, position): (Event<'text>, Position),
        path: String,
        key_position: Option<Position>,
    ) -> Result<Node, Stopped> {
        self.refuse_properties(&event, position, &path);
        let end = if matches!(event, Event::Scalar(..)) { self.end } else { position };
        let value = match event {
            Event::Scalar(text, style, ..) => {
                let line = key_position.unwrap_or(position).line;
                self.scalar(&text, style, position, line, &path)
            }
            Event::SequenceStart(..) => self.list(&path)?,
            Event::MappingStart(..) => self.mapping(&path)?,
            _ => Value::Refused,
        };
        let key_position = key_position.unwrap_or(position);
        if matches!(value, Value::Null | Value::Comment) {
            return Ok(Node { path, key_position, position: key_position, end: key_position, value });
        }
        Ok(Node { path, key_position, position, end, value })
    }

    /// Reads a single value, whose key is in a line.
    fn scalar(&self, text: &str, style: ScalarStyle, position: Position, line: usize, path: &str) -> Value {
        let is_quoted = style != ScalarStyle::Plain;
        if !is_quoted && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            return if self.valueless_lines.contains(&line) { Value::Comment } else { Value::Null };
        }
        if !self.context.reads(path) {
            return Value::Refused;
        }
        let comment = syntax::joined_comment(self.rest).filter(|_| !is_quoted);
        match references::expand(text, self.context) {
            Ok(text) => {
                let with_comment = comment.map(|comment| Zeroizing::new([text.as_str(), comment].concat()));
                Value::Scalar(Scalar { text, is_quoted, with_comment })
            }
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| self.context.complain(position, path, mistake));
                Value::Refused
            }
        }
    }

    fn list(&mut self, path: &str) -> Result<Value, Stopped> {
        let mut elements = Vec::new();
        loop {
            match self.advance()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(elements)),
                element => elements.push(self.node(element, format!("{path}[{}]", elements.len()), None)?),
            }
        }
    }

    fn mapping(&mut self, path: &str) -> Result<Value, Stopped> {
        let mut entries = Vec::new();
        let mut names = HashMap::new();
        loop {
            let (event, position) = match self.advance()? {
                (Event::MappingEnd, _) => return Ok(Value::Mapping(entries)),
                key => key,
            };
            let name = self.name(event, position, path)?;
            let value = self.advance()?;
            let node = self.node(value, member(path, name.as_deref().unwrap_or_default()), Some(position))?;
            let Some(name) = name else { continue };
            if let Some(first) = names.get(&name) {
                let message = format!("duplicate key, which line {first} has too (keep one)");
                self.context.complain(position, &node.path, message);
            } else {
                names.insert(name.clone(), position.line);
                entries.push((name, node));
            }
        }
    }

    /// Reads a key; none if it cannot be a key.
    fn name(&mut self, event: Event<'text>, position: Position, path: &str) -> Result<Option<String>, Stopped> {
        self.refuse_properties(&event, position, path);
        match event {
            Event::Scalar(name, ..) if name.contains("${") => {
                self.context.complain(position, path, "a key must not contain `${` (use references in values only)");
                Ok(None)
            }
            Event::Scalar(name, ..) => Ok(Some(name.into_owned())),
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                self.context.complain(
                    position,
                    path,
                    "a list or mapping is where a key should be (write `key: value`)",
                );
                self.node((event, position), path.to_owned(), None).map(|_| None)
            }
            _ => Ok(None),
        }
    }

    fn refuse_properties(&self, event: &Event<'_>, position: Position, path: &str) {
        if event.anchor_id().is_some() || event.is_alias() || matches!(event, Event::UnresolvedAlias(_)) {
            self.context.complain(
                position,
                path,
                "anchors (`&`) and aliases (`*`) are not supported (write the value out, or put a text that begins with `*` or `&` in quotes)",
            );
        }
        if event.tag().is_some() {
            self.context.complain(position, path, "tags (`!`) are not supported (remove it)");
        }
    }

    fn advance(&mut self) -> Result<(Event<'text>, Position), Stopped> {
        match self.events.next() {
            Some(Ok((event, Span { start, end, .. }))) => {
                self.end = Position { line: end.line(), column: end.col() + 1 };
                self.rest = end.byte_offset().and_then(|offset| self.text.get(offset..)).unwrap_or_default();
                Ok((event, Position { line: start.line(), column: start.col() + 1 }))
            }
            Some(Err(error)) => {
                let position = Position { line: error.marker().line(), column: error.marker().col() + 1 };
                let mistake = syntax::explain(error.kind(), position, self.text);
                self.context.complain(mistake.position, "", mistake.message);
                Err(Stopped)
            }
            None => Err(Stopped),
        }
    }
}

/// The deepest nesting of lists and mappings.
const DEPTH: usize = 16;
