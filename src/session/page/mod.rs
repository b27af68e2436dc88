//! What a browser shows of a login: the pages, their script, and what an operator may put in their place.
//!
//! ```
//! use truegate::session::page::{Language, LoginView, Pages};
//!
//! let view = LoginView {
//!     language: Language::negotiate("hi-IN,en;q=0.8"),
//!     path: "/.truegate",
//!     next: "/account",
//!     fallback: "/login",
//!     partner: "A Shop",
//!     style_nonce: "c3R5bGU",
//! };
//! assert!(Pages::default().login(&view)?.contains("<html lang=\"hi\">"));
//! # Ok::<_, truegate::session::page::PagesError>(())
//! ```
//!
//! A page of an operator's own is a [minijinja](https://docs.rs/minijinja) template, `login.html` or
//! `unavailable.html`, in one file. It has the members of [`LoginView`] or [`UnavailableView`], and beside them `text`,
//! our words in the page's language, and `style`, our style sheet. All values are escaped for HTML. The pages are sent
//! with the [policy](csp) that styles need the nonce and scripts come as files of the same origin; so a login page
//! has `<script src="{{ path }}/truegate.js" defer></script>` and a link with `data-truegate-login`, as ours has.

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
    error::PagesError,
    language::Language,
    view::{LoginView, UnavailableView},
};
use self::{texts::Texts, view::View};

/// The pages, ready to be filled in.
#[derive(Debug, Clone)]
pub struct Pages {
    templates: Environment<'static>,
}

impl Pages {
    /// Our pages, but for those that a folder has: `login.html`, `unavailable.html` or both.
    ///
    /// # Errors
    ///
    /// When the folder has neither, a file cannot be read, or a template cannot be filled in with a sample in each
    /// language; the error names file and line.
    pub fn load(folder: &Path) -> Result<Self, PagesError> {
        let mut pages = Self::default();
        let mut found = false;
        for name in [LOGIN, UNAVAILABLE] {
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

    /// The page with the button.
    ///
    /// # Errors
    ///
    /// When an operator's template cannot be filled in.
    pub fn login(&self, view: &LoginView<'_>) -> Result<String, PagesError> {
        self.render(view).map_err(|error| PagesError::in_use(&error))
    }

    /// The page that is sent with 503, when no login can be started.
    ///
    /// # Errors
    ///
    /// When an operator's template cannot be filled in.
    pub fn unavailable(&self, view: &UnavailableView<'_>) -> Result<String, PagesError> {
        self.render(view).map_err(|error| PagesError::in_use(&error))
    }

    fn replace(&mut self, name: &'static str, source: String) -> Result<(), minijinja::Error> {
        self.templates.add_template_owned(name, source)?;
        for language in Language::ALL {
            self.render(&LoginView::sample(language))?;
            self.render(&UnavailableView::sample(language))?;
        }
        Ok(())
    }

    fn render<V: View>(&self, view: &V) -> Result<String, minijinja::Error> {
        let context =
            Context { view, text: Texts::of(view.language()), style: Value::from_safe_string(STYLE.to_owned()) };
        self.templates.get_template(V::TEMPLATE)?.render(Serde(context))
    }
}

impl Default for Pages {
    fn default() -> Self {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in [(LOGIN, include_str!("login.html")), (UNAVAILABLE, include_str!("unavailable.html"))] {
            templates.add_template(name, source).expect("a test fills in our own templates");
        }
        Self { templates }
    }
}

/// The policy that the pages are sent with, as the value of `Content-Security-Policy`.
pub fn csp(style_nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'nonce-{style_nonce}'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
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
    text: &'static Texts,
    style: Value,
}

const LOGIN: &str = "login.html";
const UNAVAILABLE: &str = "unavailable.html";
const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests;
