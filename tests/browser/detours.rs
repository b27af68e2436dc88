//! Ways through a login that are not the straight one.

use fantoccini::key::Key;

use truegate::simulator::Call;

use crate::{
    scene::{LOGIN, NEXT, Scene},
    support::browser::Looks,
};

const FALLBACK: &str = "/login?next=%2Faccount%2F%3Fa%3Db%26c%3Dd";

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
    let second = scene.another_tab().await;
    scene.open(LOGIN).await;
    let second = (second, scene.tap().await.1);

    scene.react("refuse", &first).await;
    scene.hear("You did not agree").await;
    scene.react("agree", &second).await;

    scene.arrive(NEXT).await;
    scene.is_greeted("+919999999999").await;
}

#[tokio::test]
async fn a_tab_goes_on_when_another_one_logs_in() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    let idle = scene.browser.tab().await;
    let waiting = scene.another_tab().await;
    scene.open("/.truegate/login?next=/account/%23waiting").await;
    scene.tap().await;
    let embedded = scene.another_tab().await;
    scene.open("/embedded").await;
    scene.hear("ready").await;
    scene.another_tab().await;
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;

    scene.react("agree", &tabs).await;
    scene.arrive(NEXT).await;

    // No tab is brought to the front: they go on by themselves.
    for (tab, path) in [(idle, NEXT), (waiting, "/account/#waiting")] {
        scene.browser.client().switch_to_window(tab).await.unwrap();
        scene.arrive(path).await;
    }
    scene.browser.client().switch_to_window(embedded).await.unwrap();
    scene.hear("verified").await;
}

#[tokio::test]
async fn a_tab_that_slept_goes_on_when_it_is_looked_at() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    let asleep = scene.browser.tab().await;
    scene.another_tab().await;
    scene.open("/public/").await;
    let started = "return fetch('/.truegate/login', { method: 'POST' }).then(answer => answer.json())";
    let request_id = scene.browser.ask(started).await["request_id"].as_str().unwrap().to_owned();
    scene.truecaller.call(&scene.site.callback_url(), Call::grant().request_id(&request_id)).await.unwrap();
    let heard =
        format!("return fetch('/.truegate/status?wait=25&request_id={request_id}').then(answer => answer.json())");
    assert_eq!(scene.browser.ask(&heard).await["state"], "verified");

    scene.browser.go_to(&asleep).await;

    scene.arrive(NEXT).await;
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
    scene.browser.client().forward().await.unwrap();
    scene.arrive(NEXT).await;
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
    let scene = Scene::without_app(Some("/login")).await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    scene.browser.press(Key::Tab).await;
    scene.browser.press(Key::Tab).await;
    scene.browser.press(Key::Enter).await;
    scene.arrive(FALLBACK).await;
}

#[tokio::test]
async fn who_comes_back_from_the_fallback_can_still_log_in() {
    let scene = Scene::wishing(&Looks::default(), |wish| wish.fallback = Some("/login")).await;
    scene.open(LOGIN).await;
    scene.browser.tap(".other a").await;
    scene.arrive(FALLBACK).await;

    scene.browser.client().back().await.unwrap();
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;

    scene.arrive(NEXT).await;
}
