//! What holds for every app: it knows the person at the browser, and no other.

use crate::{
    browser::{Browser, Reached},
    site::{ASHA, Person, RAJAT, Site},
};

/// An app, as people use it.
pub trait App {
    /// Opens the page that shows who is logged in.
    async fn open(&self, browser: &mut Browser) -> Reached;

    /// Logs out of the app in the app's own way.
    async fn log_out(&self, browser: &mut Browser) -> Reached;

    /// How the app shows that it knows a person.
    fn shows(&self, person: Person) -> String {
        person.phone.to_owned()
    }

    /// The header that the app believes.
    fn header(&self) -> &'static str;
}

/// Insists that an app knows the person at the browser, and no other.
pub async fn are_kept_apart(site: &Site, app: &impl App) {
    let spoof = spoofed(app.header(), ASHA.phone);

    let mut stranger = site.browser();
    stranger.spoof(&spoof);
    let reached = app.open(&mut stranger).await;
    assert_eq!(reached.path(), "/.truegate/login", "a stranger is asked to log in: {}", reached.text());

    let mut browser = site.browser();
    site.log_in(&mut browser, RAJAT).await;
    insist(app, &mut browser, RAJAT, ASHA, "after the login").await;
    browser.spoof(&spoof);
    insist(app, &mut browser, RAJAT, ASHA, "whatever they say").await;
    browser.spoof("");

    site.log_in(&mut browser, ASHA).await;
    insist(app, &mut browser, ASHA, RAJAT, "after a login as somebody else").await;

    let left = browser.script("POST", "/.truegate/logout", "").await;
    assert_eq!(left.status(), 204, "{left:#?}");
    let reached = app.open(&mut browser).await;
    assert_eq!(reached.path(), "/.truegate/login", "after truegate's logout");
    site.log_in(&mut browser, RAJAT).await;
    insist(app, &mut browser, RAJAT, ASHA, "after truegate's logout").await;

    app.log_out(&mut browser).await;
    let me = browser.script("GET", "/.truegate/me", "").await;
    assert_eq!((me.status(), me.code().as_str()), (401, "not-signed-in"), "after the app's own logout");
    let reached = app.open(&mut browser).await;
    assert_eq!(reached.path(), "/.truegate/login", "after the app's own logout");
    site.log_in(&mut browser, ASHA).await;
    insist(app, &mut browser, ASHA, RAJAT, "after the app's own logout").await;
}

/// Insists that the app shows one person and not the other, twice: the second time by its own cookie, if it has one.
async fn insist(app: &impl App, browser: &mut Browser, person: Person, other: Person, when: &str) {
    for _ in 0..2 {
        let reached = app.open(browser).await;
        let text = reached.text();
        assert_eq!(reached.answer.status(), 200, "{when}: {} {text}", reached.url);
        assert!(text.contains(&app.shows(person)), "{when}, {} does not show {person:?}: {text}", reached.url);
        assert!(!text.contains(&app.shows(other)), "{when}, {} shows {other:?}: {text}", reached.url);
    }
}

/// The spellings of a header that apps read as one.
fn spoofed(header: &str, phone: &str) -> String {
    let spellings = [header.to_owned(), header.to_uppercase(), header.replace('-', "_"), header.replace('-', ".")];
    spellings.iter().map(|name| format!("{name}: {phone}\r\n")).collect()
}
