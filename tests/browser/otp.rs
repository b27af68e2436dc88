//! Users whom the site verifies by a code: on a desktop, after a refusal, and while another tab waits.

use crate::{
    devices::DESKTOP,
    scene::{LOGIN, NEXT, Scene},
    support::browser::{Browser, Looks},
};

const PAGE: &str = "/login?next=%2Faccount%2F%3Fa%3Db%26c%3Dd";
const PHONE: &str = "+447911123456";

/// A site that sends codes, and a browser.
async fn scene(looks: &Looks, with_phone: bool) -> Scene {
    Scene::wishing(looks, |wish| {
        wish.fallback = Some("/login");
        wish.sends_codes = true;
        if !with_phone {
            wish.link_base = None;
        }
    })
    .await
}

/// Types into a field of the page, and sends the form.
async fn enter(scene: &Scene, field: &str, text: &str) {
    scene.browser.until(&format!("document.querySelector('[name={field}]:not([type=hidden])')")).await;
    scene.browser.ask(&format!("document.querySelector('[name={field}]').value = '{text}'")).await;
    scene.browser.tap("button").await;
}

async fn reads(scene: &Scene, text: &str) {
    scene.browser.until(&format!("document.body.innerText.includes('{text}')")).await;
}

/// Proves a number on the page, with a wrong code first.
async fn prove(scene: &Scene) {
    enter(scene, "phone", PHONE).await;
    reads(scene, "Which code did you get?").await;
    let code = scene.site.otp().code(PHONE);
    enter(scene, "code", if code == "000000" { "000001" } else { "000000" }).await;
    reads(scene, "This is another code.").await;
    enter(scene, "code", &code).await;
}

#[tokio::test]
async fn a_visitor_with_a_desktop_logs_in_by_a_code_with_scripts_and_without() {
    for scripts in [true, false] {
        let scene = scene(&Looks { agent: DESKTOP, scripts, ..Looks::default() }, false).await;
        scene.open(NEXT).await;
        scene.browser.tap(".other a").await;
        scene.arrive(PAGE).await;
        prove(&scene).await;
        scene.arrive(NEXT).await;
        scene.is_greeted(PHONE).await;
        // The login leads on, and so does the page.
        scene.open(LOGIN).await;
        scene.arrive(NEXT).await;
    }
}

#[tokio::test]
async fn a_user_who_refuses_logs_in_by_a_code() {
    let scene = scene(&Looks::default(), true).await;
    scene.open(LOGIN).await;
    let tabs = scene.tap().await;
    scene.react("refuse", &tabs).await;
    scene.arrive(PAGE).await;
    prove(&scene).await;
    scene.arrive(NEXT).await;
    scene.is_greeted(PHONE).await;
}

#[tokio::test]
async fn a_tab_that_waits_goes_on_when_another_one_has_proved_the_number() {
    let scene = scene(&Looks::default(), true).await;
    scene.open(LOGIN).await;
    let waiting = scene.tap().await.0;
    scene.browser.go_to(&waiting).await;
    scene.hear("Please confirm").await;
    scene.another_tab().await;
    scene.open(PAGE).await;
    prove(&scene).await;
    scene.arrive(NEXT).await;

    // It is not brought to the front.
    scene.browser.client().switch_to_window(waiting).await.unwrap();
    scene.arrive(NEXT).await;
    scene.is_greeted(PHONE).await;
}

#[tokio::test]
async fn a_link_to_the_page_logs_in_whoever_opens_it_and_nobody_else() {
    let attacker = scene(&Looks { agent: DESKTOP, ..Looks::default() }, false).await;
    attacker.open(PAGE).await;
    reads(&attacker, "What is your number?").await;
    let victim = Browser::looking(&Looks { agent: DESKTOP, ..Looks::default() }).await;
    let link = attacker.browser.ask("return location.href").await;
    victim.open(link.as_str().unwrap()).await;
    victim.until("document.querySelector('[name=phone]')").await;
    victim.ask(&format!("document.querySelector('[name=phone]').value = '{PHONE}'")).await;
    victim.tap("button").await;
    victim.until("document.querySelector('[name=code]')").await;
    let code = attacker.site.otp().code(PHONE);
    victim.ask(&format!("document.querySelector('[name=code]').value = '{code}'")).await;
    victim.tap("button").await;
    victim.until("document.querySelector('h1')?.textContent === 'Hello, +447911123456!'").await;

    attacker.open(LOGIN).await;
    attacker.hear("This login needs an Android phone").await;
    attacker.open("/").await;
    attacker.is_greeted("stranger").await;
}
