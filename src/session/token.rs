//! Session tokens: how the site's own app keeps a session, and sends it with each request.
//!
//! An app sends its token as `Authorization: Bearer truegate.…`. Every line that begins like this is truegate's, whether it can open
//! the token or not, and so reaches no app; all other lines pass byte for byte. This is so without an app of the site's own, too:
//! another gate of the site, which has one, would take the token.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use memchr::memchr;
use serde::Serialize;

use super::{carrier::Carrier, handler::Handler, me::MeAnswer, reply};
use crate::{
    gate::{Rejection, Reply, plugin::VerifiedAppLogin},
    headers::{HeaderTarget, cased},
    session::Session,
};

/// The session token that a request sends.
#[derive(Clone, Copy)]
pub(super) enum SentToken<'a> {
    Absent,
    /// The sealed text of a token, which is still to be opened.
    One(&'a [u8]),
    /// No token, although it begins like one, or a token beside other credentials: it is unknown for whom the request speaks.
    Unclear,
}

redacted!(SentToken<'_>);

/// The answer to an app whose user was verified.
#[derive(Serialize)]
struct AppAnswer<'a> {
    token: String,
    #[serde(flatten)]
    me: MeAnswer<'a>,
}

impl Handler<'_> {
    /// Begins a session for a user of the site's own app, on a host that has sessions.
    ///
    /// A code works once, so it must not be lost because the store is away: the proof is then dated by the clock of this gateway.
    pub(super) async fn admit_app(&self, login: &VerifiedAppLogin) -> Result<Reply, Rejection> {
        let VerifiedAppLogin { identity, arrived, deadline } = login;
        let dated = self.gate.by(*deadline, self.date_proof(*arrived)).await.and_then(Result::ok);
        let proven_at = dated.unwrap_or_else(|| self.own_date(*arrived));
        let session = self.session(identity.profile(), identity.method(), proven_at);
        let token = self.token(&session).ok_or(Rejection::MisdirectedRequest)?;
        let me = MeAnswer::of(&session, session.end_text(self.sessions.lifetime));
        Ok(reply::json(StatusCode::OK, &AppAnswer { token, me }).for_user(&identity.profile().phone))
    }

    /// The token of a session, on a host that has sessions.
    pub(super) fn token(&self, session: &Session) -> Option<String> {
        self.seal(session, Carrier::Token).map(|sealed| format!("{BEGINNING}{sealed}"))
    }

    /// The session token of a request, from whose head an edge may have withheld lines. Without an app of the site's own there are
    /// no tokens.
    pub(super) fn sent_token<'a>(&self, headers: &'a HeaderMap, withheld: &'a [HeaderValue]) -> SentToken<'a> {
        if self.gate.takes_tokens() { SentToken::of(headers, withheld) } else { SentToken::Absent }
    }

    /// The answer to a request whose token is worth nothing (RFC 6750 §3).
    pub(super) fn refuse_token(&self) -> Reply {
        self.gate.reject(Rejection::NotSignedIn).with_challenge()
    }
}

impl<'a> SentToken<'a> {
    fn of(headers: &'a HeaderMap, withheld: &'a [HeaderValue]) -> Self {
        let lines = || withheld.iter().chain(headers.get_all(header::AUTHORIZATION));
        if !lines().any(has_token) {
            return Self::Absent;
        }
        let mut lines = lines();
        match (lines.next(), lines.next()) {
            (Some(line), None) => {
                let sealed = bearer(line.as_bytes()).and_then(|text| text.strip_prefix(BEGINNING.as_bytes()));
                sealed.map_or(Self::Unclear, Self::One)
            }
            _ => Self::Unclear,
        }
    }
}

/// Takes the lines with session tokens out of `Authorization`, leaves the others byte for byte, and returns those with tokens.
pub(super) fn drop_tokens(target: &mut dyn HeaderTarget) -> Vec<HeaderValue> {
    let lines = target.headers().get_all(header::AUTHORIZATION);
    if !lines.iter().any(has_token) {
        return Vec::new();
    }
    let (tokens, others): (Vec<_>, Vec<_>) = lines.iter().cloned().partition(has_token);
    target.remove(&header::AUTHORIZATION);
    others.into_iter().for_each(|line| target.append(&cased::AUTHORIZATION, line));
    tokens
}

/// Whether an `Authorization` line has a session token, valid or not. It may be in a list, because a proxy can join two lines by
/// a comma.
fn has_token(line: &HeaderValue) -> bool {
    let begins_so = |credentials: &[u8]| {
        let start = bearer(credentials).and_then(|text| text.get(..BEGINNING.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(BEGINNING.as_bytes()))
    };
    let line = line.as_bytes();
    // No other token has a comma (RFC 6750 §2.1), so most lines are not split.
    begins_so(line) || memchr(b',', line).is_some() && line.split(|byte| *byte == b',').any(begins_so)
}

/// What follows the scheme `Bearer`, which is written in any letter case (RFC 9110 §11.1).
fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = credentials.trim_ascii_start().split_at_checked(SCHEME.len())?;
    let text = rest.trim_ascii_start();
    (scheme.eq_ignore_ascii_case(SCHEME) && text.len() < rest.len()).then_some(text)
}

