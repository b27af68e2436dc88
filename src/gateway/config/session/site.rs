//! How a site shows itself: `session.partner`, `logo`, `color` and `templates`.

use std::{ffi::OsStr, path::Path};

use crate::{
    gateway::config::{
        reader::{Item, Scalar, Section, Shape, ValueParser, unreadable},
        value,
    },
    session::{Brand, DialogOption, Logo, LogoError, Pages, PagesError, Partner, PartnerError},
};

/// Reads `session.partner`. Returns none without a key and a name.
pub(super) fn partner(section: &mut Section<'_>) -> Option<Partner> {
    // The same rule holds for a key and a name.
    let name = || {
        ValueParser::new(Shape::Text, |text| Partner::new(text, text).map(|_| text.to_string()).map_err(explain)).open()
    };
    let key_advice = "write key: …, the partner key of Truecaller's portal";
    let key = section.read_required("key", key_advice, &name());
    let name_advice = "write name: …, the app name of Truecaller's portal";
    let name = section.read_required("name", name_advice, &name());
    // Every option is checked, even if there is no partner to give it to.
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let mut partner = Partner::new(&text(&key), &text(&name)).ok()?;
    for option in DialogOption::ALL {
        let parse = |text: &Scalar| partner.clone().option(*option, text).map_err(explain);
        let set = section.read(option.code(), &ValueParser::new(shape(*option), parse).open());
        partner = set.unwrap_or(partner);
    }
    key.and(name).map(|_| partner)
}

fn shape(option: DialogOption) -> Shape {
    match option {
        DialogOption::LoginSuffix => Shape::Pattern { pattern: "^[a-z]{1,32}$", words: "a word of lower-case letters" },
        DialogOption::CtaColor | DialogOption::CtaTextColor => COLOR,
        DialogOption::PrivacyUrl | DialogOption::TermsUrl => value::URL,
        option => Shape::Word(option.words().to_vec()),
    }
}

fn explain(error: PartnerError) -> String {
    let advice = match error {
        PartnerError::Word { known } => return value::unknown_word(known.iter().copied()),
        PartnerError::LowerCase => "write one such as login or signin",
        PartnerError::Color => "write \"#0087ff\", in quotes",
        PartnerError::Url(_) | PartnerError::Page => "write https://shop.example/…",
        PartnerError::Key | PartnerError::Name => {
            return "must not be blank or have control characters (copy it from Truecaller's portal)".to_owned();
        }
    };
    format!("{error} ({advice})")
}

/// Reads how the pages show the site.
pub(super) fn brand(section: &mut Section<'_>) -> Brand {
    let logo = section.take("logo").and_then(|item| {
        let logo = Logo::read(&item.path()?).map_err(|error| match error {
            LogoError::Read(cause) => unreadable(&cause),
            LogoError::Large => format!("{error} (make the picture smaller)"),
            _ => format!("{error} (convert the picture)"),
        });
        item.accept(logo)
    });
    let color = section
        .read("color", &ValueParser::new(COLOR, |text| text.parse().map_err(|_| explain(PartnerError::Color))).open());
    Brand::new(logo, color)
}

/// Loads the pages of a folder.
pub(super) fn pages(item: Item<'_>) -> Option<Pages> {
    // The message names the file, because it is one of several, but not the folder.
    let name = |file: &Path| file.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned();
    let pages = Pages::load(&item.path()?).map_err(|error| match error {
        PagesError::Empty { .. } => {
            "the folder has none of login.html, refused.html, unavailable.html, error.html and logout.html (paths are \
             relative to the configuration file)"
                .to_owned()
        }
        PagesError::Read { file, source } => {
            format!("{} in the folder cannot be read: {} (make it readable)", name(&file), source.kind())
        }
        PagesError::Template { file, line, reason } => {
            format!("a mistake in {}, line {line}: {reason} (correct it there)", name(&file))
        }
    });
    item.accept(pages)
}

const COLOR: Shape = Shape::Pattern { pattern: "^#[0-9A-Fa-f]{6}$", words: "a colour in quotes, such as \"#0087ff\"" };
