//! The pages that people see during a login, and the templates that can replace them.

mod brand;
mod language;
mod view;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use minijinja::{
    AutoEscape, Environment, UndefinedBehavior,
    value::{Serde, Value},
};

pub use self::brand::{Brand, Logo, LogoError};
pub(crate) use self::{
    language::Language,
    view::{Page, Problem, RefusalReason, View},
};

/// The pages that people see during a login, ready to be filled in.
///
/// There are five pages, in the twelve languages of Truecaller's dialog. You can replace any of them with a
/// [minijinja](https://docs.rs/minijinja) template of your own:
///
/// ```
/// use truegate::session::Pages;
///
/// let folder = tempfile::tempdir()?;
/// let template = "{% extends 'frame.html' %}{% block main %}<h1>Goodbye from {{ site }}</h1>{% endblock %}";
/// std::fs::write(folder.path().join("logout.html"), template)?;
/// let pages = Pages::load(folder.path())?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// | file | page | its variables |
/// |---|---|---|
/// | `login.html` | the login page | `path` `next` `fallback` `opens_app` `secure_url` |
/// | `refused.html` | the user is logged in, and the rule does not allow the number or how it was verified | `path` `reason` `phone` `next` |
/// | `unavailable.html` | truegate cannot look up or start logins now | `again` `fallback` `retry_after` |
/// | `error.html` | any other refusal | `problem` `code` `link` |
/// | `logout.html` | the page that asks whether to log out | `path` `next` `everywhere` |
///
/// | variable | value |
/// |---|---|
/// | `path` | the path of truegate's own routes, such as `/.truegate` |
/// | `next` | the path to go to after the login or the logout; on `refused.html`, whose button logs out, the path of the login |
/// | `fallback` | the URL of the app's other way to log in, with the return path; empty if there is none |
/// | `opens_app` | whether the login opens the Truecaller app; false if it opens a web page, such as the simulator's |
/// | `secure_url` | the URL of the same page over https, if the site uses https and the browser opened the page over http, where it drops the site's cookies; otherwise empty |
/// | `reason` | `number` if the number is not allowed, `method` if it must be verified by another method |
/// | `phone` | the phone number, with all but its last two digits hidden |
/// | `again` | a link to the same page |
/// | `retry_after` | the seconds to wait before another try |
/// | `problem` | `ended`, `unreachable`, `busy` or `wrong`; `text[problem ~ "_heading"]` and `text[problem ~ "_lead"]` explain it |
/// | `code` | the stable code of the refusal, as scripts get it |
/// | `link` | the URL of the page to continue with |
/// | `everywhere` | whether all of the user's sessions end |
///
/// These variables are set on every page:
///
/// | variable | value |
/// |---|---|
/// | `language` | the ISO 639-1 code of the language |
/// | `direction` | the direction of its script, `ltr` or `rtl` |
/// | `text` | truegate's texts in this language, such as `text.button` |
/// | `partner` | the name of the site |
/// | `site` | the name of the site for use inside a text: in a language from right to left, it is isolated from the words around it |
/// | `logo` | the logo as a URL; none if the site has no logo |
/// | `style` | truegate's style sheet |
/// | `style_nonce` | the nonce that a `<style>` element needs |
///
/// All values are escaped for HTML. A template can extend truegate's `frame.html`, which has the blocks `title`, `head` and
/// `main`.
///
/// The content security policy of the pages allows only styles with the nonce and scripts from files of the same origin. So a
/// login page needs `<script src="{{ path }}/truegate.js" defer></script>`, a link with the attributes of truegate's own
/// `login.html`, such as `data-truegate-login`, and an element with `role="status"`.
#[derive(Debug, Clone)]
pub struct Pages(Environment<'static>);

impl Pages {
    /// Loads templates from a folder. It has at least one of the five files; for each missing file, truegate's own page is used.
    ///
    /// # Errors
    ///
    /// When the folder has none of the files, when a file cannot be read, or when a template cannot be filled in with sample
    /// values in each language. The error names the file and the line.
    pub fn load(folder: &Path) -> Result<Self, PagesError> {
        let mut pages = Self::default();
        let mut is_empty = true;
        for (name, _) in BUILT_IN {
            let file = folder.join(name);
            match fs::read_to_string(&file) {
                Ok(template) => pages.replace(name, template).map_err(|error| PagesError::template(file, &error))?,
                Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(PagesError::Read { file, source }),
            }
            is_empty = false;
        }
        if is_empty { Err(PagesError::Empty { folder: folder.to_owned() }) } else { Ok(pages) }
    }

    /// Sets the logo and the colour of the site.
    pub(crate) fn branded(mut self, brand: &Brand) -> Self {
        let logo = brand.logo.as_ref().map(|logo| Value::from_safe_string(logo.as_str().to_owned()));
        self.0.add_global("logo", logo);
        self.0.add_global("style", Value::from_safe_string(STYLE.to_owned() + &brand.style()));
        self
    }

    /// Fills in a page. If an operator's template fails now, although it did not fail when it was loaded, this fills in
    /// truegate's own page instead.
    pub(crate) fn render(&self, view: &View<'_>) -> String {
        let built_in = || {
            let mut pages = Self::default();
            self.0.globals().for_each(|(name, value)| pages.0.add_global(name.to_owned(), value));
            pages.fill_in(view)
        };
        self.fill_in(view).or_else(|_| built_in()).expect("truegate's own pages can be filled in with any values")
    }

    fn replace(&mut self, name: &'static str, template: String) -> Result<(), minijinja::Error> {
        self.0.add_template_owned(name, template)?;
        Language::all().iter().flat_map(View::samples).try_for_each(|view| self.fill_in(&view).map(drop))
    }

    fn fill_in(&self, view: &View<'_>) -> Result<String, minijinja::Error> {
        self.0.get_template(view.template())?.render(Serde(view))
    }
}

impl Default for Pages {
    /// Returns truegate's own pages.
    fn default() -> Self {
        Language::all(); // Reads the texts now, and not for the first page.
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, template) in BUILT_IN.into_iter().chain([("frame.html", include_str!("frame.html"))]) {
            templates.add_template(name, template).expect("a test fills in truegate's own templates");
        }
        Self(templates).branded(&Brand::default())
    }
}

