//! Clients as people have them: they send everything before they read, and see why they were refused.

use std::{fs, path::Path, process::Stdio};

use tokio::{net::TcpSocket, process::Command};

use super::{
    setup,
    support::{program::Program, raw::within},
    tls::{LISTEN, Pair},
};

const LENGTH: usize = 2_000_000;

const SESSIONS: &str = "callback: { path: /hooks/unguessable-4f1c9e07ab52d8364bf1 }\n\
    session:\n  public_url: https://localhost:1\n  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n  \
    partner: { key: a-partner-key, name: A Shop }\n\
    routes: [{ path: /account/, access: required }, { path: /, access: optional }]\n";

/// Each refusal of truegate's own that may come while the body is still on its way.
const REFUSED: [(&str, &str); 5] = [
    ("/account/", "401"),
    ("/.truegate/logout", "403"),
    ("/.truegate/nothing", "404"),
    ("/hooks/unguessable-4f1c9e07ab52d8364bf1", "413"),
    ("/an-app-that-is-down", "502"),
];

/// The gateway, plain and with TLS, in front of an app that is down.
fn gateway() -> (Program, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (pair, folder) = (Pair::new(), tempfile::tempdir().unwrap());
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    fs::write(folder.path().join("body"), vec![b'a'; LENGTH]).unwrap();
    let listen = LISTEN.replace("listen: ", "listen:\n- 127.0.0.1:0\n- ");
    let config = setup::config_without_listener(socket.local_addr().unwrap());
    (Program::serve_from(folder, &format!("{listen}{config}{SESSIONS}")), socket)
}

/// What a command writes to standard output, if it ends well.
async fn output(command: &mut Command) -> String {
    let output = within(command.stdin(Stdio::null()).kill_on_drop(true).output()).await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {errors}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn curl_sees_why_it_was_refused() {
    let (program, _down) = gateway();
    let [plain, secured] = program.addresses()[..] else { panic!("two listeners") };
    for (version, base) in [
        ("--http1.1", format!("http://localhost:{}", plain.port())),
        ("--http1.1", format!("https://localhost:{}", secured.port())),
        ("--http2", format!("https://localhost:{}", secured.port())),
    ] {
        for (path, status) in REFUSED {
            for framing in ["Expect:", "Transfer-Encoding: chunked", "Accept: */*"] {
                if (version, framing) == ("--http2", "Transfer-Encoding: chunked") {
                    continue;
                }
                let mut curl = Command::new("curl");
                curl.args(["--silent", "--show-error", "--insecure", "--max-time", "45", version])
                    .args(["--write-out", "%{http_code}", "--output", "/dev/null"])
                    .args(["--header", framing, "--header", "Origin: https://evil.example"])
                    .args(["--data-binary", &format!("@{}", body(&program).display())])
                    .arg(format!("{base}{path}"));
                println!("{curl:?}");
                assert_eq!(output(&mut curl).await, status);
            }
        }
    }
}

#[tokio::test]
async fn python_sees_why_it_was_refused() {
    let script = "import http.client, ssl, sys\n\
        port, secure, path = int(sys.argv[1]), sys.argv[2] == 'tls', sys.argv[3]\n\
        context = ssl._create_unverified_context()\n\
        make = lambda: http.client.HTTPSConnection('localhost', port, context=context, timeout=45)\n\
        connection = make() if secure else http.client.HTTPConnection('localhost', port, timeout=45)\n\
        connection.request('POST', path, body=b'a' * 2000000, headers={'Origin': 'https://evil.example'})\n\
        print(connection.getresponse().status)\n";
    let (program, _down) = gateway();
    let [plain, secured] = program.addresses()[..] else { panic!("two listeners") };
    for (port, protocol) in [(plain.port(), "plain"), (secured.port(), "tls")] {
        for (path, status) in REFUSED {
            let mut python = Command::new("python3");
            python.args(["-c", script, &port.to_string(), protocol, path]);
            assert_eq!(output(&mut python).await, status, "{protocol} {path}");
        }
    }
}

fn body(program: &Program) -> std::path::PathBuf {
    Path::new(program.folder()).join("body")
}
