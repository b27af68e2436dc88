//! Several certificates on one listener: chosen by name, found in a folder, and renewed one by one.

use std::{fs, time::Duration};

use tempfile::TempDir;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use super::{
    setup,
    support::{program::Program, raw::within, recorder::Recorder},
    tls::Pair,
    tls_client::TlsClient,
};

/// Waits until a certificate is shown to clients that ask for a name.
async fn until_shown(pair: &Pair, name: &str, program: &Program) {
    within(async {
        while !pair.is(&TlsClient::asking_for(Some(name)).shown(program.address()).await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn each_name_gets_its_certificate_and_all_others_the_first() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let [shop, wild, wiki] =
        [&["shop.example"][..], &["*.shop.example"], &["wiki.example", "admin.shop.example"]].map(Pair::named);
    let mut listen = "listen:\n- address: '127.0.0.1:0'\n  certificates:\n".to_owned();
    for (name, pair) in [("shop", &shop), ("wild", &wild), ("wiki", &wiki)] {
        let [certificate, key] = ["pem", "key"].map(|end| folder.path().join(format!("{name}.{end}")));
        pair.write(&certificate, &key);
        listen += &format!("  - {{ certificate: {name}.pem, key: {name}.key }}\n");
    }
    let program = Program::serve_from(folder, &(listen + &setup::config_without_listener(app.address())));

    for (name, pair) in [
        (Some("shop.example"), &shop),
        (Some("SHOP.example"), &shop),
        (Some("a.shop.example"), &wild),
        (Some("admin.shop.example"), &wiki),
        (Some("wiki.example"), &wiki),
        (Some("a.b.shop.example"), &shop),
        (Some("other.example"), &shop),
        (None, &shop),
    ] {
        let client = TlsClient::asking_for(name);
        assert!(pair.is(&client.shown(program.address()).await), "{name:?}");
        assert_eq!(client.status_line(program.address()).await.as_deref(), Some("HTTP/1.1 200 OK"), "{name:?}");
    }
}

#[tokio::test]
async fn one_broken_pair_keeps_its_certificate_while_others_are_renewed() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let [old_shop, new_shop] = [(); 2].map(|()| Pair::named(&["shop.example"]));
    let [old_wiki, new_wiki] = [(); 2].map(|()| Pair::named(&["wiki.example"]));
    let path = |folder: &TempDir, file: &str| folder.path().join("tls").join(file);
    old_shop.write(&path(&folder, "shop.crt"), &path(&folder, "shop.key"));
    // As certbot has them: a folder for each name, with links to what was issued last.
    old_wiki.write(&path(&folder, "archive/1.pem"), &path(&folder, "archive/1-key.pem"));
    new_wiki.write(&path(&folder, "archive/2.pem"), &path(&folder, "archive/2-key.pem"));
    fs::create_dir(path(&folder, "wiki.example")).unwrap();
    let links = [("fullchain.pem", ""), ("privkey.pem", "-key")];
    let link = |folder: &TempDir, number: u8| {
        for (file, end) in links {
            let (link, new) = (path(folder, &format!("wiki.example/{file}")), path(folder, "wiki.example/new"));
            std::os::unix::fs::symlink(format!("../archive/{number}{end}.pem"), &new).unwrap();
            fs::rename(new, link).unwrap();
        }
    };
    link(&folder, 1);
    let listen = "listen: { address: '127.0.0.1:0', certificates: tls }\n";
    let program = Program::serve_from(folder, &format!("{listen}{}", setup::config_without_listener(app.address())));
    let tls = program.folder().join("tls");
    until_shown(&old_shop, "shop.example", &program).await;
    until_shown(&old_wiki, "wiki.example", &program).await;

    fs::write(tls.join("shop.key"), "no PEM").unwrap();
    let words = [
        "a certificate's files cannot be used", r#""certificate":"shop.example""#,
        r#""reason":"the key: the file has no"#,
    ];
    program.told(&words, 1).await;
    for (file, end) in links {
        let new = tls.join("wiki.example/new");
        std::os::unix::fs::symlink(format!("../archive/2{end}.pem"), &new).unwrap();
        fs::rename(new, tls.join("wiki.example").join(file)).unwrap();
    }
    until_shown(&new_wiki, "wiki.example", &program).await;
    until_shown(&old_shop, "shop.example", &program).await;
    new_shop.write(&tls.join("shop.crt"), &tls.join("shop.key"));
    until_shown(&new_shop, "shop.example", &program).await;

    let added = Pair::named(&["added.example"]);
    added.write(&tls.join("added.pem"), &tls.join("added.key"));
    until_shown(&added, "added.example", &program).await;
    fs::remove_file(tls.join("added.pem")).unwrap();
    fs::remove_file(tls.join("added.key")).unwrap();
    until_shown(&new_shop, "added.example", &program).await;
}

#[tokio::test]
async fn the_pair_named_default_is_for_clients_without_a_name() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let [a, default] = [Pair::named(&["a.example"]), Pair::named(&["z.example"])];
    for (name, pair) in [("a", &a), ("default", &default)] {
        let [certificate, key] = ["crt", "key"].map(|end| folder.path().join(format!("tls/{name}.{end}")));
        pair.write(&certificate, &key);
    }
    let listen = "listen: { address: '127.0.0.1:0', certificates: tls/ }\n";
    let program = Program::serve_from(folder, &format!("{listen}{}", setup::config_without_listener(app.address())));
    assert!(default.is(&TlsClient::asking_for(None).shown(program.address()).await));
    assert!(a.is(&TlsClient::asking_for(Some("a.example")).shown(program.address()).await));

    fs::remove_file(program.folder().join("tls/default.key")).unwrap();
    let words = [r#""certificate":"z.example""#, r#""reason":"the folder no longer has one certificate and its key""#];
    program.told(&words, 1).await;
    assert!(default.is(&TlsClient::asking_for(None).shown(program.address()).await), "half a pair keeps its place");
}

#[tokio::test]
async fn an_older_version_than_the_minimum_is_refused() {
    let app = Recorder::start().await;
    for (min_version, is_served) in
        [("", [true, true]), ("1.2", [true, true]), ("1.3", [false, true]), ("'1.3'", [false, true])]
    {
        let folder = TempDir::new().unwrap();
        Pair::new().write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
        let min_version = if min_version.is_empty() { String::new() } else { format!(", min_version: {min_version}") };
        let listen = format!("listen: {{ address: '127.0.0.1:0', certificate: a.pem, key: a.key{min_version} }}\n");
        let program = Program::serve_from(folder, &(listen + &setup::config_without_listener(app.address())));
        for (version, is_served) in [&TLS12, &TLS13].into_iter().zip(is_served) {
            let client = TlsClient::of_version(version);
            assert_eq!(client.shake_hands(program.address()).await.is_some(), is_served, "{min_version} {version:?}");
            if !is_served {
                let words = ["a TLS handshake failed", r#""cause":"tls""#, r#""tls":"incompatible""#];
                program.told(&words, 1).await;
            }
        }
    }
}
