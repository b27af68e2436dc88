//! Logging in on the login page.

use truegate::simulator::Day;

use crate::{
    scene::{LOGIN, NEXT, Scene},
    support::{browser::Looks, redis::Redis},
};

#[tokio::test]
async fn who_agrees_goes_to_the_page_that_needs_a_login() {
    let scene = Scene::with_phone().await;
    scene.open(NEXT).await;
    scene.picture("login").await;
    let tabs = scene.tap().await;
    scene.picture("phone").await;
    scene.browser.go_to(&tabs.0).await;
    scene.hear("Please confirm in the Truecaller app").await;
    scene.picture("opened").await;

    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
    scene.is_greeted("+919999999999").await;
    scene.picture("greeted").await;
    scene.is_without_complaint().await;
}

#[tokio::test]
async fn who_does_not_agree_goes_to_the_fallback() {
    let scene = Scene::with_phone().await;
    for (button, words) in [("refuse", "You did not agree"), ("another", "Here you can use another number")] {
        scene.open(LOGIN).await;
        scene.browser.ask(KEEP_WHAT_IS_TOLD).await;
        let tabs = scene.tap().await;

        scene.react(button, &tabs).await;

        scene.arrive("/login").await;
        let told = scene.browser.ask("return localStorage.told").await;
        assert!(told.as_str().unwrap().contains(words), "{told}");
    }
    scene.picture("refused").await;
    scene.is_without_complaint().await;
    scene.open("/").await;
    scene.is_greeted("stranger").await;
}

#[tokio::test]
async fn a_profile_that_cannot_be_used_leads_to_the_fallback() {
    let scene = Scene::with_phone().await;
    scene.truecaller.set_day(Day::Inactive);
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;

    scene.react("agree", &tabs).await;

    scene.arrive("/login").await;
    scene.open("/").await;
    scene.is_greeted("stranger").await;
}

#[tokio::test]
async fn a_login_that_expires_leads_to_the_fallback() {
    let scene = Scene::in_a_hurry().await;
    scene.open(LOGIN).await;
    scene.browser.ask(KEEP_WHAT_IS_TOLD).await;

    let (site, _) = scene.tap().await;
    scene.browser.go_to(&site).await;

    scene.arrive("/login").await;
    let told = scene.browser.ask("return localStorage.told").await;
    assert!(told.as_str().unwrap().contains("That took too long"), "{told}");
}

#[tokio::test]
async fn without_the_app_the_page_says_so_and_goes_to_the_fallback() {
    let scene = Scene::without_app().await;
    scene.open(LOGIN).await;
    scene.browser.ask(KEEP_WHAT_IS_TOLD).await;

    scene.is_ready().await;
    scene.browser.tap("#truegate").await;

    scene.hear("did not open").await;
    scene.picture("no-app").await;
    scene.arrive("/login").await;
    let told = scene.browser.ask("return localStorage.told").await;
    assert_eq!(told, "|Waiting for Truecaller…|The Truecaller app did not open. Here is another way…");
    scene.is_without_complaint().await;
}

#[tokio::test]
async fn when_no_login_can_start_the_page_says_so_and_tries_again() {
    let mut redis = Redis::stopped();
    let scene = Scene::wishing(&Looks::default(), |wish| wish.store = Some(redis.url())).await;
    scene.open(LOGIN).await;
    scene.hear("is not available now").await;
    scene.picture("unavailable").await;
    scene.complains_of_nothing_but("status of 503").await;

    redis.restart();
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn a_page_of_the_operators_own_takes_the_place_of_ours() {
    let scene = Scene::wishing(&Looks::default(), |wish| wish.page = Some(OWN_PAGE)).await;
    scene.open(NEXT).await;
    assert_eq!(scene.browser.ask("return document.querySelector('h1').textContent").await, "Welcome to A&B #1 दुकान");
    scene.picture("own-page").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
    scene.is_without_complaint().await;
}

const OWN_PAGE: &str = r#"<!doctype html><html lang="{{ language }}"><meta charset="utf-8"><title>Welcome</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style nonce="{{ style_nonce }}">body { margin: 2rem; background: #fff3d6; color: #402a00; font: 1.25rem/1.5 serif } a { color: inherit }</style>
<script src="{{ path }}/truegate.js" defer></script>
<h1>Welcome to {{ partner }}</h1>
<p><a id="truegate" data-truegate-login data-next="{{ next }}" data-fallback="{{ fallback }}">{{ text.button }}</a></p>
<p role="status"></p></html>"#;
/// Keeps every text of the status, for the page that comes after.
const KEEP_WHAT_IS_TOLD: &str = "
localStorage.told = '';
const status = document.querySelector('[role=status]');
new MutationObserver(() => localStorage.told += '|' + status.textContent).observe(status, { childList: true });";
