//! A server that knows one answer.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// A server that takes connections and answers every command with the same line.
pub struct Parrot(pub SocketAddr);

impl Parrot {
    pub fn saying(line: &'static str) -> Self {
        Self::speaking(move |stream| repeat(stream, line))
    }

    /// Hears so many questions on a connection, answers the first of them, and hangs up.
    pub fn hanging_up(line: &'static str, questions: usize) -> Self {
        Self::speaking(move |stream| hang_up(stream, line, questions))
    }

    fn speaking(speak: impl Fn(TcpStream) -> Option<()> + Copy + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        thread::spawn(move || {
            listener.incoming().map_while(Result::ok).for_each(|stream| _ = thread::spawn(move || speak(stream)));
        });
        Self(address)
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.0)
    }
}

fn repeat(mut stream: TcpStream, line: &str) -> Option<()> {
    let mut commands = BufReader::new(stream.try_clone().ok()?);
    while command(&mut commands).is_some() {
        stream.write_all(format!("{line}\r\n").as_bytes()).ok()?;
    }
    None
}

fn hang_up(mut stream: TcpStream, line: &str, questions: usize) -> Option<()> {
    let mut commands = BufReader::new(stream.try_clone().ok()?);
    let mut heard = 0;
    while heard < questions {
        if command(&mut commands)? == b"CLIENT" {
            stream.write_all(b"+OK\r\n").ok()?;
        } else {
            heard += 1;
        }
    }
    stream.write_all(format!("{line}\r\n").as_bytes()).ok()
}

/// The first word of a command, which is an array of bulk strings.
pub(super) fn command(lines: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut words = Vec::new();
    for _ in 0..header(lines, '*')? {
        let mut word = vec![0; header(lines, '$')? + 2];
        lines.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        words.push(word);
    }
    words.into_iter().next()
}

fn header(lines: &mut impl BufRead, sign: char) -> Option<usize> {
    let mut line = String::new();
    lines.read_line(&mut line).ok()?;
    line.trim_end().strip_prefix(sign)?.parse().ok()
}
