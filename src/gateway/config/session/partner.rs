//! `session.partner`: the site as Truecaller knows it, and the look of its dialog.

use crate::{
    gateway::config::reader::{Item, Section},
    session::{DialogOption, Partner, PartnerError},
};

/// Reads the section; none without a key and a name.
pub(super) fn read(section: &mut Section<'_>) -> Option<Partner> {
    let key = section.require("key", "write key: …, the partner key of Truecaller's portal");
    let key = key.and_then(|item| name(&item));
    let site = section.require("name", "write name: …, the app name of Truecaller's portal");
    let site = site.and_then(|item| name(&item));
    // Every option is looked at, whether or not there is a partner to give it to.
    let mut partner = Partner::new(key.as_deref().unwrap_or("?"), site.as_deref().unwrap_or("?")).ok()?;
    for option in DialogOption::ALL {
        let set = section.read(option.code(), |text| partner.clone().option(*option, text).map_err(explain));
        partner = set.unwrap_or(partner);
    }
    key.and(site).map(|_| partner)
}

/// Takes a key or a name, by the one rule for both.
fn name(item: &Item<'_>) -> Option<String> {
    item.parse(|text| Partner::new(text, text).map(|_| text.to_string()).map_err(explain))
}

fn explain(error: PartnerError) -> String {
    match error {
        PartnerError::Key | PartnerError::Name => {
            "is blank or holds a control character (write it as Truecaller's portal has it)".to_owned()
        }
        PartnerError::Word { known } => {
            format!("is none of the words known here (write one of {})", known.join(", "))
        }
        PartnerError::LowerCase => "is not a word of lower-case letters (write one such as login or signin)".to_owned(),
        PartnerError::Color => "is not a colour (write \"#0087ff\", in quotes)".to_owned(),
        PartnerError::Page => {
            "is not an http:// or https:// URL without a user (write https://shop.example/…)".to_owned()
        }
    }
}
