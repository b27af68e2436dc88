//! The partner: how a site presents itself in Truecaller's dialog.
//!
//! ```
//! use truegate::session::{DialogOption, Partner};
//!
//! let partner = Partner::new("a-key", "A Shop")?
//!     .option(DialogOption::Lang, "hi")?
//!     .option(DialogOption::CtaColor, "#0087ff")?;
//! # drop(partner);
//! # Ok::<_, truegate::session::PartnerError>(())
//! ```

use std::{collections::BTreeMap, str::FromStr};

use url::{ParseError, Url};

use crate::closed_list::closed_list;

/// The key and the name of a site at Truecaller, and the look of Truecaller's dialog. All of these values are public.
///
/// Truecaller's app decides about every option that is not set, except for the language, which defaults to English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    key: Box<str>,
    name: Box<str>,
    options: BTreeMap<DialogOption, Box<str>>,
}

closed_list! {
    /// A part of the dialog that a site may choose. Its code is its key in a configuration.
    #[derive(PartialOrd, Ord)]
    pub enum DialogOption {
        /// The language, by its ISO 639-1 code: `en`, `hi`, `mr`, `te`, `ml`, `ur`, `pa`, `ta`, `bn`, `kn`, `sw` or
        /// `ar`. Defaults to `en`.
        Lang = "lang",
        /// The start of the title: `getstarted`, `continue`, `placeorder`, `completepurchase`, `checkout`,
        /// `completebooking`, `proceedwithbooking`, `continuewith`, `getdetails`, `viewmore`, `continuereading` or
        /// `proceed`.
        LoginPrefix = "login_prefix",
        /// The end of the title: a word of lower-case letters. Truecaller documents no complete list, so any such word is accepted.
        LoginSuffix = "login_suffix",
        /// The text of the button, before the number: `use`, `continuewith` or `proceedwith`.
        CtaPrefix = "cta_prefix",
        /// The colour of the button: `#rrggbb`.
        CtaColor = "cta_color",
        /// The colour of the button's text: `#rrggbb`.
        CtaTextColor = "cta_text_color",
        /// The shape of the button: `round` or `rect`.
        BtnShape = "btn_shape",
        /// The offer to a user who does not agree: `useanothernum`, `useanothermethod`, `manualdetails`, `later` or
        /// `skip`.
        SkipOption = "skip_option",
        /// The page with the site's privacy policy: an `http://` or `https://` URL without a user.
        PrivacyUrl = "privacy_url",
        /// The page with the site's terms: an `http://` or `https://` URL without a user.
        TermsUrl = "terms_url",
    }
}

/// The form that the value of an option has.
enum Form {
    Word(&'static [&'static str]),
    LowerCase,
    Color,
    Page,
}

/// A colour: `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Color(Box<str>);

/// The reason why a part of a partner was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartnerError {
    /// The key is blank or holds a control character.
    #[error("the partner's key is blank or holds a control character")]
    Key,
    /// The name is blank or holds a control character.
    #[error("the partner's name is blank or holds a control character")]
    Name,
    /// The app does not know the word.
    #[error("not a word that Truecaller's app knows here; it knows {}", known.join(", "))]
    Word {
        /// The words that the app knows.
        known: &'static [&'static str],
    },
    /// The text is not a word of 1 to 32 lower-case letters.
    #[error("not a word of 1 to 32 lower-case letters")]
    LowerCase,
    /// The text is not a colour.
    #[error("not a colour, which is written #rrggbb")]
    Color,
    /// The text is not a URL.
    #[error("not a URL")]
    Url(#[source] ParseError),
    /// The text is not the URL of a web page.
    #[error("not an http:// or https:// URL without a user")]
    Page,
}

impl Partner {
    /// Takes a site by its key and its name, as Truecaller's portal has them.
    ///
    /// # Errors
    ///
    /// When one of them is blank or holds a control character.
    pub fn new(key: &str, name: &str) -> Result<Self, PartnerError> {
        let text = |text: &str| (!text.trim().is_empty() && !text.contains(char::is_control)).then(|| text.into());
        Ok(Self {
            key: text(key).ok_or(PartnerError::Key)?,
            name: text(name).ok_or(PartnerError::Name)?,
            options: BTreeMap::from([(DialogOption::Lang, "en".into())]),
        })
    }

