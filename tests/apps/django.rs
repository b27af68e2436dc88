//! Django, with its admin site.

use crate::{
    browser::{Browser, Reached},
    installed,
    page::Page,
    people::{self, App},
    site::{ASHA, PRIYA, RAJAT, Site},
    support::{port::Port, server::Server},
};

#[tokio::test]
async fn django_knows_the_person_at_the_browser() {
    let page = Page::read("django.md");
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    installed::run(installed::python("django-admin").args(["startproject", "shop", "."]).current_dir(&folder));
    let settings = folder.path().join("shop/settings.py");
    let added = std::fs::read_to_string(&settings).unwrap() + &page.file("shop/settings.py");
    std::fs::write(settings, added).unwrap();
    std::fs::write(folder.path().join("shop/truegate.py"), page.file("shop/truegate.py")).unwrap();
    let manage = |arguments: &[&str]| {
        let mut command = installed::python("python");
        command.arg("manage.py").args(arguments).current_dir(&folder);
        command
    };
    installed::run(&mut manage(&["migrate", "--verbosity", "0"]));
    for person in [RAJAT, ASHA] {
        let line = page.block("sh").replace(RAJAT.phone, person.phone);
        let arguments: Vec<_> = line.split_whitespace().skip(2).collect();
        installed::run(&mut manage(&arguments));
    }
    let runserver = manage(&["runserver", "--noreload", &port.address().to_string()]);
    let django = Server::start(runserver, port, folder).await;
    let site = Site::of(&page, "127.0.0.1:8000", django.address()).await;
    people::are_kept_apart(&site, &Django).await;

    let mut browser = site.browser();
    site.log_in(&mut browser, PRIYA).await;
    let text = Django.open(&mut browser).await.text();
    let known = "You are authenticated as +14155550123, but are not authorized";
    assert!(text.contains(known), "Django makes a user of whoever comes: {text}");
}

struct Django;

impl App for Django {
    async fn open(&self, browser: &mut Browser) -> Reached {
        browser.open("/admin/").await
    }

    async fn log_out(&self, browser: &mut Browser) -> Reached {
        let token = self.open(browser).await.field("csrfmiddlewaretoken");
        browser.submit("/admin/logout/", &[("csrfmiddlewaretoken", &token)]).await
    }

    fn header(&self) -> &'static str {
        "X-Truecaller-Phone"
    }
}
