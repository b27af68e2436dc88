//! Which bodies are credentials of the site's own app.

use crate::{
    claims::assert_problem,
    native::with_app,
    support::{edge::Kind, native::VERIFIER, scene::Scene},
};

#[tokio::test]
async fn what_is_no_credential_is_refused_and_opens_no_connection() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        for body in malformed() {
            println!("body: {}", &body[..body.len().min(200)]);
            assert_problem(&scene.app_login(&body).await, 400, "malformed-credential");
            scene.unreached(body).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

/// Bodies that are wrong in one thing each.
fn malformed() -> Vec<String> {
    let both = format!(r#""code":"c","code_verifier":"{VERIFIER}""#);
    let verifier = |verifier: &str| format!(r#"{{"code":"c","code_verifier":{verifier}}}"#);
    let code = |code: &str| format!(r#"{{"code":{code},"code_verifier":"{VERIFIER}"}}"#);
    let token = |token: &str| format!(r#"{{"access_token":{token}}}"#);
    vec![
        // One member twice, in any spelling.
        format!(r#"{{{both},"code":"d"}}"#),
        format!(r#"{{{both},"c\u006fde":"d"}}"#),
        format!(r#"{{{both},"code_verifier":"{VERIFIER}"}}"#),
        r#"{"access_token":"a","access_token":"a"}"#.to_owned(),
        // Both forms at once, or a half of one.
        format!(r#"{{{both},"access_token":"a"}}"#),
        r#"{"code":"c","access_token":"a"}"#.to_owned(),
        format!(r#"{{"code_verifier":"{VERIFIER}","access_token":"a"}}"#),
        r#"{"code":"c"}"#.to_owned(),
        format!(r#"{{"code_verifier":"{VERIFIER}"}}"#),
        // A code that is none.
        code("1"),
        code(r#""""#),
        code(r#"["c"]"#),
        code(r#""c\r\nHost: evil.example""#),
        code(r#""é""#),
        code(&format!("\"{}\"", "c".repeat(4097))),
        // A verifier that is none.
        verifier("1"),
        verifier(r#""short""#),
        verifier(&format!("\"{}\"", "v".repeat(129))),
        verifier(&format!("\"{}/\"", "v".repeat(43))),
        verifier(&format!("\"{}&client_id=x\"", "v".repeat(43))),
        // A token that is not one segment of a path.
        token("1"),
        token(r#""""#),
        token(r#""..""#),
        token(r#""a/b""#),
        token(r#""a%2fb""#),
        token(r#""a?b""#),
        token(r#""a#b""#),
        token(r#""a\\b""#),
        token(r#""a b""#),
        token(r#""a\r\nHost: evil.example""#),
        token(r#""a\u0000""#),
        token(&format!("\"{}\"", "a".repeat(4097))),
        // What is no JSON object.
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "nul".to_owned(),
        format!(r#"["c","{VERIFIER}",null]"#),
        format!("code=c&code_verifier={VERIFIER}"),
        format!("{{{both}}}x"),
        format!("{{{both},}}"),
        format!("\u{feff}{{{both}}}"),
        "[".repeat(8000),
    ]
}