/// The reason why an operator's pages cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagesError {
    /// The folder has none of the pages.
    #[error("{} has none of login.html, refused.html, unavailable.html, error.html and logout.html", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A template is not valid, or cannot be filled in.
    #[error("{}:{line}: {reason}", file.display())]
    Template {
        /// The file.
        file: PathBuf,
        /// The line, from 1; 0 if it is not known.
        line: usize,
        /// The mistake in this line.
        reason: String,
    },
}

impl PagesError {
    fn template(file: PathBuf, error: &minijinja::Error) -> Self {
        let reason = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self::Template { file, line: error.line().unwrap_or_default(), reason }
    }
}

/// Returns the `Content-Security-Policy` of a page.
///
/// Browsers apply `form-action` to every redirect after a form, too. If a form leads to another origin in the end, pass that
/// origin; otherwise pass an empty text.
pub(crate) fn csp(style_nonce: &str, form_origin: &str) -> String {
    let form_action = format!("'self' {form_origin}");
    format!(
        "default-src 'none'; script-src 'self'; style-src 'nonce-{style_nonce}'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action {}; frame-ancestors 'none'",
        form_action.trim_end()
    )
}

/// The script of the login page, and of every page of the site that has the button.
///
/// It calls `login` and `status` relative to its own URL, so it must be served from the same path prefix.
pub(crate) const SCRIPT: &str = include_str!("truegate.js");

/// The pages that an operator can replace.
const BUILT_IN: [(&str, &str); 5] = [
    ("login.html", include_str!("login.html")),
    ("refused.html", include_str!("refused.html")),
    ("unavailable.html", include_str!("unavailable.html")),
    ("error.html", include_str!("error.html")),
    ("logout.html", include_str!("logout.html")),
];
const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests;
