//! The shapes that a single value may have, and the pattern of each as a JSON Schema has it.
//!
//! A pattern never excludes a text that the configuration takes. It excludes what can be told from the text alone.

use std::{fmt, time::Duration};

use crate::gateway::config::value::{show_duration, show_size};

/// The shape of a single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// A text that matches a pattern, which is a regular expression of JSON Schema. The words say what it is.
    Pattern { pattern: &'static str, words: &'static str },
    /// A text of digits that has a pattern. YAML takes it for a number if it has no quotes.
    Digits { pattern: &'static str, words: &'static str },
    /// The path of a file or of a folder.
    Path,
    /// One of several words.
    Word(Vec<&'static str>),
    /// `true` or `false`, without quotes.
    Boolean,
    /// A whole number within these limits, without quotes.
    Number { least: u64, most: u64 },
    /// A number from 0 to 1, with or without quotes.
    Fraction,
    /// A number of bytes within these limits, with or without a unit.
    Size { least: usize, most: usize },
    /// A duration within these limits, with its unit; or `0s` too, which stands for no limit.
    Duration { least: Duration, most: Duration, or_none: bool },
}

/// Tells a person what may be written, such as `a duration from 10s to 1h`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text"),
            Self::Pattern { words, .. } | Self::Digits { words, .. } => f.write_str(words),
            Self::Path => f.write_str("a path"),
            Self::Word(words) => match &words[..] {
                [word] => f.write_str(word),
                words => write!(f, "one of {}", words.join(", ")),
            },
            Self::Boolean => f.write_str("true or false"),
            Self::Number { least, most } => write!(f, "a number from {least} to {most}"),
            Self::Fraction => f.write_str("a number from 0 to 1"),
            Self::Size { least, most } => write!(f, "a size from {} to {}", show_size(*least), show_size(*most)),
            Self::Duration { least, most, or_none } => {
                write!(f, "a duration from {} to {}", show_duration(*least), show_duration(*most))?;
                f.write_str(if *or_none { ", or 0s for no limit" } else { "" })
            }
        }
    }
}

impl Shape {
    /// Whether no text of this shape can hold a secret.
    pub(super) fn is_harmless(&self) -> bool {
        match self {
            Self::Path
            | Self::Word(_)
            | Self::Boolean
            | Self::Fraction
            | Self::Number { .. }
            | Self::Size { .. }
            | Self::Duration { .. } => true,
            Self::Text | Self::Pattern { .. } | Self::Digits { .. } => false,
        }
    }

    /// The regular expression of JSON Schema for the texts of this shape; empty if it is any text or none.
    pub(in crate::gateway::config) fn pattern(&self) -> String {
        match self {
            Self::Pattern { pattern, .. } | Self::Digits { pattern, .. } => (*pattern).to_owned(),
            Self::Fraction => FRACTION.to_owned(),
            Self::Size { least, most } => size_pattern(*least, *most),
            Self::Duration { least, most, or_none } => duration_pattern(*least, *most, *or_none),
            Self::Text | Self::Path | Self::Word(_) | Self::Boolean | Self::Number { .. } => String::new(),
        }
    }
}

