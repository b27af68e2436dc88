use tempfile::tempdir;

use super::*;

#[test]
fn our_own_pages_are_small_and_in_the_language_of_the_browser() {
    let pages = Pages::default();
    for &language in Language::ALL {
        let error = |problem: &Problem| pages.error(&ErrorView::sample(language, *problem)).unwrap();
        let others = [
            pages.login(&LoginView::sample(language)).unwrap(),
            pages.refused(&RefusedView::sample(language)).unwrap(),
            pages.unavailable(&UnavailableView::sample(language)).unwrap(),
            pages.logout(&LogoutView::sample(language)).unwrap(),
        ];
        for page in Problem::ALL.iter().map(error).chain(others) {
            assert!(page.len() <= 12 * 1024, "{}", page.len());
            let direction = if matches!(language, Language::Ur | Language::Ar) { "rtl" } else { "ltr" };
            let start = format!("<html lang=\"{}\" dir=\"{direction}\">", language.code());
            assert!(page.contains(&start) && !page.contains("{partner}"), "{page}");
            assert_eq!(page.matches("<h1>").count(), 1);
            assert_eq!(page.matches("class=\"button\"").count(), 1, "each page has one way on");
            assert_eq!(
                page.matches("<script").count(),
                page.matches("/truegate.js\" defer></script>").count(),
                "{page}"
            );
        }
    }
}

#[test]
fn the_script_is_small_and_names_every_state_of_the_page() {
    // It is fetched once in five minutes: a third of what one web font weighs, compressed.
    assert!(SCRIPT.len() <= 6 * 1024 + 256, "{}", SCRIPT.len());
    let page = Pages::default().login(&LoginView::sample(Language::En)).unwrap();
    for state in [
        "pending",
        "opened",
        "verified",
        "refused",
        "another_number",
        "failed",
        "expired",
        "no_app",
        "wrong_device",
        "unavailable",
        "ready",
    ] {
        assert!(SCRIPT.contains(state) && page.contains(&format!("data-{state}=\"")), "{state}");
    }
}

#[test]
fn whatever_is_filled_in_stays_text() {
    let evil = "\"'><script>alert(1)</script>&{{ 7 * 7 }}";
    let login = LoginView {
        path: evil,
        next: evil,
        fallback: evil,
        secure_url: evil,
        partner: evil,
        style_nonce: evil,
        ..LoginView::sample(Language::En)
    };
    let unavailable = UnavailableView {
        again: evil,
        fallback: evil,
        partner: evil,
        style_nonce: evil,
        ..UnavailableView::sample(Language::Hi)
    };
    let refused = RefusedView {
        path: evil,
        phone: evil,
        next: evil,
        partner: evil,
        style_nonce: evil,
        ..RefusedView::sample(Language::Ur)
    };
    let error = ErrorView {
        code: evil,
        link: evil,
        partner: evil,
        style_nonce: evil,
        ..ErrorView::sample(Language::Sw, Problem::Unreachable)
    };
    let logout =
        LogoutView { path: evil, next: evil, partner: evil, style_nonce: evil, ..LogoutView::sample(Language::Ar) };
    let pages = Pages::default();
    for page in [
        pages.login(&login).unwrap(),
        pages.unavailable(&unavailable).unwrap(),
        pages.refused(&refused).unwrap(),
        pages.error(&error).unwrap(),
        pages.logout(&logout).unwrap(),
    ] {
        assert!(!page.contains("<script>") && !page.contains("\"'>") && !page.contains("49"), "{page}");
    }
}

#[test]
fn a_page_without_a_fallback_offers_none() {
    let pages = Pages::default();
    let with = pages.login(&LoginView::sample(Language::En)).unwrap();
    let without = pages.login(&LoginView { fallback: "", ..LoginView::sample(Language::En) }).unwrap();
    assert!(with.contains("Use another way") && !without.contains("Use another way"), "{without}");
}

