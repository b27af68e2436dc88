//! Logging in on the login page.

use truegate::simulator::{Call, Fault};

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
async fn who_does_not_agree_hears_it_and_can_try_again() {
    let scene = Scene::with_phone().await;
    for (button, words) in [("refuse", "You did not agree"), ("another", "You chose another number")] {
        scene.open(LOGIN).await;
        let tabs = scene.tap().await;
        scene.react(button, &tabs).await;
        scene.hear(words).await;
        scene.picture(button).await;
        assert_eq!(label(&scene).await, "Try again");
        scene.is_without_complaint().await;
    }

    scene.browser.until(IS_READY_AGAIN).await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn a_profile_that_cannot_be_used_is_told_and_can_be_tried_again() {
    let scene = Scene::with_phone().await;
    scene.truecaller.set_fault(Fault::Inactive);
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;

    scene.react("agree", &tabs).await;

    scene.hear("could not confirm your number").await;
    assert_eq!(label(&scene).await, "Try again");
    scene.picture("failed").await;
    scene.open("/").await;
    scene.is_greeted("stranger").await;
}

#[tokio::test]
async fn a_login_that_expires_can_be_tried_again() {
    let scene = Scene::in_a_hurry().await;
    scene.open(LOGIN).await;

    let (site, _) = scene.tap().await;
    scene.browser.go_to(&site).await;

    scene.hear("That took too long").await;
    scene.picture("expired").await;
    assert_eq!(label(&scene).await, "Try again");
    scene.browser.until(IS_READY_AGAIN).await;
}

#[tokio::test]
async fn without_the_app_the_page_says_so_and_goes_on_waiting() {
    let scene = Scene::without_app(None).await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    let request_id = scene.request_id().await;
    scene.browser.tap("#truegate").await;

    scene.hear("did not open").await;
    assert_eq!(label(&scene).await, "Try again");
    scene.picture("no-app").await;

    let to = scene.site.callback_url();
    scene.truecaller.call(&to, Call::flow_invoked().request_id(&request_id)).await.unwrap();
    scene.hear("Please confirm in the Truecaller app").await;
    scene.truecaller.call(&to, Call::grant().request_id(&request_id)).await.unwrap();
    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn with_a_fallback_whoever_does_not_log_in_goes_there_with_the_return_path() {
    let scene = Scene::wishing(&Looks::default(), |wish| wish.fallback = Some("/login?by=sms")).await;
    for button in ["refuse", "another"] {
        scene.open(LOGIN).await;
        let tabs = scene.tap().await;
        scene.react(button, &tabs).await;
        scene.arrive(FALLBACK).await;
    }
    scene.picture("fallback").await;
    scene.truecaller.set_fault(Fault::Inactive);
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive(FALLBACK).await;
    scene.is_without_complaint().await;
    scene.open("/").await;
    scene.is_greeted("stranger").await;
}

#[tokio::test]
async fn with_a_fallback_and_without_the_app_the_page_says_so_and_goes_there() {
    let scene = Scene::without_app(Some("/login?by=sms")).await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    scene.browser.ask(KEEP_WHAT_IS_TOLD).await;
    scene.browser.tap("#truegate").await;

    scene.arrive(FALLBACK).await;
    let told = scene.browser.ask("return localStorage.told").await;
    assert_eq!(told, "|Waiting for Truecaller…|The Truecaller app did not open. Is it on this phone?");
}

#[tokio::test]
async fn the_part_of_a_page_that_only_the_browser_knows_is_kept() {
    let scene = Scene::wishing(&Looks::default(), |wish| wish.fallback = Some("/login")).await;
    scene.open("/account/?a=b&c=d#part/2?x").await;
    let tabs = scene.tap().await;
    scene.react("refuse", &tabs).await;
    scene.arrive("/login?next=%2Faccount%2F%3Fa%3Db%26c%3Dd#part/2?x").await;

    scene.open("/account/?a=b&c=d#part/2?x").await;
    let tabs = scene.tap().await;
    scene.browser.go_to(&tabs.0).await;
    scene.hear("Please confirm").await;
    // Android may throw the tab away, and open the address again without what the page knew.
    scene.open(LOGIN).await;
    scene.react("agree", &tabs).await;
    scene.arrive("/account/?a=b&c=d#part/2?x").await;
    scene.open("/.truegate/login?next=/account/#another").await;
    scene.arrive("/account/#another").await;
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

async fn label(scene: &Scene) -> String {
    let label = scene.browser.ask("return document.querySelector('#truegate').textContent").await;
    label.as_str().unwrap().to_owned()
}

/// A login was asked for since the last one ended.
const IS_READY_AGAIN: &str = "document.querySelector('#truegate').matches('[href]:not([aria-disabled])')";
const FALLBACK: &str = "/login?by=sms&next=%2Faccount%2F%3Fa%3Db%26c%3Dd";
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