/// The pattern of a size. Without a unit, it may also be a number.
fn size_pattern(least: usize, most: usize) -> String {
    let units = [("B?", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];
    let forms = units.into_iter().filter_map(|(name, unit)| {
        let numbers = numbers(least.div_ceil(unit) as u64, (most / unit) as u64)?;
        Some(format!("{numbers}{name}"))
    });
    format!("^0*(?:{})$", forms.collect::<Vec<_>>().join("|"))
}

/// The pattern of a duration. It knows the limits of one whole number with a common unit, and takes every sum, every fraction and
/// every rare unit.
fn duration_pattern(least: Duration, most: Duration, or_none: bool) -> String {
    let forms = DURATION_UNITS.into_iter().filter_map(|(names, unit)| {
        let (least, most) = (least.as_nanos().div_ceil(unit), most.as_nanos() / unit);
        let numbers = numbers(u64::try_from(least).ok()?, u64::try_from(most).ok()?)?;
        Some(format!("{numbers}\\s*{names}"))
    });
    let forms = forms.chain((or_none || least.is_zero()).then(|| format!("0\\s*{ANY_UNIT}")));
    let forms = forms.chain([format!("\\d+\\s*{RARE_UNITS}")]);
    format!("^\\s*0*(?:{})\\s*$|\\d[\\sa-zA-Zµ]+\\d|\\.", forms.collect::<Vec<_>>().join("|"))
}

/// A pattern of the whole numbers within these limits, without leading zeros; none if there are none.
fn numbers(least: u64, most: u64) -> Option<String> {
    if least > most {
        return None;
    }
    let mut forms = Vec::new();
    let mut start = least;
    // Each step takes the longest run of numbers that differ in their last digits alone, each of which may be any digit.
    loop {
        let mut span = 1u64;
        while start.is_multiple_of(span * 10) && start > 0 && start.saturating_add(span * 10 - 1) <= most {
            span *= 10;
        }
        let free = span.ilog10() as usize;
        let digit = start / span % 10;
        let last = (9 - digit).min((most - start + 1) / span - 1);
        forms.push(run(start / span / 10, digit, digit + last, free));
        match start.checked_add(span * (last + 1)) {
            Some(next) if next <= most => start = next,
            _ => return Some(format!("(?:{})", forms.join("|"))),
        }
    }
}

/// The numbers that begin with these digits, go on with a digit from `first` to `last`, and end with as many free digits.
fn run(head: u64, first: u64, last: u64, free: usize) -> String {
    let head = if head == 0 { String::new() } else { head.to_string() };
    let digit = if first == last { first.to_string() } else { format!("[{first}-{last}]") };
    let tail = match free {
        0 => String::new(),
        1 => "\\d".to_owned(),
        free => format!("\\d{{{free}}}"),
    };
    format!("{head}{digit}{tail}")
}

const FRACTION: &str = r"^(0*\.\d+|0+\.?|0*1(\.0*)?)$";
const DURATION_UNITS: [(&str, u128); 5] = [
    ("(?:ms|msec|millis)", 1_000_000),
    ("(?:s|secs?|seconds?)", 1_000_000_000),
    ("(?:m|mins?|minutes?)", 60_000_000_000),
    ("(?:h|hrs?|hours?)", 3_600_000_000_000),
    ("(?:d|days?)", 86_400_000_000_000),
];
const RARE_UNITS: &str = "(?:ns|nsec|nanos|us|usec|µs|w|wks?|weeks?|M|months?|y|yrs?|years?)";
/// A zero needs no unit.
const ANY_UNIT: &str = "[a-zA-Zµ]*";

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a number is one of a pattern that [`numbers`] made: digits, ranges of one digit, and free digits.
    fn is_match(pattern: &str, number: u64) -> bool {
        let text = number.to_string();
        let inner = pattern.strip_prefix("(?:").unwrap().strip_suffix(')').unwrap();
        inner.split('|').any(|form| {
            let mut digits = text.chars();
            let mut rest = form;
            while !rest.is_empty() {
                let (set, length) = match rest.as_bytes() {
                    [b'[', first, b'-', last, b']', ..] => (*first..=*last, 5),
                    [b'\\', b'd', ..] => (b'0'..=b'9', 2),
                    [digit, ..] => (*digit..=*digit, 1),
                    [] => unreachable!(),
                };
                rest = &rest[length..];
                let mut times = 1;
                if let Some((count, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                    (times, rest) = (count.parse().unwrap(), after);
                }
                for _ in 0..times {
                    let Some(digit) = digits.next() else { return false };
                    if !set.contains(&(digit as u8)) {
                        return false;
                    }
                }
            }
            digits.next().is_none()
        })
    }

    #[test]
    fn a_pattern_of_numbers_has_these_and_no_others() {
        for (least, most) in [(0, 0), (0, 9), (1, 10), (1, 1024), (7, 7), (10, 10), (17, 203), (99, 1001), (100, 2600)]
        {
            let pattern = numbers(least, most).unwrap();
            for number in 0..3000 {
                let expected = (least..=most).contains(&number);
                assert_eq!(is_match(&pattern, number), expected, "{number} in {pattern}, {least} to {most}");
            }
        }
        assert_eq!(numbers(2, 1), None);
        for (number, expected) in [(9, false), (10, true), (86_399_999, true), (86_400_000, true), (86_400_001, false)]
        {
            assert_eq!(is_match(&numbers(10, 86_400_000).unwrap(), number), expected, "{number}");
        }
    }

    #[test]
    fn a_shape_says_what_may_be_written() {
        let (least, most) = (Duration::from_secs(10), Duration::from_hours(1));
        for (shape, words) in [
            (Shape::Word(vec!["auto", "json"]), "one of auto, json"),
            (Shape::Word(vec!["off"]), "off"),
            (Shape::Number { least: 1, most: 10 }, "a number from 1 to 10"),
            (Shape::Size { least: 1, most: 64 << 10 }, "a size from 1B to 64KiB"),
            (Shape::Duration { least, most, or_none: false }, "a duration from 10s to 1h"),
            (Shape::Duration { least, most: most * 24 * 730, or_none: false }, "a duration from 10s to 730d"),
            (Shape::Duration { least, most, or_none: true }, "a duration from 10s to 1h, or 0s for no limit"),
        ] {
            assert_eq!(shape.to_string(), words);
        }
    }
}
