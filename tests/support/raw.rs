//! A client that sends bytes as they are, and reads whole HTTP/1 messages.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// An HTTP/1 message as it came: its lines without their ends, and its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The request line or the status line.
    pub start: String,
    /// The header lines, in their order and letter case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The trailer lines of a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Message {
    /// The status of a response.
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line")
    }

    /// Every value of a header, whatever its letter case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The one value of a header.
    pub fn one(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [] => None,
            [value] => Some(value),
            ref many => panic!("{name} came {} times: {many:?}", many.len()),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The stable code of problem details.
    pub fn code(&self) -> String {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).expect("problem details");
        problem["code"].as_str().expect("a code").to_owned()
    }

    /// Reads one message; `None` when the peer has closed instead.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        Self::read_buffered(&mut BufReader::new(stream)).await
    }

    /// Reads one message of several.
    pub async fn read_buffered(reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<Self>> {
        let Some(start) = line(reader).await? else { return Ok(None) };
        let mut message = Self { start, headers: fields(reader).await?, ..Self::default() };
        if message.one("transfer-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
            message.read_chunks(reader).await?;
        } else if let Some(length) = message.one("content-length").map(|length| length.parse().expect("a length")) {
            message.body.resize(length, 0);
            reader.read_exact(&mut message.body).await?;
        }
        Ok(Some(message))
    }

    async fn read_chunks(&mut self, reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<()> {
        loop {
            let size = line(reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let size = usize::from_str_radix(&size, 16).expect("a chunk's size");
            if size == 0 {
                self.trailers = fields(reader).await?;
                return Ok(());
            }
            let start = self.body.len();
            self.body.resize(start + size, 0);
            reader.read_exact(&mut self.body[start..]).await?;
            line(reader).await?;
        }
    }
}

/// Sends bytes, and reads the one response to them; `None` when the connection is closed without one.
pub async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Option<Message> {
    exchange_over(TcpStream::connect(address).await.expect("the edge listens"), bytes).await
}

/// The same as [`exchange`], from an address of this machine: each of 127.0.0.0/8 is one.
pub async fn exchange_from(client: IpAddr, address: SocketAddr, bytes: impl AsRef<[u8]>) -> Option<Message> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((client, 0).into()).expect("an address of this machine");
    exchange_over(socket.connect(address).await.expect("the edge listens"), bytes).await
}

async fn exchange_over(mut stream: TcpStream, bytes: impl AsRef<[u8]>) -> Option<Message> {
    // An edge may answer and close before it has read everything.
    let _ = stream.write_all(bytes.as_ref()).await;
    within(Message::read(&mut stream)).await.ok().flatten()
}

/// A POST of a body, as Truecaller sends it.
pub fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: app.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A GET with header lines, each ending in CR LF.
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: app.example\r\n{headers}\r\n").into_bytes()
}

/// A GET for the metrics of an admin listener on this machine, with header lines, each ending in CR LF.
pub fn scrape(headers: &str) -> Vec<u8> {
    format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

/// What comes in good time, on a busy machine too; a test that hangs fails.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("an answer in good time")
}

async fn line(reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if reader.read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
}

async fn fields(reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    loop {
        let field = line(reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let Some((name, value)) = field.split_once(':') else { return Ok(fields) };
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
}
