//! How the login page looks, and to whom.

use crate::{scene::Scene, support::browser::Looks};

const LOGIN: &str = "/.truegate/login?next=/account/";

#[tokio::test]
async fn the_page_fits_a_small_phone_in_every_language() {
    let languages = ["en", "hi", "mr", "te", "ml", "ur", "pa", "ta", "bn", "kn", "sw", "ar"];
    for language in languages {
        let scene = Scene::looking(&Looks { languages: language, size: (320, 640), ..Looks::default() }).await;
        scene.open(LOGIN).await;
        scene.is_ready().await;
        scene.picture(&format!("320-pixels-{language}")).await;
        let html = scene.browser.ask("return [document.documentElement.lang, document.documentElement.dir]").await;
        let direction = if ["ur", "ar"].contains(&language) { "rtl" } else { "ltr" };
        assert_eq!(html, serde_json::json!([language, direction]));
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
        for state in ["ready", "pending", "refused", "verified", "wrong_device"] {
            let show = format!(
                "document.documentElement.dataset.state = '{state}';
                 document.querySelector('[role=status]').textContent = 'words';"
            );
            scene.browser.ask(&show).await;
            let least = scene.browser.ask(LEAST_CONTRAST).await;
            assert!(least.as_f64().unwrap() >= 4.5, "{state} {least}");
        }
        scene.open(LOGIN).await;
        scene.is_ready().await;
        if dark {
            scene.picture("dark").await;
        }
        pages.push(scene.browser.ask("return getComputedStyle(document.body).backgroundColor").await);
    }
    assert_eq!(pages, ["rgb(255, 255, 255)", "rgb(25, 29, 35)"]);
}

#[tokio::test]
async fn the_page_is_a_card_with_the_logo_and_the_colour_of_the_site() {
    const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 88 88'><rect width='88' height='88' rx='20' \
        fill='#7a0c2e'/><path d='M24 62V26l20 22 20-22v36' fill='none' stroke='#fff' stroke-width='8'/></svg>";
    for (color, label) in [("#7a0c2e", "rgb(255, 255, 255)"), ("#ffd200", "rgb(0, 0, 0)")] {
        let looks = Looks { size: (1280, 800), ..Looks::default() };
        let scene = Scene::wishing(&looks, |wish| wish.brand = Some((LOGO, color))).await;
        scene.open(LOGIN).await;
        scene.is_ready().await;
        let label_color = "return getComputedStyle(document.querySelector('#truegate')).color";
        assert_eq!(scene.browser.ask(label_color).await, label);
        assert!(scene.browser.ask(LEAST_CONTRAST).await.as_f64().unwrap() >= 4.5);
        assert_eq!(scene.browser.ask("return document.querySelector('.site img').naturalWidth > 0").await, true);
        let width = scene.browser.ask("return document.querySelector('main').getBoundingClientRect().width").await;
        assert!(width.as_f64().unwrap() <= 460.0, "{width}");
        scene.picture(&format!("brand-{}", color.trim_start_matches('#'))).await;
        scene.is_without_complaint().await;
    }
}

#[tokio::test]
async fn nothing_moves_where_that_is_not_wanted() {
    let scene = Scene::with_phone().await;
    for (motion, animation) in [("no-preference", "turn"), ("reduce", "none")] {
        let wanted = serde_json::json!({ "features": [{ "name": "prefers-reduced-motion", "value": motion }] });
        scene.browser.devtools("Emulation.setEmulatedMedia", &wanted).await;
        scene.open(LOGIN).await;
        let tabs = scene.tap().await;
        scene.browser.go_to(&tabs.0).await;
        scene.browser.devtools("Emulation.setEmulatedMedia", &wanted).await;
        scene.hear("Please confirm").await;
        let name = "return getComputedStyle(document.querySelector('[role=status]'), '::before').animationName";
        assert_eq!(scene.browser.ask(name).await, animation);
        scene.react("refuse", &tabs).await;
        scene.hear("You did not agree").await;
    }
}

#[tokio::test]
async fn a_page_from_right_to_left_keeps_names_and_numbers_whole() {
    for language in ["ur", "ar"] {
        let scene = Scene::looking(&Looks { languages: language, ..Looks::default() }).await;
        scene.open(LOGIN).await;
        let tabs = scene.tap().await;
        scene.browser.go_to(&tabs.0).await;
        scene.browser.until("document.documentElement.dataset.state === 'opened'").await;
        scene.picture(&format!("opened-{language}")).await;
        scene.react("agree", &tabs).await;
        scene.arrive("/account/").await;
        scene.open("/vip/").await;
        assert_eq!(scene.browser.ask("return document.querySelector('.phone bdi').dir").await, "ltr");
        scene.picture(&format!("not-listed-{language}")).await;
    }
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
    assert_eq!(named("link"), ["Continue with Truecaller"]);
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
return Math.min(...[...document.querySelectorAll('h1, p, a, button, span, bdi')].filter(element => element.checkVisibility()).map(element => {
  const [a, b] = [channels(getComputedStyle(element).color), behind(element)].map(light);
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}));";
