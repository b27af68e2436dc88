//! Where a real Chromium goes after a login, by the corpora of `tests/return_path`.

use serde_json::json;
use truegate::session::{PublicUrl, PublicUrls, ReturnPath, ReturnUrl};

use crate::support::browser::Browser;

const ATTACKS: &str = include_str!("../return_path/attacks.jsonl");
const HARMLESS: &str = include_str!("../return_path/harmless.jsonl");
const OTHER_HOSTS: &str = include_str!("../return_path/other_hosts.jsonl");

#[tokio::test]
async fn no_return_path_leads_chromium_elsewhere() {
    let texts = |corpus: &str| corpus.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<String>>();
    let attacks = texts(ATTACKS);
    let taken = |texts: &[String]| {
        texts.iter().map(|text| ReturnPath::parse(text).unwrap_or_default().as_str().to_owned()).collect::<Vec<_>>()
    };
    let browser = Browser::start().await;
    let leading = async |locations: &[String]| {
        let script = format!("const locations = {};{LEADING}", json!(locations));
        let leading = browser.ask(&script).await;
        leading.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(leading(&attacks).await.len() >= 200, "the attacks would work on a site that checks nothing");
    assert_eq!(leading(&taken(&attacks)).await, [""; 0]);
    assert_eq!(leading(&taken(&texts(HARMLESS))).await, [""; 0]);

    let site = PublicUrls::new(
        PublicUrl::parse("https://shop.example").unwrap(),
        [PublicUrl::parse("https://wiki.example").unwrap(), PublicUrl::parse("https://wiki.example:8443").unwrap()],
    );
    let (site, attacks) = (site.unwrap(), [attacks, texts(OTHER_HOSTS)].concat());
    let urls: Vec<_> = attacks.iter().filter_map(|text| ReturnUrl::parse(text, &site)).collect();
    let urls = json!(urls.iter().map(ReturnUrl::as_str).collect::<Vec<_>>());
    assert_eq!(browser.ask(&format!("const urls = {urls};{AMONG_HOSTS}")).await, json!([]));
}

/// The locations that leave the site: at once, or when a server on it sends the browser to the path that came out.
const LEADING: &str = "
const site = 'https://app.example/x/y';
const leaves = location => {
  try {
    const url = new URL(location, site);
    return url.origin !== 'https://app.example' || new URL(url.pathname, site).origin !== 'https://app.example';
  } catch { return false }
};
return locations.filter(leaves);";

/// The locations that lead from any host of the site to another site, at once or by the path that comes out.
const AMONG_HOSTS: &str = "
const hosts = ['https://shop.example', 'https://wiki.example', 'https://wiki.example:8443'];
const leaves = (location, from) => {
  const url = new URL(location, from);
  return !hosts.includes(url.origin) || new URL(url.pathname, from).origin !== from;
};
return urls.filter(location => hosts.some(from => leaves(location, from)));";
