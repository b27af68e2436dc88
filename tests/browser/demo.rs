//! The links that `truegate demo` ends with, and both ways to log in there.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::{
    devices::DESKTOP,
    screens,
    support::browser::{Browser, Looks},
};

#[tokio::test]
async fn one_login_opens_both_apps_of_the_demo_and_one_logout_closes_both() {
    let demo = Demo::start();
    let browser = Browser::start().await;
    browser.open(&demo.shop).await;
    browser.until(&greeting("stranger")).await;
    screens::keep(&browser, "demo").await;

    browser.tap("#login").await;
    let site = browser.tab().await;
    browser.until("document.querySelector('#truegate[href]')").await;
    browser.tap("#truegate").await;
    browser.go_to_new(std::slice::from_ref(&site)).await;
    browser.tap("#agree").await;
    browser.until("document.body.innerText.includes('Go back to the site')").await;
    browser.go_to(&site).await;
    browser.until(&greeting("+919999999999")).await;
    let page = browser.ask("return document.body.innerText").await;
    assert!(page.as_str().unwrap().contains("+ x-truecaller-name: Rajat Kapoor"), "{page}");
    screens::keep(&browser, "demo-greeted").await;

    browser.open(&demo.wiki).await;
    browser.until(&greeting("+919999999999")).await;
    assert_eq!(browser.ask("return document.title").await, "A sample wiki");

    browser.open(&demo.shop).await;
    browser.tap("#logout").await;
    browser.until(&greeting("stranger")).await;
    browser.open(&demo.wiki).await;
    browser.until("document.querySelector('#truegate')").await;
    let console = browser.console().await;
    assert!(!console.iter().any(|line| line.starts_with("SEVERE")), "{console:#?}");
}

#[tokio::test]
async fn a_code_of_the_shop_opens_the_wiki_on_a_desktop_with_scripts_and_without() {
    for scripts in [true, false] {
        let demo = Demo::start();
        let browser = Browser::looking(&Looks { agent: DESKTOP, scripts, ..Looks::default() }).await;
        browser.open(&demo.wiki).await;
        browser.tap(".other a").await;
        browser.until("document.querySelector('[name=phone]')").await;
        screens::keep(&browser, "demo-number").await;
        let at = browser.ask("return location.origin + location.pathname").await;
        assert_eq!(at, format!("{}login", demo.shop));
        type_in(&browser, "phone", "+447700900123").await;
        browser.until("document.querySelector('[name=code]')").await;
        screens::keep(&browser, "demo-code").await;
        type_in(&browser, "code", "not-it").await;
        browser.until("document.querySelector('#problem')").await;
        let code = browser.ask("return document.querySelector('#code').textContent").await;
        type_in(&browser, "code", code.as_str().unwrap()).await;

        browser.until(&greeting("+447700900123")).await;
        assert_eq!(browser.ask("return document.title").await, "A sample wiki");
        let page = browser.ask("return document.body.innerText").await;
        assert!(page.as_str().unwrap().contains("+ x-truecaller-method: site"), "{page}");
        browser.open(&demo.shop).await;
        browser.until(&greeting("+447700900123")).await;
    }
}

/// Types into a field of the page, and sends the form.
async fn type_in(browser: &Browser, field: &str, text: &str) {
    browser.ask(&format!("document.querySelector('[name={field}]').value = '{text}'")).await;
    browser.tap("button").await;
}

fn greeting(name: &str) -> String {
    format!("document.querySelector('h1')?.textContent === 'Hello, {name}!'")
}

/// A demo that goes on; it is killed when it is dropped.
struct Demo {
    child: Child,
    shop: String,
    wiki: String,
}

impl Demo {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
        command.args(["demo", "--listen", "127.0.0.1:0"]).env_remove("RUST_LOG").stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
        let text: Vec<_> = lines.take_while(|line| line != "Ctrl-C ends the demo.").collect();
        let mut links =
            text.iter().rev().filter(|line| line.starts_with("  http://")).map(|line| line.trim().to_owned());
        let (wiki, shop) = (links.next().unwrap(), links.next().unwrap());
        Self { child, shop, wiki }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
