//! Presets: the headers of other identity proxies, which many apps already read.

use super::Encoding;
use crate::closed_list::closed_list;

closed_list! {
    /// The headers of another identity proxy.
    ///
    /// The user is the phone number, the only field that Truecaller verifies. No preset carries the e-mail address: the user
    /// typed it, and apps would treat it as verified. The header of the groups is sent to an app only for a user who is in one.
    ///
    /// An app that reads one header of a family often reads the others as well, such as `Remote-Email` beside `Remote-User`.
    /// A preset therefore closes its whole family: no client can send a header of it.
    pub enum Preset {
        /// `Remote-User`, `Remote-Name` and `Remote-Groups`, as Authelia sends them; closes `Remote-*`.
        RemoteUser = "remote-user",
        /// `X-Forwarded-User`, `X-Forwarded-Preferred-Username` and `X-Forwarded-Groups`, as oauth2-proxy sends them to an app;
        /// closes these, `X-Forwarded-Email` and `X-Forwarded-Access-Token`.
        XForwardedUser = "x-forwarded-user",
        /// `X-Auth-Request-User`, `X-Auth-Request-Preferred-Username` and `X-Auth-Request-Groups`, as oauth2-proxy answers
        /// nginx; closes `X-Auth-Request-*`.
        XAuthRequest = "x-auth-request",
        /// `X-WEBAUTH-USER`, `X-WEBAUTH-NAME` and `X-WEBAUTH-GROUPS`, as Grafana can be told to read them; closes
        /// `X-WEBAUTH-*`.
        Grafana = "grafana",
    }
}

impl Preset {
    /// Oauth2-proxy and Authelia send names as they are, and Grafana reads them so unless it is told otherwise.
    pub(super) const NAME_ENCODING: Encoding = Encoding::Utf8;

    /// The names of its headers.
    pub(crate) fn names(self) -> [&'static str; 3] {
        let PresetHeaders { user, name, groups, .. } = self.headers();
        [user, name, groups]
    }

    pub(super) fn headers(self) -> PresetHeaders {
        match self {
            Self::RemoteUser => PresetHeaders {
                user: "Remote-User",
                name: "Remote-Name",
                groups: "Remote-Groups",
                family: &["remote-*"],
                valueless: &["remote-email"],
            },
            Self::XForwardedUser => PresetHeaders {
                user: "X-Forwarded-User",
                name: "X-Forwarded-Preferred-Username",
                groups: "X-Forwarded-Groups",
                family: &[
                    "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username",
                    "x-forwarded-access-token",
                ],
                valueless: &["x-forwarded-email", "x-forwarded-access-token"],
            },
            Self::XAuthRequest => PresetHeaders {
                user: "X-Auth-Request-User",
                name: "X-Auth-Request-Preferred-Username",
                groups: "X-Auth-Request-Groups",
                family: &["x-auth-request-*"],
                valueless: &["x-auth-request-email", "x-auth-request-access-token"],
            },
            Self::Grafana => PresetHeaders {
                user: "X-WEBAUTH-USER",
                name: "X-WEBAUTH-NAME",
                groups: "X-WEBAUTH-GROUPS",
                family: &["x-webauth-*"],
                valueless: &["x-webauth-email", "x-webauth-role"],
            },
        }
    }
}

