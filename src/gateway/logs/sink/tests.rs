//! What a sink promises: every line is written whole, or counted, and nobody waits for it.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::{
        fs::{OpenOptionsExt as _, PermissionsExt as _},
        net::UnixDatagram,
    },
    path::{Path, PathBuf},
    process::Command,
};

use prometheus_client::encoding::prometheus_text;
use rustix::fs::OFlags;
use tempfile::TempDir;

use super::*;
use crate::gateway::{admin::Metrics, config::Config};

const LIMIT: Duration = Duration::from_secs(60);

struct Scene {
    folder: TempDir,
    metrics: prometheus_client::registry::Registry,
    sinks: LogSinks,
}

impl Scene {
    fn new() -> Self {
        let metrics = Metrics::new();
        let registry = metrics.registry();
        Self { folder: TempDir::new().unwrap(), metrics: registry, sinks: LogSinks::new(Telemetry::new(metrics)) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A sink for the destination that a configuration names so.
    fn open(&self, to: &str) -> Result<LogSink, OpenLogError> {
        let text = format!("upstream: http://127.0.0.1:3000\nlog: {{ access: {{ to: '{to}' }} }}\n");
        let config = Config::parse(&text, &self.path("config.yaml"), |_| None).unwrap();
        self.sinks.open(LogName::Access, &config.log.access.unwrap().to)
    }

    /// How many lines were lost for a reason.
    fn lost(&self, cause: &str) -> u64 {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.metrics).unwrap();
        let series = format!("truegate_lost_log_lines_total{{log=\"access\",cause=\"{cause}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn every_line_is_in_the_file_in_its_order() {
    let scene = Scene::new();
    fs::write(scene.path("a.log"), "from before\n").unwrap();
    let sink = scene.open("a.log").unwrap();
    let lines: Vec<_> = (0..10_000).map(|number| format!("line {number}")).collect();

    lines.iter().for_each(|line| sink.write(line));
    scene.sinks.flush(LIMIT);

    assert_eq!(read(&scene.path("a.log")), format!("from before\n{}\n", lines.join("\n")));
    assert_eq!((scene.lost("full"), scene.lost("failed")), (0, 0));
}

#[test]
fn a_new_file_is_for_the_gateway_and_its_group_alone() {
    let scene = Scene::new();
    let _sink = scene.open("a.log").unwrap();
    let mode = fs::metadata(scene.path("a.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777 & !0o640, 0, "{mode:o}");
}

#[test]
fn a_file_that_was_moved_away_is_followed_by_a_new_one() {
    let scene = Scene::new();
    let sink = scene.open("a.log").unwrap();
    sink.write("before");
    scene.sinks.flush(LIMIT);
    fs::rename(scene.path("a.log"), scene.path("a.log.1")).unwrap();
    sink.write("moved");
    scene.sinks.flush(LIMIT);

    scene.sinks.reopen();
    scene.sinks.flush(LIMIT);
    sink.write("after");
    scene.sinks.flush(LIMIT);

    assert_eq!(read(&scene.path("a.log.1")), "before\nmoved\n");
    assert_eq!(read(&scene.path("a.log")), "after\n");
}

#[test]
fn a_pipe_that_nobody_reads_holds_nobody_up() {
    let scene = Scene::new();
    let pipe = scene.path("a.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = scene.open("a.pipe").err().unwrap().to_string();
    assert!(error.contains("log.access.to: ") && error.contains("start the program that reads this pipe"), "{error}");

    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut reader = fs::OpenOptions::new().read(true).custom_flags(flags).open(&pipe).unwrap();
    let sink = scene.open("a.pipe").unwrap();
    sink.write("one");
    scene.sinks.flush(LIMIT);
    let mut text = [0; 8];
    assert_eq!(reader.read(&mut text).unwrap(), 4);
    drop(reader);
    scene.sinks.reopen();
    sink.write("two");
    scene.sinks.flush(LIMIT);
    assert_eq!(scene.lost("failed"), 1);
}

#[test]
fn a_file_that_cannot_be_opened_again_stays_in_use() {
    let scene = Scene::new();
    let sink = scene.open("a.log").unwrap();
    fs::rename(scene.path("a.log"), scene.path("a.log.1")).unwrap();
    fs::create_dir(scene.path("a.log")).unwrap();

    scene.sinks.reopen();
    sink.write("after");
    scene.sinks.flush(LIMIT);

    assert_eq!(read(&scene.path("a.log.1")), "after\n");
}

#[test]
fn a_file_that_cannot_be_opened_at_first_is_a_mistake_with_its_place() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("/proc/none/a.log", scene.path("a.log")).unwrap();
    let Err(error) = scene.open("a.log") else { panic!("nobody can make this file") };
    let place = format!("{}:2:22: log.access.to: the file cannot be opened: ", scene.path("config.yaml").display());
    assert!(error.to_string().starts_with(&place), "{error}");
}

#[test]
fn nobody_waits_for_a_reader_that_does_not_read() {
    let scene = Scene::new();
    let pipe = scene.path("a.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let keep = File::options().read(true).write(true).open(&pipe).unwrap();
    let sink = scene.open("a.pipe").unwrap();
    let line = "a".repeat(999);

    // Twice as much as there is room for. If a line waited for the reader, the test would never end.
    (0..2 * ROOM / 1000).for_each(|_| sink.write(&line));

    let lost = scene.lost("full");
    assert!(lost > 0);
    let sinks = scene.sinks;
    let flushed = thread::spawn(move || sinks.flush(LIMIT));
    let whole = 2 * (ROOM as u64 / 1000) - lost;
    let mut text = vec![0; usize::try_from(whole).unwrap() * 1000];
    (&keep).read_exact(&mut text).unwrap();
    assert!(text.chunks(1000).all(|chunk| *chunk == *[line.as_bytes(), b"\n"].concat()), "every line is whole");
    flushed.join().unwrap();
}

#[test]
fn each_line_is_a_datagram_for_whoever_listens_then() {
    let scene = Scene::new();
    let sink = scene.open("unix:a.sock").unwrap();
    sink.write("nobody listens yet");
    scene.sinks.flush(LIMIT);
    assert_eq!(scene.lost("failed"), 1);
    for round in 0..2 {
        let listener = UnixDatagram::bind(scene.path("a.sock")).unwrap();
        listener.set_read_timeout(Some(LIMIT)).unwrap();
        let lines = [format!("one {round}"), format!("two {round}")];

        lines.iter().for_each(|line| sink.write(line));

        for line in lines {
            let mut datagram = [0; 100];
            let length = listener.recv(&mut datagram).unwrap();
            assert_eq!(datagram[..length], *line.as_bytes());
        }
        fs::remove_file(scene.path("a.sock")).unwrap();
    }
    assert_eq!(scene.lost("failed"), 1);
}

#[test]
fn a_line_that_fits_in_no_datagram_costs_no_other_line() {
    let scene = Scene::new();
    let listener = UnixDatagram::bind(scene.path("a.sock")).unwrap();
    listener.set_read_timeout(Some(LIMIT)).unwrap();
    let sink = scene.open("unix:a.sock").unwrap();

    ["one", &"a".repeat(1 << 20), "two"].iter().for_each(|line| sink.write(line));

    for line in ["one", "two"] {
        let mut datagram = [0; 100];
        let length = listener.recv(&mut datagram).unwrap();
        assert_eq!(datagram[..length], *line.as_bytes());
    }
    scene.sinks.flush(LIMIT);
    assert_eq!(scene.lost("failed"), 1);
}

#[test]
fn the_last_sink_leaves_no_line_behind_and_no_thread() {
    let scene = Scene::new();
    let (one, other) = (scene.open("a.log").unwrap(), scene.open("a.log").unwrap());
    assert!(Arc::ptr_eq(&one.0, &other.0), "one thread writes to a file");
    let queue = Arc::downgrade(&one.0);
    one.write("one");
    drop(one);
    other.write("other");
    drop(other);

    while queue.strong_count() > 0 {
        thread::yield_now();
    }

    assert_eq!(read(&scene.path("a.log")), "one\nother\n");
    scene.open("a.log").unwrap().write("again");
    scene.sinks.flush(LIMIT);
    assert_eq!(read(&scene.path("a.log")), "one\nother\nagain\n");
}
