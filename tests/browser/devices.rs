//! Who can log in, by device and browser, and how the page tells the others.

use serde_json::json;

use crate::{
    scene::{LOGIN, NEXT, Scene},
    support::browser::Looks,
};

pub(crate) const DESKTOP: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/17.5 Mobile/15E148 Safari/604.1";
const FIREFOX: &str = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
const WEB_VIEW: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) \
                        Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36 [FBAN/EMA]";

/// A device that has, or does not have, Truecaller's app.
async fn device(agent: &'static str, fallback: Option<&'static str>) -> Scene {
    Scene::wishing(&Looks { agent, ..Looks::default() }, |wish| {
        wish.link_base = None;
        wish.fallback = fallback;
    })
    .await
}

async fn is_shown(scene: &Scene, selector: &str) -> bool {
    let script = format!("return Boolean(document.querySelector('{selector}')?.checkVisibility())");
    scene.browser.ask(&script).await == true
}

#[tokio::test]
async fn a_device_without_the_app_is_told_at_once() {
    for (agent, name) in [(DESKTOP, "desktop"), (IPHONE, "iphone")] {
        let scene = device(agent, None).await;
        scene.open(NEXT).await;
        scene.hear("This login needs an Android phone with the Truecaller app").await;
        scene.picture(&format!("wrong-device-{name}")).await;
        assert!(!is_shown(&scene, "#truegate").await && !is_shown(&scene, ".other a").await);
        let cookies = scene.browser.devtools("Network.getCookies", &json!({})).await;
        assert_eq!(cookies["cookies"], json!([]), "no login is started for nothing");
        scene.is_without_complaint().await;

        scene.browser.tap("[data-truegate-anyway]").await;
        scene.is_ready().await;
        assert!(is_shown(&scene, "#truegate").await && !is_shown(&scene, "[data-truegate-anyway]").await);
    }
}

#[tokio::test]
async fn a_device_without_the_app_is_led_to_another_way() {
    let scene = device(IPHONE, Some("/login")).await;
    scene.open(&format!("{LOGIN}#part")).await;
    scene.hear("This login needs an Android phone").await;
    scene.picture("wrong-device-fallback").await;
    scene.browser.tap(".other a").await;
    scene.arrive("/login?next=%2Faccount%2F%3Fa%3Db%26c%3Dd#part").await;
}

#[tokio::test]
async fn a_page_that_plays_the_app_opens_anywhere() {
    let scene = Scene::looking(&Looks { agent: DESKTOP, ..Looks::default() }).await;
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive(NEXT).await;
}

#[tokio::test]
async fn a_browser_gets_the_link_that_works_best_there() {
    for (agent, is_intent) in [(Looks::default().agent, true), (WEB_VIEW, true), (FIREFOX, false)] {
        let scene = device(agent, None).await;
        scene.open(&format!("{LOGIN}#part")).await;
        scene.is_ready().await;
        let link = scene.browser.ask("return document.querySelector('#truegate').href").await;
        let link = link.as_str().unwrap();
        if is_intent {
            let back = scene.browser.ask("return encodeURIComponent(location.href)").await;
            let end = format!(
                "#Intent;scheme=truecallersdk;package=com.truecaller;S.browser_fallback_url={};end",
                back.as_str().unwrap()
            );
            assert!(link.starts_with("intent://truesdk/web_verify?type=btmsheet&") && link.ends_with(&end), "{link}");
        } else {
            assert!(link.starts_with("truecallersdk://truesdk/web_verify?type=btmsheet&"), "{link}");
        }
    }
}

#[tokio::test]
async fn a_page_that_an_intent_comes_back_to_says_that_the_app_is_missing() {
    let scene = Scene::without_app(None).await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    scene.browser.tap("#truegate").await;
    // So a browser comes back: by `S.browser_fallback_url`, which names the page itself.
    scene.browser.client().refresh().await.unwrap();
    scene.browser.keep_focus().await;
    scene.hear("did not open").await;
    scene.is_ready().await;
}

#[tokio::test]
async fn an_app_that_opens_late_is_not_called_missing() {
    let scene = Scene::without_app(None).await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    scene.browser.ask("let looks = 0; document.hasFocus = () => ++looks < 3").await;
    scene.browser.ask(KEEP_WHAT_IS_TOLD).await;
    let request_id = scene.request_id().await;
    scene.browser.tap("#truegate").await;
    scene.hear("Waiting").await;
    scene.browser.until("performance.now() > (window.start ??= performance.now()) + 4000").await;
    let (to, call) = (scene.site.callback_url(), truegate::simulator::Call::flow_invoked());
    scene.truecaller.call(&to, call.request_id(&request_id)).await.unwrap();
    scene.hear("Please confirm").await;
    let told = scene.browser.ask("return localStorage.told").await;
    assert_eq!(told, "|Waiting for Truecaller…|Please confirm in the Truecaller app.");
}

#[tokio::test]
async fn without_scripts_there_is_no_button_and_the_page_says_why() {
    for fallback in [None, Some("/login")] {
        let looks = Looks { scripts: false, ..Looks::default() };
        let scene = Scene::wishing(&looks, |wish| wish.fallback = fallback).await;
        scene.open(LOGIN).await;
        assert!(!is_shown(&scene, "#truegate").await && !is_shown(&scene, "[data-truegate-anyway]").await);
        let text = scene.browser.ask("return document.body.innerText").await;
        assert!(text.as_str().unwrap().contains("This login needs JavaScript, an Android phone and"), "{text}");
        assert_eq!(is_shown(&scene, ".other a").await, fallback.is_some());
        scene.picture("no-script").await;
    }
}

const KEEP_WHAT_IS_TOLD: &str = "
localStorage.told = '';
const status = document.querySelector('[role=status]');
new MutationObserver(() => localStorage.told += '|' + status.textContent).observe(status, { childList: true });";
