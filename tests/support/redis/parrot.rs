//! A server that knows one answer.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// A server that takes connections and answers every command with the same line.
pub struct Parrot(pub SocketAddr);

impl Parrot {
    pub fn saying(line: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        thread::spawn(move || {
            listener.incoming().map_while(Result::ok).for_each(|stream| drop(thread::spawn(|| repeat(stream, line))));
        });
        Self(address)
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.0)
    }
}

/// Answers each command, which is one array of bulk strings.
fn repeat(mut stream: TcpStream, line: &str) {
    let mut lines = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
    while let Some(words) = header(&mut lines, '*') {
        for _ in 0..words {
            let Some(length) = header(&mut lines, '$') else { return };
            if lines.read_exact(&mut vec![0; length + 2]).is_err() {
                return;
            }
        }
        if stream.write_all(format!("{line}\r\n").as_bytes()).is_err() {
            return;
        }
    }
}

fn header(lines: &mut impl BufRead, sign: char) -> Option<usize> {
    let mut line = String::new();
    lines.read_line(&mut line).ok()?;
    line.trim_end().strip_prefix(sign)?.parse().ok()
}
