//! Sinatra.

use std::process::Command;

use crate::{
    browser::{Browser, Reached},
    page::Page,
    people::{self, App},
    site::{ASHA, Site},
    support::{port::Port, server::Server},
};

#[tokio::test]
async fn sinatra_knows_the_person_at_the_browser() {
    let page = Page::read("sinatra.md");
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    let script = page.file("app.rb").replace("4567", &port.address().port().to_string());
    std::fs::write(folder.path().join("app.rb"), script).unwrap();
    let mut command = Command::new("ruby");
    command.args(["app.rb", "-q"]).env("SESSION_SECRET", "the app's own".repeat(8));
    let sinatra = Server::start(command, port, folder).await;
    let site = Site::of(&page, "127.0.0.1:4567", sinatra.address()).await;
    people::are_kept_apart(&site, &Sinatra).await;

    let mut browser = site.browser();
    site.log_in(&mut browser, ASHA).await;
    let greeting = Sinatra.open(&mut browser).await.text();
    assert!(greeting.contains("आशा राव"), "{greeting}");
}

struct Sinatra;

impl App for Sinatra {
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
