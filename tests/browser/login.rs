//! Logging in on the login page.

use fantoccini::key::Key;

use crate::scene::Scene;

const NEXT: &str = "/account?a=b&c=d";
const LOGIN: &str = "/.truegate/login?next=/account";

#[tokio::test]
async fn who_agrees_goes_to_the_next_page() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;
    scene.browser.go_to(&tabs.0).await;
    scene.hear("Please confirm in the Truecaller app").await;

    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
    scene.keeps_to_its_policy().await;
}

#[tokio::test]
async fn who_does_not_agree_goes_to_the_fallback() {
    for button in ["refuse", "another"] {
        let scene = Scene::with_phone().await;
        scene.open(LOGIN).await;
        let tabs = scene.tap().await;

        scene.react(button, &tabs).await;

        scene.arrive("/login").await;
        scene.keeps_to_its_policy().await;
    }
}

#[tokio::test]
async fn a_profile_that_cannot_be_used_leads_to_the_fallback() {
    let scene = Scene::with_phone().await;
    scene.site.fail_logins(&scene.truecaller);
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;

    scene.react("agree", &tabs).await;

    scene.arrive("/login").await;
}

#[tokio::test]
async fn a_login_that_expires_leads_to_the_fallback() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    let (site, _) = scene.tap().await;
    scene.browser.go_to(&site).await;
    scene.hear("Please confirm").await;

    scene.site.expire_logins();

    scene.arrive("/login").await;
}

#[tokio::test]
async fn without_the_app_the_page_says_so_and_goes_to_the_fallback() {
    let scene = Scene::without_app().await;
    scene.open(LOGIN).await;
    scene.browser.ask(KEEP_WHAT_IS_TOLD).await;

    scene.browser.tap("#truegate").await;

    scene.arrive("/login").await;
    let told = scene.browser.ask("return localStorage.told").await;
    assert_eq!(told, "|Waiting for Truecaller…|The Truecaller app did not open. Here is another way…");
    scene.keeps_to_its_policy().await;
}

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
    scene.open("/elsewhere").await;
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
}

#[tokio::test]
async fn back_after_success_does_not_lead_to_the_login_again() {
    let scene = Scene::with_phone().await;
    scene.open("/shop").await;
    scene.browser.tap("#login").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive(NEXT).await;

    scene.browser.client().back().await.unwrap();

    scene.arrive("/shop").await;
    scene.browser.tap("#login").await;
    scene.browser.until("document.querySelector('#truegate')").await;
    assert_eq!(scene.browser.ask("return document.querySelector('[role=status]').textContent").await, "");
}

#[tokio::test]
async fn a_keyboard_is_enough() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    let site = scene.browser.tab().await;

    scene.browser.press(Key::Tab).await;
    assert_eq!(scene.browser.ask("return document.activeElement.id").await, "truegate");
    let outline = scene.browser.ask("return getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, "solid");
    scene.browser.press(Key::Enter).await;
    let phone = scene.browser.go_to_new(std::slice::from_ref(&site)).await;
    scene.react("agree", &(site, phone)).await;

    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn the_fallback_is_one_link_away() {
    let scene = Scene::without_app().await;
    scene.open(LOGIN).await;
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

#[tokio::test]
async fn when_no_login_can_start_the_page_offers_both_ways_on() {
    let scene = Scene::with_phone().await;
    scene.site.set_available(false);
    scene.open(LOGIN).await;
    scene.browser.until("document.querySelector('h1').textContent === 'Truecaller login is not available now'").await;
    scene.keeps_to_its_policy().await;

    scene.site.set_available(true);
    scene.browser.tap("a.button").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
}

/// Keeps every text of the status, for the page that comes after.
const KEEP_WHAT_IS_TOLD: &str = "
localStorage.told = '';
const status = document.querySelector('[role=status]');
new MutationObserver(() => localStorage.told += '|' + status.textContent).observe(status, { childList: true });";
