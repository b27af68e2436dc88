//! Radicale, an unmodified calendar server that reads a user header: behind truegate, and behind nginx that asks truegate.

use std::net::SocketAddr;

use truegate::simulator::{DOCUMENTED_PROFILE, Simulator};

use crate::{
    proxy::{Kind, Proxy, at, shown},
    scene::{ORIGIN, PHONE, SESSION, sign_in, truegate},
    support::{port::Port, server::Server, visitor::Visitor},
    venv,
};

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n\
    DTSTAMP:20260101T000000Z\r\nDTSTART:20260101T100000Z\r\nSUMMARY:Tea with the neighbours\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";
const WHO_AM_I: &str = r#"<propfind xmlns="DAV:"><prop><current-user-principal/><displayname/></prop></propfind>"#;

#[tokio::test]
async fn radicale_behind_truegate_shows_everyone_their_own_calendar() {
    let (truecaller, radicale) = (Simulator::start().await.unwrap(), radicale().await);
    let truegate = truegate(&truecaller, &at(shown("radicale.yaml"), [("5232", radicale.address())]));
    shows_everyone_their_own_calendar(&truecaller, truegate.address()).await;
}

#[tokio::test]
async fn radicale_behind_nginx_shows_everyone_their_own_calendar() {
    let (truecaller, radicale) = (Simulator::start().await.unwrap(), radicale().await);
    let asked = at(shown("radicale.yaml"), [("5232", radicale.address())]) + "\ntrusted_proxies: [127.0.0.1]\n";
    let truegate = truegate(&truecaller, &asked);
    // The line that the page tells to add.
    let line = "proxy_set_header X-Remote-User $truegate_phone;";
    assert!(shown("nginx.md").contains(line));
    let edit = |text: String| text.replace("proxy_pass http://app;", &format!("proxy_pass http://app;\n{line}"));
    let nginx = Proxy::edited(Kind::Nginx, truegate.address(), radicale.address(), edit).await;
    shows_everyone_their_own_calendar(&truecaller, nginx.address()).await;
}

async fn shows_everyone_their_own_calendar(truecaller: &Simulator, address: SocketAddr) {
    let mut stranger = Visitor::at(address, ORIGIN);
    let spoof = format!("X-Remote-User: {PHONE}\r\nX_Remote_User: {PHONE}\r\nRemote-User: {PHONE}\r\n");
    for path in ["/", "/.web/", "/+919999999999/"] {
        let refused = stranger.send(&format!("PROPFIND {path}"), &spoof, WHO_AM_I).await;
        assert_eq!((refused.status(), refused.code().as_str()), (401, "not-signed-in"), "{path}");
        let page = stranger.get_with(path, &format!("{spoof}Sec-Fetch-Mode: navigate\r\n")).await;
        assert_eq!(page.status(), 302, "{path}");
        assert!(page.one("location").unwrap().starts_with("/.truegate/login?next=%2F"), "{path}");
    }

    let mut owner = sign_in(truecaller, address, DOCUMENTED_PROFILE).await;
    let made = owner.send("MKCALENDAR /+919999999999/home/", "", "").await;
    assert_eq!(made.status(), 201, "{}", made.text());
    let put = owner.send("PUT /+919999999999/home/1.ics", "Content-Type: text/calendar\r\n", EVENT).await;
    assert_eq!(put.status(), 201, "{}", put.text());
    assert!(owner.get("/+919999999999/home/").await.text().contains("Tea with the neighbours"));
    assert_eq!(owner.get("/.web/").await.status(), 200);

    let other = "X-Remote-User: +447911123456\r\nX-REMOTE-USER: +447911123456\r\nX_Remote_User: +447911123456\r\n";
    let who = owner.send("PROPFIND /", other, WHO_AM_I).await;
    assert_eq!(who.status(), 207, "{}", who.text());
    assert!(who.text().contains("919999999999/") && !who.text().contains("447911123456"), "{}", who.text());
    let foreign = owner.send("MKCALENDAR /+447911123456/home/", other, "").await;
    assert_eq!(foreign.status(), 403, "{}", foreign.text());

    let mut thief = owner.clone();
    assert_eq!(owner.post("/.truegate/logout", "").await.status(), 204);
    assert_eq!(owner.cookie(SESSION), None);
    assert_eq!(owner.get("/+919999999999/home/").await.status(), 401);
    assert_eq!(thief.get_with("/+919999999999/home/", &spoof).await.status(), 401);
}

/// Starts Radicale with the file of the page.
async fn radicale() -> Server {
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("radicale.ini"), at(shown("radicale.ini"), [("5232", port.address())])).unwrap();
    let mut command = venv::program("radicale");
    command.args(["--config", "radicale.ini"]);
    Server::start(command, port, folder).await
}
