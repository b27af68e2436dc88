//! The comments of `config.yaml`, which say what each key is for.
//!
//! A comment stands directly above its key. Keys that follow without a comment of their own share it. A key that is commented out is a
//! key all the same.

use std::collections::{BTreeSet, HashMap};

use crate::gateway::config::reader::{Description, Step};

/// The comments of all keys, and the order of the keys.
pub(super) struct Comments(HashMap<Vec<Step>, Comment>);

struct Comment {
    line: usize,
    text: String,
}

impl Comments {
    /// Reads the comments of a configuration that has every key.
    pub(super) fn read(text: &str, description: &Description) -> Self {
        let mut reading =
            Reading { description, found: HashMap::new(), open: Vec::new(), pending: Vec::new(), above: None };
        for (index, line) in text.lines().enumerate() {
            reading.line(index, &Line::parse(line));
        }
        let mut comments = Self(reading.found);
        let all = description.all();
        let mut borrowed = HashMap::new();
        // What is around a key comes before it, and the key may share what that has borrowed.
        for (path, _) in all.iter().filter(|(path, _)| comments.own(path).is_none()) {
            let text = comments.of_others(path, description, &all).or_else(|| comments.around(path, &borrowed));
            borrowed.extend(text.map(|text| (path.clone(), text)));
        }
        for (path, text) in borrowed {
            let line = comments.line(&path);
            comments.0.insert(path, Comment { line, text });
        }
        comments
    }

    /// What a key is for; empty if no comment says it.
    pub(super) fn of(&self, path: &[Step]) -> String {
        self.own(path).unwrap_or_default().to_owned()
    }

    /// The line at which a key is first; after all others if it is at none.
    pub(super) fn line(&self, path: &[Step]) -> usize {
        self.0.get(path).map_or(usize::MAX, |comment| comment.line)
    }

    fn own(&self, path: &[Step]) -> Option<&str> {
        self.0.get(path).map(|comment| &*comment.text).filter(|text| !text.is_empty())
    }

    /// For a key without a comment: that of the same key in a section with the same keys, or else in a section of the same name.
    fn of_others(&self, path: &[Step], description: &Description, all: &[(Vec<Step>, &Description)]) -> Option<String> {
        let (step @ Step::Key(_), parent) = path.split_last()? else { return None };
        let keys = names(description, parent);
        let same = all.iter().filter_map(|(other, _)| {
            let (_, section) = other.split_last().filter(|(last, _)| *last == step)?;
            Some((section, self.own(other)?))
        });
        let alike = same.clone().find(|(section, _)| names(description, section) == keys);
        let has_name = matches!(parent.last(), Some(Step::Key(_)));
        let namesake = || same.clone().find(|(section, _)| has_name && section.last() == parent.last());
        alike.or_else(namesake).map(|(_, text)| text.to_owned())
    }

    /// For a key that no other one explains: the comment of what it is in.
    fn around(&self, path: &[Step], borrowed: &HashMap<Vec<Step>, String>) -> Option<String> {
        let Some(Step::Key(_)) = path.last() else { return None };
        let text = |outer: &[Step]| self.own(outer).or_else(|| borrowed.get(outer).map(String::as_str));
        (0..path.len()).rev().find_map(|length| text(&path[..length])).map(str::to_owned)
    }
}

/// The names of the keys of a section, in order.
fn names<'a>(description: &'a Description, section: &[Step]) -> Option<BTreeSet<&'a str>> {
    let keys = description.at(section)?.keys.as_ref()?;
    Some(keys.iter().map(|(name, _)| name.as_str()).collect())
}

struct Reading<'a> {
    description: &'a Description,
    found: HashMap<Vec<Step>, Comment>,
    /// The values that the line is in, each with the column of its key.
    open: Vec<(usize, Vec<Step>)>,
    /// The comment above the line.
    pending: Vec<String>,
    /// The key of the line above and its comment, which is also for this line.
    above: Option<(Vec<Step>, String)>,
}

