//! `session.partner`: the site as Truecaller knows it, and the looks of its dialog.

use std::str::FromStr;

use crate::gateway::config::reader::{Item, Section};
use crate::session::{Partner, PartnerError};

/// Reads the section; none without a key and a name.
pub(super) fn read(section: &mut Section<'_>) -> Option<Partner> {
    let key = section.require("key", "write key: …, the partner key of Truecaller's portal");
    let key = key.and_then(|item| name(&item));
    let site = section.require("name", "write name: …, the app name of Truecaller's portal");
    let site = site.and_then(|item| name(&item));
    let looks = Looks(section);
    let change = looks.all();
    Some(change(Partner::new(&key?, &site?).ok()?))
}

/// The keys that may be left out.
struct Looks<'s, 'a>(&'s mut Section<'a>);

impl Looks<'_, '_> {
    /// Reads every key, whether or not there is a partner to give it to.
    fn all(mut self) -> impl FnOnce(Partner) -> Partner {
        let lang = self.set("lang", Partner::lang);
        let login_prefix = self.set("login_prefix", Partner::login_prefix);
        let login_suffix = self.set("login_suffix", Partner::login_suffix);
        let cta_prefix = self.set("cta_prefix", Partner::cta_prefix);
        let cta_color = self.set("cta_color", Partner::cta_color);
        let cta_text_color = self.set("cta_text_color", Partner::cta_text_color);
        let btn_shape = self.set("btn_shape", Partner::btn_shape);
        let skip_option = self.set("skip_option", Partner::skip_option);
        let privacy_url = self.set("privacy_url", Partner::privacy_url);
        let terms_url = self.set("terms_url", Partner::terms_url);
        move |partner| {
            let partner = login_suffix(login_prefix(lang(partner)));
            let partner = cta_text_color(cta_color(cta_prefix(partner)));
            terms_url(privacy_url(skip_option(btn_shape(partner))))
        }
    }

    /// How a key changes a partner.
    fn set<T: FromStr<Err = PartnerError>>(
        &mut self,
        key: &'static str,
        set: fn(Partner, T) -> Partner,
    ) -> impl FnOnce(Partner) -> Partner + use<T> {
        let value = self.0.read(key, |text| text.parse::<T>().map_err(|error| explain(&error)));
        move |partner| match value {
            Some(value) => set(partner, value),
            None => partner,
        }
    }
}

/// A key or a name, by the one rule for both.
fn name(item: &Item<'_>) -> Option<String> {
    item.parse(|text| Partner::new(text, text).map(|_| text.to_string()).map_err(|error| explain(&error)))
}

fn explain(error: &PartnerError) -> String {
    match error {
        PartnerError::Key | PartnerError::Name => {
            "is blank or holds a control character (write it as Truecaller's portal has it)".to_owned()
        }
        PartnerError::Word { known, .. } => {
            format!("is none of the words known here (write one of {})", known.join(", "))
        }
        PartnerError::LoginSuffix => {
            "is not a word of lower-case letters (write one such as login or signin)".to_owned()
        }
        PartnerError::Color => "is not a colour (write \"#0087ff\", in quotes)".to_owned(),
        PartnerError::Url => {
            "is not an http:// or https:// URL without a user (write https://shop.example/…)".to_owned()
        }
    }
}
