//! The client id of the site's app.

use std::{str::FromStr, sync::Arc};

/// The client id of an app, as Truecaller's console shows it: 1 to 256 visible characters of ASCII. It is public.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// Returns the id, to send it to Truecaller.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = LENGTH.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.into())).ok_or(ClientIdError)
    }
}

/// A text that cannot be a client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a client id is 1 to 256 visible characters of ASCII, without white space")]
pub struct ClientIdError;

const LENGTH: std::ops::RangeInclusive<usize> = 1..=256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_fits_in_a_header_and_has_no_white_space() {
        let longest = "c".repeat(256);
        for accepted in ["c", "k3yq2rxvqvmbn1nlu2fnvvgpyr9ozmwk7s1dkpgv", "a+b/c=.~!", &longest] {
            assert_eq!(accepted.parse::<ClientId>().unwrap().as_str(), accepted);
        }
        let too_long = "c".repeat(257);
        for refused in ["", " ", "a b", "a\r\nX: y", "a\0", "é", &too_long] {
            assert_eq!(refused.parse::<ClientId>(), Err(ClientIdError), "{refused:?}");
        }
    }
}