#[test]
fn the_pages_show_the_logo_and_the_colour_of_the_site() {
    let logo = Logo::from_bytes(b"\x89PNG\r\n\x1a\n\xff\xff\xff").unwrap();
    let brand = Brand::new(Some(logo), Some("#7a0c2e".parse().unwrap()));
    let pages = Pages::default().branded(&brand);
    for page in [
        pages.login(&LoginView::sample(Language::En)).unwrap(),
        pages.built_in().logout(&LogoutView::sample(Language::En)).unwrap(),
    ] {
        assert!(page.contains("<img src=\"data:image/png;base64,iVBORw0KGgr///8=\" alt=\"\">"), "{page}");
        assert!(page.contains("--button: #7a0c2e; --label: #ffffff"), "{page}");
    }
    assert!(!Pages::default().login(&LoginView::sample(Language::En)).unwrap().contains("<img"));
}

#[test]
fn a_page_of_the_operator_can_stand_in_our_frame() {
    let folder = tempdir().unwrap();
    let source = "{% extends 'frame.html' %}{% block main %}<h1>Bye {{ site }}</h1>{{ direction }}{% endblock %}";
    fs::write(folder.path().join("logout.html"), source).unwrap();
    let page = Pages::load(folder.path()).unwrap().logout(&LogoutView::sample(Language::En)).unwrap();
    assert!(page.contains("<h1>Bye A Shop</h1>ltr") && page.contains("--button"), "{page}");
}

#[test]
fn a_page_of_the_operator_takes_the_place_of_ours() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("login.html"), "{{ partner }} {{ text.button }} {{ next }}").unwrap();
    let pages = Pages::load(folder.path()).unwrap();
    let view = LoginView { partner: "<b>", next: "a&b", ..LoginView::sample(Language::En) };
    assert_eq!(pages.login(&view).unwrap(), "&lt;b&gt; Continue with Truecaller a&amp;b");
    let sample = UnavailableView::sample(Language::En);
    assert_eq!(pages.unavailable(&sample).unwrap(), Pages::default().unavailable(&sample).unwrap());
}

#[test]
fn a_page_that_cannot_be_filled_in_is_refused_with_file_and_line() {
    for (name, source, line, reason) in [
        ("login.html", "<p>\n{{ partner", 2, "syntax error: "),
        ("login.html", "<p>\n\n{{ partnr }}", 3, "undefined value"),
        ("unavailable.html", "{{ text.agian }}", 1, "undefined value"),
        ("refused.html", "{{ phon }}", 1, "undefined value"),
        ("error.html", "{% if problem == 'wrong' %}{{ nothing }}{% endif %}", 1, "undefined value"),
        ("logout.html", "{% if language == 'ar' %}{{ nothing }}{% endif %}", 1, "undefined value"),
        ("unavailable.html", "\n{{ again | upcase }}", 2, "unknown filter: "),
        ("login.html", "{% if language == 'hi' %}{{ nothing }}{% endif %}", 1, "undefined value"),
    ] {
        let folder = tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, source).unwrap();
        let error = Pages::load(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:{line}: {reason}", file.display())), "{error}");
    }
}

#[test]
fn a_folder_without_a_page_is_refused() {
    let folder = tempdir().unwrap();
    for missing in [folder.path().to_owned(), folder.path().join("missing")] {
        let error = Pages::load(&missing).unwrap_err();
        assert!(matches!(error, PagesError::Empty { .. }), "{error}");
    }
    fs::create_dir(folder.path().join("login.html")).unwrap();
    let error = Pages::load(folder.path()).unwrap_err();
    assert!(matches!(error, PagesError::Read { .. }), "{error}");
}

#[test]
fn what_fails_in_use_shows_no_value() {
    let folder = tempdir().unwrap();
    let source = "\n{% if next != '/account?a=b&c=d' %}{{ partner | int }}{% endif %}";
    fs::write(folder.path().join("login.html"), source).unwrap();
    let pages = Pages::load(folder.path()).unwrap();
    let error =
        pages.login(&LoginView { next: "/", partner: "a-name", ..LoginView::sample(Language::En) }).unwrap_err();
    assert_eq!(error.to_string(), "login.html:2: invalid operation");
}

#[test]
fn the_policy_allows_what_the_pages_need() {
    assert_eq!(
        csp("c3R5bGU"),
        "default-src 'none'; script-src 'self'; style-src 'nonce-c3R5bGU'; connect-src 'self'; img-src 'self' data:; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
}