impl Reading<'_> {
    fn line(&mut self, index: usize, line: &Line<'_>) {
        match *line {
            Line::Blank => {
                self.pending.clear();
                self.above = None;
            }
            Line::Comment(text) => self.pending.push(text.to_owned()),
            Line::Element { column, key } => {
                self.close(column);
                self.above = None;
                let path = self.within(Step::Element);
                self.open.push((column, path));
                match key {
                    Some((column, name)) => self.key(index, column, name),
                    None => self.pending.clear(),
                }
            }
            Line::Key { column, name } => {
                self.close(column);
                self.key(index, column, name);
            }
        }
    }

    fn key(&mut self, index: usize, column: usize, name: &str) {
        let key = self.within(Step::Key(name.to_owned()));
        let path = if self.description.at(&key).is_some() { key } else { self.within(Step::Member) };
        let lines = std::mem::take(&mut self.pending);
        let text = match &self.above {
            Some((above, text)) if lines.is_empty() && is_sibling(above, &path) => text.clone(),
            _ => join(&lines),
        };
        self.open.push((column, path.clone()));
        let comment = self.found.entry(path.clone()).or_insert_with(|| Comment { line: index, text: String::new() });
        if comment.text.is_empty() {
            comment.text.clone_from(&text);
        }
        self.above = Some((path, text));
    }

    fn close(&mut self, column: usize) {
        self.open.retain(|(open, _)| *open < column);
    }

    fn within(&self, step: Step) -> Vec<Step> {
        let parent = self.open.last().map(|(_, path)| path.clone()).unwrap_or_default();
        [parent, vec![step]].concat()
    }
}

fn is_sibling(one: &[Step], other: &[Step]) -> bool {
    one.split_last().map(|(_, parent)| parent) == other.split_last().map(|(_, parent)| parent)
}

/// One paragraph, with the lines of their own that are indented.
fn join(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        if !text.is_empty() {
            text.push(if line.starts_with(' ') { '\n' } else { ' ' });
        }
        text.push_str(line);
    }
    text
}

/// A line of the configuration.
enum Line<'a> {
    Blank,
    Comment(&'a str),
    /// An element of a list, and its first key if it is a mapping in lines of its own.
    Element {
        column: usize,
        key: Option<(usize, &'a str)>,
    },
    Key {
        column: usize,
        name: &'a str,
    },
}

impl<'a> Line<'a> {
    /// Reads a line, also one that is commented out once or twice.
    fn parse(line: &'a str) -> Self {
        if line.trim().is_empty() {
            return Self::Blank;
        }
        let (mut column, mut rest) = (0, line);
        loop {
            let content = rest.trim_start_matches(' ');
            column += rest.len() - content.len();
            if let Some(line) = Self::content(column, content) {
                return line;
            }
            let Some(comment) = content.strip_prefix('#') else { return Self::Comment(content) };
            let comment = comment.strip_prefix(' ').unwrap_or(comment);
            // What is commented out is a key, an element, or a comment of its own.
            let inner = comment.trim_start_matches(' ');
            if Self::content(0, inner).is_none() && !inner.starts_with("# ") {
                return Self::Comment(comment);
            }
            rest = comment;
        }
    }

    fn content(column: usize, content: &'a str) -> Option<Self> {
        if let Some(element) = content.strip_prefix("- ") {
            let key = name(element).map(|name| (column + 2, name));
            return Some(Self::Element { column, key });
        }
        name(content).map(|name| Self::Key { column, name })
    }
}

/// The key with which a line begins.
fn name(content: &str) -> Option<&str> {
    let (name, rest) = content.split_once(':')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let is_key = name.contains('-') || name.starts_with(|first: char| first.is_ascii_lowercase());
    (is_name && is_key && (rest.is_empty() || rest.starts_with(' '))).then_some(name)
}
