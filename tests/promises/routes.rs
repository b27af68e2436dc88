//! Which requests are callbacks, by the target as it is written.

use crate::{
    claims::{assert_problem, claims, declined},
    support::{
        edge::{Kind, PATH},
        raw::Message,
        scene::Scene,
    },
};

const REFUSAL: &str = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;

async fn post(scene: &Scene, target: &[u8]) -> Message {
    let rest = format!(
        " HTTP/1.1\r\nHost: app.example\r\nX-Truecaller-Phone: +1\r\nContent-Length: {}\r\n\r\n{REFUSAL}",
        REFUSAL.len()
    );
    scene.send([b"POST ", target, rest.as_bytes()].concat()).await
}

#[tokio::test]
async fn the_callback_route_is_one_path_whatever_the_query() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for target in [
            PATH.to_owned(),
            format!("{PATH}?"),
            format!("{PATH}?a=/../b;c#d"),
            format!("http://app.example{PATH}"),
            format!("HTTP://app.example{PATH}?a=b"),
        ] {
            println!("target: {target}");
            assert_eq!(post(&scene, target.as_bytes()).await.status(), 200);
            let request = scene.reached_once().await;
            assert_eq!(claims(&request), declined("a-nonce-", "user_rejected"));
            assert_eq!(request.text(), REFUSAL);
        }
    }
}

#[tokio::test]
async fn a_path_that_could_be_read_as_the_callbacks_is_refused() {
    let ambiguous = [
        "/truecaller/callback-7f3ax2kq9vnt4rzw8mbd",
        "/TRUECALLER/CALLBACK-7F3AX2KQ9VNT4RZW8MBD",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd/",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd//",
        "/truecaller//Callback-7f3ax2kq9vnt4rzw8mbd",
        "//truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller/./Callback-7f3ax2kq9vnt4rzw8mbd",
        "/x/../truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        "/../truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller/x/%2e%2E/Callback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller%2fCallback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller%2FCallback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller%252fCallback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller%5cCallback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller\\Callback-7f3ax2kq9vnt4rzw8mbd",
        "\\truecaller\\Callback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller/%43allback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller/%2543allback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller/%25%34%33allback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller;v=1/Callback-7f3ax2kq9vnt4rzw8mbd;w",
        "/truecaller/x/..;/Callback-7f3ax2kq9vnt4rzw8mbd",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd%00",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd%00.png",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd%3fa=b",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd%23a",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd/?a=b",
        "http://app.example/truecaller//Callback-7f3ax2kq9vnt4rzw8mbd",
        "http://app.example//truecaller/Callback-7f3ax2kq9vnt4rzw8mbd?a",
        "HTTP://app.example/truecaller/callback-7f3ax2kq9vnt4rzw8mbd",
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for target in ambiguous {
            println!("target: {target}");
            let answer = post(&scene, target.as_bytes()).await;
            // The libraries refuse what has no leading slash themselves.
            if target.starts_with('\\') {
                assert_eq!(answer.status(), 400);
            } else {
                assert_problem(&answer, 400, "ambiguous-path");
            }
            scene.unreached(target).await;
        }
    }
}

#[tokio::test]
async fn a_target_that_is_none_is_refused() {
    let targets: [&[u8]; 14] = [
        b"truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"?a=/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"app.example/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd\0",
        b"/truecaller/\x01/../Callback-7f3ax2kq9vnt4rzw8mbd",
        b"/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd;\xff",
        b"/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd \xff",
        b"http:/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"http:///truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"http://other.example/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"http://user@app.example/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"http://app.example\\truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"http:\\\\app.example/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        b"http://app.example;/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for target in targets {
            println!("target: {}", target.escape_ascii());
            assert_eq!(post(&scene, target).await.status(), 400);
            scene.unreached(target).await;
        }
    }
}

#[tokio::test]
async fn a_fragment_never_hides_the_callback_route() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for target in [format!("{PATH}#a"), format!("{PATH}#/../../b")] {
            let status = post(&scene, target.as_bytes()).await.status();
            assert!([200, 400].contains(&status), "{target}: {status}");
            for request in scene.reached().await {
                assert_eq!(claims(&request), declined("a-nonce-", "user_rejected"), "{target}");
            }
        }
    }
}

#[tokio::test]
async fn every_other_path_passes_as_it_is_written() {
    let targets = [
        "/",
        "/?",
        "/truecaller",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd/x",
        "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbdb",
        "/x/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd",
        "/a//b/./c/../d;e=f/%2e%2F%zz?g=/h",
        "/%",
        "/a?b=%0d%0aX-Truecaller-Phone:+1",
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for target in targets {
            assert_eq!(post(&scene, target.as_bytes()).await.status(), 200, "{target}");
            let request = scene.reached_once().await;
            assert_eq!(request.start, format!("POST {target} HTTP/1.1"));
            assert_eq!((claims(&request), request.text().as_str()), (vec![], REFUSAL), "{target}");
        }
    }
}

#[tokio::test]
async fn tunnels_and_echoes_are_refused() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for request in [
            "CONNECT app.example:443 HTTP/1.1\r\nHost: app.example:443\r\n\r\n".to_owned(),
            "TRACE / HTTP/1.1\r\nHost: app.example\r\n\r\n".to_owned(),
            format!("TRACE {PATH} HTTP/1.1\r\nHost: app.example\r\n\r\n"),
        ] {
            let answer = scene.send(&request).await;
            // pingora refuses the target of a tunnel itself.
            assert!([400, 405].contains(&answer.status()), "{request} {answer:?}");
            scene.unreached(request).await;
        }
    }
}
