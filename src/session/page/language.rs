//! The languages of the pages, and their texts.

mod ar;
mod bn;
mod en;
mod hi;
mod kn;
mod ml;
mod mr;
mod pa;
mod sw;
mod ta;
mod te;
mod ur;

use serde::{Serialize, Serializer};

/// A language of the pages. The pages have the same languages as Truecaller's dialog.
#[derive(Clone, Copy)]
pub(crate) struct Language {
    code: &'static str,
    pub(super) texts: &'static Texts,
}

impl Language {
    pub(super) const ALL: [Self; 12] = [
        Self::new("en", &en::TEXTS),
        Self::new("hi", &hi::TEXTS),
        Self::new("mr", &mr::TEXTS),
        Self::new("te", &te::TEXTS),
        Self::new("ml", &ml::TEXTS),
        Self::new("ur", &ur::TEXTS),
        Self::new("pa", &pa::TEXTS),
        Self::new("ta", &ta::TEXTS),
        Self::new("bn", &bn::TEXTS),
        Self::new("kn", &kn::TEXTS),
        Self::new("sw", &sw::TEXTS),
        Self::new("ar", &ar::TEXTS),
    ];

    const fn new(code: &'static str, texts: &'static Texts) -> Self {
        Self { code, texts }
    }

    /// Returns the direction of the language's script, as in HTML's `dir`.
    pub(super) fn direction(self) -> &'static str {
        if ["ur", "ar"].contains(&self.code) { "rtl" } else { "ltr" }
    }

    /// Returns the language that an `Accept-Language` prefers (RFC 9110 §12.5.4). Of equally good languages it is the first
    /// that the header names. Without a match it is English.
    ///
    /// Join several such headers with commas.
    pub(crate) fn negotiate(accept_language: &str) -> Self {
        let ranges: Vec<_> = accept_language.split(',').filter_map(range).collect();
        let position = |tag: &str| {
            ranges.iter().position(|(range, _)| range.split('-').next().unwrap_or(range).eq_ignore_ascii_case(tag))
        };
        let preference = |language: &Self| {
            let position = position(language.code).or_else(|| position("*"))?;
            let quality = ranges[position].1;
            (quality > 0).then_some((u16::MAX - quality, position))
        };
        let accepted = Self::ALL.into_iter().filter(|language| preference(language).is_some());
        accepted.min_by_key(preference).unwrap_or(Self::ALL[0])
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

/// The texts of the pages in one language. `{partner}` in a text stands for the name of the site.
#[derive(Serialize)]
pub(super) struct Texts {
    login_heading: &'static str,
    lead: &'static str,
    button: &'static str,
    again: &'static str,
    anyway: &'static str,
    another_way: &'static str,
    log_in: &'static str,
    start: &'static str,
    no_script: &'static str,
    insecure: &'static str,
    open_secure: &'static str,
    logout_heading: &'static str,
    logout_lead: &'static str,
    log_out: &'static str,
    another_number: &'static str,
    refused_heading: &'static str,
    refused_lead: &'static str,
    ended_heading: &'static str,
    ended_lead: &'static str,
    unavailable_heading: &'static str,
    unavailable_lead: &'static str,
    unreachable_heading: &'static str,
    unreachable_lead: &'static str,
    busy_heading: &'static str,
    busy_lead: &'static str,
    wrong_heading: &'static str,
    wrong_lead: &'static str,
    states: States,
}

/// The text for each state of a login, by the script's name for the state.
#[derive(Serialize)]
struct States {
    pending: &'static str,
    opened: &'static str,
    verified: &'static str,
    refused: &'static str,
    another_number: &'static str,
    failed: &'static str,
    expired: &'static str,
    no_app: &'static str,
    wrong_device: &'static str,
    unavailable: &'static str,
    ready: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::DialogOption;

    #[test]
    fn the_languages_are_those_of_the_dialog() {
        let codes: Vec<_> = Language::ALL.iter().map(|language| language.code).collect();
        assert_eq!(codes, DialogOption::Lang.words());
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