const SCHEME: &[u8] = b"Bearer";
/// The beginning of every token, by which truegate knows its own from those of others.
const BEGINNING: &str = "truegate.";

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (header::AUTHORIZATION, HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect()
    }

    /// What is read of some lines, and what passes on to the app.
    fn read(lines: &[&str]) -> (Option<Option<String>>, Vec<String>) {
        let mut headers = headers(lines);
        let read = |headers: &HeaderMap, withheld: &[HeaderValue]| match SentToken::of(headers, withheld) {
            SentToken::Absent => None,
            SentToken::One(sealed) => Some(Some(String::from_utf8(sealed.to_vec()).unwrap())),
            SentToken::Unclear => Some(None),
        };
        let before = read(&headers, &[]);
        let withheld = drop_tokens(&mut headers);
        assert_eq!(read(&headers, &withheld), before, "{lines:?}: however an edge hands it over");
        let passes = headers.get_all(header::AUTHORIZATION).iter();
        (before, passes.map(|line| String::from_utf8(line.as_bytes().to_vec()).unwrap()).collect())
    }

    #[test]
    fn a_token_is_one_bearer_credential_of_one_line() {
        for (line, sealed) in [
            ("Bearer truegate.abc-_", "abc-_"),
            ("bearer truegate.abc", "abc"),
            ("BEARER \t  truegate.abc", "abc"),
            ("bEaReR truegate.", ""),
        ] {
            assert_eq!(read(&[line]), (Some(Some(sealed.to_owned())), vec![]), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_token_signs_nobody_in_and_reaches_no_app() {
        for lines in [
            &["Bearer Truegate.abc"][..],
            &["Bearer TRUEGATE.abc"],
            &["Basic YTpi, Bearer truegate.abc"],
            &["Bearer other,bearer\ttruegate.abc"],
            &["Bearer truegate.abc", "Bearer truegate.abc"],
            &["Bearer truegate.abc", "bearer truegate.def"],
        ] {
            assert_eq!(read(lines), (Some(None), vec![]), "{lines:?}");
        }
        for (lines, others) in [
            (&["Bearer truegate.abc", "Basic YTpi"][..], &["Basic YTpi"][..]),
            (&["Bearer  other", "Bearer truegate.abc", "x"], &["Bearer  other", "x"]),
        ] {
            let others = others.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(read(lines), (Some(None), others), "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_token_is_alone_and_passes_nowhere(
            lines in vec(vec(select(&PIECES[..]), 0..6), 0..4),
        ) {
            let lines: Vec<_> = lines.into_iter().map(|pieces| pieces.concat().trim_ascii().to_owned()).collect();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let (token, passes) = read(&lines);
            let is_ours = |line: &str| {
                let line = line.to_ascii_lowercase().replace('\t', " ");
                let credentials = line.split(',').map(|part| part.split_ascii_whitespace().collect::<Vec<_>>());
                credentials.into_iter().any(|words| words.len() > 1 && words[0] == "bearer" && words[1].starts_with("truegate."))
            };
            let others: Vec<_> = lines.iter().filter(|line| !is_ours(line)).map(|line| (*line).to_owned()).collect();
            prop_assert_eq!(token.is_some(), others.len() < lines.len());
            prop_assert_eq!(passes, others);
            if let Some(Some(sealed)) = token {
                let end = format!("truegate.{sealed}");
                prop_assert!(lines.len() == 1 && lines[0].ends_with(&end));
            }
        }
    }

    const PIECES: [&str; 10] = ["Bearer", "bearer", " ", "\t", "truegate.", "TRUEGATE.", ",", "x", "Basic ", "\u{fc}"];

    #[test]
    fn the_credentials_of_others_pass_byte_for_byte() {
        for lines in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer truegat"],
            &["Bearer truegate"],
            &["Bearertruegate.abc"],
            &["Bearer eyJhbGciOiJIUzI1NiJ9.truegate.abc"],
            &["Bearer \"truegate.abc\""],
            &["Basic dHJ1ZWdhdGUuYWJj"],
            &["truegate.abc"],
            &["Token truegate.abc", "DPoP truegate.abc"],
            &["Digest username=\"a, b\",  realm=\"Bearer\" ,"],
            &["Bearer नमस्ते"],
        ] {
            let same = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(read(lines), (None, same), "{lines:?}");
        }
    }
}
