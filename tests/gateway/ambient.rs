//! What the environment says is not heard, where it could lead a token astray.

use std::{io, net::TcpListener as StdListener};

use tempfile::TempDir;
use truegate::simulator::{Call, Simulator};

use super::{
    setup::{self, CALLBACK},
    support::{program::Program, recorder::Recorder},
};

#[tokio::test]
async fn proxy_variables_lead_no_fetch_and_no_request_elsewhere() {
    let (app, simulator) = (Recorder::start().await, Simulator::start().await.unwrap());
    let trap = StdListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", trap.local_addr().unwrap());
    let folder = TempDir::new().unwrap();
    let mut command = setup::command(&folder, &(setup::config(app.address()) + &setup::truecaller(&simulator)));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, &proxy).env(name.to_ascii_lowercase(), &proxy);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    let program = Program::start(command, folder);

    let url = format!("http://{}{CALLBACK}", program.address());
    let posted = simulator.call(&url, Call::grant()).await.unwrap();

    assert_eq!(posted[0].answer.status.as_u16(), 200);
    assert_eq!((simulator.fetches(), app.take().len()), (1, 1));
    assert_eq!(trap.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
