//! The lines of a log on their way to their destination.
//!
//! A request never waits for a disk or a reader. It leaves its line in memory, and the thread of the log writes all lines that are
//! there. If lines come faster than the thread can write them, some are lost, and the lost ones are counted. `tracing-appender` would
//! wake its thread for each line, and cannot open a file again.

use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use super::{LogName, OpenLogError, output::Output};
use crate::gateway::{config::LogDestination, telemetry::Telemetry};

/// The sinks of all logs.
pub(super) struct LogSinks {
    telemetry: Telemetry,
    queues: Mutex<Vec<Weak<Queue>>>,
}

/// Takes the lines of one log. When the last sink of a queue is dropped, its thread writes what is left, and ends.
pub(super) struct LogSink(Arc<Queue>);

/// The lines of one log that have yet to be written. Its thread writes them.
struct Queue {
    log: LogName,
    destination: LogDestination,
    telemetry: Telemetry,
    waiting: Mutex<Waiting>,
    /// Wakes the thread.
    called: Condvar,
    /// Tells those who wait that lines were written.
    written: Condvar,
}

/// What waits for the thread. A holder of the lock does nothing but copy in memory.
#[derive(Default)]
struct Waiting {
    /// Whole lines.
    lines: Vec<u8>,
    /// How many sinks there are.
    sinks: usize,
    /// Whether the destination is to be opened again.
    reopens: bool,
    /// Whether the thread is to write all lines at once, because somebody waits for that.
    flushes: bool,
    /// Whether the thread is writing.
    is_writing: bool,
}

impl LogSinks {
    pub(super) fn new(telemetry: Telemetry) -> Self {
        Self { telemetry, queues: Mutex::default() }
    }

    /// Returns a sink for a log. If the log has one for this destination already, both take lines for the same thread.
    pub(super) fn open(&self, log: LogName, destination: &LogDestination) -> Result<LogSink, OpenLogError> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        let mut known = queues.iter().filter_map(Weak::upgrade);
        let known = known.find(|queue| queue.log == log && queue.destination.is_same(destination));
        if let Some(sink) = known.and_then(Queue::sink) {
            return Ok(sink);
        }
        let output = Output::open(destination)?;
        let queue = Arc::new(Queue {
            log,
            destination: destination.clone(),
            telemetry: self.telemetry.clone(),
            waiting: Mutex::new(Waiting { sinks: 1, ..Waiting::default() }),
            called: Condvar::new(),
            written: Condvar::new(),
        });
        let of_thread = Arc::clone(&queue);
        let started = thread::Builder::new().name(format!("{}-log", log.code())).spawn(move || of_thread.write(output));
        started.map_err(OpenLogError::Thread)?;
        queues.push(Arc::downgrade(&queue));
        Ok(LogSink(queue))
    }

    /// Has every destination opened again. It does not wait for that.
    pub(super) fn reopen(&self) {
        for queue in self.queues() {
            queue.lock().reopens = true;
            queue.called.notify_one();
        }
    }

    /// Waits until every line is written, but no longer than this for each log.
    pub(super) fn flush(&self, limit: Duration) {
        self.queues().iter().for_each(|queue| queue.flush(limit));
    }

    fn queues(&self) -> Vec<Arc<Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }
}

/// The last lines of a gateway that is dropped without a stop are not lost.
impl Drop for LogSinks {
    fn drop(&mut self) {
        self.flush(LAST_LINES);
    }
}

impl LogSink {
    /// Leaves a line, without its end, to be written.
    pub(super) fn write(&self, line: &str) {
        let Self(queue) = self;
        let mut waiting = queue.lock();
        let before = waiting.lines.len();
        let after = before + line.len() + 1;
        if after > ROOM {
            drop(waiting);
            queue.telemetry.full_log(queue.log);
            return;
        }
        waiting.lines.extend_from_slice(line.as_bytes());
        waiting.lines.push(b'\n');
        drop(waiting);
        // The thread looks at the lines again after a pause by itself.
        if before == 0 || (before < MANY && after >= MANY) {
            queue.called.notify_one();
        }
    }

    /// Counts a line that is left out because of a limit.
    pub(super) fn count_left_out(&self) {
        self.0.telemetry.limited_log(self.0.log);
    }
}

impl Drop for LogSink {
    fn drop(&mut self) {
        self.0.lock().sinks -= 1;
        self.0.called.notify_one();
    }
}

impl Queue {
    /// Returns one more sink, unless the thread is about to end.
    fn sink(self: Arc<Self>) -> Option<LogSink> {
        let mut waiting = self.lock();
        if waiting.sinks == 0 {
            return None;
        }
        waiting.sinks += 1;
        drop(waiting);
        Some(LogSink(self))
    }

    /// Writes lines until the last sink is dropped and no line is left.
    fn write(&self, mut output: Output) {
        let mut lines = Vec::new();
        while let Some(reopens) = self.next(&mut lines) {
            if let Err(lost) = output.write(&lines) {
                self.telemetry.failed_log(self.log, lost.lines, &lost.error);
            }
            // The lines from before belong into the file from before.
            if reopens && let Err(error) = output.reopen() {
                self.telemetry.kept_log_file(self.log, &error);
            }
        }
    }

    /// Waits for lines and takes them. Returns whether the destination is to be opened again after them; none at the end.
    fn next(&self, lines: &mut Vec<u8>) -> Option<bool> {
        lines.clear();
        lines.shrink_to(MANY);
        let mut waiting = self.lock();
        waiting.is_writing = false;
        self.written.notify_all();
        let is_idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.is_urgent();
        waiting = self.called.wait_while(waiting, is_idle).unwrap_or_else(PoisonError::into_inner);
        // Most lines come in crowds, and one call of the system can write a crowd.
        let may_grow = |waiting: &mut Waiting| waiting.lines.len() < MANY && !waiting.is_urgent();
        let paused = self.called.wait_timeout_while(waiting, PAUSE, may_grow).unwrap_or_else(PoisonError::into_inner);
        waiting = paused.0;
        waiting.flushes = false;
        let reopens = mem::take(&mut waiting.reopens);
        if waiting.lines.is_empty() && !reopens && waiting.sinks == 0 {
            self.written.notify_all();
            return None;
        }
        mem::swap(&mut waiting.lines, lines);
        waiting.is_writing = true;
        Some(reopens)
    }

    fn flush(&self, limit: Duration) {
        let mut waiting = self.lock();
        waiting.flushes = true;
        self.called.notify_one();
        let is_open = |waiting: &mut Waiting| !waiting.lines.is_empty() || waiting.is_writing || waiting.flushes;
        drop(self.written.wait_timeout_while(waiting, limit, is_open).unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether the thread is not to wait for more lines.
    fn is_urgent(&self) -> bool {
        self.reopens || self.flushes || self.sinks == 0
    }
}

/// How long a line may wait for others.
const PAUSE: Duration = Duration::from_millis(20);
/// As many bytes as are written without a pause.
const MANY: usize = 64 << 10;
/// How many bytes may wait for a destination that is slow.
const ROOM: usize = 4 << 20;
/// How long the end of a gateway waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
