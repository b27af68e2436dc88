//! Parsers of single values: durations, sizes, numbers, booleans, addresses, and one of several words.

use std::{fmt, net::SocketAddr, num::NonZero, ops::RangeInclusive, time::Duration};

use super::reader::{Shape, ValueParser};
use crate::callback::ProfileEndpoint;

/// A text for one of the crate's types; the advice is added to what the type says if it refuses the text.
pub(super) fn text<'a, T: 'a, E: fmt::Display>(
    parse: impl Fn(&str) -> Result<T, E> + 'a,
    advice: &'a str,
) -> ValueParser<'a, T> {
    like(Shape::Text, parse, advice)
}

/// The same for a URL.
pub(super) fn url<'a, T: 'a, E: fmt::Display>(
    parse: impl Fn(&str) -> Result<T, E> + 'a,
    advice: &'a str,
) -> ValueParser<'a, T> {
    like(URL, parse, advice)
}

/// The same for the path of a URL, which operators may see unless it is marked as a secret.
pub(super) fn path<'a, T: 'a, E: fmt::Display>(
    parse: impl Fn(&str) -> Result<T, E> + 'a,
    advice: &'a str,
) -> ValueParser<'a, T> {
    like(Shape::Pattern { pattern: "^/", words: "a path that begins with a slash" }, parse, advice).open()
}

fn like<'a, T: 'a, E: fmt::Display>(
    shape: Shape,
    parse: impl Fn(&str) -> Result<T, E> + 'a,
    advice: &'a str,
) -> ValueParser<'a, T> {
    ValueParser::new(shape, move |text| parse(text).map_err(|error| format!("{error} ({advice})")))
}

/// A URL at which Truecaller is asked.
pub(super) fn endpoint() -> ValueParser<'static, ProfileEndpoint> {
    let parse = |text: &str| ProfileEndpoint::parse(text).map_err(|error| format!("not a valid endpoint: {error}"));
    url(parse, "write https://host/path").open()
}

/// A duration with its unit, such as `2500ms`.
pub(super) fn duration(range: RangeInclusive<Duration>) -> ValueParser<'static, Duration> {
    let shape = Shape::Duration { least: *range.start(), most: *range.end(), or_none: false };
    let parser = ValueParser::new(shape, move |text| parse_duration(text, &range, DURATION_FORMS));
    parser.shown(|duration| Some(show_duration(*duration)))
}

/// A limit of time, such as `75s`; `0s` stands for no limit.
pub(super) fn time_limit(range: RangeInclusive<Duration>) -> ValueParser<'static, Option<Duration>> {
    let shape = Shape::Duration { least: *range.start(), most: *range.end(), or_none: true };
    let parser = ValueParser::new(shape, move |text| match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Ok(None),
        _ => parse_duration(text, &range, LIMIT_FORMS).map(Some),
    });
    parser.shown(|limit| Some(show_duration(limit.unwrap_or_default())))
}

fn parse_duration(text: &str, range: &RangeInclusive<Duration>, forms: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| match text.parse::<f64>() {
        Ok(_) => format!("needs a unit ({forms})"),
        Err(_) => format!("not a valid duration ({forms})"),
    })?;
    within(range, duration, show_duration, forms)
}

/// A number of bytes, such as `16KiB`, `1MiB`, `512B` or `512`.
pub(super) fn size(range: RangeInclusive<usize>) -> ValueParser<'static, usize> {
    let parse = |text: &str| {
        let unit_start = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_start);
        let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        number.parse::<usize>().ok()?.checked_mul(unit)
    };
    let shape = Shape::Size { least: *range.start(), most: *range.end() };
    let parser = ValueParser::new(shape, move |text| {
        let bytes = parse(text).ok_or_else(|| format!("not a valid size ({SIZE_FORMS})"))?;
        within(&range, bytes, show_size, SIZE_FORMS)
    });
    parser.shown(|bytes| Some(show_size(*bytes)))
}

/// A plain number that is not zero.
pub(super) fn count(range: RangeInclusive<NonZero<u32>>) -> ValueParser<'static, NonZero<u32>> {
    let shape = Shape::Number { least: range.start().get().into(), most: range.end().get().into() };
    let parser = ValueParser::new(shape, move |text| {
        let advice = "write a whole number without quotes";
        let plain = text.plain().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = plain
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("must be a number from {} to {} ({advice})", range.start(), range.end()))?;
        within(&range, number, |limit| limit.to_string(), advice)
    });
    parser.shown(|number| Some(number.to_string()))
}

