//! What to do where the file is not YAML: the parser says what it did not expect, and the lines around say what was meant.

use granit_parser::ErrorKind;

use crate::gateway::config::error::Position;

/// A mistake in the syntax: where it is, what it is and what to do. It repeats nothing of the file.
pub(super) struct SyntaxMistake {
    pub(super) position: Position,
    pub(super) message: String,
}

/// Explains an error of the parser.
pub(super) fn explain(kind: &ErrorKind, position: Position, text: &str) -> SyntaxMistake {
    let lines: Vec<_> = text.lines().collect();
    let line = |number: usize| lines.get(number.wrapping_sub(1)).copied().unwrap_or_default();
    let here = line(position.line);
    let at = |position, what: &str, advice: &str| SyntaxMistake { position, message: format!("{what} ({advice})") };
    let mistake = |advice: &str| at(position, &format!("not valid YAML: {kind}"), advice);

    let tab = (position.line..=lines.len()).find_map(|number| Some((number, leading_tab(line(number))?)));
    if let Some((line, column)) = tab.filter(|(line, _)| is_about_tabs(kind) || *line == position.line) {
        let position = Position { line, column: column + 1 };
        return at(position, "a tab is where only spaces may be", "indent with spaces");
    }
    // A missing space shows only at the next key.
    if let ErrorKind::MappingValueNotAllowed | ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey = kind {
        let above = (1..position.line).rev().find(|number| !is_empty(line(*number)));
        let joined = [Some(position.line), above].into_iter().flatten().find_map(|number| {
            let colon = joined_colon(line(number))?;
            Some(Position { line: number, column: colon + 1 })
        });
        if let Some(position) = joined {
            return at(position, "a space is missing after the colon", "write `key: value`");
        }
    }
    match kind {
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator if here.contains("${") => {
            mistake("inside { } and [ ] put quotes around ${…}")
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            mistake("put a comma between two entries, and quotes around a value that has a bracket or a brace")
        }
        ErrorKind::UnclosedFlowCollection { .. }
            if lines.iter().skip(position.line - 1).any(|line| has_joined_comment(line)) =>
        {
            mistake(IN_QUOTES)
        }
        ErrorKind::UnclosedFlowCollection { .. } => {
            mistake("close it, or put quotes around a value that begins with it")
        }
        ErrorKind::CommentNotSeparated | ErrorKind::CommentInterceptedScalar => mistake(IN_QUOTES),
        ErrorKind::UnclosedQuotedScalar => mistake("write the same quote at its end"),
        ErrorKind::UnexpectedCharacter { .. } => mistake("put quotes around the value"),
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            mistake("in double quotes a backslash begins an escape: write two of them, or use single quotes")
        }
        ErrorKind::MappingValueNotAllowed if has_colon_before(here, position.column) => mistake(
            "put quotes around a value that has a colon and a space in it, and write keys below their section, indented",
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            mistake("indent the line as the other keys of its section")
        }
        ErrorKind::ExpectedBlockSequenceEntry => {
            mistake("indent the line as the other keys of its element, or begin it with `- `")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => mistake("write `key: value`"),
        ErrorKind::BlockSequenceEntryNotAllowed => mistake("write a list in lines of its own, or as [a, b]"),
        _ => mistake("correct it here"),
    }
}

/// Whether a `#` begins a comment in this line although no space follows it: then it is most likely the start of a value.
pub(super) fn has_joined_comment(line: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    for (index, character) in line.char_indices() {
        match (quote, character) {
            (Some(open), character) if open == character => quote = None,
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(character),
            (None, '#') if " \t-[,".contains(before) => {
                return line[index + 1..].starts_with(|next: char| !next.is_whitespace() && next != '#');
            }
            _ => {}
        }
        before = character;
    }
    false
}

/// Whether a comment is where this line should have a value, such as `color: #0087ff`.
pub(super) fn is_comment_for_value(line: &str) -> bool {
    let before = line.split_once('#').map(|(before, _)| before.trim_end());
    before.is_some_and(|before| before.ends_with([':', '-'])) && has_joined_comment(line)
}

/// The comment that follows a value in its line, with the spaces before it, if it may be meant as a part of the value, such as in
/// `name: Shop #1`. The text is what stands behind the value.
pub(super) fn joined_comment(behind: &str) -> Option<&str> {
    let comment = behind.trim_start_matches([' ', '\t']).strip_prefix('#')?;
    comment.starts_with(char::is_alphanumeric).then(|| behind.lines().next().unwrap_or_default().trim_end())
}

/// The place of the colon in a line such as `key:value`, counted from 0.
fn joined_colon(line: &str) -> Option<usize> {
    let content = line.trim_start_matches([' ', '-']);
    let (name, value) = content.split_once(':')?;
    let is_key = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_joined = value.starts_with(|first: char| !first.is_whitespace());
    (is_key && is_joined).then(|| line.chars().count() - content.chars().count() + name.len())
}

fn has_colon_before(line: &str, column: usize) -> bool {
    line.chars().take(column.saturating_sub(1)).collect::<String>().contains(": ")
}

/// The place of a tab in the indentation of a line, counted from 0.
fn leading_tab(line: &str) -> Option<usize> {
    line.chars().take_while(|character| character.is_whitespace()).position(|character| character == '\t')
}

fn is_empty(line: &str) -> bool {
    let content = line.trim_start();
    content.is_empty() || content.starts_with('#')
}

fn is_about_tabs(kind: &ErrorKind) -> bool {
    use ErrorKind::{TabAtBlockScalarStart, TabInBlockIndentation, TabInIndentation, TabInPlainScalar, TabNotAllowed};
    matches!(kind, TabAtBlockScalarStart | TabInBlockIndentation | TabInIndentation | TabInPlainScalar | TabNotAllowed)
}

/// What to do about a value that became a comment.
const IN_QUOTES: &str = "a `#` begins a comment: put quotes around a value that has one, such as \"#0087ff\"";
pub(super) const CUT: &str = "a `#` begins a comment, so the value ends before it (put quotes around a value that has one, such as \
    \"Shop #1\", or write a space behind the `#` of a comment)";
pub(super) const COMMENT: &str = "a `#` begins a comment (put quotes around the value, such as \"#0087ff\")";
