//! The partner: how a site presents itself in Truecaller's dialog.
//!
//! ```
//! use truegate::session::Partner;
//!
//! let partner = Partner::new("a-key", "A Shop")?.lang("hi".parse()?).cta_color("#0087ff".parse()?);
//! assert_eq!(partner.name(), "A Shop");
//! # Ok::<_, truegate::session::PartnerError>(())
//! ```

mod color;
mod page_url;
mod words;

pub use self::{
    color::Color,
    page_url::PageUrl,
    words::{ButtonShape, CtaPrefix, Lang, LoginPrefix, LoginSuffix, SkipOption},
};

/// A site as Truecaller knows it, and the looks of its dialog. All of it is public.
///
/// What is not set is left to the app, but for the language, which is English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    key: Box<str>,
    name: Box<str>,
    lang: Lang,
    login_prefix: Option<LoginPrefix>,
    login_suffix: Option<LoginSuffix>,
    cta_prefix: Option<CtaPrefix>,
    cta_color: Option<Color>,
    cta_text_color: Option<Color>,
    btn_shape: Option<ButtonShape>,
    skip_option: Option<SkipOption>,
    privacy_url: Option<PageUrl>,
    terms_url: Option<PageUrl>,
}

impl Partner {
    /// A site by its key and its name, as Truecaller's portal has them.
    ///
    /// # Errors
    ///
    /// When one of them is blank or holds a control character.
    pub fn new(key: &str, name: &str) -> Result<Self, PartnerError> {
        Ok(Self {
            key: text(key).ok_or(PartnerError::Key)?,
            name: text(name).ok_or(PartnerError::Name)?,
            lang: Lang::default(),
            login_prefix: None,
            login_suffix: None,
            cta_prefix: None,
            cta_color: None,
            cta_text_color: None,
            btn_shape: None,
            skip_option: None,
            privacy_url: None,
            terms_url: None,
        })
    }

    /// The name, which the user sees.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The language of the dialog.
    #[must_use]
    pub fn lang(self, lang: Lang) -> Self {
        Self { lang, ..self }
    }

    /// What the dialog's title begins with.
    #[must_use]
    pub fn login_prefix(self, prefix: LoginPrefix) -> Self {
        Self { login_prefix: Some(prefix), ..self }
    }

    /// What the dialog's title ends with.
    #[must_use]
    pub fn login_suffix(self, suffix: LoginSuffix) -> Self {
        Self { login_suffix: Some(suffix), ..self }
    }

    /// What the dialog's button says before the number.
    #[must_use]
    pub fn cta_prefix(self, prefix: CtaPrefix) -> Self {
        Self { cta_prefix: Some(prefix), ..self }
    }

    /// The colour of the dialog's button.
    #[must_use]
    pub fn cta_color(self, color: Color) -> Self {
        Self { cta_color: Some(color), ..self }
    }

    /// The colour of the dialog's button, if it is set.
    pub(crate) fn button_color(&self) -> Option<&Color> {
        self.cta_color.as_ref()
    }

    /// The colour of the text on the dialog's button.
    #[must_use]
    pub fn cta_text_color(self, color: Color) -> Self {
        Self { cta_text_color: Some(color), ..self }
    }

    /// The shape of the dialog's button.
    #[must_use]
    pub fn btn_shape(self, shape: ButtonShape) -> Self {
        Self { btn_shape: Some(shape), ..self }
    }

    /// What the dialog offers to who does not want to go on.
    #[must_use]
    pub fn skip_option(self, option: SkipOption) -> Self {
        Self { skip_option: Some(option), ..self }
    }

    /// Where the site's privacy policy is.
    #[must_use]
    pub fn privacy_url(self, url: PageUrl) -> Self {
        Self { privacy_url: Some(url), ..self }
    }

    /// Where the site's terms are.
    #[must_use]
    pub fn terms_url(self, url: PageUrl) -> Self {
        Self { terms_url: Some(url), ..self }
    }

    /// The parameters of the deep link that are the same for every login, in the documented order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let optional = [
            ("loginPrefix", self.login_prefix.as_ref().map(LoginPrefix::as_str)),
            ("loginSuffix", self.login_suffix.as_ref().map(LoginSuffix::as_str)),
            ("ctaPrefix", self.cta_prefix.as_ref().map(CtaPrefix::as_str)),
            ("ctaColor", self.cta_color.as_ref().map(Color::as_str)),
            ("ctaTextColor", self.cta_text_color.as_ref().map(Color::as_str)),
            ("btnShape", self.btn_shape.as_ref().map(ButtonShape::as_str)),
            ("skipOption", self.skip_option.as_ref().map(SkipOption::as_str)),
            ("privacyUrl", self.privacy_url.as_ref().map(PageUrl::as_str)),
            ("termsUrl", self.terms_url.as_ref().map(PageUrl::as_str)),
        ];
        [("partnerKey", &*self.key), ("partnerName", &*self.name), ("lang", self.lang.as_str())]
            .into_iter()
            .chain(optional.into_iter().filter_map(|(name, value)| Some((name, value?))))
    }
}

/// Why something about a partner was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartnerError {
    /// The key is blank or holds a control character.
    #[error("the partner's key is blank or holds a control character")]
    Key,
    /// The name is blank or holds a control character.
    #[error("the partner's name is blank or holds a control character")]
    Name,
    /// The app knows no such word there.
    #[error("no such {what}; it is one of {}", known.join(" "))]
    Word {
        /// What the word is for.
        what: &'static str,
        /// The words that the app knows.
        known: &'static [&'static str],
    },
    /// The suffix is no plain word.
    #[error("a login suffix is one word of lower-case letters, such as login, signin or verifymobile")]
    LoginSuffix,
    /// The colour has another form.
    #[error("a colour is written #rrggbb")]
    Color,
    /// The URL is none, or not of a web page.
    #[error("the page is not an http:// or https:// URL without a user")]
    Url,
}

fn text(text: &str) -> Option<Box<str>> {
    (!text.trim().is_empty() && !text.contains(char::is_control)).then(|| text.into())
}

#[cfg(test)]
mod tests;
