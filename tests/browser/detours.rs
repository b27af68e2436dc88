//! Ways through a login that are not the straight one.

use fantoccini::key::Key;

use crate::scene::{LOGIN, NEXT, Scene};

#[tokio::test]
async fn a_reload_in_the_middle_loses_nothing() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;
    scene.browser.go_to(&tabs.0).await;
    scene.hear("Please confirm").await;

    scene.browser.client().refresh().await.unwrap();
    scene.hear("Please confirm").await;
    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn a_reload_after_the_answer_loses_nothing() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;
    scene.browser.go_to(&tabs.0).await;
    scene.hear("Please confirm").await;
    scene.open("/public/").await;
    scene.react("agree", &tabs).await;

    scene.open(LOGIN).await;

    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn two_tabs_are_two_logins() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    let first = scene.tap().await;
    let second = scene.browser.client().new_window(true).await.unwrap().handle;
    scene.browser.go_to(&second).await;
    scene.open(LOGIN).await;
    let second = scene.tap().await;

    scene.react("agree", &second).await;
    scene.arrive(NEXT).await;
    scene.react("refuse", &first).await;
    scene.arrive("/login").await;

    scene.browser.go_to(&second.0).await;
    scene.arrive(NEXT).await;
    scene.is_greeted("+919999999999").await;
}

#[tokio::test]
async fn back_after_success_does_not_lead_to_the_login_again() {
    let scene = Scene::with_phone().await;
    scene.open("/").await;
    scene.browser.tap("#login").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive(NEXT).await;

    scene.browser.client().back().await.unwrap();

    scene.arrive("/").await;
    // What the app showed before comes from the browser's memory, until it is asked again.
    scene.browser.client().refresh().await.unwrap();
    scene.is_greeted("+919999999999").await;
    scene.browser.tap("#login").await;
    scene.browser.until("document.querySelector('#truegate')").await;
    assert_eq!(scene.browser.ask("return document.querySelector('[role=status]').textContent").await, "");
}

#[tokio::test]
async fn a_keyboard_is_enough() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    let site = scene.browser.tab().await;

    scene.browser.press(Key::Tab).await;
    assert_eq!(scene.browser.ask("return document.activeElement.id").await, "truegate");
    let outline = scene.browser.ask("return getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, "solid");
    scene.picture("keyboard").await;
    scene.browser.press(Key::Enter).await;
    let phone = scene.browser.go_to_new(std::slice::from_ref(&site)).await;
    scene.react("agree", &(site, phone)).await;

    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn the_fallback_is_one_link_away() {
    let scene = Scene::without_app().await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    scene.browser.press(Key::Tab).await;
    scene.browser.press(Key::Tab).await;
    scene.browser.press(Key::Enter).await;
    scene.arrive("/login").await;
}

#[tokio::test]
async fn who_comes_back_from_the_fallback_can_still_log_in() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    scene.browser.tap("main > p > a").await;
    scene.arrive("/login").await;

    scene.browser.client().back().await.unwrap();
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
}
