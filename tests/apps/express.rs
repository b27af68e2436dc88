//! Express.

use crate::{
    browser::{Browser, Reached},
    installed,
    page::Page,
    people::{self, App},
    site::{ASHA, Site},
    support::{port::Port, server::Server},
};

#[tokio::test]
async fn express_knows_the_person_at_the_browser() {
    let page = Page::read("express.md");
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    let script = page.file("app.js").replace("3000", &port.address().port().to_string());
    std::fs::write(folder.path().join("app.js"), script).unwrap();
    let mut command = installed::node();
    command.arg("app.js").env("SESSION_SECRET", "the app's own");
    let express = Server::start(command, port, folder).await;
    let site = Site::of(&page, "127.0.0.1:3000", express.address()).await;
    people::are_kept_apart(&site, &Express).await;

    let mut browser = site.browser();
    site.log_in(&mut browser, ASHA).await;
    let greeting = Express.open(&mut browser).await.text();
    assert!(greeting.contains("आशा राव"), "{greeting}");
}

struct Express;

impl App for Express {
    async fn open(&self, browser: &mut Browser) -> Reached {
        browser.open("/").await
    }

    async fn log_out(&self, browser: &mut Browser) -> Reached {
        browser.submit("/logout", &[]).await
    }

    fn header(&self) -> &'static str {
        "X-Truecaller-Phone"
    }
}