/// Only `true` or `false`.
pub(super) fn boolean() -> ValueParser<'static, bool> {
    let parser = ValueParser::new(Shape::Boolean, |text| match text.plain() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(text) if YES.contains(&&*text.to_ascii_lowercase()) => Err("must be true or false (write true)"),
        Some(text) if NO.contains(&&*text.to_ascii_lowercase()) => Err("must be true or false (write false)"),
        _ => Err("must be true or false (write it without quotes)"),
    });
    parser.shown(|is_true| Some(is_true.to_string()))
}

/// An IP address with a port.
pub(super) fn address() -> ValueParser<'static, SocketAddr> {
    let shape = Shape::Pattern { pattern: r"^[\d.]+:\d+$|^\[.*\]:\d+$", words: "an IP address with a port" };
    let parser = ValueParser::new(shape, |text| {
        text.parse::<SocketAddr>()
            .map_err(|_| "not a valid IP address with a port (write 127.0.0.1:8080 or [::1]:8080)")
    });
    parser.shown(|address| Some(address.to_string())).open()
}

/// One of several words.
pub(super) fn choice<'a, T: Clone + PartialEq + 'a>(
    words: impl IntoIterator<Item = (&'static str, T)>,
) -> ValueParser<'a, T> {
    let words: Vec<_> = words.into_iter().collect();
    let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let shown = words.clone();
    let parser = ValueParser::new(Shape::Word(names.clone()), move |text| {
        let found = words.iter().find(|(word, _)| *word == &**text);
        found.map(|(_, value)| value.clone()).ok_or_else(|| unknown_word(names.iter().copied()))
    });
    parser.shown(move |value| shown.iter().find(|(_, known)| known == value).map(|(word, _)| (*word).to_owned()))
}

/// The message for a word that is not known.
pub(super) fn unknown_word(known: impl Iterator<Item = &'static str>) -> String {
    format!("not a known value (write one of {})", known.collect::<Vec<_>>().join(", "))
}

fn within<T: PartialOrd + Copy>(
    range: &RangeInclusive<T>,
    value: T,
    show: impl Fn(T) -> String,
    advice: &str,
) -> Result<T, String> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!("must be from {} to {} ({advice})", show(*range.start()), show(*range.end())))
}

/// A duration in the largest unit of which it is a multiple, such as `2500ms`.
pub(super) fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let (name, unit) = units.into_iter().find(|(_, unit)| milliseconds.is_multiple_of(*unit)).unwrap_or(("ms", 1));
    if milliseconds == 0 { "0s".to_owned() } else { format!("{}{name}", milliseconds / unit) }
}

pub(super) fn show_size(bytes: usize) -> String {
    let divides = |(name, unit): &(&str, usize)| !name.is_empty() && bytes >= *unit && bytes.is_multiple_of(*unit);
    let (name, unit) = UNITS.into_iter().rev().find(divides).unwrap_or(("", 1));
    format!("{}{name}", bytes / unit)
}

