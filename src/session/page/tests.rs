use tempfile::tempdir;

use super::*;

#[test]
fn our_own_pages_are_small_and_in_the_language_of_the_browser() {
    let pages = Pages::default();
    for code in ["en", "hi", "mr", "te", "ml", "ur", "pa", "ta", "bn", "kn", "sw", "ar"] {
        for view in View::samples(Language::negotiate(code)) {
            let page = pages.fill_in(&view).unwrap();
            assert!(page.len() <= 12 * 1024, "{}", page.len());
            let direction = if ["ur", "ar"].contains(&code) { "rtl" } else { "ltr" };
            let start = format!("<html lang=\"{code}\" dir=\"{direction}\">");
            assert!(page.contains(&start) && !page.contains("{partner}"), "{page}");
            assert_eq!(page.matches("<h1>").count(), 1);
            assert_eq!(page.matches("class=\"button\"").count(), 1, "each page has one way on");
            let scripts = page.matches("<script").count();
            assert_eq!(scripts, page.matches("/truegate.js\" defer></script>").count(), "{page}");
        }
    }
}

#[test]
fn the_script_is_small_and_names_every_state_of_the_page() {
    // It is fetched once in five minutes: a third of what one web font weighs, compressed.
    assert!(SCRIPT.len() <= 6 * 1024 + 256, "{}", SCRIPT.len());
    let page = Pages::default().render(&login("A Shop", "/", ""));
    for state in [
        "pending", "opened", "verified", "refused", "another_number", "failed", "expired", "no_app", "wrong_device",
        "unavailable", "ready",
    ] {
        assert!(SCRIPT.contains(state) && page.contains(&format!("data-{state}=\"")), "{state}");
    }
}

#[test]
fn whatever_is_filled_in_stays_text() {
    let evil = "\"'><script>alert(1)</script>&{{ 7 * 7 }}";
    let (path, next, fallback) = (evil, evil, evil);
    for (code, page) in [
        ("en", Page::Login { path, next, fallback, opens_app: true, secure_url: evil }),
        ("hi", Page::Unavailable { again: evil, fallback, retry_after: 5 }),
        ("ur", Page::Refused { path, reason: RefusalReason::Method, phone: evil, next }),
        ("sw", Page::Error { problem: Problem::Unreachable, code: evil, link: evil }),
        ("ar", Page::Logout { path, next, everywhere: true }),
    ] {
        let page = Pages::default().render(&View::new(Language::negotiate(code), evil, evil, page));
        assert!(!page.contains("<script>") && !page.contains("\"'>") && !page.contains("49"), "{page}");
    }
}

#[test]
fn a_page_without_a_fallback_offers_none() {
    let [with, without] = ["/login", ""].map(|fallback| Pages::default().render(&login("A Shop", "/", fallback)));
    assert!(with.contains("Use another way") && !without.contains("Use another way"), "{without}");
}

#[test]
fn the_pages_show_the_logo_and_the_colour_of_the_site() {
    let logo = Logo::from_bytes(b"\x89PNG\r\n\x1a\n\xff\xff\xff").unwrap();
    let brand = Brand::new(Some(logo), Some("#7a0c2e".parse().unwrap()));
    let pages = Pages::default().branded(&brand);
    for view in View::samples(Language::negotiate("en")) {
        let page = pages.render(&view);
        assert!(page.contains("<img src=\"data:image/png;base64,iVBORw0KGgr///8=\" alt=\"\">"), "{page}");
        assert!(page.contains("--button: #7a0c2e; --label: #ffffff"), "{page}");
    }
    assert!(!Pages::default().render(&login("A Shop", "/", "")).contains("<img"));
}

#[test]
fn a_page_of_the_operator_can_stand_in_our_frame() {
    let folder = tempdir().unwrap();
    let source = "{% extends 'frame.html' %}{% block main %}<h1>Bye {{ site }}</h1>{{ direction }}{% endblock %}";
    fs::write(folder.path().join("logout.html"), source).unwrap();
    let page = Pages::load(folder.path()).unwrap().render(&logout());
    assert!(page.contains("<h1>Bye A Shop</h1>ltr") && page.contains("--button"), "{page}");
}

#[test]
fn a_page_of_the_operator_takes_the_place_of_ours() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("login.html"), "{{ partner }} {{ text.button }} {{ next }}").unwrap();
    let pages = Pages::load(folder.path()).unwrap();
    let view = login("<b>", "a&b", "");
    assert_eq!(pages.render(&view), "&lt;b&gt; Continue with Truecaller a&amp;b");
    assert_eq!(pages.render(&logout()), Pages::default().render(&logout()));
}

#[test]
fn our_page_takes_the_place_of_one_that_fails_in_use() {
    let folder = tempdir().unwrap();
    let source = "{% if next != '/account?a=b&c=d' %}{{ partner | int }}{% endif %}";
    fs::write(folder.path().join("login.html"), source).unwrap();
    let brand = Brand::new(None, Some("#7a0c2e".parse().unwrap()));
    let pages = Pages::load(folder.path()).unwrap().branded(&brand);
    let view = login("A Shop", "/", "");
    assert_eq!(pages.render(&view), Pages::default().branded(&brand).render(&view));
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
fn the_policy_allows_what_the_pages_need() {
    assert_eq!(
        csp("c3R5bGU", ""),
        "default-src 'none'; script-src 'self'; style-src 'nonce-c3R5bGU'; connect-src 'self'; img-src 'self' data:; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    assert!(csp("c3R5bGU", "https://shop.example").contains("; form-action 'self' https://shop.example; "));
}

fn login(partner: &'static str, next: &'static str, fallback: &'static str) -> View<'static> {
    let page = Page::Login { path: "/.truegate", next, fallback, opens_app: true, secure_url: "" };
    View::new(Language::negotiate("en"), partner, "c3R5bGU", page)
}

fn logout() -> View<'static> {
    let page = Page::Logout { path: "/.truegate", next: "", everywhere: false };
    View::new(Language::negotiate("en"), "A Shop", "c3R5bGU", page)
}
