//! A server with more revocations than anyone can read.

use std::{
    io::{BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use truegate::store::REVOCATIONS_AT_ONCE;

use super::parrot::command;

/// A server that has another page of revocations for whoever asks, until it is told to have no more. They end no session.
pub struct Endless {
    address: SocketAddr,
    pages: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Endless {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let (pages, ended) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let server = Self { address, pages: Arc::clone(&pages), ended: Arc::clone(&ended) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (pages, ended) = (Arc::clone(&pages), Arc::clone(&ended));
                thread::spawn(move || serve(stream, &pages, &ended));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// How many pages were asked for.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::SeqCst)
    }

    /// From now on there are no more revocations.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }
}

fn serve(mut stream: TcpStream, pages: &AtomicU64, ended: &AtomicBool) -> Option<()> {
    let mut commands = BufReader::new(stream.try_clone().ok()?);
    loop {
        let answer = match command(&mut commands)?.as_slice() {
            b"XRANGE" if ended.load(Ordering::SeqCst) => "*0\r\n".to_owned(),
            b"XRANGE" => page(pages.fetch_add(1, Ordering::SeqCst)),
            _ => "+OK\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

fn page(number: u64) -> String {
    let entries = REVOCATIONS_AT_ONCE + 1;
    let entry = |at: usize| {
        let id = format!("{}-{at}", number + 1);
        let fields = ["generation", "1.1", "until", "9999999999999", "sealed", "junk"].map(bulk).concat();
        format!("*2\r\n{}*6\r\n{fields}", bulk(&id))
    };
    format!("*{entries}\r\n{}", (0..entries).map(entry).collect::<String>())
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
