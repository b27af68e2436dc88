//! Where truegate's own routes live: one folder that is closed to everyone else.

use std::str::FromStr;

use super::{CallbackPath, CallbackPathError, any_reading};

/// The folder of truegate's own routes, such as `/.truegate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPath {
    exact: Box<str>,
}

/// A route of truegate's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Login,
    Status,
    Me,
    Logout,
    /// Forward-auth, with what follows: some proxies append the path that they ask about.
    Auth(&'a str),
    KeySet,
    Script,
    /// Nothing is there, and nobody else may answer.
    Nothing,
}

impl SessionPath {
    /// Takes a path in its one canonical form, by the rules of a callback's.
    ///
    /// # Errors
    ///
    /// See [`CallbackPath::parse`].
    pub fn parse(text: &str) -> Result<Self, CallbackPathError> {
        CallbackPath::parse(text)?;
        Ok(Self { exact: text.into() })
    }

    /// The path, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.exact
    }

    /// Whether a path is in the folder, or could be read as if it were.
    pub fn covers(&self, path: &str) -> bool {
        self.route(path).is_some()
    }

    /// Sorts a request's path; none is the app's business. A path of up to 2 KiB costs no allocation.
    pub(crate) fn route<'a>(&self, path: &'a str) -> Option<Route<'a>> {
        match path.strip_prefix(&*self.exact).and_then(|rest| rest.strip_prefix('/')) {
            Some(name) => Some(Route::named(name)),
            None => self.could_be_read_from(path).then_some(Route::Nothing),
        }
    }

    fn could_be_read_from(&self, path: &str) -> bool {
        any_reading(path, |reading| self.is_folder_of(reading))
    }

    fn is_folder_of(&self, path: &[u8]) -> bool {
        let Some((start, rest)) = path.split_at_checked(self.exact.len()) else { return false };
        start.eq_ignore_ascii_case(self.exact.as_bytes()) && matches!(rest.first(), None | Some(b'/'))
    }
}

impl<'a> Route<'a> {
    fn named(name: &'a str) -> Self {
        match name {
            "login" => Self::Login,
            "status" => Self::Status,
            "me" => Self::Me,
            "logout" => Self::Logout,
            "auth" => Self::Auth(""),
            "jwks.json" => Self::KeySet,
            "truegate.js" => Self::Script,
            _ => match name.strip_prefix("auth") {
                Some(asked) if asked.starts_with('/') => Self::Auth(asked),
                _ => Self::Nothing,
            },
        }
    }
}

impl Default for SessionPath {
    fn default() -> Self {
        Self::parse("/.truegate").expect("the default path is canonical")
    }
}

impl FromStr for SessionPath {
    type Err = CallbackPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_one_exact_spelling() {
        for (path, route) in [
            ("/.truegate/login", Some(Route::Login)),
            ("/.truegate/status", Some(Route::Status)),
            ("/.truegate/me", Some(Route::Me)),
            ("/.truegate/logout", Some(Route::Logout)),
            ("/.truegate/jwks.json", Some(Route::KeySet)),
            ("/.truegate/truegate.js", Some(Route::Script)),
            ("/.truegate/auth", Some(Route::Auth(""))),
            ("/.truegate/auth/", Some(Route::Auth("/"))),
            ("/.truegate/auth/a/../b%2f", Some(Route::Auth("/a/../b%2f"))),
            ("/", None),
            ("/.truegat", None),
            ("/.truegate2/login", None),
            ("/a/.truegate/login", None),
            ("/.truegate%2g", None),
        ] {
            assert_eq!(SessionPath::default().route(path), route, "{path}");
        }
    }

    #[test]
    fn the_whole_folder_is_closed() {
        for path in [
            "/.truegate",
            "/.truegate/",
            "/.truegate/x",
            "/.truegate/Login",
            "/.truegate/login/",
            "/.truegate/authx",
            "/.TRUEGATE/login",
            "/.truegate//login",
            "//.truegate/login",
            "/%2etruegate/login",
            "/.truegate%2flogin",
            "/a/../.truegate/login",
            "/.truegate;a/login",
            "/.truegate/../public",
            "/.truegate\\login",
        ] {
            assert_eq!(SessionPath::default().route(path), Some(Route::Nothing), "{path}");
        }
    }
}
