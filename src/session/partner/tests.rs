use super::*;

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
    fn check<T: std::str::FromStr<Err = PartnerError>>(all: &[&str]) {
        assert!(all.iter().all(|word| word.parse::<T>().is_ok()));
        for unknown in ["", "EN", "en ", "round,rect", "continue-with", "de"] {
            let refused = unknown.parse::<T>().err().expect(unknown).to_string();
            assert!(refused.starts_with("no such ") && refused.ends_with(&all.join(" ")), "{refused}");
        }
    }
    check::<Lang>(Lang::ALL);
    check::<LoginPrefix>(LoginPrefix::ALL);
    check::<CtaPrefix>(CtaPrefix::ALL);
    check::<ButtonShape>(ButtonShape::ALL);
    check::<SkipOption>(SkipOption::ALL);
    assert!(Lang::ALL.contains(&Lang::default().as_str()));
}

#[test]
fn a_login_suffix_is_a_plain_word() {
    for suffix in ["login", "signin", "verifymobile"] {
        assert_eq!(suffix.parse::<LoginSuffix>().unwrap().as_str(), suffix);
    }
    for refused in ["", "Login", "log in", "login&x=y", "दुकान", &"a".repeat(33)] {
        assert_eq!(refused.parse::<LoginSuffix>(), Err(PartnerError::LoginSuffix), "{refused}");
    }
}

#[test]
fn a_colour_is_six_hexadecimal_digits() {
    for color in ["#0087ff", "#FFFFFF"] {
        assert_eq!(color.parse::<Color>().unwrap().as_str(), color);
    }
    for refused in ["", "0087ff", "#08f", "#0087f", "#0087fff", "#0087fg", "%230087ff", "#00é7ff", "red"] {
        assert_eq!(refused.parse::<Color>(), Err(PartnerError::Color), "{refused}");
    }
}

#[test]
fn a_page_is_on_the_web() {
    for page in ["https://shop.example/privacy?a=b#c", "http://127.0.0.1:3000/terms"] {
        assert_eq!(page.parse::<PageUrl>().unwrap().as_str(), page);
    }
    for refused in [
        "",
        "/privacy",
        "//shop.example",
        "javascript:alert(1)",
        "data:,a",
        "ftp://a.example",
        "https://a@b.example",
        "https://",
    ] {
        assert_eq!(refused.parse::<PageUrl>(), Err(PartnerError::Url), "{refused}");
    }
}
