//! A client that floods neither fills the disk nor hides the lines of others.

use std::fs;

use tempfile::TempDir;

use super::{
    super::{
        access_log::fields,
        setup::{self, Talk},
        support::{
            program::Program,
            raw::{exchange, get, scrape},
            recorder::Recorder,
        },
    },
    LOG, SPOOF, lines_in,
};

#[tokio::test]
async fn a_client_that_floods_neither_fills_the_log_nor_hides_the_lines_of_others() {
    const REQUESTS: usize = 300;
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let file = folder.path().join("audit.log");
    let log = LOG.replace("audit.log", file.to_str().unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &log + "trusted_proxies: [127.0.0.1]\n"));
    let flood = get("/", &format!("{SPOOF}X-Forwarded-For: 192.0.2.7\r\n"));
    let mut client = Talk::connect(program.address()).await;
    for _ in 0..REQUESTS {
        client.say(&flood).await;
        assert_eq!(client.message().await.status(), 200);
    }

    exchange(program.address(), get("/", &format!("{SPOOF}X-Forwarded-For: 198.51.100.4\r\n"))).await.unwrap();
    client.say(&flood).await;
    client.message().await;
    let metrics = exchange(program.admin(), scrape("")).await.unwrap().text();
    program.signal("TERM");
    setup::ended(program).await;

    let text = fs::read_to_string(&file).unwrap();
    let spoofs = text.lines().filter(|line| line.contains(r#""event":"spoof""#)).count();
    let told = lines_in(&file, &["spoof"], spoofs).await;
    let (flooding, others): (Vec<_>, Vec<_>) = told.iter().partition(|line| line["client"] == "192.0.2.7");
    assert!((60..REQUESTS / 2).contains(&flooding.len()), "{}", flooding.len());
    let left_out: u64 = told.iter().filter_map(|line| line["left_out"].as_u64()).sum();
    let written = told.iter().filter(|line| line.get("client").is_some()).count() as u64;
    assert_eq!(written + left_out, REQUESTS as u64 + 2, "each one is written or counted");
    assert!(others.iter().any(|line| fields(line, &["client"]) == ["198.51.100.4"]), "{others:?}");
    let series = "truegate_lost_log_lines_total{log=\"audit\",cause=\"limited\"} ";
    let limited: u64 = metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap().parse().unwrap();
    assert_eq!(limited, left_out, "{metrics}");
}