/// The headers of a preset.
pub(super) struct PresetHeaders {
    /// Carries the phone number.
    pub(super) user: &'static str,
    /// Carries the user's name.
    pub(super) name: &'static str,
    /// Carries the names of the user's groups.
    pub(super) groups: &'static str,
    /// The names that no client may send, as [`reads_as`](super::reads_as) takes them.
    pub(super) family: &'static [&'static str],
    /// The names of the family that apps are known to read and truegate has no value for.
    pub(super) valueless: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::{Field, HeaderNameError, HeaderNames, HeaderNamesBuilder, Injection};

    fn builder() -> HeaderNamesBuilder {
        HeaderNames::builder("X-Truecaller-").unwrap()
    }

    /// The headers of the default set.
    fn injections(names: &HeaderNames) -> Vec<(&str, Field, Encoding)> {
        let injection = |injection: &'_ Injection| names.values[injection.value];
        names.sets[0].iter().map(|one| (one.name.as_str(), injection(one).0, injection(one).1)).collect()
    }

    #[test]
    fn every_preset_is_the_phone_the_name_and_the_groups() {
        for (preset, user, name, groups) in [
            (Preset::RemoteUser, "remote-user", "remote-name", "remote-groups"),
            (Preset::XForwardedUser, "x-forwarded-user", "x-forwarded-preferred-username", "x-forwarded-groups"),
            (Preset::XAuthRequest, "x-auth-request-user", "x-auth-request-preferred-username", "x-auth-request-groups"),
            (Preset::Grafana, "x-webauth-user", "x-webauth-name", "x-webauth-groups"),
        ] {
            for encoding in [Encoding::Utf8, Encoding::QuotedPrintable] {
                let mut builder = builder();
                let given = Some(encoding).filter(|encoding| *encoding != Encoding::Utf8);
                builder.preset(preset, given).unwrap();
                let names = builder.build();
                let added = injections(&names).split_off(10);
                let percent = Encoding::Percent;
                let expected =
                    [(user, Field::Phone, percent), (name, Field::Name, encoding), (groups, Field::Groups, percent)];
                assert_eq!(added, expected);
                assert!(names.is_reserved(user) && names.is_reserved(name.replace('-', "_")), "{preset:?}");
            }
        }
    }

    #[test]
    fn a_preset_closes_its_family_and_no_more() {
        for (preset, closed, open) in [
            (
                Preset::RemoteUser,
                &["remote-groups", "REMOTE_EMAIL", "remote.anything"][..],
                &["remote", "x-remote-user"][..],
            ),
            (
                Preset::XForwardedUser,
                &["x-forwarded-email", "X_Forwarded_Groups", "x-forwarded-access-token"],
                &["x-forwarded-for", "x-forwarded-proto", "x-forwarded-username"],
            ),
            (
                Preset::XAuthRequest,
                &["x-auth-request-email", "X_Auth_Request_Groups"],
                &["x-auth-request", "x-auth-token"],
            ),
            (Preset::Grafana, &["X-WEBAUTH-ROLE", "x_webauth_email"], &["x-webauth", "x-web-auth-role"]),
        ] {
            let mut builder = builder();
            builder.preset(preset, None).unwrap();
            let names = builder.build();
            assert!(closed.iter().all(|name| names.is_reserved(name)), "{preset:?}");
            assert!(!open.iter().any(|name| names.is_reserved(name)), "{preset:?}");
            assert!(preset.headers().valueless.iter().all(|name| names.is_reserved(name)), "{preset:?}");
        }
    }

    #[test]
    fn all_presets_go_together_and_each_goes_once() {
        let mut builder = builder();
        for preset in Preset::ALL {
            assert_eq!(builder.preset(*preset, None), Ok(()), "{preset:?}");
        }
        for preset in Preset::ALL {
            assert_eq!(builder.preset(*preset, None), Err(HeaderNameError::Twice), "{preset:?}");
        }
        assert_eq!(builder.inject("Remote.User", Field::Phone, None), Err(HeaderNameError::Twice));
    }

    #[test]
    fn a_refused_preset_adds_nothing() {
        let mut builder = builder();
        builder.inject("remote-name", Field::GivenName, None).unwrap();
        assert_eq!(builder.preset(Preset::RemoteUser, None), Err(HeaderNameError::Twice));
        assert!(!builder.build().is_reserved("remote-user"));
    }

    #[test]
    fn a_preset_takes_the_place_of_a_default_header() {
        let mut builder = HeaderNames::builder("X-WEBAUTH-").unwrap();
        builder.preset(Preset::Grafana, None).unwrap();
        let names = builder.build();
        let named = injections(&names).into_iter().filter(|(name, ..)| *name == "x-webauth-name");
        assert_eq!(named.map(|(.., encoding)| encoding).collect::<Vec<_>>(), [Encoding::Utf8]);
    }
}
