use std::{path::Path, sync::Weak};

use super::*;
use crate::gateway::{active_config::ActiveConfig, admin::ReloadQueue, listeners::InheritedSockets};

const APP: &str = "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\nserver: { threads: 1 }\nupstream: a\n";

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("config.yaml"), |_| None).unwrap()
}

/// A configuration with an app, health checks, sessions and a file of phone numbers. No other number makes the same.
fn config(folder: &Path, number: u16) -> Config {
    let phones = folder.join("phones.txt");
    std::fs::write(&phones, "+919999900001\n").unwrap();
    parse(&format!(
        "{APP}upstreams: {{ a: {{ url: 'http://127.0.0.1:{number}', health: {{ interval: 1h }} }} }}\n\
         callback: {{ path: /hooks/unguessable-4f1c9e07ab52d8364bf1 }}\n\
         session:\n  public_url: http://127.0.0.1:{number}\n  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n  \
         partner: {{ key: a-partner-key, name: A Shop }}\n\
         routes: [{{ path: /, access: required, allow: {{ phones_file: '{}' }} }}]\n",
        phones.display()
    ))
}

#[tokio::test]
async fn nothing_is_left_of_a_configuration_that_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway =
        Gateway::start(config(folder.path(), 1), InheritedSockets::default(), ReloadQueue::new().0).await.unwrap();
    let tasks = gateway.tasks.len();
    let mut replaced: Vec<Weak<ActiveConfig>> = Vec::new();
    for number in 2..30 {
        replaced.push(std::sync::Arc::downgrade(&gateway.active.load_full()));
        gateway.reload(config(folder.path(), number)).await.unwrap();
    }
    // A task that was aborted ends when its runtime comes to it.
    while gateway.tasks.len() > tasks {
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.tasks.len(), tasks);
    assert_eq!(replaced.iter().filter(|replaced| replaced.upgrade().is_some()).count(), 0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_reload_that_is_dropped_has_changed_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway =
        Gateway::start(config(folder.path(), 1), InheritedSockets::default(), ReloadQueue::new().0).await.unwrap();
    let (before, addresses) = (gateway.active.load_full(), gateway.addresses());
    for polls in 0..3 {
        let mut reload = Box::pin(gateway.reload(config(folder.path(), 2)));
        for _ in 0..polls {
            assert!(futures_util::poll!(&mut reload).is_pending());
        }
        drop(reload);
        assert!(std::sync::Arc::ptr_eq(&before, &gateway.active.load_full()));
        assert_eq!(gateway.addresses(), addresses);
    }
    gateway.stop().await;
}

#[test]
fn a_stop_does_not_wait_for_threads_that_never_end() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).max_blocking_threads(1).build().unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let gateway =
            Gateway::start(config(folder.path(), 1), InheritedSockets::default(), ReloadQueue::new().0).await.unwrap();
        spawn_blocking(move || held.recv());
        let mut stop = Box::pin(gateway.stop());
        let mut seconds = 0;
        while futures_util::poll!(&mut stop).is_pending() {
            assert!(seconds < 20, "the stop waits for a thread");
            tokio::time::advance(Duration::from_secs(1)).await;
            seconds += 1;
        }
    });
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_does_not_end_holds_up_no_later_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut gateway =
        Gateway::start(config(folder.path(), 1), InheritedSockets::default(), ReloadQueue::new().0).await.unwrap();
    let source = ConfigSource::File(path.clone());
    let mut reload = Box::pin(gateway.reload_from(&source));
    assert!(futures_util::poll!(&mut reload).is_pending());
    tokio::time::advance(READING).await;
    assert!(matches!(reload.await, Err(ReloadError::Unread)));
    // The thread that reads ends.
    drop(std::fs::File::options().write(true).open(&path).unwrap());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, APP.replace("upstream: a", "upstream: http://127.0.0.1:9")).unwrap();
    assert!(gateway.reload_from(&source).await.is_ok());
    gateway.stop().await;
}
