//! What a browser shows of a login: the pages, their script, and what an operator may put in their place.
//!
//! ```
//! use truegate::session::page::{Language, LoginView, Pages};
//!
//! let view = LoginView {
//!     language: Language::negotiate("hi-IN,en;q=0.8"),
//!     path: "/.truegate",
//!     next: "/account",
//!     fallback: "/login?next=%2Faccount",
//!     opens_app: true,
//!     secure_url: "",
//!     partner: "A Shop",
//!     style_nonce: "c3R5bGU",
//! };
//! assert!(Pages::default().login(&view)?.contains("<html lang=\"hi\" dir=\"ltr\">"));
//! # Ok::<_, truegate::session::page::PagesError>(())
//! ```
//!
//! An operator can replace each page by a [minijinja](https://docs.rs/minijinja) template in one file:
//!
//! | file | page | members |
//! |---|---|---|
//! | `login.html` | the button | [`LoginView`] |
//! | `refused.html` | the number is not listed | [`RefusedView`] |
//! | `unavailable.html` | logins cannot be looked up | [`UnavailableView`] |
//! | `error.html` | any other refusal | [`ErrorView`] |
//! | `logout.html` | whether to log out | [`LogoutView`] |
//!
//! Beside its members a template has `text`, our texts in the page's language; `site`, the name of the site for the middle of
//! a text; `direction`, `ltr` or `rtl`; `logo`, the logo as a URL, or nothing; and `style`, our style sheet. All values are
//! escaped for HTML. A template can extend our `frame.html`, which has the blocks `title`, `head` and `main`. The pages are
//! sent with the [policy](csp) that styles need the nonce and scripts come as files of the same origin; so a login page has
//! `<script src="{{ path }}/truegate.js" defer></script>`, a link with `data-truegate-login` as ours has, and an element with
//! `role="status"`.

mod brand;
mod error;
mod language;
mod texts;
mod view;

use std::{fs, io, path::Path};

use minijinja::{
    AutoEscape, Environment, UndefinedBehavior,
    value::{Serde, Value},
};
use serde::Serialize;

pub use self::{
    brand::{Brand, Logo, LogoError},
    error::PagesError,
    language::Language,
    view::{ErrorView, LoginView, LogoutView, Problem, RefusedView, UnavailableView},
};
use self::{texts::Texts, view::View};

/// The pages, ready to be filled in.
#[derive(Debug, Clone)]
pub struct Pages {
    templates: Environment<'static>,
    logo: Option<Value>,
    style: Value,
}

impl Pages {
    /// Our pages, but for those that a folder has: any of the five files.
    ///
    /// # Errors
    ///
    /// When the folder has none of them, a file cannot be read, or a template cannot be filled in with a sample in each
    /// language; the error names file and line.
    pub fn load(folder: &Path) -> Result<Self, PagesError> {
        let mut pages = Self::default();
        let mut found = false;
        for (name, _) in OURS {
            let file = folder.join(name);
            match fs::read_to_string(&file) {
                Ok(source) => pages.replace(name, source).map_err(|error| PagesError::template(&file, &error))?,
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(PagesError::Read { file, cause }),
            }
            found = true;
        }
        found.then_some(pages).ok_or_else(|| PagesError::Empty { folder: folder.to_owned() })
    }

    /// The same pages with the logo and the colour of the site.
    #[must_use]
    pub fn branded(self, brand: &Brand) -> Self {
        let logo = brand.logo.as_ref().map(|logo| Value::from_safe_string(logo.as_str().to_owned()));
        Self { logo, style: Value::from_safe_string(STYLE.to_owned() + &brand.style()), ..self }
    }

    /// Our own pages in place of an operator's, with the same brand.
    pub(crate) fn built_in(&self) -> Self {
        Self { logo: self.logo.clone(), style: self.style.clone(), ..Self::default() }
    }

    /// The page with the button.
    ///
    /// # Errors
    ///
    /// When an operator's template cannot be filled in.
    pub fn login(&self, view: &LoginView<'_>) -> Result<String, PagesError> {
        self.fill_in(view)
    }

    /// The page for a user whose number is not listed.
    ///
    /// # Errors
    ///
    /// When an operator's template cannot be filled in.
    pub fn refused(&self, view: &RefusedView<'_>) -> Result<String, PagesError> {
        self.fill_in(view)
    }

