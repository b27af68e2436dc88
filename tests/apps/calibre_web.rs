//! calibre-web, which also wants a secret of the proxy's.

use std::path::Path;

use serde_json::Value;

use crate::{
    browser::{Browser, Reached},
    installed,
    page::Page,
    people::{self, App},
    site::{ASHA, Person, RAJAT, SHARED_SECRET, Site},
    support::{port::Port, server::Server},
};

#[tokio::test]
async fn calibre_web_knows_the_person_at_the_browser() {
    let page = Page::read("calibre-web.md");
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    make_library(folder.path());
    let library = folder.path().display().to_string();
    let mut command = installed::python("cps");
    command.args(["-i", "127.0.0.1"]).env("CALIBRE_DBPATH", folder.path());
    command.env("CALIBRE_PORT", port.address().port().to_string());
    let calibre_web = Server::start(command, port, folder).await;
    set_up(&page, &calibre_web, &library).await;

    let site = Site::of(&page, "127.0.0.1:8083", calibre_web.address()).await;
    people::are_kept_apart(&site, &CalibreWeb).await;

    // Somebody who gets past truegate has no secret, and no user either.
    let mut past = Browser::direct(calibre_web.address());
    past.spoof(&format!("X-Truecaller-Phone: {}\r\nX-Shared-Secret: a guess\r\n", RAJAT.phone));
    assert_eq!(past.open("/me").await.path(), "/login");
}

/// A library without books.
fn make_library(folder: &Path) {
    std::fs::write(folder.join("library.sql"), include_str!("calibre.sql")).unwrap();
    let program = "import sqlite3; sqlite3.connect('metadata.db').executescript(open('library.sql').read())";
    installed::run(installed::python("python").args(["-c", program]).current_dir(folder));
}

/// What the page tells the administrator to do.
async fn set_up(page: &Page, calibre_web: &Server, library: &str) {
    let mut admin = Browser::direct(calibre_web.address());
    let token = admin.open("/login").await.field("csrf_token");
    let fields = [("csrf_token", token.as_str()), ("username", "admin"), ("password", "admin123")];
    let entered = admin.submit("/login", &fields).await;
    assert_eq!(entered.path(), "/admin/dbconfig", "{}", entered.text());
    let token = entered.field("csrf_token");
    let fields = [("csrf_token", token.as_str()), ("config_calibre_dir", library)];
    let configured = admin.submit("/admin/dbconfig", &fields).await;
    assert!(configured.text().contains("Database Settings updated"), "{}", configured.text());
    for Person { phone, .. } in [RAJAT, ASHA] {
        let token = admin.open("/admin/user/new").await.field("csrf_token");
        let mail = format!("{}@shop.example", phone.trim_start_matches('+'));
        let fields = [
            ("csrf_token", token.as_str()),
            ("name", phone),
            ("email", &mail),
            ("password", "Not-used-at-all-1"),
            ("locale", "en"),
            ("default_language", "all"),
        ];
        let made = admin.submit("/admin/user/new", &fields).await;
        assert!(made.text().contains("created"), "{}", made.text());
    }
    let form = admin.open("/admin/config").await;
    let token = form.field("csrf_token");
    // With these as they are, calibre-web needs no restart.
    let port = calibre_web.address().port().to_string();
    let mut fields = vec![
        ("csrf_token".to_owned(), token),
        ("config_port".to_owned(), port),
        ("config_session".to_owned(), "1".to_owned()),
        ("config_ratelimiter".to_owned(), "on".to_owned()),
        ("config_login_type".to_owned(), "0".to_owned()),
        ("config_password_min_length".to_owned(), "8".to_owned()),
    ];
    for [label, value] in page.table() {
        let value = if value.ends_with("`SHARED_SECRET`") { SHARED_SECRET } else { value.trim_matches('`') };
        fields.push((form.labelled(label), value.to_owned()));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let saved = admin.submit("/admin/ajaxconfig", &fields).await;
    let saved: Value = serde_json::from_slice(&saved.answer.body).unwrap();
    assert_eq!((&saved["result"][0]["type"], &saved["reboot"]), (&"success".into(), &false.into()), "{saved}");
}

struct CalibreWeb;

impl App for CalibreWeb {
    async fn open(&self, browser: &mut Browser) -> Reached {
        browser.open("/me").await
    }

    async fn log_out(&self, browser: &mut Browser) -> Reached {
        browser.open("/.truegate/logout").await
    }

    fn header(&self) -> &'static str {
        "X-Truecaller-Phone"
    }
}
