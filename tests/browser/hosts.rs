//! A site with several hosts. Browsers resolve every name below `localhost` to this machine.

use fantoccini::Locator;

use crate::{scene::Scene, support::browser::Looks};

const HOSTS: &[&str] = &["login.shop.localhost", "wiki.shop.localhost"];

/// Opens a page of the second host.
async fn open_wiki(scene: &Scene, path: &str) {
    scene.browser.open(&format!("{}{path}", scene.site.origin_of(HOSTS[1]))).await;
}

/// Waits for a page of the second host.
async fn arrive_at_wiki(scene: &Scene, path: &str) {
    let url = format!("{}{path}", scene.site.origin_of(HOSTS[1]));
    scene.browser.until(&format!("location.href === '{url}' && document.readyState === 'complete'")).await;
}

#[tokio::test]
async fn one_login_is_for_all_hosts_of_a_domain_and_so_is_a_logout() {
    let scene = Scene::wishing(&Looks::default(), |wish| {
        wish.hosts = HOSTS;
        wish.cookie_domain = Some("shop.localhost");
    })
    .await;
    let next = format!("{}/account/?a=b", scene.site.origin_of(HOSTS[1]));
    scene.open(&format!("/.truegate/login?next={}", next.replace('?', "%3F"))).await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    arrive_at_wiki(&scene, "/account/?a=b").await;
    scene.is_greeted("+919999999999").await;

    scene.open("/account/").await;
    scene.is_greeted("+919999999999").await;

    open_wiki(&scene, "/account/").await;
    scene.browser.tap("#logout").await;
    arrive_at_wiki(&scene, "/").await;
    scene.is_greeted("stranger").await;
    scene.open("/account/").await;
    scene.browser.until("location.pathname === '/.truegate/login'").await;
    scene.is_without_complaint().await;
}

#[tokio::test]
async fn each_host_has_its_own_login_without_a_domain() {
    let scene = Scene::wishing(&Looks::default(), |wish| wish.hosts = HOSTS).await;
    scene.open("/.truegate/login?next=/account/").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive("/account/").await;
    scene.is_greeted("+919999999999").await;

    open_wiki(&scene, "/account/").await;
    arrive_at_wiki(&scene, "/.truegate/login?next=%2Faccount%2F").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    arrive_at_wiki(&scene, "/account/").await;
    scene.is_greeted("+919999999999").await;
}

#[tokio::test]
async fn a_logout_page_may_lead_to_another_host() {
    let scene = Scene::wishing(&Looks::default(), |wish| wish.hosts = HOSTS).await;
    let next = scene.site.origin_of(HOSTS[1]);
    scene.open(&format!("/.truegate/logout?next={next}/public/")).await;
    let button = scene.browser.client().wait().for_element(Locator::Css("form button")).await.unwrap();
    button.click().await.unwrap();
    arrive_at_wiki(&scene, "/public/").await;
    scene.is_without_complaint().await;
}

#[tokio::test]
async fn a_link_of_another_site_finds_a_strict_session() {
    let scene = Scene::wishing(&Looks::default(), |wish| {
        wish.hosts = &["shop.localhost"];
        wish.same_site = Some("strict");
    })
    .await;
    scene.open("/.truegate/login?next=/account/").await;
    let tabs = scene.tap().await;
    scene.react("agree", &tabs).await;
    scene.arrive("/account/").await;

    // Truecaller's page is another site.
    scene.browser.open(&scene.truecaller.link_base()).await;
    let link = format!("location.href = '{}/account/?from=elsewhere'", scene.site.origin());
    scene.browser.ask(&link).await;
    scene.arrive("/account/?from=elsewhere").await;
    scene.is_greeted("+919999999999").await;
}
