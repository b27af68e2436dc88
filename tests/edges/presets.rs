//! What an app believes beside truegate's own headers: the lines of each page for a preset, and what a client then says.

use crate::{
    proxy::{Kind, shown},
    scene::{PHONE, Scene},
    support::raw::Message,
};

const SPOOFS: &str = "\
    Remote-User: admin\r\nRemote-Name: admin\r\nRemote-Email: admin\r\nRemote-Groups: admin\r\nREMOTE-GROUPS: admin\r\n\
    Remote_User: admin\r\nRemote_Groups: admin\r\nremote_email: admin\r\nRemote.Groups: admin\r\nRemote~Groups: admin\r\n";

const CONFIG: &str = "identity: { presets: [remote-user] }\ngroups: { staff: { phones: ['+919999999999'] } }\n";

/// Where the page's lines go: what stands there, and the same with them.
fn lines(kind: Kind) -> Vec<(&'static str, String)> {
    match kind {
        Kind::Nginx => vec![("proxy_pass http://app;", format!("{}proxy_pass http://app;", page(kind, 0)))],
        Kind::Caddy => vec![
            ("request_header -X-Truecaller-*\n", format!("request_header -X-Truecaller-*\n{}", page(kind, 0))),
            ("handle_response @good {\n", format!("handle_response @good {{\n{}", page(kind, 1))),
        ],
        Kind::Traefik => {
            vec![("authResponseHeadersRegex: (?i)^x[^a-z0-9]truecaller[^a-z0-9]", page(kind, 0).trim().to_owned())]
        }
        Kind::Envoy => vec![
            (r#"safe_regex: { regex: "x[^a-z0-9]truecaller[^a-z0-9].*" }"#, page(kind, 0).trim().to_owned()),
            ("patterns: [{ prefix: x-truecaller- }]", page(kind, 1).trim().to_owned()),
        ],
    }
}

/// One of the blocks of the page about presets.
fn page(kind: Kind, index: usize) -> String {
    let page = shown(&format!("{kind:?}.md").to_lowercase());
    let (_, section) = page.split_once("## With a preset").expect("the page speaks of presets");
    let section = section.split("\n## ").next().unwrap();
    let block = section.split("```").nth(2 * index + 1).expect("a block");
    block.split_once('\n').unwrap().1.to_owned()
}

#[tokio::test]
async fn no_client_gives_itself_a_user_or_a_group() {
    for kind in Kind::ALL {
        let edit = |text: String| {
            lines(kind).into_iter().fold(text, |text, (old, new)| match text.contains(old) {
                true => text.replacen(old, &new, 1),
                // Traefik has two files.
                false if kind == Kind::Traefik => text,
                false => panic!("{kind:?} has no {old}"),
            })
        };
        let scene = Scene::edited(kind, CONFIG, edit).await;
        let known = scene.signed_in().await;
        for (mut browser, path, user) in
            [(scene.visitor(), "/cart", ""), (known.clone(), "/public/x", ""), (known, "/account/", PHONE)]
        {
            assert_eq!(browser.get_with(path, SPOOFS).await.status(), 200, "{path}");
            let request = scene.reached_once().await;
            assert_eq!(said(&request, "remote-user"), user, "{path}: {request:#?}");
            let name = if user.is_empty() { "" } else { "Rajat Kapoor" };
            assert_eq!(said(&request, "remote-name"), name, "{path}: {request:#?}");
            let groups = if user.is_empty() { "" } else { "staff" };
            assert_eq!(said(&request, "remote-groups"), groups, "{path}: {request:#?}");
            assert!(!format!("{:?}", request.headers).contains("admin"), "{path}: {request:#?}");
        }
    }
}

/// The value of a header, which some proxies leave out where it is empty.
fn said<'a>(request: &'a Message, name: &str) -> &'a str {
    request.one(name).unwrap_or_default()
}
