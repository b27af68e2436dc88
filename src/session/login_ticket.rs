//! The ticket of a login, with which the site's own page finishes the login.

use std::time::SystemTime;

use http::HeaderValue;

use super::{
    SealPurpose, Sealer,
    session_record::{date, milliseconds},
};
use crate::{callback::RequestId, random::Random, session::BrowserId};

/// Names a login that the site's own page may finish: its request id, the browser that started it, and when the ticket expires.
///
/// # Security
///
/// A person with the ticket of a victim's browser could have their own number verified for it, and a victim who is given the ticket
/// of an attacker's browser would log the attacker in. So a ticket is sealed, and goes in headers only: never in a URL.
pub(crate) struct LoginTicket {
    pub(crate) request_id: RequestId,
    pub(crate) browser: BrowserId,
    pub(crate) expires: SystemTime,
}

impl LoginTicket {
    /// The ticket as the value of a header.
    pub(super) fn seal(&self, sealer: &Sealer, random: &Random) -> HeaderValue {
        let Self { request_id, browser, expires } = self;
        let plain = format!("{} {} {}", milliseconds(*expires), browser.expose(), request_id.expose());
        let sealed = sealer.seal_text(SealPurpose::Ticket, plain.as_bytes(), random);
        let mut value = HeaderValue::try_from(sealed).expect("base64url makes a header value");
        value.set_sensitive(true);
        value
    }

    /// Opens a ticket that was sealed with a secret of this site.
    pub(super) fn open(text: &str, sealer: &Sealer) -> Option<Self> {
        let plain = sealer.open_text(SealPurpose::Ticket, text.as_bytes())?;
        let mut parts = std::str::from_utf8(&plain).ok()?.splitn(3, ' ');
        Some(Self {
            expires: date(parts.next()?.parse().ok()?)?,
            browser: BrowserId::parse(parts.next()?)?,
            request_id: RequestId::parse(parts.next()?)?,
        })
    }
}

redacted!(LoginTicket);

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::session::Secret;

    fn ticket() -> LoginTicket {
        LoginTicket {
            request_id: RequestId::parse("RL8YZ41FQMt5Jiak2sc_Ys0OgQA=").unwrap(),
            browser: BrowserId::parse("x7Kq2vNf9TzR4mWb6pLdQw").unwrap(),
            expires: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        }
    }

    #[test]
    fn a_ticket_is_read_as_it_was_written() {
        let (sealer, random) = (Sealer::new(&Secret::generate(), &[]), Random::seeded(1));
        let value = ticket().seal(&sealer, &random);
        assert!(value.is_sensitive());
        let LoginTicket { request_id, browser, expires } = LoginTicket::open(value.to_str().unwrap(), &sealer).unwrap();
        let written = ticket();
        assert!(request_id == written.request_id && browser == written.browser && expires == written.expires);
        assert_eq!(format!("{written:?}"), "LoginTicket(redacted)");
    }

    #[test]
    fn nothing_but_a_whole_ticket_of_this_site_opens() {
        let (sealer, random) = (Sealer::new(&Secret::generate(), &[]), Random::seeded(1));
        let text = ticket().seal(&sealer, &random).to_str().unwrap().to_owned();
        for at in 0..text.len() {
            assert!(LoginTicket::open(&text[..at], &sealer).is_none(), "cut at {at}");
            let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(LoginTicket::open(&changed, &sealer).is_none(), "changed at {at}");
        }
        for other in ["", " ", "A", "\u{e9}", &format!("{text} "), &format!("{text}="), &text.repeat(2)] {
            assert!(LoginTicket::open(other, &sealer).is_none(), "{other:?}");
        }
        assert!(LoginTicket::open(&text, &Sealer::new(&Secret::generate(), &[])).is_none(), "of another site");
        for plain in ["", "1", "1 x7Kq2vNf9TzR4mWb6pLdQw", "-1 x7Kq2vNf9TzR4mWb6pLdQw 12345678", "1 short 12345678"] {
            let sealed = sealer.seal_text(SealPurpose::Ticket, plain.as_bytes(), &random);
            assert!(LoginTicket::open(&sealed, &sealer).is_none(), "{plain}");
        }
    }
}
