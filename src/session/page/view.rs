//! What the pages are filled in with.

use serde::Serialize;

use super::{LOGIN, Language, UNAVAILABLE};

/// What the login page shows and hands to its script.
///
/// # Security
///
/// `next` and `fallback` become links and targets of redirects: whoever fills them in has checked them. `next` may be meant
/// for one user, so there is no `Debug`.
#[derive(Clone, Serialize)]
pub struct LoginView<'a> {
    /// The language of the page.
    pub language: Language,
    /// Where truegate's own routes live, such as `/.truegate`.
    pub path: &'a str,
    /// Where a verified user goes on.
    pub next: &'a str,
    /// Where everybody else goes on.
    pub fallback: &'a str,
    /// The name of the site.
    pub partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub style_nonce: &'a str,
}

/// What the page shows that is sent in place of the login page when no login can be started.
#[derive(Debug, Clone, Serialize)]
pub struct UnavailableView<'a> {
    /// The language of the page.
    pub language: Language,
    /// The link to try once more: the login page itself.
    pub again: &'a str,
    /// Where the user can go on without.
    pub fallback: &'a str,
    /// After how many seconds another try makes sense.
    pub retry_after: u64,
    /// The name of the site.
    pub partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub style_nonce: &'a str,
}

/// What fills in one template.
pub(super) trait View: Serialize {
    const TEMPLATE: &'static str;

    fn language(&self) -> Language;
}

impl View for LoginView<'_> {
    const TEMPLATE: &'static str = LOGIN;

    fn language(&self) -> Language {
        self.language
    }
}

impl View for UnavailableView<'_> {
    const TEMPLATE: &'static str = UNAVAILABLE;

    fn language(&self) -> Language {
        self.language
    }
}

impl LoginView<'static> {
    pub(super) fn sample(language: Language) -> Self {
        Self {
            language,
            path: "/.truegate",
            next: "/account?a=b&c=d",
            fallback: "/login",
            partner: "A Shop",
            style_nonce: "c3R5bGU",
        }
    }
}

impl UnavailableView<'static> {
    pub(super) fn sample(language: Language) -> Self {
        Self {
            language,
            again: "/.truegate/login?next=%2Faccount",
            fallback: "/login",
            retry_after: 5,
            partner: "A Shop",
            style_nonce: "c3R5bGU",
        }
    }
}
