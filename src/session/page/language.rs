//! The languages of the pages, and their texts.

use std::{collections::BTreeMap, sync::LazyLock};

use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize, Serializer};

/// A language of the pages. The pages have the same languages as Truecaller's dialog.
pub(crate) struct Language {
    code: &'static str,
    /// The [`Texts`], as templates see them.
    pub(super) texts: Value,
}

/// The texts of a file. `{partner}` in a text stands for the name of the site.
#[derive(Clone, Serialize, Deserialize)]
struct Texts {
    /// The text for each state of a login, by the script's name for the state.
    states: BTreeMap<String, String>,
    #[serde(flatten)]
    pages: BTreeMap<String, String>,
}

/// The languages, English first. A text that a file lacks is in English.
static ALL: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let english = Texts::read(FILES[0].1);
    let language = |(code, file)| {
        let mut texts = english.clone();
        let own = Texts::read(file);
        texts.states.extend(own.states);
        texts.pages.extend(own.pages);
        Language { code, texts: Serde(texts).into() }
    };
    FILES.map(language).into()
});

const FILES: [(&str, &str); 12] = [
    ("en", include_str!("language/en.json")),
    ("hi", include_str!("language/hi.json")),
    ("mr", include_str!("language/mr.json")),
    ("te", include_str!("language/te.json")),
    ("ml", include_str!("language/ml.json")),
    ("ur", include_str!("language/ur.json")),
    ("pa", include_str!("language/pa.json")),
    ("ta", include_str!("language/ta.json")),
    ("bn", include_str!("language/bn.json")),
    ("kn", include_str!("language/kn.json")),
    ("sw", include_str!("language/sw.json")),
    ("ar", include_str!("language/ar.json")),
];

impl Texts {
    fn read(file: &str) -> Self {
        serde_json::from_str(file).expect("a test reads every file")
    }
}

impl Language {
    pub(super) fn all() -> &'static [Self] {
        &ALL
    }

    /// Returns the direction of the language's script, as in HTML's `dir`.
    pub(super) fn direction(&self) -> &'static str {
        if ["ur", "ar"].contains(&self.code) { "rtl" } else { "ltr" }
    }

    /// Returns the language that an `Accept-Language` prefers (RFC 9110 §12.5.4). Of equally good languages it is the first
    /// that the header names. Without a match it is English.
    ///
    /// Join several such headers with commas.
    pub(crate) fn negotiate(accept_language: &str) -> &'static Self {
        let ranges: Vec<_> = accept_language.split(',').filter_map(range).collect();
        let position = |tag: &str| {
            ranges.iter().position(|(range, _)| range.split('-').next().unwrap_or(range).eq_ignore_ascii_case(tag))
        };
        let preference = |language: &&Self| {
            let position = position(language.code).or_else(|| position("*"))?;
            let quality = ranges[position].1;
            (quality > 0).then_some((u16::MAX - quality, position))
        };
        let accepted = ALL.iter().filter(|language| preference(language).is_some());
        accepted.min_by_key(preference).unwrap_or(&ALL[0])
    }
}

impl Serialize for Language {
    /// Writes the ISO 639-1 code.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

/// A language range and its weight in thousandths, if it is a valid one.
fn range(text: &str) -> Option<(&str, u16)> {
    let Some((tag, weight)) = text.split_once(';') else { return Some((text.trim(), 1000)) };
    let weight = weight.trim();
    let weight: f32 = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?.trim().parse().ok()?;
    // The weight is in range, so the cast drops only a fraction.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (0.0..=1.0).contains(&weight).then_some((tag.trim(), (weight * 1000.0) as u16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::DialogOption;

    #[test]
    fn the_languages_are_those_of_the_dialog() {
        assert_eq!(FILES.map(|(code, _)| code), DialogOption::Lang.words());
    }

    #[test]
    fn every_language_has_the_texts_of_english_and_no_others() {
        // The keys, and which texts name the site. A button that can be tapped needs no words about its state.
        let shape = |texts: Texts| {
            let all =
                texts.states.into_iter().map(|(state, text)| (format!("states.{state}"), text)).chain(texts.pages);
            all.map(|(key, text)| (text.contains("{partner}"), text.is_empty(), key)).collect::<Vec<_>>()
        };
        let english = shape(Texts::read(FILES[0].1));
        let empty: Vec<_> = english.iter().filter(|(_, is_empty, _)| *is_empty).map(|(_, _, key)| key).collect();
        assert_eq!(empty, ["states.ready"]);
        for (code, file) in FILES {
            assert_eq!(shape(Texts::read(file)), english, "{code}");
        }
    }

    #[test]
    fn the_language_is_the_one_that_the_header_prefers() {
        for (header, language) in [
            ("", "en"),
            ("hi", "hi"),
            ("HI-in", "hi"),
            ("hi-IN,hi;q=0.9,en-US;q=0.8,en;q=0.7", "hi"),
            ("en-US,en;q=0.9,hi;q=0.8", "en"),
            ("en;q=0.2, hi;q=0.3", "hi"),
            ("en ; q=0.2 , hi ; Q=0.21", "hi"),
            ("hi,en", "hi"),
            ("en,hi", "en"),
            ("*", "en"),
            ("hi;q=0.5,*;q=0.6", "en"),
            ("en;q=0,*", "hi"),
            ("hi;q=0,en;q=0", "en"),
            ("mr,ta", "mr"),
            ("ta-IN,mr;q=0.9", "ta"),
            ("ur-PK,en;q=0.5", "ur"),
            ("ar-EG,ar;q=0.9,en;q=0.8", "ar"),
            ("sw-KE", "sw"),
            ("de,fr;q=0.9", "en"),
            ("de,hi;q=0.1", "hi"),
            ("hil", "en"),
            ("hi;q=2,en;q=0.1", "en"),
            ("hi;q=NaN,hi;q=,hi;level=1", "en"),
            (",;,;q=1,\u{0}", "en"),
        ] {
            assert_eq!(Language::negotiate(header).code, language, "{header:?}");
        }
    }
}
