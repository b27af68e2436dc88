//! What the pages are filled in with.

use serde::Serialize;

use super::{ERROR, LOGIN, LOGOUT, Language, REFUSED, UNAVAILABLE};
use crate::closed_list::closed_list;

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
    /// Where a user goes on who does not log in here, with `next` passed on; empty where there is no such page.
    pub fallback: &'a str,
    /// Whether the login opens Truecaller's app, as Android alone can, and not a page that plays it.
    pub opens_app: bool,
    /// The same page over https, if the browser seems to have come over http to an https site, where it drops every cookie;
    /// empty otherwise.
    pub secure_url: &'a str,
    /// The name of the site.
    pub partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub style_nonce: &'a str,
}

/// What the page shows that a user gets who is logged in with a number that is not listed.
///
/// # Security
///
/// It shows no more of the number than whoever fills it in gives it, and has no `Debug`, as [`LoginView`].
#[derive(Clone, Serialize)]
pub struct RefusedView<'a> {
    /// The language of the page.
    pub language: Language,
    /// Where truegate's own routes live.
    pub path: &'a str,
    /// The number, with all but its last digits hidden.
    pub phone: &'a str,
    /// Where a user goes on who logs out here: to the login, and from there to the same page.
    pub next: &'a str,
    /// The name of the site.
    pub partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub style_nonce: &'a str,
}

/// What the page shows that is sent when it cannot be found out who is logged in, or no login can be started.
#[derive(Clone, Serialize)]
pub struct UnavailableView<'a> {
    /// The language of the page.
    pub language: Language,
    /// The link to try once more: the same page.
    pub again: &'a str,
    /// As in [`LoginView`]; empty where there is no such page.
    pub fallback: &'a str,
    /// After how many seconds another try makes sense.
    pub retry_after: u64,
    /// The name of the site.
    pub partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub style_nonce: &'a str,
}

/// What the page shows that answers any other request that is refused.
#[derive(Clone, Serialize)]
pub struct ErrorView<'a> {
    /// The language of the page.
    pub language: Language,
    /// What happened. The texts for it are `text[problem ~ "_heading"]` and `text[problem ~ "_lead"]`.
    pub problem: Problem,
    /// The stable code of the refusal, as scripts get it.
    pub code: &'a str,
    /// Where the user can go on.
    pub link: &'a str,
    /// The name of the site.
    pub partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub style_nonce: &'a str,
}

closed_list! {
    /// What happened to a request, as far as it matters to a person.
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Problem {
        /// A form was sent after the session had ended. The link leads to the login.
        Ended,
        /// The app does not answer. The link leads to the same page.
        Unreachable,
        /// There were too many requests. The link leads to the same page.
        Busy,
        /// Nobody could answer such a request. The link leads to the start.
        Wrong,
    }
}

/// What the page shows that asks whether to log out.
#[derive(Clone, Serialize)]
pub struct LogoutView<'a> {
    /// The language of the page.
    pub language: Language,
    /// Where truegate's own routes live.
    pub path: &'a str,
    /// Where the user goes on afterwards; empty for the usual place.
    pub next: &'a str,
    /// Whether all of the user's sessions are to end.
    pub everywhere: bool,
    /// The name of the site.
    pub partner: &'a str,
    /// The nonce of the page's [policy](super::csp).
    pub style_nonce: &'a str,
}

/// What fills in one template.
pub(super) trait View: Serialize {
    const TEMPLATE: &'static str;

    fn language(&self) -> Language;

    fn partner(&self) -> &str;
}

macro_rules! views {
    ($($view:ident: $template:ident),*) => {$(
        impl View for $view<'_> {
            const TEMPLATE: &'static str = $template;

            fn language(&self) -> Language {
                self.language
            }

            fn partner(&self) -> &str {
                self.partner
            }
        }
    )*};
}

views! { LoginView: LOGIN, RefusedView: REFUSED, UnavailableView: UNAVAILABLE, ErrorView: ERROR, LogoutView: LOGOUT }

impl LoginView<'static> {
    pub(super) fn sample(language: Language) -> Self {
        Self {
            language,
            path: "/.truegate",
            next: "/account?a=b&c=d",
            fallback: "/login?next=%2Faccount",
            opens_app: true,
            secure_url: "https://shop.example/.truegate/login",
            partner: "A Shop",
            style_nonce: "c3R5bGU",
        }
    }
}

impl RefusedView<'static> {
    pub(super) fn sample(language: Language) -> Self {
        Self {
            language,
            path: "/.truegate",
            phone: "+••••••••••99",
            next: "/.truegate/login?next=%2Faccount",
            partner: "A Shop",
            style_nonce: "c3R5bGU",
        }
    }
}

impl UnavailableView<'static> {
    pub(super) fn sample(language: Language) -> Self {
        Self { language, again: "/account", fallback: "", retry_after: 5, partner: "A Shop", style_nonce: "c3R5bGU" }
    }
}

impl ErrorView<'static> {
    pub(super) fn sample(language: Language, problem: Problem) -> Self {
        Self { language, problem, code: "a-code", link: "/account", partner: "A Shop", style_nonce: "c3R5bGU" }
    }
}

impl LogoutView<'static> {
    pub(super) fn sample(language: Language) -> Self {
        Self { language, path: "/.truegate", next: "", everywhere: false, partner: "A Shop", style_nonce: "c3R5bGU" }
    }
}