const UNITS: [(&str, usize); 4] = [("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];
/// What other formats take for true and for false.
const YES: [&str; 5] = ["true", "yes", "on", "y", "1"];
const NO: [&str; 5] = ["false", "no", "off", "n", "0"];
/// The shape of a URL.
pub(super) const URL: Shape = Shape::Pattern { pattern: "^[A-Za-z][A-Za-z0-9+.-]*:", words: "a URL" };
const DURATION_FORMS: &str = "write 2500ms, 1s or 2m";
const LIMIT_FORMS: &str = "write 2500ms, 1s or 2m, or 0s for no limit";
const SIZE_FORMS: &str = "write 16KiB, 1MiB or a whole number of bytes";

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::gateway::config::reader::Scalar;

    fn plain(text: &str) -> Scalar {
        Scalar { text: Zeroizing::new(text.to_owned()), is_quoted: false, with_comment: None }
    }

    fn quoted(text: &str) -> Scalar {
        Scalar { is_quoted: true, ..plain(text) }
    }

    #[test]
    fn a_duration_has_a_unit_and_a_range() {
        let parse = |text| duration(Duration::from_millis(100)..=Duration::from_mins(1)).parse(&plain(text));
        for (text, milliseconds) in [("100ms", 100), ("2500ms", 2500), ("1s", 1000), ("1m", 60_000), ("1s 5ms", 1005)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(parse("2500").unwrap_err(), "needs a unit (write 2500ms, 1s or 2m)");
        for text in ["", "12:30", "-1s", "1 sack", "s", "99999999999999999999s", "1s2"] {
            assert_eq!(parse(text).unwrap_err(), "not a valid duration (write 2500ms, 1s or 2m)", "{text}");
        }
        for text in ["0", "0s", "99ms", "61s", "1h"] {
            assert_eq!(parse(text).unwrap_err(), "must be from 100ms to 1m (write 2500ms, 1s or 2m)", "{text}");
        }
    }

    #[test]
    fn a_time_limit_is_a_duration_or_none() {
        let parse = |text| time_limit(Duration::from_secs(1)..=Duration::from_mins(1)).parse(&plain(text));
        for (text, limit) in [("0s", None), ("0ms", None), ("1s", Some(1)), ("1m", Some(60))] {
            assert_eq!(parse(text), Ok(limit.map(Duration::from_secs)), "{text}");
        }
        for text in ["", "0s1", "none", "500ms", "61s"] {
            assert!(parse(text).unwrap_err().ends_with("(write 2500ms, 1s or 2m, or 0s for no limit)"), "{text}");
        }
    }

    #[test]
    fn a_size_is_bytes_or_has_a_binary_unit() {
        let parse = |text| size(1..=64 << 10).parse(&plain(text));
        for (text, bytes) in [("1", 1), ("512B", 512), ("16KiB", 16_384), ("65536", 65_536), ("64KiB", 65_536)] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "16KB", "16kib", "16 KiB", "1.5KiB", "-1", "+1", "0x10", "99999999999999999999", "1G"] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, "not a valid size (write 16KiB, 1MiB or a whole number of bytes)", "{text}");
        }
        for text in ["0", "65537", "1MiB"] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, "must be from 1B to 64KiB (write 16KiB, 1MiB or a whole number of bytes)", "{text}");
        }
    }

    #[test]
    fn numbers_and_booleans_are_plain() {
        let ten = NonZero::new(10).unwrap();
        let parse = |text: &Scalar| count(NonZero::<u32>::MIN..=ten).parse(text);
        assert_eq!(parse(&plain("10")), Ok(ten));
        for text in [plain("0"), plain("11"), plain("-1"), plain("+1"), plain("1.0"), plain("one"), quoted("2")] {
            assert!(parse(&text).unwrap_err().starts_with("must be"), "{}", &*text);
        }
        assert_eq!((boolean().parse(&plain("true")), boolean().parse(&plain("false"))), (Ok(true), Ok(false)));
        for text in [plain("yes"), plain("no"), plain("on"), plain("True"), plain("1"), quoted("true")] {
            assert!(boolean().parse(&text).is_err(), "{}", &*text);
        }
        let advice = |text| boolean().parse(&text).unwrap_err();
        assert_eq!(advice(plain("Yes")), "must be true or false (write true)");
        assert_eq!(advice(plain("off")), "must be true or false (write false)");
        assert_eq!(advice(quoted("true")), "must be true or false (write it without quotes)");
    }

    #[test]
    fn an_address_is_an_ip_address_with_a_port() {
        for text in ["127.0.0.1:0", "0.0.0.0:8080", "[::1]:8080"] {
            assert_eq!(address().parse(&quoted(text)).unwrap().to_string(), text);
        }
        for text in ["", "8080", ":8080", "localhost:8080", "127.0.0.1", "::1:8080x", "127.0.0.1:65536", "127.1:80"] {
            assert!(address().parse(&plain(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_word_is_one_of_those_known() {
        let parse = |text| choice([("auto", 1), ("json", 2)]).parse(&plain(text));
        assert_eq!(parse("json"), Ok(2));
        assert_eq!(parse("Json").unwrap_err(), "not a known value (write one of auto, json)");
    }
}
