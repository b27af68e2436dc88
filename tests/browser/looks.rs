//! How the login page looks, and to whom.

use crate::{scene::Scene, support::browser::Looks};

const LOGIN: &str = "/.truegate/login?next=/account/";

#[tokio::test]
async fn the_page_fits_a_small_phone_in_every_language() {
    for languages in ["en-US,en", "hi-IN,hi,en"] {
        let scene = Scene::looking(&Looks { languages, size: (320, 640), ..Looks::default() }).await;
        scene.open(LOGIN).await;
        scene.is_ready().await;
        scene.picture(&format!("320-pixels-{}", &languages[..2])).await;
        assert_eq!(scene.browser.ask("return innerWidth").await, 320);
        scene.browser.ask("document.querySelector('h1').textContent += 'W'.repeat(200)").await;
        assert_eq!(scene.browser.ask("return document.documentElement.scrollWidth").await, 320);
        let small =
            "return [...document.querySelectorAll('a')].filter(a => a.getBoundingClientRect().height < 44).length";
        assert_eq!(scene.browser.ask(small).await, 0);
        scene.is_without_complaint().await;
    }
}

#[tokio::test]
async fn the_page_can_be_read_in_the_light_and_in_the_dark() {
    let mut pages = Vec::new();
    for dark in [false, true] {
        let scene = Scene::looking(&Looks { dark, ..Looks::default() }).await;
        scene.open(LOGIN).await;
        scene.is_ready().await;
        let least = scene.browser.ask(LEAST_CONTRAST).await;
        assert!(least.as_f64().unwrap() >= 4.5, "{least}");
        if dark {
            scene.picture("dark").await;
        }
        pages.push(scene.browser.ask("return getComputedStyle(document.body).backgroundColor").await);
    }
    assert_eq!(pages, ["rgb(255, 255, 255)", "rgb(20, 22, 26)"]);
}

#[tokio::test]
async fn the_page_speaks_hindi() {
    let scene = Scene::looking(&Looks { languages: "hi-IN,hi,en", ..Looks::default() }).await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    assert_eq!(scene.browser.ask("return document.documentElement.lang").await, "hi");
    assert_eq!(scene.browser.ask("return document.title").await, "A&B #1 दुकान में लॉग इन करें");
    let (site, _) = scene.tap().await;
    scene.browser.go_to(&site).await;
    scene.hear("कृपया Truecaller ऐप में पुष्टि करें।").await;
    scene.picture("hindi").await;
}

#[tokio::test]
async fn a_screen_reader_finds_its_way() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    let tree = scene.browser.devtools("Accessibility.getFullAXTree", &serde_json::json!({})).await;
    let nodes: Vec<_> = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false).collect();
    let named = |role: &str| {
        let of_role = nodes.iter().filter(|node| node["role"]["value"] == role);
        of_role.map(|node| node["name"]["value"].as_str().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(named("heading"), ["Log in to A&B #1 दुकान"]);
    assert_eq!(named("link"), ["Continue with Truecaller", "Use another way"]);
    assert_eq!(named("main").len(), 1);
    assert_eq!(scene.browser.ask("return document.querySelector('[role=status]').ariaLive").await, "polite");
}

#[tokio::test]
async fn what_the_policy_forbids_is_noticed() {
    let scene = Scene::with_phone().await;
    scene.open(LOGIN).await;
    scene.is_ready().await;
    scene.is_without_complaint().await;
    let inline = "document.body.append(Object.assign(document.createElement('script'), { textContent: 'evil = 1' }));
                  return typeof evil";
    assert_eq!(scene.browser.ask(inline).await, "undefined");
    let console = scene.browser.console().await;
    assert!(console.iter().any(|line| line.contains("Content Security Policy")), "{console:?}");
}

/// The least contrast of any text with what is behind it (WCAG 2.1, 1.4.3).
const LEAST_CONTRAST: &str = "
const channels = color => color.match(/[\\d.]+/g).map(Number);
const behind = element => {
  for (; element; element = element.parentElement) {
    const color = channels(getComputedStyle(element).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const light = color => {
  const [r, g, b] = color.slice(0, 3).map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
};
return Math.min(...[...document.querySelectorAll('h1, p, a')].map(element => {
  const [a, b] = [channels(getComputedStyle(element).color), behind(element)].map(light);
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}));";
