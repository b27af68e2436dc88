//! Flask-AppBuilder.

use crate::{
    browser::{Browser, Reached},
    installed,
    page::Page,
    people::{self, App},
    site::Site,
    support::{port::Port, server::Server},
};

#[tokio::test]
async fn flask_appbuilder_knows_the_person_at_the_browser() {
    let page = Page::read("flask-appbuilder.md");
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    for file in ["config.py", "app.py"] {
        std::fs::write(folder.path().join(file), page.file(file)).unwrap();
    }
    let mut command = installed::python("flask");
    command.args(["--app", "app", "run", "--port", &port.address().port().to_string()]);
    command.env("SECRET_KEY", "the app's own");
    let flask = Server::start(command, port, folder).await;
    let site = Site::of(&page, "127.0.0.1:5000", flask.address()).await;
    people::are_kept_apart(&site, &FlaskAppBuilder).await;
}

struct FlaskAppBuilder;

impl App for FlaskAppBuilder {
    async fn open(&self, browser: &mut Browser) -> Reached {
        browser.open("/login/").await
    }

    async fn log_out(&self, browser: &mut Browser) -> Reached {
        browser.open("/logout/").await
    }

    fn header(&self) -> &'static str {
        "X-Truecaller-Phone"
    }
}
