//! Roundup, with its classic tracker.

use std::{fs, path::Path};

use crate::{
    browser::{Browser, Reached},
    installed,
    page::Page,
    people::{self, App},
    site::{ASHA, Person, RAJAT, Site},
    support::{port::Port, server::Server},
};

#[tokio::test]
async fn roundup_knows_the_person_at_the_browser() {
    let page = Page::read("roundup.md");
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    let tracker = folder.path().join("tracker");
    make_tracker(&page, &tracker);
    let place = tracker.display().to_string();
    fs::write(folder.path().join("wsgi.py"), page.file("wsgi.py").replace("/srv/tracker", &place)).unwrap();
    let serve = "import sys; from wsgiref.simple_server import make_server; from wsgi import app\n\
        make_server('127.0.0.1', int(sys.argv[1]), app).serve_forever()";
    let mut command = installed::python("python");
    command.args(["-c", serve, &port.address().port().to_string()]);
    let roundup = Server::start(command, port, folder).await;
    let site = Site::of(&page, "127.0.0.1:8000", roundup.address()).await;
    people::are_kept_apart(&site, &Roundup).await;
}

fn make_tracker(page: &Page, tracker: &Path) {
    let admin =
        |arguments: &[&str]| installed::run(installed::python("roundup-admin").arg("-i").arg(tracker).args(arguments));
    admin(&["install", "classic", "anydbm"]);
    let file = tracker.join("config.ini");
    let mut config = fs::read_to_string(&file).unwrap();
    let needed = ["domain = shop.example", "host = localhost"];
    let shown = page.block("ini");
    for line in shown.lines().filter(|line| !line.starts_with(['#', '['])).chain(needed) {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        config = config.lines().map(|known| if sets(known, key) { line } else { known }).collect::<Vec<_>>().join("\n");
        assert!(config.contains(line), "{key} is not a key of config.ini");
    }
    fs::write(file, config).unwrap();
    let page_file = tracker.join("html/page.html");
    let template = fs::read_to_string(&page_file).unwrap();
    let action = template.find("{'@action':'logout'}").expect("a link to log out");
    let (start, length) = (template[..action].rfind("<a ").unwrap(), template[action..].find("</a>").unwrap());
    let link = page.block("html");
    fs::write(page_file, format!("{}{link}{}", &template[..start], &template[action + length + 4..])).unwrap();
    admin(&["initialise", "the administrator's password"]);
    for Person { phone, .. } in [RAJAT, ASHA] {
        let command = page.block("sh").replace(RAJAT.phone, phone).replace("rajat@", &format!("{}@", &phone[1..]));
        admin(&command.split_whitespace().skip(3).collect::<Vec<_>>());
    }
}

/// Whether a line of the configuration sets a key, perhaps as a comment.
fn sets(line: &str, key: &str) -> bool {
    line.trim_start_matches('#').split_once(" =").is_some_and(|(known, _)| known == key)
}

struct Roundup;

impl App for Roundup {
    async fn open(&self, browser: &mut Browser) -> Reached {
        browser.open("/").await
    }

    async fn log_out(&self, browser: &mut Browser) -> Reached {
        let page = self.open(browser).await;
        let text = page.text();
        let (before, _) = text.split_once(">Logout</a>").expect("a link to log out");
        let (_, link) = before.rsplit_once("href=\"").expect("a link leads somewhere");
        let path = link.split('"').next().unwrap().to_owned();
        browser.open(&path).await
    }

    fn header(&self) -> &'static str {
        "X-Truecaller-Phone"
    }
}
