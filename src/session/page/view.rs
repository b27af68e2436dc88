//! The values for the pages.

use serde::Serialize;

use super::Language;
use crate::closed_list::closed_list;

/// A page for one request.
///
/// # Security
///
/// `next`, `fallback`, `again` and `link` become links and targets of redirects, so the caller must have checked them. The type
/// has no `Debug`, because a page may show a part of a phone number, and `next` may be private to one user.
#[derive(Clone, Serialize)]
pub(crate) struct View<'a> {
    /// The language of the page.
    pub(crate) language: &'static Language,
    /// The name of the site.
    pub(crate) partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub(crate) style_nonce: &'a str,
    #[serde(flatten)]
    pub(crate) page: Page<'a>,
}

/// One of the pages, with the values that only this page shows.
///
/// A template sees the fields as variables, which the documentation of [`Pages`](super::Pages) lists.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Page<'a> {
    /// The login.
    Login { path: &'a str, next: &'a str, fallback: &'a str, opens_app: bool, secure_url: &'a str },
    /// The answer to a user who is logged in with a number that is not listed.
    Refused { path: &'a str, phone: &'a str, next: &'a str },
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

impl Page<'_> {
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::Login { .. } => "login.html",
            Self::Refused { .. } => "refused.html",
            Self::Unavailable { .. } => "unavailable.html",
            Self::Error { .. } => "error.html",
            Self::Logout { .. } => "logout.html",
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
        let errors = Problem::ALL.iter().map(move |problem| Page::Error { problem: *problem, code: "a-code", link });
        [
            login("/login?next=%2Faccount"),
            login(""),
            Page::Refused {
                path, phone: "+••••••••••99", next: "/.truegate/login?next=%2Faccount"
            },
            Page::Unavailable { again: link, fallback: "", retry_after: 5 },
            Page::Logout { path, next: "", everywhere: false },
        ]
        .into_iter()
        .chain(errors)
        .map(move |page| Self { language, partner: "A Shop", style_nonce: "c3R5bGU", page })
    }
}
