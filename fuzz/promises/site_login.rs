//! The body with which the site finishes a login. This is a module of `gateway::admin::logins`, whose parts are private.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::SiteLogin;
use crate::{
    fuzzing::{finish_login, sent_once},
    identity::VerificationMethod,
};

/// The body of `POST /logins`: whatever is in it, it is an object whose number has its plus, and nobody but truegate makes a ticket.
pub fn site_login(body: &[u8]) -> bool {
    let Ok((ticket, user)) = SiteLogin::parse(body) else { return false };
    let members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(body).expect("without the types that are asked for, it is an object all the same");
    let text = |name: &str| serde_json::from_str::<String>(members[name].get()).expect("a text");
    assert_eq!(text("ticket"), ticket);
    assert_eq!(user.profile().phone.as_str(), text("phone"));
    assert_eq!(format!("{user:?}"), "SiteUser(redacted)");
    sent_once(user.profile(), VerificationMethod::Site);
    assert!(!finish_login(&ticket, user), "a ticket that truegate did not seal finishes a login");
    true
}
