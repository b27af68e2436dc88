//! What the thread of a log writes to: the standard error, a file or a Unix datagram socket.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::{fs::OpenOptionsExt as _, net::UnixDatagram},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
};

use crate::gateway::config::{ConfigErrors, LogDestination};

/// A destination that is open.
pub(super) enum Output {
    Stderr(Tear),
    File {
        path: PathBuf,
        file: File,
        tear: Tear,
    },
    /// No socket if nobody listened when it was connected last.
    Socket {
        path: PathBuf,
        socket: Option<UnixDatagram>,
    },
}

/// Lines that were not written, and why.
pub(super) struct Lost {
    pub(super) lines: u64,
    pub(super) error: io::Error,
}

/// Whether a part of a line was written, and the rest was lost.
#[derive(Default)]
pub(super) struct Tear(bool);

impl Output {
    /// Opens a destination. A socket need not have a listener yet.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened. A file that is not there is made.
    pub(super) fn open(destination: &LogDestination) -> Result<Self, ConfigErrors> {
        match destination {
            LogDestination::Stderr => Ok(Self::Stderr(Tear::default())),
            LogDestination::File(path, place) => match append(path) {
                Ok(file) => Ok(Self::File { path: path.clone(), file, tear: Tear::default() }),
                Err(error) => {
                    let is_unread = error.raw_os_error() == Some(Errno::NXIO.raw_os_error());
                    let advice = if is_unread { NO_READER } else { "let the user of the gateway write to it" };
                    Err(place.mistake(format!("the file cannot be opened: {error} ({advice})")))
                }
            },
            LogDestination::Socket(path) => Ok(Self::Socket { path: path.clone(), socket: None }),
        }
    }

    /// Opens it again. If that fails, lines go where they went before.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        match self {
            Self::Stderr(_) => {}
            Self::File { path, file, tear } => (*file, *tear) = (append(path)?, Tear::default()),
            Self::Socket { socket, .. } => *socket = None,
        }
        Ok(())
    }

    /// Writes whole lines, each with its end.
    pub(super) fn write(&mut self, lines: &[u8]) -> Result<(), Lost> {
        match self {
            // Other lines of the program need not wait until all of these are written.
            Self::Stderr(tear) => chunks(lines).try_for_each(|lines| tear.write(&mut io::stderr().lock(), lines)),
            Self::File { file, tear, .. } => tear.write(file, lines),
            Self::Socket { path, socket } => send_all(path, socket, lines),
        }
    }
}

impl Tear {
    /// Writes lines. A part of a line that was written before gets its end first, so that it spoils no other line.
    fn write(&mut self, output: &mut impl Write, lines: &[u8]) -> Result<(), Lost> {
        let mut rest = lines;
        let written = loop {
            let next = if self.0 { b"\n" } else { rest };
            if next.is_empty() {
                break Ok(());
            }
            match output.write(next) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(_) if self.0 => self.0 = false,
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        written.map_err(|error| {
            let written = &lines[..lines.len() - rest.len()];
            self.0 |= written.last().is_some_and(|last| *last != b'\n');
            Lost { lines: count(rest), error }
        })
    }
}

/// Sends each line as one datagram, without its end.
fn send_all(path: &Path, socket: &mut Option<UnixDatagram>, lines: &[u8]) -> Result<(), Lost> {
    let (mut rest, mut too_long) = (lines, None);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        match send(path, socket, &rest[..end]) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(Errno::MSGSIZE.raw_os_error()) => {
                too_long.get_or_insert(Lost { lines: 0, error }).lines += 1;
            }
            // To wait for a listener at each line would take too long.
            Err(error) => return Err(Lost { lines: count(rest) + too_long.map_or(0, |lost| lost.lines), error }),
        }
        rest = &rest[end + 1..];
    }
    too_long.map_or(Ok(()), Err)
}

/// Sends a datagram. If the listener was replaced by another one, that one gets it.
fn send(path: &Path, socket: &mut Option<UnixDatagram>, line: &[u8]) -> io::Result<()> {
    if let Some(connected) = socket {
        match connected.send(line) {
            Err(error) if is_gone(&error) => *socket = None,
            sent => return sent.map(drop),
        }
    }
    let connected = UnixDatagram::unbound()?;
    connected.set_write_timeout(Some(PATIENCE))?;
    connected.connect(path)?;
    socket.insert(connected).send(line).map(drop)
}

fn is_gone(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected};

    matches!(error.kind(), BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected)
}

/// Opens a file to append to it. A pipe that nobody reads is an error: to wait for its reader would take for ever.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(MODE).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    // The thread of the log may wait until a pipe has room again.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Divides lines into parts of whole lines, of about the same size.
fn chunks(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let end = rest.iter().skip(CHUNK).position(|byte| *byte == b'\n').map_or(rest.len(), |at| CHUNK + at + 1);
        let (chunk, others) = rest.split_at(end);
        rest = others;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// For the user of the gateway, and its group to read.
const MODE: u32 = 0o640;
/// How long a listener that takes nothing may hold up the lines.
const PATIENCE: Duration = Duration::from_secs(1);
const CHUNK: usize = 16 << 10;
const NO_READER: &str = "start the program that reads this pipe, or write `unix:` before the path of a socket";

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time, and breaks down after so many.
    struct Disk {
        content: Vec<u8>,
        step: usize,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.step).min(self.room - self.content.len());
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.content.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_never_joins_two_lines() {
        let lines = b"one\ntwo\nthree\n";
        for room in 0..=lines.len() {
            let (mut disk, mut tear) = (Disk { content: Vec::new(), step: 3, room }, Tear::default());
            let lost = tear.write(&mut disk, lines).err().map_or(0, |lost| lost.lines);
            assert_eq!(lost + count(&disk.content), 3, "{room}");
            assert!(tear.write(&mut disk, b"x\n").is_err(), "{room}: the disk is still full");

            disk.room = 1000;
            assert!(tear.write(&mut disk, b"four\n").is_ok());

            let text = String::from_utf8(disk.content).unwrap();
            assert_eq!(text.lines().filter(|line| *line == "four").count(), 1, "{text}");
            assert!(!text.contains("\n\n"), "{text:?}");
        }
    }

    #[test]
    fn chunks_have_whole_lines() {
        let line = [&[b'a'; 999][..], b"\n"].concat();
        for count in [0, 1, 16, 17, 18, 100] {
            let lines = line.repeat(count);
            let chunks: Vec<_> = chunks(&lines).collect();
            assert_eq!(chunks.concat(), lines);
            assert!(chunks.iter().all(|chunk| chunk.ends_with(b"\n") && chunk.len() <= CHUNK + 1000));
        }
    }
}
