//! The languages of the pages.

use serde::Serialize;

use crate::closed_list::closed_list;

closed_list! {
    /// A language of the pages: those of Truecaller's dialog. Its word is the ISO 639-1 code.
    #[derive(Default, Serialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Language {
        /// English.
        #[default]
        En = "en",
        /// Hindi.
        Hi = "hi",
        /// Marathi.
        Mr = "mr",
        /// Telugu.
        Te = "te",
        /// Malayalam.
        Ml = "ml",
        /// Urdu.
        Ur = "ur",
        /// Punjabi.
        Pa = "pa",
        /// Tamil.
        Ta = "ta",
        /// Bengali.
        Bn = "bn",
        /// Kannada.
        Kn = "kn",
        /// Swahili.
        Sw = "sw",
        /// Arabic.
        Ar = "ar",
    }
}

impl Language {
    /// The direction of its script, as HTML's `dir` has it.
    pub fn direction(self) -> &'static str {
        match self {
            Self::Ur | Self::Ar => "rtl",
            _ => "ltr",
        }
    }

    /// The language that an `Accept-Language` likes best (RFC 9110 §12.5.4); of equals the one that it names first,
    /// and English if it likes none.
    ///
    /// Several such headers are joined by commas first.
    pub fn negotiate(accept_language: &str) -> Self {
        let ranges: Vec<_> = accept_language.split(',').filter_map(range).collect();
        let liked = Self::ALL.iter().filter_map(|language| Some((*language, wish(&ranges, *language)?)));
        liked
            .min_by_key(|(_, (quality, place))| (u16::MAX - quality, *place))
            .map_or(Self::En, |(language, _)| language)
    }
}

/// How much a language is liked, in thousandths, and the place where that is said; none if it is not.
fn wish(ranges: &[(&str, u16)], language: Language) -> Option<(u16, usize)> {
    let said = |tag: &str| ranges.iter().position(|(range, _)| primary(range).eq_ignore_ascii_case(tag));
    let place = said(language.code()).or_else(|| said("*"))?;
    Some((ranges[place].1, place)).filter(|(quality, _)| *quality > 0)
}

fn primary(range: &str) -> &str {
    range.split('-').next().unwrap_or(range)
}

/// A range and its weight; none if it is no such thing.
fn range(text: &str) -> Option<(&str, u16)> {
    let (tag, weight) = match text.split_once(';') {
        Some((tag, weight)) => (tag, quality(weight.trim())?),
        None => (text, 1000),
    };
    Some((tag.trim(), weight))
}

fn quality(weight: &str) -> Option<u16> {
    let value: f32 = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?.trim().parse().ok()?;
    // In range, so nothing is cut off but a fraction.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (0.0..=1.0).contains(&value).then_some((value * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::DialogOption;

    #[test]
    fn the_languages_are_those_of_the_dialog() {
        let codes: Vec<_> = Language::ALL.iter().map(|language| language.code()).collect();
        assert_eq!(codes, DialogOption::Lang.words());
    }

    #[test]
    fn the_language_is_the_one_that_is_liked_best() {
        for (header, language) in [
            ("", Language::En),
            ("hi", Language::Hi),
            ("HI-in", Language::Hi),
            ("hi-IN,hi;q=0.9,en-US;q=0.8,en;q=0.7", Language::Hi),
            ("en-US,en;q=0.9,hi;q=0.8", Language::En),
            ("en;q=0.2, hi;q=0.3", Language::Hi),
            ("en ; q=0.2 , hi ; Q=0.21", Language::Hi),
            ("hi,en", Language::Hi),
            ("en,hi", Language::En),
            ("*", Language::En),
            ("hi;q=0.5,*;q=0.6", Language::En),
            ("en;q=0,*", Language::Hi),
            ("hi;q=0,en;q=0", Language::En),
            ("mr,ta", Language::Mr),
            ("ta-IN,mr;q=0.9", Language::Ta),
            ("ur-PK,en;q=0.5", Language::Ur),
            ("ar-EG,ar;q=0.9,en;q=0.8", Language::Ar),
            ("sw-KE", Language::Sw),
            ("de,fr;q=0.9", Language::En),
            ("de,hi;q=0.1", Language::Hi),
            ("hil", Language::En),
            ("hi;q=2,en;q=0.1", Language::En),
            ("hi;q=NaN,hi;q=,hi;level=1", Language::En),
            (",;,;q=1,\u{0}", Language::En),
        ] {
            assert_eq!(Language::negotiate(header), language, "{header:?}");
        }
    }
}