    /// The page that is sent when it cannot be found out who is logged in, or no login can be started.
    ///
    /// # Errors
    ///
    /// When an operator's template cannot be filled in.
    pub fn unavailable(&self, view: &UnavailableView<'_>) -> Result<String, PagesError> {
        self.fill_in(view)
    }

    /// The page that answers any other request that is refused.
    ///
    /// # Errors
    ///
    /// When an operator's template cannot be filled in.
    pub fn error(&self, view: &ErrorView<'_>) -> Result<String, PagesError> {
        self.fill_in(view)
    }

    /// The page that asks whether to log out.
    ///
    /// # Errors
    ///
    /// When an operator's template cannot be filled in.
    pub fn logout(&self, view: &LogoutView<'_>) -> Result<String, PagesError> {
        self.fill_in(view)
    }

    fn fill_in(&self, view: &impl View) -> Result<String, PagesError> {
        self.render(view).map_err(|error| PagesError::in_use(&error))
    }

    fn replace(&mut self, name: &'static str, source: String) -> Result<(), minijinja::Error> {
        self.templates.add_template_owned(name, source)?;
        for &language in Language::ALL {
            self.render(&LoginView::sample(language))?;
            self.render(&LoginView { fallback: "", ..LoginView::sample(language) })?;
            self.render(&RefusedView::sample(language))?;
            self.render(&UnavailableView::sample(language))?;
            for &problem in Problem::ALL {
                self.render(&ErrorView::sample(language, problem))?;
            }
            self.render(&LogoutView::sample(language))?;
        }
        Ok(())
    }

    fn render<V: View>(&self, view: &V) -> Result<String, minijinja::Error> {
        let (language, partner) = (view.language(), view.partner());
        let direction = language.direction();
        let context = Context {
            view,
            direction,
            // The isolates of UAX #9 keep a name of the other direction from moving what stands around it.
            site: if direction == "rtl" { format!("\u{2068}{partner}\u{2069}") } else { partner.to_owned() },
            text: Texts::of(language),
            logo: &self.logo,
            style: &self.style,
        };
        self.templates.get_template(V::TEMPLATE)?.render(Serde(context))
    }
}

impl Default for Pages {
    fn default() -> Self {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in OURS.into_iter().chain([("frame.html", include_str!("frame.html"))]) {
            templates.add_template(name, source).expect("a test fills in our own templates");
        }
        Self { templates, logo: None, style: Value::from_safe_string(STYLE.to_owned()) }
    }
}

/// The policy that the pages are sent with, as the value of `Content-Security-Policy`.
pub fn csp(style_nonce: &str) -> String {
    csp_of_form(style_nonce, "")
}

/// The same for a page whose form leads to another origin in the end: browsers hold the whole way against the policy.
pub(crate) fn csp_of_form(style_nonce: &str, origin: &str) -> String {
    let form_action = format!("'self' {origin}");
    format!(
        "default-src 'none'; script-src 'self'; style-src 'nonce-{style_nonce}'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action {}; frame-ancestors 'none'",
        form_action.trim_end()
    )
}

/// The script of the login page, and of any page of the site that wants the button inside.
///
/// It speaks to `login` and `status` beside itself, so it is served from the folder of these.
pub const SCRIPT: &str = include_str!("truegate.js");

/// What a template is filled in with.
#[derive(Serialize)]
struct Context<'a, V> {
    #[serde(flatten)]
    view: &'a V,
    direction: &'static str,
    /// The name of the site, for the middle of a text.
    site: String,
    text: &'static Texts,
    logo: &'a Option<Value>,
    style: &'a Value,
}

const LOGIN: &str = "login.html";
const REFUSED: &str = "refused.html";
const UNAVAILABLE: &str = "unavailable.html";
const ERROR: &str = "error.html";
const LOGOUT: &str = "logout.html";
/// The pages that an operator can replace, with ours.
const OURS: [(&str, &str); 5] = [
    (LOGIN, include_str!("login.html")),
    (REFUSED, include_str!("refused.html")),
    (UNAVAILABLE, include_str!("unavailable.html")),
    (ERROR, include_str!("error.html")),
    (LOGOUT, include_str!("logout.html")),
];
const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests;
