//! Where lines go, and that none is lost on the way.

use std::{fs, os::unix::net::UnixDatagram, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    super::{
        setup::{self, Talk},
        support::{
            program::Program,
            raw::{exchange, get, within},
            recorder::Recorder,
        },
    },
    LOG, texts,
};

#[tokio::test]
async fn a_stopped_program_loses_no_line() {
    const REQUESTS: usize = 500;
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let file = folder.path().join("access.log");
    let log = format!("log: {{ access: {{ to: '{}' }} }}\n", file.display());
    let program = Program::serve(&(setup::config(app.address()) + &log));
    let mut client = Talk::connect(program.address()).await;
    for _ in 0..REQUESTS {
        client.say(get("/", "")).await;
        assert_eq!(client.message().await.status(), 200);
    }

    program.signal("TERM");
    setup::ended(program).await;

    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), REQUESTS);
}

#[tokio::test]
async fn a_hangup_lets_logrotate_take_the_file_away() {
    let app = Recorder::start().await;
    let program = Program::serve(&(setup::config(app.address()) + LOG));
    let (file, old) = (program.folder().join("access.log"), program.folder().join("access.log.1"));
    for round in 0..3 {
        exchange(program.address(), get("/", "")).await.unwrap();
        texts(&file, 1).await;
        fs::rename(&file, &old).unwrap();
        program.signal("HUP");
        within(async {
            while !file.exists() {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert_eq!(fs::read_to_string(&old).unwrap().lines().count(), 1, "{round}");
    }
}

#[tokio::test]
async fn lines_go_to_the_standard_error_or_to_a_socket() {
    let app = Recorder::start().await;
    let program = Program::serve(&(setup::config(app.address()) + "log: { access: {} }\n"));
    exchange(program.address(), get("/", "")).await.unwrap();
    let told = program.told(&[r#""log":"access""#, r#""status":200"#], 1).await;
    assert!(serde_json::from_str::<Value>(&told[0]).is_ok(), "{told:?}");

    let folder = TempDir::new().unwrap();
    let listener = UnixDatagram::bind(folder.path().join("a.sock")).unwrap();
    listener.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let log = "log: { access: { to: 'unix:a.sock', format: text } }\n";
    let program = Program::serve_from(folder, &(setup::config(app.address()) + log));
    exchange(program.address(), get("/", "")).await.unwrap();
    let mut datagram = [0; 1000];
    let length = spawn_blocking(move || listener.recv(&mut datagram).map(|length| datagram[..length].to_vec()));
    let line = String::from_utf8(length.await.unwrap().unwrap()).unwrap();
    assert!(line.contains(" log=access ") && line.contains(" status=200 ") && !line.contains('\n'), "{line}");
}

#[test]
fn a_file_that_cannot_be_opened_stops_the_start() {
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/proc/none/a.log", folder.path().join("access.log")).unwrap();
    let mut command = setup::command(&folder, &(setup::config(([127, 0, 0, 1], 9).into()) + LOG));
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("config.yaml:4:22: log.access.to: the file cannot be opened: "), "{errors}");
}
