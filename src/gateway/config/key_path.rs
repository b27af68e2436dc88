//! The dotted path of a key, as it is shown to the operator.

/// A path such as `listen[1].address`.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyPath(String);

impl KeyPath {
    /// The path of a member of the mapping here.
    ///
    /// A name that is no likely key is shown as `?`: a value that slipped into the place of a key, such as a
    /// callback path, is not repeated.
    pub(super) fn member(&self, name: &str) -> Self {
        let name = if is_showable(name) { name } else { "?" };
        Self(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    /// The path of an element of the list here, counted from 0.
    pub(super) fn element(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_showable(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte == b' ' || (byte.is_ascii_graphic() && !b"/$".contains(&byte)));
    plain && (1..=64).contains(&name.len())
}

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
        ] {
            assert_eq!(KeyPath::default().member("listen").element(1).member(name).as_str(), path);
        }
    }
}
