//! JupyterHub, with its proxy.

use std::{env, time::Duration};

use tokio::time::sleep;

use crate::{
    browser::{Browser, Reached},
    installed,
    page::Page,
    people::{self, App},
    site::Site,
    support::{
        port::Port,
        raw::{exchange, get},
        server::Server,
    },
};

#[tokio::test]
async fn jupyterhub_knows_the_person_at_the_browser() {
    let page = Page::read("jupyterhub.md");
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    let (hub, proxy) = (Port::reserve(), Port::reserve());
    let shown = page.file_at("jupyterhub_config.py", "127.0.0.1:8000", port.address());
    let inner = format!(
        "c.JupyterHub.hub_port = {}\nc.ConfigurableHTTPProxy.api_url = 'http://{}'\n",
        hub.address().port(),
        proxy.address()
    );
    std::fs::write(folder.path().join("jupyterhub_config.py"), shown + &inner).unwrap();
    let mut command = installed::python("jupyterhub");
    let path = env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", installed::node_modules().join(".bin").display()));
    let jupyterhub = Server::start(command, port, folder).await;
    // Its proxy listens before the hub does.
    while exchange(jupyterhub.address(), get("/hub/health", "")).await.is_none_or(|answer| answer.status() != 200) {
        sleep(Duration::from_millis(50)).await;
    }
    let site = Site::of(&page, "127.0.0.1:8000", jupyterhub.address()).await;
    people::are_kept_apart(&site, &JupyterHub).await;
}

struct JupyterHub;

impl App for JupyterHub {
    async fn open(&self, browser: &mut Browser) -> Reached {
        browser.open("/hub/home").await
    }

    async fn log_out(&self, browser: &mut Browser) -> Reached {
        browser.open("/hub/logout").await
    }

    fn header(&self) -> &'static str {
        "X-Truecaller-Phone"
    }
}