    /// The name, which users see.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Sets an option of the dialog.
    ///
    /// # Errors
    ///
    /// When the text does not have the form that the option needs.
    pub fn option(mut self, option: DialogOption, text: &str) -> Result<Self, PartnerError> {
        self.options.insert(option, option.check(text)?.into());
        Ok(self)
    }

    /// The colour of the dialog's button, if it is set.
    pub(crate) fn button_color(&self) -> Option<Color> {
        self.options.get(&DialogOption::CtaColor)?.parse().ok()
    }

    /// The parameters of the deep link that are the same for every login, in the documented order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let options = self.options.iter().map(|(option, text)| (option.row().0, &**text));
        [("partnerKey", &*self.key), ("partnerName", &*self.name)].into_iter().chain(options)
    }
}

impl DialogOption {
    /// The words that Truecaller's app knows for the option; empty if its value is not one of a list.
    #[cfg(any(test, feature = "gateway"))]
    pub(crate) fn words(self) -> &'static [&'static str] {
        if let (_, Form::Word(known)) = self.row() { known } else { &[] }
    }

    /// The name in a link, and the form of the value.
    fn row(self) -> (&'static str, Form) {
        match self {
            Self::Lang => ("lang", Form::Word(LANGUAGES)),
            Self::LoginPrefix => ("loginPrefix", Form::Word(LOGIN_PREFIXES)),
            Self::LoginSuffix => ("loginSuffix", Form::LowerCase),
            Self::CtaPrefix => ("ctaPrefix", Form::Word(&["use", "continuewith", "proceedwith"])),
            Self::CtaColor => ("ctaColor", Form::Color),
            Self::CtaTextColor => ("ctaTextColor", Form::Color),
            Self::BtnShape => ("btnShape", Form::Word(&["round", "rect"])),
            Self::SkipOption => ("skipOption", Form::Word(SKIP_OPTIONS)),
            Self::PrivacyUrl => ("privacyUrl", Form::Page),
            Self::TermsUrl => ("termsUrl", Form::Page),
        }
    }

    /// Returns the text as the link has it.
    fn check(self, text: &str) -> Result<String, PartnerError> {
        let error = match self.row().1 {
            Form::Word(known) if known.contains(&text) => return Ok(text.to_owned()),
            Form::Word(known) => PartnerError::Word { known },
            Form::LowerCase if is_lower_case(text) => return Ok(text.to_owned()),
            Form::LowerCase => PartnerError::LowerCase,
            Form::Color => return text.parse::<Color>().map(|_| text.to_owned()),
            Form::Page => match Url::parse(text) {
                Ok(url) if is_page(&url) => return Ok(url.into()),
                Ok(_) => PartnerError::Page,
                Err(error) => PartnerError::Url(error),
            },
        };
        Err(error)
    }
}

impl Color {
    /// The colour as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Black or white, whichever has more contrast with the colour; it is 4.5 to 1 at least (WCAG 2.1, 1.4.3).
    pub(crate) fn text(&self) -> &'static str {
        if self.luminance() > MIDDLE { "#000000" } else { "#ffffff" }
    }

    /// The relative luminance (WCAG 2.1), from 0 to 1.
    fn luminance(&self) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&self.0[at..at + 2], 16).expect("two hexadecimal digits");
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }
}

impl FromStr for Color {
    type Err = PartnerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').ok_or(PartnerError::Color)?;
        let is_color = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_color.then(|| Self(text.into())).ok_or(PartnerError::Color)
    }
}

fn is_lower_case(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_page(url: &Url) -> bool {
    ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.password().is_none()
}

const LANGUAGES: &[&str] = &["en", "hi", "mr", "te", "ml", "ur", "pa", "ta", "bn", "kn", "sw", "ar"];
const LOGIN_PREFIXES: &[&str] = &[
    "getstarted", "continue", "placeorder", "completepurchase", "checkout", "completebooking", "proceedwithbooking",
    "continuewith", "getdetails", "viewmore", "continuereading", "proceed",
];
const SKIP_OPTIONS: &[&str] = &["useanothernum", "useanothermethod", "manualdetails", "later", "skip"];

/// The luminance that has the same contrast with black and with white: (1 + 0.05) / (L + 0.05) = (L + 0.05) / 0.05.
const MIDDLE: f64 = 0.179_128_784_747_792;

#[cfg(test)]
mod tests;
