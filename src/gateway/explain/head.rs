//! The heads of requests and answers, as they were sent.

/// A head that was sent, of which nothing was made yet.
pub(super) struct SentHead {
    /// The status of an answer; none for a request.
    pub(super) status: Option<u16>,
    /// The header lines in their order, without the white space around their values.
    pub(super) fields: Vec<(String, Vec<u8>)>,
    /// How many bytes it has.
    pub(super) length: usize,
}

impl SentHead {
    /// Reads the lines up to the first empty one. Lines may end in LF alone, as people type them.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let (mut status, mut fields, mut length) = (None, Vec::new(), 0);
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            length += line.len();
            let line = line.trim_ascii_end();
            if line.is_empty() && index > 0 {
                break;
            }
            if index == 0 {
                status = line.strip_prefix(b"HTTP/").and_then(|rest| {
                    let digits = rest.split(|byte| *byte == b' ').nth(1)?;
                    str::from_utf8(digits).ok()?.parse().ok()
                });
            } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
                let name = String::from_utf8_lossy(line[..colon].trim_ascii()).into_owned();
                fields.push((name, line[colon + 1..].trim_ascii().to_vec()));
            }
        }
        Self { status, fields, length }
    }

    /// The values of a header, as text.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        fields.filter_map(|(_, value)| str::from_utf8(value).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_the_lines_up_to_an_empty_one_whatever_ends_them() {
        for (text, status, fields, rest) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody: b\r\n", None, &[("Host", "a")][..], 9),
            ("GET / HTTP/1.1\nHost:a \n\nbody", None, &[("Host", "a")], 4),
            ("HTTP/1.1 204 No Content\r\nA: b\r\nA: c\r\n\r\n", Some(204), &[("A", "b"), ("A", "c")], 0),
            ("GET / HTTP/1.1\nHost: a\n", None, &[("Host", "a")], 0),
            ("", None, &[], 0),
        ] {
            let head = SentHead::parse(text.as_bytes());
            let expected: Vec<_> =
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
            assert_eq!((head.status, head.fields, text.len() - head.length), (status, expected, rest), "{text:?}");
        }
    }
}
