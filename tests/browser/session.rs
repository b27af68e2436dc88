//! What a browser keeps of a login, and how it ends.

use serde_json::json;

use crate::scene::Scene;

const ACCOUNT: &str = "/account/";

#[tokio::test]
async fn no_script_can_read_who_is_logged_in() {
    let scene = Scene::with_phone().await;
    log_in(&scene, "919999999999").await;

    let readable = "return document.cookie + JSON.stringify([{ ...localStorage }, { ...sessionStorage }])";
    assert_eq!(scene.browser.ask(readable).await, "[{},{}]");
    let cookies = scene.browser.devtools("Network.getCookies", &json!({})).await;
    let cookies = cookies["cookies"].as_array().unwrap();
    let ours: Vec<_> =
        cookies.iter().filter(|cookie| cookie["name"].as_str().unwrap().starts_with("truegate")).collect();
    let names = ["truegate", "truegate-login", "truegate-of-PHPSESSID"];
    assert!(names.iter().all(|name| ours.iter().any(|cookie| cookie["name"] == *name)), "{cookies:#?}");
    assert_eq!(ours.len(), names.len(), "{cookies:#?}");
    assert!(ours.iter().all(|cookie| cookie["httpOnly"] == true), "{ours:#?}");
    // The one that goes with a cookie of the app's has the attributes of that.
    let own = ours.iter().filter(|cookie| cookie["name"] != "truegate-of-PHPSESSID");
    assert!(own.into_iter().all(|cookie| cookie["sameSite"] == "Lax"), "{ours:#?}");
}

#[tokio::test]
async fn a_logout_makes_a_stranger_of_the_browser() {
    let scene = Scene::with_phone().await;
    log_in(&scene, "919999999999").await;
    scene.open(ACCOUNT).await;
    assert_eq!(scene.visits().await, 2);

    scene.browser.tap("#logout").await;

    scene.arrive("/").await;
    scene.is_greeted("stranger").await;
    assert_eq!(scene.visits().await, 1, "the app's own cookie is gone");
    scene.picture("logged-out").await;
    scene.open(ACCOUNT).await;
    scene.browser.until("location.pathname === '/.truegate/login'").await;
    scene.is_without_complaint().await;
}

#[tokio::test]
async fn another_user_starts_anew_with_the_app() {
    let scene = Scene::with_phone().await;
    log_in(&scene, "919999999999").await;
    scene.open(ACCOUNT).await;
    assert_eq!(scene.visits().await, 2);

    scene.browser.tap("#another").await;
    scene.hear("ready").await;
    let tabs = scene.tap().await;
    scene.browser.ask("document.querySelector('#phone').value = '919999900001'").await;
    scene.react("agree", &tabs).await;
    scene.hear("verified").await;
    scene.open(ACCOUNT).await;

    scene.is_greeted("+919999900001").await;
    assert_eq!(scene.visits().await, 1, "the app's own cookie is gone");
}

#[tokio::test]
async fn a_public_page_learns_nothing() {
    let scene = Scene::with_phone().await;
    log_in(&scene, "919999999999").await;
    scene.open("/public/").await;
    scene.is_greeted("stranger").await;
    scene.open("/").await;
    scene.is_greeted("+919999999999").await;
}

async fn log_in(scene: &Scene, phone: &str) {
    scene.open(ACCOUNT).await;
    agree_as(scene, phone).await;
    scene.is_greeted(&format!("+{phone}")).await;
}

/// Goes from the login page to the page of the account.
async fn agree_as(scene: &Scene, phone: &str) {
    let tabs = scene.tap().await;
    scene.browser.ask(&format!("document.querySelector('#phone').value = '{phone}'")).await;
    scene.react("agree", &tabs).await;
    scene.arrive(ACCOUNT).await;
}
