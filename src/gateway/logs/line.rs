//! One line of a log of requests: fields with their names, as text or as JSON.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    time::{Duration, SystemTime},
};

use super::LogName;
use crate::gateway::config::LineFormat;

/// A line that is being written, field by field.
///
/// # Security
///
/// A client chooses much of what is in a line. Whatever it sends, a line is visible ASCII and spaces, without a line break, and no
/// value can be read as another field. So a line does no harm to a terminal either.
pub(super) struct LogLine {
    text: String,
    format: LineFormat,
}

impl LogLine {
    /// Begins a line of a log, with the time.
    pub(super) fn begin(format: LineFormat, log: LogName, time: SystemTime) -> Self {
        let mut line = Self { text: String::with_capacity(CAPACITY), format };
        line.text.push_str(match format {
            LineFormat::Text => "time=",
            LineFormat::Json => "{\"time\":",
        });
        line.quote_in_json(|text| text.push_fmt(format_args!("{}", humantime::format_rfc3339_millis(time))));
        line.word("log", log.code());
        line
    }

    /// A word of truegate's own code, which needs no escapes.
    pub(super) fn word(&mut self, name: &'static str, word: &'static str) {
        self.name(name);
        self.quote_in_json(|text| text.push_str(word));
    }

    /// Several words of truegate's own code: an array in JSON, and a list with commas as text.
    pub(super) fn words(&mut self, name: &'static str, words: impl Iterator<Item = &'static str>) {
        self.name(name);
        let (start, separator, end) = match self.format {
            LineFormat::Text => ("", ",", ""),
            LineFormat::Json => ("[\"", "\",\"", "\"]"),
        };
        self.text.push_str(start);
        for (index, word) in words.enumerate() {
            self.text.push_str(if index > 0 { separator } else { "" });
            self.text.push_str(word);
        }
        self.text.push_str(end);
    }

    /// Any value, as it displays.
    pub(super) fn display(&mut self, name: &'static str, value: impl fmt::Display) {
        self.name(name);
        let before = self.text.len();
        self.quote_in_json(|text| text.push_fmt(format_args!("{value}")));
        let quotes = usize::from(self.format == LineFormat::Json);
        let written = &self.text[before + quotes..self.text.len() - quotes];
        if !is_plain(written.as_bytes()) {
            let value = written.to_owned();
            self.text.truncate(before);
            self.escape(value.as_bytes());
        }
    }

    /// Any bytes, of which at most so many are written. Dots at the end stand for the rest.
    pub(super) fn bytes(&mut self, name: &'static str, bytes: &[u8], limit: usize) {
        let value = match bytes.get(..limit) {
            Some(start) if bytes.len() > limit => Cow::Owned([start, b"..."].concat()),
            _ => Cow::Borrowed(bytes),
        };
        self.name(name);
        match str::from_utf8(&value).ok().filter(|text| is_plain(text.as_bytes())) {
            Some(plain) => self.quote_in_json(|text| text.push_str(plain)),
            None => self.escape(&value),
        }
    }

    pub(super) fn number(&mut self, name: &'static str, number: u64) {
        self.name(name);
        self.text.push_str(itoa::Buffer::new().format(number));
    }

    /// A duration in milliseconds, with three digits behind the point.
    pub(super) fn milliseconds(&mut self, name: &'static str, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.number(name, microseconds / 1000);
        self.text.push('.');
        // The digit before the thousands keeps the zeros behind it.
        self.text.push_str(&itoa::Buffer::new().format(1000 + microseconds % 1000)[1..]);
    }

    /// The whole line, without its end.
    pub(super) fn finish(mut self) -> String {
        if self.format == LineFormat::Json {
            self.text.push('}');
        }
        self.text
    }

    fn name(&mut self, name: &'static str) {
        let (before, after) = match self.format {
            LineFormat::Text => (" ", "="),
            LineFormat::Json => (",\"", "\":"),
        };
        [before, name, after].into_iter().for_each(|part| self.text.push_str(part));
    }

    fn escape(&mut self, value: &[u8]) {
        match self.format {
            LineFormat::Text => escape_text(&mut self.text, value),
            LineFormat::Json => escape_json(&mut self.text, value),
        }
    }

    fn quote_in_json(&mut self, push: impl FnOnce(&mut String)) {
        let quote = if self.format == LineFormat::Json { "\"" } else { "" };
        self.text.push_str(quote);
        push(&mut self.text);
        self.text.push_str(quote);
    }
}

/// Writes to a string, which cannot fail.
trait PushFmt {
    fn push_fmt(&mut self, arguments: fmt::Arguments<'_>);
}

impl PushFmt for String {
    fn push_fmt(&mut self, arguments: fmt::Arguments<'_>) {
        self.write_fmt(arguments).expect("a string takes any text");
    }
}

/// Whether a value means only itself, in both formats and without quotes.
fn is_plain(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(|byte| matches!(byte, b'!' | b'#'..=b'<' | b'>'..=b'[' | b']'..=b'~'))
}

/// Bytes that are not visible become `\xNN`, as Go and Loki read quoted values.
fn escape_text(text: &mut String, value: &[u8]) {
    text.push('"');
    for byte in value {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_fmt(format_args!("\\x{byte:02x}")),
        }
    }
    text.push('"');
}

