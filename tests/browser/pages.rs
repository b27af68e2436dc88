//! The pages beside the login page.

use crate::scene::{NEXT, Scene};

/// Logs in, and arrives at a page that needs it.
async fn logged_in() -> Scene {
    let scene = Scene::with_phone().await;
    scene.open(NEXT).await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive(NEXT).await;
    scene
}

#[tokio::test]
async fn who_is_not_listed_can_use_another_number() {
    let scene = logged_in().await;
    scene.open("/vip/?a=b").await;
    scene.browser.until("document.querySelector('h1').textContent === 'This number has no access'").await;
    assert_eq!(scene.browser.ask("return document.querySelector('.phone').innerText").await, "+••••••••••99");
    scene.picture("not-listed").await;

    scene.browser.tap(".button").await;
    let tabs = scene.tap().await;
    scene.browser.ask("document.querySelector('#phone').value = '447911123456'").await;
    scene.react("agree", &tabs).await;

    scene.arrive("/vip/?a=b").await;
    scene.is_greeted("+447911123456").await;
    scene.complains_of_nothing_but("status of 403").await;
}

#[tokio::test]
async fn a_form_that_is_sent_after_the_session_ended_leads_back() {
    let scene = logged_in().await;
    scene.browser.devtools("Network.clearBrowserCookies", &serde_json::json!({})).await;
    scene.browser.tap("#save").await;
    scene.browser.until("document.querySelector('h1').textContent === 'Your session has ended'").await;
    scene.picture("session-ended").await;

    scene.browser.tap(".button").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn an_app_that_does_not_answer_can_be_tried_again() {
    let mut scene = logged_in().await;
    scene.site.stop_app();
    scene.open(NEXT).await;
    scene.browser.until("document.querySelector('h1').textContent === 'A&B #1 दुकान does not answer'").await;
    scene.picture("unreachable").await;
    assert_eq!(scene.browser.ask("return document.querySelector('.button').getAttribute('href')").await, NEXT);
}

#[tokio::test]
async fn a_logout_link_asks_first() {
    let scene = logged_in().await;
    scene.open("/.truegate/logout?next=/public/").await;
    scene.browser.until("document.querySelector('h1').textContent === 'Log out of A&B #1 दुकान?'").await;
    scene.picture("logout").await;
    scene.browser.tap(".button").await;
    scene.arrive("/public/").await;
    scene.open("/").await;
    scene.is_greeted("stranger").await;
    scene.is_without_complaint().await;
}

#[tokio::test]
async fn an_apps_own_logout_ends_the_session_as_well() {
    let scene = logged_in().await;
    scene.browser.tap("#signout").await;
    scene.arrive("/public/").await;
    scene.open("/").await;
    scene.is_greeted("stranger").await;
}
