//! Chromium's driver as a program.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use fantoccini::wd::Capabilities;
use serde_json::{Value, json};

use super::{Looks, PATIENCE};

/// The driver, and with it the browser.
pub(super) struct Driver {
    process: Child,
    pub(super) address: SocketAddr,
    /// The session to end with it.
    pub(super) session: Option<String>,
}

impl Driver {
    /// Starts on a free port. It dies with the thread of the test, even if that is killed.
    ///
    /// The system chooses the port for IPv4, and the driver ends if another program has it for IPv6. Then another driver starts.
    pub(super) fn start(folder: &Path) -> Self {
        (0..5).find_map(|_| Self::start_on_any_port(folder)).expect("a driver names its port")
    }

    fn start_on_any_port(folder: &Path) -> Option<Self> {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "chromedriver", "--port=0"])
            .env("TMPDIR", folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts: scripts/setup tests installs it");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
        // What it says later must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let address = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        if address.is_none() {
            let _ = process.wait();
        }
        Some(Self { process, address: address?, session: None })
    }

    /// Has the browser closed, and its files with it.
    fn end_session(&self) -> std::io::Result<()> {
        let Some(session) = &self.session else { return Ok(()) };
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        stream.read_exact(&mut [0; 12])
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It is killed in any case, and the browser closes when the driver's end of its pipe does.
        let _ = self.end_session();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the browser is started with.
pub(super) fn capabilities(looks: &Looks, profile: &Path) -> Capabilities {
    let (width, height) = looks.size;
    let arguments = [
        "--headless=new".to_owned(),
        // Root has no sandbox.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--remote-debugging-pipe".to_owned(),
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        format!("--window-size={width},{height}"),
    ];
    let options = json!({
        "args": arguments,
        "prefs": {
            "intl.accept_languages": looks.languages,
            "profile.managed_default_content_settings.javascript": if looks.scripts { 1 } else { 2 },
        },
        "mobileEmulation": {
            "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1, "touch": false },
            "userAgent": looks.agent,
        },
    });
    let capabilities = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
    let Value::Object(capabilities) = capabilities else { unreachable!() };
    capabilities
}
