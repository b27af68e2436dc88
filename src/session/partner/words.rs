//! The words that Truecaller's app knows.

use std::str::FromStr;

use super::PartnerError;

/// Makes a type of the words that the app knows for one parameter.
macro_rules! words {
    ($(#[$docs:meta])* $name:ident, $what:literal, [$($word:literal)*]) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(&'static str);

        impl $name {
            /// Every word, as it is written in the link.
            pub const ALL: &[&str] = &[$($word),*];

            /// The word, as it is written in the link.
            pub fn as_str(&self) -> &'static str {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = PartnerError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().find(|word| **word == text);
                known.map(|word| Self(word)).ok_or(PartnerError::Word { what: $what, known: Self::ALL })
            }
        }
    };
}

words! {
    /// A language of the dialog, by its ISO 639-1 code.
    Lang, "language", ["en" "hi" "mr" "te" "ml" "ur" "pa" "ta" "bn" "kn" "sw" "ar"]
}

words! {
    /// What the dialog's title begins with.
    LoginPrefix, "login prefix", [
        "getstarted" "continue" "placeorder" "completepurchase" "checkout" "completebooking" "proceedwithbooking"
        "continuewith" "getdetails" "viewmore" "continuereading" "proceed"
    ]
}

words! {
    /// What the dialog's button says before the number.
    CtaPrefix, "button prefix", ["use" "continuewith" "proceedwith"]
}

words! {
    /// The shape of the dialog's button.
    ButtonShape, "button shape", ["round" "rect"]
}

words! {
    /// What the dialog offers to who does not want to go on.
    SkipOption, "skip option", ["useanothernum" "useanothermethod" "manualdetails" "later" "skip"]
}

impl Default for Lang {
    /// English.
    fn default() -> Self {
        Self("en")
    }
}

/// What the dialog's title ends with: one word of lower-case letters.
///
/// No whole list of them is documented, so any such word is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSuffix(Box<str>);

impl LoginSuffix {
    /// The word, as it is written in the link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LoginSuffix {
    type Err = PartnerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase());
        is_word.then(|| Self(text.into())).ok_or(PartnerError::LoginSuffix)
    }
}
