//! Where a real Chromium goes after a login, by the corpora of `tests/return_path`.

use serde_json::json;
use truegate::session::ReturnPath;

use crate::support::browser::Browser;

const ATTACKS: &str = include_str!("../return_path/attacks.jsonl");
const HARMLESS: &str = include_str!("../return_path/harmless.jsonl");

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