/// Characters that are not visible ASCII become `\uNNNN`, and what is not UTF-8 the replacement character.
fn escape_json(text: &mut String, value: &[u8]) {
    text.push('"');
    for unit in String::from_utf8_lossy(value).encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\')) => text.extend(['\\', char::from(byte)]),
            Ok(byte @ b' '..=b'~') => text.push(char::from(byte)),
            _ => text.push_fmt(format_args!("\\u{unit:04x}")),
        }
    }
    text.push('"');
}

/// Most lines have room in it.
const CAPACITY: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(format: LineFormat, fields: impl FnOnce(&mut LogLine)) -> String {
        let mut line = LogLine::begin(format, LogName::Access, SystemTime::UNIX_EPOCH + Duration::from_micros(1_500));
        fields(&mut line);
        line.finish()
    }

    fn value(format: LineFormat, value: &[u8]) -> String {
        let line = line(format, |line| line.bytes("a", value, 40));
        let (start, end) = match format {
            LineFormat::Text => ("time=1970-01-01T00:00:00.001Z log=access a=", ""),
            LineFormat::Json => (r#"{"time":"1970-01-01T00:00:00.001Z","log":"access","a":"#, "}"),
        };
        line.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).expect(&line).to_owned()
    }

    #[test]
    fn a_line_has_its_fields_in_their_order() {
        let fields = |line: &mut LogLine| {
            line.word("word", "one");
            line.display("shown", 7);
            line.words("words", ["one", "two"].into_iter());
            line.number("number", 200);
            line.milliseconds("ms", Duration::from_micros(12_007));
            line.bytes("bytes", b"two", 9);
        };
        let text =
            "time=1970-01-01T00:00:00.001Z log=access word=one shown=7 words=one,two number=200 ms=12.007 bytes=two";
        assert_eq!(line(LineFormat::Text, fields), text);
        let json = r#"{"time":"1970-01-01T00:00:00.001Z","log":"access","word":"one","shown":"7","words":["one","two"],"number":200,"ms":12.007,"bytes":"two"}"#;
        assert_eq!(line(LineFormat::Json, fields), json);
    }

    #[test]
    fn what_could_be_read_as_something_else_is_escaped() {
        for (bytes, text, json) in [
            (&b"/a%20b?c&d#e:[f]"[..], "/a%20b?c&d#e:[f]", r#""/a%20b?c&d#e:[f]""#),
            (b"", r#""""#, r#""""#),
            (b"a b", r#""a b""#, r#""a b""#),
            (b"a=b", r#""a=b""#, r#""a=b""#),
            (b"a\" status=200 b=\"", r#""a\" status=200 b=\"""#, r#""a\" status=200 b=\"""#),
            (b"a\\\"", r#""a\\\"""#, r#""a\\\"""#),
            (b"a\r\nb\0\t", r#""a\x0d\x0ab\x00\x09""#, r#""a\u000d\u000ab\u0000\u0009""#),
            (b"\x1b[2J\x7f", r#""\x1b[2J\x7f""#, r#""\u001b[2J\u007f""#),
            ("\u{9b}31m\u{202e}".as_bytes(), r#""\xc2\x9b31m\xe2\x80\xae""#, r#""\u009b31m\u202e""#),
            ("न".as_bytes(), r#""\xe0\xa4\xa8""#, r#""\u0928""#),
            ("\u{1f600}".as_bytes(), r#""\xf0\x9f\x98\x80""#, r#""\ud83d\ude00""#),
            (b"\xff\xfe", r#""\xff\xfe""#, r#""\ufffd\ufffd""#),
        ] {
            assert_eq!(value(LineFormat::Text, bytes), text, "{bytes:?}");
            assert_eq!(value(LineFormat::Json, bytes), json, "{bytes:?}");
            if let Ok(shown) = str::from_utf8(bytes) {
                for format in [LineFormat::Text, LineFormat::Json] {
                    let [written, displayed] = [
                        line(format, |line| line.bytes("a", bytes, 40)),
                        line(format, |line| line.display("a", shown)),
                    ];
                    assert_eq!(displayed, written);
                }
            }
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(value(LineFormat::Text, &[b'a'; 40]), "a".repeat(40));
        assert_eq!(value(LineFormat::Text, &[b'a'; 41]), format!("{}...", "a".repeat(40)));
        assert_eq!(value(LineFormat::Json, &[0; 10_000]).len(), r#""...""#.len() + 40 * r"\u0000".len());
    }

    proptest! {
        #[test]
        fn a_line_is_visible_ascii_and_json_tells_the_value(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let [text, json] = [LineFormat::Text, LineFormat::Json].map(|format| value(format, &bytes));
            for value in [&text, &json] {
                prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", value);
            }
            let told: String = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(told, String::from_utf8_lossy(&bytes));
            let is_quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
            prop_assert!(is_quoted || !text.contains([' ', '=', '"', '\\']), "{}", text);
        }
    }
}
