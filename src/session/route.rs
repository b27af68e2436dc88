//! The routes of truegate's own.

use http::Method;

use crate::path::SessionPath;

/// A route of truegate's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Login,
    Status,
    Me,
    Logout,
    /// Forward-auth, with what follows: some proxies append the path that they ask about.
    Auth(&'a str),
    KeySet,
    Script,
    /// Any other path below truegate's own: answered 404, and never passed to the app.
    Nothing,
}

impl<'a> Route<'a> {
    /// Sorts a request's path; none is the app's business.
    pub(super) fn of(prefix: &SessionPath, path: &'a str) -> Option<Self> {
        Some(match prefix.strip(path)? {
            "login" => Self::Login,
            "status" => Self::Status,
            "me" => Self::Me,
            "logout" => Self::Logout,
            "jwks.json" => Self::KeySet,
            "truegate.js" => Self::Script,
            name => match name.strip_prefix("auth") {
                Some(asked) if asked.is_empty() || asked.starts_with('/') => Self::Auth(asked),
                _ => Self::Nothing,
            },
        })
    }

    /// The methods that are allowed instead, if this one is not.
    pub(super) fn refuses(self, method: &Method) -> Option<&'static str> {
        let allow = match self {
            Self::Auth(_) | Self::Nothing | Self::KeySet => return None,
            Self::Login | Self::Logout => "GET, HEAD, POST",
            Self::Status | Self::Me | Self::Script => "GET, HEAD",
        };
        (!allow.split(", ").any(|allowed| method == allowed)).then_some(allow)
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
            ("/.truegate2/login", None),
        ] {
            assert_eq!(Route::of(&SessionPath::default(), path), route, "{path}");
        }
    }

    #[test]
    fn everything_else_below_the_prefix_is_closed() {
        for path in [
            "/.truegate", "/.truegate/", "/.truegate/x", "/.truegate/Login", "/.truegate/login/", "/.truegate/authx",
            "/.TRUEGATE/login", "/.truegate//login", "/.truegate%2flogin", "/.truegate/../public",
        ] {
            assert_eq!(Route::of(&SessionPath::default(), path), Some(Route::Nothing), "{path}");
        }
    }
}
