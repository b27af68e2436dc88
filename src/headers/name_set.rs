//! Sets of header names, each in every spelling that a server could read as that name.

/// Header names and families of names, as [`reads_as`] takes them.
///
/// Most names of a request are told apart from those of a set by their first byte.
#[derive(Debug)]
pub(crate) struct NameSet {
    known: Box<[Box<str>]>,
    /// For each byte, whether some spelling of a name in the set starts with it.
    starts: [bool; 256],
}

impl NameSet {
    /// Whether some server would read a header's name as one of the set.
    #[inline]
    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        let may_be = name.first().is_some_and(|first| self.starts[usize::from(*first)]);
        may_be && self.known.iter().any(|known| reads_as(name, known))
    }

    /// For each byte, whether some spelling of a name in the set starts with it.
    pub(super) fn starts(&self) -> &[bool; 256] {
        &self.starts
    }
}

impl<S: Into<Box<str>>> FromIterator<S> for NameSet {
    fn from_iter<I: IntoIterator<Item = S>>(known: I) -> Self {
        let known: Box<[Box<str>]> = known.into_iter().map(Into::into).collect();
        let mut starts = [false; 256];
        for byte in 0..=u8::MAX {
            let start = char::from(fold_byte(byte));
            starts[usize::from(byte)] = known.iter().any(|known| known.starts_with(start));
        }
        Self { known, starts }
    }
}

/// Whether some server would read a header's name as `known`, which is in lower case and has hyphens only.
///
/// Servers read `X_Truecaller_Phone` or `X.Truecaller.Phone` as one with `X-Truecaller-Phone` (CGI, WSGI, PHP), so every
/// character except letters and digits is read as `-`, and letter case is ignored.
///
/// A `known` that ends in `*`, such as `x-corp-*`, stands for every name with that prefix.
pub(crate) fn reads_as(name: &[u8], known: &str) -> bool {
    match known.strip_suffix('*') {
        Some(start) => starts_folded(name, start),
        None => name.len() == known.len() && starts_folded(name, known),
    }
}

fn starts_folded(name: &[u8], folded: &str) -> bool {
    name.len() >= folded.len() && folded.bytes().zip(name).all(|(ours, byte)| ours == fold_byte(*byte))
}

/// A name as [`reads_as`] compares it.
pub(crate) fn fold(name: &str) -> String {
    name.bytes().map(fold_byte).map(char::from).collect()
}

fn fold_byte(byte: u8) -> u8 {
    FOLDED[usize::from(byte)]
}

/// The bytes as [`reads_as`] compares them.
const FOLDED: [u8; 256] = {
    let mut folded = [b'-'; 256];
    let mut byte = 0;
    while byte < folded.len() {
        if (byte as u8).is_ascii_alphanumeric() {
            folded[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn is_listed(patterns: &[String], name: &[u8]) -> bool {
        let folded: String = name
            .iter()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_ascii_lowercase() } else { '-' })
            .collect();
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => folded.starts_with(start),
            None => folded == *pattern,
        })
    }

    proptest! {
        #[test]
        fn a_name_is_in_a_set_if_a_server_could_read_it_so(
            patterns in vec("[ax1-][ab-]{0,3}[*]?", 0..5),
            names in vec("[aAxX1_.~-][abAB-_.]{0,4}|[ -~]{0,3}", 0..9),
            bytes in vec(any::<u8>(), 0..3),
        ) {
            let set: NameSet = patterns.iter().map(String::as_str).collect();
            for name in names.iter().map(String::as_bytes).chain([&bytes[..]]) {
                prop_assert_eq!(set.contains(name), is_listed(&patterns, name), "{:?}", name);
            }
        }
    }
}
