//! The values for the pages.

use minijinja::value::Value;
use serde::Serialize;

use super::Language;
use crate::closed_list::closed_list;

/// A page for one request. Its fields are the variables of the templates, which the documentation of [`Pages`](super::Pages) lists.
///
/// # Security
///
/// `next`, `fallback`, `again` and `link` become links and targets of redirects, so the caller must have checked them. The type
/// has no `Debug`, because a page may show a part of a phone number, and `next` may be private to one user.
#[derive(Serialize)]
pub(crate) struct View<'a> {
    language: &'static Language,
    direction: &'static str,
    text: &'static Value,
    partner: &'a str,
    site: String,
    style_nonce: &'a str,
    #[serde(flatten)]
    page: Page<'a>,
}

/// One of the pages, with the values that only this page shows.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Page<'a> {
    /// The login.
    Login { path: &'a str, next: &'a str, fallback: &'a str, opens_app: bool, secure_url: &'a str },
    /// The answer to a user who is logged in and not allowed.
    Refused { path: &'a str, reason: RefusalReason, phone: &'a str, next: &'a str },
    /// The answer while truegate cannot look up or start logins.
    Unavailable { again: &'a str, fallback: &'a str, retry_after: u64 },
    /// The answer to any other request that is refused.
    Error { problem: Problem, code: &'a str, link: &'a str },
    /// The question whether to log out.
    Logout { path: &'a str, next: &'a str, everywhere: bool },
}

closed_list! {
    /// The reason of a refusal, as a person sees it.
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    pub(crate) enum Problem {
        /// A form was sent after the session had ended. The link leads to the login.
        Ended,
        /// The app does not answer. The link leads to the same page.
        Unreachable,
        /// There were too many requests. The link leads to the same page.
        Busy,
        /// The request cannot be answered. The link leads to the start page.
        Wrong,
    }
}

closed_list! {
    /// The reason why a user who is logged in is not allowed.
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    pub(crate) enum RefusalReason {
        /// The number is not listed.
        Number,
        /// The number must have been verified by another method.
        Method,
    }
}

impl<'a> View<'a> {
    /// Takes the name of the site, and the nonce of the page's [policy](super::csp).
    pub(crate) fn new(language: &'static Language, partner: &'a str, style_nonce: &'a str, page: Page<'a>) -> Self {
        let direction = language.direction();
        // The isolates of UAX #9 keep a name of the other direction from moving the text around it.
        let site = if direction == "rtl" { format!("\u{2068}{partner}\u{2069}") } else { partner.to_owned() };
        Self { language, direction, text: &language.texts, partner, site, style_nonce, page }
    }

    /// Returns the name of the page's template.
    pub(super) fn template(&self) -> &'static str {
        match self.page {
            Page::Login { .. } => "login.html",
            Page::Refused { .. } => "refused.html",
            Page::Unavailable { .. } => "unavailable.html",
            Page::Error { .. } => "error.html",
            Page::Logout { .. } => "logout.html",
        }
    }
}

impl View<'static> {
    /// Returns samples of every page, to check templates with.
    pub(super) fn samples(language: &'static Language) -> impl Iterator<Item = Self> {
        let (path, next, link) = ("/.truegate", "/account?a=b&c=d", "/account");
        let login = |fallback| Page::Login {
            path,
            next,
            fallback,
            opens_app: true,
            secure_url: "https://shop.example/.truegate/login",
        };
        let refused = RefusalReason::ALL.iter().map(move |reason| Page::Refused {
            path,
            reason: *reason,
            phone: "+••••••••••99",
            next: "/.truegate/login?next=%2Faccount",
        });
        let errors = Problem::ALL.iter().map(move |problem| Page::Error { problem: *problem, code: "a-code", link });
        [
            login("/login?next=%2Faccount"),
            login(""),
            Page::Unavailable { again: link, fallback: "", retry_after: 5 },
            Page::Logout { path, next: "", everywhere: false },
        ]
        .into_iter()
        .chain(refused)
        .chain(errors)
        .map(move |page| Self::new(language, "A Shop", "c3R5bGU", page))
    }
}
