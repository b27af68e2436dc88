//! Which bodies are callbacks.

use truegate::simulator::Call;

use crate::{
    claims::{assert_problem, claims, documented},
    support::{
        edge::{Kind, PATH},
        scene::Scene,
    },
};

#[tokio::test]
async fn what_is_no_callback_is_refused_and_opens_no_connection() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for body in malformed(scene.truecaller.endpoint()) {
            let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            println!("body: {shown}");
            assert_problem(&scene.callback(&body).await, 400, "malformed-callback");
            scene.unreached(shown).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

/// Bodies that are wrong in one thing each.
fn malformed(endpoint: &str) -> Vec<Vec<u8>> {
    let grant = format!(r#""requestId":"a-nonce-","accessToken":"t","endpoint":"{endpoint}""#);
    let member = |id: &str| format!(r#"{{"requestId":{id},"accessToken":"t","endpoint":"{endpoint}"}}"#);
    let token = |token: &str| format!(r#"{{"requestId":"a-nonce-","accessToken":{token},"endpoint":"{endpoint}"}}"#);
    let names = |url: &str| format!(r#"{{"requestId":"a-nonce-","accessToken":"t","endpoint":{url}}}"#);
    let deep = "[".repeat(8000);
    let long_id = format!("\"{}\"", "n".repeat(10 * 1024));
    let long_token = format!("\"{}\"", "t".repeat(4097));
    let utf16: Vec<u8> = format!("{{{grant}}}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let texts = [
        // One member twice, in any order and spelling.
        format!(r#"{{{grant},"endpoint":"http://127.0.0.1:9/"}}"#),
        format!(r#"{{"endpoint":"http://127.0.0.1:9/",{grant}}}"#),
        format!(r#"{{{grant},"\u0065ndpoint":"{endpoint}"}}"#),
        format!(r#"{{{grant},"requestId":"a-nonce-"}}"#),
        format!(r#"{{{grant},"accessToken":"u"}}"#),
        r#"{"requestId":"a-nonce-","status":"flow_invoked","status":"user_rejected"}"#.to_owned(),
        // A request id that is none.
        member("12345678"),
        member(r#"["a-nonce-"]"#),
        member(r#"{"$ne":"a-nonce-"}"#),
        member("null"),
        member("true"),
        member(r#""n""#),
        member(r#""a request id ""#),
        member(r#""a-nonce-\r\nX-Truecaller-Phone: +1""#),
        member(&long_id),
        // A token that is none.
        token("1"),
        token(r#""""#),
        token(r#""t t""#),
        token(r#""t\r\nHost: evil.example""#),
        token(r#""t\u0000""#),
        token(r#""té""#),
        token(r#"["t"]"#),
        token(&long_token),
        // An endpoint that is no text.
        names("null"),
        names("1"),
        names(&format!(r#"["{endpoint}"]"#)),
        // A refusal that brings a token.
        format!(r#"{{{grant},"status":"user_rejected"}}"#),
        format!(r#"{{{grant},"status":"use_another_number"}}"#),
        // A status that is no text, or none at all.
        r#"{"requestId":"a-nonce-","status":1}"#.to_owned(),
        r#"{"requestId":"a-nonce-","status":null}"#.to_owned(),
        r#"{"requestId":"a-nonce-"}"#.to_owned(),
        // What is no JSON object.
        String::new(),
        " ".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        format!(r#"["a-nonce-","t","{endpoint}",null]"#),
        r#""x""#.to_owned(),
        "nul".to_owned(),
        "requestId=a-nonce-&status=user_rejected".to_owned(),
        format!("{{{grant}}}x"),
        format!("{{{grant}}}{{{grant}}}"),
        format!("{{{grant},}}"),
        format!("\u{feff}{{{grant}}}"),
        deep.clone(),
        format!(r#"{{{grant},"deep":{deep}{}}}"#, "]".repeat(8000 - 300)),
    ];
    let mut bodies: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
    bodies.push(utf16);
    bodies.push(b"{\"requestId\":\"a-nonce-\",\"status\":\"\xff\"}".to_vec());
    bodies
}

#[tokio::test]
async fn a_callback_that_comes_twice_is_verified_twice() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let url = format!("http://{}{PATH}", scene.edge.address());
        let posted = scene.truecaller.call(&url, Call::twice().request_id("a-nonce-")).await.unwrap();
        assert!(posted.len() == 2 && posted.iter().all(|posted| posted.answer.status == 200));
        assert_eq!(scene.truecaller.fetches(), 2);
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 2);
        for request in reached {
            assert_eq!(request.body, posted[0].body);
            assert_eq!(claims(&request), documented("a-nonce-"));
        }
    }
}
