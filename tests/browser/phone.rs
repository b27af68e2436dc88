//! The simulator's phone, as a page.

use serde_json::Value;
use truegate::simulator::Simulator;

use crate::support::{browser::Browser, raw::within, recorder::Recorder};

#[tokio::test]
async fn every_button_of_the_phone_reaches_the_callback_route() {
    let route = Recorder::start().await;
    let simulator = Simulator::builder().callback_url(format!("http://{}/", route.address())).start().await.unwrap();
    let browser = Browser::start().await;
    for (button, posted) in
        [("agree", None), ("refuse", Some("user_rejected")), ("another", Some("use_another_number"))]
    {
        let link = "type=btmsheet&requestNonce=a-nonce-%3D&partnerKey=k&partnerName=%3Cb%3EA%26B%20%231%20दुकान&lang=hi";
        browser.open(&format!("{}?{link}", simulator.link_base())).await;
        assert_eq!(browser.ask("return partner.textContent").await, "<b>A&B #1 दुकान");
        assert_eq!(browser.ask("return phone.value").await, "919999999999");
        let opened: Value = serde_json::from_slice(&route.take()[0].body).unwrap();
        assert_eq!(opened["status"], "flow_invoked");

        browser.tap(&format!("#{button}")).await;
        // The dialog tells of its own callback by the same words, so wait for the page behind it.
        browser
            .until(
                "document.querySelector('h1')?.textContent === 'Done' && told.textContent.includes('Answered 200 OK')",
            )
            .await;

        let callback: Value = serde_json::from_slice(&route.take()[0].body).unwrap();
        assert_eq!(callback["requestId"], "a-nonce-=");
        assert_eq!(callback["status"].as_str(), posted);
        assert_eq!(callback["accessToken"].is_string(), posted.is_none());
    }
}

#[tokio::test]
async fn the_number_can_be_changed() {
    let route = Recorder::start().await;
    let simulator = Simulator::builder().callback_url(format!("http://{}/", route.address())).start().await.unwrap();
    let browser = Browser::start().await;
    browser.open(&format!("{}?type=btmsheet&requestNonce=a-nonce-&partnerKey=k", simulator.link_base())).await;

    browser.ask("phone.value = '+91 99999 00001'").await;
    browser.tap("#agree").await;
    browser.until("document.querySelector('h1')?.textContent === 'Done'").await;

    let callback: Value = serde_json::from_slice(&route.take()[1].body).unwrap();
    let fetch = format!(
        "GET /v1/default HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
        callback["accessToken"].as_str().unwrap()
    );
    let profile = within(crate::support::raw::exchange(simulator.address(), fetch)).await.unwrap();
    assert!(profile.text().contains(r#""phoneNumbers": ["919999900001"]"#), "{}", profile.text());
}
