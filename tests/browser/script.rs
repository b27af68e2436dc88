//! The button inside of a page of the site.

use truegate::simulator::Call;

use crate::{
    scene::Scene,
    support::{browser::Looks, raw::within, redis::Redis},
};

#[tokio::test]
async fn a_page_of_the_site_hears_every_state() {
    let scene = Scene::with_phone().await;
    scene.open("/embedded").await;
    scene.hear("ready").await;
    lose_focus(&scene).await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.hear("verified").await;
    assert_eq!(told(&scene).await, "ready pending opened verified");
    scene.picture("embedded").await;
    scene.is_without_complaint().await;
    scene.open("/account/").await;
    scene.is_greeted("+919999999999").await;
}

#[tokio::test]
async fn after_an_end_the_button_starts_a_login_of_its_own() {
    let scene = Scene::with_phone().await;
    scene.open("/embedded").await;
    scene.hear("ready").await;
    lose_focus(&scene).await;
    let tabs = scene.tap().await;
    scene.browser.go_to(&tabs.0).await;
    let href = scene.browser.ask("return document.querySelector('#truegate').href").await;
    scene.react("refuse", &tabs).await;
    scene.hear("refused").await;

    scene.browser.until(&format!("document.querySelector('#truegate').href !== {href}")).await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;

    scene.hear("verified").await;
    assert_eq!(told(&scene).await, "ready pending opened refused pending opened verified");
}

#[tokio::test]
async fn a_link_that_nobody_taps_is_renewed_before_it_expires() {
    let scene = Scene::in_a_hurry().await;
    scene.open("/embedded").await;
    scene.hear("ready").await;
    let first = scene.request_id().await;

    let link = "document.querySelector('#truegate').href";
    scene.browser.until(&format!("!{link}.includes('{}')", first.trim_end_matches('='))).await;

    // In one go: the next link may come meanwhile.
    let id = format!("new URL({link}).searchParams.get('requestNonce')");
    let asked = format!("'/.truegate/status?since=opened&request_id=' + encodeURIComponent({id})");
    let state = scene.browser.ask(&format!("return fetch({asked}).then(answer => answer.json())")).await;
    assert_eq!(state["state"], "pending");
    assert_eq!(told(&scene).await, "ready");
}

#[tokio::test]
async fn an_app_that_comes_late_is_not_lost() {
    let scene = Scene::without_app(None).await;
    scene.open("/embedded").await;
    scene.hear("ready").await;
    scene.browser.tap("#truegate").await;
    scene.hear("no_app").await;

    let (to, request_id) = (scene.site.callback_url(), scene.request_id().await);
    scene.truecaller.call(&to, Call::flow_invoked().request_id(&request_id)).await.unwrap();
    scene.hear("opened").await;
    scene.truecaller.call(&to, Call::grant().request_id(&request_id)).await.unwrap();

    scene.hear("verified").await;
    assert_eq!(told(&scene).await, "ready pending no_app opened verified");
}

#[tokio::test]
async fn a_site_that_is_not_available_at_first_is_asked_again() {
    let mut redis = Redis::stopped();
    let scene = Scene::wishing(&Looks::default(), |wish| wish.store = Some(redis.url())).await;
    scene.open("/embedded").await;
    scene.hear("unavailable").await;
    scene.browser.tap("#truegate").await;

    redis.restart();
    scene.hear("ready").await;
    assert_eq!(told(&scene).await, "unavailable ready");

    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.hear("verified").await;
}

#[tokio::test]
async fn a_network_that_was_away_is_not_the_end() {
    let scene = Scene::with_phone().await;
    scene.open("/embedded").await;
    scene.hear("ready").await;
    lose_focus(&scene).await;
    let tabs = scene.tap().await;
    scene.browser.go_to(&tabs.0).await;
    scene.hear("opened").await;
    network(&scene, false).await;
    // What was asked before still waits for its answer; who comes back to a page asks anew.
    scene.browser.go_to(&tabs.1).await;
    scene.browser.go_to(&tabs.0).await;
    let offline = async { while !scene.browser.console().await.iter().any(|line| line.contains("ERR_INTERNET")) {} };
    within(offline).await;
    let grant = Call::grant().request_id(scene.request_id().await);
    scene.truecaller.call(&scene.site.callback_url(), grant).await.unwrap();
    assert_eq!(told(&scene).await, "ready pending opened");

    network(&scene, true).await;

    scene.hear("verified").await;
}

async fn told(scene: &Scene) -> String {
    let told = scene.browser.ask("return document.querySelector('[role=status]').textContent").await;
    told.as_str().unwrap().to_owned()
}

/// Lets the page in front think that it has lost the focus: a busy browser may take long to open the phone's tab.
async fn lose_focus(scene: &Scene) {
    scene.browser.ask("document.hasFocus = () => false").await;
}

/// Takes the tab in front off the network, or puts it back.
async fn network(scene: &Scene, there: bool) {
    let conditions = serde_json::json!({
        "offline": !there, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
    });
    scene.browser.devtools("Network.enable", &serde_json::json!({})).await;
    scene.browser.devtools("Network.emulateNetworkConditions", &conditions).await;
}
