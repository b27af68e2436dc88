use super::*;

fn set(option: DialogOption, text: &str) -> Result<String, PartnerError> {
    let partner = Partner::new("a-key", "A Shop")?.option(option, text)?;
    let (_, value) = partner.parameters().find(|(name, _)| *name == option.row().0).expect("it is set");
    Ok(value.to_owned())
}

#[test]
fn a_partner_needs_a_key_and_a_name() {
    for blank in ["", " ", "\u{3000}", "a\nb", "a\0"] {
        assert_eq!(Partner::new(blank, "A Shop"), Err(PartnerError::Key), "{blank:?}");
        assert_eq!(Partner::new("a-key", blank), Err(PartnerError::Name), "{blank:?}");
    }
    assert_eq!(Partner::new("a-key", "A&B #1 दुकान").unwrap().name(), "A&B #1 दुकान");
}

#[test]
fn the_words_of_the_app_are_known_and_no_other() {
    let listed: Vec<_> = DialogOption::ALL.iter().filter(|option| !option.words().is_empty()).collect();
    assert_eq!(listed.len(), 5);
    for option in listed {
        for word in option.words() {
            assert_eq!(set(*option, word).as_deref(), Ok(*word));
        }
        for unknown in ["", "EN", "en ", "round,rect", "continue-with", "de"] {
            let refused = set(*option, unknown).expect_err(unknown);
            assert_eq!(refused, PartnerError::Word { known: option.words() });
            assert!(refused.to_string().ends_with(&option.words().join(", ")), "{refused}");
        }
    }
}

#[test]
fn a_login_suffix_is_a_plain_word() {
    for suffix in ["login", "signin", "verifymobile"] {
        assert_eq!(set(DialogOption::LoginSuffix, suffix).as_deref(), Ok(suffix));
    }
    for refused in ["", "Login", "log in", "login&x=y", "दुकान", &"a".repeat(33)] {
        assert_eq!(set(DialogOption::LoginSuffix, refused), Err(PartnerError::LowerCase), "{refused}");
    }
}

#[test]
fn a_colour_is_six_hexadecimal_digits() {
    for option in [DialogOption::CtaColor, DialogOption::CtaTextColor] {
        for color in ["#0087ff", "#FFFFFF"] {
            assert_eq!(set(option, color).as_deref(), Ok(color));
        }
        for refused in ["", "0087ff", "#08f", "#0087f", "#0087fff", "#0087fg", "%230087ff", "#00é7ff", "red"] {
            assert_eq!(set(option, refused), Err(PartnerError::Color), "{refused}");
        }
    }
}

#[test]
fn the_text_can_be_read_on_every_colour() {
    let levels = (0..=255).step_by(15);
    let colors = levels.clone().flat_map(|r| levels.clone().map(move |g| (r, g)));
    for (r, g, b) in colors.flat_map(|(r, g)| (0..=255).step_by(15).map(move |b| (r, g, b))) {
        let color: Color = format!("#{r:02x}{g:02x}{b:02x}").parse().unwrap();
        let text = if color.text() == "#000000" { 0.0 } else { 1.0 };
        let (light, dark) = (color.luminance().max(text) + 0.05, color.luminance().min(text) + 0.05);
        assert!(light / dark >= 4.5, "{color:?}");
    }
}

#[test]
fn a_page_is_on_the_web() {
    for option in [DialogOption::PrivacyUrl, DialogOption::TermsUrl] {
        for page in ["https://shop.example/privacy?a=b#c", "http://127.0.0.1:3000/terms"] {
            assert_eq!(set(option, page).as_deref(), Ok(page));
        }
        for refused in ["javascript:alert(1)", "data:,a", "ftp://a.example", "https://a@b.example"] {
            assert_eq!(set(option, refused), Err(PartnerError::Page), "{refused}");
        }
        for refused in ["", "/privacy", "//shop.example", "https://"] {
            assert!(matches!(set(option, refused), Err(PartnerError::Url(_))), "{refused}");
        }
    }
}

#[test]
fn the_docs_of_an_option_list_its_words() {
    let docs = include_str!("../partner.rs");
    for word in DialogOption::ALL.iter().flat_map(|option| option.words()) {
        assert!(docs.contains(&format!("`{word}`")), "{word}");
    }
}
