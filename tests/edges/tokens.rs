//! Session tokens of the site's own app for phones: where they come from.

use std::time::Duration;

use truegate::simulator::Simulator;

use crate::{
    proxy::Kind,
    scene::{PHONE, SECRET, Scene},
    support::{
        native::{self, NATIVE},
        seal::aged_token,
        visitor::json,
    },
};

/// The header that gives a client a session token.
const TOKEN: &str = "x-truecaller-token";

#[tokio::test]
async fn the_sites_own_app_logs_in_and_only_truegate_gives_it_tokens() {
    for kind in Kind::ALL {
        let truecaller = Simulator::start().await.unwrap();
        let scene = Scene::edited(kind, &native::yaml(&truecaller), |text| text).await;
        let mut phone = scene.visitor();
        let login = phone.send(&format!("POST {NATIVE}"), "", &native::code(&truecaller, native::user())).await;
        assert_eq!(login.status(), 200, "{login:#?}");
        scene.unreached("a login is truegate's").await;

        let login = json(&login);
        let token = login["token"].as_str().and_then(|token| token.strip_prefix("truegate.")).expect("a session token");
        let stale =
            format!("Authorization: Bearer truegate.{}\r\n", aged_token(SECRET, token, Duration::from_mins(20)));
        for path in ["/account/", "/cart", "/public/x"] {
            let answer = phone.get_with(path, &stale).await;
            assert_eq!((answer.status(), answer.one(TOKEN)), (200, None), "{path}: the app's token is not passed on");
            let request = scene.reached_once().await;
            let known = if path == "/public/x" { ["", ""] } else { [PHONE, "app"] };
            let said = ["x-truecaller-phone", "x-truecaller-method"].map(|name| request.one(name).unwrap_or_default());
            assert_eq!((said, request.one(TOKEN).unwrap_or_default()), (known, ""), "{path}");
        }
        let me = phone.get_with("/.truegate/me", &stale).await;
        assert!(me.one(TOKEN).is_some_and(|renewed| renewed.starts_with("truegate.")), "{me:#?}");
    }
}
