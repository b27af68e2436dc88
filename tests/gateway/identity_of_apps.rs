//! Two apps behind one gateway: each reads its own identity headers, and hears nothing in those of the other.

use truegate::simulator::{DOCUMENTED_PROFILE, Simulator};

use super::{
    sessions::Site,
    setup::{self, CALLBACK},
    support::{
        edge::Sessions,
        program::Program,
        raw::{self, Message, exchange},
        recorder::Recorder,
    },
};

const PHONE: &str = "+919999999999";
const SPOOFS: &str = "Remote-User: admin\r\nremote_user: admin\r\nREMOTE-GROUPS: admin\r\nX-Shop-User: admin\r\n\
    x_shop_user: admin\r\nX.Shop.User: admin\r\n";

/// A shop, which gets what no rule names, and a wiki below `/wiki` and at the callback path.
fn two_apps(shop: &Recorder, wiki: &Recorder, routes: &str) -> String {
    format!(
        "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: shop\nupstreams:\n\
         \x20 shop: {{ url: http://{}, identity: {{ headers: {{ X-Shop-User: phone }} }} }}\n\
         \x20 wiki: {{ url: http://{} }}\nidentity: {{ presets: [remote-user] }}\nroutes: [{routes}]\n",
        shop.address(),
        wiki.address()
    )
}

/// The headers that name the user of a request, beside the default one.
fn users(request: &Message) -> Vec<(&str, &str)> {
    assert!(request.headers.iter().all(|(_, value)| value != "admin"), "{request:#?}");
    let named = request
        .headers
        .iter()
        .filter(|(name, value)| !name.eq_ignore_ascii_case("x-truecaller-phone") && value == PHONE);
    named.map(|(name, value)| (&**name, &**value)).collect()
}

#[tokio::test]
async fn a_session_is_told_to_each_app_in_its_own_words() {
    let (shop, wiki) = (Recorder::start().await, Recorder::start().await);
    let truecaller = Simulator::start().await.unwrap();
    let sessions = Sessions { rules: Vec::new(), ..Sessions::usual() }.yaml().replace("routes: []\n", "");
    let routes = "{ path: /wiki, access: required, upstream: wiki }, { path: /, access: optional }";
    let program = Program::serve(&(two_apps(&shop, &wiki, routes) + &setup::truecaller(&truecaller) + &sessions));
    let site = Site { app: shop, truecaller, program };
    let mut visitor = site.signed_in().await;
    for _ in 0..2 {
        assert_eq!(visitor.get_with("/wiki/x", SPOOFS).await.status(), 200);
        assert_eq!(visitor.get_with("/x", SPOOFS).await.status(), 200);
        let (to_wiki, to_shop) = (wiki.take().remove(0), site.app.take().remove(0));
        assert_eq!(users(&to_wiki), [("Remote-User", PHONE)]);
        assert_eq!(users(&to_shop), [("X-Shop-User", PHONE)]);
    }
    assert_eq!(exchange(site.program.address(), raw::get("/x", SPOOFS)).await.unwrap().status(), 200);
    assert_eq!(users(&site.app.take().remove(0)), []);
}

#[tokio::test]
async fn a_callback_carries_the_headers_of_the_app_that_gets_it() {
    let (shop, wiki) = (Recorder::start().await, Recorder::start().await);
    let truecaller = Simulator::start().await.unwrap();
    for (routes, app, other, name) in [
        (format!("{{ exact: {CALLBACK}, upstream: wiki }}"), &wiki, &shop, "Remote-User"),
        ("{ path: /wiki, upstream: wiki }".to_owned(), &shop, &wiki, "X-Shop-User"),
    ] {
        let program = Program::serve(&(two_apps(&shop, &wiki, &routes) + &setup::truecaller(&truecaller)));
        let (token, endpoint) = (truecaller.grant(DOCUMENTED_PROFILE), truecaller.endpoint());
        let grant =
            serde_json::json!({ "requestId": "a-nonce-", "accessToken": token, "endpoint": endpoint }).to_string();
        let head = format!("POST {CALLBACK} HTTP/1.1\r\nHost: a\r\n{SPOOFS}Content-Length: {}\r\n\r\n", grant.len());
        assert_eq!(exchange(program.address(), head + &grant).await.unwrap().status(), 200, "{routes}");
        assert_eq!(users(&app.take().remove(0)), [(name, PHONE)], "{routes}");
        assert_eq!(exchange(program.address(), raw::get("/wiki/", SPOOFS)).await.unwrap().status(), 200);
        let plain = [app.take(), other.take()].concat();
        assert_eq!((plain.len(), users(&plain[0])), (1, vec![]), "{routes}");
    }
}
